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
    connection.execute(
        "create temporary table judgement (submission_seq bigint primary key, event_seq bigint) on commit drop"
    )
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
    """The one statement: every record of the batch and the place of each condition it breaks.

    It fills a temporary table, since PostgreSQL reads in parallel for that and not for an insert.
    """
    cases = ",\n    ".join(
        f"case when not ({condition.sql}) then {place} end" for place, condition in enumerate(broken)
    )
    return (
        f"create temporary table broken on commit drop as\n"
        f"select submission_seq, line, unnest(array_remove(array[\n    {cases}\n], null)) as place\n"
        f"from checked.{waiting.view}\n"
        f"where {' or '.join(f'({condition.sql}) is false' for condition in broken)}"
    )


def _insert(connection: psycopg.Connection, waiting: Batch, broken: Sequence[Condition]) -> dict[tuple[str, str], int]:
    connection.execute(statement(waiting, broken))
    connection.execute(
        "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq) "
        "select broken.submission_seq, broken.line, rule.code, rule.field, rule.severity, judgement.event_seq "
        "from broken join judgement using (submission_seq) "
        "join unnest(%s::text[], %s::text[], %s::text[]) with ordinality as rule (code, field, severity, position) "
        "on rule.position = broken.place + 1",
        [
            [condition.rule.code for condition in broken],
            [condition.field for condition in broken],
            [condition.rule.severity for condition in broken],
        ],
    )
    rows = connection.execute("select place, count(*) from broken group by 1").fetchall()
    connection.execute("drop table broken")
    counts: dict[tuple[str, str], int] = {}
    for place, count in rows:
        counts[broken[place].key] = counts.get(broken[place].key, 0) + count
    return counts
