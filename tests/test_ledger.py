"""The ledger and the archive cannot be altered unseen. Keep out who is registered (``test_refusals``)."""

import json
import os
from pathlib import Path

import psycopg
import pytest

from ingestion import ledger
from ingestion.archive import Archive, ArchiveDamaged
from tests.conftest import Store
from tests.packages import DAY, FORMS, pack, records

pytestmark = pytest.mark.server


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Store:
    """A warehouse with three packages received and answered, and the head of its ledger written down."""
    for sequence in (1, 2, 3):
        rows = records(FORMS[0], 2, sequence * 10)
        store.submit(pack(tmp_path / str(sequence), store.catalogue, FORMS[0], rows, sequence=sequence))
    store.receive()
    store.receipts()
    ledger.write_checkpoint(store.connection, store.home / "checkpoints", DAY)
    assert store.verify() == []
    return store


@pytest.mark.parametrize("table", ["submissions", "events"])
@pytest.mark.parametrize(
    "statement", ["update ledger.{} set seq = seq", "delete from ledger.{}", "truncate ledger.{} cascade"]
)
def test_nothing_in_the_ledger_can_be_changed(kept: Store, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        kept.connection.execute(statement.format(table))


def behind_the_trigger(store: Store, statement: str) -> None:
    """What only the owner of the tables could do."""
    store.connection.execute("alter table ledger.submissions disable trigger user")
    store.connection.execute("alter table ledger.events disable trigger user")
    store.connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "update ledger.submissions set received_at = received_at - interval '1 day' where seq = 2",
            "row 2 was altered",
        ),
        ("update ledger.submissions set simulated = not simulated where seq = 1", "row 1 was altered"),
        (
            "update ledger.submissions set payload = payload || '{\"records\": 1}' where seq = 3",
            "row 3 was altered",
        ),
        ("update ledger.submissions set hash = repeat('0', 64) where seq = 3", "row 3 was altered"),
        ("update ledger.events set kind = 'refused' where seq = 2", "row 2 was altered"),
        ("update ledger.events set detail = '{\"a\": 1}' where seq = 1", "row 1 was altered"),
        ("delete from ledger.events where seq = 2", "row 2 is missing"),
    ],
)
def test_an_altered_row_is_found(kept: Store, statement: str, fault: str) -> None:
    if statement.startswith("delete"):
        kept.connection.execute("delete from ledger.receipts")
    behind_the_trigger(kept, statement)
    assert any(fault in found for found in kept.verify())


@pytest.mark.parametrize("anchor", ["checkpoints", "outbox"])
def test_a_tail_cut_off_is_found_by_any_anchor_alone(kept: Store, anchor: str) -> None:
    other = {"checkpoints": "outbox", "outbox": "checkpoints"}[anchor]
    (kept.home / other).rename(kept.home / "gone")
    for table in ("ledger.receipts", "ledger.progress"):
        kept.connection.execute(f"delete from {table} where submission_seq = 3")
    behind_the_trigger(kept, "delete from ledger.events where submission_seq = 3")
    kept.connection.execute("delete from ledger.submissions where seq = 3")
    faults = kept.verify()
    assert any("ledger.submissions no longer holds row 3" in fault for fault in faults)
    assert any("ledger.events no longer holds row 3" in fault for fault in faults)


def test_a_chain_written_anew_from_the_start_is_found(kept: Store) -> None:
    behind_the_trigger(kept, "update ledger.submissions set package_name = 'other' where seq = 1")
    previous = ledger.GENESIS
    with kept.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        for row in cursor.execute("select * from ledger.submissions order by seq").fetchall():
            anew = {**row, "prev_hash": previous}
            previous = ledger.row_hash(anew)
            kept.connection.execute(
                "update ledger.submissions set prev_hash = %s, hash = %s where seq = %s",
                [anew["prev_hash"], previous, row["seq"]],
            )
    assert all("was altered" not in fault or "no longer holds" in fault for fault in kept.verify())
    assert any("no longer holds row" in fault for fault in kept.verify())


def test_lost_and_altered_bytes_are_found(kept: Store) -> None:
    archive = Archive(kept.home / "archive")
    first, second, *_ = [item["sha256"] for item in kept.one("select archived from ledger.submissions where seq = 1")]
    archive.path(first).unlink()
    archive.path(second).write_bytes(b"other")
    with pytest.raises(ArchiveDamaged, match="missing"):
        archive.read(first)
    faults = kept.verify()
    assert [fault for fault in faults if first in fault and "missing" in fault]
    assert [fault for fault in faults if second in fault and "altered" in fault]


def test_a_damaged_archive_leaves_its_package_waiting_and_loads_the_others(kept: Store) -> None:
    payload = kept.one("select payload ->> 'sha256' from ledger.submissions where seq = 2")
    path = Archive(kept.home / "archive").path(payload)
    content = path.read_bytes()
    path.unlink()
    loaded = kept.load(FORMS[0])
    assert (loaded.packages, loaded.failed) == (2, (2,))
    path.write_bytes(content)
    assert kept.load(FORMS[0]).packages == 1


def test_a_record_that_vanished_from_raw_is_found(kept: Store) -> None:
    kept.load(FORMS[0])
    assert kept.verify() == []
    kept.connection.execute(f"delete from raw.{FORMS[0]} where submission_seq = 2 and line = 3")
    assert kept.verify() == ["I2: submission 2: raw.criminal_offence does not hold the records that were read"]


def test_the_archive_keeps_equal_bytes_once_and_never_overwrites(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    (tmp_path / "a").write_bytes(b"bytes")
    first, again = archive.put(tmp_path / "a"), archive.put(tmp_path / "a")
    assert first == again
    archive.keep()
    before = archive.path(first[0]).stat()
    assert archive.put(tmp_path / "a") == first
    archive.keep()
    assert archive.path(first[0]).stat().st_ino == before.st_ino
    assert [path.name for path in archive.root.rglob("*") if path.is_file()] == [first[0]]
    assert archive.read(first[0]) == b"bytes"


def test_what_a_crash_left_half_put_is_removed_by_the_next_intake(kept: Store) -> None:
    archive = Archive(kept.home / "archive")
    before = sorted(archive.root.rglob("*"))
    archive.put_blocks([b"cut off"])
    assert sorted(archive.root.rglob("*")) != before
    kept.receive()
    assert sorted(archive.root.rglob("*")) == before


def test_no_bytes_have_their_name_before_the_disk_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of DESIGN 4: the file, its name, the folder; whoever finds a name finds the bytes after a crash."""
    archive, steps = Archive(tmp_path / "archive"), []
    fsync, hardlink_to = os.fsync, Path.hardlink_to

    def note_fsync(descriptor: int) -> None:
        steps.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def note_link(target: Path, part: Path) -> None:
        steps.append(("name", target))
        assert ("fsync", part) in steps
        hardlink_to(target, part)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "hardlink_to", note_link)
    digests = [archive.put_blocks([str(n).encode()])[0] for n in range(20)]
    assert steps == []
    archive.keep()
    for target in map(archive.path, digests):
        named = steps.index(("name", target))
        assert ("fsync", target.parent) in steps[named:]
        assert ("fsync", archive.root) in steps[:named]


def test_a_stopped_writing_leaves_nothing_in_the_archive(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    with pytest.raises(ZeroDivisionError):
        archive.put_blocks(1 // n * b"x" for n in (1, 0))
    assert list(archive.root.rglob("*")) == []


def test_the_head_of_every_receipt_is_in_the_ledger(kept: Store) -> None:
    heads = dict(kept.query("select seq, hash from ledger.submissions"))
    for path in (kept.home / "outbox").glob("*/*.receipt.json"):
        stated = json.loads(path.read_text())["ledger"]
        assert heads[stated["seq"]] == stated["hash"]
