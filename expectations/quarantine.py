"""Writing down every violated rule of every record of a batch, in one statement.

The statement is made of the same conditions Great Expectations counted, and evaluates only those it counted
above zero; both must agree to the record. A record with an open error is quarantined: kept, reported, and
invisible to the marts.
"""

from collections.abc import Mapping, Sequence

import psycopg

from expectations.conditions import Condition
from expectations.validation import Batch, MachineryError


def quarantine(
    connection: psycopg.Connection,
    waiting: Batch,
    conditions: Sequence[Condition],
    counted: Mapping[tuple[str, str], int],
    judged_seq: Mapping[int, int],
) -> dict[tuple[str, str], int]:
    """Insert the violations of a batch; returns (rule, field) -> records, for the rules with any.

    ``judged_seq`` maps a submission to the ledger event of its judgement (``found_seq``). Raises
    ``MachineryError`` when the counts differ from Great Expectations'.
    """
    broken = [condition for condition in conditions if counted[condition.key]]
    connection.execute("create temporary table judgement (submission_seq bigint primary key, event_seq bigint) on commit drop")
    with connection.cursor().copy("copy judgement from stdin") as copy:
        for pair in judged_seq.items():
            copy.write_row(pair)
    written = _insert(connection, waiting, broken) if broken else {}
    unreadable = connection.execute(
        "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq) "
        "select u.submission_seq, u.line, 'GEN-101', 'action', 'error', j.event_seq "
        "from raw.unreadable u join judgement j using (submission_seq)"
    ).rowcount
    expected = {key: count for key, count in counted.items() if count}
    if written != expected:
        differing = sorted(key for key in expected.keys() | written.keys() if expected.get(key) != written.get(key))
        raise MachineryError(f"{waiting.form.name}: Great Expectations and quarantine disagree on {differing}")
    connection.execute("drop table judgement")
    return written | ({("GEN-101", "action"): unreadable} if unreadable else {})


def statement(waiting: Batch, broken: Sequence[Condition]) -> str:
    """The one statement: a record and the index of each condition it breaks."""
    cases = ",\n        ".join(
        f"case when not ({condition.sql}) then {index} end" for index, condition in enumerate(broken)
    )
    return (
        "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq)\n"
        "select found.submission_seq, found.line, rule.code, rule.field, rule.severity, judgement.event_seq\n"
        f"from (\n    select submission_seq, line, unnest(array_remove(array[\n        {cases}\n    ], null)) as broken\n"
        f"    from checked.{waiting.form.name} where {waiting.predicate}\n) as found\n"
        "join unnest(%(codes)s::text[], %(fields)s::text[], %(severities)s::text[])\n"
        "    with ordinality as rule (code, field, severity, place) on rule.place = found.broken + 1\n"
        "join judgement using (submission_seq)\n"
        "on conflict do nothing"
    )


def _insert(
    connection: psycopg.Connection, waiting: Batch, broken: Sequence[Condition]
) -> dict[tuple[str, str], int]:
    connection.execute(
        statement(waiting, broken).replace("%", "%%").replace("%%(", "%("),
        {
            "codes": [condition.rule.code for condition in broken],
            "fields": [condition.field for condition in broken],
            "severities": [condition.rule.severity for condition in broken],
        },
    )
    rows = connection.execute(
        "select v.rule, v.field, count(*) from quality.violations v join judgement j "
        "on v.submission_seq = j.submission_seq and v.found_seq = j.event_seq group by 1, 2"
    ).fetchall()
    return {(rule, field): count for rule, field, count in rows}
