"""Demonstration packages: what some sixty subjects might send in some sixty days, with known defects.

Here belong the invention of records, their corrections and defects, and the writing of packages with the
truth about them. Keep out intake, reading and judging: nothing here knows whether a package will be accepted,
it only notes which rules it has broken on purpose.

This is demonstration data. Nothing in it is a fact of statistics and no record concerns a real person or
entity: shares come from ``volumes.csv``, all else from a seeded generator. An invented IIN has a serial
number of 9900-9999, an invented BIN begins with 6001 (January 1960) and has 9 as its sixth digit, a value no
kind of entity has.
"""

import csv
import gzip
import hashlib
import io
import json
import shutil
import zipfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from ingestion.contract import Catalogue, Code, Form, Subject

VOLUMES = Path(__file__).parent / "volumes.csv"

Values = dict[str, str]
"""A record as sent: field name -> text, empty when there is no value."""

FORM_SHARES = {
    "criminal_offence": 0.18,
    "pretrial_decision": 0.18,
    "civil_case": 0.28,
    "administrative_offence": 0.36,
}
KIND_QUOTAS = {
    "police_department": 20,
    "court_district": 20,
    "camera_operator": 7,
    "court_regional": 3,
    "police_division": 3,
    "transport_police": 1,
    "economic_investigation": 2,
    "prosecutor": 1,
    "military_police": 1,
    "akimat": 1,
    "state_revenue": 1,
}
"""How many subjects of a kind among sixty."""
LARGE_KINDS = ("police_department", "police_division", "court_district", "court_regional", "camera_operator")
RECORDS_A_DAY_OF_SMALL_BODY = 0.08
BODY_DIGITS = {
    "police_department": "01",
    "police_division": "02",
    "transport_police": "03",
    "military_police": "04",
}
NEVER_SENDS = "KPS-00"

VARIANT_SHARES = {
    "gzip": 0.06,
    "jsonl": 0.03,
    "jsonl_gzip": 0.005,
    "bom": 0.005,
    "zip": 0.01,
    "kz1048": 0.002,
    "windows-1251": 0.002,
    "crlf": 0.005,
}
"""How packages with records are packed; the others are plain UTF-8 CSV."""

DEFECT_SCALE = 0.8
EXTRA_DEFECT_SHARES = {
    "late_registration": 0.004,
    "unreadable_type": 0.002,
    "trailing_space": 0.001,
    "lookalike": 0.001,
    "placeholder": 0.001,
    "damage_order": 0.004,
    "court_missing": 0.002,
    "award_order": 0.002,
    "speed_part": 0.002,
    "second_new": 0.001,
    "orphan_correction": 0.0005,
    "foreign_correction": 0.0003,
}
"""Defects that ``volumes.csv`` gives no share for."""
PACKAGE_DEFECTS = {
    "wrong_checksum": "PKG-111",
    "wrong_count": "PKG-119",
    "wrong_control_total": "PKG-120",
    "missing_column": "PKG-116",
    "foreign_subject": "PKG-108",
    "resent_unchanged": "PKG-124",
    "bad_encoding": "PKG-115",
    "damaged": "PKG-101",
    "sequence_gap": "PKG-126",
}
HARMLESS = ("resent_unchanged", "sequence_gap")
"""Package defects after which nothing has to be sent again."""
CORRECTED_SHARE = 0.15
"""Share of quarantined records that the subject corrects later."""


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
class _Package:
    """One package: ``sent`` is the day it first lands, ``arrives`` the day it can be accepted (None: not
    yet)."""

    subject: Subject
    form: Form
    period: date
    sequence: int
    sent: date
    arrives: date | None
    records: list["_Record"] = field(default_factory=list)
    defect: str | None = None
    variant: str = "plain"

    @property
    def name(self) -> str:
        return f"{self.form.name}_{self.period}_{self.sequence}"

    @property
    def is_jsonl(self) -> bool:
        return self.variant.startswith("jsonl")

    def line_of(self, index: int) -> int:
        return index + (1 if self.is_jsonl else 2)


@dataclass(slots=True, eq=False)
class _Record:
    """A record in its package; ``broken`` lists (rule, field) it breaks, ``spoilt`` an unparsable line's
    kind."""

    values: Values
    package: _Package
    is_single: bool = True
    defect: str | None = None
    broken: list[tuple[str, str]] = field(default_factory=list)
    spoilt: str | None = None
    released: bool = False
    cleared_by: _Package | None = None


@dataclass(frozen=True)
class _Flaw:
    """A way to spoil a record of one form: ``change`` alters its values, ``breaks`` are ``RULE`` or
    ``RULE:field``."""

    form: str
    defect: str
    breaks: tuple[str, ...]
    change: Callable[["_World", Values], None]
    applies: Callable[[Values], bool] = lambda _: True


def generate(
    destination: Path,
    catalogue: Catalogue,
    *,
    first_day: date,
    last_day: date,
    subjects: int = 60,
    records: int = 50_000,
    seed: int = 510,
    defects: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Write the packages for the periods ``first_day`` to ``last_day`` and ``truth.json`` to ``destination``.

    A package is ``<day of sending>/<subject>/<form>_<period>_<sequence>/`` (sometimes ``.zip``), so
    that one day's folders can be moved to the inbox as they are; days run from ``first_day + 1`` to
    ``last_day + 1``, and what would arrive later is not written. ``records`` is the aim for all forms
    together, met within some per cent. ``progress(done, total)`` is called while packages are written.
    The same arguments give the same bytes.
    """
    world = _World(catalogue, first_day, last_day, subjects, seed)
    plan = _Plan(world, defects)
    _register(plan, records)
    packages = plan.close()
    if defects:
        _spoil(plan)
    _choose_variants(world.rng, packages)
    return _write(destination, plan, packages, progress)


class _Draw:
    """Draws values by weight; weights need not sum to one."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.values = list(weights)
        self.cumulative = list(accumulate(weights.values()))

    def __call__(self, rng: Random) -> str:
        return self.values[bisect_right(self.cumulative, rng.random() * self.cumulative[-1])]


class _World:
    """What all forms share: calibration, code lists, subjects, places, persons, one source of chance."""

    def __init__(self, catalogue: Catalogue, first: date, last: date, subjects: int, seed: int) -> None:
        self.catalogue = catalogue
        self.rng = Random(seed)
        self.first, self.last = first, last
        self.days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        with VOLUMES.open(encoding="utf-8", newline="") as lines:
            self.volumes = {
                (row["stream"], row["metric"], row["key"]): float(row["value"]) for row in csv.DictReader(lines)
            }
        self.regions = {code.row["kato2"]: code for code in catalogue.code_lists["region"]}
        self.region_draw = _Draw(self.shares("criminal_offence", "region_share"))
        self.places = self._places()
        self.is_public = {code.code: code.row["is_public"] for code in catalogue.code_lists["place_type"]}
        self.subjects = self._subjects(subjects)
        self.counters: Counter[str] = Counter()

    def shares(self, stream: str, metric: str) -> dict[str, float]:
        return {key: value for (s, m, key), value in self.volumes.items() if (s, m) == (stream, metric)}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def owes(self, subject: Subject, form: str) -> bool:
        form_kinds = self.catalogue.forms[form].submitter_kinds
        duties = self.catalogue.duties_of(form, subject.kind, self.last)
        return subject.kind in form_kinds and any(duty.period == "day" for duty in duties)

    def is_obliged(self, subject: Subject, form: str) -> bool:
        return any(duty.mandatory for duty in self.catalogue.duties_of(form, subject.kind, self.last))

    def _subjects(self, wanted: int) -> list[Subject]:
        """Kinds in the proportions of ``KIND_QUOTAS``, the most populous regions first, one of each region
        first."""
        shares = self.shares("criminal_offence", "region_share")
        by_kind: dict[str, list[Subject]] = defaultdict(list)
        for subject in self.catalogue.subjects.values():
            if subject.active(self.first, self.last) and subject.code != NEVER_SENDS:
                by_kind[subject.kind].append(subject)
        queue: list[tuple[float, str, Subject]] = []
        for kind, quota in KIND_QUOTAS.items():
            turn: Counter[str | None] = Counter()
            ranked = sorted(by_kind[kind], key=lambda s: (-shares.get(s.region or "", 0), s.code))
            for subject in ranked:
                turn[subject.region] += 1
            seen: Counter[str | None] = Counter()
            rounds = []
            for subject in ranked:
                seen[subject.region] += 1
                rounds.append((seen[subject.region], subject))
            rounds.sort(key=lambda pair: pair[0])
            queue += [((n + 0.5) / quota, kind, subject) for n, (_, subject) in enumerate(rounds)]
        queue.sort(key=lambda entry: (entry[0], list(KIND_QUOTAS).index(entry[1])))
        chosen = {subject.code for _, _, subject in queue[:wanted]}
        return [subject for subject in self.catalogue.subjects.values() if subject.code in chosen]

    def _places(self) -> dict[str, tuple[list[Code], list[int], dict[str, tuple[float, float]]]]:
        """By region's two digits: its districts, their weights and an invented middle inside the region's
        box."""
        districts: dict[str, list[Code]] = defaultdict(list)
        for code in self.catalogue.code_lists["district"]:
            settled = code.precision != "exact" or code.valid_from <= self.first - timedelta(days=30)
            if code.valid_to is None and settled:
                districts[code.code[:2]].append(code)
        places = {}
        for kato2, codes in sorted(districts.items()):
            weights = [6 if code.row["kind"] == "city" else 1 for code in codes]
            middles = {code.code: self._inside(kato2, 0.25) for code in codes}
            places[kato2] = (codes, list(accumulate(weights)), middles)
        return places

    def _inside(self, kato2: str, margin: float) -> tuple[float, float]:
        """A point of the region's box, away from its edge by a share of its extent: latitude, longitude."""
        row, share = self.regions[kato2].row, self.rng.uniform
        south, north, west, east = (float(row[name]) for name in ("lat_min", "lat_max", "lon_min", "lon_max"))
        inset_lat, inset_lon = (north - south) * margin, (east - west) * margin
        return share(south + inset_lat, north - inset_lat), share(west + inset_lon, east - inset_lon)

    def place(self, subject: Subject) -> str:
        """A KATO code in the subject's region, or anywhere for a national body."""
        kato2 = (subject.region or self.region_draw(self.rng))[:2]
        codes, cumulative, _ = self.places[kato2]
        district = subject.code.removeprefix("MVD-")
        if subject.kind == "police_division":
            own = [code.code for code in codes if code.row["kato4"] == district]
            if own:
                return own[0]
        return codes[bisect_right(cumulative, self.rng.random() * cumulative[-1])].code

    def point(self, kato: str) -> tuple[str, str]:
        """Latitude and longitude near the district's middle, inside the box of its region."""
        row = self.regions[kato[:2]].row
        latitude, longitude = self.places[kato[:2]][2][kato]
        latitude = min(max(self.rng.gauss(latitude, 0.04), float(row["lat_min"])), float(row["lat_max"]))
        longitude = min(max(self.rng.gauss(longitude, 0.06), float(row["lon_min"])), float(row["lon_max"]))
        return f"{latitude:.6f}", f"{longitude:.6f}"

    def point_elsewhere(self, kato: str) -> tuple[str, str]:
        """A point of another region that lies well outside the box of the region of ``kato``."""
        row = self.regions[kato[:2]].row
        while True:
            latitude, longitude = self._inside(self.rng.choice(sorted(self.places)), 0.2)
            if not (
                float(row["lat_min"]) - 0.1 < latitude < float(row["lat_max"]) + 0.1
                and float(row["lon_min"]) - 0.1 < longitude < float(row["lon_max"]) + 0.1
            ):
                return f"{latitude:.6f}", f"{longitude:.6f}"

    def number(self, prefix: str, width: int, start: int = 0) -> str:
        self.counters[prefix] += 1
        return f"{prefix}{start + self.counters[prefix]:0{width}d}"

    def money(self, median: float, spread: float = 1.1) -> str:
        amount = median * self.rng.lognormvariate(0, spread)
        return f"{min(max(amount, 500.0), 9e8):.2f}"

    def clock(self, day: date, start: int = 0, end: int = 86_399) -> datetime:
        return datetime.combine(day, time()) + timedelta(seconds=self.rng.randint(start, end))

    def person(self, day: date, youngest: int = 16, oldest: int = 79) -> tuple[str, str, str]:
        """An invented natural person of ``youngest`` to ``oldest`` years on ``day``: IIN, birth date, sex."""
        rng = self.rng
        age = youngest + int((oldest - youngest + 1) * rng.betavariate(1.6, 2.8))
        birth = day - timedelta(days=int(age * 365.25) + 2 + rng.randrange(355))
        sex = "1" if rng.random() < 0.76 else "2"
        century = (3 if birth.year < 2000 else 5) + (sex == "2")
        while True:
            number = f"{birth:%y%m%d}{century}{rng.randint(9900, 9999)}"
            digit = check_digit(number)
            if digit is not None:
                return f"{number}{digit}", birth.isoformat(), sex

    def organisation(self) -> str:
        """An invented BIN: 6001 (January 1960), kind of entity 4-6, an impossible 9, a serial number."""
        while True:
            number = f"6001{self.rng.choice('456')}9{self.rng.randrange(100_000):05d}"
            digit = check_digit(number)
            if digit is not None:
                return f"{number}{digit}"


def check_digit(number: str) -> int | None:
    """The twelfth digit of an IIN or BIN from its first eleven (IDN-301); None when the number cannot be
    given."""
    digits = [int(n) for n in number]
    digit = sum(d * w for d, w in zip(digits, range(1, 12), strict=True)) % 11
    if digit == 10:
        digit = sum(d * w for d, w in zip(digits, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2), strict=True)) % 11
    return None if digit == 10 else digit


class _Plan:
    """Which packages there are, when they land, and where a record or a correction may travel."""

    def __init__(self, world: _World, defects: bool) -> None:
        self.world = world
        self.horizon = world.last + timedelta(days=1)
        self.records: dict[str, list[_Record]] = {form: [] for form in FORM_SHARES}
        self.unsent: set[tuple[str, str, date]] = set()
        self.slots: dict[tuple[str, str], list[_Package]] = {}
        self.by_period: dict[tuple[str, str, date], _Package] = {}
        self.seconds: dict[_Package, _Package] = {}
        self.package_defects = tuple(PACKAGE_DEFECTS) if defects else ()
        for subject in world.subjects:
            for name in FORM_SHARES:
                if world.owes(subject, name):
                    self._open(subject, world.catalogue.forms[name], defects)

    def _open(self, subject: Subject, form: Form, defects: bool) -> None:
        world, rng = self.world, self.world.rng
        late = world.volumes["all", "late_share", "package"]
        repeats = {name: max(share, 0.0002) for name, share in world.shares("all", "package_defect_share").items()}
        repeats["sequence_gap"] = 0.0005
        slots = []
        for day in world.days:
            if day < world.last and rng.random() < world.volumes["all", "unsent_share", "subject_month"]:
                self.unsent.add((subject.code, form.name, day))
                continue
            sent = day + timedelta(days=1 + (rng.randint(1, 6) if rng.random() < late else 0))
            package = _Package(subject, form, day, 1, sent, sent)
            if defects:
                draw = rng.random()
                for name, share in repeats.items():
                    if draw < share and (name != "wrong_control_total" or form.control_total_fields):
                        package.defect = name
                        break
                    draw -= share
            slots.append(package)
            self.by_period[subject.code, form.name, day] = package
        self.slots[subject.code, form.name] = slots

    def settle(self) -> None:
        """Give every kind of package defect at least one package, and each package its day of arrival."""
        rng = self.world.rng
        filled = [p for slots in self.slots.values() for p in slots if p.records]
        given = {p.defect for p in filled if self._in_reach(p) and len(p.records) > 2}
        for name in sorted(set(self.package_defects) - given):
            free = [p for p in filled if p.defect is None and self._in_reach(p) and len(p.records) > 2]
            if name == "wrong_control_total":
                free = [p for p in free if p.form.control_total_fields]
            if free:
                rng.choice(free).defect = name
        for slots in self.slots.values():
            for package in slots:
                if not package.records and package.defect != "resent_unchanged":
                    package.defect = None
                if package.defect and package.defect not in HARMLESS:
                    package.arrives = package.sent + timedelta(days=1)
                if package.defect == "sequence_gap":
                    package.sent = package.arrives = max(package.sent, package.period + timedelta(days=3))
                if package.arrives is not None and package.arrives > self.horizon:
                    package.arrives = None
        self._split(filled)

    def _in_reach(self, package: _Package) -> bool:
        return max(package.sent, package.period + timedelta(days=3)) < self.horizon

    def _split(self, filled: Sequence[_Package]) -> None:
        """Move some records of some packages to a second package for the same period."""
        rng = self.world.rng
        for package in filled:
            gap = package.defect == "sequence_gap"
            if gap:
                package.defect = None
            if len(package.records) < 3 or package.arrives is None or (not gap and rng.random() >= 0.02):
                continue
            if gap:
                sent = package.period + timedelta(days=1)
                arrives: date | None = package.arrives
            else:
                sent = package.arrives + timedelta(days=rng.randint(1, 2))
                arrives = sent if sent <= self.horizon else None
            second = _Package(package.subject, package.form, package.period, 2, sent, arrives)
            second.defect = "sequence_gap" if gap else None
            kept = package.records
            package.records = [r for n, r in enumerate(kept) if n % 3 != 1]
            second.records = [r for n, r in enumerate(kept) if n % 3 == 1]
            for record in second.records:
                record.package = second
            self.seconds[package] = second

    def send(self, subject: Subject, form: str, day: date, values: Values) -> _Record | None:
        """Put a new record registered on ``day`` into its package, or into a later one when it is late."""
        world = self.world
        period = day
        if world.chance(world.volumes["all", "late_share", "record"]):
            period = day + timedelta(days=world.rng.randint(1, 6))
        while (subject.code, form, period) in self.unsent:
            period += timedelta(days=1)
        package = self.by_period.get((subject.code, form, min(period, world.last)))
        if package is None:
            return None
        record = _Record(values, package)
        if package.period > day:
            record.broken.append(("GEN-403", package.form.registered_date_field))
        package.records.append(record)
        self.records[form].append(record)
        return record

    def later(self, record: _Record, earliest: date, within: int = 12) -> _Package | None:
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

    def correct(self, record: _Record, action: str, reason: str, changes: Values, earliest: date) -> _Record | None:
        """Send a correction of ``record`` in a later package; None when there is none to carry it."""
        package = self.later(record, earliest)
        if package is None:
            return None
        values = {**record.values, **changes, "action": action, "correction_reason": reason}
        correction = _Record(values, package, is_single=False)
        record.is_single = False
        package.records.append(correction)
        self.records[package.form.name].append(correction)
        return correction

    def close(self) -> list[_Package]:
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


def _register(plan: _Plan, records: int) -> None:
    """Invent all records: new ones first, then the fate of packages, then corrections."""
    aim = {form: round(records * share) for form, share in FORM_SHARES.items()}
    offences = _offences(plan, aim["criminal_offence"])
    requalified = _decisions(plan, offences)
    cases = _cases(plan, round(aim["civil_case"] * 0.6))
    _protocols(plan, aim["administrative_offence"])
    plan.settle()
    for offence, earliest, changes in requalified:
        plan.correct(offence, "M", "reclassified", changes, earliest)
    _judgements(plan, cases)
    _corrections(plan)


def _workload(plan: _Plan, form: str, count: int, weights: Mapping[str, float]) -> Iterator[tuple[Subject, date]]:
    """Share ``count`` records among subjects by weight and days by month and weekday; day by day."""
    world, rng = plan.world, plan.world.rng
    stream = "civil_case" if form == "civil_case" else form
    months, weekdays = world.shares(stream, "month_share"), world.shares(stream, "weekday_share")
    by_day = [months[f"{day:%m}"] * weekdays[str(day.isoweekday())] for day in world.days]
    total = sum(weights.values()) or 1.0
    calendar: dict[date, list[Subject]] = defaultdict(list)
    for subject in world.subjects:
        share = weights.get(subject.code, 0.0)
        if subject.kind not in LARGE_KINDS:
            mine = sum(rng.random() < RECORDS_A_DAY_OF_SMALL_BODY for _ in world.days) if share else 0
        else:
            exact = count * share / total
            mine = int(exact) + (rng.random() < exact % 1)
        own = [0.0 if subject.kind == "camera_operator" and rng.random() < 0.04 else w for w in by_day]
        for day in rng.choices(world.days, own, k=mine) if mine else ():
            calendar[day].append(subject)
    for day in world.days:
        for subject in calendar[day]:
            yield subject, day


def _regional_weights(world: _World, form: str, stream: str) -> dict[str, float]:
    """Weight of each subject that owes the form: its region's share, split between the region's subjects."""
    factor = {"police_division": 0.3, "court_regional": 0.2}
    mine = [s for s in world.subjects if world.owes(s, form) and s.kind != "camera_operator"]
    parts: Counter[str] = Counter()
    for subject in mine:
        if subject.kind in LARGE_KINDS:
            parts[subject.region or ""] += round(10 * factor.get(subject.kind, 1.0))
    shares = world.shares(stream, "region_share")
    return {
        s.code: shares[s.region] * 10 * factor.get(s.kind, 1.0) / parts[s.region]
        if s.kind in LARGE_KINDS and s.region
        else 0.001
        for s in mine
    }


class _CriminalCode:
    """Articles, parts and severities in force on a day, drawn so that shares of articles and severities come
    out."""

    def __init__(self, world: _World) -> None:
        self.rng = world.rng
        self.articles = {code.code: code for code in world.catalogue.code_lists["criminal_article"]}
        self.gradings = world.catalogue.code_lists["criminal_article_severity"]
        self.article_shares = world.shares("criminal_offence", "article_share")
        self.severity_shares = world.shares("criminal_offence", "severity_share")
        lists = (*self.articles.values(), *self.gradings)
        ends = {code.valid_to + timedelta(days=1) for code in lists if code.valid_to}
        self.changes = sorted({code.valid_from for code in lists} | ends)
        self.tables: dict[int, tuple[_Draw, dict[tuple[str, str], str]]] = {}

    def _table(self, day: date) -> tuple[_Draw, dict[tuple[str, str], str]]:
        era = bisect_right(self.changes, day)
        if era not in self.tables:
            graded: dict[tuple[str, str], str] = {}
            for code in self.gradings:
                article = self.articles.get(code.row["article"])
                if article is None or not (_in_force(code, day) and _in_force(article, day)):
                    continue
                if code.row["part"] or not article.row["parts"]:
                    graded[code.row["article"], code.row["part"]] = code.row["severity"]
            self.tables[era] = (_Draw(self._weights(graded)), graded)
        return self.tables[era]

    def _weights(self, graded: Mapping[tuple[str, str], str]) -> dict[str, float]:
        weights: dict[str, float] = {}
        named = {article for key in self.article_shares for article in key.split(";")}
        for key, share in self.article_shares.items():
            group = {pair: s for pair, s in graded.items() if pair[0] in key.split(";")}
            weights |= self._spread(group, self.severity_shares, share)
        left = dict(self.severity_shares)
        for (article, part), severity in graded.items():
            left[severity] -= weights.get(f"{article}|{part}", 0.0)
        rest = {pair: s for pair, s in graded.items() if pair[0] not in named}
        positive = {severity: max(share, 0.002) for severity, share in left.items()}
        return weights | self._spread(rest, positive, self.article_shares["other"])

    @staticmethod
    def _spread(group: Mapping[tuple[str, str], str], shares: Mapping[str, float], total: float) -> dict[str, float]:
        size = Counter(group.values())
        whole = sum(shares[severity] for severity in size)
        return {f"{a}|{p}": total * shares[s] / size[s] / whole for (a, p), s in group.items()}

    def draw(self, day: date) -> tuple[str, str, str]:
        """Article, part (may be empty) and severity of an act committed on ``day``."""
        draw, graded = self._table(day)
        article, _, part = draw(self.rng).partition("|")
        return article, part, graded[article, part]

    def severity(self, article: str, part: str, day: date) -> str | None:
        return self._table(day)[1].get((article, part))

    def other_part(self, article: str, part: str, day: date) -> tuple[str, str] | None:
        """Another part of the article with its severity, if there is one on ``day``."""
        others = [(p, s) for (a, p), s in self._table(day)[1].items() if a == article and p != part]
        return self.rng.choice(others) if others else None

    def needs_damage(self, article: str) -> bool:
        return self.articles[article].row["chapter"] == "6" and article != "200"


def _in_force(code: Code, day: date) -> bool:
    return code.valid_from <= day and (code.valid_to is None or day <= code.valid_to)


@cache
def _time_of_day(hour: int) -> str:
    return ("night", "morning", "day", "evening")[hour // 6]


def _lag_days(rng: Random) -> int:
    """Days from commission to registration, by the percentiles of ``volumes.csv``: 1, 60, 400."""
    u = rng.random()
    if u < 0.45:
        return 0
    if u < 0.95:
        return int(60 ** max(0.0, (u - 0.55) / 0.4))
    return int(60 * (400 / 60) ** min(1.2, (u - 0.95) / 0.04))


def _offences(plan: _Plan, count: int) -> list[_Record]:
    world = plan.world
    code = _CriminalCode(world)
    hours = _Draw(world.shares("criminal_offence", "hour_share"))
    weights = _regional_weights(world, "criminal_offence", "criminal_offence")
    sent = (
        plan.send(subject, "criminal_offence", day, _offence(world, code, hours, subject, day))
        for subject, day in _workload(plan, "criminal_offence", count, weights)
    )
    return [record for record in sent if record]


PUBLIC_PLACES = (
    "street",
    "street",
    "yard",
    "shop",
    "shop",
    "market",
    "park",
    "public_transport",
    "catering",
    "parking",
)
CLOSED_PLACES = (
    "apartment",
    "apartment",
    "private_house",
    "office",
    "dormitory",
    "vehicle",
    "construction",
    "internet",
)


def _offence(world: _World, code: _CriminalCode, hours: _Draw, subject: Subject, day: date) -> Values:
    rng = world.rng
    registered = world.clock(day, 30_000)
    kui = registered - timedelta(minutes=rng.randint(10, 20 * 60))
    lag = _lag_days(rng)
    committed = kui.date() - timedelta(days=lag)
    hour = int(hours(rng)) if lag else rng.randint(0, kui.hour)
    minute = rng.choice((0, 0, 10, 15, 20, 30, 30, 40, 45, 50)) if lag else rng.randint(0, kui.minute)
    timed = not world.chance(world.volumes["criminal_offence", "null_share", "committed_time_missing"])
    article, part, severity = code.draw(committed)
    stage = "completed"
    if severity in "234" and world.chance(0.04):
        stage = "preparation" if severity in "34" and world.chance(0.1) else "attempt"
    kato = world.place(subject)
    located = not world.chance(world.volumes["criminal_offence", "null_share", "coordinates_missing"])
    latitude, longitude = world.point(kato) if located else ("", "")
    place = rng.choice(PUBLIC_PLACES if world.chance(0.55) else CLOSED_PLACES)
    if world.chance(world.volumes["criminal_offence", "null_share", "place_unknown"]):
        place = "unknown"
    is_public = world.is_public[place] or "false"
    damaged = code.needs_damage(article) and (stage == "completed" or world.chance(0.2))
    body = BODY_DIGITS.get(subject.kind, "09")
    return {
        "action": "I",
        "correction_reason": "",
        "erdr_number": world.number(f"{day:%y}{kato[:4]}{body}", 7),
        "registered_at": registered.isoformat(),
        "registering_body": subject.code,
        "kui_number": world.number(f"{kui:%y}{kato[:4]}8", 8),
        "kui_registered_at": kui.isoformat(),
        "committed_date": committed.isoformat(),
        "committed_time": f"{hour:02d}:{minute:02d}" if timed else "",
        "time_of_day": "unknown" if not timed and world.chance(0.4) else _time_of_day(hour),
        "article": article,
        "article_part": part,
        "severity": severity,
        "transgression": "6" if severity == "0" else "5",
        "offence_stage": stage,
        "kato": kato,
        "place_type": place,
        "is_public_place": is_public,
        "latitude": latitude,
        "longitude": longitude,
        "damage_kzt": world.money(120_000, 1.4) if damaged else "",
        "is_domestic_violence": "true"
        if article in ("108-1", "109-1", "106", "107") and world.chance(0.4)
        else "false",
    }


FIRST_DECISIONS = _Draw(
    {
        "interrupted_unknown": 0.36,
        "court": 0.24,
        "discontinued_rehabilitating": 0.08,
        "discontinued_other": 0.08,
        "term_extended": 0.08,
        "requalified": 0.05,
        "interrupted_wanted": 0.03,
        "interrupted_other": 0.03,
        "transferred": 0.02,
        "joined": 0.02,
        "separated": 0.01,
    }
)
GROUNDS = {
    "interrupted_unknown": ("45(7)(1)",),
    "interrupted_wanted": ("45(7)(2)",),
    "interrupted_other": ("45(7)(3)", "45(7)(5)"),
    "discontinued_rehabilitating": ("35(1)(1)", "35(1)(2)"),
    "discontinued_other": ("35(1)(3)", "35(1)(5)", "36(1)"),
}
COURT_DECISIONS = {"0": ("court_protocol",), "1": ("court_plea", "court_order", "court_indictment")}
Requalified = tuple[_Record, date, Values]


def _decisions(plan: _Plan, offences: Sequence[_Record]) -> list[Requalified]:
    """Decisions about the offences, in lawful order; returns the corrections that follow re-qualification."""
    world = plan.world
    code = _CriminalCode(world)
    courts: dict[str, list[str]] = defaultdict(list)
    for court in world.catalogue.code_lists["court"]:
        if court.row["kind"] == "court_district" and _in_force(court, world.first):
            courts[court.code[:2]].append(court.code)
    bodies = [s.code for s in world.subjects if s.kind == "police_department"] or [world.subjects[0].code]
    earlier: dict[str, str] = {}
    events: list[tuple[date, str, Values, _Record]] = []
    requalified: list[Requalified] = []
    last_changed: _Record | None = None
    for offence in offences:
        subject = offence.package.subject
        linked = earlier.get(subject.code, "")
        for values in _course(world, code, offence, linked, courts[offence.values["kato"][:2]], bodies):
            events.append((date.fromisoformat(values["decision_date"]), values["erdr_number"], values, offence))
            correctable = offence.values["offence_stage"] == "completed" and offence is not last_changed
            if values["decision_type"] == "requalified" and correctable and world.chance(0.8):
                last_changed = offence
                changes = {name: values[name] for name in ("article_part", "severity")}
                changes["transgression"] = "6" if values["severity"] == "0" else "5"
                requalified.append((offence, events[-1][0], changes))
        earlier[subject.code] = offence.values["erdr_number"]
    events.sort(key=lambda event: (event[0], event[1], int(event[2]["decision_no"])))
    for day, _, values, offence in events:
        plan.send(offence.package.subject, "pretrial_decision", day, values)
        offence.is_single = False
    return requalified


def _course(
    world: _World,
    code: _CriminalCode,
    offence: _Record,
    linked: str,
    courts: Sequence[str],
    bodies: Sequence[str],
) -> Iterator[Values]:
    """The decisions about one offence until the case rests or the demonstration ends."""
    rng, facts = world.rng, offence.values
    registered = date.fromisoformat(facts["registered_at"][:10])
    committed = date.fromisoformat(facts["committed_date"])
    article, part, severity = facts["article"], facts["article_part"], facts["severity"]
    day, state, number = registered, "open", 0
    suspects = rng.choice((1, 1, 1, 1, 2, 3))
    while True:
        day += timedelta(days=int(rng.expovariate(1 / (10 if severity == "0" else 17))) + (1 if number else 0))
        if day > world.last or code.severity(article, part, day) != code.severity(article, part, committed):
            return
        kind = _next_decision(world, state)
        if kind is None or (kind == "joined" and not linked) or (kind == "separated" and not linked):
            return
        if kind == "requalified":
            other = code.other_part(article, part, committed)
            if other is None or code.severity(article, other[0], day) != other[1]:
                kind = "term_extended"
            else:
                part, severity = other
        if kind == "court":
            kind = rng.choice(COURT_DECISIONS.get(severity, ("court_indictment", "court_indictment", "court_plea")))
        number += 1
        established = facts["damage_kzt"]
        recovered = f"{Decimal(established) * rng.randint(0, 100) / 100:.2f}" if established else ""
        unknown = kind in ("interrupted_unknown", "term_extended")
        yield {
            "action": "I",
            "correction_reason": "",
            "erdr_number": facts["erdr_number"],
            "decision_no": str(number),
            "decision_type": kind,
            "decision_date": day.isoformat(),
            "decision_body": offence.package.subject.code,
            "legal_ground": rng.choice(GROUNDS.get(kind, ("",))),
            "article": article,
            "article_part": part,
            "severity": severity,
            "suspects_count": "0" if unknown else str(suspects),
            "damage_established_kzt": established,
            "damage_recovered_kzt": recovered if kind.startswith("court") else "",
            "investigation_days": str((day - registered).days),
            "court": rng.choice(courts) if kind.startswith("court") else "",
            "transfer_body": rng.choice(bodies) if kind == "transferred" else "",
            "linked_erdr_number": linked if kind in ("joined", "separated") else "",
        }
        if kind in ("transferred", "joined"):
            return
        state = kind


def _next_decision(world: _World, state: str) -> str | None:
    """What may follow a decision (PTD-604); None when the case rests."""
    if state.startswith("court"):
        return "returned" if world.chance(0.04) else None
    if state.startswith("interrupted"):
        return "resumed" if world.chance(0.45) else None
    if state.startswith("discontinued"):
        return "resumed" if world.chance(0.03) else None
    kind = FIRST_DECISIONS(world.rng)
    return "court" if state == "returned" and kind == "requalified" else kind


ORDERED = {"loan", "utilities", "alimony", "wages"}
SPECIAL = {"legal_fact", "incapacity", "missing_person", "adoption"}
CLAIM_OUTCOMES = _Draw(
    {
        "satisfied": 0.55,
        "partly_satisfied": 0.15,
        "refused": 0.12,
        "settlement": 0.05,
        "mediation": 0.04,
        "discontinued": 0.04,
        "left_unconsidered": 0.03,
        "returned": 0.02,
    }
)
ORDER_OUTCOMES = _Draw({"order_issued": 0.9, "order_cancelled": 0.05, "returned": 0.05})
SPECIAL_OUTCOMES = _Draw({"satisfied": 0.85, "refused": 0.05, "discontinued": 0.05, "left_unconsidered": 0.05})
APPEAL_OUTCOMES = _Draw({"upheld": 0.76, "modified": 0.12, "quashed": 0.12})
DURATION_DAYS = {"order": (0, 4), "simplified": (12, 35), "special": (10, 40), "claim": (14, 60)}


def _cases(plan: _Plan, count: int) -> list[_Record]:
    """New civil cases of the first instance, pending on the day they are received."""
    world = plan.world
    weights = _regional_weights(world, "civil_case", "civil_case")
    shares = world.shares("civil_case", "category_share")
    others = [code.code for code in world.catalogue.code_lists["civil_category"] if code.code not in shares]
    rest = shares["other"] / (len(others) + 1)
    categories = _Draw(shares | {"other": rest} | dict.fromkeys(others, rest))
    courts: dict[str, list[str]] = defaultdict(list)
    for code in world.catalogue.code_lists["court"]:
        if code.row["kind"] == "court_district" and _in_force(code, world.first):
            courts[code.row["subject"]].append(code.code)
    weights = {sender: weight for sender, weight in weights.items() if courts[sender]}
    cases = []
    for subject, day in _workload(plan, "civil_case", count, weights):
        court = world.rng.choice(courts[subject.code])
        record = plan.send(subject, "civil_case", day, _case(world, court, categories(world.rng), day))
        if record:
            cases.append(record)
    return cases


def _case(world: _World, court: str, category: str, day: date) -> Values:
    rng = world.rng
    monetary = {code.code for code in world.catalogue.code_lists["civil_category"] if code.row["is_monetary"] == "true"}
    proceeding = "claim"
    if category in SPECIAL:
        proceeding = "special"
    elif category in ORDERED and world.chance(0.55):
        proceeding = "order"
    elif category in ("loan", "utilities", "contract") and world.chance(0.4):
        proceeding = "simplified"
    plaintiff = {"loan": "bank", "utilities": "legal", "contract": rng.choice(("legal", "entrepreneur"))}
    claim = world.money(400_000) if category in monetary else ""
    fee = Decimal(claim) * (1 if plaintiff.get(category) is None else 3) / 100 if claim else None
    return {
        "action": "I",
        "correction_reason": "",
        "court": court,
        "case_no": _case_number(world, court, day, "2"),
        "instance": "first",
        "parent_case_no": "",
        "received_date": day.isoformat(),
        "accepted_date": day.isoformat() if world.chance(0.4) else "",
        "proceeding_kind": proceeding,
        "category": category,
        "plaintiff_kind": plaintiff.get(category, "natural"),
        "defendant_kind": "" if proceeding == "special" else rng.choice(("natural", "natural", "natural", "legal")),
        "claim_kzt": claim,
        "state_fee_kzt": f"{fee:.2f}" if fee is not None else f"{rng.uniform(1000, 9000):.2f}",
        "first_hearing_date": "",
        "decision_date": "",
        "outcome": "",
        "award_kzt": "",
        "used_mediation": "false",
        "suspended_days": "0",
        "in_force_date": "",
        "is_appealed": "false",
    }


def _case_number(world: _World, court: str, day: date, kind: str) -> str:
    return world.number(f"{court}-{day:%y}-00-{kind}/", 1, start=world.first.timetuple().tm_yday * 10)


def _judgements(plan: _Plan, cases: Sequence[_Record]) -> None:
    """Decide the pending cases by replacements in later packages; some go on to appeal."""
    world, rng = plan.world, plan.world.rng
    appeal_courts = {
        code.row["region"]: (code.code, world.catalogue.subjects[code.row["subject"]])
        for code in world.catalogue.code_lists["court"]
        if code.row["kind"] == "court_regional" and code.row["subject"] in {s.code for s in world.subjects}
    }
    for case in cases:
        shortest, longest = DURATION_DAYS[case.values["proceeding_kind"]]
        received = date.fromisoformat(case.values["received_date"])
        day = _working_day(received + timedelta(days=rng.randint(shortest, longest)))
        judgement = _judgement(world, case.values, received, day)
        if day > world.last:
            continue
        if day == case.package.period == received:
            case.values.update(judgement)
            continue
        decided = plan.correct(case, "M", "late_information", judgement, day)
        target = appeal_courts.get(case.package.subject.region or "")
        if decided and target and judgement["is_appealed"] == "true":
            _appeal(plan, decided.values, day, *target)


def _working_day(day: date) -> date:
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])


def _judgement(world: _World, case: Values, received: date, day: date) -> Values:
    rng, kind, claim = world.rng, case["proceeding_kind"], case["claim_kzt"]
    outcomes = {"order": ORDER_OUTCOMES, "special": SPECIAL_OUTCOMES}.get(kind, CLAIM_OUTCOMES)
    outcome = outcomes(rng)
    if outcome == "partly_satisfied" and not claim:
        outcome = "satisfied"
    accepted = received + timedelta(days=min((day - received).days, 3))
    if case["accepted_date"]:
        accepted = date.fromisoformat(case["accepted_date"])
    share = {
        "satisfied": 100,
        "order_issued": 100,
        "partly_satisfied": rng.randint(20, 90),
        "settlement": rng.randint(50, 90),
        "mediation": rng.randint(50, 90),
    }.get(outcome)
    award = f"{max(Decimal(claim) * share / 100, Decimal('0.01')):.2f}" if claim and share else ""
    span = (day - accepted).days
    hearing = accepted + timedelta(days=span // 2) if kind in ("claim", "special") and span > 6 else None
    appealed = kind == "claim" and outcome in ("satisfied", "partly_satisfied", "refused") and world.chance(0.2)
    return {
        "accepted_date": accepted.isoformat(),
        "first_hearing_date": hearing.isoformat() if hearing else "",
        "decision_date": day.isoformat(),
        "outcome": outcome,
        "award_kzt": award,
        "used_mediation": "true" if outcome == "mediation" else "false",
        "suspended_days": str(rng.randint(1, span // 2)) if span > 20 and world.chance(0.08) else "0",
        "in_force_date": "" if appealed or kind == "order" else (day + timedelta(days=31)).isoformat(),
        "is_appealed": "true" if appealed else "false",
    }


def _appeal(plan: _Plan, case: Values, decided: date, court: str, subject: Subject) -> None:
    world, rng = plan.world, plan.world.rng
    received = _working_day(decided + timedelta(days=rng.randint(5, 20)))
    package = plan.by_period.get((subject.code, "civil_case", received))
    if package is None or package.arrives is None:
        return
    values = {
        **_case(world, court, case["category"], received),
        **{name: case[name] for name in ("proceeding_kind", "plaintiff_kind", "defendant_kind", "claim_kzt")},
        "case_no": _case_number(world, court, received, "2a"),
        "instance": "appeal",
        "parent_case_no": case["case_no"],
    }
    appeal = _Record(values, package, is_single=False)
    package.records.append(appeal)
    plan.records["civil_case"].append(appeal)
    day = _working_day(received + timedelta(days=rng.randint(7, 20)))
    if day <= world.last:
        changes = {
            "accepted_date": received.isoformat(),
            "decision_date": day.isoformat(),
            "outcome": APPEAL_OUTCOMES(rng),
            "in_force_date": day.isoformat(),
        }
        plan.correct(appeal, "M", "late_information", changes, day)


ROAD_ARTICLES = ("590", "594", "595", "596", "597", "599", "600", "602", "607", "612", "613", "615")
ROAD_CAMERA_ARTICLES = ("594", "595", "596", "597", "599", "600")
OTHER_ARTICLES = ("73", "73-3", "127", "434", "435", "436", "440", "441", "449", "492", "496", "505", "204")
BUSINESS_ARTICLES = ("272", "275", "278", "280", "282", "463", "505", "571", "434-2")


def _protocols(plan: _Plan, count: int) -> None:
    """Administrative offences of police, camera operators and other bodies."""
    world = plan.world
    weights = _regional_weights(world, "administrative_offence", "administrative_offence")
    operators: dict[str | None, list[str]] = defaultdict(list)
    for subject in world.subjects:
        if subject.kind == "camera_operator":
            operators[subject.region].append(subject.code)
    origins = world.shares("administrative_offence", "origin_share")
    cameras = origins["camera_fixed"] + origins["camera_mobile"]
    total = sum(weights.values())
    for subject in world.subjects:
        if operators[subject.region] and subject.region and subject.code in weights:
            weights[subject.code] *= 1 - cameras
    region_share = world.shares("administrative_offence", "region_share")
    for region, codes in operators.items():
        share = region_share[region] * cameras if region else 0.05
        weights |= dict.fromkeys(codes, total * share / max(len(codes), 1))
    known = {code.code for code in world.catalogue.code_lists["administrative_article"]}
    maker = _Protocols(world, {region for region, codes in operators.items() if codes}, known)
    for subject, day in _workload(plan, "administrative_offence", count, weights):
        plan.send(subject, "administrative_offence", day, maker.protocol(subject, day))


class _Protocols:
    """Makes administrative offences: who, where, what, by which device."""

    def __init__(self, world: _World, covered: set[str | None], articles: set[str]) -> None:
        self.world = world
        self.covered = covered
        shares = world.shares("administrative_offence", "origin_share")
        camera = {name: share for name, share in shares.items() if name.startswith("camera")}
        self.cameras = _Draw(camera)
        self.officers = _Draw({name: share for name, share in shares.items() if name not in camera})
        self.any_origin = _Draw(shares)
        self.articles = _Draw(world.shares("administrative_offence", "article_share"))
        self.hours = _Draw(world.shares("administrative_offence", "hour_share"))
        self.other_articles = [article for article in OTHER_ARTICLES if article in articles]
        self.business_articles = [article for article in BUSINESS_ARTICLES if article in articles]
        self.natural_only = {
            code.code
            for code in world.catalogue.code_lists["administrative_article"]
            if code.row["natural_only"] == "true"
        }

    def protocol(self, subject: Subject, day: date) -> Values:
        world, rng = self.world, self.world.rng
        origin = self._origin(subject)
        camera = origin.startswith("camera")
        lag = 0 if not camera and origin != "paper" else rng.choice((0, 0, 1, 1, 2, 3))
        hour = int(self.hours(rng))
        committed = world.clock(day - timedelta(days=lag), hour * 3600, hour * 3600 + 3599)
        start = (committed.hour * 3600 + committed.minute * 60 + committed.second) if lag == 0 else 0
        registered = world.clock(day, start)
        article, part, speeds = self._article(camera, subject)
        kato = world.place(subject)
        located = camera or world.chance(0.6)
        latitude, longitude = world.point(kato) if located else ("", "")
        device = f"DEMO-{subject.code.replace('-', '')}-{rng.randint(1, 40):03d}" if camera else ""
        valid_until = committed.date() + timedelta(days=rng.randint(20, 700))
        return {
            "action": "I",
            "correction_reason": "",
            "protocol_no": world.number(f"{day:%y}{kato[:2]}{_digits(subject.code)}", 10),
            "protocol_origin": origin,
            "registered_at": registered.isoformat(),
            "committed_at": committed.isoformat(),
            "body": subject.code,
            "article": article,
            "article_part": part,
            "kato": kato,
            "latitude": latitude,
            "longitude": longitude,
            **self._offender(article, committed.date()),
            "device_no": device,
            "device_certificate_until": valid_until.isoformat() if camera else "",
            **speeds,
        }

    def _origin(self, subject: Subject) -> str:
        rng = self.world.rng
        if subject.kind == "camera_operator":
            return self.cameras(rng)
        if subject.kind == "prosecutor":
            return "prosecutor"
        if subject.kind != "police_department" or subject.region in self.covered:
            return self.officers(rng)
        return self.any_origin(rng)

    def _article(self, camera: bool, subject: Subject) -> tuple[str, str, Values]:
        rng = self.world.rng
        speeds = {"measured_speed": "", "speed_limit": ""}
        kind = self.articles(rng)
        if subject.kind in ("akimat", "state_revenue"):
            return rng.choice(self.business_articles), "1", speeds
        if kind == "592":
            part = rng.choices("1234", (60, 30, 8, 2))[0]
            low, high = {"1": (11, 20), "2": (21, 40), "3": (41, 60), "4": (61, 95)}[part]
            if camera:
                limit = rng.choice((60, 60, 60, 80, 90, 110))
                speeds = {"measured_speed": str(limit + rng.randint(low, high)), "speed_limit": str(limit)}
            return "592", part, speeds
        if kind == "601":
            return "601", rng.choice("12"), speeds
        if kind == "other_transport" or camera:
            return rng.choice(ROAD_CAMERA_ARTICLES if camera else ROAD_ARTICLES), rng.choice("123"), speeds
        return rng.choice(self.other_articles), rng.choice(("1", "1", "2", "")), speeds

    def _offender(self, article: str, day: date) -> Values:
        world, rng = self.world, self.world.rng
        empty = dict.fromkeys(("iin", "no_iin_reason", "bin", "birth_date", "sex"), "")
        kinds = ("natural", "official") if article in self.natural_only else ("natural", "small", "entrepreneur")
        kind = "natural" if world.chance(0.92) else rng.choice(kinds)
        if kind == "small":
            reason = {"no_iin_reason": "not_natural", "bin": world.organisation()}
            return {"offender_kind": rng.choice(("small", "medium", "large")), **empty, **reason}
        iin, birth_date, sex = world.person(day, youngest=22 if kind != "natural" else 16)
        if world.chance(0.02):
            return {
                "offender_kind": kind,
                **empty,
                "no_iin_reason": rng.choice(("foreign", "no_documents")),
                "sex": sex,
            }
        return {"offender_kind": kind, **empty, "iin": iin, "birth_date": birth_date, "sex": sex}


def _digits(code: str) -> str:
    """Three digits for a body inside a protocol number, the same for the same body."""
    return f"{int.from_bytes(hashlib.sha256(code.encode()).digest()[:4], 'big') % 1000:03d}"


def _corrections(plan: _Plan) -> None:
    """Replacements and annulments by the owner, a few days after the record."""
    world, rng = plan.world, plan.world.rng
    share = world.volumes["all", "correction_share", "M"] - world.volumes["all", "correction_share", "reclassified"]
    annulled = world.volumes["all", "correction_share", "D"]
    for form, records in plan.records.items():
        for record in [r for r in records if r.is_single]:
            draw = rng.random()
            earliest = record.package.period + timedelta(days=rng.randint(1, 8))
            if draw < annulled:
                plan.correct(record, "D", rng.choice(("duplicate", "error_fixed")), {}, earliest)
            elif draw < annulled + share:
                reason = rng.choice(("error_fixed", "late_information", "prosecutor_instruction"))
                plan.correct(record, "M", reason, _corrected(world, form, record.values), earliest)


def _corrected(world: _World, form: str, values: Values) -> Values:
    rng = world.rng
    if form == "criminal_offence":
        if values["damage_kzt"]:
            return {"damage_kzt": f"{Decimal(values['damage_kzt']) * rng.randint(50, 150) / 100:.2f}"}
        latitude, longitude = world.point(values["kato"])
        return {"latitude": latitude, "longitude": longitude}
    if form == "pretrial_decision":
        if values["damage_established_kzt"]:
            return {"damage_recovered_kzt": values["damage_established_kzt"]}
        return {"investigation_days": str(int(values["investigation_days"]) + 1)}
    if form == "civil_case":
        return {"state_fee_kzt": f"{Decimal(values['state_fee_kzt']) + 150:.2f}"}
    latitude, longitude = world.point(values["kato"])
    return {"latitude": latitude, "longitude": longitude}


def _set(**changes: str) -> Callable[[_World, Values], None]:
    def change(_: _World, values: Values) -> None:
        values.update(changes)

    return change


def _append(name: str, suffix: str) -> Callable[[_World, Values], None]:
    def change(_: _World, values: Values) -> None:
        values[name] += suffix

    return change


def _is(name: str, *allowed: str) -> Callable[[Values], bool]:
    return lambda values: values[name] in allowed


def _filled(*names: str) -> Callable[[Values], bool]:
    return lambda values: all(values[name] for name in names)


def _moved(name: str, days: int, to: str) -> Callable[[_World, Values], None]:
    """Set date ``to`` to date (or timestamp) ``name`` plus ``days``."""

    def change(_: _World, values: Values) -> None:
        values[to] = (date.fromisoformat(values[name][:10]) + timedelta(days=days)).isoformat()

    return change


def _later_time(name: str, minutes: int, to: str) -> Callable[[_World, Values], None]:
    def change(_: _World, values: Values) -> None:
        values[to] = (datetime.fromisoformat(values[name]) + timedelta(minutes=minutes)).isoformat()

    return change


def _lookalike(name: str) -> Callable[[_World, Values], None]:
    """Replace the last zero by the Cyrillic letter that looks like it, else the first letter M or S."""

    def change(_: _World, values: Values) -> None:
        head, found, tail = values[name].rpartition("0")
        values[name] = f"{head}О{tail}" if found else values[name].translate({ord("M"): "М", ord("C"): "С"})

    return change


def _wrong_severity(world: _World, values: Values) -> None:
    values["severity"] = world.rng.choice([s for s in "01234" if s != values["severity"]])
    values["transgression"] = "6" if values["severity"] == "0" else "5"


def _wrong_check_digit(world: _World, values: Values) -> None:
    values["iin"] = f"{values['iin'][:11]}{(int(values['iin'][11]) + world.rng.randint(1, 9)) % 10}"


def _too_young(world: _World, values: Values) -> None:
    day = date.fromisoformat(values["committed_at"][:10])
    values["iin"], values["birth_date"], values["sex"] = world.person(day, youngest=13, oldest=14)


def _elsewhere(world: _World, values: Values) -> None:
    values["latitude"], values["longitude"] = world.point_elsewhere(values["kato"])


def _wrong_district(_: _World, values: Values) -> None:
    values["kato"] = f"{values['kato'][:2]}9990000"


def _too_much_recovered(_: _World, values: Values) -> None:
    values["damage_recovered_kzt"] = f"{Decimal(values['damage_established_kzt']) + 1000:.2f}"


def _short(name: str, position: int = 10) -> Callable[[_World, Values], None]:
    def change(_: _World, values: Values) -> None:
        values[name] = values[name][:position] + values[name][position + 1 :]

    return change


def _camera(values: Values) -> bool:
    return values["protocol_origin"].startswith("camera")


def _no_camera(values: Values) -> bool:
    return not _camera(values)


def _before_midnight(values: Values) -> bool:
    return values["registered_at"][11:] < "23:50"


def _adult(values: Values) -> bool:
    """A natural offender whose birth date, moved by some days, is still one of somebody old enough."""
    return values["offender_kind"] == "natural" and "1930" < values["birth_date"] < "2005"


_CRIMINAL, _PRETRIAL, _CIVIL, _ADMINISTRATIVE = FORM_SHARES
_GRADED_THEFT = ("188", "190", "188-1", "191", "192")

FLAWS = (
    _Flaw(_CRIMINAL, "invalid_code", ("GEN-301:place_type",), _set(place_type="plaza")),
    _Flaw(_CRIMINAL, "invalid_code", ("GEN-301:article", "CRO-301"), _set(article="999")),
    _Flaw(_CRIMINAL, "invalid_code", ("GEN-301:kato", "CRO-303"), _wrong_district),
    _Flaw(_PRETRIAL, "invalid_code", ("GEN-301:article",), _set(article="999")),
    _Flaw(_PRETRIAL, "invalid_code", ("GEN-301:court",), _set(court="9999"), _filled("court")),
    _Flaw(_CIVIL, "invalid_code", ("GEN-301:category",), _set(category="loans")),
    _Flaw(_CIVIL, "invalid_code", ("GEN-301:plaintiff_kind",), _set(plaintiff_kind="person")),
    _Flaw(_ADMINISTRATIVE, "invalid_code", ("GEN-301:kato", "ADO-302"), _wrong_district),
    _Flaw(_ADMINISTRATIVE, "invalid_code", ("GEN-301:article", "ADO-301"), _set(article="999"), _no_camera),
    _Flaw(
        _ADMINISTRATIVE,
        "invalid_code",
        ("GEN-301:protocol_origin",),
        _set(protocol_origin="drone"),
        _no_camera,
    ),
    _Flaw(_CRIMINAL, "bad_format", ("GEN-303:kui_number",), _short("kui_number")),
    _Flaw(_CRIMINAL, "bad_format", ("GEN-303:registering_body",), _append("registering_body", "/OP")),
    _Flaw(_PRETRIAL, "bad_format", ("GEN-303:legal_ground",), _set(legal_ground="45/7"), _filled("legal_ground")),
    _Flaw(_PRETRIAL, "bad_format", ("GEN-303:decision_body",), _append("decision_body", "_")),
    _Flaw(_CIVIL, "bad_format", ("GEN-303:case_no",), _append("case_no", "x")),
    _Flaw(_ADMINISTRATIVE, "bad_format", ("GEN-303:protocol_no",), _short("protocol_no", 2)),
    _Flaw(_ADMINISTRATIVE, "bad_format", ("GEN-303:device_no",), _append("device_no", "_a"), _camera),
    _Flaw(_CRIMINAL, "missing_mandatory", ("GEN-201:place_type",), _set(place_type="")),
    _Flaw(_CRIMINAL, "missing_mandatory", ("GEN-201:kui_number",), _set(kui_number="")),
    _Flaw(
        _CRIMINAL,
        "missing_mandatory",
        ("CRO-201", "CRO-302"),
        _set(article_part=""),
        _is("article", *_GRADED_THEFT),
    ),
    _Flaw(_PRETRIAL, "missing_mandatory", ("GEN-201:suspects_count",), _set(suspects_count="")),
    _Flaw(_PRETRIAL, "missing_mandatory", ("PTD-203",), _set(legal_ground=""), _filled("legal_ground")),
    _Flaw(_CIVIL, "missing_mandatory", ("GEN-201:plaintiff_kind",), _set(plaintiff_kind="")),
    _Flaw(_CIVIL, "missing_mandatory", ("CIV-202",), _set(claim_kzt=""), _filled("claim_kzt")),
    _Flaw(_CIVIL, "missing_mandatory", ("CIV-204",), _set(defendant_kind=""), _filled("defendant_kind")),
    _Flaw(_ADMINISTRATIVE, "missing_mandatory", ("GEN-201:body",), _set(body="")),
    _Flaw(_ADMINISTRATIVE, "missing_mandatory", ("ADO-205",), _set(speed_limit=""), _filled("speed_limit")),
    _Flaw(_CRIMINAL, "date_order", ("CRO-401", "CRO-403"), _moved("registered_at", 1, "committed_date")),
    _Flaw(
        _CRIMINAL,
        "date_order",
        ("CRO-402",),
        _later_time("registered_at", 3, "kui_registered_at"),
        _before_midnight,
    ),
    _Flaw(_CIVIL, "date_order", ("CIV-401",), _moved("received_date", -9, "accepted_date")),
    _Flaw(
        _ADMINISTRATIVE,
        "date_order",
        ("ADO-401",),
        _later_time("registered_at", 3, "committed_at"),
        _before_midnight,
    ),
    _Flaw(_CRIMINAL, "severity_mismatch", ("CRO-405",), _wrong_severity, _is("offence_stage", "completed")),
    _Flaw(_CRIMINAL, "article_not_in_force", ("CRO-301",), _set(article="240", article_part="")),
    _Flaw(
        _ADMINISTRATIVE,
        "article_not_in_force",
        ("ADO-301",),
        _set(article="73-2"),
        lambda v: _no_camera(v) and v["offender_kind"] == "natural",
    ),
    _Flaw(_CRIMINAL, "point_outside_region", ("CRO-305",), _elsewhere, _filled("latitude")),
    _Flaw(_ADMINISTRATIVE, "point_outside_region", ("ADO-303",), _elsewhere, _camera),
    _Flaw(
        _CRIMINAL,
        "late_registration",
        ("CRO-404",),
        _later_time("kui_registered_at", -3000, "kui_registered_at"),
        lambda v: (
            (datetime.fromisoformat(v["kui_registered_at"]).date() - date.fromisoformat(v["committed_date"])).days > 4
        ),
    ),
    _Flaw(
        _ADMINISTRATIVE,
        "expired_device_certificate",
        ("ADO-402",),
        _moved("committed_at", -12, "device_certificate_until"),
        _camera,
    ),
    _Flaw(_ADMINISTRATIVE, "bad_iin", ("IDN-301",), _wrong_check_digit, _filled("iin")),
    _Flaw(
        _ADMINISTRATIVE,
        "iin_birth_date_mismatch",
        ("IDN-401",),
        _moved("birth_date", 40, "birth_date"),
        _adult,
    ),
    _Flaw(_ADMINISTRATIVE, "age_below_liability", ("ADO-406",), _too_young, _adult),
    _Flaw(
        _ADMINISTRATIVE,
        "speed_part",
        ("ADO-403",),
        _set(measured_speed="61", speed_limit="60"),
        _filled("measured_speed"),
    ),
    _Flaw(_PRETRIAL, "damage_order", ("PTD-402",), _too_much_recovered, _filled("damage_recovered_kzt")),
    _Flaw(_PRETRIAL, "court_missing", ("PTD-201",), _set(court=""), _filled("court")),
    _Flaw(
        _CIVIL,
        "award_order",
        ("CIV-205",),
        _set(award_kzt="0.00"),
        lambda v: v["outcome"] in ("satisfied", "order_issued") and v["claim_kzt"] != "",
    ),
    _Flaw(_CRIMINAL, "unreadable_type", ("GEN-102:committed_date",), _set(committed_date="31.02.2026")),
    _Flaw(_CRIMINAL, "unreadable_type", ("GEN-102:is_public_place",), _set(is_public_place="yes")),
    _Flaw(_PRETRIAL, "unreadable_type", ("GEN-102:investigation_days",), _set(investigation_days="12.5")),
    _Flaw(_CIVIL, "unreadable_type", ("GEN-102:accepted_date",), _set(accepted_date="2026-02-30")),
    _Flaw(
        _ADMINISTRATIVE,
        "unreadable_type",
        ("GEN-102:measured_speed",),
        _set(measured_speed="87.5"),
        _filled("measured_speed"),
    ),
    _Flaw(
        _ADMINISTRATIVE,
        "unreadable_type",
        ("GEN-102:birth_date",),
        _set(birth_date="1988-00-12"),
        _filled("birth_date"),
    ),
    _Flaw(_CRIMINAL, "trailing_space", ("GEN-301:place_type", "GEN-104:place_type"), _append("place_type", " ")),
    _Flaw(
        _PRETRIAL,
        "trailing_space",
        ("GEN-303:decision_body", "GEN-104:decision_body"),
        _append("decision_body", " "),
    ),
    _Flaw(_CIVIL, "trailing_space", ("GEN-301:category", "GEN-104:category"), _append("category", " ")),
    _Flaw(_ADMINISTRATIVE, "trailing_space", ("GEN-303:body", "GEN-104:body"), _append("body", " ")),
    _Flaw(_CRIMINAL, "lookalike", ("GEN-105:kui_number", "GEN-303:kui_number"), _lookalike("kui_number")),
    _Flaw(
        _PRETRIAL,
        "lookalike",
        ("GEN-105:decision_body", "GEN-303:decision_body"),
        _lookalike("decision_body"),
        lambda v: v["decision_body"].startswith("MVD"),
    ),
    _Flaw(_CIVIL, "lookalike", ("GEN-105:case_no", "GEN-303:case_no"), _lookalike("case_no")),
    _Flaw(
        _ADMINISTRATIVE,
        "lookalike",
        ("GEN-105:body", "GEN-303:body"),
        _lookalike("body"),
        lambda v: v["body"].startswith(("MVD", "CAM")),
    ),
    _Flaw(_CRIMINAL, "placeholder", ("GEN-202:kui_number",), _set(kui_number="0" * 15)),
    _Flaw(
        _PRETRIAL,
        "placeholder",
        ("GEN-202:legal_ground", "GEN-303:legal_ground"),
        _set(legal_ground="-"),
        _filled("legal_ground"),
    ),
    _Flaw(
        _CIVIL,
        "placeholder",
        ("GEN-202:plaintiff_kind", "GEN-301:plaintiff_kind"),
        _set(plaintiff_kind="нет"),
    ),
    _Flaw(_ADMINISTRATIVE, "placeholder", ("GEN-202:iin",), _set(iin="0" * 12), _filled("iin")),
)
"""Ways to spoil one record; the first rule named is the one the defect is meant to break."""

CORRECTABLE = {
    "invalid_code",
    "missing_mandatory",
    "date_order",
    "severity_mismatch",
    "bad_iin",
    "damage_order",
}


def _spoil(plan: _Plan) -> None:
    """Put defects on records, at most one each, in the shares of ``volumes.csv``, at least one of each kind
    a form."""
    world = plan.world
    shares = {name: share * DEFECT_SCALE for name, share in world.shares("all", "defect_share").items()}
    shares |= EXTRA_DEFECT_SHARES
    flaws: dict[tuple[str, str], list[_Flaw]] = defaultdict(list)
    for flaw in FLAWS:
        flaws[flaw.form, flaw.defect].append(flaw)
    for form in FORM_SHARES:
        free = [r for r in plan.records[form] if _is_free(r)]
        world.rng.shuffle(free)
        total = len(plan.records[form])
        for name, share in shares.items():
            number = max(1, round(share * total))
            if name in SPECIAL_DEFECTS:
                SPECIAL_DEFECTS[name](plan, free, number)
            elif flaws[form, name]:
                _apply(plan, free, flaws[form, name], number)


def _is_free(record: _Record) -> bool:
    arrived = record.package.arrives is not None and record.package.sent <= record.package.arrives
    return arrived and record.is_single and record.defect is None and not record.broken


def _apply(plan: _Plan, free: list[_Record], flaws: Sequence[_Flaw], number: int) -> None:
    world = plan.world
    for n in range(number):
        flaw = flaws[n % len(flaws)]
        record = _take(free, lambda r, flaw=flaw: flaw.applies(r.values))  # type: ignore[misc]
        if record is None:
            continue
        sound = dict(record.values)
        flaw.change(world, record.values)
        record.defect = flaw.defect
        record.broken = [_named(plan, rule) for rule in flaw.breaks]
        if flaw.defect in CORRECTABLE and world.chance(CORRECTED_SHARE):
            correction = plan.correct(
                _Record(sound, record.package),
                "M",
                "error_fixed",
                {},
                record.package.period + timedelta(days=2),
            )
            if correction:
                record.is_single = False
                record.cleared_by = correction.package


def _take(free: list[_Record], fits: Callable[[_Record], bool]) -> _Record | None:
    """Remove and return the last record that fits and is still free."""
    for index in range(len(free) - 1, -1, -1):
        if fits(free[index]) and _is_free(free[index]):
            return free.pop(index)
    return None


def _named(plan: _Plan, rule: str) -> tuple[str, str]:
    """``RULE:field`` or ``RULE`` (then the first of the rule's fields) as a pair."""
    code, _, name = rule.partition(":")
    return code, name or plan.world.catalogue.rules[code].fields[0]


def _spoil_lines(plan: _Plan, free: list[_Record], number: int) -> None:
    """Lines no record can be made of; taken where no control total depends on them."""
    for n in range(number):
        record = _take(free, lambda r: not any(r.values[name] for name in r.package.form.control_total_fields))
        if record:
            record.defect, record.spoilt = "unparsable_line", ("quote", "long", "short")[n % 3]
            record.broken = [_named(plan, "GEN-101")]


def _duplicate(plan: _Plan, free: list[_Record], number: int) -> None:
    """The same record twice in a package: both break the rules between rows."""
    for _ in range(number // 2 or 1):
        record = _take(free, lambda _: True)
        if record is None:
            return
        rules = ["GEN-501", "GEN-502"]
        if record.package.form.name == _CRIMINAL:
            rules.append("CRO-501")
        if record.values.get("device_no"):
            rules.append("ADO-501")
        twin = _Record(dict(record.values), record.package, is_single=False)
        record.package.records.append(twin)
        for one in (record, twin):
            one.defect, one.broken = "duplicate_key", [_named(plan, rule) for rule in rules]


def _second_new(plan: _Plan, free: list[_Record], number: int) -> None:
    """A record sent as new a second time, when the first is live."""
    for _ in range(number):
        record = _take(free, lambda r: plan.later(r, r.package.period + timedelta(days=2)) is not None)
        if record is None:
            return
        again = plan.correct(record, "I", "", {}, record.package.period + timedelta(days=2))
        if again:
            again.defect = "second_new"
            form = again.package.form
            again.broken = [_named(plan, "GEN-601"), ("GEN-403", form.registered_date_field)]


def _orphan(plan: _Plan, free: list[_Record], number: int) -> None:
    """A replacement without a live record: the record comes later, or never."""
    for n in range(max(2, number)):
        overtaking = _overtaken(plan, free) if n % 2 == 0 else None
        if overtaking:
            record, package = overtaking
            values = {**record.values, **_corrected(plan.world, package.form.name, record.values)}
            record.is_single = False
        else:
            source = _take(free, lambda _: True)
            if source is None:
                return
            package, values = source.package, _renumbered(source)
            source.is_single = False
        values |= {"action": "M", "correction_reason": "late_information"}
        orphan = _Record(values, package, is_single=False, defect="orphan_correction", released=bool(overtaking))
        orphan.broken = [_named(plan, "GEN-602")]
        package.records.append(orphan)


def _overtaken(plan: _Plan, free: list[_Record]) -> tuple[_Record, _Package] | None:
    """A record in a late package, and a package of a later period that arrives before it."""
    for record in reversed(free):
        home = record.package
        if home.arrives is None or home.arrives < home.period + timedelta(days=3) or not _is_free(record):
            continue
        for package in plan.slots[home.subject.code, home.form.name]:
            if package.arrives and home.period < package.period and package.arrives < home.arrives and package.records:
                free.remove(record)
                return record, package
    return None


def _renumbered(record: _Record) -> Values:
    """The record's values under a natural key that was never registered."""
    values = dict(record.values)
    name = record.package.form.natural_key[0]
    tail = 6 if record.package.form.name == _CIVIL else 7
    head = values[name].rpartition("/")[0] + "/" if tail == 6 else values[name][:-tail]
    values[name] = f"{head}9{values[name][-tail + 1 :].rpartition('/')[2]:0>{tail - 1}}"
    if "kui_number" in values:
        values["kui_number"] = f"{values['kui_number'][:7]}9{values['kui_number'][8:]}"
    if values.get("device_no"):
        values["device_no"] = f"{values['device_no'][:-3]}041"
    return values


def _foreign_correction(plan: _Plan, free: list[_Record], number: int) -> None:
    """A live record corrected by a body that does not own it."""
    for _ in range(number):
        record = _take(free, lambda r: r.package.subject.kind in ("police_department", "court_district"))
        if record is None or record.package.arrives is None:
            return
        home = record.package
        settled = record.package.arrives
        others = [
            package
            for (code, form), slots in plan.slots.items()
            for package in slots
            if form == home.form.name and code != home.subject.code and package.arrives and package.records
            if package.subject.kind == home.subject.kind and package.subject.region != home.subject.region
            if package.period > home.period and package.arrives > settled
        ]
        if not others:
            continue
        package = plan.world.rng.choice(others[:400])
        values = {**record.values, "action": "M", "correction_reason": "error_fixed"}
        intruder = _Record(values, package, is_single=False, defect="foreign_correction")
        intruder.broken = [_named(plan, "GEN-604")]
        record.is_single = False
        package.records.append(intruder)


SPECIAL_DEFECTS: Mapping[str, Callable[[_Plan, list[_Record], int], None]] = {
    "unparsable_line": _spoil_lines,
    "duplicate_key": _duplicate,
    "second_new": _second_new,
    "orphan_correction": _orphan,
    "foreign_correction": _foreign_correction,
}
"""Defects that concern more than the values of one record."""


def _choose_variants(rng: Random, packages: Sequence[_Package]) -> None:
    """Decide how each package with records is packed; at least one of each way."""
    filled = [p for p in packages if p.records and p.defect in (None, "resent_unchanged")]
    rng.shuffle(filled)
    cyrillic = [p for p in filled if any(not v.isascii() for r in p.records for v in r.values.values())]
    for encoding, package in zip(("kz1048", "windows-1251"), cyrillic, strict=False):
        package.variant = encoding
    rest = [p for p in filled if p.variant == "plain"]
    for variant, share in VARIANT_SHARES.items():
        for _ in range(max(1, round(share * len(filled)))):
            if rest:
                rest.pop().variant = variant
    for package in packages:
        if package.defect == "damaged":
            package.variant = "gzip"


def _write(
    destination: Path, plan: _Plan, packages: Sequence[_Package], progress: Callable[[int, int], None] | None
) -> DemoSummary:
    """Write every package on its day, some twice, and the truth about all of them."""
    writer = _Writer(destination, plan)
    for done, package in enumerate(packages):
        if progress and done % 250 == 0:
            progress(done, len(packages))
        _make_distinct(package)
        writer.send(package)
    if progress:
        progress(len(packages), len(packages))
    known = [p for p in packages if p.arrives is not None]
    by_form = Counter[str]()
    for package in known:
        by_form[package.form.name] += len(package.records)
    truth = [entry for package in known for entry in _truth(plan, package)]
    defects = Counter(r.defect for p in known for r in p.records if r.defect)
    package_defects = Counter(entry["defect"] for entry in writer.refusals)
    days = tuple(sorted({date.fromisoformat(p.name) for p in destination.iterdir() if p.is_dir()}))
    summary = DemoSummary(
        destination=destination,
        days=days,
        subjects=tuple(subject.code for subject in plan.world.subjects),
        packages=writer.count,
        nil_packages=writer.nil,
        records=sum(by_form.values()),
        records_by_form=dict(sorted(by_form.items())),
        defects={str(name): n for name, n in sorted(defects.items(), key=lambda item: str(item[0]))},
        package_defects=dict(sorted(package_defects.items())),
    )
    counts = {
        "packages": summary.packages,
        "nil_packages": summary.nil_packages,
        "records": summary.records,
        "records_by_form": dict(summary.records_by_form),
        "defects": dict(summary.defects),
        "package_defects": dict(summary.package_defects),
        "late_records": sum(entry["defect"] == "late_record" for entry in truth),
    }
    document = {"demonstration": True, "counts": counts, "packages": writer.refusals, "records": truth}
    (destination / "truth.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return summary


def _truth(plan: _Plan, package: _Package) -> Iterator[dict[str, object]]:
    """One entry a rule that a record of the package is known to break, the rule its defect is meant for
    first."""
    for index, record in enumerate(package.records):
        for rule, name in record.broken:
            entry: dict[str, object] = {
                "subject": package.subject.code,
                "form": package.form.name,
                "period": package.period.isoformat(),
                "sequence": package.sequence,
                "line": package.line_of(index),
                "rule": rule,
                "field": name,
                "severity": plan.world.catalogue.rules[rule].severity,
                "defect": record.defect or "late_record",
            }
            if record.cleared_by:
                entry["cleared_by"] = record.cleared_by.period.isoformat()
            if record.defect == "orphan_correction":
                entry["released"] = record.released
            yield entry


def _make_distinct(package: _Package) -> None:
    """Keep two sound decisions of a package from agreeing in all but their key (GEN-502), by a day of
    investigation."""
    if package.form.name != _PRETRIAL:
        return
    keys = package.form.natural_key
    seen: set[tuple[str, ...]] = set()
    for record in package.records:
        if record.defect:
            continue
        values = record.values
        while (identity := tuple(v for k, v in values.items() if k not in keys)) in seen:
            values["investigation_days"] = str(int(values["investigation_days"]) + 1)
        seen.add(identity)


class _Writer:
    """Writes packages to the folders of their days and notes those that are to be refused."""

    def __init__(self, destination: Path, plan: _Plan) -> None:
        self.destination = destination
        self.horizon = plan.horizon
        self.world = plan.world
        self.codes = {c.row["rule"]: c.code for c in plan.world.catalogue.code_lists["rejection_code"]}
        self.refusals: list[dict[str, str]] = []
        self.count = 0
        self.nil = 0

    def send(self, package: _Package) -> None:
        """Write the package; one that will be refused is sent again, whole, on the next day."""
        self.nil += not package.records
        folder = self._folder(package.sent, package.subject.code, package)
        if package.defect is None or package.defect in HARMLESS:
            self._put(package, folder, package.sent, None)
            if package.defect == "sequence_gap":
                self._note(folder, package.defect)
            if package.defect == "resent_unchanged" and package.sent < self.horizon:
                self._repeat(package, folder)
            return
        if package.defect == "foreign_subject":
            strangers = [s.code for s in self.world.subjects if not self.world.owes(s, package.form.name)]
            folder = self._folder(package.sent, [*strangers, NEVER_SENDS][0], package)
        self._put(package, folder, package.sent, package.defect)
        self._note(folder, package.defect)
        if package.arrives:
            self._put(package, self._folder(package.arrives, package.subject.code, package), package.arrives, None)

    def _folder(self, day: date, subject: str, package: _Package) -> Path:
        return self.destination / day.isoformat() / subject / package.name

    def _note(self, folder: Path, defect: str) -> None:
        rule = PACKAGE_DEFECTS[defect]
        path = folder.relative_to(self.destination).as_posix()
        self.refusals.append({"package": path, "rule": rule, "rejection_code": self.codes[rule], "defect": defect})

    def _put(self, package: _Package, folder: Path, day: date, defect: str | None) -> None:
        self.count += 1
        prepared = self.world.clock(day, 300, 6000)
        _write_package(folder, package, f"{prepared.isoformat()}+05:00", defect)

    def _repeat(self, package: _Package, folder: Path) -> None:
        again = self._folder(package.sent + timedelta(days=1), package.subject.code, package)
        again.parent.mkdir(parents=True, exist_ok=True)
        if package.variant == "zip" and package.records:
            folder, again = _zip_path(folder), _zip_path(again)
            shutil.copyfile(folder, again)
        else:
            shutil.copytree(folder, again)
        self.count += 1
        self._note(again, "resent_unchanged")


def _zip_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.zip")


def _write_package(folder: Path, package: _Package, prepared_at: str, defect: str | None) -> None:
    """Write one package with its manifest, spoilt as ``defect`` says."""
    form, period = package.form, package.period.isoformat()
    version = next(v.version for v in form.versions if v.valid_on(package.period))
    manifest: dict[str, object] = {
        "manifest_version": "1",
        "subject": package.subject.code,
        "form": form.name,
        "form_version": version,
        "period": {"from": period, "to": period},
        "sequence": package.sequence,
        "nil_report": not package.records,
        "prepared_at": prepared_at,
        "payload": [],
    }
    files: dict[str, bytes] = {}
    if package.records:
        name, content = _payload(package, version, defect)
        if defect == "damaged":
            content = content[: len(content) * 2 // 3]
        checksum = hashlib.sha256(b"other bytes" if defect == "wrong_checksum" else content).hexdigest()
        totals = _control_totals(package)
        if defect == "wrong_control_total":
            totals = {key: f"{Decimal(value) + 1000:.2f}" for key, value in totals.items()}
        entry = {
            "name": name,
            "format": "jsonl" if package.is_jsonl else "csv",
            "encoding": package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8",
            "compression": "gzip" if name.endswith(".gz") else "none",
            "bytes": len(content),
            "sha256": checksum,
            "records": len(package.records) + (defect == "wrong_count"),
            "control_totals": totals,
        }
        manifest["payload"] = [entry]
        files[name] = content
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    if package.variant == "zip" and package.records:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _write_zip(_zip_path(folder), files)
        return
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)


def _control_totals(package: _Package) -> dict[str, str]:
    counted = [r.values for r in package.records if r.values["action"] in ("I", "M")]
    return {
        name: f"{sum((Decimal(v[name]) for v in counted if v[name]), Decimal(0)):.2f}"
        for name in package.form.control_total_fields
    }


def _payload(package: _Package, version: str, defect: str | None) -> tuple[str, bytes]:
    """The payload file of a package: its name and bytes."""
    names = [f.name for f in package.form.fields_of(version)]
    if defect == "missing_column":
        names = [*names[:-3], *names[-2:]]
    lines = list(_json_lines(package, names) if package.is_jsonl else _csv_lines(package, names))
    end = "\r\n" if package.variant == "crlf" else "\n"
    text = end.join(lines) + end
    content = text.encode(package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8")
    if package.variant == "bom":
        content = b"\xef\xbb\xbf" + content
    if defect == "bad_encoding":
        content = content.replace(b"\n", b"\n\xc8", 1)
    name = "records.jsonl" if package.is_jsonl else "records.csv"
    if package.variant.endswith("gzip"):
        return f"{name}.gz", gzip.compress(content, mtime=0)
    return name, content


def _csv_lines(package: _Package, names: Sequence[str]) -> Iterator[str]:
    yield ",".join(names)
    for record in package.records:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([record.values[name] for name in names])
        yield _spoilt(buffer.getvalue(), record.spoilt)


def _spoilt(line: str, kind: str | None) -> str:
    if kind == "quote":
        return line.replace(",,", ',,"', 1)
    if kind == "long":
        return f"{line},,1"
    if kind == "short":
        return line.rsplit(",", 3)[0]
    return line


def _json_lines(package: _Package, names: Sequence[str]) -> Iterator[str]:
    types = {name: package.form.column(name).type for name in names}
    for record in package.records:
        native = {name: _native(types[name], record.values[name]) for name in names if record.values[name]}
        line = json.dumps(native, ensure_ascii=False, separators=(",", ":"))
        yield line[: len(line) * 2 // 3] if record.spoilt else line


def _native(kind: str, value: str) -> str | int | bool:
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and value.isdecimal():
        return int(value)
    return value
