"""What a report is measured by: each measure's definition over the records of a form, read from data.

Here belong ``forms/aggregate_report/measures/<measure>.<form>.sql`` and the classifier ``report_measure`` put
together. Keep out running them: that is ``cells``.

A definition gives one row for each thing counted: ``report, territory, article, severity, value, submission_seq,
line``. It reads ``live_<form>``, the records of the reporting body and of those below it that were live when the
report was received, or ``known_<form>``, those of every sender; both have the columns of ``raw.<form>`` and
``report, period_start, period_end, subject``. It may name any form that its report is made of.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.contract import Catalogue, CatalogueError

FORM = "aggregate_report"


@dataclass(frozen=True)
class Measure:
    """A measure over one form and the reports that state it.

    A stock has neither form nor SQL: it is carried from report to report and follows from no record.
    """

    code: str
    value_type: str
    form: str | None
    report_codes: tuple[str, ...]
    sql: str | None


def measures(catalogue: Catalogue) -> list[Measure]:
    """Every measure with its definitions. Raises ``CatalogueError`` where a definition is missing."""
    found = []
    for code in catalogue.code_lists["report_measure"]:
        reports_of: dict[str, list[str]] = defaultdict(list)
        for report, form in _sources(code.row["reports"], code.row["from_form"]):
            reports_of[form].append(report)
        found += [
            Measure(code.code, code.row["value_type"], form or None, tuple(reports), _sql(catalogue, code.code, form))
            for form, reports in reports_of.items()
        ]
    return found


def _sources(reports: str, forms: str) -> Iterable[tuple[str, str]]:
    """Each report of a measure with its form: one form serves all reports, several stand in the order of reports."""
    codes, named = reports.split(";"), forms.split(";")
    return zip(codes, named * len(codes) if len(named) == 1 else named, strict=True)


def _sql(catalogue: Catalogue, measure: str, form: str) -> str | None:
    if not form:
        return None
    path = catalogue.root / "forms" / FORM / "measures" / f"{measure}.{form}.sql"
    if not path.exists():
        raise CatalogueError(f"forms/{FORM}/measures: say in {path.name} what '{measure}' counts in {form}")
    return path.read_text(encoding="utf-8")
