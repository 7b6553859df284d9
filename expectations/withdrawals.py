"""Withdrawals: a whole package taken back by its sender, so that all stands as if it had never been sent.

Here belongs carrying them out, form by form, in the night. Whether a package may be withdrawn is decided on arrival
(``ingestion.intake``); what its keys' other versions are then is for ``corrections``. Nothing is deleted: bytes,
records and violations stay, and a package that is judged no longer is invisible to the marts.
See ``docs/decisions/0016-a-withdrawn-package-was-never-sent.md``.
"""

from collections.abc import Sequence
from datetime import date, datetime

import psycopg

from expectations import corrections
from ingestion import ledger
from ingestion.contract import Catalogue, Form
from ingestion.ledger import Event


def carry_out(
    connection: psycopg.Connection, catalogue: Catalogue, form: Form, day: date, now: datetime
) -> tuple[dict[int, int], dict[int, int]]:
    """Carry out every withdrawal of a form received up to a day, in the caller's transaction; again changes nothing.

    Returns the submissions withdrawn, and the others whose records changed standing, each with the event that says so.
    """
    ledger.lock(connection)
    pairs = connection.execute(
        "select w.seq, s.seq, s.received_on from ledger.progress p "
        "join ledger.submissions w on w.seq = p.submission_seq "
        "join ledger.submissions s on (s.subject, s.form, s.period_from, s.period_to, s.sequence) "
        "= (w.subject, w.form, w.period_from, w.period_to, w.withdraws) "
        "and s.report_code is not distinct from w.report_code "
        "join ledger.progress taken on taken.submission_seq = s.seq and taken.state <> 'refused' "
        "where p.state = 'received' and w.form = %s and w.received_on <= %s "
        "and (s.rejection_code is null or s.rejection_code in ('R10', 'R26')) order by w.seq",
        [form.name, day],
    ).fetchall()
    if not pairs:
        return {}, {}
    where = _records_of([withdrawn for _, withdrawn, _ in pairs], [on for *_, on in pairs])
    keys = _shared_keys(connection, form, where)
    cases = corrections.transferred_cases(connection, where) if form.name == corrections.DECISIONS else []
    events = [
        event
        for by, withdrawn, _ in pairs
        for event in (
            Event(by, "withdrawal", now, catalogue.version, {"withdraws": withdrawn}),
            Event(withdrawn, "withdrawn", now, catalogue.version, {"by": by}),
        )
    ]
    numbers = ledger.append_events(connection, events)
    event_of = {e.submission_seq: n for e, n in zip(events, numbers, strict=True) if e.kind == "withdrawn"}
    _stand_down(connection, event_of, {withdrawn: by for by, withdrawn, _ in pairs}, catalogue)
    return event_of, corrections.settle_keys(connection, catalogue, form, keys, {}, now, cases)


def _records_of(submissions: Sequence[int], days: Sequence[date]) -> str:
    """Their records as a condition over ``raw``."""
    numbers = ", ".join(map(str, submissions))
    return f"received_on between '{min(days)}' and '{max(days)}' and submission_seq in ({numbers})"


def _shared_keys(connection: psycopg.Connection, form: Form, where: str) -> list[str]:
    """Keys of these records that other packages speak of too."""
    rows = connection.execute(
        f"select distinct taken.record_key from (select record_key, submission_seq from raw.{form.name} "
        f"where {where}) as taken where replace(taken.record_key, '|', '') <> '' and exists ("
        f"select from raw.{form.name} as other where other.record_key = taken.record_key "
        "and other.submission_seq <> taken.submission_seq)"
    )
    return [key for (key,) in rows]


def _stand_down(
    connection: psycopg.Connection, event_of: dict[int, int], by_of: dict[int, int], catalogue: Catalogue
) -> None:
    """The withdrawn packages are judged no longer, and nothing about them stays open."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "update ledger.progress set judged_seq = null, judged_at = null, withdrawn_by = %s, withdrawn_seq = %s "
            "where submission_seq = %s",
            [(by_of[seq], event, seq) for seq, event in event_of.items()],
        )
        cursor.execute(
            "update ledger.progress set records_read = 0, records_unreadable = 0, catalogue_version = %s "
            "where submission_seq = any(%s)",
            [catalogue.version, list(by_of.values())],
        )
        cursor.execute("delete from quality.unmet_links where submission_seq = any(%s)", [list(event_of)])
        for table in ("violations", "findings"):
            cursor.executemany(
                f"update quality.{table} set cleared_seq = %s where submission_seq = %s and cleared_seq is null",
                [(event, seq) for seq, event in event_of.items()],
            )
