"""Links between forms: what a record lacks of others is found, escalates, and is released, in any order (6xx)."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Store
from tests.packages import DAY, NOW, pack, record

pytestmark = pytest.mark.server


def test_a_decision_waits_for_its_offence_escalates_and_is_released(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "d", store.catalogue, "pretrial_decision", [record("pretrial_decision", 1)]))
    store.night(NOW)
    state = (
        "select severity, cleared_seq is null, escalated_seq is not null from quality.violations where rule='PTD-601'"
    )
    assert store.query(state) == [("warning", True, False)]
    assert store.query("select form, owed_by, since, escalates_on, escalated from quality.missing_links") == [
        ("pretrial_decision", "MVD-75", DAY, DAY + timedelta(days=11), False)
    ]
    assert store.verdicts() == ["accepted"]
    store.night(NOW + timedelta(days=10))
    assert store.query(state) == [("warning", True, False)]
    store.night(NOW + timedelta(days=11))
    assert store.query(state) == [("error", True, True)]
    assert store.verdicts() == ["quarantined"]
    events = store.one("select count(*) from ledger.events")
    store.night(NOW + timedelta(days=11))
    assert store.one("select count(*) from ledger.events") == events
    store.submit(pack(tmp_path / "o", store.catalogue, "criminal_offence", [record("criminal_offence", 1)]))
    store.night(NOW + timedelta(days=12))
    assert store.query(state) == [("error", False, True)]
    assert store.verdicts() == ["accepted", "accepted"]
    assert store.query("select * from quality.unmet_links") == []
    assert store.verify() == []
