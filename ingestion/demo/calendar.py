"""What the calendar is to say of the packages: missing, late, a nil report that records contradict.

Here belongs a plain reading of the rules CAL-7xx over what was sent. Keep out packages that are refused (``writing``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from ingestion.contract import Catalogue, Duty
from ingestion.demo.links import Broken, Known
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
        if package.arrives is not None and package.sequence == 1:
            code = package.report_code
            first[package.subject.code, package.form.name, code, package.starts, package.period] = package.arrives
    began: dict[str, datetime] = {}
    for (_, form, *_), arrives in first.items():
        moment = datetime.combine(arrives, HOUR_OF_ARRIVAL)
        began[form] = min(moment, began.get(form, moment))
    now = datetime.combine(known.today, time(2, 0))
    for cell, duty in _owed(catalogue, min(began.values(), default=now).date(), known.today):
        due = _deadline(catalogue, duty, cell[4])
        if cell[1] not in began or due < began[cell[1]]:
            continue
        came = datetime.combine(first[cell], HOUR_OF_ARRIVAL) if cell in first else None
        if came is None and due < now:
            yield _finding("CAL-701", cell)
            if duty.nil_required:
                yield _finding("CAL-703", cell)
        elif came is not None and came > due:
            yield _finding("CAL-702", cell)
    for package in packages:
        for item in package.left_out:
            first_day = package.period.replace(month=1, day=1)
            cell = (package.subject.code, package.form.name, None, first_day, package.period)
            yield _finding("AGR-903", cell) | {"item": item}
        if not package.records and package.arrives is not None and _contradicted(package, known, broken):
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


def _contradicted(package: Package, known: Known, broken: Mapping[tuple[Package, int], Iterable[Broken]]) -> bool:
    """Whether an accepted record of the subject is registered in a period it reported as nil (CAL-704)."""
    name, subject = package.form.registered_date_field, package.subject.code
    for (form, _), versions in known.versions.items():
        if form != package.form.name:
            continue
        accepted = [
            v
            for v in versions
            if v.sender == subject
            and v.is_sound
            and all(severity != "error" for *_, severity in broken.get((v.package, v.line), ()))
        ]
        if accepted and accepted[-1].values["action"] != "D":
            day = date.fromisoformat(accepted[-1].values[name][:10])
            if package.starts <= day <= package.period:
                return True
    return False
