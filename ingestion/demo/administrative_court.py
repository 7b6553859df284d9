"""Administrative (APPC) court cases: disputes with public bodies, decided by replacements, sometimes appealed.

Keep out administrative offences (``administrative``), which are another thing.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from ingestion.contract import Subject
from ingestion.demo.civil import case_number, working_day
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.workload import regional_weights, workload
from ingestion.demo.world import Draw, World

FORM = "administrative_court_case"
DEFENDANTS = {"tax": "state_revenue", "land": "akimat", "housing_queue": "akimat", "bailiff_acts": "bailiff_chamber"}
CLAIMS = Draw({"contest": 0.6, "compulsion": 0.25, "action": 0.1, "recognition": 0.05})
OUTCOMES = Draw(
    {"satisfied": 0.3, "refused": 0.3, "conciliation": 0.12, "returned": 0.13, "withdrawn": 0.1, "discontinued": 0.05}
)
APPEALS = Draw({"upheld": 0.8, "modified": 0.1, "quashed": 0.1})


def disputes(plan: Plan, count: int) -> list[Record]:
    """New disputes before administrative courts, pending on the day they are received."""
    world = plan.world
    courts = {subject.code: code for code, subject in world.courts("court_administrative", None)}
    categories = [code.code for code in world.catalogue.code_lists["admin_court_category"]]
    weights = {s: w for s, w in regional_weights(world, FORM, "civil_case").items() if s in courts}
    found = (
        plan.send(subject, FORM, day, _dispute(world, courts[subject.code], world.rng.choice(categories), day))
        for subject, day in workload(plan, FORM, count, weights)
    )
    return [record for record in found if record]


def _dispute(world: World, court: str, category: str, day: date) -> Values:
    claim = CLAIMS(world.rng)
    return {
        "action": "I",
        "correction_reason": "",
        "court": court,
        "case_no": case_number(world, court, day, "4"),
        "instance": "first",
        "parent_case_no": "",
        "received_date": day.isoformat(),
        "accepted_date": "",
        "claim_kind": claim,
        "category": category,
        "plaintiff_kind": world.rng.choice(("natural", "natural", "legal", "entrepreneur")),
        "defendant_body_kind": DEFENDANTS.get(category, world.rng.choice(("akimat", "police_department", "sanitary"))),
        "has_prior_complaint": "true" if world.chance(0.6) else "false",
        "claim_kzt": world.money(900_000) if category in ("tax", "customs", "procurement") or claim == "action" else "",
        "decision_date": "",
        "outcome": "",
        "award_kzt": "",
        "monetary_sanction_kzt": "",
        "suspended_days": "0",
        "in_force_date": "",
        "is_appealed": "false",
    }


def judgements(plan: Plan, cases: Sequence[Record]) -> None:
    """Decide the pending disputes; some go on to the regional court."""
    world, rng = plan.world, plan.world.rng
    for case in cases:
        received = date.fromisoformat(case.values["received_date"])
        day = working_day(received + timedelta(days=rng.randint(10, 40)))
        outcome = OUTCOMES(rng)
        higher = world.courts("court_regional", case.package.subject.region)
        is_appealed = outcome in ("satisfied", "refused") and bool(higher) and world.chance(0.25)
        changes = {
            "accepted_date": working_day(received + timedelta(days=2)).isoformat(),
            "decision_date": day.isoformat(),
            "outcome": outcome,
            "award_kzt": case.values["claim_kzt"] if outcome == "satisfied" else "",
            "monetary_sanction_kzt": "43250.00" if world.chance(0.03) else "",
            "in_force_date": "" if is_appealed else (day + timedelta(days=30)).isoformat(),
            "is_appealed": "true" if is_appealed else "false",
        }
        decided = plan.correct(case, "M", "late_information", changes, day) if day <= world.last else None
        if decided and is_appealed:
            case.is_parent = decided.is_parent = True
            _appeal(plan, decided.values, day, *higher[0])


def _appeal(plan: Plan, case: Values, decided: date, court: str, subject: Subject) -> None:
    world, rng = plan.world, plan.world.rng
    received = working_day(decided + timedelta(days=rng.randint(4, 12)))
    values = {
        **_dispute(world, court, case["category"], received),
        **{name: case[name] for name in ("claim_kind", "plaintiff_kind", "defendant_body_kind", "claim_kzt")},
        "case_no": case_number(world, court, received, "4a"),
        "instance": "appeal",
        "parent_case_no": case["case_no"],
    }
    appeal = plan.send(subject, FORM, received, values) if received <= world.last else None
    day = working_day(received + timedelta(days=rng.randint(6, 15)))
    if appeal and day <= world.last:
        changes = {
            "accepted_date": received.isoformat(),
            "decision_date": day.isoformat(),
            "outcome": APPEALS(rng),
            "in_force_date": day.isoformat(),
        }
        plan.correct(appeal, "M", "late_information", changes, day)
