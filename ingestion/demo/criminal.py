"""Criminal offences as registered, and the decisions of the investigation about each, in lawful order.

Keep out the persons of a case (``persons``) and what courts make of it (``verdicts``).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random

from ingestion.contract import Subject
from ingestion.demo.criminal_code import CriminalCode
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.workload import regional_weights, workload
from ingestion.demo.world import BODY_DIGITS, Draw, World, in_force


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


def offences(plan: Plan, count: int) -> list[Record]:
    """Offences of all subjects that investigate, day by day."""
    world = plan.world
    code = CriminalCode(world)
    hours = Draw(world.shares("criminal_offence", "hour_share"))
    weights = regional_weights(world, "criminal_offence", "criminal_offence")
    sent = (
        plan.send(subject, "criminal_offence", day, _offence(world, code, hours, subject, day))
        for subject, day in workload(plan, "criminal_offence", count, weights)
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


def _offence(world: World, code: CriminalCode, hours: Draw, subject: Subject, day: date) -> Values:
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


FIRST_DECISIONS = Draw(
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
Requalified = tuple[Record, date, Values]
"""An offence, the day of its re-qualification and what changes."""
Course = tuple[Record, list[Values]]
"""An offence and its decisions."""


def decisions(plan: Plan, offences: Sequence[Record]) -> tuple[list[Course], list[Requalified]]:
    """Decisions about the offences, in lawful order; returns them by offence, and the corrections that follow
    re-qualification."""
    world = plan.world
    code = CriminalCode(world)
    courts: dict[str, list[str]] = defaultdict(list)
    for court in world.catalogue.code_lists["court"]:
        known = {code for code, _ in world.courts("court_district", court.row["region"])}
        is_open = court.row["kind"] == "court_district" and in_force(court, world.first)
        if is_open and (not known or court.code in known):
            courts[court.code[:2]].append(court.code)
    bodies = [s.code for s in world.subjects if s.kind == "police_department"] or [world.subjects[0].code]
    earlier: dict[str, str] = {}
    events: list[tuple[date, str, Values, Record]] = []
    requalified: list[Requalified] = []
    courses: list[Course] = []
    last_changed: Record | None = None
    for offence in offences:
        subject = offence.package.subject
        linked = earlier.get(subject.code, "")
        course = list(_course(world, code, offence, linked, courts[offence.values["kato"][:2]], bodies))
        courses.append((offence, course))
        for values in course:
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
        plan.send(offence.package.subject, "pretrial_decision", day, values, offence)
    return courses, requalified


def _course(
    world: World,
    code: CriminalCode,
    offence: Record,
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


def _next_decision(world: World, state: str) -> str | None:
    """What may follow a decision (PTD-604); None when the case rests."""
    if state.startswith("court"):
        return "returned" if world.chance(0.04) else None
    if state.startswith("interrupted"):
        return "resumed" if world.chance(0.45) else None
    if state.startswith("discontinued"):
        return "resumed" if world.chance(0.03) else None
    kind = FIRST_DECISIONS(world.rng)
    return "court" if state == "returned" and kind == "requalified" else kind
