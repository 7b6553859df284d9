"""Decisions on administrative offences, and the payment of fines.

Keep out the protocols (``administrative``) and the recovery of what is not paid (``enforcement``).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from ingestion.contract import Subject
from ingestion.demo.administrative import digits
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.world import Draw, World

MCI_KZT = 4325
"""The monthly calculation index of 2026."""
FINES_MCI = (3, 5, 7, 10, 15, 20, 40)
OUTCOMES = Draw({"penalty": 0.95, "discontinued": 0.03, "insignificant": 0.015, "limitation": 0.005})
ARRESTABLE = ("73", "127", "434", "440")
CHANNELS = Draw({"mobile_app": 0.5, "bank": 0.2, "egov": 0.15, "terminal": 0.1, "treasury": 0.05})
DAYS_TO_PAY = 30
REDUCED_DAYS = 15
BUDGET_CODE = "204108"


def decisions(plan: Plan, protocols: Sequence[Record]) -> list[Record]:
    """A decision on nearly every protocol, by the body itself; arrests by a court of the region."""
    world = plan.world
    found = []
    for protocol in protocols:
        facts = protocol.values
        registered = date.fromisoformat(facts["registered_at"][:10])
        is_camera = bool(facts["device_no"])
        day = registered + timedelta(days=world.rng.choice((0, 0, 1, 2) if is_camera else (0, 0, 0, 1, 2, 4, 7, 10)))
        if day > world.last or world.chance(0.03):
            continue
        court = world.courts("court_district", f"{facts['kato'][:2]}0000000")
        is_adult = facts["offender_kind"] == "natural" and "" < facts["birth_date"] < f"{registered.year - 19}"
        is_arrest = bool(court) and is_adult and facts["article"] in ARRESTABLE and world.chance(0.3)
        body = world.rng.choice(court)[1] if is_arrest else protocol.package.subject
        record = plan.send(
            body, "administrative_decision", day, _decision(world, facts, body, day, is_arrest), protocol
        )
        if record:
            found.append(record)
    return found


def _decision(world: World, protocol: Values, body: Subject, day: date, is_arrest: bool) -> Values:
    rng = world.rng
    outcome = "penalty" if is_arrest else OUTCOMES(rng)
    penalty = ""
    if outcome == "penalty":
        penalty = "arrest" if is_arrest else "fine" if world.chance(0.88) else "warning"
    mci = rng.choice(FINES_MCI) if penalty == "fine" else 0
    return {
        "action": "I",
        "correction_reason": "",
        "decision_no": world.number(f"{day:%y}{protocol['kato'][:2]}{digits(body.code)}", 11),
        "protocol_no": protocol["protocol_no"],
        "body": body.code,
        "decided_by": body.kind,
        "decision_date": day.isoformat(),
        "article": protocol["article"],
        "article_part": protocol["article_part"],
        "outcome": outcome,
        "penalty_type": penalty,
        "fine_kzt": f"{mci * MCI_KZT}.00" if mci else "",
        "fine_mci": f"{mci}.00" if mci else "",
        "penalty_term": str(rng.randint(3, 20)) if is_arrest else "",
        "is_reduced": "true" if mci and world.chance(0.8) else "false",
        "pay_due_date": (day + timedelta(days=DAYS_TO_PAY)).isoformat() if mci else "",
        "in_force_date": day.isoformat() if is_arrest else (day + timedelta(days=10)).isoformat(),
        "is_appealed": "false",
        "cancelled_date": "",
    }


def payments(plan: Plan, decisions: Sequence[Record]) -> list[Record]:
    """What the treasury credits: half a fine within the reduced term, or the whole; sometimes refunded. Returns the
    decisions whose fine stays unpaid."""
    world, rng = plan.world, plan.world.rng
    treasury = next((subject for subject in world.subjects if subject.kind == "treasury"), None)
    unpaid = []
    for decision in decisions:
        facts = decision.values
        if not facts["fine_kzt"] or treasury is None:
            continue
        if not world.chance(world.volumes["fine_payment", "paid_share", ""]):
            unpaid.append(decision)
            continue
        is_reduced = facts["is_reduced"] == "true" and world.chance(world.volumes["fine_payment", "reduced_share", ""])
        decided = date.fromisoformat(facts["decision_date"])
        day = decided + timedelta(days=rng.randint(0, 6) if is_reduced else rng.randint(0, DAYS_TO_PAY - 1))
        amount = Decimal(facts["fine_kzt"]) / (2 if is_reduced else 1)
        values = payment(world, facts["decision_no"], day, amount, is_reduced=is_reduced)
        paid = plan.send(treasury, "fine_payment", day, values, decision) if day <= world.last else None
        back = day + timedelta(days=rng.randint(2, 9))
        if paid and world.chance(0.004) and back <= world.last:
            refund = {**values, "payment_no": _payment_no(world, back), "paid_date": back.isoformat()}
            refund |= {"is_refund": "true", "is_reduced": "false", "refunded_payment_no": values["payment_no"]}
            paid.is_single = False
            plan.send(treasury, "fine_payment", back, refund, decision)
    return unpaid


def payment(
    world: World, decision_no: str, day: date, amount: Decimal, *, is_reduced: bool = False, proceeding: str = ""
) -> Values:
    """One payment of a fine; ``proceeding`` names the enforcement proceeding through which it came."""
    return {
        "action": "I",
        "correction_reason": "",
        "payment_no": _payment_no(world, day),
        "decision_no": decision_no,
        "paid_date": day.isoformat(),
        "amount_kzt": f"{amount:.2f}",
        "payment_channel": "bailiff" if proceeding else CHANNELS(world.rng),
        "payer_kind": "bailiff" if proceeding else world.rng.choice(("offender",) * 9 + ("third_person",)),
        "is_reduced": "true" if is_reduced else "false",
        "is_refund": "false",
        "refunded_payment_no": "",
        "proceeding_no": proceeding,
        "budget_code": BUDGET_CODE,
    }


def _payment_no(world: World, day: date) -> str:
    return world.number(f"{day:%y%m%d}", 12)
