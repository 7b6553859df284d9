"""What the calendar is to say of the packages: missing, late, a nil report that records contradict.

Here belongs a plain reading of the rules CAL-7xx over what was sent. Keep out packages that are refused (``writing``).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from ingestion.contract import Catalogue, Duty
from ingestion.demo.links import Broken, Known, Version
from ingestion.demo.model import Package

HOUR_OF_ARRIVAL = time(18, 0)
Cell = tuple[str, str, str | None, date, date]
"""Subject, form, report code, first and last day of the period."""


def findings(
    catalogue: Catalogue,
    packages: Sequence[Package],
    known: Known,
    broken: Mapping[tuple[Package, int], Sequence[Broken]],
) -> Iterator[dict[str, object]]:
    """What CAL-701, 702, 703 and 704 find on the day of ``known``. A form is watched from the first deadline after its
    first package came."""
    first: dict[Cell, date] = {}
    for package in packages:
        if package.arrives is not None:
            code = package.report_code
            cell = (package.subject.code, package.form.name, code, package.starts, package.period)
            came_on = package.sent if package.defect == "sequence_gap" else package.arrives
            first[cell] = min(came_on, first.get(cell, came_on))
    began: dict[str, datetime] = {}
    for (_, form, *_), arrives in first.items():
        moment = datetime.combine(arrives, HOUR_OF_ARRIVAL)
        began[form] = min(moment, began.get(form, moment))
    now = datetime.combine(known.today, time(2, 0))
    for owed, duty in _owed(catalogue, min(began.values(), default=now).date(), known.today):
        due = _deadline(catalogue, duty, owed[4])
        if owed[1] not in began or due < began[owed[1]]:
            continue
        came_at = datetime.combine(first[owed], HOUR_OF_ARRIVAL) if owed in first else None
        if came_at is None and due < now:
            yield _finding("CAL-701", owed)
            if duty.nil_required:
                yield _finding("CAL-703", owed)
        elif came_at is not None and came_at > due:
            yield _finding("CAL-702", owed)
    registered = _registered_days(known, broken)
    for package in packages:
        for item in package.left_out:
            first_day = package.period.replace(month=1, day=1)
            cell = (package.subject.code, package.form.name, None, first_day, package.period)
            yield _finding("AGR-903", cell) | {"item": item}
        days = registered[package.subject.code, package.form.name]
        is_nil = not package.records and package.arrives is not None
        if is_nil and any(package.starts <= day <= package.period for day in days):
            cell = (package.subject.code, package.form.name, package.report_code, package.starts, package.period)
            yield _finding("CAL-704", cell)


def _finding(rule: str, cell: Cell) -> dict[str, object]:
    subject, form, report_code, starts, ends = cell
    return {
        "rule": rule,
        "subject": subject,
        "form": form,
        "report_code": report_code,
        "period": starts.isoformat(),
        "period_to": ends.isoformat(),
    }


def _owed(catalogue: Catalogue, since: date, today: date) -> Iterator[tuple[Cell, Duty]]:
    """Every period that a subject owes, from a quarter before ``since`` to yesterday."""
    first = since - timedelta(days=100)
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    ends = {"day": days, "month": [d for d in days if (d + timedelta(days=1)).day == 1]}
    ends["quarter"] = [d for d in ends["month"] if d.month % 3 == 0]
    for duty in (duty for duty in catalogue.duties if duty.mandatory):
        subjects = [s for s in catalogue.subjects.values() if s.kind == duty.subject_kind]
        for day in (d for d in ends[duty.period] if duty.in_force(d)):
            starts = _starts(duty.period, day)
            for subject in subjects:
                if subject.active(starts, day):
                    yield (subject.code, duty.form, duty.report_code, starts, day), duty


def _starts(period: str, day: date) -> date:
    if period == "day":
        return day
    return day.replace(month=day.month - 2, day=1) if period == "quarter" else day.replace(day=1)


def _deadline(catalogue: Catalogue, duty: Duty, ends: date) -> datetime:
    """The moment after the end of the period, in days of 24 hours or in working days."""
    day = ends + timedelta(days=1)
    wanted = 1 if duty.deadline == "PT24H" else int(duty.deadline.strip("PD"))
    holidays = {code.code for code in catalogue.code_lists["public_holiday"]}
    while wanted:
        is_working = day.weekday() < 5 and f"{day:%m-%d}" not in holidays
        wanted -= 1 if is_working or not duty.working_days else 0
        day += timedelta(days=1)
    return datetime.combine(day, time())


def _registered_days(
    known: Known, broken: Mapping[tuple[Package, int], Iterable[Broken]]
) -> dict[tuple[str, str], set[date]]:
    """By subject and form the days on which its accepted records were registered."""
    days: dict[tuple[str, str], set[date]] = defaultdict(set)
    for (form, _), versions in known.versions.items():
        last: dict[str, Version] = {}
        for version in versions:
            errors = [s for *_, s in broken.get((version.package, version.line), ()) if s == "error"]
            if version.is_sound and not errors:
                last[version.sender] = version
        for sender, version in last.items():
            if version.values["action"] != "D":
                day = version.values[version.package.form.registered_date_field]
                days[sender, form].add(date.fromisoformat(day[:10]))
    return days
