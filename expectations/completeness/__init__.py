"""Completeness over the calendar: what was due and did not come, came late, or contradicts itself (CAL-7xx, CRO-502).

Here belongs the verdict of a look: Great Expectations counts the rules over the calendar and its measures, findings
are settled, and both must agree. Keep out the calendar itself (``calendar``), dates (``deadlines``) and ``measures``.
See ``docs/decisions/0014-the-calendar-is-laid-down-ahead.md``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from expectations import findings, validation
from expectations.completeness import calendar, measures
from expectations.completeness.calendar import GAPS, Look
from expectations.completeness.deadlines import LOCAL
from expectations.conditions import Condition
from expectations.findings import Changes, Finding
from expectations.validation import MachineryError
from ingestion import ledger
from ingestion.contract import Catalogue

CELLS = ("CAL-701", "CAL-702", "CAL-703")
CHANGED, MEASURED = "calendar_changed", "calendar_measured"
EVERY = "true"
LOOKED_AT = (
    f"exists (select from checked.{CHANGED} as cell where (cell.subject, cell.form, cell.period_from, cell.period_to) "
    "= (o.subject, o.form, o.period_from, o.period_to) and coalesce(cell.report_code, '') = o.item)"
)
MEASURED_ANEW = (
    f"exists (select from checked.{MEASURED} as measure "
    "where (measure.rule, measure.subject, measure.form, measure.item) = (o.rule, o.subject, o.form, o.item) "
    "and (measure.period_from, measure.period_to) is not distinct from (o.period_from, o.period_to))"
)
SETTLED_WITHIN = {
    "CAL-701": LOOKED_AT,
    "CAL-702": LOOKED_AT,
    "CAL-703": LOOKED_AT,
    "CAL-704": MEASURED_ANEW,
    "CAL-706": MEASURED_ANEW,
    "CAL-707": EVERY,
    "CRO-502": MEASURED_ANEW,
}
"""Which open findings a look speaks of: all of what is looked at whole each time, else those it looked at."""


@dataclass(frozen=True)
class Gap:
    """Cells of a form that are due and unanswered, by state, and the subjects that owe them."""

    form: str
    state: str
    cells: int
    subjects: int


@dataclass(frozen=True)
class Watched:
    """One look and its verdict. ``broken`` is rule -> how often among what was looked at; ``gaps`` are all of today."""

    look: Look = field(default_factory=Look)
    broken: Mapping[str, int] = field(default_factory=dict)
    findings: Changes = field(default_factory=lambda: Changes(0, 0))
    gaps: tuple[Gap, ...] = ()


@ledger.one_at_a_time(ledger.JUDGING)
def watch(
    connection: psycopg.Connection,
    sqlalchemy_url: str,
    catalogue: Catalogue,
    now: datetime,
    docs: Path | None = None,
) -> Watched:
    """Bring the calendar up to ``now`` and its findings to what holds. Watching again changes nothing.

    The calendar is committed first, since Great Expectations reads only what is; the findings follow in one
    transaction, for all looks whose findings are not written down. Raises ``MachineryError`` when the machinery is at
    fault; no finding changes then.
    """
    rules = conditions(catalogue, now.astimezone(LOCAL).date())
    with connection.transaction():
        seen, settled = calendar.look(connection, catalogue, now), calendar.last(connection, settled=True)
        measures.take(connection, catalogue, settled, seen, now)
        known = settled.catalogue_version == catalogue.version
        same = known and rules == conditions(catalogue, settled.at.astimezone(LOCAL).date())
        _show(connection, settled, anew=not same)
    counted = validation.count(sqlalchemy_url, "calendar", rules, docs)
    broken = {rule: number for (rule, _), number in counted.items() if number}
    with connection.transaction():
        holding = [*_cells(connection, rules[CHANGED]), *_measured(connection, rules[MEASURED])]
        if Counter(found.rule for found in holding) != broken:
            raise MachineryError("calendar: Great Expectations and the statement disagree on what is broken")
        changes = _settle(connection, catalogue, rules, holding, now)
        connection.execute(
            "update quality.calendar_looks set is_settled = true where look <= %s and not is_settled", [seen.number]
        )
        return Watched(seen, broken, changes, _gaps(connection))


def conditions(catalogue: Catalogue, day: date) -> dict[str, list[Condition]]:
    """The rules in force over each view, with their thresholds put in from the parameters; a rule of measures passes
    the measures of others."""
    found: dict[str, list[Condition]] = {CHANGED: [], MEASURED: []}
    for view, codes in ((CHANGED, CELLS), (MEASURED, measures.RULES)):
        for rule in (r for code in codes for r in catalogue.versions.get(code, ()) if r.holds and r.in_force(day)):
            holds = (rule.holds or "").format_map(rule.parameters)
            own = holds if view == CHANGED else f"rule <> '{rule.code}' or ({holds})"
            found[view].append(Condition(rule, rule.fields[0], own))
    return found


def _show(connection: psycopg.Connection, settled: Look, *, anew: bool) -> None:
    """Make the views that are looked at: cells that have changed, with all that are unanswered where the rules are not
    those of the look before (``anew``), and what was measured."""
    looked_at = f"changed_in > {settled.number}"
    if anew:
        looked_at += " or state in ('expected', 'missing', 'refused', 'held')"
    connection.execute(
        f"create or replace view checked.{CHANGED} as select cell_id as line, subject, form, report_code, period_from, "
        "period_to, deadline_at, nil_required, is_watched, state, first_received_at, hours_late from quality.calendar "
        f"where {looked_at}"
    )
    connection.execute(
        f"create or replace view checked.{MEASURED} as select line, rule, subject, form, period_from, period_to, item, "
        "records, median, days from quality.calendar_measures"
    )


def _broken(rules: Sequence[Condition]) -> str:
    cases = ", ".join(f"case when not ({condition.sql}) then '{condition.rule.code}' end" for condition in rules)
    return f"unnest(array_remove(array[{cases}]::text[], null))"


def _cells(connection: psycopg.Connection, rules: Sequence[Condition]) -> list[Finding]:
    rows = connection.execute(
        f"select {_broken(rules)}, subject, form, period_from, period_to, coalesce(report_code, ''), deadline_at, "
        f"first_received_at, hours_late from checked.{CHANGED}"
    ).fetchall()
    return [
        Finding(rule, subject, form, start, end, report, _detail(deadline_at=due_at, received_at=came, hours_late=late))
        for rule, subject, form, start, end, report, due_at, came, late in rows
    ]


def _measured(connection: psycopg.Connection, rules: Sequence[Condition]) -> list[Finding]:
    rows = connection.execute(
        f"select {_broken(rules)}, subject, form, period_from, period_to, item, records, median, days "
        f"from checked.{MEASURED}"
    ).fetchall()
    return [
        Finding(rule, subject, form, start, end, item, _detail(records=records, median=median, days=days))
        for rule, subject, form, start, end, item, records, median, days in rows
    ]


def _detail(**facts: Any) -> dict[str, Any]:
    """Counts, moments and hours; never a value of a record."""
    known = {name: value for name, value in facts.items() if value is not None}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else float(value)
        for name, value in known.items()
    }


def _settle(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    rules: Mapping[str, Sequence[Condition]],
    holding: Sequence[Finding],
    now: datetime,
) -> Changes:
    total = Changes(0, 0)
    for code in {condition.rule.code for view in rules.values() for condition in view}:
        own = [found for found in holding if found.rule == code]
        changes = findings.settle(connection, catalogue, [code], own, now, SETTLED_WITHIN[code])
        total = Changes(total.found + changes.found, total.cleared + changes.cleared)
    return total


def _gaps(connection: psycopg.Connection) -> tuple[Gap, ...]:
    rows = connection.execute(
        "select form, state, count(*), count(distinct subject) from quality.calendar "
        "where state = any(%s) and is_watched group by form, state order by form, state",
        [list(GAPS)],
    )
    return tuple(Gap(*row) for row in rows.fetchall())
