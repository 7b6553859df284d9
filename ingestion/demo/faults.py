"""What can be wrong with a package as a whole: each fault names its rule and how it changes what is sent.

Here belongs everything a sender can do to a package that keeps it from being loaded, or has it held. Keep out what is
wrong with records (``flaws``), and when a package is sent again (``plan``, ``writing``).
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ingestion.contract import Catalogue
from ingestion.demo.model import Package
from ingestion.demo.world import NEVER_SENDS


@dataclass
class Draft:
    """A package about to be written on a day: the inbox it is laid in, its manifest, its files by name, and the folder
    ``inside`` the archive that is around them."""

    package: Package
    catalogue: Catalogue
    day: date
    inbox: str
    manifest: dict[str, Any]
    files: dict[str, bytes]
    is_zip: bool
    inside: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        """What the manifest says of the one file of records."""
        stated: dict[str, Any] = self.manifest["payload"][0]
        return stated


@dataclass(frozen=True)
class Fault:
    """A way to spoil a package: ``columns`` and ``content`` change the payload before the manifest states it, ``spoil``
    what is sent in the end. The package is sent again, whole, on the next day, unless it ``waits`` for another and is
    released, or is sound and the fault ``follows`` on the next day, its sequence higher by so much. ``variant``: how it
    is packed."""

    rule: str
    spoil: Callable[[Draft], None] = lambda _: None
    columns: Callable[[list[str]], list[str]] = lambda names: names
    content: Callable[[bytes], bytes] = lambda content: content
    applies: Callable[[Package, Catalogue], bool] = lambda *_: True
    waits: bool = False
    follows: int | None = None
    variant: str = "plain"

    @property
    def is_harmless(self) -> bool:
        """Whether the package is accepted all the same."""
        return self.waits or self.follows is not None


def _stated(**changes: object) -> Callable[[Draft], None]:
    """The manifest says otherwise."""
    return lambda draft: draft.manifest.update(changes)


def _payload_stated(**changes: object) -> Callable[[Draft], None]:
    """The manifest says otherwise of the payload."""
    return lambda draft: draft.payload.update(changes)


def _tomorrow(draft: Draft) -> None:
    """The manifest states a day that has not come."""
    day = (draft.day + timedelta(days=1)).isoformat()
    draft.manifest["period"] = {"from": day, "to": day}


def _a_day_more(draft: Draft) -> None:
    """The manifest states a period that begins a day early."""
    draft.manifest["period"]["from"] = (draft.package.starts - timedelta(days=1)).isoformat()


def _without_its_time(draft: Draft) -> None:
    del draft.manifest["prepared_at"]


def _closed(package: Package, catalogue: Catalogue) -> str | None:
    """A body that is not active in the period of a package."""
    subjects = catalogue.subjects.values()
    return next((s.code for s in subjects if not s.active(package.starts, package.period)), None)


def _as_closed_body(draft: Draft) -> None:
    draft.inbox = draft.manifest["subject"] = _closed(draft.package, draft.catalogue) or ""


def _from_another_inbox(draft: Draft) -> None:
    """Laid in the inbox of a body that does not owe the form."""
    others = (s for s in draft.catalogue.subjects.values() if s.kind not in draft.package.form.submitter_kinds)
    draft.inbox = next(s.code for s in others if s.active(draft.day, draft.day) and s.code != NEVER_SENDS)


def _of_another_kind(draft: Draft) -> None:
    kind = draft.package.subject.kind
    draft.manifest["form"] = next(f.name for f in draft.catalogue.forms.values() if kind not in f.submitter_kinds)


def _one_more(draft: Draft) -> None:
    draft.payload["records"] += 1


def _has_totals(package: Package, _: Catalogue) -> bool:
    return bool(package.form.control_total_fields)


def _totals_off(draft: Draft) -> None:
    totals = draft.payload["control_totals"]
    draft.payload["control_totals"] = {name: f"{Decimal(total) + 1000:.2f}" for name, total in totals.items()}


def _notes_beside(draft: Draft) -> None:
    draft.files["notes.txt"] = b"sent by the duty officer\n"


def _folder_zipped(draft: Draft) -> None:
    """The folder was packed rather than what is in it."""
    draft.is_zip, draft.inside = True, f"{draft.package.name}/"


def _no_payload(draft: Draft) -> None:
    draft.manifest["payload"] = []
    draft.files = {}


def _prepared_anew(draft: Draft) -> None:
    draft.manifest["prepared_at"] = f"{draft.day}T00:30:00+05:00"


def _with_signature(draft: Draft) -> None:
    draft.files["manifest.json.p7s"] = b"signature\n"


def _padded(content: bytes) -> bytes:
    """Blank lines without end, as an export writes that counts its rows wrongly."""
    plain = gzip.decompress(content)
    return gzip.compress(plain + b"\n" * (400 * len(content) + 1_000_000), mtime=0)


def _without_a_column(names: list[str]) -> list[str]:
    return [*names[:-3], *names[-2:]]


FAULTS = {
    "damaged": Fault("PKG-101", content=lambda content: content[: len(content) * 2 // 3], variant="gzip"),
    "incomplete_manifest": Fault("PKG-102", _without_its_time),
    "manifest_version": Fault("PKG-103", _stated(manifest_version="2")),
    "unknown_subject": Fault("PKG-104", _stated(subject="XX-00")),
    "closed_subject": Fault("PKG-105", _as_closed_body, applies=lambda *known: _closed(*known) is not None),
    "unknown_form": Fault("PKG-106", _stated(form="traffic_accident")),
    "unassigned_form": Fault("PKG-107", _of_another_kind),
    "foreign_subject": Fault("PKG-108", _from_another_inbox),
    "signed": Fault("PKG-110", _with_signature, follows=1),
    "wrong_checksum": Fault("PKG-111", _payload_stated(sha256="0" * 64)),
    "extra_file": Fault("PKG-112", _notes_beside),
    "zipped_folder": Fault("PKG-113", _folder_zipped),
    "padded": Fault("PKG-114", content=_padded, variant="gzip"),
    "bad_encoding": Fault("PKG-115", content=lambda content: content.replace(b"\n", b"\n\xc8", 1)),
    "missing_column": Fault("PKG-116", columns=_without_a_column),
    "unknown_column": Fault("PKG-117", columns=lambda names: [*names, "note"]),
    "repeated_column": Fault("PKG-118", columns=lambda names: [*names, names[-1]]),
    "wrong_count": Fault("PKG-119", _one_more),
    "wrong_control_total": Fault("PKG-120", _totals_off, applies=_has_totals),
    "future_period": Fault("PKG-121", _tomorrow),
    "two_periods": Fault("PKG-122", _a_day_more),
    "form_version": Fault("PKG-123", _stated(form_version="2025.1")),
    "resent_unchanged": Fault("PKG-124", follows=0),
    "number_taken": Fault("PKG-125", _prepared_anew, follows=0),
    "sequence_gap": Fault("PKG-126", waits=True),
    "empty": Fault("PKG-127", _no_payload),
    "nil_with_records": Fault("PKG-128", _stated(nil_report=True)),
    "excluded_form": Fault("PKG-130", _stated(form="operative_record")),
}
