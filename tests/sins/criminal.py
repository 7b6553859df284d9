"""Sins against the rules of the criminal forms."""

from tests.packages import Values, iin
from tests.sins import Sin, persons

TRANSFERRED = {"decision_type": "transferred", "transfer_body": "MVD-71", "court": ""}
UNKNOWN = persons.WITHOUT_IIN | {"no_iin_reason": "unidentified"}
LEGAL: Values = {
    "victim_kind": "legal",
    "iin": "",
    "no_iin_reason": "not_natural",
    "bin": persons.COMPANY_BIN,
    "birth_date": "",
    "sex": "",
    "citizenship": "",
    "occupation": "",
    "is_minor": "",
    "relation_to_suspect": "not_applicable",
}
UNPUNISHED = {
    "outcome": "acquitted",
    "punishment_type": "",
    "is_conditional": "",
    "fine_kzt": "",
    "additional_punishment": "",
}
ACT = {"ground_act": "ACT-1/26"}
ONE_CASE = {"erdr_number": "267511018880001"}
OTHER_CASE = {"erdr_number": "267511018880002"}


def punished(kind: str, term: int | str, **more: str) -> Values:
    return {"punishment_type": kind, "punishment_term": str(term), "fine_kzt": "", **more}


PRISON, LIFE = punished("imprisonment", 36), punished("life_imprisonment", "")

CRIMINAL_OFFENCE: list[Sin] = [
    ("GEN-102", {"committed_date": "13.10.2026"}, {}),
    ("GEN-103", {"place_type": "str\u200beet"}, None),
    ("GEN-104", {"place_type": "street "}, None),
    ("GEN-105", {"registering_body": "МVD-75"}, None),
    ("GEN-201", {"kato": ""}, {"committed_time": ""}),
    ("GEN-202", {"kui_number": "0" * 15}, None),
    ("GEN-203", {"correction_reason": "error_fixed"}, None),
    ("GEN-301", {"place_type": "moon"}, {"place_type": "unknown"}),
    ("GEN-303", {"kui_number": "26751180"}, None),
    ("GEN-304", {"damage_kzt": "-0.01"}, {"damage_kzt": "0"}),
    ("GEN-401", {"registered_at": "2026-10-14T18:00:01"}, {"registered_at": "2026-10-14T18:00:00"}),
    ("GEN-402", {"registered_at": "2026-10-15T00:00:00"}, {"registered_at": "2026-10-14T17:59:59"}),
    (
        "GEN-403",
        {"registered_at": "2026-10-13T23:59:59", "kui_registered_at": "2026-10-13T23:00:00"},
        {"registered_at": "2026-10-14T00:00:00", "kui_registered_at": "2026-10-14T00:00:00"},
    ),
    ("CRO-101", {"erdr_number": "257511010009999"}, None),
    ("CRO-102", {"erdr_number": "269911010009998"}, {"erdr_number": "267599010009998"}),
    ("CRO-201", {"article_part": ""}, {"article": "389", "article_part": ""}),
    ("CRO-202", {"longitude": ""}, {"latitude": "", "longitude": ""}),
    ("CRO-203", {"damage_kzt": ""}, {"damage_kzt": "", "offence_stage": "attempt"}),
    (
        "CRO-301",
        {"article": "240", "article_part": ""},
        {"article": "240", "article_part": "", "committed_date": "2020-02-25"},
    ),
    ("CRO-302", {"article_part": "9"}, {"article": "389", "article_part": "9"}),
    ("CRO-303", {"kato": "759999999"}, None),
    ("CRO-304", {"latitude": "40.499999"}, {"latitude": "40.500000"}),
    ("CRO-305", {"longitude": "77.216801"}, {"longitude": "77.216800"}),
    ("CRO-401", {"committed_date": "2026-10-15"}, {"committed_date": "2026-10-14"}),
    (
        "CRO-402",
        {"kui_registered_at": "2026-10-14T10:00:01"},
        {"kui_registered_at": "2026-10-14T10:00:00"},
    ),
    (
        "CRO-403",
        {"committed_date": "2026-10-14", "kui_registered_at": "2026-10-13T10:00:00"},
        {"committed_date": "2026-10-13", "kui_registered_at": "2026-10-13T10:00:00"},
    ),
    (
        "CRO-404",
        {"kui_registered_at": "2026-10-13T09:59:59"},
        {"kui_registered_at": "2026-10-13T10:00:00"},
    ),
    ("CRO-405", {"severity": "3"}, {"article": "389", "article_part": "", "severity": "3"}),
    ("CRO-406", {"transgression": "6"}, {"severity": "0", "transgression": "6"}),
    ("CRO-407", {"offence_stage": "preparation"}, {"offence_stage": "attempt"}),
    ("CRO-408", {"time_of_day": "night"}, {"committed_time": "05:59", "time_of_day": "night"}),
    ("CRO-409", {"is_public_place": "false"}, {"place_type": "apartment", "is_public_place": "false"}),
    ("CRO-411", {"damage_kzt": "1000000000.01"}, {"damage_kzt": "1000000000.00"}),
    (
        "CRO-501",
        [{"kui_number": "267511800888001"}, {"kui_number": "267511800888001"}],
        [{"kui_number": "267511800888002"}, {"kui_number": "267511800888002", "kato": "751310000"}],
    ),
]

PRETRIAL_DECISION: list[Sin] = [
    ("GEN-304", {"decision_no": "1000"}, {"decision_no": "999"}),
    ("GEN-401", {"decision_date": "2026-10-15"}, {}),
    ("PTD-201", {"court": ""}, {}),
    ("PTD-201", {"decision_type": "discontinued_rehabilitating"}, None),
    ("PTD-202", {"decision_type": "transferred", "court": ""}, TRANSFERRED),
    (
        "PTD-203",
        {"decision_type": "interrupted_unknown", "court": "", "suspects_count": "0"},
        {
            "decision_type": "interrupted_unknown",
            "court": "",
            "suspects_count": "0",
            "legal_ground": "45(1)",
        },
    ),
    (
        "PTD-204",
        {"decision_type": "joined", "court": ""},
        {"decision_type": "joined", "court": "", "linked_erdr_number": "267511010000777"},
    ),
    ("PTD-401", {"suspects_count": "0"}, {"suspects_count": "1"}),
    ("PTD-402", {"damage_recovered_kzt": "120000.01"}, {"damage_recovered_kzt": "120000.00"}),
    ("PTD-403", {"severity": "3"}, {"article": "389", "article_part": "", "severity": "3"}),
]

SUSPECT: list[Sin] = [
    ("SUS-201", {"sex": ""}, UNKNOWN | {"sex": "", "birth_date": ""}),
    ("SUS-201", {"birth_date": ""}, None),
    ("SUS-202", {"preventive_measure": "custody"}, {"preventive_measure": "custody", "detained_date": "2026-10-14"}),
    ("SUS-401", UNKNOWN | {"birth_date": "2012-10-15"}, UNKNOWN | {"birth_date": "2012-10-14"}),
    ("SUS-404", UNKNOWN | {"birth_date": "1935-10-14"}, UNKNOWN | {"birth_date": "1935-10-15"}),
    (
        "SUS-501",
        [ONE_CASE | {"iin": iin(1)}, ONE_CASE | {"iin": iin(1), "person_no": "2"}],
        [OTHER_CASE | {"iin": iin(1)}, OTHER_CASE | {"iin": iin(2), "person_no": "2"}],
    ),
    ("SUS-501", [{**ONE_CASE, "iin": iin(1), "person_no": "3"}], [OTHER_CASE | UNKNOWN, OTHER_CASE | UNKNOWN]),
    *persons.ONE_OF_IIN_AND_REASON,
    *persons.IIN,
    *persons.BORN,
    *persons.CITIZEN,
]

VICTIM: list[Sin] = [
    ("VIC-201", {"no_iin_reason": "foreign"}, persons.WITHOUT_IIN),
    ("VIC-201", {"iin": ""}, None),
    ("VIC-201", {"iin": "", "no_iin_reason": "not_natural"}, None),
    ("VIC-201", LEGAL | {"no_iin_reason": ""}, LEGAL),
    ("VIC-201", LEGAL | {"iin": iin(1)}, None),
    ("VIC-202", LEGAL | {"bin": ""}, LEGAL),
    ("VIC-202", {"bin": persons.COMPANY_BIN}, LEGAL | {"victim_kind": "state", "bin": ""}),
    ("VIC-203", {"occupation": ""}, persons.WITHOUT_IIN | {"birth_date": ""}),
    ("VIC-203", {"birth_date": ""}, UNKNOWN | {"birth_date": ""}),
    ("VIC-203", LEGAL | {"sex": "1"}, LEGAL),
    (
        "VIC-401",
        {"damage_kzt": "100.00", "damage_recovered_kzt": "100.01"},
        {"damage_kzt": "100.00", "damage_recovered_kzt": "100.00"},
    ),
    (
        "VIC-402",
        {"is_domestic_violence": "true"},
        {"is_domestic_violence": "true", "relation_to_suspect": "spouse"},
    ),
    (
        "VIC-403",
        {"relation_to_suspect": "spouse", "harm_kind": "pain"},
        {"relation_to_suspect": "spouse", "harm_kind": "moral"},
    ),
    ("VIC-405", {"relation_to_suspect": "not_applicable"}, None),
    ("VIC-405", LEGAL | {"harm_kind": "pain"}, LEGAL | {"harm_kind": "moral"}),
    ("VIC-405", LEGAL | {"relation_to_suspect": "stranger"}, LEGAL),
    (
        "VIC-406",
        {"birth_date": "2026-10-14", "recognised_date": "2026-10-13"},
        {"birth_date": "2026-10-14", "recognised_date": "2026-10-14"},
    ),
    (
        "VIC-501",
        [ONE_CASE | {"iin": iin(1)}, ONE_CASE | {"iin": iin(1), "victim_no": "2"}],
        [OTHER_CASE | {"iin": iin(1)}, OTHER_CASE | {"iin": iin(2), "victim_no": "2"}],
    ),
    *persons.IIN,
    *persons.BORN,
    *persons.CITIZEN,
    *persons.of_bin(LEGAL),
]

CRIMINAL_VERDICT: list[Sin] = [
    ("CRV-201", {"is_conditional": ""}, UNPUNISHED),
    ("CRV-201", {"additional_punishment": ""}, None),
    ("CRV-201", {"outcome": "acquitted"}, {"outcome": "modified", "instance": "appeal"}),
    ("CRV-202", PRISON | {"punishment_term": ""}, PRISON),
    ("CRV-202", {"punishment_term": "5"}, None),
    ("CRV-203", {"fine_kzt": ""}, PRISON),
    ("CRV-203", PRISON | {"fine_kzt": "5.00"}, {"punishment_type": "corrective_labour"}),
    ("CRV-401", {"received_date": "2026-10-14", "decision_date": "2026-10-13"}, {"received_date": "2026-10-14"}),
    ("CRV-402", {"in_force_date": "2026-10-13"}, {"in_force_date": "2026-10-14"}),
    ("CRV-403", punished("arrest", 50), punished("arrest", 50, severity="0")),
    ("CRV-403", PRISON | {"severity": "0"}, PRISON | {"severity": "1"}),
    ("CRV-404", punished("imprisonment", 61), punished("imprisonment", 60)),
    ("CRV-405", punished("imprisonment", 361), punished("imprisonment", 360)),
    ("CRV-405", punished("restriction", 85), punished("restriction", 84)),
    ("CRV-405", punished("arrest", 51), punished("arrest", 50)),
    ("CRV-405", punished("community_service", 1201), punished("community_service", 1200)),
    ("CRV-406", LIFE, LIFE | {"article": "99", "article_part": "2"}),
    ("CRV-406", LIFE | {"article": "99", "article_part": "1"}, LIFE | {"article": "389", "article_part": ""}),
    ("CRV-408", UNPUNISHED | {"outcome": "upheld"}, UNPUNISHED | {"outcome": "upheld", "instance": "cassation"}),
    ("CRV-408", {"instance": "appeal"}, UNPUNISHED | {"outcome": "discontinued", "instance": "appeal"}),
    ("CRV-409", {"court": "7513"}, None),
    ("CRV-409", {"case_no": "7511-25-00-1/8888"}, {"case_no": "7511-26-00-1/8888"}),
    *persons.ONE_OF_IIN_AND_REASON,
    *persons.IIN,
]

SENTENCE_EXECUTION: list[Sin] = [
    *(
        ("SEN-201", {"execution_event": event}, {"execution_event": event} | ACT)
        for event in ("parole", "illness", "amnesty", "pardon", "replaced_stricter", "replaced_milder", "deferred")
    ),
    ("SEN-201", {"execution_event": "quashed"}, {"execution_event": "evaded"}),
    ("SEN-202", {"execution_event": "fine_paid"}, {"execution_event": "fine_paid", "fine_paid_kzt": "0.01"}),
    ("SEN-202", {"fine_paid_kzt": "0.01"}, None),
    (
        "SEN-401",
        {"execution_event": "completed", "remaining_days": "1"},
        {"execution_event": "completed", "remaining_days": "0"},
    ),
    (
        "SEN-402",
        {"execution_event": "parole"} | ACT,
        {"execution_event": "parole", "punishment_type": "restriction"} | ACT,
    ),
]
