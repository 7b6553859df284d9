"""False alarms and power of the rules of series (SER-8xx): `.venv/bin/python -m bench.calibration [seed ...]`.

Clean histories of four years are drawn from ``volumes.csv``: yearly volumes and their trend, months, shares of regions
for the departments of the registry, and divisions down to a few records a month. Counts scatter more than chance alone
would have it, mixes of articles and shares wander from quarter to quarter. They are laid into the tables that the rules
read, and judged by the very SQL of the night; then again with an anomaly in the last period. Keep out what rules do.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from numpy.random import Generator
from rich.console import Console
from rich.table import Table

from expectations.plausibility import statistics, tallies
from expectations.plausibility.tallies import BUCKETS, Settings
from ingestion import warehouse
from ingestion.contract import CATALOGUE_ROOT, Catalogue, load_catalogue

DATABASE = "zanstat_calibration"
FIRST, MONTHS, WARM_UP = date(2022, 1, 1), 48, 12
"""The first year is history only; alarms are counted over the three that follow."""
NIGHT = datetime(2026, 1, 15, 2, 0, tzinfo=ZoneInfo("Asia/Almaty"))
SCATTER = 0.10
"""Coefficient of variation of a month's rate about what is expected, beyond chance: holidays, campaigns, weather."""
WANDER = 0.10
"""The same of an article's share from quarter to quarter; of shares of codes and outcomes on the scale of odds."""
RETRACTED = 0.003 + 0.005
"""Share annulled (volumes: 0.003) and reclassified to less (half of 0.01)."""
AFTER_CLOSING = 0.005
"""Share of records that come, and of decisions that turn, after the closing; a fifth of the former is annulled."""
UP = (0.97, 0.995)
"""Share of days on which a device that works records something; one in five works now and then, on 30 to 90 %."""
DEVICES, DEVICE_DAYS = 40, 3 * 365
SEEDS = (1, 2, 3)
LARGE = 100
"""Records a month from which a body must be caught when its number halves."""

Cell = tuple[str, str, str, int]
"""Tally, form, subject and number of the month."""
Counts = dict[str, int]


@dataclass(frozen=True)
class Outcome:
    """One rule: subject-periods measured on clean histories, and alarms among them; anomalies put in, and found."""

    periods: int
    alarms: int
    anomalies: int
    found: int

    @property
    def share(self) -> float:
        return self.alarms / self.periods if self.periods else 0.0

    @property
    def power(self) -> float:
        return self.found / self.anomalies if self.anomalies else 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.periods + other.periods,
            self.alarms + other.alarms,
            self.anomalies + other.anomalies,
            self.found + other.found,
        )


@dataclass
class History:
    """Clean tallies, and headline figures (value, base, n) as they stood when their months were closed."""

    cells: dict[Cell, Counts] = field(default_factory=dict)
    closed: dict[tuple[str, str, int, str], tuple[float, float, int]] = field(default_factory=dict)
    size: dict[tuple[str, str], float] = field(default_factory=dict)
    """Form and subject -> records a month."""


def main() -> None:
    seeds = tuple(map(int, sys.argv[1:])) or SEEDS
    console = Console(width=140)
    with _scratch_database() as connection:
        total: dict[str, Outcome] = {}
        for seed in seeds:
            console.print(f"seed {seed}")
            for rule, outcome in calibrate(connection, load_catalogue(), seed).items():
                total[rule] = total[rule] + outcome if rule in total else outcome
    console.print(_table(total))


def calibrate(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    seed: int,
    device_days: int = DEVICE_DAYS,
    bodies: int | None = None,
) -> dict[str, Outcome]:
    """Judge clean histories and anomalies of one seed; rule -> outcome. Everything is rolled back.

    ``bodies`` bounds how many subjects of a form take part. The database needs tables and ``reference``.
    """
    rng = np.random.default_rng(seed)
    history = draw(rng, catalogue, bodies)
    chosen = tallies.settings(catalogue, NIGHT.date())
    outcomes: dict[str, Outcome] = {}
    with connection.transaction(force_rollback=True):
        _lay(connection, history)
        _judge(connection, catalogue, _without(chosen, "SER-812"), list(history.cells))
        clean = _alarms(connection)
        measured = _periods(connection)
        for rule in chosen.rules:
            if rule == "SER-812":
                continue
            altered, expected = ANOMALIES[rule](rng, history)
            with connection.transaction(force_rollback=True):
                _replace(connection, altered)
                _judge(connection, catalogue, _without(chosen, "SER-812"), list(altered))
                found = expected & _alarms(connection)[rule]
            known = {key for key in expected if key in measured[rule]}
            outcomes[rule] = Outcome(len(measured[rule]), len(clean[rule]), len(known), len(found & known))
    outcomes["SER-812"] = _devices(connection, catalogue, chosen, rng, device_days)
    return dict(sorted(outcomes.items()))


# Clean histories


def draw(rng: Generator, catalogue: Catalogue, bodies: int | None = None) -> History:
    """Offences and decisions of police, administrative offences of police, cases of courts."""
    history = History()
    volumes = _volumes()
    police = [s.code for s in catalogue.subjects.values() if s.kind in ("police_department", "police_division")][
        :bodies
    ]
    courts = [s.code for s in catalogue.subjects.values() if s.kind.startswith("court_")][:bodies]
    for form, subjects in (
        ("criminal_offence", police),
        ("administrative_offence", police),
        ("civil_case", courts),
    ):
        for subject in subjects:
            size = _size(rng, catalogue, volumes, form, subject)
            counts = _monthly(rng, volumes, form, size)
            history.size[form, subject] = size
            _records(rng, history, volumes, form, subject, counts)
            if form == "criminal_offence":
                _decisions(rng, history, subject, counts)
    return history


def _volumes() -> dict[tuple[str, str, str], float]:
    with (CATALOGUE_ROOT / "volumes.csv").open(encoding="utf-8", newline="") as lines:
        return {
            (row["stream"], row["metric"], row["key"]): float(row["value"])
            for row in csv.DictReader(lines)
            if row["metric"] in ("per_year", "month_share", "region_share", "article_share", "clearance")
        }


def _size(
    rng: Generator, catalogue: Catalogue, volumes: Mapping[tuple[str, str, str], float], form: str, subject: str
) -> float:
    """Records a month: a department has its region's share of half of all; other bodies, from 2 to 500."""
    body = catalogue.subjects[subject]
    if body.kind in ("police_department", "court_regional") and body.region:
        share = volumes[form, "region_share", body.region]
        return volumes[form, "per_year", "base"] * share / 24
    return float(np.exp(rng.uniform(np.log(2), np.log(500))))


def _monthly(rng: Generator, volumes: Mapping[tuple[str, str, str], float], form: str, size: float) -> list[int]:
    """Counts of ``MONTHS``: trend, season, scatter, chance. Offences have the country's trend, others their own."""
    years = [volumes.get((form, "per_year", str(FIRST.year + n)), 0) for n in range(MONTHS // 12)]
    drift = rng.normal(0, 0.05)
    counts = []
    for number in range(MONTHS):
        if all(years):
            trend = np.interp(number, [6 + 12 * n for n in range(len(years))], years) / years[-1]
        else:
            trend = (1 + drift) ** (number / 12)
        season = 12 * volumes[form, "month_share", f"{number % 12 + 1:02d}"]
        rate = size * trend * season * rng.gamma(1 / SCATTER**2, SCATTER**2)
        counts.append(int(rng.poisson(rate)))
    return counts


def _records(
    rng: Generator,
    history: History,
    volumes: Mapping[tuple[str, str, str], float],
    form: str,
    subject: str,
    counts: Sequence[int],
) -> None:
    mix = _mix(volumes, form, rng)
    vague = {name: rng.normal(-2.4, 0.4) for name in ("place_type", "time_of_day")}
    retracted = RETRACTED * rng.gamma(1 / 0.3**2, 0.3**2)
    busy = rng.uniform(0, 0.015)  # one honest place, say a market, holds so much
    pending, shares, odds = 0, mix, vague
    for number, n in enumerate(counts):
        if not n:
            continue
        if number % 3 == 0:
            shares = mix * rng.gamma(1 / WANDER**2, WANDER**2, len(mix))
            shares /= shares.sum()
            odds = {name: level + rng.normal(0, WANDER) for name, level in vague.items()}
        put = _Put(history, form, subject, number)
        put("records", {"n": n})
        last = int(rng.binomial(n, 1 / _length(number)))
        put("days", {"last": last, "other": n - last})
        if form == "civil_case":
            decided = int(rng.poisson(n * 0.97))
            put("decided", {"n": decided})
            pending += n - decided
            _close_cases(rng, history, subject, number, (n, decided), pending)
            continue
        put("articles", _named(rng.multinomial(n, shares)))
        points = rng.multinomial(int(n * 0.75), [busy + (1 - busy) / BUCKETS, *[(1 - busy) / BUCKETS] * (BUCKETS - 1)])
        put("points", _named(points))
        if form == "criminal_offence":
            told = {}
            for name, level in odds.items():
                told[f"{name} vague"] = int(rng.binomial(n, 1 / (1 + np.exp(-level))))
                told[f"{name} told"] = n - told[f"{name} vague"]
            put("codes", told)
            put("retractions", {"sent": int(n * 1.043) + 1, "retracted": int(rng.binomial(n, retracted))})
            came, annulled = rng.poisson(n * AFTER_CLOSING), rng.poisson(n * AFTER_CLOSING / 5)
            closed = max(n - came + annulled, 1)
            history.closed[form, subject, number, "registered"] = (closed, closed, int(closed))


def _decisions(rng: Generator, history: History, subject: str, counts: Sequence[int]) -> None:
    """Decisions that end or interrupt an investigation: half goes to court, in shares that wander."""
    form, level = "pretrial_decision", rng.normal(0.12, 0.3)
    for number, n in enumerate(counts):
        ended = int(rng.poisson(n * 0.9))
        if number % 3 == 0:
            odds = level + rng.normal(0, WANDER)
        if not ended:
            continue
        put = _Put(history, form, subject, number)
        put("records", {"n": ended})
        solved = int(rng.binomial(ended, 1 / (1 + np.exp(-odds))))
        put("outcomes", {"court": solved, "paused": ended - solved})
        turned = int(rng.poisson(ended * AFTER_CLOSING)) - int(rng.poisson(ended * AFTER_CLOSING))
        history.closed[form, subject, number, "solved"] = (round((solved - turned) / ended, 6), 1, ended)


def _close_cases(
    rng: Generator, history: History, subject: str, number: int, added: tuple[int, int], pending: int
) -> None:
    """What a month added to pending cases (filed, decided) as it stood at the closing."""
    filed, decided = added
    late = int(rng.poisson(filed * AFTER_CLOSING)) - int(rng.poisson(decided * AFTER_CLOSING))
    base = max(pending, 1)
    history.closed["civil_case", subject, number, "pending"] = (filed - decided - late, base, base)


@dataclass(frozen=True)
class _Put:
    """Lays counts into the cell of a subject's month; those that are none are left out, as the tallies do."""

    history: History
    form: str
    subject: str
    month: int

    def __call__(self, tally: str, counts: Counts) -> None:
        known = {code: int(n) for code, n in counts.items() if n}
        if known:
            self.history.cells[tally, self.form, self.subject, self.month] = known


def _mix(volumes: Mapping[tuple[str, str, str], float], form: str, rng: Generator) -> Any:
    """Shares of articles of one body: the country's, with "other" spread over forty articles, and its own colour."""
    named = {
        key: share for (stream, metric, key), share in volumes.items() if (stream, metric) == (form, "article_share")
    }
    shares = []
    for key, share in named.items():
        parts = 40 if key in ("other", "other_transport", "non_transport") else key.count(";") + 1
        weights = 1 / np.arange(1, parts + 1)
        shares += list(share * weights / weights.sum())
    colour = np.array(shares) * rng.gamma(1 / 0.3**2, 0.3**2, len(shares))
    return colour / colour.sum()


def _named(counts: Any) -> Counts:
    return {str(code): int(n) for code, n in enumerate(counts)}


def _day(number: int) -> date:
    return date(FIRST.year + number // 12, number % 12 + 1, 1)


def _length(number: int) -> int:
    return (_day(number + 1) - _day(number)).days


# Judging


def _lay(connection: psycopg.Connection, history: History) -> None:
    _replace(connection, history.cells)
    with connection.cursor().copy("copy quality.closed_figures from stdin") as copy:
        for (form, subject, number, figure), (value, base, n) in history.closed.items():
            copy.write_row((form, subject, _day(number), figure, value, base, n))
    connection.execute("analyze quality.tallies, quality.closed_figures")


def _replace(connection: psycopg.Connection, cells: Mapping[Cell, Counts]) -> None:
    connection.execute("create temporary table laid (like quality.tallies) on commit drop")
    with connection.cursor().copy("copy laid from stdin") as copy:
        for (tally, form, subject, number), counts in cells.items():
            copy.write_row((tally, form, subject, _day(number), psycopg.types.json.Jsonb(counts)))
    connection.execute(
        "insert into quality.tallies select * from laid "
        "on conflict (tally, form, subject, month) do update set counts = excluded.counts"
    )
    connection.execute("drop table laid")


def _judge(connection: psycopg.Connection, catalogue: Catalogue, chosen: Settings, cells: Sequence[Cell]) -> None:
    """Measure what these cells touch, as a night does."""
    connection.execute(
        "create temporary table fresh (tally text, form text, subject text, month date, code text, n bigint) "
        "on commit drop"
    )
    with connection.cursor().copy("copy fresh from stdin") as copy:
        for tally, form, subject, number in cells:
            copy.write_row((tally, form, subject, _day(number), "n", 1))
    connection.execute("analyze fresh")
    statistics.measure(connection, catalogue, chosen, None, NIGHT, NIGHT.date())
    connection.execute("drop table fresh, due, due_month, baseline")


def _without(chosen: Settings, *rules: str) -> Settings:
    return replace(chosen, rules=tuple(rule for rule in chosen.rules if rule not in rules))


Periods = dict[str, set[tuple[str, str, date]]]
"""Rule -> form, subject and first day of the period."""


def _periods(connection: psycopg.Connection, condition: str = "true") -> Periods:
    since = _day(WARM_UP)
    found: Periods = defaultdict(set)
    for rule, *period in connection.execute(
        f"select rule, form, subject, period_from from quality.plausibility where period_to >= %s and {condition}",
        [since],
    ).fetchall():
        found[rule].add((period[0], period[1], period[2]))
    return found


def _alarms(connection: psycopg.Connection) -> Periods:
    return _periods(connection, "not is_plausible")


# Anomalies, in the last month or quarter


def _last(history: History, tally: str, months: int = 3) -> Iterator[tuple[Cell, Counts]]:
    for cell, counts in history.cells.items():
        if cell[0] == tally and cell[3] >= MONTHS - months:
            yield cell, dict(counts)


Altered = tuple[dict[Cell, Counts], set[tuple[str, str, date]]]
"""Cells with an anomaly, and the periods that must be found."""


def _periods_of(cells: Mapping[Cell, Counts], first: int) -> set[tuple[str, str, date]]:
    return {(form, subject, _day(first)) for _, form, subject, _ in cells}


def _number(factor: float) -> Any:
    def alter(rng: Generator, history: History) -> Altered:
        cells = {
            cell: {"n": int(rng.binomial(counts["n"], factor)) if factor < 1 else int(counts["n"] * factor)}
            for cell, counts in _last(history, "records", 1)
            if history.size.get(cell[1:3], 0) >= LARGE
        }
        return cells, _periods_of(cells, MONTHS - 1)

    return alter


def _moved(tally: str, share: float, to: str, months: int = 3) -> Any:
    """A share of what a tally counts stands under one code."""

    def alter(rng: Generator, history: History) -> Altered:
        cells = {}
        for cell, counts in _last(history, tally, months):
            moved = {code: int(rng.binomial(n, share)) for code, n in counts.items()}
            cells[cell] = {code: n - moved[code] for code, n in counts.items()}
            cells[cell][to] = cells[cell].get(to, 0) + sum(moved.values())
        return cells, _periods_of(cells, MONTHS - months)

    return alter


def _retracted(rng: Generator, history: History) -> Altered:
    cells = {
        cell: {**counts, "retracted": int(rng.binomial(counts["sent"], 0.12))}
        for cell, counts in _last(history, "retractions")
    }
    # One body in five: were all alike, none would stand out from its peers.
    bodies = sorted({cell[2] for cell in cells})[::5]
    some = {cell: counts for cell, counts in cells.items() if cell[2] in bodies}
    return some, _periods_of(some, MONTHS - 3)


def _closing(_: Generator, history: History) -> Altered:
    """After closing, 5 % of the registered offences of the last month are annulled."""
    cells = {
        cell: {"n": counts["n"] - int(np.ceil(counts["n"] * 0.05))}
        for cell, counts in _last(history, "records", 1)
        if cell[1] == "criminal_offence"
    }
    return cells, _periods_of(cells, MONTHS - 1)


ANOMALIES: Mapping[str, Any] = {
    "SER-801": _number(0.5),
    "SER-802": _number(2.0),
    "SER-803": _moved("days", 0.2, "last", 12),
    "SER-806": _moved("codes", 0.5, "place_type vague"),
    "SER-807": _moved("points", 0.2, "0"),
    "SER-808": _retracted,
    "SER-809": _closing,
    "SER-810": _moved("articles", 0.4, "5"),
    "SER-814": _moved("outcomes", 0.5, "court"),
}
TOLD: Mapping[str, str] = {
    "SER-801": f"half of the records, bodies from {LARGE} a month",
    "SER-802": f"twice the records, bodies from {LARGE} a month",
    "SER-803": "a fifth of the events put on the last day",
    "SER-806": "half of the values vague",
    "SER-807": "a fifth of the points on one",
    "SER-808": "12 % annulled or lowered, one body in five",
    "SER-809": "5 % of the offences annulled after closing",
    "SER-810": "two fifths under another article",
    "SER-812": "a device that fell silent ten days ago",
    "SER-814": "half of the unsolved called solved",
}


def _devices(
    connection: psycopg.Connection, catalogue: Catalogue, chosen: Settings, rng: Generator, days: int
) -> Outcome:
    """Devices of the camera operators, looked at on every day; then each falls silent for ten days."""
    operators = [s.code for s in catalogue.subjects.values() if s.kind == "camera_operator"]
    only = replace(chosen, rules=("SER-812",))
    end = NIGHT.date()
    alarms: set[tuple[str, str, date]] = set()
    with connection.transaction(force_rollback=True):
        with connection.cursor().copy("copy quality.device_days from stdin") as copy:
            for operator in operators:
                for device in range(DEVICES):
                    up = rng.uniform(0.3, 0.9) if device % 5 == 0 else rng.uniform(*UP)
                    for ago in np.flatnonzero(rng.random(days + 60) < up):
                        day = end - timedelta(days=int(ago) + 1)
                        copy.write_row(("administrative_offence", operator, f"D{device}", day, 1))
        connection.execute("analyze quality.device_days")
        for ago in range(days):
            today = end - timedelta(days=ago)
            for _, subject in _silent(connection, catalogue, only, today):
                alarms.add(("administrative_offence", subject, today.replace(day=1)))
        before = _silent(connection, catalogue, only, end)
        connection.execute("delete from quality.device_days where day >= %s", [end - timedelta(days=11)])
        steady = {(f"D{device}", operator) for operator in operators for device in range(DEVICES) if device % 5}
        found = (_silent(connection, catalogue, only, end) - before) & steady
    months = len({(end - timedelta(days=ago)).replace(day=1) for ago in range(days)})
    return Outcome(len(operators) * months, len(alarms), len(steady - before), len(found))


def _silent(connection: psycopg.Connection, catalogue: Catalogue, only: Settings, today: date) -> set[tuple[str, str]]:
    connection.execute(
        "create temporary table if not exists fresh "
        "(tally text, form text, subject text, month date, code text, n bigint) on commit drop"
    )
    connection.execute("delete from quality.plausibility")
    statistics.measure(connection, catalogue, only, None, NIGHT, today)
    connection.execute("drop table due, due_month, baseline")
    return set(connection.execute("select item, subject from quality.plausibility where not is_plausible").fetchall())


def _table(outcomes: Mapping[str, Outcome]) -> Table:
    table = Table(title="false alarms on clean histories, and anomalies found")
    for name in ("rule", "subject-periods", "false alarms", "share", "anomaly put in", "measured", "found", "power"):
        table.add_column(name, justify="left" if name in ("rule", "anomaly put in") else "right")
    for rule, o in outcomes.items():
        table.add_row(
            rule, f"{o.periods:,}", str(o.alarms), f"{o.share:.2%}", TOLD[rule], f"{o.anomalies:,}", f"{o.found:,}",
            f"{o.power:.1%}",
        )  # fmt: skip
    return table


@contextmanager
def _scratch_database() -> Iterator[psycopg.Connection]:
    """A database of its own beside the warehouse's, with tables and code lists, removed afterwards."""
    import os

    from psycopg.conninfo import make_conninfo

    from orchestration.setup import prepare

    given = warehouse.database_url()
    with warehouse.connect(autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    url = make_conninfo(given, dbname=DATABASE) if "=" in given else given.rsplit("/", 1)[0] + f"/{DATABASE}"
    os.environ["ZANSTAT_DATABASE_URL"] = url
    try:
        with warehouse.connect(autocommit=True) as connection:
            prepare(connection, load_catalogue(), warehouse.home())
            yield connection
    finally:
        os.environ["ZANSTAT_DATABASE_URL"] = given
        with warehouse.connect(autocommit=True) as admin:
            admin.execute(f"drop database if exists {DATABASE} with (force)")


if __name__ == "__main__":
    main()
