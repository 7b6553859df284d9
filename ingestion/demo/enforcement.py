"""Enforcement proceedings: what courts awarded, fines that were not paid, and documents of other origin.

A proceeding is opened as new and closed by a replacement. Keep out the sources themselves (``civil``, ``verdicts``,
``penalties``).
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from ingestion.contract import Subject
from ingestion.demo import penalties
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.workload import regional_weights, workload

FORM = "enforcement_proceeding"
KINDS = {"alimony", "wages", "health_damage", "loan", "utilities", "eviction", "reinstatement"}
"""Categories of civil cases that are kinds of recovery by the same name; the others are other debts or acts."""
AWARDED = ("satisfied", "partly_satisfied", "order_issued")
FROM_BANKS = ("loan", "utilities", "other_debt")


def proceedings(
    plan: Plan, cases: Sequence[Record], verdicts: Sequence[Record], unpaid: Sequence[Record], others: int
) -> None:
    """Proceedings from civil cases, verdicts, unpaid fines and inscriptions of notaries; some are closed in time."""
    for proceeding in _opened(plan, cases, verdicts, unpaid, others):
        if proceeding:
            _close(plan, proceeding)


def _opened(
    plan: Plan, cases: Sequence[Record], verdicts: Sequence[Record], unpaid: Sequence[Record], others: int
) -> Iterator[Record | None]:
    world, rng = plan.world, plan.world.rng
    for case in cases:
        if case.values["outcome"] in AWARDED and world.chance(0.7):
            yield _from_case(plan, case, date.fromisoformat(case.values["decision_date"]))
    for verdict in verdicts:
        if verdict.values["fine_kzt"] or verdict.values["damages_awarded_kzt"]:
            yield _from_verdict(plan, verdict, date.fromisoformat(verdict.values["in_force_date"]))
    for decision in unpaid:
        due = date.fromisoformat(decision.values["pay_due_date"])
        if world.chance(0.8):
            yield _from_decision(plan, decision, due + timedelta(days=rng.randint(1, 9)))
    weights = {s: w for s, w in regional_weights(world, FORM, "civil_case").items() if world.senders[s].region}
    for subject, day in workload(plan, FORM, others, weights):
        yield _inscription(plan, subject, day)


def _from_case(plan: Plan, case: Record, decided: date) -> Record | None:
    facts = case.values
    category, is_money = facts["category"], bool(facts["award_kzt"])
    kind = category if category in KINDS else "other_debt" if is_money else "other_nonmonetary"
    if (kind in ("eviction", "reinstatement")) == is_money or category in ("legal_fact", "divorce", "adoption"):
        return None
    creditor = "natural" if kind == "alimony" else facts["plaintiff_kind"]
    debtor = "natural" if kind == "alimony" else facts["defendant_kind"] or "natural"
    document = "court_order" if facts["outcome"] == "order_issued" else "writ"
    source = {"source_case_no": facts["case_no"], "due_kzt": facts["award_kzt"]}
    parties = {"debtor_kind": debtor, "creditor_kind": creditor}
    wait = plan.world.rng.randint(2, 15)
    return _open(plan, case, decided, decided + timedelta(days=wait), document, kind, source | parties)


def _from_verdict(plan: Plan, verdict: Record, in_force: date) -> Record | None:
    facts = verdict.values
    kind = "crime_damage" if facts["damages_awarded_kzt"] else "criminal_fine"
    source = {
        "source_case_no": facts["case_no"],
        "due_kzt": facts["damages_awarded_kzt"] or facts["fine_kzt"],
        "creditor_kind": "natural" if kind == "crime_damage" else "state_body",
        "debtor_iin": facts["iin"],
    }
    return _open(plan, verdict, in_force, in_force + timedelta(days=plan.world.rng.randint(1, 6)), "writ", kind, source)


def _from_decision(plan: Plan, decision: Record, day: date) -> Record | None:
    source = {"source_decision_no": decision.values["decision_no"], "due_kzt": decision.values["fine_kzt"]}
    parties = {"creditor_kind": "state_body"}
    return _open(plan, decision, day, day, "admin_decision", "admin_fine", source | parties)


def _inscription(plan: Plan, subject: Subject, day: date) -> Record | None:
    world = plan.world
    parties = {"creditor_kind": "bank", "due_kzt": world.money(300_000)}
    dated = day - timedelta(days=world.rng.randint(1, 20))
    return _open(plan, None, dated, day, "notary_inscription", "loan", parties, subject)


def _open(
    plan: Plan,
    source: Record | None,
    dated: date,
    day: date,
    document: str,
    kind: str,
    changes: Values,
    subject: Subject | None = None,
) -> Record | None:
    world, rng = plan.world, plan.world.rng
    if source:
        region = source.package.subject.region
        subjects = [s for s in world.subjects if world.period_of(s, FORM) and (region is None or s.region == region)]
        subject = rng.choice(subjects) if subjects else None
    if subject is None or day > world.last or dated > day:
        return None
    values = {
        "action": "I",
        "correction_reason": "",
        "proceeding_no": world.number(f"{day:%y}-{rng.randint(1, 60):04d}-", 7),
        "enforcement_doc_no": world.number(f"D{day:%y}-", 8),
        "enforcement_doc_kind": document,
        "source_case_no": "",
        "source_decision_no": "",
        "doc_date": dated.isoformat(),
        "opened_date": day.isoformat(),
        "executor": subject.code,
        "bailiff_kind": "state" if subject.kind == "justice_department" else "private",
        "kato": world.place(subject),
        "recovery_kind": kind,
        "debtor_kind": "natural",
        "debtor_iin": "",
        "no_iin_reason": "",
        "creditor_kind": "natural",
        "due_kzt": "",
        "recovered_kzt": "",
        "has_travel_ban": "true" if world.chance(0.1) else "false",
        "closed_date": "",
        "close_ground": "",
        **changes,
    }
    if values["due_kzt"]:
        values["recovered_kzt"] = "0.00"
    if values["debtor_kind"] not in ("natural", "entrepreneur"):
        values["no_iin_reason"] = "not_natural"
    elif not values["debtor_iin"]:
        values["debtor_iin"] = world.person(day, youngest=22, oldest=70)[0]
    return plan.send(subject, FORM, day, values, source)


def _close(plan: Plan, proceeding: Record) -> None:
    """Close a proceeding some weeks after it was opened; money of a fine is credited to the treasury first."""
    world, rng, facts = plan.world, plan.world.rng, proceeding.values
    day = date.fromisoformat(facts["opened_date"]) + timedelta(days=rng.randint(5, 40))
    if day > world.last or not world.chance(0.6):
        return
    is_full = world.chance(0.6)
    ground = "executed" if is_full else rng.choice(("impossible", "claimant_request", "time_limit"))
    due = Decimal(facts["due_kzt"] or 0)
    recovered = due if is_full else (due * rng.randint(0, 60) / 100).quantize(Decimal("0.01"))
    changes = {
        "closed_date": day.isoformat(),
        "close_ground": ground,
        "recovered_kzt": f"{recovered:.2f}" if due else "",
        "has_travel_ban": "false",
    }
    closed = plan.correct(proceeding, "M", "late_information", changes, day)
    treasury = next((subject for subject in world.subjects if subject.kind == "treasury"), None)
    if closed and facts["recovery_kind"] == "admin_fine" and recovered and treasury:
        values = penalties.payment(
            world, facts["source_decision_no"], day, recovered, proceeding=facts["proceeding_no"]
        )
        plan.send(treasury, "fine_payment", day, values, proceeding)
