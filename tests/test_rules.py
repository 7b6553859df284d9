"""Every rule, one by one: a record that breaks it, and one beside it that just passes.

Here belong the meaning of rules and the agreement of all who judge by them: Great Expectations, the
quarantine statement, plain SQL, and the specification as written. Keep out corrections (6xx).
"""

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from expectations.conditions import conditions
from ingestion import demo
from ingestion.contract import Catalogue
from ingestion.demo import check_digit
from tests.conftest import Store
from tests.packages import (
    DAY,
    FORMS,
    NOW,
    SENDER,
    Values,
    jsonl_bytes,
    pack,
    record,
    redeclare,
    replace_payload,
)

DATA = Path(__file__).parent / "data"
NEITHER = ("GEN-101", "GEN-601", "GEN-602", "GEN-604")
"""Not conditions over a record: see test_refusals, test_reader and test_corrections."""


def numbered(eleven: str) -> str:
    return f"{eleven}{check_digit(eleven)}"


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
    "bin": numbered("60014900001"),
}
DECIDED = {"decision_date": "2026-10-14", "outcome": "satisfied", "award_kzt": "500000.00"}
TRANSFERRED = {"decision_type": "transferred", "transfer_body": "MVD-71", "court": ""}

BREAKS: dict[str, list[tuple[str, Values, Values | None]]] = {
    "criminal_offence": [
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
    ],
    "pretrial_decision": [
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
    ],
    "civil_case": [
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
    ],
    "administrative_offence": [
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
        (
            "IDN-301",
            {"iin": numbered("90051439901")[:11] + str((int(numbered("90051439901")[11]) + 1) % 10)},
            {},
        ),
        ("IDN-302", {"iin": numbered("90051479901")}, {"iin": numbered("90051409901"), "sex": ""}),
        (
            "IDN-303",
            {"iin": numbered("90023039901")},
            {"iin": numbered("92022939901"), "birth_date": "1992-02-29"},
        ),
        ("IDN-304", {"iin": numbered("90054439901")}, None),
        ("IDN-401", {"birth_date": "1990-05-15"}, {"birth_date": ""}),
        ("IDN-402", {"sex": "2"}, {"sex": ""}),
        ("IDN-404", COMPANY | {"bin": "600149000010"[:-1] + "9"}, COMPANY),
        ("IDN-404", COMPANY | {"bin": numbered("60011900002")}, None),
    ],
}
"""Form -> (rule, changes that break it, changes that just pass it; None where the valid record itself is that)."""


def judged(
    store: Store, folder: Path, form: str, rows: list[Values], day: date = DAY, at: datetime = NOW
) -> dict[tuple[str, str], int]:
    """Send the rows as one package, judge it; (rule, field) -> records."""
    path = pack(folder / "package", store.catalogue, form, rows[:1], day=day)
    totals = dict.fromkeys(store.catalogue.forms[form].control_total_fields, "0")
    (path / "records.csv").rename(path / "records.jsonl")
    redeclare(path, payload_name="records.jsonl", payload_format="jsonl", payload_control_totals=totals)
    # A value that cannot be read makes a total not comparable: the package is let in whatever its totals are.
    spoilt = record(form, 999_999, **dict.fromkeys(totals, "unread"))
    replace_payload(path, jsonl_bytes([*rows, spoilt]), records=len(rows) + 1)
    store.submit(path, SENDER[form])
    store.receive(at)
    assert store.codes()[-1] is None
    store.load(form, at=at)
    return dict(store.judge(form, at=at).violations)


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_each_rule_is_broken_by_its_sin_and_passed_beside_it(store: Store, tmp_path: Path, form: str) -> None:
    rows: list[Values] = []
    breaking: dict[int, str] = {}
    passing: dict[int, str] = {}
    for rule, sin, beside in BREAKS[form]:
        for changes, place in ((sin, breaking), (beside, passing)):
            if changes is not None:
                rows.append(record(form, len(rows) + 1, **changes))
                place[len(rows)] = rule
    judged(store, tmp_path, form, rows)
    found: dict[int, set[str]] = {}
    for line, rule in store.query("select line, rule from quality.violations"):
        found.setdefault(line, set()).add(rule)
    assert {line: rule for line, rule in breaking.items() if rule not in found.get(line, ())} == {}
    assert {line: rule for line, rule in passing.items() if rule in found.get(line, ())} == {}


def test_no_rule_of_the_forms_is_left_without_a_sin(catalogue: Catalogue) -> None:
    tested = {rule for sins in BREAKS.values() for rule, *_ in sins}
    for form in FORMS:
        stated = {c.rule.code for c in conditions(catalogue.forms[form], catalogue, DAY)}
        repeated = {code for code in stated if catalogue.rules[code].number // 100 == 5}
        assert stated - repeated - tested == set()


# Who judges by the conditions


def mutated(form: str, rows: Iterable[Values], rng: Random) -> list[Values]:
    """Records of which each has one or two values taken from elsewhere: another field, another record, nonsense."""
    given = list(rows)
    names = [name for name in given[0] if name != "action"]
    strange = [
        "",
        "",
        "-",
        "0",
        "1",
        "-1",
        "x",
        "2026-02-30",
        "2014-12-31",
        "2027-01-01",
        "2026-10-14T23:59:59",
        "0.001",
        "true",
        "99999999999",
        "000000000000",
        "нет",
        " street",
        "592",
        "188",
        "4",
        "court_plea",
        "camera_fixed",
        "9999-12-31",
    ]
    made = []
    for number, values in enumerate(given):
        changed = dict(values)
        for _ in range(rng.randint(1, 2)):
            name = rng.choice(names)
            changed[name] = rng.choice([rng.choice(strange), rng.choice(given)[name], values[rng.choice(names)]])
        made.append(changed | KEY_APART[form](number))
    return made


KEY_APART: dict[str, Any] = {
    "criminal_offence": lambda n: {"erdr_number": f"26751109{n:07d}"} if n % 20 else {},
    "pretrial_decision": lambda n: {"erdr_number": f"26751109{n:07d}"} if n % 20 else {},
    "civil_case": lambda n: {"case_no": f"7511-26-00-2/{100000 + n}"} if n % 20 else {},
    "administrative_offence": lambda n: {"protocol_no": f"2675{900000000 + n:013d}"} if n % 20 else {},
}
DIFFER_BY_DESIGN = {"CRO-302": "the specification's own statement counts: the pair must be known on committed_date"}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    folder = tmp_path_factory.mktemp("demonstration")
    demo.generate(folder, catalogue, first_day=DAY - timedelta(days=3), last_day=DAY, subjects=16, records=1200, seed=5)
    return folder


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_expectations_quarantine_plain_sql_and_specification_count_the_same(
    store: Store, tmp_path: Path, demonstration: Path, form: str
) -> None:
    tomorrow = NOW + timedelta(days=1)
    for day in sorted(path for path in demonstration.iterdir() if path.is_dir()):
        for path in day.glob(f"*/{form}_*"):
            store.drop(path, path.parent.name)
        store.receive(tomorrow)
    store.load(form, at=tomorrow)
    sent = store.query(f"select to_jsonb(r) from raw.{form} r where flags is null limit 300")
    names = [field.name for field in store.catalogue.forms[form].fields]
    texts = [{name: as_text(row[name]) for name in names} for row in sent]
    rows = mutated(form, texts, Random(510))
    counted = judged(store, tmp_path, form, rows, day=DAY - timedelta(days=9), at=tomorrow)

    unread = store.one("select count(*) from raw.unreadable")
    assert counted.pop(("GEN-101", "action"), 0) == unread
    written = Counter(
        (rule, field)
        for rule, field in store.query(
            "select rule, field from quality.violations where rule <> all(%s)", list(NEITHER)
        )
    )
    plain = plain_counts(store, form)
    assert {key: n for key, n in plain.items() if n} == counted == dict(written)
    assert len({rule for rule, _ in counted}) >= {"pretrial_decision": 12}.get(form, 20)
    specified = specified_counts(store, form)
    for rule, number in specified.items():
        ours = sum(n for (code, _), n in plain.items() if code == rule)
        assert number == ours or rule in DIFFER_BY_DESIGN, f"{rule}: specification {number}, system {ours}"
    assert store.verify() == []


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def plain_counts(store: Store, form: str) -> dict[tuple[str, str], int]:
    """One count a condition, straight over the view: what anybody with psql would ask."""
    every = conditions(store.catalogue.forms[form], store.catalogue, DAY)
    columns = ", ".join(f"count(*) filter (where not ({c.sql}))" for c in every).replace("%", "%%")
    numbers = store.connection.execute(f"select {columns} from checked.{form}", []).fetchone()
    assert numbers is not None
    counts: Counter[tuple[str, str]] = Counter()
    for condition, number in zip(every, numbers, strict=True):
        counts[condition.key] += number
    return dict(counts)


def specified_counts(store: Store, form: str) -> dict[str, int]:
    """The conditions as the specification writes them, with their lookups; silent where a cell was not read."""
    declared = store.catalogue.forms[form]
    counts = {}
    with (DATA / "spec_holds.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["form"] != form or row["rule"] not in store.catalogue.rules:
                continue
            rule = store.catalogue.rules[row["rule"]]
            unread = [f"GEN-102:{name}" for name in rule.fields if not declared.column(name).is_text]
            question = (
                f"select count(*) from raw.{form} as {form} where not ({row['holds']}) "
                f"and not coalesce(flags && %(unread)s, false)"
            )
            question = question.replace("%", "%%").replace("%%(unread)s", "%(unread)s")
            found = store.connection.execute(question, {"unread": unread}).fetchone()
            counts[rule.code] = found[0] if found else 0
    return counts


@pytest.mark.parametrize("form", FORMS)
def test_a_rule_is_silent_about_what_could_not_be_read(catalogue: Catalogue, form: str) -> None:
    for condition in conditions(catalogue.forms[form], catalogue, DAY):
        typed = [n for n in condition.rule.fields if n in catalogue.forms[form].field_names]
        typed = [n for n in typed if not catalogue.forms[form].column(n).is_text]
        if condition.rule.holds:
            assert set(condition.silent_on) == set(typed)


def test_a_rule_not_in_force_does_not_judge(catalogue: Catalogue) -> None:
    form = catalogue.forms["criminal_offence"]
    before = conditions(form, catalogue, date(2014, 12, 31))
    assert before == []
