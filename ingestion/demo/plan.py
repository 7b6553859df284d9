"""Which packages there are, when they land, and where a record or a correction may travel."""

from collections.abc import Sequence
from datetime import date, timedelta

from ingestion.contract import Form, Subject
from ingestion.demo.faults import FAULTS
from ingestion.demo.model import Package, Record, Values
from ingestion.demo.world import World

REPORT = "aggregate_report"


class Plan:
    """Which packages there are, when they land, and where a record or a correction may travel."""

    def __init__(self, world: World, defects: bool) -> None:
        self.world = world
        self.horizon = world.last + timedelta(days=1)
        self.records: dict[str, list[Record]] = {form: [] for form in world.catalogue.forms}
        self.unsent: set[tuple[str, str, date]] = set()
        self.slots: dict[tuple[str, str], list[Package]] = {}
        self.by_period: dict[tuple[str, str, date], Package] = {}
        self.seconds: dict[Package, Package] = {}
        self.package_defects = tuple(FAULTS) if defects else ()
        for subject in world.subjects:
            for form in world.catalogue.forms.values():
                if form.name != REPORT and world.period_of(subject, form.name):
                    self._open(subject, form, defects)

    def _open(self, subject: Subject, form: Form, defects: bool) -> None:
        world, rng = self.world, self.world.rng
        late = world.volumes["all", "late_share", "package"]
        repeats = {name: max(share, 0.0002) for name, share in world.shares("all", "package_defect_share").items()}
        repeats["sequence_gap"] = 0.0005
        slots = []
        for starts, ends in world.periods(world.period_of(subject, form.name) or "day"):
            if ends < world.last and rng.random() < world.volumes["all", "unsent_share", "subject_month"]:
                self.unsent.add((subject.code, form.name, ends))
                continue
            sent = ends + timedelta(days=1 + (rng.randint(1, 6) if rng.random() < late else 0))
            package = Package(subject, form, starts, ends, 1, sent, sent)
            if defects:
                draw = rng.random()
                for name, share in repeats.items():
                    if draw < share and FAULTS[name].applies(package, world.catalogue):
                        package.defect = name
                        break
                    draw -= share
            slots.append(package)
            for n in range((ends - starts).days + 1):
                self.by_period[subject.code, form.name, starts + timedelta(days=n)] = package
        self.slots[subject.code, form.name] = slots

    def settle(self) -> None:
        """Give every kind of package defect at least one package, and each package its day of arrival."""
        rng = self.world.rng
        filled = [p for slots in self.slots.values() for p in slots if p.records]
        given = {p.defect for p in filled if self._in_reach(p) and len(p.records) > 2}
        for name in sorted(set(self.package_defects) - given):
            free = [p for p in filled if p.defect is None and self._in_reach(p) and len(p.records) > 2]
            free = [p for p in free if FAULTS[name].applies(p, self.world.catalogue)]
            if free:
                rng.choice(free).defect = name
        for slots in self.slots.values():
            for package in slots:
                if not package.records and package.defect != "resent_unchanged":
                    package.defect = None
                if package.defect and not FAULTS[package.defect].is_harmless:
                    package.arrives = package.sent + timedelta(days=1)
                if package.defect == "sequence_gap":
                    package.sent = package.arrives = max(package.sent, package.period + timedelta(days=3))
                if package.arrives is not None and package.arrives > self.horizon:
                    package.arrives = None
        self._split(filled)

    def _in_reach(self, package: Package) -> bool:
        return max(package.sent, package.period + timedelta(days=3)) < self.horizon

    def _split(self, filled: Sequence[Package]) -> None:
        """Move some records of some packages to a second package for the same period."""
        rng = self.world.rng
        for package in filled:
            gap = package.defect == "sequence_gap"
            if gap:
                package.defect = None
            if len(package.records) < 3 or package.arrives is None or (not gap and rng.random() >= 0.02):
                continue
            if package.defect and FAULTS[package.defect].follows:
                continue
            if gap:
                sent = package.period + timedelta(days=1)
                arrives: date | None = package.arrives
            else:
                sent = package.arrives + timedelta(days=rng.randint(1, 2))
                arrives = sent if sent <= self.horizon else None
            second = Package(package.subject, package.form, package.starts, package.period, 2, sent, arrives)
            second.defect = "sequence_gap" if gap else None
            kept = package.records
            package.records = [r for n, r in enumerate(kept) if n % 3 != 1]
            second.records = [r for n, r in enumerate(kept) if n % 3 == 1]
            for record in second.records:
                record.package = second
            self.seconds[package] = second

    def send(
        self, subject: Subject, form: str, day: date, values: Values, parent: Record | None = None
    ) -> Record | None:
        """Put a new record registered on ``day`` into its package, or into a later one when it is late; None when no
        package can carry it. ``parent`` is the record it points to."""
        world = self.world
        period = day
        if world.chance(world.volumes["all", "late_share", "record"]):
            period = day + timedelta(days=world.rng.randint(1, 6))
        while (subject.code, form, period) in self.unsent:
            period += timedelta(days=1)
        package = self.by_period.get((subject.code, form, min(period, world.last)))
        if package is None or package.period < day:
            return None
        record = Record(values, package)
        if package.starts > day:
            record.broken.append(("GEN-403", package.form.registered_date_field))
        package.records.append(record)
        self.records[form].append(record)
        if parent:
            parent.is_parent = True
        return record

    def fill_nil_days(self) -> None:
        """Put late records of days that would be reported as nil where they belong, but for a few: these contradict
        the nil report (CAL-704)."""
        for records in self.records.values():
            for record in records:
                form, subject = record.package.form, record.package.subject
                day = date.fromisoformat(record.values[form.registered_date_field][:10])
                home = self.by_period.get((subject.code, form.name, day))
                is_late = any(rule == "GEN-403" for rule, _ in record.broken)
                if home and is_late and not home.records and self.world.chance(0.98):
                    record.package.records.remove(record)
                    record.package = home
                    record.broken.clear()
                    home.records.append(record)

    def later(self, record: Record, earliest: date, within: int = 12) -> Package | None:
        """A package of the record's subject that is of a later period and arrives later than the record's
        own."""
        home = record.package
        if home.arrives is None:
            return None
        for package in self.slots[home.subject.code, home.form.name]:
            if package.period <= home.period or package.period < earliest or package.arrives is None:
                continue
            if package.period > earliest + timedelta(days=within):
                return None
            if package.arrives > home.arrives:
                return package
        return None

    def correct(self, record: Record, action: str, reason: str, changes: Values, earliest: date) -> Record | None:
        """Send a correction of ``record`` in a later package; None when there is none to carry it."""
        package = self.later(record, earliest)
        if package is None:
            return None
        values = {**record.values, **changes, "action": action, "correction_reason": reason}
        correction = Record(values, package, is_single=False)
        record.is_single = False
        package.records.append(correction)
        self.records[package.form.name].append(correction)
        return correction

    def close(self) -> list[Package]:
        """All packages that will be written: those with records, and the nil reports."""
        packages = []
        for slots in self.slots.values():
            for package in slots:
                obliged = self.world.is_obliged(package.subject, package.form.name)
                if package.records or obliged or self.world.chance(0.3):
                    packages.append(package)
                if package in self.seconds:
                    packages.append(self.seconds[package])
        return [package for package in packages if package.sent <= self.horizon]
