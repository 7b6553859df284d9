"""Civil cases: filed, decided, appealed."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from ingestion.contract import Subject
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.workload import regional_weights, workload
from ingestion.demo.world import Draw, World, in_force

ORDERED = {"loan", "utilities", "alimony", "wages"}
SPECIAL = {"legal_fact", "incapacity", "missing_person", "adoption"}
CLAIM_OUTCOMES = Draw(
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
ORDER_OUTCOMES = Draw({"order_issued": 0.9, "order_cancelled": 0.05, "returned": 0.05})
SPECIAL_OUTCOMES = Draw({"satisfied": 0.85, "refused": 0.05, "discontinued": 0.05, "left_unconsidered": 0.05})
APPEAL_OUTCOMES = Draw({"upheld": 0.76, "modified": 0.12, "quashed": 0.12})
DURATION_DAYS = {"order": (0, 4), "simplified": (12, 35), "special": (10, 40), "claim": (14, 60)}


def cases(plan: Plan, count: int) -> list[Record]:
    """New civil cases of the first instance, pending on the day they are received."""
    world = plan.world
    weights = regional_weights(world, "civil_case", "civil_case")
    shares = world.shares("civil_case", "category_share")
    others = [code.code for code in world.catalogue.code_lists["civil_category"] if code.code not in shares]
    rest = shares["other"] / (len(others) + 1)
    categories = Draw(shares | {"other": rest} | dict.fromkeys(others, rest))
    courts: dict[str, list[str]] = defaultdict(list)
    for code in world.catalogue.code_lists["court"]:
        if code.row["kind"] == "court_district" and in_force(code, world.first):
            courts[code.row["subject"]].append(code.code)
    weights = {sender: weight for sender, weight in weights.items() if courts[sender]}
    cases = []
    for subject, day in workload(plan, "civil_case", count, weights):
        court = world.rng.choice(courts[subject.code])
        record = plan.send(subject, "civil_case", day, _case(world, court, categories(world.rng), day))
        if record:
            cases.append(record)
    return cases


def _case(world: World, court: str, category: str, day: date) -> Values:
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
        "case_no": case_number(world, court, day, "2"),
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


def case_number(world: World, court: str, day: date, kind: str) -> str:
    """The next number of a court, kind of proceedings and year."""
    return world.number(f"{court}-{day:%y}-00-{kind}/", 1, start=world.first.timetuple().tm_yday * 10)


def judgements(plan: Plan, cases: Sequence[Record]) -> list[Record]:
    """Decide the pending cases by replacements in later packages, and return the decided ones; some go on to
    appeal."""
    world, rng = plan.world, plan.world.rng
    appeal_courts = {
        code.row["region"]: (code.code, world.catalogue.subjects[code.row["subject"]])
        for code in world.catalogue.code_lists["court"]
        if code.row["kind"] == "court_regional" and code.row["subject"] in {s.code for s in world.subjects}
    }
    decided_cases = []
    for case in cases:
        shortest, longest = DURATION_DAYS[case.values["proceeding_kind"]]
        received = date.fromisoformat(case.values["received_date"])
        day = working_day(received + timedelta(days=rng.randint(shortest, longest)))
        judgement = _judgement(world, case.values, received, day)
        if day > world.last:
            continue
        if day == case.package.period == received:
            case.values.update(judgement)
            decided_cases.append(case)
            continue
        decided = plan.correct(case, "M", "late_information", judgement, day)
        target = appeal_courts.get(case.package.subject.region or "")
        if decided and target and judgement["is_appealed"] == "true":
            case.is_parent = decided.is_parent = True
            _appeal(plan, decided.values, day, *target)
        elif decided:
            decided_cases.append(decided)
    return decided_cases


def working_day(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])


def _judgement(world: World, case: Values, received: date, day: date) -> Values:
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


def _appeal(plan: Plan, case: Values, decided: date, court: str, subject: Subject) -> None:
    world, rng = plan.world, plan.world.rng
    received = working_day(decided + timedelta(days=rng.randint(5, 20)))
    package = plan.by_period.get((subject.code, "civil_case", received))
    if package is None or package.arrives is None:
        return
    values = {
        **_case(world, court, case["category"], received),
        **{name: case[name] for name in ("proceeding_kind", "plaintiff_kind", "defendant_kind", "claim_kzt")},
        "case_no": case_number(world, court, received, "2a"),
        "instance": "appeal",
        "parent_case_no": case["case_no"],
    }
    appeal = Record(values, package)
    package.records.append(appeal)
    plan.records["civil_case"].append(appeal)
    day = working_day(received + timedelta(days=rng.randint(7, 20)))
    if day <= world.last:
        changes = {
            "accepted_date": received.isoformat(),
            "decision_date": day.isoformat(),
            "outcome": APPEAL_OUTCOMES(rng),
            "in_force_date": day.isoformat(),
        }
        plan.correct(appeal, "M", "late_information", changes, day)
