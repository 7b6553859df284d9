"""Records of all thirteen forms for a measured night: one valid record a form as data, numbered ones made of it.

Demonstration values without persons. Here belong values; packing them is ``packages``.
"""

from collections.abc import Callable
from datetime import date

Values = dict[str, str]

DAY = date(2026, 10, 20)
MONTH = (date(2026, 9, 1), date(2026, 9, 30))
"""The period of forms that are sent for a month; the others are sent for ``DAY``."""

SENDERS: dict[str, tuple[str, int]] = {
    "criminal_offence": ("police_division", 500),
    "pretrial_decision": ("police_division", 500),
    "suspect": ("police_division", 400),
    "victim": ("police_division", 400),
    "criminal_verdict": ("court_district", 300),
    "sentence_execution": ("penal_system", 100),
    "civil_case": ("court_district", 500),
    "administrative_court_case": ("court_administrative", 150),
    "enforcement_proceeding": ("bailiff_chamber", 300),
    "administrative_offence": ("police_division", 400),
    "administrative_decision": ("police_division", 300),
    "fine_payment": ("treasury", 100),
    "aggregate_report": ("police_department", 50),
}
"""Form -> the kind of subject that sends it, and how many of 4,000 packages are of it."""

MONTHLY: dict[str, str | None] = {"sentence_execution": None, "aggregate_report": "1-M"}
"""Forms that are sent for a month, with the report code of those that have one."""

RECORDS: dict[str, Values] = {
    "criminal_offence": {
        "registered_at": "2026-10-20T10:00:00",
        "kui_registered_at": "2026-10-20T09:00:00",
        "committed_date": "2026-10-19",
        "committed_time": "22:15",
        "time_of_day": "evening",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "transgression": "5",
        "offence_stage": "completed",
        "kato": "751110000",
        "place_type": "street",
        "is_public_place": "true",
        "latitude": "43.250000",
        "longitude": "76.930000",
        "damage_kzt": "120000.00",
        "is_domestic_violence": "false",
    },
    "pretrial_decision": {
        "decision_no": "1",
        "decision_type": "court_indictment",
        "decision_date": "2026-10-20",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "suspects_count": "1",
        "damage_established_kzt": "120000.00",
        "investigation_days": "40",
        "court": "7511",
    },
    "suspect": {
        "person_no": "1",
        "no_iin_reason": "no_documents",
        "birth_date": "1990-05-14",
        "sex": "1",
        "citizenship": "KZ",
        "residence_kato": "751110000",
        "education": "vocational",
        "occupation": "employee",
        "suspect_status": "suspect",
        "status_date": "2026-10-20",
        "article": "188",
        "article_part": "2",
        "group_kind": "alone",
        "intoxication": "alcohol",
        "prior_record": "expunged",
        "preventive_measure": "signature",
        "is_minor": "false",
    },
    "victim": {
        "victim_no": "1",
        "victim_kind": "natural",
        "no_iin_reason": "no_documents",
        "birth_date": "1990-05-14",
        "sex": "1",
        "citizenship": "KZ",
        "occupation": "employee",
        "is_minor": "false",
        "relation_to_suspect": "stranger",
        "harm_kind": "material",
        "damage_kzt": "120000.00",
        "is_domestic_violence": "false",
        "protective_measure": "protective_order",
        "recognised_date": "2026-10-20",
    },
    "criminal_verdict": {
        "court": "7511",
        "person_no": "1",
        "no_iin_reason": "no_documents",
        "instance": "first",
        "received_date": "2026-10-20",
        "decision_date": "2026-10-20",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "outcome": "convicted",
        "punishment_type": "fine",
        "is_conditional": "false",
        "fine_kzt": "432500.00",
        "additional_punishment": "confiscation",
        "damages_awarded_kzt": "100000.00",
    },
    "sentence_execution": {
        "person_no": "1",
        "event_no": "1",
        "execution_event": "started",
        "event_date": "2026-09-15",
        "punishment_type": "fine",
        "served_days": "0",
        "supervision_kato": "751110000",
    },
    "civil_case": {
        "court": "7511",
        "instance": "first",
        "received_date": "2026-10-20",
        "accepted_date": "2026-10-20",
        "proceeding_kind": "claim",
        "category": "loan",
        "plaintiff_kind": "bank",
        "defendant_kind": "natural",
        "claim_kzt": "500000.00",
        "used_mediation": "false",
        "suspended_days": "0",
        "is_appealed": "false",
    },
    "administrative_court_case": {
        "court": "7594",
        "instance": "first",
        "received_date": "2026-10-20",
        "accepted_date": "2026-10-20",
        "claim_kind": "contest",
        "category": "tax",
        "plaintiff_kind": "legal",
        "defendant_body_kind": "state_revenue",
        "has_prior_complaint": "true",
        "suspended_days": "0",
        "is_appealed": "false",
    },
    "enforcement_proceeding": {
        "enforcement_doc_kind": "notary_inscription",
        "doc_date": "2026-10-01",
        "opened_date": "2026-10-20",
        "bailiff_kind": "private",
        "kato": "751110000",
        "recovery_kind": "loan",
        "debtor_kind": "legal",
        "no_iin_reason": "not_natural",
        "creditor_kind": "bank",
        "due_kzt": "500000.00",
        "recovered_kzt": "0",
        "has_travel_ban": "false",
    },
    "administrative_offence": {
        "protocol_origin": "tablet",
        "registered_at": "2026-10-20T10:00:00",
        "committed_at": "2026-10-20T09:00:00",
        "article": "440",
        "article_part": "1",
        "kato": "751110000",
        "latitude": "43.250000",
        "offender_kind": "natural",
        "no_iin_reason": "foreign",
    },
    "administrative_decision": {
        "decided_by": "police_division",
        "decision_date": "2026-10-20",
        "article": "440",
        "article_part": "1",
        "outcome": "penalty",
        "penalty_type": "fine",
        "fine_kzt": "43250.00",
        "fine_mci": "10",
        "is_reduced": "false",
        "pay_due_date": "2026-11-20",
        "is_appealed": "false",
    },
    "fine_payment": {
        "paid_date": "2026-10-20",
        "amount_kzt": "43250.00",
        "payment_channel": "bank",
        "payer_kind": "offender",
        "is_reduced": "false",
        "is_refund": "false",
        "budget_code": "204105",
    },
    "aggregate_report": {
        "report_code": "1-M",
        "period_start": "2026-01-01",
        "period_end": "2026-09-30",
        "is_cumulative": "true",
        "territory": "750000000",
        "measure": "registered",
        "value": "0.00",
    },
}
"""What the records of a form have in common."""

OWN: dict[str, Callable[[int, str, tuple[str, ...]], Values]] = {
    "criminal_offence": lambda n, body, _: {
        "erdr_number": f"26751101{n:07d}",
        "kui_number": f"26751180{n:07d}",
        "registering_body": body,
    },
    "pretrial_decision": lambda n, body, _: {
        "erdr_number": f"26751101{n:07d}",
        "decision_body": body,
        "damage_recovered_kzt": f"{n % 90_000}.50",
    },
    "suspect": lambda n, *_: {"erdr_number": f"26751101{n:07d}", "birth_date": f"19{n % 40 + 50}-0{n % 9 + 1}-14"},
    "victim": lambda n, *_: {"erdr_number": f"26751101{n:07d}", "damage_recovered_kzt": f"{n % 90_000}.50"},
    "criminal_verdict": lambda n, *_: {"case_no": f"7511-26-00-1/{n}", "erdr_number": f"26751101{n:07d}"},
    "sentence_execution": lambda n, body, _: {
        "case_no": f"7511-26-00-1/{n}",
        "execution_body": body,
        "remaining_days": str(30 + n % 10_000),
    },
    "civil_case": lambda n, *_: {"case_no": f"7511-26-00-2/{n}", "state_fee_kzt": f"{15_000 + n % 1000}.00"},
    "administrative_court_case": lambda n, *_: {
        "case_no": f"7594-26-00-4/{n}",
        "claim_kzt": f"{500_000 + n}.00",
    },
    "enforcement_proceeding": lambda n, body, _: {
        "proceeding_no": f"26-7500-{n:07d}",
        "enforcement_doc_no": f"N-{n:06d}",
        "executor": body,
    },
    "administrative_offence": lambda n, body, _: {
        "protocol_no": f"2675{n:013d}",
        "body": body,
        "longitude": f"76.9{n % 99_991:05d}",
        "birth_date": "1990-05-14",
    },
    "administrative_decision": lambda n, body, _: {
        "decision_no": f"2675{n:014d}",
        "protocol_no": f"2675{n:013d}",
        "body": body,
    },
    "fine_payment": lambda n, *_: {"payment_no": f"2026{n:012d}", "decision_no": f"2675{n:014d}"},
    "aggregate_report": lambda n, body, articles: {
        "body": body,
        "criminal_article": articles[n % len(articles)],
        "severity": str(n // len(articles) % 5),
    },
}
"""What is a record's own: its key, its body, and what keeps two from being equal in all but the key (GEN-502)."""

DEFECTS: dict[str, Values] = {
    "criminal_offence": {"kato": "759999999"},
    "pretrial_decision": {"suspects_count": "0"},
    "suspect": {"occupation": "moon"},
    "victim": {"recognised_date": "2026-10-21"},
    "criminal_verdict": {"fine_kzt": ""},
    "sentence_execution": {"served_days": "many"},
    "civil_case": {"category": "moon"},
    "administrative_court_case": {"accepted_date": "2026-10-19"},
    "enforcement_proceeding": {"recovered_kzt": "500000.01"},
    "administrative_offence": {"committed_at": "2026-10-20T10:00:01"},
    "administrative_decision": {"fine_kzt": "1e5"},
    "fine_payment": {"payment_channel": ""},
    "aggregate_report": {"territory": "moon"},
}
"""What every twentieth record of a form has wrong."""


def records(form: str, count: int, first: int, body: str, articles: tuple[str, ...]) -> list[Values]:
    """``count`` records numbered from ``first``; ``articles`` are articles for the cells of reports."""
    return [
        {"action": "I", **RECORDS[form], **OWN[form](n, body, articles), **(DEFECTS[form] if n % 20 == 7 else {})}
        for n in range(first, first + count)
    ]
