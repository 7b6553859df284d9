"""The truth about what was written: every rule that a record, a package or a period is known to break.

Here belongs the document that a judged warehouse is held to. Keep out how it is found (``links``, ``calendar``).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ingestion.contract import Catalogue
from ingestion.demo import calendar
from ingestion.demo.links import Broken, Known, broken_links, cleared
from ingestion.demo.model import Package

Entry = dict[str, Any]

NOT_INJECTED = {
    "PKG-109": "signatures are held, not judged",
    "PKG-129": "no period of the registry is closed",
    "ADO-502": "takes 2,000 records of one device in an hour, a twentieth of the demonstration",
}
"""Rules that nothing in the demonstration breaks, and why not."""
UNTOLD = {
    "PKG-132": "depends on what was quarantined when the package was judged",
    "CRO-502": "depends on which numbers had come by which day",
    "CAL-706": "depends on medians of all months",
    "CAL-707": "depends on how many days a record has been quarantined",
    "AGR-602": "follows from what was corrected between two reports",
    "AGR-904": "investigators and courts of one region are invented independently",
}
"""Warnings that the demonstration may break and the truth does not tell: what is found of them is not scored."""


def document(
    catalogue: Catalogue, packages: Sequence[Package], refusals: Sequence[Mapping[str, str]], last_day: date
) -> dict[str, Any]:
    """``records``, ``findings`` of the calendar and ``packages`` refused, as they stand after the night of
    ``last_day``. An entry that is not ``open`` was broken and has been cleared since."""
    known = Known(catalogue, packages, last_day + timedelta(days=1))
    broken = broken_links(known)
    corrected = cleared(known, broken)
    received = [p for p in packages if p.arrives is not None]
    return {
        "demonstration": True,
        "day": last_day.isoformat(),
        "packages": list(refusals),
        "records": [entry for package in received for entry in _records(catalogue, package, broken, corrected)],
        "findings": list(calendar.findings(catalogue, packages, known, broken)),
    }


def _records(
    catalogue: Catalogue,
    package: Package,
    broken: Mapping[tuple[Package, int], Sequence[Broken]],
    corrected: set[tuple[Package, int]],
) -> Iterator[Entry]:
    """One entry a rule that a record of the package breaks: by itself, then among others."""
    for index, record in enumerate(package.records):
        place = package, package.line_of(index)
        own = [(rule, name, catalogue.rules[rule].severity) for rule, name in record.broken if _is_own(rule)]
        for rule, name, severity in (*own, *broken.get(place, ())):
            is_cleared = _is_own(rule) and severity == "error" and place in corrected
            yield {
                "subject": package.subject.code,
                "form": package.form.name,
                "report_code": package.report_code,
                "period": package.starts.isoformat(),
                "sequence": package.sequence,
                "line": place[1],
                "rule": rule,
                "field": name,
                "severity": severity,
                "defect": record.defect or ("late_record" if rule == "GEN-403" else "consequence"),
                "open": not is_cleared,
            }


def _is_own(rule: str) -> bool:
    """Whether a rule is about the record alone, or about the rows of its package or its report."""
    return int(rule[4:]) < 600 or rule.startswith("AGR")
