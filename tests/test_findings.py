"""Findings without a record: what a rule finds now against what it found before."""

from datetime import date, timedelta
from typing import Any

import pytest

from expectations import findings
from expectations.findings import Changes, Finding
from tests.conftest import Store
from tests.packages import NOW

PERIOD = (date(2026, 10, 1), date(2026, 10, 31))
RULE = "PKG-132"  # any rule of the catalogue will do
pytestmark = pytest.mark.server


def settle(store: Store, *holding: Finding, days: int = 0) -> Changes:
    return findings.settle(store.connection, store.catalogue, [RULE], holding, NOW + timedelta(days=days))


def found(subject: str | None = "MVD-75", item: str = "", **more: Any) -> Finding:
    return Finding(RULE, subject, "civil_case", *PERIOD, item, **more)


def test_what_holds_already_stays_as_it_was_found(store: Store) -> None:
    assert settle(store, found()) == Changes(1, 0)
    assert settle(store, found(), found(item="b"), days=1) == Changes(1, 0)
    assert store.query("select found_at from quality.findings order by item") == [NOW, NOW + timedelta(days=1)]


def test_what_no_longer_holds_is_cleared_with_its_time_and_can_come_again(store: Store) -> None:
    settle(store, found())
    assert settle(store, days=1) == Changes(0, 1)
    assert settle(store, found(), days=2) == Changes(1, 0)
    assert store.query("select cleared_at from quality.findings order by finding_id") == [NOW + timedelta(days=1), None]


def test_missing_subjects_and_periods_are_told_apart_like_any_other(store: Store) -> None:
    country = Finding(RULE, None, None, None, None)
    assert settle(store, country, found()) == Changes(2, 0)
    assert settle(store, country, found(), days=1) == Changes(0, 0)


def test_a_finding_that_grew_worse_is_another_one(store: Store) -> None:
    settle(store, found())
    assert settle(store, found(severity="error"), days=1) == Changes(1, 1)


def test_findings_of_other_rules_and_of_packages_are_left_alone(store: Store) -> None:
    settle(store, found())
    store.connection.execute(
        "insert into quality.findings (submission_seq, rule, severity) values (1, %s, 'warning')", [RULE]
    )
    assert findings.settle(store.connection, store.catalogue, ["PKG-129"], [], NOW) == Changes(0, 0)
    assert settle(store) == Changes(0, 1)
    assert store.one("select count(*) from quality.findings where cleared_at is null") == 1
