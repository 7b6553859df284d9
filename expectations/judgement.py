"""The judgement of a form's batch: Great Expectations counts, one statement quarantines, corrections settle.

One transaction; what it does not commit is not judged and stays invisible to the marts (it fails closed).
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from expectations import corrections, validation, withdrawals
from expectations.conditions import conditions
from expectations.quarantine import quarantine
from expectations.validation import MachineryError
from ingestion import ledger
from ingestion.contract import Catalogue, Form, Rule
from ingestion.ledger import Event


@dataclass(frozen=True)
class Judged:
    """Counts of one judgement; ``violations`` is (rule, field) -> records. ``restated`` numbers the earlier
    submissions whose records changed standing, ``withdrawn`` those that their senders took back."""

    form: str
    packages: int = 0
    records: int = 0
    unreadable: int = 0
    quarantined: int = 0
    violations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    restated: tuple[int, ...] = ()
    withdrawn: tuple[int, ...] = ()

    @property
    def accepted(self) -> int:
        return self.records - self.unreadable - self.quarantined


@ledger.one_at_a_time(ledger.JUDGING)
def judge(
    connection: psycopg.Connection,
    sqlalchemy_url: str,
    catalogue: Catalogue,
    form: Form,
    day: date,
    now: datetime,
    docs: Path | None = None,
) -> Judged:
    """Carry out the withdrawals of a form, and judge everything of it that was loaded, up to a day of receipt. Judging
    again changes nothing.

    Raises ``MachineryError`` when the machinery, not the data, is at fault; nothing is judged then.
    """
    with connection.transaction():
        withdrawn, stirred = withdrawals.carry_out(connection, catalogue, form, day, now)
        warn_of_high_shares(connection, catalogue.rule("PKG-132", day), stirred)
    waiting = validation.batch(connection, form, day)
    if waiting is None:
        return Judged(form.name, restated=tuple(stirred), withdrawn=tuple(withdrawn))
    conditions_in_force = conditions(form, catalogue, waiting.last_day, since=waiting.first_day)
    validation.show(connection, waiting)
    with ThreadPoolExecutor(max_workers=1) as pool:  # the server looks for keys while Great Expectations gets ready
        counting = pool.submit(validation.validate, sqlalchemy_url, waiting, conditions_in_force, docs)
        keys = corrections.touched_keys(connection, waiting)
        counted = counting.result()
    with connection.transaction():
        ledger.lock(connection)
        if validation.batch(connection, form, day) != waiting:
            raise MachineryError(f"{form.name}: the batch changed while it was validated; run the day again")
        judged_seq = _judged_events(connection, catalogue, waiting, now)
        violations = quarantine(connection, waiting, conditions_in_force, counted, judged_seq)
        restated = corrections.correct(connection, catalogue, waiting, keys, judged_seq, now)
        connection.execute(
            "update ledger.progress p set state = 'judged', judged_seq = e.seq, judged_at = e.at, "
            "catalogue_version = e.catalogue_version from ledger.events e "
            "where e.seq = any(%s) and p.submission_seq = e.submission_seq",
            [list(judged_seq.values())],
        )
        counts = _counts(connection, waiting)
        warn_of_high_shares(connection, catalogue.rule("PKG-132", day), {**judged_seq, **restated})
    restated_all = tuple(dict.fromkeys([*stirred, *restated]))
    return Judged(form.name, len(waiting.submissions), *counts, violations, restated_all, tuple(withdrawn))


def _judged_events(
    connection: psycopg.Connection, catalogue: Catalogue, waiting: validation.Batch, now: datetime
) -> dict[int, int]:
    numbers = ledger.append_events(
        connection, [Event(seq, "judged", now, catalogue.version) for seq in waiting.submissions]
    )
    return dict(zip(waiting.submissions, numbers, strict=True))


def _counts(connection: psycopg.Connection, waiting: validation.Batch) -> tuple[int, int, int]:
    """Records read, unreadable, quarantined; checks I2: what was declared is accounted for."""
    row = connection.execute(
        "select coalesce(sum(p.records_read), 0), coalesce(sum(p.records_unreadable), 0), "
        "coalesce(sum(s.records_declared), 0) "
        "from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq where p.submission_seq = any(%s)",
        [list(waiting.submissions)],
    ).fetchone()
    stored = connection.execute(
        f"select count(*) from raw.{waiting.form.name} where {waiting.bounds} and submission_seq = any(%s)",
        [list(waiting.submissions)],
    ).fetchone()
    quarantined = connection.execute(
        "select count(distinct (submission_seq, line)) from quality.violations where submission_seq = any(%s) "
        "and severity = 'error' and cleared_seq is null and rule <> 'GEN-101'",
        [list(waiting.submissions)],
    ).fetchone()
    assert row
    assert stored
    assert quarantined
    read, unreadable, declared = (int(value) for value in row)
    if not read == declared == unreadable + stored[0]:
        raise MachineryError(
            f"{waiting.form.name}: {declared} records declared, {read} read, "
            f"{stored[0]} stored and {unreadable} unreadable"
        )
    return read, unreadable, int(quarantined[0])


def warn_of_high_shares(connection: psycopg.Connection, rule: Rule, event_of: Mapping[int, int]) -> None:
    """PKG-132: more than the allowed share of a package breaks an error rule. A warning, never a stop; it is
    cleared when later corrections bring the share down. ``event_of`` maps each submission to its event."""
    rows = connection.execute(
        "select q.submission_seq, q.subject, q.form, q.period_from, q.period_to, "
        "round((q.records_quarantined + q.records_unreadable)::numeric / q.records_declared, 4), f.finding_id "
        "from quality.submissions q "
        "left join quality.findings f on f.submission_seq = q.submission_seq and f.rule = %s and f.cleared_seq is null "
        "where q.submission_seq = any(%s) and q.records_declared > 0",
        [rule.code, list(event_of)],
    ).fetchall()
    limit = rule.parameters["max_error_share"]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.findings "
            "(submission_seq, subject, form, period_from, period_to, rule, severity, found_seq, detail) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (*head, rule.code, rule.severity, event_of[head[0]], Jsonb({"error_share": str(share)}))
                for *head, share, finding in rows
                if share > limit and finding is None
            ],
        )
        cursor.executemany(
            "update quality.findings set cleared_seq = %s where finding_id = %s",
            [(event_of[head[0]], finding) for *head, share, finding in rows if share <= limit and finding is not None],
        )
