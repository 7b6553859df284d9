"""Corrections: which version of a record counts, whatever order its versions arrive in (GEN-601, 602, 604).

``settle`` is the whole logic, a pure function over the versions of one natural key. The rest reads the keys a
batch touches and turns what ``settle`` says into violations found and cleared. Order of versions: end of
period, sequence of the package, line, then the ledger; the order of arrival does not decide.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import psycopg

from expectations.validation import Batch
from ingestion import ledger
from ingestion.contract import Catalogue, Form
from ingestion.ledger import Event

RULES = ("GEN-601", "GEN-602", "GEN-604")
FIELD = "action"


@dataclass(frozen=True)
class Version:
    """One record as sent. ``broken``: it breaks an error rule of its own (whether or not that was cleared since)."""

    submission_seq: int
    line: int
    action: str | None
    subject: str
    broken: bool


@dataclass(frozen=True)
class Settled:
    """What becomes of a version: the rule it breaks against the others, and whether a later accepted version
    clears its errors."""

    rule: str | None
    cleared: bool


def settle(versions: Sequence[Version], may_correct: Callable[[str, str], bool]) -> list[Settled]:
    """Go through the versions of one key in order.

    ``may_correct(owner, sender)`` tells whether a sender may correct the owner's record. A record is live from an
    accepted I (or the M that repairs a quarantined I) until an accepted D.
    """
    owner: str | None = None
    repairable: str | None = None
    rules: list[str | None] = []
    for version in versions:
        rule = None
        if version.broken:
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
    accepted = [rule is None and not version.broken for rule, version in zip(rules, versions, strict=True)]
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
    if not keys:
        return {}
    versions = _versions(connection, waiting, keys)
    transfers = _transfers(connection, catalogue, waiting.form, keys)
    wanted: dict[tuple[int, int], Settled] = {}
    for key, of_key in versions:
        received_by = transfers.get(key.split("|")[0], frozenset())

        def may_correct(owner: str, sender: str, received_by: frozenset[str] = received_by) -> bool:
            return sender == owner or sender in received_by or _answers_for(catalogue, owner, sender)

        for version, settled in zip(of_key, settle(of_key, may_correct), strict=True):
            wanted[version.submission_seq, version.line] = settled
    return _write(connection, catalogue, wanted, judged_seq, now)


def _answers_for(catalogue: Catalogue, owner: str, sender: str) -> bool:
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


def _versions(connection: psycopg.Connection, waiting: Batch, keys: Sequence[str]) -> list[tuple[str, list[Version]]]:
    """The judged versions of these keys and those of the batch, in order."""
    rows = connection.execute(
        f"""
        select r.record_key, r.submission_seq, r.line, r.action, s.subject,
            exists (
                select from quality.violations v
                where v.submission_seq = r.submission_seq and v.line = r.line
                and v.severity = 'error' and v.rule <> all(%(rules)s)
            ) as broken
        from raw.{waiting.form.name} r
        join ledger.submissions s on s.seq = r.submission_seq
        join ledger.progress p on p.submission_seq = r.submission_seq
        where r.record_key = any(%(keys)s)
        and (p.judged_seq is not null or p.submission_seq = any(%(batch)s))
        order by r.record_key, s.period_to, s.sequence, r.line, r.submission_seq
        """,
        {"rules": list(RULES), "batch": list(waiting.submissions), "keys": keys},
    ).fetchall()
    return [(key, [Version(*row[1:]) for row in of_key]) for key, of_key in groupby(rows, key=lambda row: row[0])]


def _transfers(
    connection: psycopg.Connection, catalogue: Catalogue, form: Form, keys: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Case -> bodies it was transferred to, for forms of a pre-trial case (GEN-604)."""
    if form.natural_key[0] != "erdr_number" or "pretrial_decision" not in catalogue.forms:
        return {}
    rows = connection.execute(
        "select r.erdr_number, array_agg(distinct r.transfer_body) from raw.pretrial_decision r "
        "join ledger.progress p on p.submission_seq = r.submission_seq and p.judged_seq is not null "
        "where r.erdr_number = any(%s) and r.decision_type = 'transferred' and not exists ("
        "  select from quality.violations v where v.submission_seq = r.submission_seq and v.line = r.line "
        "  and v.severity = 'error' and v.cleared_seq is null) group by 1",
        [list({key.split("|")[0] for key in keys})],
    ).fetchall()
    return {case: frozenset(filter(None, bodies)) for case, bodies in rows}


def _write(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    wanted: Mapping[tuple[int, int], Settled],
    judged_seq: Mapping[int, int],
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
        """
        select s.submission_seq, s.line, v.rule, 'clear'
        from settled s join quality.violations v using (submission_seq, line)
        where v.severity = 'error' and v.cleared_seq is null
        and (s.cleared or (v.rule = any(%(rules)s) and v.rule is distinct from s.rule))
        union all
        select s.submission_seq, s.line, v.rule, 'reopen'
        from settled s join quality.violations v using (submission_seq, line)
        where v.cleared_seq is not null and not s.cleared and v.severity = 'error'
        and (v.rule = s.rule or v.rule <> all(%(rules)s))
        union all
        select s.submission_seq, s.line, s.rule, 'find'
        from settled s where s.rule is not null and not exists (
            select from quality.violations v
            where v.submission_seq = s.submission_seq and v.line = s.line and v.rule = s.rule)
        """,
        {"rules": list(RULES)},
    ).fetchall()
    others = sorted({row[0] for row in changes} - judged_seq.keys())
    events = ledger.append_events(
        connection,
        [
            Event(
                seq, "restated", now, catalogue.version, {"records": len({row[1] for row in changes if row[0] == seq})}
            )
            for seq in others
        ],
    )
    event_of = {**judged_seq, **dict(zip(others, events, strict=True))}
    cleared = {(submission, line) for (submission, line), settled in wanted.items() if settled.cleared}
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.violations values (%s, %s, %s, %s, 'error', %s, %s)",
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
