"""What a subject is told: a numbered receipt in three languages, without a personal value."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations import receipt
from ingestion import ledger
from ingestion.contract import LANGUAGES
from ingestion.ledger import Event
from tests.conftest import Store
from tests.packages import (
    DAY,
    NOW,
    csv_bytes,
    pack,
    record,
    records,
    redeclare,
    replace_payload,
)
from tests.test_crash import Cut, cut

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


# Later events


def verdicts_told(store: Store, seq: int) -> list[str]:
    """The verdicts of all receipts of a submission, issue by issue."""
    return [answer["verdict"] for answer in answers(store) if answer["submission"]["seq"] == seq]


def last(store: Store, seq: int) -> dict[str, Any]:
    return [answer for answer in answers(store) if answer["submission"]["seq"] == seq][-1]


def rules_told(store: Store, seq: int) -> set[tuple[str, str]]:
    return {(finding["rule"], finding["severity"]) for finding in last(store, seq)["findings"]}


FORM = "criminal_offence"


def send(store: Store, folder: Path, sequence: int, *rows: dict[str, str], form: str = FORM) -> None:
    store.submit(pack(folder / f"{form}-{sequence}", store.catalogue, form, rows, sequence=sequence))


def test_a_package_released_from_a_gap_is_answered_again(store: Store, tmp_path: Path) -> None:
    send(store, tmp_path, 2, record(FORM, 2))
    store.night(forms=[FORM])
    assert verdicts_told(store, 1) == ["held"]
    assert rules_told(store, 1) == {("PKG-126", "refuse")}
    send(store, tmp_path, 1, record(FORM, 1))
    store.night(forms=[FORM])
    assert verdicts_told(store, 1) == ["held", "accepted"]
    assert rules_told(store, 1) == set()


def test_a_record_superseded_by_its_correction_is_answered_again(store: Store, tmp_path: Path) -> None:
    send(store, tmp_path, 1, record(FORM, 1, place_type="moon"))
    store.night(forms=[FORM])
    assert ("GEN-301", "error") in rules_told(store, 1)
    send(store, tmp_path, 2, record(FORM, 1, action="M"))
    store.night(forms=[FORM])
    assert verdicts_told(store, 1)[-2:] == ["quarantined", "accepted"]
    assert rules_told(store, 1) == set()


def test_a_correction_that_waited_for_its_record_is_answered_again(store: Store, tmp_path: Path) -> None:
    send(store, tmp_path, 1, record(FORM, 1, action="M"))
    store.night(forms=[FORM])
    assert rules_told(store, 1) >= {("GEN-602", "error")}
    send(store, tmp_path, 2, record(FORM, 2))
    earlier = pack(tmp_path / "first", store.catalogue, FORM, [record(FORM, 1)], day=DAY - timedelta(days=1))
    store.submit(earlier)
    store.night(forms=[FORM])
    assert "GEN-602" not in {rule for rule, _ in rules_told(store, 1)}
    assert verdicts_told(store, 1)[-1] == "accepted"


def test_whatever_happens_to_a_record_by_an_event_is_answered(store: Store, tmp_path: Path) -> None:
    """A warning that became an error, a link that was found: any event but a repetition is worth an answer."""
    send(store, tmp_path, 1, record(FORM, 1, damage_kzt=""))
    store.night(forms=[FORM])
    assert rules_told(store, 1) == {("CRO-203", "warning")}
    issued = len(verdicts_told(store, 1))
    with store.connection.transaction():
        ledger.lock(store.connection)
        ledger.append_events(store.connection, [Event(1, "escalated", NOW + timedelta(days=11))])
        store.connection.execute("update quality.violations set severity = 'error' where rule = 'CRO-203'")
    assert store.receipts() == 1
    assert rules_told(store, 1) == {("CRO-203", "error")}
    assert last(store, 1)["verdict"] == "quarantined"
    assert last(store, 1)["closing"]["answered_at"] == (NOW + timedelta(days=11)).isoformat(timespec="seconds")
    assert len(verdicts_told(store, 1)) == issued + 1
    assert store.receipts() == 0


def test_rules_of_every_level_are_told(store: Store, tmp_path: Path) -> None:
    """Of a field, between fields, between records of the package, between packages, and of the package itself."""
    twins = [record(FORM, n, kui_number="267511800888001") for n in (3, 4)]
    send(
        store,
        tmp_path,
        1,
        record(FORM, 1, kato=""),
        record(FORM, 2, damage_kzt=""),
        *twins,
        record(FORM, 9, action="M"),
    )
    store.night(forms=[FORM])
    assert {rule for rule, _ in rules_told(store, 1)} >= {"GEN-201", "CRO-203", "CRO-501", "GEN-602", "PKG-132"}
    levels = {store.catalogue.rules[rule].level for rule, _ in rules_told(store, 1)}
    assert levels == {"row", "file", "cross_form"}


# What is due


def happen(store: Store, *kinds: str) -> None:
    """Events of the first submission."""
    with store.connection.transaction():
        ledger.lock(store.connection)
        ledger.append_events(store.connection, [Event(1, kind, NOW) for kind in kinds])


def test_receipts_cut_off_between_two_batches_are_all_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the submission that came first has the newest event."""
    for sequence in (1, 2):
        send(store, tmp_path, sequence, record(FORM, sequence))
    store.receive()
    happen(store, "restated")
    monkeypatch.setattr(receipt, "BATCH", 1)
    with monkeypatch.context() as patch:
        batches = iter((receipt.build, cut))
        patch.setattr(receipt, "build", lambda *given: (next(batches))(*given))  # noqa: PLW0108 - another each time
        with pytest.raises(Cut):
            store.receipts()
    assert store.query("select submission_seq, issue from ledger.receipts") == [(2, 1)]
    assert store.receipts() == 1
    assert [verdicts_told(store, seq) for seq in (1, 2)] == [["received"], ["received"]]
    assert store.receipts() == 0


def test_what_was_answered_long_ago_is_not_read_again(store: Store, tmp_path: Path) -> None:
    many = 20_000
    send(store, tmp_path, 1, record(FORM, 1))
    store.receive()
    store.connection.execute(
        "insert into ledger.events (seq, at, submission_seq, kind, prev_hash, hash) "
        "select n, now(), 1, case n %% 3 when 0 then 'resent' else 'restated' end, n - 1, n "
        "from generate_series(2, %s) n",
        [many],
    )
    store.connection.execute(
        "insert into ledger.receipts select 1, seq, seq, '' from ledger.events where kind <> 'resent'"
    )
    for table in ("events", "receipts"):
        store.connection.execute(f"analyze ledger.{table}")
    send(store, tmp_path, 2, record(FORM, 2))
    store.receive()
    before = rows_read(store)
    assert store.receipts() == 1
    assert 0 < rows_read(store) - before < many / 100


def rows_read(store: Store) -> int:
    """Rows of events and receipts that this database's statements have read so far, from table or index."""
    store.connection.execute("select pg_stat_force_next_flush()")
    read: int = store.one(
        "select (select sum(seq_tup_read) from pg_stat_user_tables where schemaname = 'ledger' "
        "and relname in ('events', 'receipts')) + (select sum(idx_tup_read) from pg_stat_user_indexes "
        "where schemaname = 'ledger' and relname in ('events', 'receipts'))"
    )
    return read
