"""The cells of reports beside their figures computed from records, as known when each report was received.

Here belongs the one transaction that fills ``quality.reconciliation`` and ``quality.reconciliation_records``; each
step is a file of SQL beside this one. Keep out what rules say about a cell.

A record stands to a report by what had been received by the report's receipt. A rule about the record alone says
what the record is, whenever it was judged and whatever was sent afterwards; a rule between records says how it
stands, and counts while it is open. What the reports' own reconciliation says of a cell does not unsay the cell.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from expectations.reconciliation.definitions import FORM, Measure, measures
from ingestion.contract import Catalogue

FLOWS = "AGR-601"
SERIES = "AGR-602"
COUNTS = "AGR-901"
STEPS = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.sql")}

OWN_RULES = "split_part(violation.rule, '-', 2)::integer < 600"
BETWEEN_RECORDS = "(violation.cleared_seq is null and not starts_with(violation.rule, 'AGR-'))"
STANDINGS = {
    "quarantined": "sent.received_at <= report.received_at and not {stands} "
    "and (later.superseded_at is null or later.superseded_at > report.received_at)",
    "changed": "sent.received_at <= report.received_at and {stands} "
    "and later.superseded_at <= report.received_at and later.superseded_at >= report.ended_at",
    "late": "sent.received_at > report.received_at and {stands}",
    "counted": "sent.received_at <= report.received_at and {stands} "
    "and (later.superseded_at is null or later.superseded_at > report.received_at)",
}
"""How a record stands to a report: it would count, were it accepted; it counted at the end of the period and was
replaced or annulled before the report came; it came after the report; it counts."""

ROLLED_UP = """
cross join lateral (
    select distinct unnest(array['000000000', substr(counted.territory, 1, 2) || '0000000', counted.territory])
) as place (territory)
cross join lateral (select distinct unnest(array[null, counted.article])) as law (article)
cross join lateral (select distinct unnest(array[null, counted.severity])) as grade (severity)
"""


def write(connection: psycopg.Connection, catalogue: Catalogue, submissions: Sequence[int]) -> None:
    """Write the cells of these submissions anew: the reported ones, those missing, and the records behind a
    difference."""
    flows = catalogue.rules[FLOWS].parameters
    known: dict[str, Any] = {
        "submissions": list(submissions),
        "adds": ["pending_start", *flows["alias"]["received"]],
        "flows": ["pending_start", *flows["alias"]["received"], *flows["alias"]["disposed"], "pending_end"],
        "not_monotone": catalogue.rules[SERIES].parameters["not_monotone"],
        "max_records": catalogue.rules[COUNTS].parameters["max_records"],
    }
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(510, 5)")
        connection.execute("set local jit = off")
        connection.execute("delete from quality.reconciliation where submission_seq = any(%s)", [list(submissions)])
        _run(connection, "reports", known)
        used = _used(connection, measures(catalogue))
        forms = sorted({m.form for m in used if m.form})
        for form in (*forms, FORM):
            _run(connection, "superseded", known, form=form)
        for form in forms:
            _show(connection, form, "counted")
        for measure in used:
            _measure(connection, "figures", measure, known)
        _run(connection, "cells", known)
        _run(connection, "series", known)
        differing = _differing(connection, submissions)
        for form in forms:
            _run(connection, "corrected", {"form": form}, form=form)
            for standing in STANDINGS:
                _show(connection, form, standing)
                for measure in used:
                    if measure.form == form and measure.code in differing:
                        _measure(connection, "records", measure, {**known, "standing": standing})
        connection.execute("drop table report, reach, measure, figure, present, stated, cell cascade")
        for form in (*forms, FORM):
            connection.execute(f"drop table superseded_{form} cascade")


def _used(connection: psycopg.Connection, defined: Sequence[Measure]) -> list[Measure]:
    """The measures of the reports at hand, laid into the table ``measure``."""
    reported = {code for (code,) in connection.execute("select distinct report_code from report")}
    with connection.cursor().copy("copy measure from stdin") as copy:
        for measure in defined:
            for report_code in measure.report_codes:
                copy.write_row((measure.code, report_code, measure.value_type, measure.form))
    return [m for m in defined if reported & set(m.report_codes)]


def _differing(connection: psycopg.Connection, submissions: Sequence[int]) -> set[str]:
    """The measures of which some cell is not what its records say."""
    rows = connection.execute(
        "select distinct measure from quality.reconciliation "
        "where submission_seq = any(%s) and reported is distinct from recomputed",
        [list(submissions)],
    )
    return {measure for (measure,) in rows}


def _show(connection: psycopg.Connection, form: str, standing: str) -> None:
    """The records of a form that stand so to each report: ``known_<form>`` of every sender, ``live_<form>`` of the
    reporting body and those below it. No record of a period was received before the period."""
    row = connection.execute("select min(period_start) from report").fetchone()
    since = sql.Literal(row[0] if row else None).as_string(connection)
    for view, senders in (
        ("known", "join ledger.submissions as sent on true"),
        # Told by body first, the server reads the records once, and not once a report.
        ("live", "join reach using (report) join ledger.submissions as sent on sent.subject = reach.subject"),
    ):
        connection.execute(
            f"""
            create or replace temporary view {view}_{form} as
            select report.report, report.period_start, report.period_end, sent.subject, record.*
            from report
            {senders} and sent.form = '{form}'
            join raw.{form} as record
                on record.submission_seq = sent.seq and record.received_on >= {since} and record.action <> 'D'
            join ledger.progress as progress
                on progress.submission_seq = record.submission_seq and progress.judged_seq is not null
            left join superseded_{form} as later
                on later.submission_seq = record.submission_seq and later.line = record.line
            where report.report_code in (select measure.report_code from measure where measure.form = '{form}')
            and {STANDINGS[standing].format(stands=_stands("record"))}
            """
        )


def _measure(connection: psycopg.Connection, step: str, measure: Measure, known: Mapping[str, Any]) -> None:
    """Run a step over what a measure counts; a stock counts nothing."""
    if measure.sql:
        values = {**known, "measure": measure.code, "form": measure.form, "report_codes": list(measure.report_codes)}
        _run(connection, step, values, sql=measure.sql.replace("%", "%%"), rolled_up=ROLLED_UP)


def _run(connection: psycopg.Connection, step: str, values: Mapping[str, Any], **parts: str) -> None:
    text = STEPS[step].format(
        **parts, stands=_stands("record"), stands_of_cell=_stands("cell"), sound_cell=_sound("cell")
    )
    for statement in text.split(";\n\n"):
        connection.execute(statement, values)


def _stands(record: str) -> str:
    """SQL: no error keeps the record out of figures."""
    return _without_error(record, f"({OWN_RULES} or {BETWEEN_RECORDS})")


def _sound(record: str) -> str:
    """SQL: the record itself breaks no error rule, however it stands to others."""
    return _without_error(record, OWN_RULES)


def _without_error(record: str, which: str) -> str:
    return (
        "not exists (select from quality.violations as violation "
        f"where violation.submission_seq = {record}.submission_seq and violation.line = {record}.line "
        f"and violation.severity = 'error' and {which})"
    )
