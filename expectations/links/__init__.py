"""The rules between forms (6xx): whether the other records a record stands on were sent, and agree with it.

Here belongs the verdict over what ``scope`` gathers, once a night after all forms are judged: Great Expectations counts
the rules over one table a form, one statement a form writes down what is unmet, and the open violations are brought to
it: found, cleared, escalated. Keep out what a rule says (``conditions``), and GEN-601, 602, 604 (``corrections``).

A rule looks at whether other records are sound in themselves, whatever rules between forms say of them: verdicts never
cascade, so the outcome is a function of the records and of the day alone, whatever order they came in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from expectations import corrections, judgement, validation
from expectations.corrections import LINKS
from expectations.links import scope
from expectations.links.conditions import Link, links
from expectations.links.scope import PEER, Scope
from expectations.validation import MachineryError
from ingestion import ledger
from ingestion.contract import Catalogue, Form
from ingestion.ledger import Event

LOCAL = ZoneInfo("Asia/Almaty")
CHANGES = ("found", "cleared", "escalated", "eased")


@dataclass(frozen=True)
class Linked:
    """One judgement between forms. ``records`` were looked at; ``violations`` is (rule, field) -> records that break it
    now; ``changes`` is (rule, change) -> records, a change being found, cleared, escalated or eased; ``restated``
    numbers the submissions that changed."""

    records: int = 0
    violations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    changes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    restated: tuple[int, ...] = ()


@ledger.one_at_a_time(ledger.JUDGING)
def judge(
    connection: psycopg.Connection,
    sqlalchemy_url: str,
    catalogue: Catalogue,
    now: datetime,
    docs: Path | None = None,
) -> Linked:
    """Judge the rules between forms for all that changed since the last time and all whose day has come.

    The tables that rules are judged over are written first, since Great Expectations reads only what is committed;
    everything that follows is one transaction. Judging again changes nothing. Raises ``MachineryError`` when the
    machinery is at fault; nothing changes then, and the next time looks at the same records again.
    """
    today = now.astimezone(LOCAL).date()
    _clear(connection, catalogue)
    try:
        with connection.transaction():
            looked_at = scope.gather(connection, catalogue, today)
            rules = _rules(catalogue, looked_at, today)
            if rules:
                for table, filling in lookups(catalogue).items():
                    connection.execute(f"create temporary table {table} as {filling}")
            for name, of_form in rules.items():
                _show(connection, catalogue, catalogue.forms[name], of_form)
        views = {_view(name): of_form for name, of_form in rules.items()}
        counted = validation.count(sqlalchemy_url, "links", views, docs) if views else {}
        with connection.transaction():
            ledger.lock(connection)
            if scope.head(connection) != looked_at.head:
                raise MachineryError("links: records were judged while their links were; run the night again")
            connection.execute(f"create temporary table unmet ({UNMET}) on commit drop")
            find_unmet(
                connection, {name: (f"checked.{_view(name)}", of_form) for name, of_form in rules.items()}, today
            )
            _agree(connection, counted)
            restanding = _keep_unmet(connection, catalogue, looked_at)
            changes, event_of = _write_violations(connection, catalogue, looked_at, now)
            for name, keys in restanding.items():
                event_of |= corrections.settle_keys(connection, catalogue, catalogue.forms[name], keys, event_of, now)
            judgement.warn_of_high_shares(connection, catalogue.rule("PKG-132", today), event_of)
            _remember(connection, looked_at)
        return Linked(looked_at.records, {key: n for key, n in counted.items() if n}, changes, tuple(sorted(event_of)))
    finally:
        _clear(connection, catalogue)


def _clear(connection: psycopg.Connection, catalogue: Catalogue) -> None:
    """Take away what is judged over; before, since a killed judgement leaves its tables behind."""
    scope.drop(connection, catalogue.forms.values())
    shown = ", ".join(f"checked.{_view(name)}" for name in catalogue.forms)
    connection.execute(f"drop table if exists {shown}, person, sender")


def _rules(catalogue: Catalogue, looked_at: Scope, today: date) -> dict[str, list[Link]]:
    if looked_at.days is None:
        return {}
    first, last = looked_at.days
    rules = {form.name: links(form, catalogue, first, last, today) for form in looked_at.forms}
    return {name: of_form for name, of_form in rules.items() if of_form}


# What is judged


def _view(form: str) -> str:
    return f"{form}_linked"


def _show(connection: psycopg.Connection, catalogue: Catalogue, form: Form, rules: Sequence[Link]) -> None:
    """The table that the rules are judged over: of ``query`` what they name."""
    linked = query(catalogue, form)
    named = {word for rule in rules for text in rule.texts for word in re.findall(r"[a-z_0-9]+", text)}
    columns = connection.execute(f"select * from ({linked}) as linked limit 0").description or ()
    shown = [column.name for column in columns if column.name in named | {"submission_seq", "line"}]
    connection.execute(
        f"create unlogged table checked.{_view(form.name)} as select {', '.join(shown)} from ({linked}) as linked"
    )


def query(catalogue: Catalogue, form: Form) -> str:
    """SQL: one row for each sound record looked at, with columns of the records it stands with (``linked.sql``). Reads
    what ``scope.gather`` filled, and the tables of ``lookups``."""
    own = ["sender.region as sender_region", "sender.bodies as sender_bodies", _has_live_children(catalogue, form)]
    joins = ["left join sender on sound.subject = sender.subject"]
    if "court" in form.field_names:
        own.append("court.subject as court_subject")
        joins.append("left join reference.court as court on sound.court = court.code")
    else:
        own.append("null::text as court_subject")
    if form.peers:
        own += ["person.birth_dates as person_birth_dates", "person.sexes as person_sexes"]
        joins.append(f"left join person on sound.{form.peers[0]} = person.person")
    return (
        f"with record as (\nselect sound.*, {', '.join(own)}\nfrom sound_{form.name} as sound\n{' '.join(joins)}\n"
        f"where sound.reached <> {PEER}\n)\n{form.linked_sql or 'select record.* from record'}"
    )


def lookups(catalogue: Catalogue) -> dict[str, str]:
    """The temporary tables that the ``query`` of a form may join, and the SQL that fills them."""
    return {"person": _persons(catalogue), "sender": SENDERS}


SENDERS = """
    with recursive above as (
        select code as body, code as subject, 0 as steps from reference.subjects
        union
        select above.body, own.parent, above.steps + 1
        from above
        inner join reference.subjects as own on above.subject = own.code
        where own.parent is not null and above.steps < 10
    ),

    spoken_for as (
        select subject, body from above
        union
        select covered_by, code from reference.subjects
    )

    select sender.code as subject, sender.region, array_agg(spoken_for.body) as bodies
    from reference.subjects as sender
    inner join spoken_for on sender.code = spoken_for.subject
    group by sender.code, sender.region
"""
"""A sender with its region and the bodies it may speak for: itself, those whose chain of parents leads to it, and
those it covers."""


def _has_live_children(catalogue: Catalogue, form: Form) -> str:
    children = [
        f"exists (select from live_{child.name} as child "
        f"where concat_ws('|', {', '.join(f'child.{own}' for own, _ in child.parent_link)}) = sound.record_key)"
        for child in catalogue.forms.values()
        if child.parent_form == form.name
    ]
    return f"sound.action = 'D' and ({' or '.join(children) or 'false'}) as has_live_children"


def _persons(catalogue: Catalogue) -> str:
    """SQL: what the live records of all forms say of each person: how many dates of birth, how many sexes."""
    known = " union all ".join(
        f"select {form.peers[0]} as person, birth_date, sex from live_{form.name}"
        for form in catalogue.forms.values()
        if form.peers and {"birth_date", "sex"} <= set(form.field_names)
    )
    return (
        "select person, count(distinct birth_date) as birth_dates, count(distinct sex) as sexes "
        f"from ({known}) as known group by person"
    )


# What is unmet


UNMET = (
    "submission_seq bigint, line integer, rule text, field text, severity text, begins_on date, escalates_on date, "
    "changes_on date, owed_by text"
)
"""Columns of the temporary table ``unmet``; ``severity`` is that of today, null for what is no violation yet."""


def find_unmet(connection: psycopg.Connection, rules: Mapping[str, tuple[str, Sequence[Link]]], today: date) -> None:
    """Fill ``unmet``, one statement a form: every rule between forms that a record does not meet, with its days and who
    owes. ``rules`` maps a form to the rows they are judged over (a table, or a query in parentheses) and the rules."""
    for rows, of_form in rules.values():
        connection.execute(statement(rows, of_form))
    connection.execute(
        "update unmet set "
        "severity = case when begins_on > %(today)s then null when escalates_on <= %(today)s then 'error' "
        "else severity end, "
        "changes_on = case when begins_on > %(today)s then begins_on "
        "when escalates_on > %(today)s then escalates_on end",
        {"today": today},
    )
    connection.execute("analyze unmet")


def statement(rows: str, rules: Sequence[Link]) -> str:
    """Every record of a form and the place of each condition that it does not fulfil."""
    unfulfilled = ",\n    ".join(
        f"case when not ({rule.fulfilled}) then {place} end" for place, rule in enumerate(rules)
    )

    def of_place(column: str, null: str) -> str:
        cases = " ".join(
            f"when {place} then {value}" for place, rule in enumerate(rules) if (value := getattr(rule, column)) != null
        )
        return f"case place {cases} end" if cases else null

    of_rules = ", ".join(
        f"({place}, '{rule.rule.code}', '{rule.field}', '{rule.severity}')" for place, rule in enumerate(rules)
    )
    return (
        "insert into unmet (submission_seq, line, rule, field, severity, begins_on, escalates_on, owed_by)\n"
        "select submission_seq, line, rule.code, rule.field, rule.severity, "
        f"{of_place('begins', 'null::date')}, {of_place('escalates', 'null::date')}, "
        f"{of_place('owed_by', 'null::text')}\n"
        f"from (select linked.*, unnest(array_remove(array[\n    {unfulfilled}\n], null)) as place\n"
        f"from {rows} as linked) as broken\n"
        f"join (values {of_rules}) as rule (number, code, field, severity) on rule.number = broken.place"
    )


def _agree(connection: psycopg.Connection, counted: Mapping[tuple[str, str], int]) -> None:
    """What the statement found to hold against a record today is what Great Expectations counted."""
    rows = connection.execute(
        "select rule, field, count(*) from unmet where severity is not null group by 1, 2"
    ).fetchall()
    written = {(rule, field): number for rule, field, number in rows}
    expected = {key: number for key, number in counted.items() if number}
    if written != expected:
        differing = sorted(key for key in expected.keys() | written.keys() if expected.get(key) != written.get(key))
        raise MachineryError(f"links: Great Expectations and the statement disagree on {differing}")


def _keep_unmet(connection: psycopg.Connection, catalogue: Catalogue, looked_at: Scope) -> dict[str, list[str]]:
    """Bring ``quality.unmet_links`` to what was found; returns, by form, the keys of several versions of which one now
    counts otherwise."""
    versions = " union all ".join(
        f"select '{form.name}' as form, record_key, submission_seq, line from known_{form.name} where reached <> {PEER}"
        for form in catalogue.forms.values()
    )
    connection.execute(f"create temporary table version on commit drop as {versions}")
    connection.execute("create index on version (submission_seq, line)")
    connection.execute("analyze version")
    same = "(o.submission_seq, o.line, o.rule, o.field) = (u.submission_seq, u.line, u.rule, u.field)"
    connection.execute(
        "create temporary table counts_otherwise on commit drop as "
        "select distinct submission_seq, line from ("
        "select u.submission_seq, u.line, u.rule, u.field from quality.unmet_links u "
        "join version using (submission_seq, line) where u.severity = 'error' "
        f"and not exists (select from unmet o where {same} and o.severity = 'error') "
        "union all select u.submission_seq, u.line, u.rule, u.field from unmet u where u.severity = 'error' "
        f"and not exists (select from quality.unmet_links o where {same} and o.severity = 'error')"
        ") as changed"
    )
    connection.execute(
        "delete from quality.unmet_links u using version where (u.submission_seq, u.line) = "
        f"(version.submission_seq, version.line) and not exists (select from unmet o where {same})"
    )
    columns = "severity, begins_on, escalates_on, changes_on, owed_by"
    connection.execute(
        f"update quality.unmet_links o set ({columns}) = "
        "(u.severity, u.begins_on, u.escalates_on, u.changes_on, u.owed_by) from unmet u "
        f"where {same} and (o.severity, o.begins_on, o.escalates_on, o.changes_on, o.owed_by) "
        "is distinct from (u.severity, u.begins_on, u.escalates_on, u.changes_on, u.owed_by)"
    )
    connection.execute(
        f"insert into quality.unmet_links (submission_seq, line, rule, field, {columns}) "
        f"select submission_seq, line, rule, field, {columns} from unmet u "
        f"where not exists (select from quality.unmet_links o where {same}) order by 1, 2, 3, 4"
    )
    restanding: dict[str, set[str]] = {}
    for form, key in connection.execute(
        "select distinct version.form, version.record_key from version "
        "where (form, record_key) in (select form, record_key from version "
        "join counts_otherwise using (submission_seq, line)) "
        "and (form, record_key) in (select form, record_key from version group by 1, 2 having count(*) > 1)"
    ):
        restanding.setdefault(form, set()).add(key)
    for form, key in looked_at.kept ^ looked_at.was_kept:
        restanding.setdefault(form, set()).add(key)
    return {form: sorted(keys) for form, keys in restanding.items()}


# What follows


def _write_violations(
    connection: psycopg.Connection, catalogue: Catalogue, looked_at: Scope, now: datetime
) -> tuple[dict[tuple[str, str], int], dict[int, int]]:
    """Bring the violations of the records looked at to what is unmet today, but for versions that a later accepted one
    has replaced; one event a submission that changes. Returns (rule, change) -> records, and the events."""
    _find_replaced(connection, looked_at)
    connection.execute(
        f"""
        create temporary table change on commit drop as
        with holding as (
            select u.* from unmet u
            left join replaced r using (submission_seq, line)
            where u.severity is not null and r.line is null
        ),
        standing as (
            select v.* from quality.violations v join version using (submission_seq, line) where {LINKS}
        )
        select submission_seq, line, rule, field, h.severity,
            case
                when h.severity is null then 'cleared'
                when s.severity is null or s.cleared_seq is not null then 'found'
                when h.severity = 'error' then 'escalated'
                else 'eased'
            end as kind
        from holding h full join standing s using (submission_seq, line, rule, field)
        where case
            when h.severity is null then s.cleared_seq is null
            else s.severity is distinct from h.severity or s.cleared_seq is not null
        end
        """
    )
    of_submission: dict[int, dict[str, int]] = {}
    changes: dict[tuple[str, str], int] = {}
    for seq, rule, kind, number in connection.execute(
        "select submission_seq, rule, kind, count(*) from change group by 1, 2, 3 order by 1, 2, 3"
    ):
        counts = of_submission.setdefault(seq, {})
        counts[kind] = counts.get(kind, 0) + number
        changes[rule, kind] = changes.get((rule, kind), 0) + number
    events = ledger.append_events(
        connection, [Event(seq, "linked", now, catalogue.version, counts) for seq, counts in of_submission.items()]
    )
    event_of = dict(zip(of_submission, events, strict=True))
    connection.execute("create temporary table event (submission_seq bigint primary key, seq bigint) on commit drop")
    with connection.cursor().copy("copy event from stdin") as copy:
        for pair in event_of.items():
            copy.write_row(pair)
    connection.execute(
        "insert into quality.violations as v (submission_seq, line, rule, field, severity, found_seq) "
        "select submission_seq, line, rule, field, severity, event.seq "
        "from change join event using (submission_seq) where kind = 'found' order by 1, 2, 3, 4 "
        "on conflict (submission_seq, line, rule, field) do update set severity = excluded.severity, "
        "found_seq = excluded.found_seq, cleared_seq = null, escalated_seq = null"
    )
    changed = (
        "from change c join event using (submission_seq) where (v.submission_seq, v.line, v.rule, v.field) "
        "= (c.submission_seq, c.line, c.rule, c.field) and c.kind"
    )
    connection.execute(f"update quality.violations v set cleared_seq = event.seq {changed} = 'cleared'")
    connection.execute(
        "update quality.violations v set severity = c.severity, "
        f"escalated_seq = case c.kind when 'escalated' then event.seq end {changed} in ('escalated', 'eased')"
    )
    return changes, event_of


def _find_replaced(connection: psycopg.Connection, looked_at: Scope) -> None:
    """Versions before the last accepted one of their key; a record of one version, which is live, has none."""
    replaced = " union all ".join(
        f"""
        select submission_seq, line from (
            select submission_seq, line, version_no, max(version_no) filter (where is_accepted)
                over (partition by record_key) as accepted_no
            from (
                select s.record_key, s.submission_seq, s.line,
                    row_number() over (partition by s.record_key order by {scope.ORDER}) as version_no,
                    not s.is_kept and u.line is null as is_accepted
                from sound_{form.name} as s
                left join (
                    select distinct submission_seq, line from unmet where severity = 'error'
                ) as u using (submission_seq, line)
                where s.reached <> {PEER} and s.record_key in (
                    select record_key from known_{form.name} where not is_live
                )
            ) as numbered
        ) as placed where version_no < accepted_no
        """
        for form in looked_at.forms
    )
    nobody = "select null::bigint as submission_seq, null::integer as line where false"
    connection.execute(f"create temporary table replaced on commit drop as {replaced or nobody}")
    connection.execute("create index on replaced (submission_seq, line)")
    connection.execute("analyze replaced")


def _remember(connection: psycopg.Connection, looked_at: Scope) -> None:
    connection.execute(
        "insert into ledger.linked (event_seq) values (%s) "
        "on conflict (one) do update set event_seq = excluded.event_seq",
        [looked_at.seen],
    )
