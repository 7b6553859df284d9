"""Dry-run: what a draft catalogue would have changed over the packages judged so far, without touching anything.

Here belongs comparing what the warehouse wrote down with what the draft's conditions say of the same records, in one
transaction: temporary tables are made, then it is read-only, and in the end it is rolled back. Verdicts follow through
``corrections``: a version that is newly quarantined may make another one live. Rules between forms are tried as they
stood on the day they were last judged. Keep out reading drafts (``draft``) and showing outcomes.
See ``docs/decisions/0017-a-draft-is-tried-over-history.md``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import Literal

from expectations import corrections, links
from expectations.conditions import Condition, conditions
from expectations.corrections import BREAKS, KEPT, LINKS, Place, Settled
from expectations.draft import DraftError
from expectations.links import conditions as between
from expectations.links import scope
from expectations.links.conditions import Link
from ingestion import load, tables
from ingestion.contract import Catalogue, Form, Rule

TEMPORARY = {
    "trial_submission": "submission_seq bigint primary key, form text, subject text, received_on date",
    "trial_changed": "form text, rule text",
    "trial_flags": "submission_seq bigint, line integer, flags text[]",
    "trial_broken": "submission_seq bigint, line integer, rule text, field text, severity text",
    "trial_turned": "submission_seq bigint, line integer, form text, is_broken boolean, is_unlinked boolean, "
    "primary key (submission_seq, line)",
    "trial_settled": "submission_seq bigint, line integer, rule text, cleared boolean",
    "trial_moved": "submission_seq bigint, line integer, was boolean, will boolean",
    "unmet": links.UNMET,
}
"""The submissions tried; the rules that changed; what the draft's reader noted; what breaks the changed rules under the
draft; the records that break an error rule of their own (``is_broken``) or between forms (``is_unlinked``) under the
draft and not now, or the other way; how these and the versions beside them are settled then; the records that would be
quarantined (``will``) or are (``was``), and not both; what the changed rules between forms find, replaced or not."""

STEPS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "trial").glob("*.sql")}


@dataclass(frozen=True)
class RuleOutcome:
    """A changed rule over the records of one form. ``now`` and ``draft`` are records that break it; ``quarantined`` and
    ``released`` those of them whose standing the draft as a whole would change."""

    form: str
    rule: str
    severity_now: str | None
    severity_draft: str | None
    now: int = 0
    draft: int = 0
    newly: int = 0
    no_longer: int = 0
    quarantined: int = 0
    released: int = 0


@dataclass(frozen=True)
class PackageOutcome:
    """A package of whose records some would be quarantined or released."""

    submission_seq: int
    subject: str
    form: str
    verdict_now: str
    verdict_draft: str
    quarantined: int
    released: int


@dataclass(frozen=True)
class SubjectOutcome:
    """What the draft would have changed for one subject: packages tried, those with another verdict, and records."""

    subject: str
    form: str
    packages: int
    other_verdict: int
    newly_violating: int
    quarantined: int
    released: int


@dataclass(frozen=True)
class Found:
    """One record that newly breaks a rule; no value of it."""

    submission_seq: int
    line: int
    rule: str
    field: str
    severity: str


@dataclass(frozen=True)
class NotTried:
    """A rule that the draft changes and that was not tried, and why."""

    rule: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What a draft would have changed over the packages received from ``first`` to ``last`` and judged. ``linked_on``
    is the day as of which rules between forms were tried; None where the draft changes none."""

    catalogue: str
    draft: str
    first: date
    last: date
    submissions: int
    records: int
    linked_on: date | None
    rules: tuple[RuleOutcome, ...]
    subjects: tuple[SubjectOutcome, ...]
    packages: tuple[PackageOutcome, ...]
    found: tuple[Found, ...]
    not_tried: tuple[NotTried, ...]


@dataclass(frozen=True)
class _Change:
    """What the draft changes about the records of one form: the rules, and the draft's conditions of these rules;
    ``links`` are those between forms."""

    form: Form
    codes: frozenset[str]
    conditions: tuple[Condition, ...]
    links: tuple[Link, ...]

    @property
    def reads_again(self) -> bool:
        """Whether the texts must be judged again: their verdicts were left in ``flags`` when they were read."""
        return any(condition.is_flag for condition in self.conditions)


def try_out(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    draft: Catalogue,
    home: Path,
    first: date,
    last: date,
    records: int = 0,
) -> Outcome:
    """Try a draft over every package received from ``first`` to ``last`` and judged; ``records`` is how many newly
    violating records to name. Needs an autocommit connection; nothing but temporary tables is written, and these are
    rolled back.

    Raises ``DraftError`` when a condition of the draft cannot be evaluated.
    """
    with connection.transaction(force_rollback=True):
        connection.execute("set transaction isolation level repeatable read")
        today = _linked_on(connection)
        forms = catalogue.forms.values()
        changes = [c for form in forms if (c := _change(form, catalogue, draft, first, last, today))]
        lists = _changed_lists(catalogue, draft)
        _prepare(connection, draft, changes, lists, first, last)
        tables = _gather(connection, catalogue, draft, changes, lists, today) if today else {}
        connection.execute("set transaction read only")
        return _compare(connection, catalogue, draft, changes, lists, tables, home, first, last, today, records)


# What a draft changes


def _linked_on(connection: psycopg.Connection) -> date | None:
    """The local day on which rules between forms were last judged, as far as the ledger knows: a night on which nothing
    changed leaves no event. None where they never were."""
    row = connection.execute(
        "select greatest((select at from ledger.events where seq = linked.event_seq), "
        "(select at from ledger.events where kind = 'linked' order by seq desc limit 1)) from ledger.linked as linked"
    ).fetchone()
    return row[0].astimezone(links.LOCAL).date() if row and row[0] else None


def _change(
    form: Form, catalogue: Catalogue, draft: Catalogue, first: date, last: date, today: date | None
) -> _Change | None:
    """The rules of a form whose verdict about some record may differ; None where there are none."""
    drafted = draft.forms.get(form.name)
    if drafted is None:
        return None
    now = _meanings(form, catalogue, first, last)
    meant = conditions(drafted, draft, last, since=first)
    will = _meanings(drafted, draft, first, last)
    codes = {code for code in now.keys() | will.keys() if now.get(code) != will.get(code)}
    if _lookups(form, catalogue) != _lookups(drafted, draft):
        codes |= {condition.rule.code for condition in meant if condition.rule.holds}
    linked: list[Link] = []
    if today:
        linked = _links(drafted, draft, first, last, today)
        was, then = _link_meanings(_links(form, catalogue, first, last, today)), _link_meanings(linked)
        if _linked(form, catalogue) != _linked(drafted, draft):
            codes |= was.keys() | then.keys()
        codes |= {code for code in was.keys() | then.keys() if was.get(code) != then.get(code)}
    if not codes:
        return None
    changed = tuple(c for c in meant if c.rule.code in codes)
    return _Change(drafted, frozenset(codes), changed, tuple(link for link in linked if link.rule.code in codes))


def _links(form: Form, catalogue: Catalogue, first: date, last: date, today: date) -> list[Link]:
    """The rules between forms but GEN-603, by which others are judged. Raises ``DraftError``."""
    try:
        found = between.links(form, catalogue, first, last, today)
    except (KeyError, IndexError, ValueError) as error:
        raise DraftError(
            f"{form.name}: a rule between forms names a parameter that it does not have: {error}"
        ) from None
    return [link for link in found if link.rule.code != KEPT]


def _link_meanings(linked: Iterable[Link]) -> dict[str, set[Any]]:
    """Rule -> all that decides its verdict about a record, but for the columns of other records."""
    meanings: dict[str, set[Any]] = {}
    for link in linked:
        meaning = link.field, link.fulfilled, link.begins, link.escalates, link.owed_by, link.severity
        meanings.setdefault(link.rule.code, set()).add(meaning)
    return meanings


def _meanings(form: Form, catalogue: Catalogue, first: date, last: date) -> dict[str, set[Any]]:
    """Rule -> all that decides its verdict about a record, but for looked-up columns."""
    read = tuple((f.name, f.type, f.pattern, f.required) for f in form.fields)
    meanings: dict[str, set[Any]] = {}
    for condition in conditions(form, catalogue, last, since=first):
        rule = condition.rule
        meaning: Any = (condition.field, condition.sql, rule.severity)
        if condition.is_flag:
            lists = [catalogue.code_lists.get(f.code_list or "", ()) for f in form.fields]
            sizes = tuple(map(len, lists)) if "totals" in rule.parameters else ()
            meaning = (*meaning, repr(sorted(rule.parameters.items())), read, form.natural_key, sizes)
        meanings.setdefault(rule.code, set()).add(meaning)
    return meanings


def _lookups(form: Form, catalogue: Catalogue) -> tuple[Any, ...]:
    """What a form's looked-up columns follow from."""
    return _looked_up(form.checked_sql or "", catalogue)


def _linked(form: Form, catalogue: Catalogue) -> tuple[Any, ...]:
    """What the columns of other records follow from."""
    return _looked_up(" ".join([links.query(catalogue, form), *links.lookups(catalogue).values()]), catalogue)


def _looked_up(text: str, catalogue: Catalogue) -> tuple[Any, ...]:
    """A query and the lists it names."""
    names = sorted(set(re.findall(r"\breference\.(\w+)", text)))
    return text, *((name, _content(catalogue, name)) for name in names)


def _changed_lists(catalogue: Catalogue, draft: Catalogue) -> list[str]:
    """Code lists and tables of the registry of which the draft has another file."""
    paths = (path for part in ("classifiers", "registry") for path in (draft.root / part).glob("*.csv"))
    return sorted(path.stem for path in paths if path.read_bytes() != _content(catalogue, path.stem))


def _content(catalogue: Catalogue, name: str) -> bytes | None:
    paths = [catalogue.root / part / f"{name}.csv" for part in ("classifiers", "registry")]
    return next((path.read_bytes() for path in paths if path.exists()), None)


def _not_tried(catalogue: Catalogue, draft: Catalogue, tried: set[str], today: date | None) -> Iterable[NotTried]:
    """Rules that the draft changes and no record could be tried by."""
    for code in sorted(catalogue.versions.keys() | draft.versions.keys()):
        now, will = (list(map(_essence, c.versions.get(code, ()))) for c in (catalogue, draft))
        if now == will or code in tried:
            continue
        is_link = any(rule.is_link for c in (catalogue, draft) for rule in c.versions.get(code, ()))
        if code.startswith("PKG"):
            why = "judged when a package is received: what was refused or held is not received anew"
        elif code == KEPT:
            why = "it decides which annulments count, and so which records there are for others to stand on"
        elif is_link and today is None:
            why = "rules between forms have not been judged yet"
        elif not is_link and (code == "GEN-101" or code.startswith(("CAL", "SER")) or int(code.split("-")[1]) >= 600):
            why = "only rules 1xx to 5xx of records and rules between forms are tried"
        else:
            why = "in force on none of these days, or it says the same: see --backdate"
        yield NotTried(code, why)


def _not_followed(connection: psycopg.Connection, catalogue: Catalogue, draft: Catalogue) -> Iterable[NotTried]:
    """Rules between forms see records as they were judged by their own rules; named where the draft would have judged
    them otherwise, or given them other looked-up columns."""
    turned = {
        form for (form,) in connection.execute("select distinct form from trial_turned where is_broken is not null")
    }
    meeting = {form.name: form for form in catalogue.forms.values() if form.links or form.peers}
    forms = [
        name
        for name, form in meeting.items()
        if name in turned or (name in draft.forms and _lookups(form, catalogue) != _lookups(draft.forms[name], draft))
    ]
    if forms:
        yield NotTried(
            "6xx",
            f"rules between forms see records of {', '.join(forms)} as they were judged, not as the draft would judge "
            "them",
        )


def _essence(rule: Rule) -> tuple[Any, ...]:
    """A rule without its words."""
    parameters = repr(sorted(rule.parameters.items()))
    return rule.form, rule.severity, rule.fields, parameters, rule.holds, rule.valid_from, rule.valid_to


# What follows from it


def _compare(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    draft: Catalogue,
    changes: Sequence[_Change],
    lists: Sequence[str],
    tables: Mapping[str, str],
    home: Path,
    first: date,
    last: date,
    today: date | None,
    records: int,
) -> Outcome:
    for change in changes:
        if change.reads_again:
            _read_again(connection, catalogue, draft, change, home)
        _evaluate(connection, change, lists, first, last)
    connection.execute("analyze trial_broken")
    connection.execute(STEPS["turned"].format(breaks=BREAKS), {"rules": list(corrections.RULES)})
    if today:
        _evaluate_links(connection, changes, tables, today)
        connection.execute(STEPS["unlinked"])
    _settle(connection, draft)
    connection.execute("analyze trial_settled")
    connection.execute(STEPS["holding"])
    connection.execute(STEPS["moved"].format(breaks=BREAKS), {"rules": list(corrections.RULES)})
    connection.execute("analyze trial_moved")
    submissions, read = connection.execute(STEPS["total"]).fetchone() or (0, 0)
    tried = {code for change in changes for code in change.codes}
    is_linked = any(rule.is_link for code in tried for c in (catalogue, draft) for rule in c.versions.get(code, ()))
    packages = tuple(_packages(connection))
    return Outcome(
        catalogue.version,
        draft.version,
        first,
        last,
        submissions,
        read,
        today if is_linked else None,
        tuple(_rules(connection, catalogue, draft, changes, last)),
        tuple(_subjects(connection, packages)),
        packages,
        tuple(Found(*row) for row in connection.execute(STEPS["found"].format(links=LINKS), [records])),
        (*_not_followed(connection, catalogue, draft), *_not_tried(catalogue, draft, tried, today)),
    )


def _prepare(
    connection: psycopg.Connection,
    draft: Catalogue,
    changes: Sequence[_Change],
    lists: Sequence[str],
    first: date,
    last: date,
) -> None:
    """Make the temporary tables; fill in what is tried, and the draft's code lists: looked-up columns follow from
    them."""
    for name, columns in TEMPORARY.items():
        connection.execute(f"create temporary table {name} ({columns})")
    for name in lists:
        path = next(p for part in ("classifiers", "registry") if (p := draft.root / part / f"{name}.csv").exists())
        known: dict[str, str] = dict(
            connection.execute(
                "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
                "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
                [f"reference.{name}"],
            ).fetchall()
        )
        header = path.read_text(encoding="utf-8").partition("\n")[0].strip().split(",")
        dates = dict.fromkeys(("valid_from", "valid_to"), "date")
        columns = ", ".join(f"{column} {known.get(column) or dates.get(column, 'text')}" for column in header)
        connection.execute(f"create temporary table draft_{name} ({columns})")
        with connection.cursor().copy(f"copy draft_{name} from stdin (format csv, header)") as copy:
            copy.write(path.read_bytes())
        connection.execute(f"analyze draft_{name}")
    window = {"first": first, "last": last, "forms": [change.form.name for change in changes]}
    connection.execute(STEPS["submissions"], window)
    with connection.cursor().copy("copy trial_changed from stdin") as copy:
        for change in changes:
            for code in change.codes:
                copy.write_row((change.form.name, code))
    connection.execute("analyze trial_submission, trial_changed")


def _gather(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    draft: Catalogue,
    changes: Sequence[_Change],
    lists: Sequence[str],
    today: date,
) -> dict[str, str]:
    """Gather the records tried and all that hangs on them, as a night does; returns, for each form with records to
    judge, the rows that its rules between forms are judged over."""
    tried = {change.form.name: _submissions(connection, change.form) for change in changes if change.links}
    tried = {name: submissions for name, submissions in tried.items() if submissions}
    if not tried:
        return {}
    known = replace(draft, forms={name: form for name, form in draft.forms.items() if name in catalogue.forms})
    try:
        looked_at = scope.gather(connection, known, today, tried)
    except psycopg.errors.UndefinedColumn as error:
        raise DraftError(f"form.toml: {error.diag.message_primary}: its records do not have it yet") from None
    if looked_at.days is None:
        return {}
    for table, filling in links.lookups(known).items():
        connection.execute(f"create temporary table {table} as {_with_lists(filling, lists)}")
        connection.execute(f"analyze {table}")
    return {
        form.name: f"(select linked.* from ({_with_lists(links.query(known, form), lists)}) as linked where "
        f"submission_seq in (select submission_seq from trial_submission where form = '{form.name}'))"
        for form in looked_at.forms
    }


def _submissions(connection: psycopg.Connection, form: Form) -> list[int]:
    rows = connection.execute("select submission_seq from trial_submission where form = %s", [form.name])
    return [seq for (seq,) in rows]


def _with_lists(query: str, lists: Sequence[str]) -> str:
    """A query over the draft's code lists."""
    for name in lists:
        query = re.sub(rf"\breference\.{name}\b", f"draft_{name}", query)
    return query


def _read_again(
    connection: psycopg.Connection, catalogue: Catalogue, draft: Catalogue, change: _Change, home: Path
) -> None:
    """What the draft's reader notes about the texts, from the archived bytes."""
    form = change.form.name
    for noted in load.flags_by(connection, catalogue, draft, form, home, _submissions(connection, change.form)):
        with connection.cursor().copy("copy trial_flags from stdin") as copy:
            for row in noted.iter_rows():
                copy.write_row(row)
    connection.execute("analyze trial_flags")


def _evaluate(connection: psycopg.Connection, change: _Change, lists: Sequence[str], first: date, last: date) -> None:
    """Write down every record that breaks a changed rule under the draft, in one statement a form."""
    if not change.conditions:
        return
    records = _records(connection, change, lists)
    within = (
        f"received_on between '{first}' and '{last}' and submission_seq in "
        f"(select submission_seq from trial_submission where form = '{change.form.name}')"
    )
    cases = ", ".join(f"case when not ({c.sql}) then {place} end" for place, c in enumerate(change.conditions))
    rules = ", ".join(
        f"({place}, {', '.join(Literal(v).as_string(connection) for v in (c.rule.code, c.field, c.rule.severity))})"
        for place, c in enumerate(change.conditions)
    )
    statement = (
        "insert into trial_broken select broken.submission_seq, broken.line, rule.code, rule.field, rule.severity "
        f"from (select submission_seq, line, unnest(array_remove(array[{cases}], null)) as place "
        f"from ({records}) as record where {within} "
        f"and ({' or '.join(f'({c.sql}) is false' for c in change.conditions)})) as broken "
        f"join (values {rules}) as rule (place, code, field, severity) using (place)"
    )
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.Error as error:
        conditions_by_rule = [(condition.rule.code, condition.sql) for condition in change.conditions]
        source, columns = f"from ({records}) as record where {within}", f"checked.{change.form.name}"
        raise _blame(connection, change.form, conditions_by_rule, source, columns, error) from None


def _evaluate_links(
    connection: psycopg.Connection, changes: Sequence[_Change], tables: Mapping[str, str], today: date
) -> None:
    """Write down every record that does not meet a changed rule between forms under the draft."""
    for change in changes:
        name = change.form.name
        if not change.links or name not in tables:
            continue
        try:
            with connection.transaction():
                links.find_unmet(connection, {name: (tables[name], change.links)}, today)
        except psycopg.Error as error:
            stated = [
                (link.rule.code, f"({link.fulfilled}) and ({link.owed_by}) is distinct from ''")
                for link in change.links
            ]
            source, columns = f"from {tables[name]} as linked where true", f"linked.sql of {name}"
            raise _blame(connection, change.form, stated, source, columns, error) from None


def _records(connection: psycopg.Connection, change: _Change, lists: Sequence[str]) -> str:
    """``checked.<form>`` as the draft would have it: its fields, what its reader noted, its code lists."""
    form = change.form
    present = {
        name
        for (name,) in connection.execute(
            "select attname::text from pg_attribute where attrelid = to_regclass(%s) and not attisdropped",
            [f"raw.{form.name}"],
        )
    }
    columns = {
        name: f"raw.{name}" if name in present else f"null::{kind} as {name}"
        for name, kind in tables.raw_columns(form).items()
    }
    noted = ""
    if change.reads_again:
        columns["flags"] = "noted.flags"
        noted = "left join trial_flags as noted on noted.submission_seq = raw.submission_seq and noted.line = raw.line"
    query = tables.checked_query(form, f"(select {', '.join(columns.values())} from raw.{form.name} as raw {noted})")
    return _with_lists(query, lists)


def _blame(
    connection: psycopg.Connection,
    form: Form,
    stated: Iterable[tuple[str, str]],
    source: str,
    columns: str,
    error: psycopg.Error,
) -> DraftError:
    """Which condition could not be evaluated. The database's own words only where they are about the rule, never about
    values of records."""
    for step in ("explain select", "select count(*)"):
        for code, condition in stated:
            try:
                with connection.transaction():
                    connection.execute(f"{step} {source} and not ({condition})".encode())
            except psycopg.Error as own:
                said = own.diag.message_primary if step.startswith("explain") else type(own).__name__
                return DraftError(
                    f"{code}: 'holds' cannot be evaluated over {form.name}: {said}; name columns of {columns}"
                )
    return DraftError(f"{form.name}: the draft cannot be evaluated: {type(error).__name__}")


def _settle(connection: psycopg.Connection, draft: Catalogue) -> None:
    """Settle every key of which a version turned, under the draft; write down how all its versions stand then."""
    turned = connection.execute("select submission_seq, line, is_broken, is_unlinked from trial_turned").fetchall()
    broken: dict[Place, bool] = {(seq, line): now for seq, line, now, _ in turned if now is not None}
    unlinked: dict[Place, bool] = {(seq, line): now for seq, line, _, now in turned if now is not None}
    settled: dict[Place, Settled] = {(seq, line): Settled(None, cleared=False) for seq, line, *_ in turned}
    keys: dict[str, set[str]] = {}
    for (form,) in connection.execute(
        "select form from trial_turned union select form from unmet join trial_submission using (submission_seq)"
    ).fetchall():
        rows = connection.execute(STEPS["shared"].format(form=form))
        keys[form] = {key for (key,) in rows}
    if corrections.DECISIONS in keys:
        within = "(submission_seq, line) in (select submission_seq, line from trial_turned where is_broken is not null)"
        cases = corrections.transferred_cases(connection, within)
        for other in draft.forms.values():
            if cases and other.natural_key[0] == corrections.CASE:
                keys.setdefault(other.name, set()).update(corrections.keys_of_cases(connection, other, cases))
    for form, of_form in keys.items():
        settled |= corrections.standings(connection, draft, draft.forms[form], sorted(of_form), (), broken, unlinked)
    with connection.cursor().copy("copy trial_settled from stdin") as copy:
        for (seq, line), outcome in settled.items():
            copy.write_row((seq, line, outcome.rule, outcome.cleared))


# What is told


def _rules(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    draft: Catalogue,
    changes: Sequence[_Change],
    last: date,
) -> Iterable[RuleOutcome]:
    """Changed rules, by form; those of no record at all only where the draft says another thing by name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        counted = {
            (row.pop("form"), row.pop("rule")): row for row in cursor.execute(STEPS["rules"].format(links=LINKS))
        }
    for change in changes:
        for code in sorted(change.codes):
            counts: Mapping[str, int] = counted.get((change.form.name, code), {})
            now, will = _severity(catalogue, code, last), _severity(draft, code, last)
            same_words = catalogue.versions.get(code) == draft.versions.get(code)
            own = any(code == rule.code for rule in change.form.rules) or code not in draft.versions
            moved = counts and (counts["newly"] or counts["no_longer"] or now != will)
            if moved or (own and not same_words) or (counts and not same_words):
                yield RuleOutcome(change.form.name, code, now, will, **counts)


def _severity(catalogue: Catalogue, code: str, last: date) -> str | None:
    """The severity of a rule on the last day; None where it is not in force then."""
    in_force = [rule for rule in catalogue.versions.get(code, ()) if rule.in_force(last)]
    return in_force[-1].severity if in_force else None


def _packages(connection: psycopg.Connection) -> Iterable[PackageOutcome]:
    rows = connection.execute(STEPS["packages"]).fetchall()
    for seq, subject, form, verdict, unreadable, quarantined, accepted, newly, released in rows:
        left = accepted - newly + released
        held = quarantined + newly - released + unreadable
        drafted = "quarantined" if left == 0 else "partly_accepted" if held else "accepted"
        yield PackageOutcome(seq, subject, form, verdict, drafted, newly, released)


def _subjects(connection: psycopg.Connection, packages: Sequence[PackageOutcome]) -> Iterable[SubjectOutcome]:
    """Subjects of whose records some newly break a rule, or would be quarantined or released."""
    moved: dict[tuple[str, str], list[PackageOutcome]] = {}
    for package in packages:
        moved.setdefault((package.subject, package.form), []).append(package)
    for subject, form, tried, newly in connection.execute(STEPS["subjects"].format(links=LINKS)).fetchall():
        of_subject = moved.pop((subject, form), [])
        if newly or of_subject:
            yield _of_subject(subject, form, tried, newly, of_subject)
    for (subject, form), of_subject in sorted(moved.items()):  # packages of other days whose records stand otherwise
        yield _of_subject(subject, form, 0, 0, of_subject)


def _of_subject(subject: str, form: str, tried: int, newly: int, packages: Sequence[PackageOutcome]) -> SubjectOutcome:
    return SubjectOutcome(
        subject,
        form,
        tried,
        sum(p.verdict_now != p.verdict_draft for p in packages),
        newly,
        sum(p.quarantined for p in packages),
        sum(p.released for p in packages),
    )
