"""What a subject is told: a numbered receipt in three languages, without a personal value."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract import LANGUAGES
from tests.conftest import Store
from tests.packages import (
    csv_bytes,
    pack,
    record,
    records,
    redeclare,
    replace_payload,
)

pytestmark = pytest.mark.server


def answers(store: Store, sender: str = "MVD-75") -> list[dict[str, Any]]:
    paths = sorted(
        (store.home / "outbox" / sender).glob("*.receipt.json"),
        key=lambda p: [int(n) for n in p.name.split(".")[0].split("_")],
    )
    return [json.loads(path.read_text()) for path in paths]


def test_arrival_is_answered_at_once_and_judgement_by_the_next_issue(store: Store, tmp_path: Path) -> None:
    rows = [
        record("criminal_offence", 1),
        record("criminal_offence", 2, kato=""),
        record("criminal_offence", 3, damage_kzt=""),
    ]
    path = pack(tmp_path / "package", store.catalogue, "criminal_offence", rows)
    names = [field.name for field in store.catalogue.forms["criminal_offence"].fields]
    replace_payload(path, csv_bytes(names, rows) + b'a,"b\n', records=4)
    redeclare(path, payload_control_totals={"damage_kzt": "0"})
    store.submit(path)
    store.receive()
    assert store.receipts() == 1
    store.load("criminal_offence")
    assert store.receipts() == 0
    store.judge("criminal_offence")
    assert store.receipts() == 1
    assert store.receipts() == 0
    arrived, judged = answers(store)
    assert (arrived["verdict"], judged["verdict"]) == ("received", "partly_accepted")
    assert judged["receipt_version"] == "1"
    assert judged["records"] == {"declared": 4, "unreadable": 1, "quarantined": 1, "accepted": 2}
    submission = judged["submission"]
    assert (submission["seq"], submission["subject"], submission["form"]) == (1, "MVD-75", "criminal_offence")
    assert (submission["period"], submission["sequence"]) == ({"from": "2026-10-14", "to": "2026-10-14"}, 1)
    found = {(f["line"], f["field"], f["rule"], f["severity"]) for f in judged["findings"] if f["line"]}
    assert {
        (5, "action", "GEN-101", "error"),
        (3, "kato", "GEN-201", "error"),
        (4, "damage_kzt", "CRO-203", "warning"),
    } <= found
    assert judged["closing"]["findings"] == len(judged["findings"])
    for finding in judged["findings"]:
        assert set(finding["message"]) == set(LANGUAGES)
        assert all(finding["message"].values())
        assert finding["law_ref"]
    row = store.one("select seq, hash from ledger.submissions")
    assert (judged["ledger"]["seq"], judged["ledger"]["hash"]) == row
    page = (store.home / "outbox/MVD-75/1_2.receipt.html").read_text()
    for language in LANGUAGES:
        assert store.catalogue.rules["GEN-201"].message[language] in page
    index = json.loads((store.home / "outbox/MVD-75/index.json").read_text())
    assert index["criminal_offence/2026-10-14_2026-10-14/1"]["receipt"] == "1_2.receipt.json"


def test_a_clean_package_gets_a_closing_record_too(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "package", store.catalogue, "civil_case", records("civil_case", 2)))
    store.night(forms=["civil_case"])
    judged = answers(store, "SUD-7511")[-1]
    assert judged["verdict"] == "accepted"
    assert judged["findings"] == []
    assert judged["closing"]["findings"] == 0
    assert judged["closing"]["answered_at"]


def test_receipts_come_out_the_same_when_written_again(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "package", store.catalogue, "civil_case", records("civil_case", 2)))
    store.receive()
    store.receipts()
    before = (store.home / "outbox/SUD-7511/1_1.receipt.json").read_bytes()
    store.connection.execute("delete from ledger.receipts")
    store.receipts()
    assert (store.home / "outbox/SUD-7511/1_1.receipt.json").read_bytes() == before


def test_a_foreign_package_is_answered_where_it_lay_and_names_nobody(store: Store, tmp_path: Path) -> None:
    store.submit(
        pack(
            tmp_path / "package",
            store.catalogue,
            "criminal_offence",
            records("criminal_offence", 1),
            sender="MVD-71",
        ),
        "MVD-75",
    )
    store.receive()
    store.receipts()
    assert sorted(path.name for path in (store.home / "outbox").iterdir()) == ["MVD-75"]
    (receipt,) = answers(store)
    assert (receipt["verdict"], receipt["rejection_code"]) == ("refused", "R08")
    for path in (store.home / "outbox/MVD-75").iterdir():
        assert "MVD-71" not in path.read_text()


def test_an_iin_has_one_token_that_only_the_key_makes(store: Store, another_store: Store, tmp_path: Path) -> None:
    tokens = []
    for place, warehouse in enumerate((store, another_store)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ZANSTAT_HOME", str(warehouse.home))
            patch.setenv("ZANSTAT_DATABASE_URL", warehouse.url)
            warehouse.submit(
                pack(
                    tmp_path / str(place),
                    warehouse.catalogue,
                    "administrative_offence",
                    records("administrative_offence", 3),
                )
            )
            warehouse.receive()
            warehouse.load("administrative_offence")
        tokens += warehouse.query("select distinct iin_token from raw.administrative_offence")
        key = warehouse.home / "keys/token-1.key"
        assert key.stat().st_mode & 0o077 == 0
    assert len(tokens) == len(set(tokens)) == 2


def test_a_refused_conflict_does_not_cover_the_receipt_of_the_accepted_package(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "first", store.catalogue, "civil_case", records("civil_case", 2)))
    store.night()
    store.submit(pack(tmp_path / "other", store.catalogue, "civil_case", records("civil_case", 1)))
    store.night()
    assert store.codes() == [None, "R25"]
    (path,) = (store.home / "outbox").glob("*/index.json")
    index = json.loads(path.read_text())
    assert sorted((key.rpartition(" refused ")[1], entry["verdict"]) for key, entry in index.items()) == [
        ("", "accepted"),
        (" refused ", "refused"),
    ]


def test_the_warning_of_many_errors_is_cleared_when_they_are_corrected(store: Store, tmp_path: Path) -> None:
    (broken,) = records("civil_case", 1)
    store.submit(pack(tmp_path / "first", store.catalogue, "civil_case", [broken | {"category": "no_such"}]))
    store.night()
    open_findings = "select rule from quality.findings where cleared_seq is null"
    assert store.query(open_findings) == ["PKG-132"]
    repair = broken | {"action": "M", "correction_reason": "error_fixed"}
    store.submit(pack(tmp_path / "second", store.catalogue, "civil_case", [repair], sequence=2))
    store.night()
    assert store.query(open_findings) == []
    assert store.verdicts() == ["accepted", "accepted"]
