"""Sins against the rules of the administrative forms."""

from tests.packages import Values
from tests.sins import Sin, persons

CAMERA = {
    "protocol_origin": "camera_fixed",
    "device_no": "DEMO-001",
    "device_certificate_until": "2027-01-01",
    "article": "592",
    "article_part": "1",
    "measured_speed": "75",
    "speed_limit": "60",
}
COMPANY = {
    "offender_kind": "small",
    "iin": "",
    "no_iin_reason": "not_natural",
    "birth_date": "",
    "sex": "",
    "article": "463",
    "bin": persons.COMPANY_BIN,
}
MOMENT = {"device_no": "DEMO-888", "committed_at": "2026-10-14T08:08:08"}
UNFINED = {"fine_kzt": "", "fine_mci": "", "pay_due_date": ""}
NOTHING = UNFINED | {"outcome": "discontinued", "penalty_type": ""}
WARNED = UNFINED | {"penalty_type": "warning"}
ONE_PAYMENT = {"decision_no": "267500000000008888"}


def penalty(kind: str, term: int | str, decided_by: str = "court_district") -> Values:
    return UNFINED | {"penalty_type": kind, "penalty_term": str(term), "decided_by": decided_by}


ADMINISTRATIVE_OFFENCE: list[Sin] = [
    ("GEN-202", {"iin": "0" * 12}, None),
    ("GEN-304", {"birth_date": "1899-12-31"}, None),
    ("ADO-201", CAMERA | {"device_certificate_until": ""}, CAMERA),
    ("ADO-201", {"device_no": "DEMO-001"}, None),
    ("ADO-202", CAMERA | {"latitude": "", "longitude": ""}, CAMERA),
    ("ADO-203", {"iin": "", "birth_date": ""}, {"iin": "", "birth_date": "", "no_iin_reason": "foreign"}),
    ("ADO-203", {"no_iin_reason": "foreign"}, COMPANY),
    ("ADO-204", COMPANY | {"bin": ""}, COMPANY),
    ("ADO-205", CAMERA | {"speed_limit": ""}, CAMERA),
    ("ADO-301", {"article": "73-2"}, {"article": "73-2", "committed_at": "2024-06-15T10:00:00"}),
    ("ADO-302", {"kato": "759999999"}, None),
    ("ADO-303", {"longitude": "46.399999"}, {"longitude": "77.5"}),
    ("ADO-303", CAMERA | {"longitude": "77.5"}, CAMERA | {"longitude": "77.2168"}),
    ("ADO-401", {"committed_at": "2026-10-14T10:00:01"}, {"committed_at": "2026-10-14T10:00:00"}),
    (
        "ADO-402",
        CAMERA | {"device_certificate_until": "2026-10-13"},
        CAMERA | {"device_certificate_until": "2026-10-14"},
    ),
    ("ADO-403", CAMERA | {"measured_speed": "70"}, CAMERA | {"measured_speed": "71"}),
    (
        "ADO-403",
        CAMERA | {"article_part": "4", "measured_speed": "120"},
        CAMERA | {"article_part": "4", "measured_speed": "121"},
    ),
    ("ADO-404", CAMERA | {"article": "440", "measured_speed": "", "speed_limit": ""}, CAMERA),
    ("ADO-405", {"article": "73", "offender_kind": "entrepreneur"}, {"article": "73"}),
    (
        "ADO-406",
        {"iin": "", "no_iin_reason": "no_documents", "birth_date": "2010-10-15"},
        {"iin": "", "no_iin_reason": "no_documents", "birth_date": "2010-10-14"},
    ),
    ("ADO-407", {"protocol_no": "25750000000009999"}, None),
    *persons.IIN,
    *persons.BORN,
    *persons.of_bin(COMPANY),
    (
        "ADO-501",
        [CAMERA | MOMENT, CAMERA | MOMENT],
        [CAMERA | MOMENT | {"article_part": "2"}, CAMERA | MOMENT | {"article_part": "3"}],
    ),
]

ADMINISTRATIVE_DECISION: list[Sin] = [
    ("ADD-201", {"penalty_type": ""}, NOTHING),
    ("ADD-201", {"outcome": "discontinued"}, None),
    ("ADD-202", {"fine_kzt": ""}, WARNED),
    ("ADD-202", {"fine_mci": ""}, None),
    ("ADD-202", {"pay_due_date": ""}, None),
    ("ADD-202", WARNED | {"fine_kzt": "43250.00"}, None),
    *(
        ("ADD-203", penalty(kind, ""), penalty(kind, 1))
        for kind in ("community_service", "right_deprivation", "permit_withdrawal", "suspension", "arrest")
    ),
    ("ADD-203", {"penalty_term": "5"}, None),
    ("ADD-204", NOTHING | {"outcome": "cancelled"}, NOTHING | {"outcome": "cancelled", "cancelled_date": "2026-10-14"}),
    ("ADD-204", {"cancelled_date": "2026-10-14"}, None),
    ("ADD-401", {"in_force_date": "2026-10-13"}, {"in_force_date": "2026-10-14"}),
    ("ADD-402", {"pay_due_date": "2026-10-13"}, {"pay_due_date": "2026-10-14"}),
    ("ADD-403", {"cancelled_date": "2026-10-13"}, {"cancelled_date": "2026-10-14"}),
    *(
        ("ADD-404", penalty(kind, 1, "police_department"), penalty(kind, 1))
        for kind in ("arrest", "right_deprivation", "expulsion", "community_service")
    ),
    ("ADD-405", penalty("arrest", 46), penalty("arrest", 45)),
    ("ADD-405", penalty("community_service", 201), penalty("community_service", 200)),
    ("ADD-405", penalty("right_deprivation", 121), penalty("right_deprivation", 120)),
    ("ADD-406", {"fine_kzt": "43251.01"}, {"fine_kzt": "43251.00"}),
    ("ADD-406", {"fine_kzt": "36920.00"}, {"fine_kzt": "39320.00"}),
    ("ADD-408", WARNED | {"is_reduced": "true"}, {"is_reduced": "true"}),
]

FINE_PAYMENT: list[Sin] = [
    ("FPY-201", {"is_refund": "true"}, {"is_refund": "true", "refunded_payment_no": "2026000000000001"}),
    ("FPY-201", {"refunded_payment_no": "2026000000000001"}, None),
    ("FPY-202", {"payer_kind": "bailiff"}, {"payer_kind": "bailiff", "proceeding_no": "26-7500-0000001"}),
    (
        "FPY-501",
        [ONE_PAYMENT, ONE_PAYMENT],
        [ONE_PAYMENT | {"payment_channel": "terminal"}, ONE_PAYMENT | {"payment_channel": "egov"}],
    ),
]
