"""Packages that must not be loaded: each gets its code, is kept byte for byte, and may be sent again.

One sin each, named after it. Here belong intake, manifest and container; keep out wrong records.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion import manifest, package
from ingestion.archive import Archive
from ingestion.contract import Catalogue
from tests.conftest import Store
from tests.packages import (
    DAY,
    FORMS,
    NOW,
    csv_bytes,
    jsonl_bytes,
    pack,
    record,
    records,
    redeclare,
    replace_payload,
    zip_of,
)

FORM = "criminal_offence"
DATA = Path(__file__).parent / "data"


class Maker:
    """Makes the valid package that a sin is committed on."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder, self.catalogue = folder, catalogue

    def __call__(self, name: str = "package", form: str = FORM, number: int = 3, **how: Any) -> Path:
        rows = how.pop("rows", records(form, number))
        return pack(self.folder / name, self.catalogue, form, rows, **how)

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.catalogue.forms[FORM].fields]


@pytest.fixture
def make(tmp_path: Path, catalogue: Catalogue) -> Maker:
    return Maker(tmp_path / "sent", catalogue)


# Sins: a valid package in, a bad one out


def truncated_gzip(make: Maker) -> Path:
    path = make(kind="csv.gz")
    content = (path / "records.csv.gz").read_bytes()
    return replace_payload(path, content[:-5])


def bytes_after_gzip(make: Maker) -> Path:
    path = make(kind="csv.gz")
    return replace_payload(path, (path / "records.csv.gz").read_bytes() + b"\0\0")


def cr_only(make: Maker) -> Path:
    return replace_payload(make(), csv_bytes(make.columns, records(FORM, 3), newline="\r"))


def no_zip_at_all(make: Maker) -> Path:
    path = make.folder / "package.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK but not really")
    return path


def truncated_zip(make: Maker) -> Path:
    path = make(zipped=True)
    path.write_bytes(path.read_bytes()[:-30])
    return path


def flipped_byte_in_zip(make: Maker) -> Path:
    path = make(zipped=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    return path


def neither_folder_nor_zip(make: Maker) -> Path:
    path = make.folder / "package.rar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"Rar!")
    return path


def no_manifest(make: Maker) -> Path:
    path = make()
    (path / "manifest.json").unlink()
    return path


def manifest_text(text: str | bytes) -> Callable[[Maker], Path]:
    def sin(make: Maker) -> Path:
        path = make()
        content = text if isinstance(text, bytes) else text.encode()
        (path / "manifest.json").write_bytes(content)
        return path

    return sin


def manifest_with_a_key_twice(make: Maker) -> Path:
    path = make()
    place = path / "manifest.json"
    place.write_text(place.read_text().replace("{", '{"sequence": 2, ', 1))
    return path


def declared(**changes: Any) -> Callable[[Maker], Path]:
    return lambda make: redeclare(make(), **changes)


def inactive_subject(make: Maker) -> Path:
    day = date(2025, 7, 1)
    return make(sender="AC-71", day=day)


def form_not_assigned_to_the_kind(make: Maker) -> Path:
    return make(form="civil_case", sender="MVD-75")


def form_without_a_duty(make: Maker) -> Path:
    return make(day=date(2021, 6, 30))


def extra_file(make: Maker) -> Path:
    path = make()
    (path / "notes.csv").write_text("a,b\n")
    return path


def missing_file(make: Maker) -> Path:
    path = make()
    (path / "records.csv").unlink()
    return path


def subfolder(make: Maker) -> Path:
    path = make()
    (path / "more").mkdir()
    (path / "more/records.csv").write_text("a\n")
    return path


def link_in_folder(make: Maker) -> Path:
    path = make()
    (path / "records.csv").rename(path.parent / "elsewhere.csv")
    (path / "records.csv").symlink_to(path.parent / "elsewhere.csv")
    return path


def zip_with(*members: tuple[str | zipfile.ZipInfo, bytes]) -> Callable[[Maker], Path]:
    def sin(make: Maker) -> Path:
        path = make(zipped=True)
        with zipfile.ZipFile(path, "a") as container:
            for name, content in members:
                container.writestr(name, content)
        return path

    return sin


def zip_with_a_link(make: Maker) -> Path:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_with((link, b"/etc/passwd"))(make)


def zip_with_a_name_twice(make: Maker) -> Path:
    path = make(zipped=True)
    content = path.read_bytes()
    # A second member under a name of the same length, renamed in the bytes: zipfile would not write it so.
    with zipfile.ZipFile(path, "a") as container:
        container.writestr("manifesT.json", b"{}")
    content = path.read_bytes().replace(b"manifesT.json", b"manifest.json")
    path.write_bytes(content)
    return path


def encrypted_zip(make: Maker) -> Path:
    path = make(zipped=True)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            struct.pack_into("<H", content, at + offset, 1)
            at = content.find(signature, at + 1)
    path.write_bytes(content)
    return path


def zip_bomb(make: Maker) -> Path:
    return replaced_in_zip(make, b"0" * 30_000_000)


def replaced_in_zip(make: Maker, content: bytes) -> Path:
    path = make()
    (path / "records.csv").write_bytes(content)
    return zip_of(path)


def gzip_bomb(make: Maker) -> Path:
    return replace_payload(make(kind="csv.gz"), gzip.compress(b"0" * 30_000_000))


def utf16(make: Maker) -> Path:
    return replace_payload(make(), csv_bytes(make.columns, records(FORM, 3)).decode().encode("utf-16"))


def nul(make: Maker) -> Path:
    return replace_payload(make(), csv_bytes(make.columns, records(FORM, 3)).replace(b"street", b"str\0et"))


def other_encoding(make: Maker) -> Path:
    rows = [record(FORM, 1, place_type="улица")]
    return replace_payload(make(), csv_bytes(make.columns, rows).decode().encode("cp1251"))


def missing_column(make: Maker) -> Path:
    names = [name for name in make.columns if name != "kato"]
    rows = [{name: row.get(name, "") for name in names} for row in records(FORM, 3)]
    return replace_payload(make(), csv_bytes(names, rows))


def unknown_column(make: Maker) -> Path:
    return replace_payload(make(), csv_bytes([*make.columns, "surname"], records(FORM, 3)))


def repeated_column(make: Maker) -> Path:
    content = csv_bytes(make.columns, records(FORM, 3))
    return replace_payload(make(), content.replace(b"action,", b"action,kato,", 1))


def wrong_checksum(make: Maker) -> Path:
    path = make()
    content = (path / "records.csv").read_bytes()
    (path / "records.csv").write_bytes(content.replace(b"street", b"strees"))
    return path


def line_lost_on_the_way(make: Maker) -> Path:
    content = csv_bytes(make.columns, records(FORM, 2))
    return replace_payload(make(), content)


def empty_without_nil(make: Maker) -> Path:
    return replace_payload(make(), csv_bytes(make.columns, []), records=0)


def not_nil_without_payload(make: Maker) -> Path:
    return redeclare(make(rows=()), nil_report=False)


def month_instead_of_a_day(make: Maker) -> Path:
    return make(day=date(2026, 9, 1), to=date(2026, 9, 30))


SINS: dict[str, tuple[Callable[[Maker], Path], str]] = {
    "truncated gzip": (truncated_gzip, "R01"),
    "bytes after gzip": (bytes_after_gzip, "R01"),
    "cr only": (cr_only, "R01"),
    "no zip at all": (no_zip_at_all, "R01"),
    "truncated zip": (truncated_zip, "R01"),
    "flipped byte in zip": (flipped_byte_in_zip, "R01"),
    "neither folder nor zip": (neither_folder_nor_zip, "R01"),
    "no manifest": (no_manifest, "R02"),
    "manifest is no json": (manifest_text("{"), "R02"),
    "manifest is a list": (manifest_text("[]"), "R02"),
    "manifest is not utf-8": (manifest_text('{"subject": "нет"}'.encode("cp1251")), "R02"),
    "manifest with a bom": (manifest_text(b"\xef\xbb\xbf{}"), "R02"),
    "manifest nested deeply": (manifest_text("[" * 200_000), "R02"),
    "manifest too large": (manifest_text(" " * (1 << 20) + "{}"), "R02"),
    "manifest with a key twice": (manifest_with_a_key_twice, "R02"),
    "unknown key": (declared(comment="x"), "R02"),
    "sequence zero": (declared(sequence=0), "R02"),
    "sequence as text": (declared(sequence="1"), "R02"),
    "no real date": (declared(period={"from": "2026-02-30", "to": "2026-02-30"}), "R02"),
    "prepared without offset": (declared(prepared_at="2026-10-14T18:00:00"), "R02"),
    "prepared in the year 1": (declared(prepared_at="0001-01-01T00:00:00+05:00"), "R02"),
    "prepared in the year 9999": (declared(prepared_at="9999-12-31T23:59:59-05:00"), "R02"),
    "nul in the report code": (declared(report_code="\0"), "R02"),
    "lone surrogate in the report code": (declared(report_code="\ud800"), "R02"),
    "nul among control totals": (declared(payload_control_totals={"\0": "1"}), "R02"),
    "path as a file name": (declared(payload_name="../records.csv"), "R02"),
    "two payloads": (declared(payload=[{}, {}]), "R02"),
    "unknown manifest version": (declared(manifest_version="2"), "R03"),
    "unknown subject": (declared(subject="XYZ-99"), "R04"),
    "inactive subject": (inactive_subject, "R05"),
    "unknown form": (declared(form="traffic_jam"), "R06"),
    "form not assigned to the kind": (form_not_assigned_to_the_kind, "R07"),
    "form without a duty": (form_without_a_duty, "R07"),
    "foreign subject": (declared(subject="MVD-71"), "R08"),
    "wrong checksum": (wrong_checksum, "R11"),
    "wrong size": (declared(payload_bytes=5), "R11"),
    "extra file": (extra_file, "R12"),
    "missing file": (missing_file, "R12"),
    "subfolder": (subfolder, "R13"),
    "link in a folder": (link_in_folder, "R13"),
    "zip with ../": (zip_with(("../evil.csv", b"x")), "R13"),
    "zip with an absolute path": (zip_with(("/etc/evil.csv", b"x")), "R13"),
    "zip with a backslash": (zip_with(("..\\evil.csv", b"x")), "R13"),
    "zip with a folder": (zip_with(("folder/", b"")), "R13"),
    "zip with a link": (zip_with_a_link, "R13"),
    "zip with a name twice": (zip_with_a_name_twice, "R13"),
    "encrypted zip": (encrypted_zip, "R13"),
    "zip with extra files": (zip_with(("a.csv", b"x"), ("b.csv", b"x")), "R12"),
    "zip bomb": (zip_bomb, "R14"),
    "gzip bomb": (gzip_bomb, "R14"),
    "utf-16": (utf16, "R15"),
    "nul": (nul, "R15"),
    "other encoding": (other_encoding, "R15"),
    "missing column": (missing_column, "R16"),
    "unknown column": (unknown_column, "R17"),
    "repeated column": (repeated_column, "R18"),
    "wrong count": (declared(payload_records=4), "R19"),
    "line lost on the way": (line_lost_on_the_way, "R19"),
    "control total differs": (declared(payload_control_totals={"damage_kzt": "360000.01"}), "R20"),
    "control total missing": (declared(payload_control_totals={}), "R20"),
    "future period": (lambda make: make(day=DAY + timedelta(days=1)), "R21"),
    "month instead of a day": (month_instead_of_a_day, "R22"),
    "wrong version": (declared(form_version="2025.1"), "R23"),
    "empty without nil": (empty_without_nil, "R27"),
    "not nil without payload": (not_nil_without_payload, "R27"),
    "nil with records": (declared(nil_report=True), "R28"),
    "operative records": (declared(form="operative_record"), "R29"),
}


@pytest.mark.parametrize("sin", SINS)
def test_a_bad_package_is_refused_kept_and_may_be_sent_again(store: Store, make: Maker, sin: str) -> None:
    commit, code = SINS[sin]
    path = commit(make)
    sender = "AC-71" if sin == "inactive subject" else "MVD-75"
    expected = bytes_of(path)
    store.drop(path, sender)
    assert vars(store.receive()) == {"registered": 0, "refused": 1, "held": 0, "resent": 0}
    assert store.codes() == [code]
    assert store.verdicts() == ["refused"]
    kept = {item["sha256"] for item in store.one("select archived from ledger.submissions")}
    assert expected <= kept
    archive = Archive(store.home / "archive")
    assert all(hashlib.sha256(archive.read(sha256)).hexdigest() == sha256 for sha256 in kept)
    assert not list((store.home / "archive").glob(".part-*"))
    good = pack(make.folder / "again", store.catalogue, FORM, records(FORM, 3))
    store.submit(good)
    assert store.receive().registered == 1
    assert store.codes() == [code, None]
    assert store.receipts() == 2
    assert store.verify() == []


def bytes_of(path: Path) -> set[str]:
    """The sha256 of every file sent: those of a folder, or the zip itself."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_every_refusal_the_catalogue_knows_is_tested_or_named_here(catalogue: Catalogue) -> None:
    effects = {rule.parameters["rejection_code"] for rule in catalogue.rules.values() if rule.severity == "refuse"}
    elsewhere = {
        "R09": "signatures are held, not judged",
        "R10": "held",
        "R24": "resent",
        "R25": "resent",
        "R26": "held",
    }
    assert effects == {code for _, code in SINS.values()} | set(elsewhere)


@pytest.mark.server
def test_bad_packages_do_not_stop_the_good_one_among_them(store: Store, make: Maker) -> None:
    for number, (commit, _) in enumerate(list(SINS.values())[::4]):
        path = commit(Maker(make.folder / str(number), store.catalogue))
        store.submit(path.rename(path.with_name(f"{number}{path.suffix}")), "MVD-75")
    store.submit(make("good"))
    assert store.receive().registered == 1
    assert list((store.home / "inbox").glob("*/*")) == []


def test_names_that_are_no_text_are_refused_and_kept(store: Store, make: Maker) -> None:
    path = make()
    (path / os.fsdecode(b"\xff.csv")).write_bytes(b"x")
    store.submit(path.rename(path.with_name(os.fsdecode(b"package-\xfe"))), "MVD-75")
    assert store.receive().refused == 1
    assert store.codes() == ["R12"]
    assert store.one("select package_name from ledger.submissions") == "package-\\xfe"
    assert store.verify() == []


def test_an_unfinished_package_waits(store: Store, make: Maker) -> None:
    path = make()
    waiting = store.submit(path)
    part = waiting.rename(waiting.with_name("package.part"))
    assert vars(store.receive()) == {"registered": 0, "refused": 0, "held": 0, "resent": 0}
    part.rename(waiting)
    assert store.receive().registered == 1


# Once, and in order


@pytest.mark.server
def test_a_package_sent_twice_changes_nothing(store: Store, make: Maker) -> None:
    path = make()
    store.submit(path)
    store.receive()
    store.receipts()
    (first,) = (store.home / "outbox/MVD-75").glob("1_*.json")
    answer = first.read_bytes()
    first.unlink()
    store.submit(path)
    assert vars(store.receive()) == {"registered": 0, "refused": 0, "held": 0, "resent": 1}
    assert store.codes() == [None]
    assert store.query("select kind from ledger.events order by seq") == ["registered", "resent"]
    assert store.receipts() == 0
    assert first.read_bytes() == answer
    assert store.verify() == []


def test_a_package_sent_again_as_a_zip_is_the_same_package(store: Store, make: Maker) -> None:
    path = make()
    store.submit(path)
    store.receive()
    store.submit(zip_of(path))
    assert store.receive().resent == 1
    assert store.codes() == [None]


def test_the_same_package_twice_in_one_night_is_registered_once(store: Store, make: Maker) -> None:
    path = make()
    store.submit(path)
    store.submit(path.rename(path.with_name("copy")))
    received = store.receive()
    assert (received.registered, received.resent) == (1, 1)
    assert store.load(FORM).records == 3


def test_the_same_identity_with_other_bytes_is_a_conflict(store: Store, make: Maker) -> None:
    store.submit(make("first"))
    store.submit(make("second", number=4))
    received = store.receive()
    assert (received.registered, received.refused) == (1, 1)
    assert store.codes() == [None, "R25"]
    assert store.load(FORM).records == 3
    assert store.verify() == []


@pytest.mark.server
def test_a_package_beyond_a_gap_is_held_and_released_in_order(store: Store, make: Maker) -> None:
    for sequence in (3, 2):
        store.submit(make(str(sequence), rows=records(FORM, 2, 10 * sequence), sequence=sequence))
        assert store.receive().held == 1
    assert store.codes() == ["R26", "R26"]
    assert store.verdicts() == ["held", "held"]
    assert store.load(FORM).packages == 0
    store.submit(make("5", rows=(), sequence=5))
    store.submit(make("1", rows=records(FORM, 2), sequence=1))
    store.receive()
    assert store.verdicts() == ["received", "received", "received", "held"]
    released = "select submission_seq from ledger.events where kind = 'released' order by seq"
    assert store.query(released) == [2, 1]
    assert store.load(FORM).records == 6
    store.submit(make("4", rows=records(FORM, 2, 40), sequence=4))
    store.receive()
    assert store.verdicts()[3:] == ["nil", "received"]


def test_a_gap_of_one_sender_holds_no_other(store: Store, make: Maker) -> None:
    store.submit(make("held", sequence=2))
    store.submit(make("other form", form="administrative_offence"))
    store.submit(make("other day", day=DAY - timedelta(days=1)))
    store.submit(make("other sender", sender="MVD-71"))
    received = store.receive()
    assert (received.registered, received.held) == (3, 1)


def test_a_signed_package_is_held_and_never_taken_as_valid(store: Store, make: Maker) -> None:
    path = make()
    (path / "manifest.json.p7s").write_bytes(b"signature")
    store.submit(path)
    store.receive()
    assert store.codes() == ["R10"]
    assert store.verdicts() == ["held"]
    assert store.load(FORM).packages == 0


def test_a_nil_report_is_an_answer_of_its_own(store: Store, make: Maker) -> None:
    store.submit(make(rows=()))
    store.night(forms=[FORM])
    assert store.verdicts() == ["nil"]
    assert store.one("select records_declared from quality.submissions") == 0


def test_an_inactive_subject_is_told_who_covers_it(store: Store, make: Maker) -> None:
    store.submit(inactive_subject(make), "AC-71")
    store.submit(make("before", sender="AC-71", day=date(2025, 6, 30)))
    store.receive()
    assert set(store.codes()) == {"R05", None}
    assert "KNB-00" in store.one("select rejection_detail from ledger.submissions where rejection_code = 'R05'")


def test_totals_over_unreadable_values_are_a_warning(store: Store, make: Maker) -> None:
    store.submit(make(rows=[record(FORM, 1), record(FORM, 2, damage_kzt="1,5")]))
    assert store.receive().registered == 1
    assert store.query("select rule, severity from quality.findings") == [("PKG-120", "warning")]


# Values that would break the loading of a whole form


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_no_text_of_a_sender_stops_the_loading_of_a_form(store: Store, make: Maker, form: str) -> None:
    """One record a field and text: all are loaded, whatever rules they break."""
    texts = [
        "0000-01-01",
        "0000-01-01T00:00:00",
        "\\.",
        "\\N",
        "NULL",
        "a\nb",
        'a"b',
        "{a,b}",
        "\u2028",
        "\U0001f600",
        "99999999999999999999",
        "infinity",
        "NaN",
        "-0",
        "9999-12-31",
        "0001-01-01",
        "".join(chr(0x100 + n * 7919 % 50_000) for n in range(5000)),
    ]
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    names = [field.name for field in store.catalogue.forms[form].fields]
    rows = [
        record(form, number, **{name: text})
        for number, (name, text) in enumerate((name, text) for name in names for text in texts)
    ]
    path = make(form=form, rows=rows[:1])
    content = jsonl_bytes([*rows, {"action": "a\0b"}])
    (path / "records.csv").rename(path / "records.jsonl")
    redeclare(path, payload_name="records.jsonl", payload_format="jsonl")
    replace_payload(path, content, records=len(rows) + 1)
    store.submit(path)
    store.receive()
    assert store.codes() in ([None], ["R20"])
    if store.codes() == ["R20"]:
        redeclare(path, payload_control_totals=totals(path, store.catalogue))
        store.submit(path)
        store.receive()
    loaded = store.load(form)
    assert (loaded.records, loaded.unreadable) == (len(rows) + 1, 1)
    assert store.judge(form).records == len(rows) + 1


def totals(path: Path, catalogue: Catalogue) -> dict[str, str]:
    form = package.read_manifest(path).form
    return dict.fromkeys(catalogue.forms[form].control_total_fields, "0")


# The published schema


def test_the_schema_says_what_the_specification_says() -> None:
    properties = manifest.schema()["properties"]
    payload = properties["payload"]["items"]
    with (DATA / "manifest_fields.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            place, holder = row["field"].removeprefix("payload[]."), manifest.schema()
            if row["field"].startswith("payload[]."):
                holder = payload
            elif row["field"].startswith("period."):
                place, holder = row["field"].removeprefix("period."), properties["period"]
            stated = holder["properties"][place]
            assert (place in holder["required"]) == (row["required"] == "yes"), row["field"]
            if row["pattern"] and "enum" in stated:
                assert re.fullmatch(row["pattern"], "|".join(stated["enum"])[: len(stated["enum"][0])])
                assert row["pattern"] == f"^({'|'.join(stated['enum'])})$"
            elif row["pattern"] and "const" in stated:
                assert row["pattern"] == f"^{stated['const']}$"
            elif row["pattern"]:
                assert stated["pattern"] == row["pattern"], row["field"]


def test_what_pack_writes_is_what_the_parser_reads(make: Maker) -> None:
    path = make()
    read = manifest.parse((path / "manifest.json").read_bytes())
    assert manifest.document(read) == json.loads((path / "manifest.json").read_text())
    assert read.prepared_at == NOW
    assert io.BytesIO((path / "records.csv").read_bytes()).read(6) == b"action"
