"""Corrections: which version of a record counts, whatever order its versions arrive in (GEN-601, 602, 604).

``settle`` is the whole logic, a pure function over the versions of one natural key. The rest reads the keys a
batch touches and turns what ``settle`` says into violations found and cleared. Order of versions: end of
period, sequence of the package, line, then the ledger; the order of arrival does not decide.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg

from expectations.validation import Batch
from ingestion import ledger
from ingestion.contract import Catalogue, Form
from ingestion.ledger import Event

RULES = ("GEN-601", "GEN-602", "GEN-604")
KEPT = "GEN-603"
FIELD = "action"
LINKS = (
    "split_part(v.rule, '-', 2)::integer between 600 and 699 and not starts_with(v.rule, 'AGR-') "
    "and v.rule not in ('GEN-601', 'GEN-602', 'GEN-604')"
)
"""SQL: the violation ``v`` is of a rule between forms, which ``links`` writes and clears."""
CASE, DECISIONS = "erdr_number", "pretrial_decision"  # a decision may transfer a case to another body
BREAKS = f"v.severity = 'error' and v.rule <> all(%(rules)s) and not ({LINKS})"
"""SQL: by the violation ``v`` the record breaks an error rule of its own."""

Place = tuple[int, int]
"""Where a record stands: submission and line."""


@dataclass(frozen=True)
class Version:
    """One record as sent. ``broken``: it breaks an error rule of its own (whether or not that was cleared since).
    ``kept``: it annuls a record that must stay, since others depend on it (GEN-603). ``unlinked``: it breaks another
    error rule between forms now. ``transferred_to``: the body to which it transfers its case."""

    submission_seq: int
    line: int
    action: str | None
    subject: str
    broken: bool
    kept: bool = False
    unlinked: bool = False
    transferred_to: str | None = None


@dataclass(frozen=True)
class Settled:
    """What becomes of a version: the rule it breaks against the others, and whether a later accepted version
    clears its errors."""

    rule: str | None
    cleared: bool


def settle(versions: Sequence[Version], may_correct: Callable[[str, str], bool]) -> list[Settled]:
    """Go through the versions of one key in order.

    ``may_correct(owner, sender)`` tells whether a sender may correct the owner's record. A record is live from an
    accepted I (or the M that repairs a quarantined I) until an accepted D. What a record lacks of other forms keeps
    it out of figures, yet it is there to be corrected: it clears no earlier version, and no rule here changes by it.
    """
    owner: str | None = None
    repairable: str | None = None
    rules: list[str | None] = []
    for version in versions:
        rule = None
        if version.broken or version.kept:
            if version.action == "I" and owner is None:
                repairable = version.subject
        elif version.action == "I":
            if owner is None:
                owner, repairable = version.subject, None
            else:
                rule = "GEN-601"
        elif owner is None and (version.action != "M" or repairable is None):
            rule = "GEN-602"
        elif not may_correct(holder := owner or repairable or version.subject, version.subject):
            rule = "GEN-604"
        elif version.action == "D":
            owner = repairable = None
        else:
            owner, repairable = holder, None
        rules.append(rule)
    accepted = [
        rule is None and not (version.broken or version.kept or version.unlinked)
        for rule, version in zip(rules, versions, strict=True)
    ]
    last = max((place for place, is_accepted in enumerate(accepted) if is_accepted), default=-1)
    return [Settled(rule, cleared=place < last) for place, rule in enumerate(rules)]


def correct(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    waiting: Batch,
    keys: Sequence[str],
    judged_seq: Mapping[int, int],
    now: datetime,
) -> dict[int, int]:
    """Settle the keys the batch touches; returns the earlier submissions whose records changed standing, each with
    the event that says so.

    Runs in the transaction of the judgement, after the batch's own violations are written.
    """
    cases = transferred_cases(connection, waiting.where) if waiting.form.name == DECISIONS else []
    return settle_keys(connection, catalogue, waiting.form, keys, judged_seq, now, cases)


def settle_keys(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    form: Form,
    keys: Sequence[str],
    event_of: Mapping[int, int],
    now: datetime,
    cases: Sequence[str] = (),
) -> dict[int, int]:
    """Bring the standing of every version of these keys up to what is known now, and of every record about
    ``cases``, whose transfers may have changed. ``event_of`` maps the submissions that have an event of their own in
    this transaction; the others that change get one and are returned with it."""
    settling = {form.name: set(keys)}
    for other in catalogue.forms.values():
        if cases and other.natural_key[0] == CASE:
            settling.setdefault(other.name, set()).update(keys_of_cases(connection, other, cases))
    restated: dict[int, int] = {}
    for name, of_form in settling.items():
        wanted = standings(connection, catalogue, catalogue.forms[name], sorted(of_form), tuple(event_of))
        restated |= _write(connection, catalogue, wanted, event_of, now)
    return restated


def standings(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    form: Form,
    keys: Sequence[str],
    also: Sequence[int] = (),
    broken: Mapping[Place, bool] | None = None,
    unlinked: Mapping[Place, bool] | None = None,
) -> dict[Place, Settled]:
    """(submission, line) -> what becomes of it, for every judged version of these keys and those of ``also``.

    ``broken`` says of some records that they break an error rule of their own, or not, against what was written down;
    ``unlinked`` the same of rules between forms.
    """
    if not keys:
        return {}
    versions = _versions(connection, form, keys, also, broken or {}, unlinked or {})
    return _settle_all(versions, catalogue, _received_by(connection, catalogue, form, keys, also, broken or {}))


def outcomes(
    connection: psycopg.Connection, catalogue: Catalogue, form: Form, keys: Sequence[str], kept: Collection[str]
) -> dict[str, list[tuple[Version, Settled]]]:
    """Key -> its judged versions in order, each with what becomes of it if every annulment of the keys ``kept``, and no
    other, is kept from counting (GEN-603)."""
    versions = [
        (key, [replace(v, kept=v.action == "D" and key in kept) for v in of_key])
        for key, of_key in _versions(connection, form, keys, (), {}, {})
    ]
    settled = _settle_all(versions, catalogue, _received_by(connection, catalogue, form, keys, (), {}))
    return {key: [(v, settled[v.submission_seq, v.line]) for v in of_key] for key, of_key in versions}


def _settle_all(
    versions: Iterable[tuple[str, list[Version]]], catalogue: Catalogue, received_by: Mapping[str, frozenset[str]]
) -> dict[Place, Settled]:
    settled: dict[Place, Settled] = {}
    for key, of_key in versions:
        bodies = received_by.get(key.split("|")[0], frozenset())

        def may_correct(owner: str, sender: str, bodies: frozenset[str] = bodies) -> bool:
            return sender == owner or sender in bodies or answers_for(catalogue, owner, sender)

        for version, outcome in zip(of_key, settle(of_key, may_correct), strict=True):
            settled[version.submission_seq, version.line] = outcome
    return settled


def answers_for(catalogue: Catalogue, owner: str, sender: str) -> bool:
    """Whether the sender is the owner's parent or the body that covers it."""
    subject = catalogue.subjects.get(owner)
    return subject is not None and sender in (subject.parent, subject.covered_by)


def touched_keys(connection: psycopg.Connection, waiting: Batch) -> list[str]:
    """Keys of the batch that have another record somewhere, or one that is not simply new."""
    form = waiting.form.name
    rows = connection.execute(
        f"select distinct batch.record_key from raw.{form} as batch "
        f"where {waiting.where} and replace(batch.record_key, '|', '') <> '' "
        "and (batch.action is distinct from 'I' or exists ("
        f"select from raw.{form} as other where other.record_key = batch.record_key "
        "and (other.submission_seq <> batch.submission_seq or other.line <> batch.line)))"
    )
    return [key for (key,) in rows]


def _versions(
    connection: psycopg.Connection,
    form: Form,
    keys: Sequence[str],
    also: Sequence[int],
    broken: Mapping[Place, bool],
    unlinked: Mapping[Place, bool],
) -> list[tuple[str, list[Version]]]:
    """The judged versions of these keys and those of ``also``, in order."""
    transferred_to = "case when r.decision_type = 'transferred' then r.transfer_body end"
    rows = connection.execute(
        f"""
        select r.record_key, r.submission_seq, r.line, r.action, s.subject,
            exists (
                select from quality.violations v
                where v.submission_seq = r.submission_seq and v.line = r.line and {BREAKS}
            ) as broken,
            coalesce(u.kept, false) as kept,
            coalesce(u.unlinked, false) as unlinked,
            {transferred_to if form.name == DECISIONS else "null"} as transferred_to
        from raw.{form.name} r
        join ledger.submissions s on s.seq = r.submission_seq
        join ledger.progress p on p.submission_seq = r.submission_seq
        left join lateral (
            select bool_or(unmet.rule = '{KEPT}') as kept, bool_or(unmet.rule <> '{KEPT}') as unlinked
            from quality.unmet_links unmet
            where unmet.submission_seq = r.submission_seq and unmet.line = r.line and unmet.severity = 'error'
        ) u on true
        where r.record_key = any(%(keys)s)
        and (p.judged_seq is not null or p.submission_seq = any(%(also)s))
        order by r.record_key, s.period_to, s.sequence, r.line, r.submission_seq
        """,
        {"rules": list(RULES), "also": list(also), "keys": list(keys)},
    ).fetchall()
    versions = [(key, [Version(*row[1:]) for row in of_key]) for key, of_key in groupby(rows, key=lambda row: row[0])]
    if not broken and not unlinked:
        return versions

    def told(version: Version) -> Version:
        place = version.submission_seq, version.line
        return replace(
            version, broken=broken.get(place, version.broken), unlinked=unlinked.get(place, version.unlinked)
        )

    return [(key, [told(version) for version in of_key]) for key, of_key in versions]


def _received_by(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    form: Form,
    keys: Sequence[str],
    also: Sequence[int],
    broken: Mapping[Place, bool],
) -> dict[str, frozenset[str]]:
    """Case -> bodies it was transferred to, for forms of a pre-trial case (GEN-604).

    Who received a case may transfer it further, so the decisions are settled again with what was found until
    nothing more is: a function of the decisions alone, whatever order they were judged in.
    """
    if form.natural_key[0] != CASE or DECISIONS not in catalogue.forms:
        return {}
    rows = connection.execute(
        f"select distinct record_key from raw.{DECISIONS} where {CASE} = any(%s) and decision_type = 'transferred'",
        [list({key.split("|")[0] for key in keys})],
    ).fetchall()
    if not rows:
        return {}
    decisions = _versions(connection, catalogue.forms[DECISIONS], [key for (key,) in rows], also, broken, {})
    received: dict[str, frozenset[str]] = {}
    for _ in range(sum(len(of_key) for _, of_key in decisions) + 1):
        settled = _settle_all(decisions, catalogue, received)
        found: dict[str, set[str]] = {}
        for key, of_key in decisions:
            for version in of_key:
                is_sound = not (version.broken or version.kept)
                is_accepted = is_sound and settled[version.submission_seq, version.line].rule is None
                if version.transferred_to and is_accepted:
                    found.setdefault(key.split("|")[0], set()).add(version.transferred_to)
        before, received = received, {case: frozenset(bodies) for case, bodies in found.items()}
        if received == before:
            break
    return received


def transferred_cases(connection: psycopg.Connection, where: str) -> list[str]:
    """Cases whose transfers these decisions (a condition over ``raw``) may change: some version of one of them is a
    transfer."""
    rows = connection.execute(
        f"select distinct other.{CASE} from raw.{DECISIONS} as other "
        f"join (select record_key from raw.{DECISIONS} where {where}) as batch using (record_key) "
        f"where other.decision_type = 'transferred' and other.{CASE} is not null"
    )
    return [case for (case,) in rows]


def keys_of_cases(connection: psycopg.Connection, form: Form, cases: Sequence[str]) -> list[str]:
    """Keys of a form of a pre-trial case that are about these cases."""
    case = "record_key" if len(form.natural_key) == 1 else CASE
    rows = connection.execute(f"select distinct record_key from raw.{form.name} where {case} = any(%s)", [list(cases)])
    return [key for (key,) in rows]


def _write(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    wanted: Mapping[Place, Settled],
    event_of: Mapping[int, int],
    now: datetime,
) -> dict[int, int]:
    """Bring the violations of these records to what was settled; one event a submission that changes."""
    connection.execute(
        "create temporary table settled (submission_seq bigint, line integer, rule text, cleared boolean) "
        "on commit drop"
    )
    with connection.cursor().copy("copy settled from stdin") as copy:
        for (submission, line), settled in wanted.items():
            copy.write_row((submission, line, settled.rule, settled.cleared))
    connection.execute("analyze settled")
    changes: list[tuple[Any, ...]] = connection.execute(
        f"""
        select s.submission_seq, s.line, v.rule, 'clear'
        from settled s join quality.violations v using (submission_seq, line)
        where v.severity = 'error' and v.cleared_seq is null and not ({LINKS})
        and (s.cleared or (v.rule = any(%(rules)s) and v.rule is distinct from s.rule))
        union all
        select s.submission_seq, s.line, v.rule, 'reopen'
        from settled s join quality.violations v using (submission_seq, line)
        where v.cleared_seq is not null and not s.cleared and v.severity = 'error' and not ({LINKS})
        and (v.rule = s.rule or v.rule <> all(%(rules)s))
        union all
        select s.submission_seq, s.line, s.rule, 'find'
        from settled s where s.rule is not null and not exists (
            select from quality.violations v
            where v.submission_seq = s.submission_seq and v.line = s.line and v.rule = s.rule)
        """,
        {"rules": list(RULES)},
    ).fetchall()
    others = sorted({row[0] for row in changes} - event_of.keys())
    events = ledger.append_events(
        connection,
        [
            Event(
                seq, "restated", now, catalogue.version, {"records": len({row[1] for row in changes if row[0] == seq})}
            )
            for seq in others
        ],
    )
    event_of = {**event_of, **dict(zip(others, events, strict=True))}
    cleared = {(submission, line) for (submission, line), settled in wanted.items() if settled.cleared}
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq, cleared_seq) "
            "values (%s, %s, %s, %s, 'error', %s, %s)",
            [
                (seq, line, rule, FIELD, event_of[seq], event_of[seq] if (seq, line) in cleared else None)
                for seq, line, rule, change in changes
                if change == "find"
            ],
        )
        cursor.executemany(
            "update quality.violations set cleared_seq = %s where submission_seq = %s and line = %s and rule = %s",
            [
                (event_of[seq] if change == "clear" else None, seq, line, rule)
                for seq, line, rule, change in changes
                if change != "find"
            ],
        )
    connection.execute("drop table settled")
    return {submission: event_of[submission] for submission in others}
