"""What a subject is told that has no package to answer: numbered notices of its open findings, in its own outbox."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from expectations import findings, notice
from expectations.findings import Finding
from ingestion.contract import LANGUAGES
from tests.conftest import Store
from tests.packages import NOW
from tests.test_crash import Cut, cut

RULE, SOURCES = "AGR-903", "AGR-904"
SEPTEMBER = (date(2026, 9, 1), date(2026, 9, 30))
ALMATY = "750000000"
pytestmark = pytest.mark.server


def found(subject: str | None, item: str = "1-M registered", rule: str = RULE, **detail: Any) -> Finding:
    return Finding(rule, subject, "aggregate_report", *SEPTEMBER, item, detail)


def settle(store: Store, *holding: Finding, days: int = 0) -> None:
    findings.settle(store.connection, store.catalogue, [RULE, SOURCES], holding, NOW + timedelta(days=days))


def told(store: Store, subject: str) -> dict[str, Any]:
    notice: dict[str, Any] = json.loads((store.home / "outbox" / subject / "notice.json").read_text())
    return notice


def outboxes(store: Store) -> set[str]:
    return {path.parent.name for path in (store.home / "outbox").glob("*/notice.json")}


def test_a_subject_is_told_its_own_open_findings_in_three_languages(store: Store) -> None:
    settle(store, found("MVD-75", records=3), found("MVD-71"))
    assert store.notices() == 2
    assert outboxes(store) == {"MVD-75", "MVD-71"}
    answer = told(store, "MVD-75")
    assert (answer["notice_version"], answer["subject"], answer["issue"]) == ("1", "MVD-75", 1)
    (finding,) = answer["findings"]
    rule = store.catalogue.rules[RULE]
    assert finding == {
        "finding": store.one("select finding_id from quality.findings where subject = 'MVD-75'"),
        "rule": RULE,
        "severity": "error",
        "dimension": "completeness",
        "law_ref": rule.law_ref,
        "form": "aggregate_report",
        "period": {"from": "2026-09-01", "to": "2026-09-30"},
        "item": "1-M registered",
        "since": NOW.isoformat(timespec="seconds"),
        "message": dict(rule.message),
        "detail": {"records": 3},
    }
    assert answer["closing"] == {"findings": 1, "answered_at": NOW.isoformat(timespec="seconds")}
    page = (store.home / "outbox/MVD-75/notice.html").read_text()
    for language in LANGUAGES:
        assert rule.message[language] in page
        assert store.catalogue.subjects["MVD-75"].name[language] in page
    assert "MVD-71" not in page + json.dumps(answer)


def test_a_page_says_each_message_once_for_all_its_findings(store: Store) -> None:
    settle(store, found("MVD-75", "1-M victims"), found("MVD-75", "1-M registered"), found("MVD-75", rule=SOURCES))
    store.notices()
    page = (store.home / "outbox/MVD-75/notice.html").read_text()
    for code in (RULE, SOURCES):
        assert page.count(store.catalogue.rules[code].message["kk"]) == 1
    assert page.count("2026-09-01 – 2026-09-30") == 3


def test_a_new_snapshot_is_written_only_when_something_changed(store: Store) -> None:
    settle(store, found("MVD-75"))
    assert [store.notices(), store.notices()] == [1, 0]
    settle(store, found("MVD-75"), days=1)
    assert store.notices() == 0
    settle(store, found("MVD-75"), found("MVD-75", "1-M victims"), days=2)
    assert store.notices() == 1
    assert told(store, "MVD-75")["changes"] == {"new": 1, "cleared": 0}
    settle(store, found("MVD-75", "1-M victims"), days=3)
    assert store.notices() == 1
    assert told(store, "MVD-75")["changes"] == {"new": 0, "cleared": 1}
    assert [finding["item"] for finding in told(store, "MVD-75")["findings"]] == ["1-M victims"]
    numbered = sorted((store.home / "outbox/MVD-75").glob("notice_*.json"))
    assert [json.loads(path.read_text())["issue"] for path in numbered] == [1, 2, 3]


def test_the_last_notice_closes_clean_and_a_subject_without_findings_gets_none(store: Store) -> None:
    settle(store, found("MVD-75"))
    store.notices()
    settle(store, days=5)
    assert store.notices() == 1
    closed = told(store, "MVD-75")
    assert closed["findings"] == []
    assert closed["closing"] == {
        "findings": 0,
        "answered_at": (NOW + timedelta(days=5)).isoformat(timespec="seconds"),
    }
    assert outboxes(store) == {"MVD-75"}


def test_findings_of_a_package_are_left_to_its_receipt(store: Store) -> None:
    store.connection.execute(
        "insert into quality.findings (submission_seq, subject, rule, severity) values (1, 'MVD-75', 'PKG-132', '')"
    )
    assert store.notices() == 0


@pytest.mark.parametrize("place", ["_page", "hashlib"])
def test_a_notice_cut_off_is_written_again_the_same(store: Store, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Cut after the numbered file, or with all files written and nothing recorded."""
    settle(store, found("MVD-75"))
    with monkeypatch.context() as patch:
        patch.setattr(notice, place, cut)
        with pytest.raises((Cut, AttributeError)):
            store.notices()
    first = (store.home / "outbox/MVD-75/notice_1.json").read_bytes()
    assert store.notices() == 1
    assert (store.home / "outbox/MVD-75/notice_1.json").read_bytes() == first
    assert (store.home / "outbox/MVD-75/notice.json").read_bytes() == first
    assert store.query("select subject, issue, findings from ledger.notices") == [("MVD-75", 1, [1])]


def test_detail_is_counts_codes_and_dates_alone() -> None:
    detail = {
        "expected": 3,
        "share": 0.25,
        "territory": "751110000",
        "period": "2026-09-01",
        "parts": {"1-E solved": "94.00", "who": "Канарейкин"},
        "seen": ["MVD-75", "850303399776"],
        "iin": "850303399776",
        "who": "Kanareikin <b>",
    }
    assert notice.safe(detail) == {
        "expected": 3,
        "share": 0.25,
        "territory": "751110000",
        "period": "2026-09-01",
        "parts": {"1-E solved": "94.00", "who": None},
        "seen": ["MVD-75", None],
        "iin": None,
        "who": None,
    }


def test_a_difference_between_two_sources_is_told_to_the_bodies_it_compares(store: Store) -> None:
    """AGR-904 has a region and no subject: police departments send 1-E there, the regional court CR-1."""
    settle(store, found(None, ALMATY, SOURCES, **{"1-E solved": "100.00", "CR-1 received": "94.00"}))
    store.notices()
    kinds = {store.catalogue.subjects[code].kind for code in outboxes(store)}
    assert {"MVD-75", "SUD-7599"} <= outboxes(store)
    assert kinds == {"police_department", "economic_investigation", "court_regional"} | kinds & {"transport_police"}
    assert {store.catalogue.subjects[code].region for code in outboxes(store)} == {ALMATY}
    assert told(store, "SUD-7599")["findings"][0]["detail"] == {"1-E solved": "100.00", "CR-1 received": "94.00"}
    settle(store, days=1)
    store.notices()
    assert told(store, "SUD-7599")["closing"]["findings"] == 0


def test_a_rule_the_catalogue_has_dropped_is_told_in_its_published_words(store: Store) -> None:
    store.connection.execute(
        "insert into quality.rules select catalogue_version, 'OLD-701', form, level, dimension, severity, law_ref, "
        "fields, statement_en, parameters, 'сақталған', 'сохранено', 'kept', valid_from, valid_to, source, false "
        "from quality.rules where rule = %s",
        [RULE],
    )
    findings.settle(
        store.connection,
        store.catalogue,
        ["OLD-701"],
        [Finding("OLD-701", "MVD-75", None, None, None, severity="warning")],
        NOW,
    )
    store.notices()
    (finding,) = told(store, "MVD-75")["findings"]
    assert (finding["message"]["en"], finding["period"]) == ("kept", None)


@contextmanager
def statements(connection: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """Every statement executed meanwhile."""
    said: list[str] = []

    class Listening(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **how: Any) -> Any:
            said.append(str(query))
            return super().execute(query, *arguments, **how)

    before, connection.cursor_factory = connection.cursor_factory, Listening
    try:
        yield said
    finally:
        connection.cursor_factory = before


def test_many_subjects_cost_no_more_statements_than_one(store: Store) -> None:
    settle(store, found("MVD-75"))
    with statements(store.connection) as alone:
        assert store.notices() == 1
    settle(store, found("MVD-75"), *(found(code) for code in list(store.catalogue.subjects)[:150]), days=1)
    with statements(store.connection) as together:
        assert store.notices() >= 149
    assert len(together) == len(alone) > 0
