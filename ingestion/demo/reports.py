"""Aggregate reports: each subject's own totals, computed from its records as known when it reports; some are wrong.

Here belongs the second kind of data of Art. 7(1)(1), with the defects of reports. Keep out the records counted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ingestion.contract import Duty, Subject
from ingestion.demo.links import Broken, Known, Version, broken_links
from ingestion.demo.model import Package, Record, Values
from ingestion.demo.plan import REPORT, Plan

WHOLE = "000000000"
SEVERITIES = "01234"
FLOWS = {"CR-1": ("received", "disposed"), "CV-2": ("received", "disposed"), "AC-5": ("received", "disposed")}
FORM_OF = {"CR-1": "criminal_verdict", "CV-2": "civil_case", "AC-5": "administrative_court_case"}
Cells = dict[tuple[str, str, str], Decimal]
"""Measure, territory, severity -> value."""


@dataclass(frozen=True)
class Flaw:
    """A defect of a report: ``spoil`` changes one of its records and returns it; ``breaks`` are its rules."""

    defect: str
    breaks: tuple[str, ...]
    spoil: Callable[[list[Record]], Record | None]


def reports(plan: Plan, packages: Sequence[Package], nights: Callable[[date], date]) -> list[Package]:
    """The reports of all subjects that owe any; ``nights`` tells by which day's night a package is judged."""
    known: dict[date, tuple[Known, Mapping[tuple[Package, int], list[Broken]]]] = {}
    found = []
    for subject in plan.world.subjects:
        for duty in plan.world.catalogue.duties_of(REPORT, subject.kind, plan.world.last):
            for starts, ends in plan.world.periods(duty.period):
                arrives = min(ends + timedelta(days=plan.world.rng.randint(2, 4)), plan.horizon)
                night = nights(arrives)
                if night not in known:
                    then = Known(plan.world.catalogue, packages, night + timedelta(days=1))
                    known[night] = then, broken_links(then)
                counted = _counted(*known[night], _reach(plan, subject), arrives)
                package = Package(subject, plan.world.catalogue.forms[REPORT], starts, ends, 1, arrives, arrives)
                package.report_code = duty.report_code
                package.records = _cells(plan, package, duty, counted)
                found.append(package)
    return found


def _reach(plan: Plan, subject: Subject) -> set[str]:
    """The body and all below it."""
    reached = {subject.code}
    while below := {s.code for s in plan.world.catalogue.subjects.values() if s.parent in reached} - reached:
        reached |= below
    return reached


class Counted:
    """The records that count in a body's report: of its own and those below, and of everybody."""

    def __init__(self, own: dict[str, list[Values]], everybody: dict[str, list[Values]]) -> None:
        self.own, self.everybody = own, everybody


def _counted(
    known: Known, broken: Mapping[tuple[Package, int], Sequence[Broken]], reach: set[str], arrives: date
) -> Counted:
    """Of each key the last version received by then that no error keeps out."""
    own: dict[str, list[Values]] = {}
    everybody: dict[str, list[Values]] = {}

    def stands(version: Version) -> bool:
        links = broken.get((version.package, version.line), ())
        is_clear = all(severity != "error" for _, _, severity in links)
        return version.received <= arrives and version.is_sound and is_clear

    for (form, _), versions in known.versions.items():
        standing = [version for version in versions if stands(version)]
        if standing and standing[-1].values["action"] != "D":
            everybody.setdefault(form, []).append(standing[-1].values)
            if standing[-1].sender in reach:
                own.setdefault(form, []).append(standing[-1].values)
    return Counted(own, everybody)


def _cells(plan: Plan, package: Package, duty: Duty, counted: Counted) -> list[Record]:
    first = f"{package.period.year}-01-01"
    figures = _Figures(plan, counted, first, package.period.isoformat())
    cells = dict(figures.of(duty.report_code or "", package.subject.region))
    return [
        Record(
            {
                "action": "I",
                "correction_reason": "",
                "report_code": duty.report_code or "",
                "period_start": first,
                "period_end": package.period.isoformat(),
                "is_cumulative": "true",
                "body": package.subject.code,
                "territory": territory,
                "criminal_article": "",
                "administrative_article": "",
                "severity": severity,
                "measure": measure,
                "value": f"{value:.2f}" if measure.endswith("_kzt") else str(int(value)),
            },
            package,
            is_single=False,
        )
        for (measure, territory, severity), value in cells.items()
    ]


class _Figures:
    """The figures of one report over the records counted, from ``first`` to ``last``."""

    def __init__(self, plan: Plan, counted: Counted, first: str, last: str) -> None:
        self.own, self.everybody = counted.own, counted.everybody
        self.first, self.last = first, last
        kinds = plan.world.catalogue.code_lists["pretrial_decision_type"]
        self.effects = {code.code: code.row["effect"] for code in kinds}

    def of(self, report: str, region: str | None) -> Iterator[tuple[tuple[str, str, str], Decimal]]:
        if report == "1-M":
            yield from self._registered(region)
        for measure, value in self._totals(report):
            yield (measure, WHOLE, ""), Decimal(value)

    def _within(self, form: str, day: str) -> list[Values]:
        return [v for v in self.own.get(form, ()) if self.first <= v[day][:10] <= self.last]

    def _registered(self, region: str | None) -> Iterator[tuple[tuple[str, str, str], Decimal]]:
        offences = self._within("criminal_offence", "registered_at")
        yield ("registered", WHOLE, ""), Decimal(len(offences))
        for severity in SEVERITIES:
            number = sum(offence["severity"] == severity for offence in offences)
            yield ("registered", WHOLE, severity), Decimal(number)
        if region:
            yield ("registered", region, ""), Decimal(len(offences))
        yield ("damage_kzt", WHOLE, ""), _sum(offences, "damage_kzt")

    def _totals(self, report: str) -> Iterator[tuple[str, int | Decimal]]:
        match report:
            case "1-M" | "1-E":
                yield from self._investigation(report)
            case "1-AD":
                yield from self._administrative()
            case "EN-1":
                yield from self._enforcement()
            case _:
                yield from self._courts(report)

    def _investigation(self, report: str) -> Iterator[tuple[str, int | Decimal]]:
        decisions = self._within("pretrial_decision", "decision_date")
        decisions.sort(key=lambda d: (d["erdr_number"], d["decision_date"], int(d["decision_no"])))
        latest = {d["erdr_number"]: d["decision_type"] for d in decisions}
        yield "solved", len({d["erdr_number"] for d in decisions if self.effects[d["decision_type"]] == "court"})
        yield "interrupted", sum(self.effects[kind] == "paused" for kind in latest.values())
        if report == "1-M":
            victims = self._within("victim", "recognised_date")
            yield "victims", sum(victim["victim_kind"] == "natural" for victim in victims)
        else:
            discontinued = {d["erdr_number"] for d in decisions if d["decision_type"].startswith("discontinued_")}
            yield "discontinued", len(discontinued)
            yield "suspects", len(self._within("suspect", "status_date"))

    def _administrative(self) -> Iterator[tuple[str, int | Decimal]]:
        decisions = self._within("administrative_decision", "decision_date")
        yield "protocols", len(self._within("administrative_offence", "registered_at"))
        yield "decisions", sum(d["outcome"] == "penalty" for d in decisions)
        yield "arrests", sum(d["penalty_type"] == "arrest" for d in decisions)
        yield "fines_imposed_kzt", _sum([d for d in decisions if d["penalty_type"] == "fine"], "fine_kzt")
        own = {d["decision_no"] for d in self.own.get("administrative_decision", ())}
        paid = [p for p in self.everybody.get("fine_payment", ()) if p["decision_no"] in own]
        paid = [p for p in paid if self.first <= p["paid_date"] <= self.last]
        back = [p for p in paid if p["is_refund"] == "true"]
        yield "fines_paid_kzt", max(_sum(paid, "amount_kzt") - 2 * _sum(back, "amount_kzt"), Decimal(0))

    def _enforcement(self) -> Iterator[tuple[str, int | Decimal]]:
        opened = self._within("enforcement_proceeding", "opened_date")
        closed = self._within("enforcement_proceeding", "closed_date")
        yield from _stocks("opened", len(opened), "closed", len(closed))
        yield "executed", sum(p["close_ground"] == "executed" for p in closed)
        yield "due_kzt", _sum(opened, "due_kzt")
        yield "recovered_kzt", _sum(closed, "recovered_kzt")

    def _courts(self, report: str) -> Iterator[tuple[str, int | Decimal]]:
        form = FORM_OF[report]
        decided = self._within(form, "decision_date")
        received = len({v["case_no"] for v in self._within(form, "received_date")})
        yield from _stocks("received", received, "disposed", len({v["case_no"] for v in decided}))
        if report == "CR-1":
            first = [v["outcome"] for v in decided if v["instance"] == "first"]
            yield "persons_convicted", sum(outcome.startswith("convicted") for outcome in first)
            yield "persons_acquitted", first.count("acquitted")
        else:
            yield "award_kzt", _sum(decided, "award_kzt")


def _stocks(came: str, received: int, went: str, disposed: int) -> Iterator[tuple[str, int]]:
    """Stock and flows of a period that balance (AGR-601)."""
    yield from (("pending_start", 40), (came, received), (went, disposed), ("pending_end", 40 + received - disposed))


def _sum(records: Sequence[Values], name: str) -> Decimal:
    return sum((Decimal(values[name]) for values in records if values[name]), Decimal(0))


def spoil(plan: Plan, packages: Sequence[Package]) -> None:
    """Each defect of reports in one report, as far as there are reports with such a cell."""
    free = [package for package in packages if package.records]
    plan.world.rng.shuffle(free)
    for flaw in FLAWS:
        for package in free:
            record = flaw.spoil(package.records)
            if record:
                record.defect = flaw.defect
                record.broken = [(rule, plan.world.catalogue.rules[rule].fields[0]) for rule in flaw.breaks]
                if record not in package.records:
                    values = record.values
                    package.left_out.append(f"{values['report_code']} {values['measure']} {values['territory']}")
                total = _cell(package.records, "registered") if flaw.defect == "wrong_total" else None
                if total:
                    total.defect, total.broken = flaw.defect, [("AGR-501", "value")]
                free.remove(package)
                break


def _cell(records: list[Record], *measures: str, severity: str = "") -> Record | None:
    """The cell of the whole territory of one of these measures, if it is not nothing."""
    for record in records:
        values = record.values
        is_such = values["measure"] in measures and values["severity"] == severity and values["territory"] == WHOLE
        if is_such and Decimal(values["value"]) > 0:
            return record
    return None


def _changed(*measures: str, severity: str = "", **changes: str) -> Callable[[list[Record]], Record | None]:
    """Change a cell; a value that begins with ``*`` or ``+`` is multiplied or raised."""

    def spoil_cell(records: list[Record]) -> Record | None:
        record = _cell(records, *measures, severity=severity)
        if record:
            for name, text in changes.items():
                old = record.values[name]
                raised = {"*": lambda a, b: a * b, "+": lambda a, b: a + b}.get(text[0])
                record.values[name] = _in_cents(raised(Decimal(old), Decimal(text[1:])), old) if raised else text
        return record

    return spoil_cell


def _in_cents(value: Decimal, like: str) -> str:
    return f"{value:.2f}" if "." in like else str(value)


def _added(*measures: str, **changes: str) -> Callable[[list[Record]], Record | None]:
    """Add a cell of nothing that should not be there."""

    def spoil_report(records: list[Record]) -> Record | None:
        record = _cell(records, *measures)
        if record is None:
            return None
        added = Record({**record.values, "value": "0", **changes}, record.package, is_single=False)
        records.append(added)
        return added

    return spoil_report


def _in_unknown_region(records: list[Record]) -> Record | None:
    """Add a region that there is not beside the one that has all."""
    for record in records:
        if record.values["territory"] != WHOLE:
            added = Record({**record.values, "territory": "760000000", "value": "0"}, record.package, is_single=False)
            records.append(added)
            return added
    return None


def _left_out(*measures: str) -> Callable[[list[Record]], Record | None]:
    def spoil_report(records: list[Record]) -> Record | None:
        record = _cell(records, *measures)
        if record:
            records.remove(record)
        return record

    return spoil_report


FLAWS = (
    Flaw("wrong_cell", ("AGR-901",), _changed("suspects", value="+3")),
    Flaw("wrong_cell", ("AGR-901",), _changed("executed", "persons_convicted", value="+1")),
    Flaw("wrong_amount", ("AGR-902",), _changed("due_kzt", value="*1.25")),
    Flaw("wrong_amount", ("AGR-902",), _changed("award_kzt", value="*1.10")),
    Flaw("missing_cell", ("AGR-903",), _left_out("executed", "discontinued")),
    Flaw("unbalanced", ("AGR-601",), _changed("pending_end", value="+5")),
    Flaw("wrong_total", ("AGR-901",), _changed("registered", severity="2", value="+1")),
    Flaw("foreign_measure", ("AGR-301",), _added("opened", measure="arrests")),
    Flaw("decimals", ("AGR-302",), _changed("solved", value="+0.5")),
    Flaw("unknown_territory", ("AGR-303",), _in_unknown_region),
    Flaw("wrong_period", ("AGR-401",), _changed("interrupted", is_cumulative="false")),
    Flaw("foreign_breakdown", ("AGR-402",), _added("opened", severity="1")),
)
"""Defects of reports; ``wrong_total`` also unsettles the total (AGR-501)."""
