"""A package's manifest: its schema, its identity, and every reason to refuse a package by it.

Here belong parsing, the checks PKG-102..PKG-108, 121..123, 127, 128, 130 and the writing of a correct
manifest for a subject. Keep out the payload's content (``reader``) and what was received before (``ledger``).
"""

import json
import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from ingestion.contract import Catalogue, Duty, Form

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.json.p7s"
MAX_MANIFEST_BYTES = 1 << 20  # PKG-102
SURROGATE = re.compile("[\ud800-\udfff]")
YEARS = range(1900, 2200)  # of prepared_at: beyond the years 1 and 9999 a time zone cannot be applied


class Refusal(Exception):
    """A package is refused or held; ``rule`` is the PKG rule, ``detail`` says what and where, without values."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


@dataclass(frozen=True)
class Payload:
    """The one file of records a manifest declares; sizes in bytes, ``control_totals`` as decimal strings."""

    name: str
    format: str
    encoding: str
    compression: str
    bytes: int
    sha256: str
    records: int
    control_totals: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """A manifest that satisfies the schema. ``payload`` is None in a nil report and in a withdrawal; ``withdraws`` is
    the sequence of the package of the same series that this one withdraws."""

    subject: str
    form: str
    form_version: str
    report_code: str | None
    period_from: date
    period_to: date
    sequence: int
    nil_report: bool
    prepared_at: datetime
    payload: Payload | None
    withdraws: int | None = None

    @property
    def series(self) -> tuple[str, str, str | None, date, date]:
        """What sequence numbers are counted within: (subject, form, report_code, period)."""
        return (self.subject, self.form, self.report_code, self.period_from, self.period_to)


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema of a manifest."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("manifest.schema.json").read_text())
    return loaded


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def parse(content: bytes) -> Manifest:
    """Read ``manifest.json``. Raises ``Refusal`` with PKG-102 or PKG-103 (Art. 8(2)(1), 11)."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise Refusal("PKG-102", f"{MANIFEST_NAME} is larger than 1 MiB")
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_without_duplicates)
        text = json.dumps(document, ensure_ascii=False)
    except RecursionError:
        raise Refusal("PKG-102", f"{MANIFEST_NAME} is nested too deeply") from None
    except ValueError as error:
        reason = str(error) if isinstance(error, _DuplicateKey) else "is not UTF-8 JSON"
        raise Refusal("PKG-102", f"{MANIFEST_NAME} {reason}") from None
    version = document.get("manifest_version") if isinstance(document, dict) else None
    if isinstance(version, str) and version != schema()["properties"]["manifest_version"]["const"]:
        raise Refusal("PKG-103", f"{MANIFEST_NAME}: manifest_version is not supported")
    if "\\u0000" in text or SURROGATE.search(text):
        raise Refusal("PKG-102", f"{MANIFEST_NAME} holds a character that is no text")
    errors = sorted(_validator().iter_errors(document), key=lambda e: (len(e.path), list(map(str, e.path))))
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "the document"
        raise Refusal("PKG-102", f"{MANIFEST_NAME}: {where} breaks '{errors[0].validator}' of the schema")
    try:
        payload = document["payload"][0] if document["payload"] else None
        if (prepared_at := datetime.fromisoformat(document["prepared_at"])).year not in YEARS:
            raise ValueError
        return Manifest(
            subject=document["subject"],
            form=document["form"],
            form_version=document["form_version"],
            report_code=document.get("report_code"),
            period_from=date.fromisoformat(document["period"]["from"]),
            period_to=date.fromisoformat(document["period"]["to"]),
            sequence=document["sequence"],
            nil_report=document["nil_report"],
            prepared_at=prepared_at,
            payload=Payload(**payload) if payload else None,
            withdraws=document.get("withdraws"),
        )
    except ValueError:
        raise Refusal("PKG-102", f"{MANIFEST_NAME}: a date or time is not a real one") from None


class _DuplicateKey(ValueError):
    pass


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise _DuplicateKey("has a key twice")
    return keys


def check(manifest: Manifest, catalogue: Catalogue, *, sender: str, day: date) -> None:
    """Refuse what the registry, the regulation or the calendar do not allow.

    ``sender`` is the inbox folder the package lay in; ``day`` the day of receipt (Asia/Almaty).
    """
    subject = catalogue.subjects.get(manifest.subject)
    if subject is None:
        _refuse("PKG-104", f"subject {manifest.subject} is not in the registry")
    if manifest.subject != sender:
        _refuse("PKG-108", f"the package lay in the inbox of {sender}, its manifest names another subject")
    if not subject.active(manifest.period_from, manifest.period_to):
        heir = f"; {subject.covered_by} covers it" if subject.covered_by else ""
        _refuse("PKG-105", f"{subject.code} is not active in the whole period{heir}")
    if manifest.form in catalogue.rule("PKG-130", day).parameters["forms"]:
        _refuse("PKG-130", f"form {manifest.form} is a kind of record that is not accepted")
    form = catalogue.forms.get(manifest.form)
    if form is None:
        _refuse("PKG-106", f"form {manifest.form} is not known")
    owed = catalogue.duties_of(form.name, subject.kind, manifest.period_to)
    if subject.kind not in form.submitter_kinds or not owed:
        _refuse("PKG-107", f"form {form.name} is not assigned to {subject.kind}")
    duties = [duty for duty in owed if duty.report_code == manifest.report_code]
    if not duties:
        _refuse("PKG-102", f"report_code does not belong to a package of {form.name}")
    _check_period(manifest, form, duties, day)
    _check_payload(manifest, form)


def _check_period(manifest: Manifest, form: Form, duties: Sequence[Duty], day: date) -> None:
    if manifest.period_to > day:
        _refuse("PKG-121", f"the period ends on {manifest.period_to}, after the day of receipt {day}")
    if not any(_is_one_period(manifest.period_from, manifest.period_to, duty.period) for duty in duties):
        periods = ", ".join(sorted({duty.period for duty in duties}))
        _refuse("PKG-122", f"{manifest.period_from}..{manifest.period_to} is not exactly one {periods}")
    if not any(v.version == manifest.form_version and v.valid_on(manifest.period_to) for v in form.versions):
        valid = ", ".join(v.version for v in form.versions if v.valid_on(manifest.period_to))
        _refuse("PKG-123", f"form version {manifest.form_version} is not valid then; valid: {valid or 'none'}")


def _check_payload(manifest: Manifest, form: Form) -> None:
    if manifest.withdraws is not None:
        if manifest.withdraws >= manifest.sequence:
            _refuse("PKG-102", "withdraws must name a lower sequence than the package's own")
        return
    if manifest.nil_report and manifest.payload is not None:
        _refuse("PKG-128", "a nil report must not have a payload")
    if not manifest.nil_report and (manifest.payload is None or manifest.payload.records == 0):
        _refuse("PKG-127", "the package has no records and is not a nil report")
    if manifest.payload and set(manifest.payload.control_totals) != set(form.control_total_fields):
        _refuse("PKG-120", f"control_totals must name exactly: {', '.join(form.control_total_fields) or 'nothing'}")


def _refuse(rule: str, detail: str) -> NoReturn:
    raise Refusal(rule, detail)


def _is_one_period(start: date, end: date, period: str) -> bool:
    if period == "day":
        return start == end
    months = {"month": 1, "quarter": 3}[period]
    begins = start.day == 1 and (start.month - 1) % months == 0
    last_month = start.month + months - 1
    return begins and end == date(start.year, last_month, monthrange(start.year, last_month)[1])


def document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as the JSON document that ``parse`` reads."""
    body: dict[str, Any] = {
        "manifest_version": schema()["properties"]["manifest_version"]["const"],
        "subject": manifest.subject,
        "form": manifest.form,
        "form_version": manifest.form_version,
        "period": {"from": manifest.period_from.isoformat(), "to": manifest.period_to.isoformat()},
        "sequence": manifest.sequence,
        "nil_report": manifest.nil_report,
        "prepared_at": manifest.prepared_at.isoformat(timespec="seconds"),
        "payload": [{**vars(manifest.payload)}] if manifest.payload else [],
    }
    if manifest.report_code:
        body["report_code"] = manifest.report_code
    if manifest.withdraws is not None:
        body["withdraws"] = manifest.withdraws
    return body
