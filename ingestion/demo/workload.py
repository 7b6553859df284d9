"""How many records each subject sends on each day."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from ingestion.contract import Subject
from ingestion.demo.plan import Plan
from ingestion.demo.world import LARGE_KINDS, RECORDS_A_DAY_OF_SMALL_BODY, World


def workload(plan: Plan, form: str, count: int, weights: Mapping[str, float]) -> Iterator[tuple[Subject, date]]:
    """Share ``count`` records among subjects by weight and days by month and weekday; day by day."""
    world, rng = plan.world, plan.world.rng
    stream = form if ("criminal_offence", "administrative_offence").count(form) else "civil_case"
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


def regional_weights(world: World, form: str, stream: str) -> dict[str, float]:
    """Weight of each subject that owes the form: its region's share, split between the region's subjects."""
    factor = {"police_division": 0.3, "court_regional": 0.2}
    mine = [s for s in world.subjects if world.period_of(s, form) and s.kind != "camera_operator"]
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
