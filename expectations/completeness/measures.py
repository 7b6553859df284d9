"""What rules of completeness measure beside the cells: nil reports, silent days, old quarantine, gaps in numbers.

Here belongs the filling of ``quality.calendar_measures``, one file of SQL a rule. Keep out the cells of the calendar
(``calendar``) and the verdict. Thresholds are the rules' own parameters; a measure is the figure they are held to.
"""

from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from expectations.completeness.calendar import STEPS, Look
from expectations.completeness.deadlines import LOCAL
from ingestion.contract import Catalogue

RULES = ("CAL-704", "CAL-706", "CAL-707", "CRO-502")
NUMBERS = "CRO-502"


def take(connection: psycopg.Connection, catalogue: Catalogue, settled: Look, this: Look, now: datetime) -> None:
    """Measure anew, in the caller's transaction, what something happened to since the look ``settled``, and what grows
    older by itself."""
    today = now.astimezone(LOCAL).date()
    known: dict[str, Any] = {"since": settled.up_to_seq, "up_to": this.up_to_seq, "today": today}
    connection.execute("truncate quality.calendar_measures")
    for form in catalogue.forms.values():
        step = STEPS["nil_reports"].format(form=form.name, registered=form.registered_date_field)
        connection.execute(step, {**known, "form": form.name})
    connection.execute(STEPS["silent_days"], known)
    connection.execute(STEPS["quarantined"], known)
    if NUMBERS in catalogue.rules:
        rule = catalogue.rule(NUMBERS, today)
        recent = date.min
        if settled.number:
            # A gap known to the last look may have come of age since, without another number.
            recent = settled.at.astimezone(LOCAL).date() - timedelta(days=rule.parameters["max_gap_age_days"] + 1)
        connection.execute(STEPS["numbers"].format(group=rule.parameters["group"]), {**known, "recent": recent})
    connection.execute("analyze quality.calendar_measures")
