"""Sins against the rules of the civil forms."""

from tests.sins import Sin, persons

DECIDED = {"decision_date": "2026-10-14", "outcome": "satisfied", "award_kzt": "500000.00"}
DISPOSED = {"decision_date": "2026-10-14", "outcome": "satisfied", "claim_kzt": "500000.00", "award_kzt": "500000.00"}
APPEAL = {"instance": "appeal", "court": "7599", "case_no": "7599-26-00-4/8888", "parent_case_no": "7594-26-00-4/1"}
WRIT = {"enforcement_doc_kind": "writ", "source_case_no": "7511-26-00-2/1"}
FINE = {
    "enforcement_doc_kind": "admin_decision",
    "source_decision_no": "267500000000000001",
    "recovery_kind": "admin_fine",
    "creditor_kind": "state_body",
}
COMPANY = {"debtor_kind": "legal", "debtor_iin": "", "no_iin_reason": "not_natural"}
CLOSED = {"closed_date": "2026-10-14", "close_ground": "settled"}
WHOLE = {"due_kzt": "100.00", "recovered_kzt": "100.00"}
PART = {"due_kzt": "100.00", "recovered_kzt": "99.99"}

CIVIL_CASE: list[Sin] = [
    ("GEN-301", {"category": "moon"}, None),
    (
        "GEN-302",
        {"court": "1099", "received_date": "2022-06-07"},
        {"court": "1099", "received_date": "2022-06-08"},
    ),
    ("CIV-201", {"decision_date": "2026-10-14"}, DECIDED),
    ("CIV-202", {"claim_kzt": ""}, {"claim_kzt": "", "category": "divorce"}),
    ("CIV-203", {"instance": "appeal"}, {"instance": "appeal", "parent_case_no": "7513-26-00-2/5"}),
    ("CIV-204", {"defendant_kind": ""}, {"defendant_kind": "", "proceeding_kind": "special"}),
    ("CIV-205", DECIDED | {"award_kzt": ""}, DECIDED | {"award_kzt": "0.01"}),
    ("CIV-205", DECIDED | {"outcome": "refused"}, DECIDED | {"outcome": "refused", "award_kzt": "0"}),
    ("CIV-401", {"accepted_date": "2026-10-13"}, {"accepted_date": "2026-10-14"}),
    ("CIV-402", DECIDED | {"decision_date": "2026-10-13"}, DECIDED),
    ("CIV-403", DECIDED | {"in_force_date": "2026-10-13"}, DECIDED | {"in_force_date": "2026-11-14"}),
    ("CIV-404", DECIDED | {"award_kzt": "500000.01"}, DECIDED | {"award_kzt": "500000.00"}),
    (
        "CIV-404",
        DECIDED | {"outcome": "partly_satisfied"},
        DECIDED | {"outcome": "partly_satisfied", "award_kzt": "499999.99"},
    ),
    ("CIV-405", {"first_hearing_date": "2026-10-13"}, {"first_hearing_date": "2026-10-14"}),
    ("CIV-405", {"first_hearing_date": "2026-10-14", "proceeding_kind": "simplified"}, None),
    ("CIV-406", DECIDED | {"suspended_days": "1"}, DECIDED | {"suspended_days": "0"}),
    ("CIV-407", {"court": "7513"}, None),
    ("CIV-407", {"case_no": "7511-25-00-2/77"}, None),
    (
        "CIV-408",
        DECIDED | {"outcome": "upheld"},
        DECIDED | {"outcome": "left_unconsidered", "award_kzt": ""},
    ),
    (
        "CIV-408",
        DECIDED | {"outcome": "order_issued"},
        DECIDED | {"outcome": "order_issued", "proceeding_kind": "order"},
    ),
]

ADMINISTRATIVE_COURT_CASE: list[Sin] = [
    ("APC-201", {"decision_date": "2026-10-14"}, DISPOSED),
    ("APC-201", {"outcome": "satisfied"}, None),
    ("APC-202", APPEAL | {"parent_case_no": ""}, APPEAL),
    ("APC-202", {"parent_case_no": "7594-26-00-4/1"}, None),
    ("APC-401", {"accepted_date": "2026-10-13"}, {"accepted_date": "2026-10-14"}),
    ("APC-402", DISPOSED | {"decision_date": "2026-10-13"}, DISPOSED),
    ("APC-403", DISPOSED | {"in_force_date": "2026-10-13"}, DISPOSED | {"in_force_date": "2026-10-14"}),
    ("APC-404", DISPOSED | {"outcome": "refused"}, DISPOSED | {"outcome": "refused", "award_kzt": "0"}),
    ("APC-404", DISPOSED | {"award_kzt": "500000.01"}, DISPOSED),
    ("APC-404", DISPOSED | {"outcome": "withdrawn", "award_kzt": "0.01"}, DISPOSED | {"outcome": "modified"}),
    ("APC-405", {"court": "7599"}, None),
    ("APC-405", {"case_no": "7594-25-00-4/8888"}, {"case_no": "7594-26-00-4/8889"}),
    ("APC-407", {"court": "7511"}, None),
    ("APC-407", APPEAL | {"court": "7594"}, APPEAL),
    ("APC-407", APPEAL | {"court": "7511"}, APPEAL | {"court": "0001", "instance": "cassation"}),
]

ENFORCEMENT_PROCEEDING: list[Sin] = [
    ("ENF-201", WRIT | {"source_case_no": ""}, WRIT),
    ("ENF-201", WRIT | {"enforcement_doc_kind": "court_order", "source_case_no": ""}, None),
    ("ENF-202", FINE | {"source_decision_no": ""}, FINE),
    ("ENF-202", {"source_decision_no": "267500000000000001"}, None),
    ("ENF-203", {"due_kzt": ""}, None),
    ("ENF-203", {"recovered_kzt": ""}, None),
    ("ENF-203", {"recovery_kind": "eviction"}, {"recovery_kind": "eviction", "due_kzt": "", "recovered_kzt": ""}),
    ("ENF-204", {"no_iin_reason": "foreign"}, {"debtor_iin": "", "no_iin_reason": "foreign"}),
    ("ENF-204", {"debtor_iin": "", "no_iin_reason": "not_natural"}, {"debtor_kind": "entrepreneur"}),
    ("ENF-204", {"debtor_kind": "legal"}, COMPANY),
    ("ENF-205", {"closed_date": "2026-10-14"}, CLOSED),
    ("ENF-205", {"close_ground": "settled"}, None),
    ("ENF-401", {"doc_date": "2026-10-15"}, {"doc_date": "2026-10-14"}),
    ("ENF-402", CLOSED | {"closed_date": "2026-10-13"}, CLOSED),
    ("ENF-403", {"due_kzt": "100.00", "recovered_kzt": "100.01"}, WHOLE),
    ("ENF-404", CLOSED | PART | {"close_ground": "executed"}, CLOSED | WHOLE | {"close_ground": "executed"}),
    ("ENF-404", CLOSED | WHOLE | {"close_ground": "impossible"}, CLOSED | PART | {"close_ground": "impossible"}),
    ("ENF-405", {"recovery_kind": "alimony"}, {"recovery_kind": "alimony", "creditor_kind": "natural"}),
    ("ENF-405", FINE | {"recovery_kind": "loan"}, FINE),
    ("ENF-405", {"recovery_kind": "admin_fine"}, None),
    ("ENF-405", {"recovery_kind": "criminal_fine"}, WRIT | {"recovery_kind": "criminal_fine"}),
    ("ENF-406", {"proceeding_no": "25-7500-0008888"}, {"proceeding_no": "26-7500-0008888"}),
    *persons.of_iin("debtor_iin", "IDN-405"),
]
