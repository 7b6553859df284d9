"""Rules between forms (6xx): each broken and just passed, escalated, released, in any order of arrival.

Here belong the meaning of these rules and what becomes of a record by them. Keep out GEN-601, 602, 604
(``test_corrections``) and reports (``test_reconciliation``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from expectations import validation
from expectations.links import scope
from expectations.links.conditions import links
from expectations.validation import MachineryError
from ingestion.contract import Catalogue
from ingestion.demo import check_digit
from tests import links_civil
from tests.conftest import Store, warehouse_like
from tests.life_course import Changes, Course, course, keys, period, submit
from tests.packages import DAY, NOW, pack, record

pytestmark = pytest.mark.server

ANNULLED = {"action": "D", "correction_reason": "duplicate", "day": "2026-09-01"}
REPLACED = {"action": "M", "correction_reason": "error_fixed", "day": "2026-09-01"}
NO_PAPERS = {"iin": "", "no_iin_reason": "no_documents"}
MINOR = NO_PAPERS | {"birth_date": "2008-07-02", "is_minor": "true"}
MURDER = {"article": "99", "article_part": "1", "severity": "4"}
RAPE = {"article": "120", "article_part": "1", "severity": "3"}
ABUSE = {"article": "122", "article_part": "1"}
GRAVER = {"article_part": "3", "severity": "3"}
MILDER = REPLACED | {"article_part": "2", "severity": "2"}
THIRD = {"decision_no": "3", "decision_date": "2026-07-25", "court": ""}
CLOSED = {"decision_type": "discontinued_other", "legal_ground": "35(1)"}
AMNESTY = {"execution_event": "amnesty", "fine_paid_kzt": "", "ground_act": "ACT-2026/1"}
SECOND_VERDICT = {"court": "7513", "decision_date": "2026-08-20", "in_force_date": ""}


def special(last: int) -> str:
    """An IIN whose digit 7 is 0: it says neither the century of birth nor the sex."""
    return f"9005140009{last}{check_digit(f'9005140009{last}')}"


Break = tuple[str, str, Changes, Changes | None]
"""Rule, whose record breaks it, changes of the life course that break it, changes that just pass (None: none)."""

BREAKS: dict[str, list[Break]] = {
    "_all": [
        ("GEN-603", "offence", {"offence_2": ANNULLED}, {
            "offence_2": ANNULLED, "victim": None, "suspect": None, "requalified": None, "to_court": None,
        }),
        ("GEN-603", "suspect", {"suspect_2": ANNULLED}, {"suspect_2": ANNULLED, "verdict": None, "appeal": None}),
        ("GEN-603", "verdict", {"verdict_2": ANNULLED}, {"verdict_2": ANNULLED, "started": None, "fine_paid": None}),
        ("GEN-603", "case", {"case_2": ANNULLED}, {"case_2": ANNULLED, "case_appeal": None, "case_enforced": None}),
        ("GEN-603", "penalty", {"penalty_2": ANNULLED}, {"penalty_2": ANNULLED, "payment": None}),
        ("GEN-605", "offence", {"offence": {"kato": "711110000"}}, None),
        ("GEN-605", "offence", {"offence": {"kato": "711110000"}}, {
            "offence": {"kato": "711110000", "registering_body": "VP-00", "sender": "VP-00"},
        }),
        ("GEN-606", "offence", {"offence": {"registering_body": "MVD-71"}}, {
            "offence": {"registering_body": "MVD-7511"},
        }),
        ("GEN-606", "offence", {"offence": {"sender": "MVD-7511"}}, {
            "offence": {"sender": "KNB-00", "registering_body": "AC-71"},
        }),
        ("GEN-606", "requalified", {"requalified": {"decision_body": "GP-00"}}, None),
        ("GEN-606", "verdict", {"verdict": {"sender": "SUD-7513"}}, None),
        ("GEN-606", "verdict", {"verdict": {"sender": "SUD-7599"}}, None),
        ("GEN-606", "started", {"started": {"execution_body": "MVD-75"}}, None),
        ("GEN-606", "penalty", {"penalty": {"body": "MVD-7111"}}, {"penalty": {"body": "MVD-7511"}}),
        ("IDN-601", "suspect", {
            "suspect": {"iin": special(1)}, "victim": {"iin": special(1), "birth_date": "1990-05-15", "sex": "1"},
        }, {
            "suspect": {"iin": special(2)}, "victim": {"iin": special(2), "birth_date": "1990-05-14", "sex": "1"},
        }),
        ("IDN-601", "protocol", {
            "suspect": {"iin": special(3), "sex": "2"}, "protocol": {"iin": special(3)},
        }, {
            "suspect": {"iin": special(4), "sex": "2"}, "protocol": {"iin": special(4), "sex": ""},
        }),
    ],
    "criminal_offence": [
        ("CRO-601", "offence", {"victim": None}, {"victim": None, "offence": {"offence_stage": "attempt"}}),
        ("CRO-602", "offence", {"suspect": None}, {"suspect": None, "to_court": None}),
        ("CRO-602", "offence", {"suspect": None}, {
            "suspect": None, "to_court_2": THIRD | {"decision_type": "returned"},
        }),
        ("CRO-603", "offence", {"offence": GRAVER, "offence_2": MILDER, "requalified": None}, {
            "offence": GRAVER, "offence_2": MILDER, "requalified": {"decision_date": "2026-08-31"},
        }),
        ("CRO-603", "offence", {
            "offence": GRAVER, "offence_2": MILDER, "requalified": {"decision_date": "2026-09-02"},
        }, {
            "offence": GRAVER, "offence_2": MILDER | {"correction_reason": "court_act"}, "requalified": None,
        }),
    ],
    "pretrial_decision": [
        ("PTD-601", "to_court", {"offence": None}, None),
        ("PTD-602", "requalified", {"requalified": {"decision_date": "2026-07-01"}}, {
            "requalified": {"decision_date": "2026-07-02"},
        }),
        ("PTD-603", "to_court", {"to_court": {"decision_date": "2026-07-09"}}, {
            "to_court": {"decision_date": "2026-07-10"},
        }),
        ("PTD-603", "to_court", {"requalified": None}, {"requalified": None, "to_court": {"decision_no": "1"}}),
        ("PTD-604", "to_court", {"requalified": CLOSED}, {
            "requalified": CLOSED, "to_court": {"decision_type": "resumed", "court": ""},
        }),
        ("PTD-604", "to_court", {"to_court": {"decision_type": "resumed", "court": ""}}, {
            "requalified": {"decision_type": "interrupted_unknown", "legal_ground": "45(1)", "suspects_count": "0"},
            "to_court": {"decision_type": "resumed", "court": ""},
        }),
        ("PTD-604", "to_court_2", {"to_court_2": THIRD | {"decision_type": "term_extended"}}, {
            "to_court_2": THIRD | {"decision_type": "returned"},
        }),
        ("PTD-604", "to_court", {"to_court": {"decision_type": "returned", "court": ""}}, None),
        ("PTD-604", "requalified", {"requalified": {"decision_type": "resumed"}}, None),
        ("PTD-606", "requalified", {"requalified": {"article_part": "1"}}, {
            "requalified": {"article_part": "1"}, "requalified_2": {"decision_no": "3", "decision_date": "2026-07-25"},
        }),
        ("PTD-606", "requalified", {"requalified": {"article": "189"}}, {
            "requalified": {"article": "189"}, "offence_2": REPLACED | {"article": "189"},
        }),
        ("PTD-606", "requalified", {"requalified": {"article_part": "4"}}, {
            "requalified": {"article_part": "4"}, "offence": None,
        }),
    ],
    "suspect": [
        ("SUS-601", "suspect", {"offence": None}, None),
        ("SUS-602", "suspect", {"suspect": {"detained_date": "2026-06-30"}}, {
            "suspect": {"detained_date": "2026-07-01"},
        }),
        ("SUS-602", "suspect", {"suspect": {"status_date": "2026-06-30", "detained_date": "2026-07-01"}}, {
            "suspect": {"status_date": "2026-07-01", "detained_date": "2026-07-01"},
        }),
        ("SUS-603", "suspect", {"suspect": MINOR | {"birth_date": "2012-07-02"}}, {
            "suspect": MINOR | {"birth_date": "2012-07-01"},
        }),
        ("SUS-603", "suspect", {"suspect": MINOR | {"birth_date": "2010-07-02", "article_part": "1"}}, {
            "suspect": MINOR | {"birth_date": "2010-07-01", "article_part": "1"},
        }),
        ("SUS-604", "suspect", {"suspect": MINOR | {"is_minor": "false"}}, {"suspect": MINOR}),
        ("SUS-604", "suspect", {"suspect": MINOR | {"birth_date": "2008-07-01"}}, {
            "suspect": MINOR | {"birth_date": "2008-07-01", "is_minor": "false"},
        }),
        ("SUS-605", "suspect", {"suspect": {"article": "190"}}, {
            "suspect": {"article": "190"}, "requalified": {"article": "190"},
        }),
    ],
    "victim": [
        ("VIC-601", "victim", {"offence": None}, None),
        ("VIC-602", "victim", {"offence": MURDER}, {"offence": MURDER, "victim": {"harm_kind": "death"}}),
        ("VIC-602", "victim", {"offence": MURDER}, {
            "offence": MURDER, "victim_2": NO_PAPERS | {"victim_no": "2", "harm_kind": "death"},
        }),
        ("VIC-602", "victim", {"offence": MURDER}, {"offence": MURDER | {"offence_stage": "attempt"}}),
        ("VIC-602", "victim", {"victim": {"harm_kind": "death"}}, {
            "offence": {"article": "191", "article_part": "2"}, "victim": {"harm_kind": "death"},
        }),
        ("VIC-603", "victim", {"offence": RAPE, "victim": NO_PAPERS | {"sex": "1"}}, {"offence": RAPE}),
        ("VIC-604", "victim", {"offence": ABUSE, "victim": MINOR | {"birth_date": "2010-07-01"}}, {
            "offence": ABUSE, "victim": MINOR | {"birth_date": "2010-07-02"},
        }),
        ("VIC-607", "victim", {"victim": MINOR | {"is_minor": "false"}}, {"victim": MINOR}),
    ],
    "criminal_verdict": [
        ("CRV-601", "verdict", {"suspect": None}, None),
        ("CRV-601", "verdict", {"suspect": {"person_no": "2"}}, None),
        ("CRV-602", "verdict", {"to_court": {"court": "7513"}}, None),
        ("CRV-602", "verdict", {"to_court": {"decision_date": "2026-07-22"}}, {
            "to_court": {"decision_date": "2026-07-21"},
        }),
        ("CRV-602", "verdict", {"to_court": None}, None),
        ("CRV-603", "verdict", {"verdict": {"iin": special(5)}}, {"verdict": NO_PAPERS}),
        ("CRV-604", "appeal", {"verdict": None}, None),
        ("CRV-604", "appeal", {"appeal": {"received_date": "2026-08-10", "decision_date": "2026-08-10"}}, {
            "appeal": {"received_date": "2026-08-10", "decision_date": "2026-08-11"},
        }),
        ("CRV-605", "verdict", {"verdict": {"article": "189"}}, None),
        ("CRV-605", "verdict", {"verdict": {"article_part": "1"}}, None),
        ("CRV-606", "verdict_2", {"verdict_2": SECOND_VERDICT | {"case_no": "7513-26-00-1/9001"}}, {
            "verdict_2": SECOND_VERDICT | {"case_no": "7513-26-00-1/9002"},
            "appeal": {"outcome": "quashed", "decision_date": "2026-08-15"},
        }),
        ("CRV-606", "verdict_2", {
            "verdict_2": SECOND_VERDICT | {"case_no": "7513-26-00-1/9003"},
            "appeal": {"outcome": "quashed", "decision_date": "2026-08-21"},
        }, {
            "verdict_2": SECOND_VERDICT | {"case_no": "7513-26-00-1/9004"},
            "appeal": {"outcome": "quashed", "decision_date": "2026-08-20"},
        }),
    ],
    "sentence_execution": [
        ("SEN-601", "started", {"verdict": None}, None),
        ("SEN-601", "started", {"verdict": {
            "outcome": "acquitted", "punishment_type": "", "fine_kzt": "", "is_conditional": "",
            "additional_punishment": "",
        }}, None),
        ("SEN-602", "started", {"verdict": {"in_force_date": "2026-09-03"}}, {
            "verdict": {"in_force_date": "2026-09-02"},
        }),
        ("SEN-602", "fine_paid", {"fine_paid": {"event_date": "2026-09-01"}}, {
            "fine_paid": {"event_date": "2026-09-02"},
        }),
        ("SEN-602", "fine_paid", {"started": {"execution_event": "completed"}}, {
            "fine_paid": {"execution_event": "completed", "fine_paid_kzt": ""},
        }),
        ("SEN-603", "fine_paid", {"fine_paid": {"fine_paid_kzt": "500000.01"}}, {
            "fine_paid": {"fine_paid_kzt": "500000.00"},
        }),
        ("SEN-603", "fine_paid_2", {"fine_paid_2": {"event_no": "3", "fine_paid_kzt": "400000.01"}}, {
            "fine_paid_2": {"event_no": "3", "fine_paid_kzt": "400000.00"},
        }),
        ("SEN-605", "fine_paid", {"fine_paid": AMNESTY}, {
            "fine_paid": AMNESTY, "offence": {"committed_date": "2026-06-30"},
        }),
        ("SEN-605", "fine_paid", {
            "fine_paid": AMNESTY, "offence": {"committed_date": "2026-06-30"}, "verdict": {"severity": "3"},
        }, None),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def judged(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Store]:
    """Every life course of ``BREAKS``, and one as it is, received and judged in one night."""
    folder = tmp_path_factory.mktemp("links")
    with warehouse_like(template, folder / "home", catalogue) as store:
        made = [course(1)]
        for number, (_, _, breaking, passing) in enumerate(BROKEN):
            made += [course(1000 + number, breaking), course(2000 + number, passing)]
        submit(store, folder / "packages", made)
        store.night()
        yield store


BROKEN = [entry for of_form in (BREAKS | links_civil.BREAKS).values() for entry in of_form]


def open_rules(store: Store, form: str, key: str) -> dict[str, str]:
    """Rule -> severity of what is open against the versions of a record."""
    return dict(
        store.query(
            "select v.rule, v.severity from quality.violations v "
            f"join raw.{form} r using (submission_seq, line) where r.record_key = %s and v.cleared_seq is null",
            key,
        )
    )


def own_errors(rules: dict[str, str]) -> set[str]:
    return {rule for rule, severity in rules.items() if severity == "error" and int(rule[4:]) < 600}


def test_what_belongs_together_breaks_no_rule_between_forms(judged: Store) -> None:
    assert judged.query("select rejection_code from ledger.submissions where rejection_code is not null") == []
    for form, key in keys(judged, course(1)).values():
        found = open_rules(judged, form, key)
        assert {rule for rule in found if int(rule[4:]) >= 600 or own_errors(found)} == set(), (form, key)


@pytest.mark.parametrize(
    ("number", "entry"), enumerate(BROKEN), ids=[f"{entry[0]}-{number}" for number, entry in enumerate(BROKEN)]
)
def test_each_rule_is_broken_by_its_sin_and_passed_beside_it(judged: Store, number: int, entry: Break) -> None:
    rule, who, breaking, passing = entry
    of_breaking = open_rules(judged, *keys(judged, course(1000 + number, breaking))[who])
    of_passing = open_rules(judged, *keys(judged, course(2000 + number, passing))[who])
    assert not own_errors(of_breaking)
    assert not own_errors(of_passing)
    assert rule in of_breaking
    assert rule not in of_passing


def test_no_rule_between_forms_is_left_without_a_sin(catalogue: Catalogue) -> None:
    tested = {rule for rule, *_ in BROKEN}
    stated = {link.rule.code for form in catalogue.forms.values() for link in links(form, catalogue, DAY, DAY, DAY)}
    assert stated - tested == set()


def test_verdicts_between_forms_do_not_cascade(judged: Store) -> None:
    """A verdict held back by its suspect is there for its execution."""
    number = next(n for n, (rule, *_) in enumerate(BROKEN) if rule == "CRV-603")
    made = course(1000 + number, BROKEN[number][2])
    assert open_rules(judged, *keys(judged, made)["verdict"])["CRV-603"] == "error"
    assert "SEN-601" not in open_rules(judged, *keys(judged, made)["started"])


def test_missing_links_say_who_owes_them_and_nothing_of_a_person(judged: Store) -> None:
    owed = judged.query("select distinct rule, owed_by from quality.missing_links")
    assert {("PTD-601", "MVD-75"), ("CRV-601", "MVD-75"), ("SEN-601", "SUD-7511"), ("CRO-601", "MVD-75")} <= set(owed)
    columns = judged.query(
        "select column_name from information_schema.columns "
        "where table_schema = 'quality' and table_name = 'missing_links' order by ordinal_position"
    )
    assert columns == [
        "form", "submission_seq", "line", "rule", "sent_by", "owed_by", "since", "escalates_on", "escalated",
    ]  # fmt: skip


def test_what_great_expectations_counts_the_statement_writes(judged: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted again over everything at once, the violations are those that nights wrote piece by piece."""
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", judged.url)
    open_ones = (
        "select rule, field, severity, count(*) from quality.violations where cleared_seq is null group by 1, 2, 3"
    )
    before = judged.query(f"{open_ones} order by 1, 2, 3")
    judged.connection.execute("update ledger.linked set event_seq = 0")
    again = judged.link()
    assert again.records > 2000
    assert again.changes == {}
    assert judged.query(f"{open_ones} order by 1, 2, 3") == before
    written = {
        (rule, field): number
        for rule, field, number in judged.query(
            "select rule, field, count(*) from quality.unmet_links where severity is not null group by 1, 2"
        )
    }
    assert dict(again.violations) == written


def test_the_server_may_use_what_it_needs_to_be_fast(judged: Store) -> None:
    """Indexes over records that were marked, and statistics that know of tonight's judgement."""
    with judged.connection.transaction(force_rollback=True):
        turn = "update ledger.progress set state = '{}' where state = '{}'"
        judged.connection.execute(turn.format("loaded", "judged"))
        judged.connection.execute("analyze ledger.progress")
        judged.connection.execute(turn.format("judged", "loaded"))
        judged.connection.execute("update ledger.linked set event_seq = 0")
        assert scope.gather(judged.connection, judged.catalogue, DAY).records > 2000
        usable = (
            "select bool_and(not indcheckxmin), count(*) > 12 from pg_index "
            "where indrelid = any(select oid from pg_class where relname like 'known_%' and relpersistence = 't')"
        )
        assert judged.query(usable) == [(True, True)]
        states = "select most_common_vals::text from pg_stats where tablename = 'progress' and attname = 'state'"
        assert "judged" in judged.query(states)[0]


def test_a_rule_counts_from_the_day_it_names_though_nothing_arrives(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "o", store.catalogue, "criminal_offence", [record("criminal_offence", 1)]))
    night(store)
    assert store.query("select severity, changes_on from quality.unmet_links where rule = 'CRO-601'") == [
        (None, DAY + timedelta(days=31))
    ]
    missing = "select rule, owed_by, since, escalates_on, escalated from quality.missing_links"
    night(store, 30)
    assert store.query(missing) == []
    night(store, 31)
    assert store.query(missing) == [("CRO-601", "MVD-75", DAY + timedelta(days=31), None, False)]
    assert store.verdicts() == ["accepted"]


def test_a_decision_waits_for_its_offence_escalates_and_is_released(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.submit(pack(tmp_path / "d", store.catalogue, "pretrial_decision", [record("pretrial_decision", 1)]))
    store.quarantine("pretrial_decision")
    with monkeypatch.context() as patch:
        patch.setattr(validation, "count", lambda *_: {("PTD-601", "erdr_number"): 2})
        with pytest.raises(MachineryError, match=r"disagree on .*PTD-601"):
            store.link()
    assert store.violations() == set()
    assert store.query("select to_regclass('checked.pretrial_decision_linked')::text") == [None]
    night(store)
    state = (
        "select severity, cleared_seq is null, escalated_seq is not null from quality.violations where rule = 'PTD-601'"
    )
    issues = "select max(issue) from ledger.receipts where submission_seq = 1"
    assert store.query(state) == [("warning", True, False)]
    assert store.query("select form, owed_by, since, escalates_on, escalated from quality.missing_links") == [
        ("pretrial_decision", "MVD-75", DAY, DAY + timedelta(days=11), False)
    ]
    assert store.verdicts() == ["accepted"]
    night(store, 10)
    assert store.query(state) == [("warning", True, False)]
    assert store.one(issues) == 1
    night(store, 11)
    assert store.query(state) == [("error", True, True)]
    assert store.one("select escalated from quality.missing_links")
    assert store.verdicts() == ["quarantined"]
    assert store.one(issues) == 2
    events = store.one("select count(*) from ledger.events")
    night(store, 11)
    assert store.one("select count(*) from ledger.events") == events
    store.submit(pack(tmp_path / "o", store.catalogue, "criminal_offence", [record("criminal_offence", 1)]))
    store.receive(NOW + timedelta(days=12))
    night(store, 12)
    assert store.query(state) == [("error", False, True)]
    assert store.one("select count(*) from quality.missing_links") == 0
    assert store.one("select verdict from quality.submissions where form = 'pretrial_decision'") == "accepted"
    assert store.one(issues) == 3
    assert store.verify() == []


def night(store: Store, days: int = 0, forms: tuple[str, ...] = ("criminal_offence", "pretrial_decision")) -> None:
    store.night(NOW + timedelta(days=days), forms)


# In any order

D = {"action": "D", "correction_reason": "duplicate"}
M = {"action": "M", "correction_reason": "error_fixed"}
EARLY = {"detained_date": "2026-06-30"}  # before the offence was committed: SUS-602

HISTORIES: dict[str, tuple[Changes, dict[str, str]]] = {
    "everything comes": (
        {"offence": {}, "suspect": {}, "victim": {}, "requalified": {}},
        {},
    ),
    "the offence never comes": (
        {"suspect": {}, "suspect_2": M | {"day": "2026-08-01", "education": "primary"}, "victim": {}},
        {"suspect": "SUS-601", "suspect_2": "SUS-601", "victim": "VIC-601"},
    ),
    "an offence with children cannot be annulled": (
        {"offence": {}, "suspect": {}, "victim": {}, "offence_2": D | {"day": "2026-08-01"}},
        {"offence_2": "GEN-603"},
    ),
    "children first": (
        {"offence": {}, "suspect": {}, "suspect_2": D | {"day": "2026-08-01"}, "offence_2": D | {"day": "2026-08-02"}},
        {},
    ),
    "an annulment that does not count leaves a record to replace": (
        {"offence": {}, "victim": {}, "offence_2": D | {"day": "2026-08-01"}, "offence_3": M | {"day": "2026-08-02"}},
        {},
    ),
    "an annulment that counts leaves none": (
        {"offence": {}, "offence_2": D | {"day": "2026-08-01"}, "offence_3": M | {"day": "2026-08-02"}},
        {"offence_3": "GEN-602"},
    ),
    "a verdict keeps its suspect, and the suspect its offence": (
        {
            "offence": {}, "suspect": {}, "verdict": {}, "suspect_2": D | {"day": "2026-09-01"},
            "offence_2": D | {"day": "2026-09-02"},
        },
        {"offence": "CRO-601", "verdict": "CRV-602", "suspect_2": "GEN-603", "offence_2": "GEN-603"},
    ),
    "an offence repaired after its own error": (
        {"offence": {"kato": ""}, "suspect": {}, "victim": {}, "offence_2": M | {"day": "2026-08-01"}},
        {},
    ),
    "an offence that stays broken is none": (
        {"offence": {"kato": ""}, "suspect": {}},
        {"offence": "GEN-201", "suspect": "SUS-601"},
    ),
    "a later version is right": (
        {"offence": {}, "victim": {}, "suspect": EARLY, "suspect_2": M | {"day": "2026-08-01"}},
        {},
    ),
    "a later version is wrong and the earlier stands": (
        {"offence": {}, "victim": {}, "suspect": {}, "suspect_2": M | EARLY | {"day": "2026-08-01"}},
        {"suspect_2": "SUS-602"},
    ),
    "a wrong version repairs nothing": (
        {"offence": {}, "victim": {}, "suspect": {"sex": ""}, "suspect_2": M | EARLY | {"day": "2026-08-01"}},
        {"suspect": "SUS-201", "suspect_2": "SUS-602"},
    ),
    "the offence changes under its suspect": (
        {
            "offence": {}, "victim": {}, "suspect": {},
            "offence_2": M | {"day": "2026-08-01", "committed_date": "2026-07-02", "committed_time": "00:15",
                              "time_of_day": "night"},
            "suspect_2": M | {"day": "2026-08-03", "detained_date": "2026-07-01"},
        },
        {"suspect_2": "SUS-602"},
    ),
    "a second record of a key is none even when the first is held back": (
        {"offence": {}, "victim": {}, "suspect": EARLY, "suspect_2": {"day": "2026-08-01", "education": "primary"}},
        {"suspect": "SUS-602", "suspect_2": "GEN-601"},
    ),
}  # fmt: skip
"""What comes in a life course, each in a package of its own -> what is open in the end, whatever order they came in."""

ORDERS = 24


def test_the_order_of_arrival_does_not_decide(store: Store, tmp_path: Path) -> None:
    """Orders of arrival of every history, one life course each, one package a night; judged to the end."""
    rng = Random(510)
    plans: list[tuple[str, tuple[str, ...]]] = []
    for name, (changes, _) in HISTORIES.items():
        orders = list(permutations(changes))
        plans += [(name, order) for order in rng.sample(orders, min(ORDERS, len(orders)))]
    courses = [only(course(number, HISTORIES[name][0]), HISTORIES[name][0]) for number, (name, _) in enumerate(plans)]
    sent: Counter[Any] = Counter()
    forms = ("criminal_offence", "pretrial_decision", "suspect", "victim", "criminal_verdict")
    nights = max(len(changes) for changes, _ in HISTORIES.values())
    for tonight in range(nights):
        arriving = [
            {order[tonight]: courses[number][order[tonight]]}
            for number, (_, order) in enumerate(plans)
            if tonight < len(order)
        ]
        submit(store, tmp_path / str(tonight), arriving, sent)
        store.night(NOW + timedelta(days=tonight), forms)
    store.night(NOW + timedelta(days=60), forms)
    assert store.query("select rejection_code from ledger.submissions where rejection_code is not null") == []
    found: dict[str, set[tuple[tuple[str, str], ...]]] = defaultdict(set)
    for number, (name, _) in enumerate(plans):
        found[name].add(tuple(sorted(standing(store, courses[number]).items())))
    assert found == {name: {tuple(sorted(expected.items()))} for name, (_, expected) in HISTORIES.items()}
    before = store.one("select max(seq) from ledger.events")
    assert store.link(NOW + timedelta(days=61)).changes == {}
    assert store.one("select max(seq) from ledger.events") == before
    assert store.verify() == []


def only(made: Course, named: Iterable[str]) -> Course:
    return {what: made[what] for what in named}


def standing(store: Store, made: Course) -> dict[str, str]:
    """What a record is in the course -> the rules open against that version; advice of a single package apart."""
    open_against = {}
    for what, (form, values) in made.items():
        (_, key) = keys(store, {what: (form, values)})[what]
        rules = store.query(
            "select distinct v.rule from quality.violations v join ledger.submissions s on s.seq = v.submission_seq "
            f"join raw.{form} r using (submission_seq, line) where r.record_key = %s and s.period_to = %s "
            "and v.cleared_seq is null and v.rule not in ('GEN-502', 'GEN-402', 'GEN-403') order by 1",
            key,
            period(store, form, values)[1],
        )
        if rules:
            open_against[what] = " ".join(rules)
    return open_against
