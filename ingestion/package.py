"""A package as it lies in the inbox: a folder or a zip with a manifest and at most one payload file.

Here belong taking its files apart safely (PKG-101, 112..114), checking the payload against its manifest
(PKG-111, 119, 120), and writing a correct package for a subject. Keep out the ledger and the database.
"""

import hashlib
import json
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingestion import manifest, reader
from ingestion.archive import BLOCK, Archive
from ingestion.contract import Catalogue, Form
from ingestion.manifest import Manifest, Payload, Refusal

UNFINISHED = ".part"
ALLOWED = (manifest.MANIFEST_NAME, manifest.SIGNATURE_NAME)


class PackError(ValueError):
    """A package cannot be written from this folder; says what to correct."""


@dataclass(frozen=True)
class Arrived:
    """A package whose bytes are safe in the archive; ``files`` maps member names to sha256.

    ``refusal`` is set when the container itself is at fault.
    """

    sha256: str
    archived: tuple[dict[str, Any], ...]
    files: Mapping[str, str]
    refusal: Refusal | None


def keep(path: Path, archive: Archive, limits: Mapping[str, Any]) -> Arrived:
    """Archive every byte of a package, then say what is in it. Never raises ``Refusal``; it is part of the answer."""
    if path.is_dir() and not path.is_symlink():
        return _keep_folder(path, archive, limits)
    if path.is_symlink() or not path.is_file():
        return _arrived([], {}, Refusal("PKG-113", "the package is neither a folder nor a file"), [])
    sha256, size = archive.put(path)
    container = [{"name": printable(path.name), "sha256": sha256, "bytes": size}]
    if path.suffix != ".zip":
        return _arrived([], {}, Refusal("PKG-101", "the package is neither a folder nor a .zip"), container)
    members: list[dict[str, Any]] = []
    try:
        for name, blocks in _zip_members(path, size, limits):
            member_sha256, member_size = archive.put_blocks(blocks)
            members.append({"name": name, "sha256": member_sha256, "bytes": member_size})
    except Refusal as refusal:
        return _arrived([], {}, refusal, container)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError, zlib.error):
        return _arrived([], {}, Refusal("PKG-101", "the zip file is damaged"), container)
    files = {member["name"]: member["sha256"] for member in members}
    return _arrived(members, files, None, container)


def printable(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are written out, since neither hash nor database takes them."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _arrived(
    members: list[dict[str, Any]],
    files: Mapping[str, str],
    refusal: Refusal | None,
    container: list[dict[str, Any]],
) -> Arrived:
    identity = json.dumps(sorted((m["name"], m["sha256"]) for m in members or container)).encode()
    return Arrived(hashlib.sha256(identity).hexdigest(), (*container, *members), files, refusal)


def _keep_folder(path: Path, archive: Archive, limits: Mapping[str, Any]) -> Arrived:
    members: list[dict[str, Any]] = []
    refusal: Refusal | None = None
    for entry in sorted(path.rglob("*")):
        mode = entry.lstat().st_mode
        if stat.S_ISREG(mode):
            sha256, size = archive.put(entry)
            members.append({"name": printable(str(entry.relative_to(path))), "sha256": sha256, "bytes": size})
            if size > limits["max_bytes"]:
                refusal = refusal or Refusal("PKG-114", f"a file is larger than {limits['max_bytes']} bytes")
        if not stat.S_ISREG(mode) or entry.parent != path:
            refusal = refusal or Refusal("PKG-113", "the package holds a folder, a link or a device")
    return _arrived(members, {m["name"]: m["sha256"] for m in members}, refusal, [])


def _zip_members(path: Path, size: int, limits: Mapping[str, Any]) -> Iterator[tuple[str, Iterator[bytes]]]:
    with zipfile.ZipFile(path) as container:
        members = container.infolist()
        names = [member.filename for member in members]
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            plain = not member.is_dir() and kind in (0, stat.S_IFREG) and not member.flag_bits & 0x1
            if not plain or set("/\\:") & set(member.orig_filename) or member.filename in ("", ".", ".."):
                raise Refusal("PKG-113", "the archive holds a path, a folder, a link or an encrypted member")
        if len(names) != len(set(names)):
            raise Refusal("PKG-113", "the archive holds a name twice")
        allowed = min(limits["max_bytes"], max(size, 1) * limits["max_ratio"])
        if len(names) > len(ALLOWED) + 1:
            raise Refusal("PKG-112", "the archive holds files that the manifest cannot name")
        for member in members:
            with container.open(member) as stream:
                yield member.filename, _limited(stream, allowed)


def _limited(stream: Any, allowed: int) -> Iterator[bytes]:
    total = 0
    while block := stream.read(BLOCK):
        total += len(block)
        if total > allowed:
            raise Refusal("PKG-114", "the archive expands beyond the limit of size or ratio")
        yield block


@dataclass(frozen=True)
class Checked:
    """A package that may be loaded: its manifest, and which control totals could not be compared."""

    manifest: Manifest
    incomparable_totals: tuple[str, ...]


def check(arrived: Arrived, archive: Archive, catalogue: Catalogue, *, sender: str, day: date) -> Checked:
    """Everything about a package that can be said without the ledger. Raises ``Refusal``."""
    declared = declare(arrived, archive, catalogue, sender=sender, day=day)
    if declared.payload is None:
        return Checked(declared, ())
    content = payload(arrived, archive, declared)
    form = catalogue.forms[declared.form]
    (outcome,) = check_payloads(form, declared.form_version, [(content, declared.payload)], catalogue, day)
    if isinstance(outcome, Refusal):
        raise outcome
    return Checked(declared, outcome)


def declare(arrived: Arrived, archive: Archive, catalogue: Catalogue, *, sender: str, day: date) -> Manifest:
    """The manifest of a package, checked against registry, calendar and files. Raises ``Refusal``."""
    if arrived.refusal:
        raise arrived.refusal
    if manifest.MANIFEST_NAME not in arrived.files:
        raise Refusal("PKG-102", f"there is no {manifest.MANIFEST_NAME}")
    declared = manifest.parse(archive.read(arrived.files[manifest.MANIFEST_NAME]))
    manifest.check(declared, catalogue, sender=sender, day=day)
    payload_names = set(arrived.files) - set(ALLOWED)
    if payload_names != ({declared.payload.name} if declared.payload else set()):
        raise Refusal("PKG-112", "the files of the package are not those of the manifest")
    return declared


def payload(arrived: Arrived, archive: Archive, declared: Manifest) -> bytes:
    """The bytes of the payload that a manifest declares (PKG-111). Raises ``Refusal``."""
    assert declared.payload is not None
    content = archive.read(arrived.files[declared.payload.name])
    if arrived.files[declared.payload.name] != declared.payload.sha256 or len(content) != declared.payload.bytes:
        raise Refusal("PKG-111", f"{declared.payload.name} differs from its checksum or size in the manifest")
    return content


def check_payloads(
    form: Form, version: str, payloads: Sequence[tuple[bytes, Payload]], catalogue: Catalogue, day: date
) -> list[tuple[str, ...] | Refusal]:
    """Count and control totals of payloads of one form version (PKG-119, 120); of each the totals that cannot be
    compared, or why it is refused."""
    limits = catalogue.rule("PKG-114", day).parameters
    counted = ("action", *form.control_total_fields)
    outcomes = reader.structure_all(payloads, form.fields_of(version), limits, counted)
    sound = [one for one in outcomes if not isinstance(one, Refusal)]
    totals = iter(reader.control_totals(sound, form))
    return [
        one if isinstance(one, Refusal) else _compared(declared, one.records, next(totals))
        for one, (_, declared) in zip(outcomes, payloads, strict=True)
    ]


def _compared(declared: Payload, records: int, totals: Mapping[str, Decimal | None]) -> tuple[str, ...] | Refusal:
    if records != declared.records:
        return Refusal("PKG-119", f"{declared.records} records declared, {records} lines present")
    differing = [n for n, total in totals.items() if total is not None and total != Decimal(declared.control_totals[n])]
    if differing:
        return Refusal("PKG-120", f"control total differs: {', '.join(differing)}")
    return tuple(name for name, total in totals.items() if total is None)


def structure(content: bytes, declared: Manifest, catalogue: Catalogue, day: date) -> reader.Structured:
    """The payload of a manifest taken apart by the fields of its form version and the limits of the day of receipt."""
    assert declared.payload is not None
    fields = catalogue.forms[declared.form].fields_of(declared.form_version)
    return reader.structure(content, declared.payload, fields, catalogue.rule("PKG-114", day).parameters)


def pack(
    folder: Path,
    catalogue: Catalogue,
    *,
    form: str,
    subject: str,
    period_from: date,
    period_to: date,
    prepared_at: datetime,
    sequence: int = 1,
    encoding: str = "utf-8",
    report_code: str | None = None,
    withdraws: int | None = None,
) -> Manifest:
    """Write ``manifest.json`` into a folder that holds at most one payload file (none: a nil report, or where
    ``withdraws`` is given the withdrawal of that sequence).

    Counts, sizes, checksum and control totals are computed from the file. Raises ``PackError``.
    """
    if form not in catalogue.forms:
        raise PackError(f"form {form} is not known; known: {', '.join(catalogue.forms)}")
    version = next((v for v in catalogue.forms[form].versions if v.valid_on(period_to)), None)
    if version is None:
        raise PackError(f"no version of {form} is valid on {period_to}")
    files = [path for path in sorted(folder.iterdir()) if path.name not in ALLOWED]
    if len(files) > 1:
        raise PackError(f"{folder} must hold one payload file, it holds {len(files)}")
    if withdraws is not None and (files or not 0 < withdraws < sequence):
        raise PackError(
            f"{folder}: a withdrawal has no payload file, and names a lower sequence than its own ({sequence})"
        )
    nil = Manifest(
        subject=subject,
        form=form,
        form_version=version.version,
        report_code=report_code,
        period_from=period_from,
        period_to=period_to,
        sequence=sequence,
        nil_report=withdraws is None,
        prepared_at=prepared_at,
        payload=None,
        withdraws=withdraws,
    )
    declared = replace(nil, nil_report=False, payload=_declare(files[0], nil, catalogue, encoding)) if files else nil
    body = json.dumps(manifest.document(declared), ensure_ascii=False, indent=1)
    (folder / manifest.MANIFEST_NAME).write_text(body + "\n", encoding="utf-8")
    return declared


def _declare(path: Path, head: Manifest, catalogue: Catalogue, encoding: str) -> Payload:
    stem = path.name.removesuffix(".gz")
    compression = "gzip" if path.name.endswith(".gz") else "none"
    content = path.read_bytes()
    payload = Payload(
        name=path.name,
        format=stem.rsplit(".", 1)[-1],
        encoding=encoding,
        compression=compression,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        records=0,
        control_totals={},
    )
    if payload.format not in ("csv", "jsonl"):
        raise PackError(f"{path.name}: a payload is .csv or .jsonl, with or without .gz")
    try:
        structured = structure(content, replace(head, payload=payload), catalogue, head.prepared_at.date())
    except Refusal as refusal:
        raise PackError(str(refusal)) from refusal
    (totals,) = reader.control_totals([structured], catalogue.forms[head.form])
    return replace(
        payload,
        records=structured.records,
        control_totals={name: str(total if total is not None else 0) for name, total in totals.items()},
    )


def submit(package: Path, inbox: Path, subject: str) -> Path:
    """Put a package into a subject's inbox: written under ``.part``, renamed when complete."""
    folder = inbox / subject
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / package.name
    if target.exists():
        raise PackError(f"{target.name} already waits in the inbox of {subject}")
    part = target.with_name(target.name + UNFINISHED)
    if part.exists():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    shutil.copytree(package, part) if package.is_dir() else shutil.copyfile(package, part)
    return part.rename(target)


def read_manifest(package: Path) -> Manifest:
    """The manifest of a package on disk, folder or zip. Raises ``Refusal``."""
    try:
        if package.is_dir():
            return manifest.parse((package / manifest.MANIFEST_NAME).read_bytes())
        with zipfile.ZipFile(package) as container:
            return manifest.parse(container.read(manifest.MANIFEST_NAME))
    except (FileNotFoundError, KeyError):
        raise Refusal("PKG-102", f"there is no {manifest.MANIFEST_NAME}") from None
    except zipfile.BadZipFile:
        raise Refusal("PKG-101", "the zip file is damaged") from None
