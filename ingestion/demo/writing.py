"""Writes packages as they are sent: variants, folders, manifests, payloads, and those that will be refused.

Keep out what is in them, and the truth about it (``truth``).
"""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from ingestion.contract import Catalogue
from ingestion.demo.faults import FAULTS, Draft, Fault
from ingestion.demo.model import COUNTED_DAYS, Package
from ingestion.demo.plan import Plan

VARIANT_SHARES = {
    "gzip": 0.06,
    "jsonl": 0.03,
    "jsonl_gzip": 0.005,
    "bom": 0.005,
    "zip": 0.01,
    "kz1048": 0.002,
    "windows-1251": 0.002,
    "crlf": 0.005,
}
"""How packages with records are packed; the others are plain UTF-8 CSV."""


def choose_variants(rng: Random, packages: Sequence[Package]) -> None:
    """Decide how each package with records is packed; at least one of each way."""
    filled = [p for p in packages if p.records and p.defect in (None, "resent_unchanged")]
    rng.shuffle(filled)
    cyrillic = [p for p in filled if _is_cyrillic("".join(v for r in p.records for v in r.values.values()))]
    for encoding, package in zip(("kz1048", "windows-1251"), cyrillic, strict=False):
        package.variant = encoding
    rest = [p for p in filled if p.variant == "plain"]
    for variant, share in VARIANT_SHARES.items():
        for _ in range(max(1, round(share * len(filled)))):
            if rest:
                rest.pop().variant = variant
    for package in packages:
        if package.defect and FAULTS[package.defect].variant != "plain":
            package.variant = FAULTS[package.defect].variant


def _is_cyrillic(text: str) -> bool:
    """Whether an encoding of one byte a character can hold a text that ASCII cannot."""
    try:
        return not text.isascii() and bool(text.encode("windows-1251") and text.encode("kz1048"))
    except UnicodeEncodeError:
        return False


def make_distinct(package: Package) -> None:
    """Keep two sound records of a package from agreeing in all but their key (GEN-502), by a day of what they
    count."""
    counted = COUNTED_DAYS.get(package.form.name)
    if counted is None:
        return
    keys = package.form.natural_key
    seen: set[tuple[str, ...]] = set()
    for record in package.records:
        if record.defect:
            continue
        values = record.values
        while (identity := tuple(v for k, v in values.items() if k not in keys)) in seen:
            values[counted] = str(int(values[counted]) + 1)
        seen.add(identity)


def write(
    destination: Path, plan: Plan, packages: Sequence[Package], progress: Callable[[int, int], None] | None
) -> "Writer":
    """Write every package on its day, some twice."""
    writer = Writer(destination, plan)
    for done, package in enumerate(packages):
        if progress and done % 250 == 0:
            progress(done, len(packages))
        writer.send(package)
    if progress:
        progress(len(packages), len(packages))
    return writer


class Writer:
    """Writes packages to the folders of their days and notes those that are to be refused."""

    def __init__(self, destination: Path, plan: Plan) -> None:
        self.destination = destination
        self.horizon = plan.horizon
        self.world = plan.world
        self.codes = {c.row["rule"]: c.code for c in plan.world.catalogue.code_lists["rejection_code"]}
        self.refusals: list[dict[str, str]] = []
        self.count = 0
        self.nil = 0

    def send(self, package: Package) -> None:
        """Write the package; one that will be refused is sent again, whole, on the next day."""
        self.nil += not package.records
        fault = FAULTS[package.defect] if package.defect else None
        if fault is None or fault.is_harmless:
            draft = self._draft(package, package.sent, SOUND)
            path = self._put(draft)
            if fault and fault.waits:
                self._note(path, package)
            if fault and fault.follows is not None and package.sent < self.horizon:
                self._follow(draft, fault, fault.follows)
            return
        self._note(self._put(self._draft(package, package.sent, fault)), package)
        if package.arrives:
            self._put(self._draft(package, package.arrives, SOUND))

    def _follow(self, sent: Draft, fault: Fault, further: int) -> None:
        """Send, the day after a package, what is wrong with it: the same, or the like under another number."""
        sent.day += timedelta(days=1)
        sent.manifest["sequence"] += further
        fault.spoil(sent)
        self._note(self._put(sent), sent.package)

    def _draft(self, package: Package, day: date, fault: Fault) -> Draft:
        draft = _draft(package, day, f"{self._prepared(day)}+05:00", self.world.catalogue, fault)
        fault.spoil(draft)
        return draft

    def _prepared(self, day: date) -> str:
        return self.world.clock(day, 300, 6000).isoformat()

    def _note(self, path: Path, package: Package) -> None:
        rule = FAULTS[package.defect or ""].rule
        self.refusals.append(
            {
                "package": path.relative_to(self.destination).as_posix(),
                "rule": rule,
                "rejection_code": self.codes[rule],
                "defect": package.defect or "",
            }
        )

    def _put(self, draft: Draft) -> Path:
        """Write a package: ``<day>/<inbox>/<name>``, a folder or a ``.zip``."""
        self.count += 1
        sequence = draft.manifest["sequence"]
        path = self.destination / draft.day.isoformat() / draft.inbox / replace(draft.package, sequence=sequence).name
        manifest = json.dumps(draft.manifest, ensure_ascii=False, indent=1).encode()
        files = {f"{draft.inside}{name}": content for name, content in draft.files.items()}
        files[f"{draft.inside}manifest.json"] = manifest
        if draft.is_zip:
            path = path.with_name(f"{path.name}.zip")
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_zip(path, files)
            return path
        path.mkdir(parents=True)
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path


SOUND = Fault("")
"""No fault at all."""


def _draft(package: Package, day: date, prepared_at: str, catalogue: Catalogue, fault: Fault) -> Draft:
    """A package with the manifest that states it."""
    form = package.form
    version = next(v.version for v in form.versions if v.valid_on(package.period))
    manifest: dict[str, Any] = {
        "manifest_version": "1",
        "subject": package.subject.code,
        "form": form.name,
        "form_version": version,
        "period": {"from": package.starts.isoformat(), "to": package.period.isoformat()},
        "sequence": package.sequence,
        **({"report_code": package.report_code} if package.report_code else {}),
        "nil_report": not package.records,
        "prepared_at": prepared_at,
        "payload": [],
    }
    files: dict[str, bytes] = {}
    if package.records:
        name, content = _payload(package, version, fault)
        entry = {
            "name": name,
            "format": "jsonl" if package.is_jsonl else "csv",
            "encoding": package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8",
            "compression": "gzip" if name.endswith(".gz") else "none",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "records": len(package.records),
            "control_totals": _control_totals(package),
        }
        manifest["payload"] = [entry]
        files[name] = content
    is_zip = package.variant == "zip" and bool(package.records)
    return Draft(package, catalogue, day, package.subject.code, manifest, files, is_zip)


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)


def _control_totals(package: Package) -> dict[str, str]:
    counted = [r.values for r in package.records if r.values["action"] in ("I", "M")]
    return {
        name: f"{sum((Decimal(v[name]) for v in counted if v[name]), Decimal(0)):.2f}"
        for name in package.form.control_total_fields
    }


def _payload(package: Package, version: str, fault: Fault) -> tuple[str, bytes]:
    """The payload file of a package: its name and bytes."""
    names = fault.columns([f.name for f in package.form.fields_of(version)])
    lines = list(_json_lines(package, names) if package.is_jsonl else _csv_lines(package, names))
    end = "\r\n" if package.variant == "crlf" else "\n"
    text = end.join(lines) + end
    content = text.encode(package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8")
    if package.variant == "bom":
        content = b"\xef\xbb\xbf" + content
    name = "records.jsonl" if package.is_jsonl else "records.csv"
    if package.variant.endswith("gzip"):
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
    return name, fault.content(content)


def _csv_lines(package: Package, names: Sequence[str]) -> Iterator[str]:
    yield ",".join(names)
    for record in package.records:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([record.values.get(name, "") for name in names])
        yield _spoilt(buffer.getvalue(), record.spoilt)


def _spoilt(line: str, kind: str | None) -> str:
    if kind == "quote":
        return line.replace(",,", ',,"', 1)
    if kind == "long":
        return f"{line},,1"
    if kind == "short":
        return line.rsplit(",", 3)[0]
    return line


def _json_lines(package: Package, names: Sequence[str]) -> Iterator[str]:
    types = {name: package.form.column(name).type for name in names}
    for record in package.records:
        native = {name: _native(types[name], record.values[name]) for name in names if record.values[name]}
        line = json.dumps(native, ensure_ascii=False, separators=(",", ":"))
        yield line[: len(line) * 2 // 3] if record.spoilt else line


def _native(kind: str, value: str) -> str | int | bool:
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and value.isdecimal():
        return int(value)
    return value
