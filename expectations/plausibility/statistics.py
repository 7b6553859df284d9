"""The statistics of the rules of series over the tallies, with the bounds within which they are plausible.

Here belongs the choice of what to measure again (``due.sql``) and the writing of ``quality.plausibility``; each rule is
one file of SQL, ``rules/<rule>.sql``: first ``target``, the subjects, forms and periods to measure, then their
statistic, bounds and number of observations. A period is measured once it has ended, and again when it is touched.
Keep out findings.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from expectations.plausibility.tallies import STEPS, Settings, by_hand
from ingestion.contract import Catalogue

RULES = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "rules").glob("*.sql")}
COLUMNS = "form, subject, period_from, period_to, item, value, lower, upper, n"


def last_month(today: date, lag_days: int) -> date:
    """The first day of the last month that ended at least ``lag_days`` days ago: its records had time to come."""
    newest = (today - timedelta(days=lag_days)).replace(day=1)
    return (newest - timedelta(days=1)).replace(day=1)


def measure(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    chosen: Settings,
    before: date | None,
    now: datetime,
    today: date,
) -> dict[str, int]:
    """Measure what ``fresh`` touched, and the months that ended since ``before``; rule -> statistics that changed.

    In the transaction of the caller. What was measured and can no longer be (too few records are left) is removed.
    """
    values: dict[str, Any] = {
        **chosen.values,
        "before": before,
        "last": last_month(today, chosen.parameters["SER-801"]["lag_days"]),
        "today": today,
        "closed_forms": list(catalogue.closed_periods),
        "closed_to": list(catalogue.closed_periods.values()),
        "break_forms": [broken.form for broken in catalogue.series_breaks],
        "break_subjects": [broken.subject for broken in catalogue.series_breaks],
        "breaks_from": [broken.period_from for broken in catalogue.series_breaks],
    }
    connection.execute("set local jit = off")
    for step in ("figures", "closings", "due"):
        _run(connection, STEPS[step], values)
    return {rule: _measure(connection, catalogue, rule, values, now) for rule in chosen.rules}


def _measure(
    connection: psycopg.Connection, catalogue: Catalogue, rule: str, values: dict[str, Any], now: datetime
) -> int:
    """One rule: target, statistic, and the rows of ``quality.plausibility`` brought to it."""
    *before, statistic = RULES[rule].split(";\n\n")
    for statement in before:
        connection.execute(statement, values)
    connection.execute("analyze target")
    statistic = statistic.replace("{fullest}", _fullest(catalogue))
    connection.execute(
        "create temporary table measured (form text, subject text, period_from date, period_to date, item text, "
        "value numeric(20, 6), lower numeric(20, 6), upper numeric(20, 6), n bigint) on commit drop"
    )
    connection.execute(f"insert into measured ({COLUMNS}) select {COLUMNS} from ({statistic}) as statistic", values)
    gone = connection.execute(
        "delete from quality.plausibility as known using target where known.rule = %(rule)s "
        "and (known.form, known.subject, known.period_from) = (target.form, target.subject, target.period_from) "
        "and not exists (select from measured where (measured.form, measured.subject, measured.period_from, "
        "measured.item) = (known.form, known.subject, known.period_from, known.item))",
        {"rule": rule},
    ).rowcount
    written = connection.execute(
        f"insert into quality.plausibility (rule, {COLUMNS}, measured_at, catalogue_version) "
        f"select %(rule)s, {COLUMNS}, %(now)s, %(version)s from measured "
        "on conflict (rule, form, subject, period_from, item) do update set period_to = excluded.period_to, "
        "value = excluded.value, lower = excluded.lower, upper = excluded.upper, n = excluded.n, "
        "measured_at = excluded.measured_at, catalogue_version = excluded.catalogue_version "
        "where (plausibility.value, plausibility.lower, plausibility.upper, plausibility.n) "
        "is distinct from (excluded.value, excluded.lower, excluded.upper, excluded.n)",
        {"rule": rule, "now": now, "version": catalogue.version},
    ).rowcount
    connection.execute("drop table target, measured")
    connection.execute("drop table if exists bucket, solved")
    return gone + written


def _fullest(catalogue: Catalogue) -> str:
    """SQL over ``bucket``: the records of its fullest point, whichever form it is of."""
    forms = [
        form for form in catalogue.forms.values() if any(rule.code == "SER-807" for rule in catalogue.rules_of(form))
    ]
    each = [
        STEPS["fullest"].format(form=form.name, registered=form.registered_date_field, by_hand=by_hand(form))
        for form in forms
    ]
    return f"select max(n) as n from ({' union all '.join(f'({text})' for text in each)}) as point"


def _run(connection: psycopg.Connection, text: str, values: dict[str, Any]) -> None:
    for statement in text.split(";\n\n"):
        connection.execute(statement, values if "%(" in statement else None)
