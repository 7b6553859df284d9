"""What a demonstration is made of: packages, records, and what is known to be wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ingestion.contract import Form, Subject

Values = dict[str, str]
"""A record as sent: field name -> text, empty when there is no value."""

COUNTED_DAYS = {
    "pretrial_decision": "investigation_days",
    "sentence_execution": "served_days",
    "administrative_court_case": "suspended_days",
}
"""Days that a record counts, and that may differ by one without harm."""


@dataclass(frozen=True)
class DemoSummary:
    """What ``generate`` wrote; ``days`` are the days of sending, in order."""

    destination: Path
    days: tuple[date, ...]
    subjects: tuple[str, ...]
    packages: int
    nil_packages: int
    records: int
    records_by_form: Mapping[str, int]
    defects: Mapping[str, int]
    package_defects: Mapping[str, int]


@dataclass(slots=True, eq=False)
class Package:
    """One package of the period ``starts`` to ``period``: ``sent`` is the day it first lands, ``arrives`` the day it
    can be accepted (None: not yet)."""

    subject: Subject
    form: Form
    starts: date
    period: date
    sequence: int
    sent: date
    arrives: date | None
    records: list["Record"] = field(default_factory=list)
    defect: str | None = None
    variant: str = "plain"
    report_code: str | None = None
    left_out: list[str] = field(default_factory=list)
    """Cells that a report should have and has not."""

    @property
    def name(self) -> str:
        kind = f"{self.form.name}_{self.report_code}" if self.report_code else self.form.name
        return f"{kind}_{self.period}_{self.sequence}"

    @property
    def is_jsonl(self) -> bool:
        return self.variant.startswith("jsonl")

    def line_of(self, index: int) -> int:
        return index + (1 if self.is_jsonl else 2)


@dataclass(slots=True, eq=False)
class Record:
    """A record in its package; ``broken`` lists (rule, field) it breaks by itself, ``spoilt`` is an unparsable line's
    kind. ``is_single``: no other version of it is sent; ``is_parent``: other records point to it."""

    values: Values
    package: Package
    is_single: bool = True
    is_parent: bool = False
    defect: str | None = None
    broken: list[tuple[str, str]] = field(default_factory=list)
    spoilt: str | None = None
    released: bool = False
    cleared_by: Package | None = None
