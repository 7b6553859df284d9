"""Sins against the rules on identifiers (IDN), the same in every form that has them."""

from tests.packages import Values, numbered
from tests.sins import Sin

COMPANY_BIN = numbered("60014900001")
WITHOUT_IIN: Values = {"iin": "", "no_iin_reason": "no_documents"}


def of_iin(name: str, rule: str | None = None) -> list[Sin]:
    """IDN-301 to 303; ``rule`` where a form has one number for all three."""
    valid = numbered("90051439901")
    return [
        (rule or "IDN-301", {name: valid[:11] + str((int(valid[11]) + 1) % 10)}, {name: valid}),
        (rule or "IDN-302", {name: numbered("90051479901")}, {name: numbered("90051409901")}),
        (rule or "IDN-303", {name: numbered("90023039901")}, {name: numbered("92022939901")}),
        (rule or "IDN-303", {name: numbered("26101550001")}, {name: numbered("26101450001")}),
    ]


IIN: list[Sin] = [*of_iin("iin"), ("IDN-304", {"iin": numbered("90054439901")}, None)]
BORN: list[Sin] = [
    ("IDN-401", {"birth_date": "1990-05-15"}, {"birth_date": ""}),
    ("IDN-402", {"sex": "2"}, {"sex": ""}),
]
CITIZEN: list[Sin] = [
    (
        "IDN-403",
        WITHOUT_IIN | {"no_iin_reason": "foreign", "citizenship": "KZ"},
        WITHOUT_IIN | {"no_iin_reason": "foreign", "citizenship": "RU"},
    ),
    (
        "IDN-403",
        WITHOUT_IIN | {"no_iin_reason": "stateless", "citizenship": "RU"},
        WITHOUT_IIN | {"no_iin_reason": "stateless", "citizenship": "XX"},
    ),
]
ONE_OF_IIN_AND_REASON: list[Sin] = [
    ("IDN-201", {"no_iin_reason": "foreign"}, WITHOUT_IIN),
    ("IDN-201", {"iin": ""}, None),
]


def of_bin(company: Values) -> list[Sin]:
    return [
        ("IDN-404", company | {"bin": COMPANY_BIN[:11] + str((int(COMPANY_BIN[11]) + 1) % 10)}, company),
        ("IDN-404", company | {"bin": numbered("60011900002")}, None),
        ("IDN-404", company | {"bin": numbered("60134900001")}, None),
    ]
