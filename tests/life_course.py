"""A life course: records of all forms that belong together and break no rule, neither their own nor between forms.

An offence with its decisions, suspect, victim, verdict, appeal, execution and enforcement; a civil and an
administrative court case with appeal and enforcement; a protocol with its decision and payment, and one that is not
paid and enforced. Here belong the records and their sending. Keep out what is asserted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ingestion.demo import check_digit
from tests.conftest import Store
from tests.packages import Values, pack

Course = dict[str, tuple[str, Values]]
"""What a record is in the course -> its form and values."""
Changes = Mapping[str, Values | None]
"""What a record is in the course -> other values; None leaves it out."""

SENDERS = {
    "criminal_offence": "MVD-75",
    "pretrial_decision": "MVD-75",
    "suspect": "MVD-75",
    "victim": "MVD-75",
    "sentence_execution": "QAJ-00",
    "enforcement_proceeding": "PSI-75",
    "administrative_offence": "MVD-75",
    "administrative_decision": "MVD-75",
    "fine_payment": "QAZ-00",
}
"""Who sends a form; a court's record is sent by the court it names."""
MONTHLY = ("sentence_execution",)


def iin(birth_date: str, sex: str, serial: int) -> str:
    """A valid IIN of the 20th (1, 2) or 21st century for a date of birth; ``serial`` tells persons apart."""
    century = {"19": 3, "20": 5}[birth_date[:2]] + (sex == "2")
    while True:
        eleven = f"{birth_date[2:4]}{birth_date[5:7]}{birth_date[8:10]}{century}{serial % 10000:04d}"
        digit = check_digit(eleven)
        if digit is not None and len(f"{digit}") == 1:
            return f"{eleven}{digit}"
        serial += 5000


def course(number: int, changes: Changes | None = None) -> Course:
    """The life course of a number, with these changes."""
    erdr, suspect, victim = f"26751101{number:07d}", iin("1990-05-14", "1", number), iin("1985-03-02", "2", number)
    crime = {"article": "188", "article_part": "2"}
    case, appeal = f"7511-26-00-1/{number}", f"7599-26-00-1a/{number}"
    civil, civil_appeal = f"7511-26-00-2/{number}", f"7599-26-00-2a/{number}"
    public, public_appeal = f"7594-26-00-4/{number}", f"7599-26-00-4a/{number}"
    paid, unpaid = f"2675{number:013d}", f"2675{500000 + number:013d}"
    decision = {
        "erdr_number": erdr, "decision_body": "MVD-75", **crime, "severity": "2", "suspects_count": "1",
        "damage_established_kzt": "120000.00", "damage_recovered_kzt": "20000.00", "investigation_days": "8",
    }  # fmt: skip
    verdict = {
        "erdr_number": erdr, "person_no": "1", "iin": suspect, **crime, "severity": "2",
        "damages_awarded_kzt": "100000.00",
    }  # fmt: skip
    event = {
        "execution_body": "QAJ-00", "case_no": case, "person_no": "1", "punishment_type": "fine", "served_days": "0",
        "remaining_days": "0", "supervision_kato": "751110000",
    }  # fmt: skip
    claim = {
        "proceeding_kind": "claim", "category": "loan", "plaintiff_kind": "bank", "defendant_kind": "natural",
        "claim_kzt": "500000.00", "state_fee_kzt": "15000.00", "used_mediation": "false", "suspended_days": "0",
    }  # fmt: skip
    dispute = {
        "claim_kind": "contest", "category": "tax", "plaintiff_kind": "legal",
        "defendant_body_kind": "state_revenue", "has_prior_complaint": "true", "suspended_days": "0",
    }  # fmt: skip
    proceeding = {
        "executor": "PSI-75", "bailiff_kind": "private", "kato": "751110000", "debtor_kind": "natural",
        "debtor_iin": suspect, "has_travel_ban": "false", "recovered_kzt": "0.00",
    }  # fmt: skip
    protocol = {
        "protocol_origin": "tablet", "body": "MVD-75", "article": "440", "article_part": "1", "kato": "751110000",
        "latitude": "43.250000", "longitude": "76.930000", "offender_kind": "natural", "birth_date": "1990-05-14",
        "sex": "1", "iin": suspect,
    }  # fmt: skip
    penalty = {
        "body": "MVD-75", "decided_by": "police_department", "article": "440", "article_part": "1",
        "outcome": "penalty", "penalty_type": "fine", "fine_mci": "5.00", "fine_kzt": "21625.00",
        "is_appealed": "false",
    }  # fmt: skip
    made: Course = {
        "offence": ("criminal_offence", {
            "erdr_number": erdr, "registered_at": "2026-07-02T10:00:00", "registering_body": "MVD-75",
            "kui_number": f"26751180{number:07d}", "kui_registered_at": "2026-07-02T09:00:00",
            "committed_date": "2026-07-01", "committed_time": "22:15", "time_of_day": "evening", **crime,
            "severity": "2", "transgression": "5", "offence_stage": "completed", "kato": "751110000",
            "place_type": "street", "is_public_place": "true", "damage_kzt": "120000.00",
            "is_domestic_violence": "false",
        }),
        "victim": ("victim", {
            "erdr_number": erdr, "victim_no": "1", "victim_kind": "natural", "iin": victim,
            "birth_date": "1985-03-02", "sex": "2", "citizenship": "KZ", "occupation": "employee",
            "is_minor": "false", "relation_to_suspect": "stranger", "harm_kind": "material",
            "damage_kzt": "120000.00", "damage_recovered_kzt": "20000.00", "is_domestic_violence": "false",
            "protective_measure": "none", "recognised_date": "2026-07-03",
        }),
        "suspect": ("suspect", {
            "erdr_number": erdr, "person_no": "1", "iin": suspect, "birth_date": "1990-05-14", "sex": "1",
            "citizenship": "KZ", "residence_kato": "751110000", "education": "higher", "occupation": "employee",
            "suspect_status": "accused", "status_date": "2026-07-05", **crime, "group_kind": "alone",
            "intoxication": "none", "prior_record": "none", "preventive_measure": "custody",
            "detained_date": "2026-07-04", "is_minor": "false",
        }),
        "requalified": ("pretrial_decision", {
            **decision, "decision_no": "1", "decision_type": "requalified", "decision_date": "2026-07-10",
        }),
        "to_court": ("pretrial_decision", {
            **decision, "decision_no": "2", "decision_type": "court_indictment", "decision_date": "2026-07-20",
            "court": "7511",
        }),
        "verdict": ("criminal_verdict", {
            **verdict, "court": "7511", "case_no": case, "instance": "first", "received_date": "2026-07-21",
            "decision_date": "2026-08-10", "in_force_date": "2026-08-26", "outcome": "convicted",
            "punishment_type": "fine", "is_conditional": "false", "fine_kzt": "500000.00",
            "additional_punishment": "none",
        }),
        "appeal": ("criminal_verdict", {
            **verdict, "court": "7599", "case_no": appeal, "instance": "appeal", "received_date": "2026-08-14",
            "decision_date": "2026-08-25", "in_force_date": "2026-08-26", "outcome": "upheld",
        }),
        "started": ("sentence_execution", {
            **event, "event_no": "1", "execution_event": "started", "event_date": "2026-09-02",
        }),
        "fine_paid": ("sentence_execution", {
            **event, "event_no": "2", "execution_event": "fine_paid", "event_date": "2026-09-10",
            "fine_paid_kzt": "100000.00",
        }),
        "fine_enforced": ("enforcement_proceeding", {
            **proceeding, "proceeding_no": f"26-7501-{number:07d}", "enforcement_doc_no": f"WRIT-1/{number}",
            "enforcement_doc_kind": "writ", "source_case_no": case, "doc_date": "2026-08-27",
            "opened_date": "2026-09-01", "recovery_kind": "criminal_fine", "creditor_kind": "state_body",
            "due_kzt": "500000.00",
        }),
        "case": ("civil_case", {
            **claim, "court": "7511", "case_no": civil, "instance": "first", "received_date": "2026-06-01",
            "accepted_date": "2026-06-02", "decision_date": "2026-07-01", "outcome": "satisfied",
            "award_kzt": "500000.00", "in_force_date": "2026-08-20", "is_appealed": "true",
        }),
        "case_appeal": ("civil_case", {
            **claim, "court": "7599", "case_no": civil_appeal, "instance": "appeal", "parent_case_no": civil,
            "received_date": "2026-07-20", "accepted_date": "2026-07-21", "decision_date": "2026-08-15",
            "outcome": "upheld", "in_force_date": "2026-08-20", "is_appealed": "false",
        }),
        "case_enforced": ("enforcement_proceeding", {
            **proceeding, "proceeding_no": f"26-7502-{number:07d}", "enforcement_doc_no": f"WRIT-2/{number}",
            "enforcement_doc_kind": "writ", "source_case_no": civil, "doc_date": "2026-08-21",
            "opened_date": "2026-08-25", "recovery_kind": "loan", "creditor_kind": "bank", "due_kzt": "515000.00",
        }),
        "dispute": ("administrative_court_case", {
            **dispute, "court": "7594", "case_no": public, "instance": "first", "received_date": "2026-06-03",
            "accepted_date": "2026-06-04", "decision_date": "2026-07-03", "outcome": "refused",
            "in_force_date": "2026-08-21", "is_appealed": "true",
        }),
        "dispute_appeal": ("administrative_court_case", {
            **dispute, "court": "7599", "case_no": public_appeal, "instance": "appeal", "parent_case_no": public,
            "received_date": "2026-07-22", "accepted_date": "2026-07-23", "decision_date": "2026-08-17",
            "outcome": "upheld", "in_force_date": "2026-08-21", "is_appealed": "false",
        }),
        "protocol": ("administrative_offence", {
            **protocol, "protocol_no": paid, "registered_at": "2026-07-15T10:00:00",
            "committed_at": "2026-07-15T09:00:00",
        }),
        "penalty": ("administrative_decision", {
            **penalty, "decision_no": f"26{number:016d}", "protocol_no": paid, "decision_date": "2026-07-17",
            "is_reduced": "true", "pay_due_date": "2026-08-16", "in_force_date": "2026-07-27",
        }),
        "payment": ("fine_payment", {
            "payment_no": f"{number:016d}", "decision_no": f"26{number:016d}", "paid_date": "2026-07-20",
            "amount_kzt": "10812.50", "payment_channel": "bank", "payer_kind": "offender", "is_reduced": "true",
            "is_refund": "false", "budget_code": "204101",
        }),
        "unpaid_protocol": ("administrative_offence", {
            **protocol, "protocol_no": unpaid, "registered_at": "2026-07-16T10:00:00",
            "committed_at": "2026-07-16T09:00:00",
        }),
        "unpaid_penalty": ("administrative_decision", {
            **penalty, "decision_no": f"26{500000 + number:016d}", "protocol_no": unpaid,
            "decision_date": "2026-07-18", "is_reduced": "false", "pay_due_date": "2026-08-17",
            "in_force_date": "2026-07-28",
        }),
        "penalty_enforced": ("enforcement_proceeding", {
            **proceeding, "proceeding_no": f"26-7503-{number:07d}", "enforcement_doc_no": f"FINE-3/{number}",
            "enforcement_doc_kind": "admin_decision", "source_decision_no": f"26{500000 + number:016d}",
            "doc_date": "2026-08-28", "opened_date": "2026-09-03", "recovery_kind": "admin_fine",
            "creditor_kind": "state_body", "due_kzt": "21625.00",
        }),
    }  # fmt: skip
    unchanged = dict(made)
    for what, values in (changes or {}).items():
        if values is None:
            del made[what]
        elif what in made:
            made[what] = (made[what][0], made[what][1] | values)
        else:  # another one of its kind: "verdict_2" is like "verdict" was
            like = unchanged[what.rpartition("_")[0]]
            made[what] = (like[0], like[1] | values)
    return {what: (form, {"action": "I"} | values) for what, (form, values) in made.items()}


def sender(form: str, values: Values) -> str:
    return values.get("sender") or (f"SUD-{values['court']}" if form not in SENDERS else SENDERS[form])


def submit(store: Store, folder: Path, courses: Iterable[Course], sent: Counter[Any] | None = None) -> None:
    """Send the records of life courses, one package for each form, sender and period; ``sent`` counts the packages of
    an identity over several sendings."""
    sent = Counter() if sent is None else sent
    packages: dict[tuple[str, str, date, date], list[Values]] = defaultdict(list)
    for made in courses:
        for form, values in made.values():
            packages[form, sender(form, values), *period(store, form, values)].append(
                {name: value for name, value in values.items() if name not in ("sender", "day")}
            )
    for identity, rows in packages.items():
        form, subject, start, end = identity
        sent[identity] += 1
        path = folder / f"{form}_{subject}_{start}_{sent[identity]}"
        pack(path, store.catalogue, form, rows, sender=subject, day=start, to=end, sequence=sent[identity])
        store.submit(path)


def period(store: Store, form: str, values: Values) -> tuple[date, date]:
    """The period whose package holds the record: its registered day, or ``day`` where given; or the month of it."""
    day = date.fromisoformat((values.get("day") or values[store.catalogue.forms[form].registered_date_field])[:10])
    if form not in MONTHLY:
        return day, day
    start = day.replace(day=1)
    return start, (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def keys(store: Store, made: Course) -> dict[str, tuple[str, str]]:
    """What a record is in the course -> its form and record key."""
    return {
        what: (form, "|".join(values[name] for name in store.catalogue.forms[form].natural_key))
        for what, (form, values) in made.items()
    }
