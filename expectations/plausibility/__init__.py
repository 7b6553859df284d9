"""Plausibility of what subjects send, held against their own history and their peers (SER-8xx).

Here belongs the verdict: tallies are brought up to what was judged, statistics measured over them, Great Expectations
counts the rules over the measured series, and what does not hold is a finding until it holds again. Every finding is a
warning: a request to look, never a refusal. Keep out what is counted (``tallies``) and measured (``statistics``).
See ``docs/decisions/0015-plausibility-from-tallies.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from expectations import findings, validation
from expectations.conditions import Condition
from expectations.findings import Changes, Finding
from expectations.plausibility import statistics, tallies
from expectations.validation import MachineryError
from ingestion import ledger
from ingestion.contract import Catalogue

VIEW = "plausibility_measured"
LOCAL = ZoneInfo("Asia/Almaty")
HOLDS = "rule <> '{rule}' or ((lower is null or value >= lower) and (upper is null or value <= upper))"


@dataclass(frozen=True)
class Measured:
    """One measuring: forms to which something happened; rule -> statistics that changed; rule -> those that do not
    hold, whenever they were measured; and what became of the findings."""

    forms: tuple[str, ...] = ()
    changed: Mapping[str, int] = field(default_factory=dict)
    implausible: Mapping[str, int] = field(default_factory=dict)
    findings: Changes = field(default_factory=lambda: Changes(0, 0))


def conditions(catalogue: Catalogue, rules: tuple[str, ...], day: date) -> list[Condition]:
    """The rules over one row of ``quality.plausibility``: its value lies within its bounds."""
    versions = [catalogue.rule(code, day) for code in rules]
    return [Condition(rule, rule.fields[0], HOLDS.format(rule=rule.code)) for rule in versions]


@ledger.one_at_a_time(ledger.JUDGING)
def measure(
    connection: psycopg.Connection,
    sqlalchemy_url: str,
    catalogue: Catalogue,
    now: datetime,
    docs: Path | None = None,
) -> Measured:
    """Measure what was judged since the last time, and the periods that ended. Measuring again changes nothing.

    Statistics are written first, since Great Expectations reads only what is committed; findings follow in a
    transaction of their own. Raises ``MachineryError`` when the machinery is at fault; the next measuring settles
    what is left.
    """
    today = now.astimezone(LOCAL).date()
    chosen = tallies.settings(catalogue, today)
    if not chosen.rules:
        return Measured()
    forms, changed = _bring_up(connection, catalogue, chosen, now, today)
    connection.execute(
        f"create or replace view checked.{VIEW} as select row_number() over () as line, measured.* "
        f"from quality.plausibility as measured where measured_at >= '{now.isoformat()}' or not is_plausible"
    )
    counted: dict[tuple[str, str], int] = {}
    if connection.execute(f"select 1 from checked.{VIEW} limit 1").fetchone():  # most nights measure nothing
        rules = conditions(catalogue, chosen.rules, today)
        counted = validation.count(sqlalchemy_url, "plausibility", {VIEW: rules}, docs)
    with connection.transaction():
        changes = findings.settle(connection, catalogue, chosen.rules, _holding(connection, chosen.rules), now)
        written: dict[str, int] = dict(
            connection.execute(
                "select rule, count(*) from quality.findings "
                "where submission_seq is null and cleared_at is null and rule = any(%s) group by 1",
                [list(chosen.rules)],
            ).fetchall()
        )
        implausible = {rule: number for (rule, _), number in counted.items() if number}
        if written != implausible:
            raise MachineryError("plausibility: Great Expectations and the findings disagree")
    return Measured(forms, changed, implausible, changes)


def _bring_up(
    connection: psycopg.Connection, catalogue: Catalogue, chosen: tallies.Settings, now: datetime, today: date
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Tallies and statistics, in one transaction with the ledger event up to which they were brought."""
    with connection.transaction():
        ledger.lock(connection)  # an event that comes in between would be counted twice
        row = connection.execute("select event_seq, months_to from quality.measured_to").fetchone()
        since, before = row or (0, None)
        newest = connection.execute("select coalesce(max(seq), 0) from ledger.events").fetchone()
        assert newest
        forms = tallies.bring_up(connection, catalogue, chosen, since)
        changed = statistics.measure(connection, catalogue, chosen, before, now, today)
        last = statistics.last_month(today, chosen.parameters["SER-801"]["lag_days"])
        connection.execute(
            "insert into quality.measured_to (event_seq, months_to) values (%s, %s) on conflict (single) do update "
            "set event_seq = excluded.event_seq, months_to = greatest(measured_to.months_to, excluded.months_to)",
            [newest[0], last],
        )
        connection.execute("drop table fresh, due, due_month, baseline")
    return tuple(forms), {rule: number for rule, number in changed.items() if number}


def _holding(connection: psycopg.Connection, rules: tuple[str, ...]) -> list[Finding]:
    """What lies outside its bounds; a finding tells the figure, the bounds and how many it is made of."""
    rows: list[Any] = connection.execute(
        "select rule, subject, form, period_from, period_to, item, trim_scale(value)::text, "
        "trim_scale(lower)::text, trim_scale(upper)::text, n "
        "from quality.plausibility where not is_plausible and rule = any(%s)",
        [list(rules)],
    ).fetchall()
    return [
        Finding(rule, subject, form, start, end, item, {"value": value, "lower": lower, "upper": upper, "n": n})
        for rule, subject, form, start, end, item, value, lower, upper, n in rows
    ]
