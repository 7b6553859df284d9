"""Writes packages as they are sent: variants, folders, manifests, payloads, and those that will be refused.

Keep out what is in them, and the truth about it (``truth``).
"""

import csv
import gzip
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from ingestion.demo.model import COUNTED_DAYS, Package
from ingestion.demo.plan import HARMLESS, PACKAGE_DEFECTS, Plan
from ingestion.demo.world import NEVER_SENDS

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
        if package.defect == "damaged":
            package.variant = "gzip"


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
        folder = self._folder(package.sent, package.subject.code, package)
        if package.defect is None or package.defect in HARMLESS:
            self._put(package, folder, package.sent, None)
            if package.defect == "sequence_gap":
                self._note(folder, package.defect)
            if package.defect == "resent_unchanged" and package.sent < self.horizon:
                self._repeat(package, folder)
            return
        if package.defect == "foreign_subject":
            strangers = [s.code for s in self.world.subjects if not self.world.period_of(s, package.form.name)]
            folder = self._folder(package.sent, [*strangers, NEVER_SENDS][0], package)
        self._put(package, folder, package.sent, package.defect)
        self._note(folder, package.defect)
        if package.arrives:
            self._put(package, self._folder(package.arrives, package.subject.code, package), package.arrives, None)

    def _folder(self, day: date, subject: str, package: Package) -> Path:
        return self.destination / day.isoformat() / subject / package.name

    def _note(self, folder: Path, defect: str) -> None:
        rule = PACKAGE_DEFECTS[defect]
        path = folder.relative_to(self.destination).as_posix()
        self.refusals.append({"package": path, "rule": rule, "rejection_code": self.codes[rule], "defect": defect})

    def _put(self, package: Package, folder: Path, day: date, defect: str | None) -> None:
        self.count += 1
        prepared = self.world.clock(day, 300, 6000)
        _write_package(folder, package, f"{prepared.isoformat()}+05:00", defect)

    def _repeat(self, package: Package, folder: Path) -> None:
        again = self._folder(package.sent + timedelta(days=1), package.subject.code, package)
        again.parent.mkdir(parents=True, exist_ok=True)
        if package.variant == "zip" and package.records:
            folder, again = _zip_path(folder), _zip_path(again)
            shutil.copyfile(folder, again)
        else:
            shutil.copytree(folder, again)
        self.count += 1
        self._note(again, "resent_unchanged")


def _zip_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.zip")


def _write_package(folder: Path, package: Package, prepared_at: str, defect: str | None) -> None:
    """Write one package with its manifest, spoilt as ``defect`` says."""
    form = package.form
    version = next(v.version for v in form.versions if v.valid_on(package.period))
    manifest: dict[str, object] = {
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
        name, content = _payload(package, version, defect)
        if defect == "damaged":
            content = content[: len(content) * 2 // 3]
        checksum = hashlib.sha256(b"other bytes" if defect == "wrong_checksum" else content).hexdigest()
        totals = _control_totals(package)
        if defect == "wrong_control_total":
            totals = {key: f"{Decimal(value) + 1000:.2f}" for key, value in totals.items()}
        entry = {
            "name": name,
            "format": "jsonl" if package.is_jsonl else "csv",
            "encoding": package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8",
            "compression": "gzip" if name.endswith(".gz") else "none",
            "bytes": len(content),
            "sha256": checksum,
            "records": len(package.records) + (defect == "wrong_count"),
            "control_totals": totals,
        }
        manifest["payload"] = [entry]
        files[name] = content
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    if package.variant == "zip" and package.records:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _write_zip(_zip_path(folder), files)
        return
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


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


def _payload(package: Package, version: str, defect: str | None) -> tuple[str, bytes]:
    """The payload file of a package: its name and bytes."""
    names = [f.name for f in package.form.fields_of(version)]
    if defect == "missing_column":
        names = [*names[:-3], *names[-2:]]
    lines = list(_json_lines(package, names) if package.is_jsonl else _csv_lines(package, names))
    end = "\r\n" if package.variant == "crlf" else "\n"
    text = end.join(lines) + end
    content = text.encode(package.variant if package.variant in ("kz1048", "windows-1251") else "utf-8")
    if package.variant == "bom":
        content = b"\xef\xbb\xbf" + content
    if defect == "bad_encoding":
        content = content.replace(b"\n", b"\n\xc8", 1)
    name = "records.jsonl" if package.is_jsonl else "records.csv"
    if package.variant.endswith("gzip"):
        return f"{name}.gz", gzip.compress(content, mtime=0)
    return name, content


def _csv_lines(package: Package, names: Sequence[str]) -> Iterator[str]:
    yield ",".join(names)
    for record in package.records:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([record.values[name] for name in names])
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
