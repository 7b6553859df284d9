"""The country the demonstration plays in: calibration, subjects, places, persons, one source of chance."""

import csv
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from ingestion.contract import Catalogue, Code, Subject

VOLUMES = Path(__file__).parents[1] / "volumes.csv"


KIND_QUOTAS = {
    "police_department": 6,
    "court_district": 6,
    "treasury": 1,
    "bailiff_chamber": 20,
    "penal_system": 1,
    "court_administrative": 5,
    "court_regional": 3,
    "camera_operator": 3,
    "police_division": 1,
    "transport_police": 1,
    "economic_investigation": 2,
    "justice_department": 2,
    "akimat": 3,
    "state_revenue": 1,
    "emergency": 1,
    "sanitary": 1,
    "transport_control": 1,
    "prosecutor": 1,
    "military_police": 1,
}
"""How many subjects of a kind among sixty; the first of each kind come first, in this order."""
LARGE_KINDS = (
    "police_department",
    "police_division",
    "court_district",
    "court_regional",
    "court_administrative",
    "camera_operator",
    "bailiff_chamber",
)
RECORDS_A_DAY_OF_SMALL_BODY = 0.08
BODY_DIGITS = {
    "police_department": "01",
    "police_division": "02",
    "transport_police": "03",
    "military_police": "04",
}
NEVER_SENDS = "KPS-00"


class Draw:
    """Draws values by weight; weights need not sum to one."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.values = list(weights)
        self.cumulative = list(accumulate(weights.values()))

    def __call__(self, rng: Random) -> str:
        return self.values[bisect_right(self.cumulative, rng.random() * self.cumulative[-1])]


class World:
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
        self.region_draw = Draw(self.shares("criminal_offence", "region_share"))
        self.places = self._places()
        self.is_public = {code.code: code.row["is_public"] for code in catalogue.code_lists["place_type"]}
        self.subjects = self._subjects(subjects)
        self.senders = {subject.code: subject for subject in self.subjects}
        self.counters: Counter[str] = Counter()
        self._courts: dict[tuple[str, str | None], list[tuple[str, Subject]]] = {}

    def shares(self, stream: str, metric: str) -> dict[str, float]:
        return {key: value for (s, m, key), value in self.volumes.items() if (s, m) == (stream, metric)}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def period_of(self, subject: Subject, form: str) -> str | None:
        """``day`` or ``month``: the period for which a subject owes the form; None when it owes none."""
        if subject.kind not in self.catalogue.forms[form].submitter_kinds:
            return None
        return next((duty.period for duty in self.catalogue.duties_of(form, subject.kind, self.last)), None)

    def is_obliged(self, subject: Subject, form: str) -> bool:
        """Whether the subject owes a nil report for a period without records."""
        return any(duty.mandatory for duty in self.catalogue.duties_of(form, subject.kind, self.last))

    def periods(self, kind: str) -> list[tuple[date, date]]:
        """First and last days of the days, months or quarters that end within the demonstration."""
        if kind == "day":
            return [(day, day) for day in self.days]
        ends = [day for day in self.days if (day + timedelta(days=1)).day == 1]
        if kind == "month":
            return [(day.replace(day=1), day) for day in ends]
        return [(day.replace(month=day.month - 2, day=1), day) for day in ends if day.month % 3 == 0]

    def _subjects(self, wanted: int) -> list[Subject]:
        """Kinds in the proportions of ``KIND_QUOTAS``, the most populous regions first, one of each region
        first."""
        shares = self.shares("criminal_offence", "region_share")
        queue: list[tuple[float, int, Subject]] = []
        for order, (kind, quota) in enumerate(KIND_QUOTAS.items()):
            mine = [s for s in self.catalogue.subjects.values() if s.kind == kind and s.code != NEVER_SENDS]
            seen: Counter[str | None] = Counter()
            rounds = []
            for subject in sorted(mine, key=lambda s: (-shares.get(s.region or "", 0), s.code)):
                if subject.active(self.first, self.last):
                    seen[subject.region] += 1
                    rounds.append((seen[subject.region], subject))
            rounds.sort(key=lambda pair: pair[0])
            queue += [(n / quota, order, subject) for n, (_, subject) in enumerate(rounds)]
        queue.sort(key=lambda entry: entry[:2])
        chosen = {subject.code for _, _, subject in queue[:wanted]}
        return [subject for subject in self.catalogue.subjects.values() if subject.code in chosen]

    def courts(self, kind: str, region: str | None) -> list[tuple[str, Subject]]:
        """Courts of a kind in a region (anywhere for None) for which a subject of the demonstration sends."""
        if (kind, region) not in self._courts:
            self._courts[kind, region] = [
                (code.code, self.senders[code.row["subject"]])
                for code in self.catalogue.code_lists["court"]
                if code.row["kind"] == kind and code.row["subject"] in self.senders and in_force(code, self.first)
                if region is None or code.row["region"] == region
            ]
        return self._courts[kind, region]

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

    def person(self, day: date, youngest: int = 16, oldest: int = 79, men: float = 0.76) -> tuple[str, str, str]:
        """An invented natural person of ``youngest`` to ``oldest`` years on ``day``: IIN, birth date, sex."""
        rng = self.rng
        age = youngest + int((oldest - youngest + 1) * rng.betavariate(1.6, 2.8))
        birth = day - timedelta(days=int(age * 365.25) + 2 + rng.randrange(355))
        sex = "1" if rng.random() < men else "2"
        century = (3 if birth.year < 2000 else 5) + (sex == "2")
        while True:
            number = f"{birth:%y%m%d}{century}{rng.randint(9900, 9999)}"
            digit = check_digit(number)
            if digit is not None:
                return f"{number}{digit}", birth.isoformat(), sex

    def special(self, birth_date: str) -> str:
        """An invented IIN of the special series (IDN-302), which tells neither the century nor the sex."""
        while True:
            number = f"{birth_date[2:].replace('-', '')}0{self.rng.randint(9900, 9999)}"
            digit = check_digit(number)
            if digit is not None:
                return f"{number}{digit}"

    def organisation(self) -> str:
        """An invented BIN: 6001 (January 1960), kind of entity 4-6, an impossible 9, a serial number."""
        while True:
            number = f"6001{self.rng.choice('456')}9{self.rng.randrange(100_000):05d}"
            digit = check_digit(number)
            if digit is not None:
                return f"{number}{digit}"


def in_force(code: Code, day: date) -> bool:
    """Whether a code is valid on a day."""
    return code.valid_from <= day and (code.valid_to is None or day <= code.valid_to)


def check_digit(number: str) -> int | None:
    """The twelfth digit of an IIN or BIN from its first eleven (IDN-301); None when the number cannot be
    given."""
    digits = [int(n) for n in number]
    digit = sum(d * w for d, w in zip(digits, range(1, 12), strict=True)) % 11
    if digit == 10:
        digit = sum(d * w for d, w in zip(digits, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2), strict=True)) % 11
    return None if digit == 10 else digit
