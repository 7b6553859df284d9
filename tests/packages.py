"""Packages for tests: valid records of each form, and their writing in every variant.

Records of one number belong together: offence, suspect, victim and verdict of one investigation, protocol, decision
and payment of one fine. Here belong records and bytes; ``ingestion.package.pack`` writes the manifests. Keep out the
database.
"""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ingestion import package
from ingestion.contract import CATALOGUE_ROOT, Catalogue
from ingestion.demo import check_digit
from ingestion.manifest import MANIFEST_NAME

DAY = date(2026, 10, 14)
NOW = datetime(2026, 10, 14, 18, 0, tzinfo=ZoneInfo("Asia/Almaty"))
SENDER = {
    "criminal_offence": "MVD-75",
    "pretrial_decision": "MVD-75",
    "civil_case": "SUD-7511",
    "administrative_offence": "MVD-75",
    "suspect": "MVD-75",
    "victim": "MVD-75",
    "criminal_verdict": "SUD-7511",
    "administrative_court_case": "SUD-7594",
    "enforcement_proceeding": "PSI-75",
    "administrative_decision": "MVD-75",
    "fine_payment": "QAZ-00",
    "sentence_execution": "QAJ-00",
    "aggregate_report": "MVD-75",
}
FORMS = tuple(SENDER)
MONTHLY: dict[str, str | None] = {"sentence_execution": None, "aggregate_report": "1-M"}
"""Forms sent for a month, and the report code where the form has one; the others are sent for a day."""

Values = dict[str, str]


def numbered(eleven: str) -> str:
    """An IIN or BIN: its first eleven digits and the check digit."""
    digit = check_digit(eleven)
    assert digit is not None, f"{eleven} is never given"
    return f"{eleven}{digit}"


def iin(number: int) -> str:
    """The IIN of person ``number``, a man born on 1990-05-14; serials without a check digit are passed over."""
    return next(
        f"{n}{d}" for n in range(90051430000 + number * 3 % 9990, 1 << 60) if (d := check_digit(str(n))) is not None
    )


PERSON = {"birth_date": "1990-05-14", "sex": "1"}

RECORDS: dict[str, Values] = {
    "criminal_offence": {
        "action": "I",
        "erdr_number": "267511010000001",
        "registered_at": "2026-10-14T10:00:00",
        "registering_body": "MVD-75",
        "kui_number": "267511800000001",
        "kui_registered_at": "2026-10-14T09:00:00",
        "committed_date": "2026-10-13",
        "committed_time": "22:15",
        "time_of_day": "evening",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "transgression": "5",
        "offence_stage": "completed",
        "kato": "751110000",
        "place_type": "street",
        "is_public_place": "true",
        "latitude": "43.250000",
        "longitude": "76.930000",
        "damage_kzt": "120000.00",
        "is_domestic_violence": "false",
    },
    "pretrial_decision": {
        "action": "I",
        "erdr_number": "267511010000001",
        "decision_no": "1",
        "decision_type": "court_indictment",
        "decision_date": "2026-10-14",
        "decision_body": "MVD-75",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "suspects_count": "1",
        "damage_established_kzt": "120000.00",
        "damage_recovered_kzt": "20000.00",
        "investigation_days": "40",
        "court": "7511",
    },
    "civil_case": {
        "action": "I",
        "court": "7511",
        "case_no": "7511-26-00-2/1",
        "instance": "first",
        "received_date": "2026-10-14",
        "accepted_date": "2026-10-14",
        "proceeding_kind": "claim",
        "category": "loan",
        "plaintiff_kind": "bank",
        "defendant_kind": "natural",
        "claim_kzt": "500000.00",
        "state_fee_kzt": "15000.00",
        "used_mediation": "false",
        "suspended_days": "0",
        "is_appealed": "false",
    },
    "administrative_offence": {
        "action": "I",
        "protocol_no": "26750000000000001",
        "protocol_origin": "tablet",
        "registered_at": "2026-10-14T10:00:00",
        "committed_at": "2026-10-14T09:00:00",
        "body": "MVD-75",
        "article": "440",
        "article_part": "1",
        "kato": "751110000",
        "latitude": "43.250000",
        "longitude": "76.930000",
        "offender_kind": "natural",
        "iin": numbered("90051439901"),
        **PERSON,
    },
    "suspect": {
        "action": "I",
        "person_no": "1",
        **PERSON,
        "citizenship": "KZ",
        "residence_kato": "751110000",
        "education": "vocational",
        "occupation": "employee",
        "suspect_status": "suspect",
        "status_date": "2026-10-14",
        "article": "188",
        "article_part": "2",
        "group_kind": "alone",
        "intoxication": "none",
        "prior_record": "none",
        "preventive_measure": "signature",
        "is_minor": "false",
    },
    "victim": {
        "action": "I",
        "victim_no": "1",
        "victim_kind": "natural",
        **PERSON,
        "citizenship": "KZ",
        "occupation": "employee",
        "is_minor": "false",
        "relation_to_suspect": "stranger",
        "harm_kind": "material",
        "damage_kzt": "120000.00",
        "damage_recovered_kzt": "20000.00",
        "is_domestic_violence": "false",
        "protective_measure": "none",
        "recognised_date": "2026-10-14",
    },
    "criminal_verdict": {
        "action": "I",
        "court": "7511",
        "person_no": "1",
        "instance": "first",
        "received_date": "2026-10-14",
        "decision_date": "2026-10-14",
        "article": "188",
        "article_part": "2",
        "severity": "2",
        "outcome": "convicted",
        "punishment_type": "fine",
        "is_conditional": "false",
        "fine_kzt": "432500.00",
        "additional_punishment": "none",
        "damages_awarded_kzt": "100000.00",
    },
    "sentence_execution": {
        "action": "I",
        "execution_body": "QAJ-00",
        "person_no": "1",
        "event_no": "1",
        "execution_event": "started",
        "event_date": "2026-09-15",
        "punishment_type": "fine",
        "served_days": "0",
        "remaining_days": "30",
        "supervision_kato": "751110000",
    },
    "administrative_court_case": {
        "action": "I",
        "court": "7594",
        "instance": "first",
        "received_date": "2026-10-14",
        "accepted_date": "2026-10-14",
        "claim_kind": "contest",
        "category": "tax",
        "plaintiff_kind": "legal",
        "defendant_body_kind": "state_revenue",
        "has_prior_complaint": "true",
        "claim_kzt": "500000.00",
        "suspended_days": "0",
        "is_appealed": "false",
    },
    "enforcement_proceeding": {
        "action": "I",
        "enforcement_doc_kind": "notary_inscription",
        "doc_date": "2026-10-01",
        "opened_date": "2026-10-14",
        "executor": "PSI-75",
        "bailiff_kind": "private",
        "kato": "751110000",
        "recovery_kind": "loan",
        "debtor_kind": "natural",
        "creditor_kind": "bank",
        "due_kzt": "500000.00",
        "recovered_kzt": "0",
        "has_travel_ban": "false",
    },
    "administrative_decision": {
        "action": "I",
        "body": "MVD-75",
        "decided_by": "police_department",
        "decision_date": "2026-10-14",
        "article": "440",
        "article_part": "1",
        "outcome": "penalty",
        "penalty_type": "fine",
        "fine_kzt": "43250.00",
        "fine_mci": "10",
        "is_reduced": "false",
        "pay_due_date": "2026-11-14",
        "is_appealed": "false",
    },
    "fine_payment": {
        "action": "I",
        "paid_date": "2026-10-14",
        "amount_kzt": "43250.00",
        "payment_channel": "bank",
        "payer_kind": "offender",
        "is_reduced": "false",
        "is_refund": "false",
        "budget_code": "204105",
    },
    "aggregate_report": {
        "action": "I",
        "report_code": "1-M",
        "period_start": "2026-01-01",
        "period_end": "2026-09-30",
        "is_cumulative": "true",
        "body": "MVD-75",
        "territory": "750000000",
        "measure": "registered",
        "value": "0.00",
    },
}
"""One record of each form that breaks no rule in a package of ``DAY``."""

with (CATALOGUE_ROOT / "classifiers/criminal_article.csv").open(encoding="utf-8", newline="") as _lines:
    ARTICLES = tuple(dict.fromkeys(row["code"] for row in csv.DictReader(_lines)))

KEYS: dict[str, Callable[[int], Values]] = {
    "criminal_offence": lambda n: {"erdr_number": f"26751101{n:07d}", "kui_number": f"26751180{n:07d}"},
    "pretrial_decision": lambda n: {"erdr_number": f"26751101{n:07d}"},
    "civil_case": lambda n: {"case_no": f"7511-26-00-2/{n}"},
    "administrative_offence": lambda n: {"protocol_no": f"2675{n:013d}"},
    "suspect": lambda n: {"erdr_number": f"26751101{n:07d}"},
    "victim": lambda n: {"erdr_number": f"26751101{n:07d}"},
    "criminal_verdict": lambda n: {"case_no": f"7511-26-00-1/{n}"},
    "sentence_execution": lambda n: {"case_no": f"7511-26-00-1/{n}"},
    "administrative_court_case": lambda n: {"case_no": f"7594-26-00-4/{n}"},
    "enforcement_proceeding": lambda n: {"proceeding_no": f"26-7500-{n:07d}"},
    "administrative_decision": lambda n: {"decision_no": f"2675{n:014d}"},
    "fine_payment": lambda n: {"payment_no": f"2026{n:012d}"},
    "aggregate_report": lambda n: {
        "criminal_article": ARTICLES[n % len(ARTICLES)],
        "severity": str(n // len(ARTICLES) % 5),
    },
}
APART: dict[str, Callable[[int], Values]] = {
    "criminal_offence": lambda _: {},
    "pretrial_decision": lambda n: {"damage_recovered_kzt": f"{n % 90000}.50"},
    "civil_case": lambda n: {"state_fee_kzt": f"{15000 + n}.00"},
    "administrative_offence": lambda n: {"committed_at": f"2026-10-14T0{n % 9}:{n // 9 % 60:02d}:{n // 540 % 60:02d}"},
    "suspect": lambda n: {"iin": iin(n)},
    "victim": lambda n: {"iin": iin(n + 1)},
    "criminal_verdict": lambda n: {"erdr_number": f"26751101{n:07d}", "iin": iin(n)},
    "sentence_execution": lambda n: {"remaining_days": str(30 + n % 10_000)},
    "administrative_court_case": lambda n: {"claim_kzt": f"{500000 + n}.00"},
    "enforcement_proceeding": lambda n: {"enforcement_doc_no": f"N-{n:06d}", "debtor_iin": iin(n)},
    "administrative_decision": lambda n: {"protocol_no": f"2675{n:013d}"},
    "fine_payment": lambda n: {"decision_no": f"2675{n:014d}"},
    "aggregate_report": lambda _: {},
}
"""What keeps two records from being equal in all but the key (GEN-502)."""

COMPLETION: dict[str, Values] = {
    "M": {"correction_reason": "error_fixed"},
    "D": {"correction_reason": "duplicate"},
}


def record(form: str, number: int = 1, /, **changes: str) -> Values:
    """A valid record with the key of ``number``; ``action`` M and D get their reason."""
    given = RECORDS[form] | KEYS[form](number) | APART[form](number)
    return given | COMPLETION.get(changes.get("action", "I"), {}) | changes


def records(form: str, number: int, start: int = 1, /, **changes: str) -> list[Values]:
    return [record(form, n, **changes) for n in range(start, start + number)]


def period(form: str, day: date = DAY) -> tuple[date, date]:
    """First and last day of the period a package of ``day`` is for: the day, or for monthly forms the month before."""
    if form not in MONTHLY:
        return day, day
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def csv_bytes(names: Sequence[str], rows: Iterable[Mapping[str, str]], newline: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def jsonl_bytes(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def pack(
    folder: Path,
    catalogue: Catalogue,
    form: str,
    rows: Sequence[Mapping[str, str]] = (),
    *,
    content: bytes | None = None,
    sender: str | None = None,
    day: date = DAY,
    to: date | None = None,
    sequence: int = 1,
    encoding: str = "utf-8",
    kind: str = "csv",
    zipped: bool = False,
    at: datetime = NOW,
) -> Path:
    """Write a package into ``folder`` (made; its last part is the package's name) with a correct manifest.

    No ``rows`` and no ``content``: a nil report. ``kind`` is csv, csv.gz, jsonl or jsonl.gz. ``day`` gives the period
    as ``period`` has it, unless ``to`` ends it.
    """
    period_from, period_to = (day, to) if to else period(form, day)
    folder.mkdir(parents=True)
    declared = catalogue.forms[form]
    version = next(v for v in declared.versions if v.valid_on(period_to))
    if content is None and rows:
        names = [f.name for f in declared.fields_of(version.version)]
        content = csv_bytes(names, rows) if kind.startswith("csv") else jsonl_bytes(rows)
        content = content.decode().encode({"windows-1251": "cp1251"}.get(encoding, encoding))
    if content is not None:
        content = gzip.compress(content, mtime=0) if kind.endswith(".gz") else content
        (folder / f"records.{kind}").write_bytes(content)
    package.pack(
        folder,
        catalogue,
        form=form,
        subject=sender or SENDER[form],
        period_from=period_from,
        period_to=period_to,
        prepared_at=at,
        sequence=sequence,
        encoding=encoding,
        report_code=MONTHLY.get(form),
    )
    return zip_of(folder) if zipped else folder


def redeclare(path: Path, **changes: Any) -> Path:
    """Alter the manifest of a package: keys of the document, or of its payload as ``payload_<key>``."""
    place = path / MANIFEST_NAME
    document = json.loads(place.read_text())
    for name, value in changes.items():
        target, key = (document["payload"][0], name[8:]) if name.startswith("payload_") else (document, name)
        target[key] = value
    place.write_text(json.dumps(document))
    return path


def replace_payload(path: Path, content: bytes, *, records: int | None = None) -> Path:
    """Put other bytes in place of the payload and declare their true size and checksum."""
    (place,) = path.glob("records.*")
    place.write_bytes(content)
    changes: dict[str, Any] = {
        "payload_bytes": len(content),
        "payload_sha256": hashlib.sha256(content).hexdigest(),
    }
    return redeclare(path, **changes, **({} if records is None else {"payload_records": records}))


def zip_of(folder: Path) -> Path:
    path = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for entry in sorted(folder.iterdir()):
            container.write(entry, entry.name)
    return path
