"""What breaks each rule between forms of the civil and administrative spheres, and what just passes it.

Here belong changes of the life course; ``test_links`` judges them all in one night. Where two changed records of one
course name each other, they have a number of their own, shared with no other entry. Keep out what is asserted.
"""

from tests.life_course import Changes, iin
from tests.packages import Values

Break = tuple[str, str, Changes, Changes | None]

ANOTHER = iin("1988-11-30", "1", 77)
PENDING = {"decision_date": "", "outcome": "", "award_kzt": "", "in_force_date": ""}
REPLACED = {"action": "M", "correction_reason": "error_fixed", "day": "2026-09-15"}
THIRD = {
    "received_date": "2026-08-20", "accepted_date": "2026-08-21", "decision_date": "2026-09-15",
    "in_force_date": "2026-09-15",
}  # fmt: skip
CASSATION = THIRD | {"instance": "cassation", "court": "0001"}
DECIDED = "2026-09-10"
NO_FINE = {"fine_kzt": "", "fine_mci": "", "pay_due_date": "", "is_reduced": "false"}
WARNED = NO_FINE | {"penalty_type": "warning"}
CANCELLED = NO_FINE | {"penalty_type": "", "outcome": "cancelled", "cancelled_date": DECIDED, "in_force_date": ""}
FORWARDED = NO_FINE | {"penalty_type": "", "outcome": "forwarded"}
ARREST = NO_FINE | {
    "penalty_type": "arrest", "penalty_term": "10", "body": "SUD-7511", "sender": "SUD-7511",
    "decided_by": "court_district",
}  # fmt: skip
MINOR = {"iin": "", "no_iin_reason": "no_documents", "birth_date": "2008-07-17"}
FULL = {"is_reduced": "false", "amount_kzt": "21625.00"}


def appealed(n: int) -> Values:
    return {"case_no": f"7599-26-00-2a/9{n:05d}"}


def appealed_again(n: int) -> Values:
    return THIRD | {"case_no": f"7599-26-00-2a/8{n:05d}", "parent_case_no": appealed(n)["case_no"]}


def cassation(n: int) -> Values:
    return CASSATION | {"case_no": f"0001-26-00-2b/9{n:05d}", "parent_case_no": appealed(n)["case_no"]}


def decided(n: int) -> Values:
    return {"decision_no": f"269{n:015d}"}


def enforcing(n: int) -> Values:
    return {"source_decision_no": decided(n)["decision_no"]}


def paid(n: int) -> Values:
    return {"payment_no": f"9{n:015d}", "paid_date": "2026-07-21"}


def refunded(n: int) -> Values:
    return paid(n) | {"is_refund": "true", "refunded_payment_no": f"8{n:015d}", "is_reduced": "false"}


def opened(n: int) -> Values:
    return {"proceeding_no": f"26-7509-{n:07d}", "opened_date": "2026-08-26"}


def unpaid(n: int, payment: Values, enforced: Values | None) -> Changes:
    """A payment of the fine that the life course leaves unpaid."""
    return {
        "unpaid_penalty": decided(n),
        "penalty_enforced": None if enforced is None else enforcing(n) | enforced,
        "payment": decided(n) | {"is_reduced": "false", "paid_date": "2026-08-20"} | payment,
    }


def two_tried(n: int) -> Changes:
    """Another person fined more in the same case."""
    return {"verdict_2": {"person_no": "2", "iin": ANOTHER, "fine_kzt": "900000.00"}}


BREAKS: dict[str, list[Break]] = {
    "civil_case": [
        ("CIV-601", "case_appeal", {"case": None}, None),
        ("CIV-601", "case_appeal", {"case": PENDING}, None),
        ("CIV-601", "case_appeal", {"case_appeal": {"received_date": "2026-06-30"}}, {
            "case_appeal": {"received_date": "2026-07-01"},
        }),
        ("CIV-601", "case_appeal_3", {"case_appeal_2": appealed(1), "case_appeal_3": appealed_again(1)}, {
            "case_appeal_2": appealed(2), "case_appeal_3": cassation(2),
        }),
    ],
    "administrative_court_case": [
        ("APC-601", "dispute_appeal", {"dispute": None}, None),
        ("APC-601", "dispute_appeal", {"dispute": PENDING}, None),
        ("APC-601", "dispute_appeal", {"dispute_appeal": {"received_date": "2026-07-02"}}, {
            "dispute_appeal": {"received_date": "2026-07-03"},
        }),
        ("APC-601", "dispute_appeal_3", {"dispute_appeal_2": appealed(3), "dispute_appeal_3": appealed_again(3)}, {
            "dispute_appeal_2": appealed(4), "dispute_appeal_3": cassation(4),
        }),
    ],
    "enforcement_proceeding": [
        ("ENF-601", "case_enforced", {"case": None}, None),
        ("ENF-601", "case_enforced", {"case": PENDING}, None),
        ("ENF-601", "case_enforced", {"case_enforced": {"doc_date": "2026-06-30"}}, {
            "case_enforced": {"doc_date": "2026-07-01"},
        }),
        ("ENF-601", "fine_enforced", {"verdict": None}, None),
        ("ENF-601", "fine_enforced", {"fine_enforced": {"doc_date": "2026-08-09"}}, {
            "fine_enforced": {"doc_date": "2026-08-10"},
        }),
        ("ENF-601", "case_enforced", {"case_enforced": {"source_case_no": "7594-26-00-4/900001"}}, {
            "case_enforced": {"source_case_no": "7594-26-00-4/900002"}, "dispute_2": {"case_no": "7594-26-00-4/900002"},
        }),
        ("ENF-602", "penalty_enforced", {"unpaid_penalty": None}, None),
        ("ENF-602", "penalty_enforced", {"penalty_enforced": {"doc_date": "2026-07-17"}}, {
            "penalty_enforced": {"doc_date": "2026-07-18"},
        }),
        ("ENF-602", "penalty_enforced", {"unpaid_penalty": WARNED}, None),
        ("ENF-602", "penalty_enforced", {"unpaid_penalty_2": REPLACED | CANCELLED}, {
            "unpaid_penalty_2": REPLACED | CANCELLED,
            "penalty_enforced_2": REPLACED | {"closed_date": DECIDED, "close_ground": "document_cancelled"},
        }),
        ("ENF-603", "case_enforced", {"case_enforced": {"due_kzt": "515000.02"}}, {
            "case_enforced": {"due_kzt": "515000.01"},
        }),
        ("ENF-603", "case_enforced", {
            "case": {"outcome": "refused", "award_kzt": ""}, "case_enforced": {"due_kzt": "15000.02"},
        }, {
            "case": {"outcome": "refused", "award_kzt": ""}, "case_enforced": {"due_kzt": "15000.01"},
        }),
        ("ENF-603", "fine_enforced", {"fine_enforced": {"due_kzt": "600000.02"}}, {
            "fine_enforced": {"due_kzt": "600000.01"},
        }),
        ("ENF-603", "fine_enforced", two_tried(1) | {"fine_enforced": {"due_kzt": "600000.02"}}, two_tried(2) | {
            "fine_enforced": {"due_kzt": "1000000.00", "debtor_iin": ANOTHER},
        }),
        ("ENF-603", "fine_enforced", {"fine_enforced": {"due_kzt": "700000.00"}}, {
            "appeal": {"case_no": "7599-26-00-1a/900001"},
            "fine_enforced": {"due_kzt": "700000.00", "source_case_no": "7599-26-00-1a/900001"},
        }),
        ("ENF-603", "penalty_enforced", unpaid(1, {"amount_kzt": "1625.00"}, {"due_kzt": "20000.02"}), unpaid(
            2, {"amount_kzt": "1625.00"}, {"due_kzt": "20000.01"},
        )),
        ("ENF-603", "penalty_enforced", unpaid(3, {"paid_date": "2026-09-02"}, {}), unpaid(
            4, {"paid_date": "2026-09-03"}, {},
        )),
        ("ENF-603", "penalty_enforced", unpaid(5, {}, {}), unpaid(6, {}, {}) | {
            "payment_2": refunded(6) | decided(6) | {"paid_date": "2026-08-21"},
        }),
        ("ENF-604", "case_enforced_2", {"case_enforced_2": opened(1)}, {
            "case_enforced": {"closed_date": "2026-08-26", "close_ground": "transferred"}, "case_enforced_2": opened(2),
        }),
        ("ENF-604", "case_enforced_2", {"case_enforced_2": opened(3)}, {
            "case_enforced_2": opened(4) | {"closed_date": "2026-08-26", "close_ground": "transferred"},
        }),
        ("ENF-604", "case_enforced_2", {"case_enforced_2": opened(5)}, {
            "case_enforced_2": opened(6) | {"doc_date": "2026-08-22"},
        }),
        ("ENF-604", "case_enforced_2", {"case_enforced_2": opened(7) | {"opened_date": "2026-08-25"}}, {
            "case_enforced_2": opened(8) | {"enforcement_doc_kind": "court_order"},
        }),
    ],
    "administrative_offence": [
        ("ADO-601", "unpaid_protocol", {"unpaid_penalty": None}, {"unpaid_penalty": FORWARDED}),
        ("ADO-601", "unpaid_protocol", {
            "unpaid_penalty": None, "unpaid_protocol": {"registered_at": "2026-08-14T23:59:00"},
        }, {
            "unpaid_penalty": None, "unpaid_protocol": {"registered_at": "2026-08-15T00:00:00"},
        }),
    ],
    "administrative_decision": [
        ("ADD-601", "penalty", {"protocol": None}, None),
        ("ADD-602", "penalty", {"penalty": {"decision_date": "2026-07-14"}}, {
            "penalty": {"decision_date": "2026-07-15"},
        }),
        ("ADD-603", "penalty_2", {"penalty_2": decided(11) | {"decision_date": "2026-07-18"}}, {
            "penalty_2": decided(12) | {"decision_date": "2026-07-18"} | FORWARDED,
        }),
        ("ADD-603", "penalty_2", {"penalty_2": decided(13)}, {
            "penalty_2": decided(14), "penalty": CANCELLED | {"cancelled_date": "2026-07-17"},
        }),
        ("ADD-604", "unpaid_penalty", {"unpaid_penalty": ARREST, "unpaid_protocol": MINOR}, {
            "unpaid_penalty": ARREST, "unpaid_protocol": MINOR | {"birth_date": "2008-07-16"},
        }),
        ("ADD-605", "unpaid_penalty", {"penalty_enforced": None}, None),
        ("ADD-605", "unpaid_penalty", {"penalty_enforced": None, "unpaid_penalty": {"pay_due_date": "2026-09-13"}}, {
            "penalty_enforced": None, "unpaid_penalty": {"pay_due_date": "2026-09-14"},
        }),
        ("ADD-605", "unpaid_penalty", {"penalty_enforced": None}, {
            "penalty_enforced": None, "unpaid_penalty_2": decided(15) | CANCELLED | {"decision_date": DECIDED},
        }),
        ("ADD-605", "unpaid_penalty", {
            "penalty_enforced": None,
            "unpaid_penalty_2": decided(16) | CANCELLED | {"decision_date": "2026-07-17"},
        }, None),
        ("ADD-605", "unpaid_penalty", unpaid(17, {"amount_kzt": "21624.99"}, None), unpaid(18, FULL, None)),
        ("ADD-605", "unpaid_penalty", unpaid(19, FULL, None) | {
            "payment_2": refunded(19) | decided(19) | {"amount_kzt": "0.01", "paid_date": "2026-08-21"},
        }, None),
        ("ADD-605", "penalty", {"payment": {"paid_date": "2026-08-02"}}, {"payment": {"paid_date": "2026-08-01"}}),
        ("ADD-605", "penalty", {"payment": {"amount_kzt": "10811.49"}}, {"payment": {"amount_kzt": "10811.50"}}),
        ("ADD-605", "penalty", {"payment": {"is_reduced": "false"}}, None),
        ("ADD-605", "penalty", {"penalty": {"is_reduced": "false"}}, None),
    ],
    "fine_payment": [
        ("FPY-601", "payment", {"penalty": None}, None),
        ("FPY-601", "payment", {"penalty": WARNED}, {"penalty_2": REPLACED | CANCELLED}),
        ("FPY-602", "payment", {"payment": {"is_reduced": "false", "paid_date": "2026-07-16"}}, {
            "payment": {"is_reduced": "false", "paid_date": "2026-07-17"},
        }),
        ("FPY-602", "payment", {"payment": {"paid_date": "2026-07-14"}}, {"payment": {"paid_date": "2026-07-15"}}),
        ("FPY-602", "payment", {"payment": {"paid_date": "2026-07-13"}}, {
            "payment": {"paid_date": "2026-07-13"}, "protocol": None,
        }),
        ("FPY-603", "payment", {"payment": FULL | {"amount_kzt": "21625.01"}}, {"payment": FULL}),
        ("FPY-603", "payment_2", {"payment_2": paid(21) | {"amount_kzt": "10812.51"}}, {"payment_2": paid(22)}),
        ("FPY-603", "payment_2", {"payment_2": paid(23) | {"amount_kzt": "10812.51"}}, {
            "payment_2": paid(24) | {"amount_kzt": "10812.51"},
            "payment_3": refunded(25) | {"amount_kzt": "0.01", "paid_date": "2026-07-30"},
        }),
        ("FPY-603", "payment_2", {"payment_2": refunded(26) | {"amount_kzt": "10812.51"}}, {
            "payment_2": refunded(27),
        }),
        ("FPY-603", "payment_3", {"payment_2": refunded(28), "payment_3": refunded(29) | {"amount_kzt": "0.01"}}, {
            "payment_2": refunded(30) | {"amount_kzt": "10812.49"},
            "payment_3": refunded(31) | {"amount_kzt": "0.01"},
        }),
        ("FPY-604", "payment", {"payment": {"amount_kzt": "10811.49"}}, {"payment": {"amount_kzt": "10811.50"}}),
        ("FPY-604", "payment", {"payment": {"amount_kzt": "10813.51"}}, {"payment": {"amount_kzt": "10813.50"}}),
        ("FPY-604", "payment", {"payment": {"paid_date": "2026-08-02"}}, {"payment": {"paid_date": "2026-08-01"}}),
        ("FPY-604", "payment", {"penalty": {"is_reduced": "false"}}, {"penalty_2": REPLACED | CANCELLED}),
    ],
}  # fmt: skip
