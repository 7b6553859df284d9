"""Receiving: from the inbox into archive and ledger, exactly once, whatever happens in between.

A package is first claimed by a rename that gives it an arrival id, then archived, checked, and registered in one
transaction; claims that are registered are removed when the night is over. A crash at any point leaves a package in
the inbox or among the claims, and the next run finishes it: an arrival id in the ledger is not registered again.
Keep out reading records into ``raw`` (``load``) and judging them.
"""

import logging
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from polars.exceptions import PolarsError
from psycopg.types.json import Jsonb

from ingestion import durable, ledger, manifest, package
from ingestion.archive import Archive
from ingestion.contract import Catalogue
from ingestion.ledger import Event
from ingestion.manifest import Manifest, Refusal

LOCAL_TIME = ZoneInfo("Asia/Almaty")
BATCH = 250
TOGETHER_BYTES = 4 << 20
log = logging.getLogger(__name__)

Series = tuple[str, str, str | None, Any, Any]


@dataclass(frozen=True)
class Claim:
    """A package taken out of the inbox; ``folder`` is the inbox folder it lay in."""

    arrival_id: str
    folder: str
    name: str
    path: Path


@dataclass(frozen=True)
class Received:
    """What a run of intake did: numbers of packages by outcome."""

    registered: int = 0
    refused: int = 0
    held: int = 0
    resent: int = 0

    def __add__(self, other: "Received") -> "Received":
        return Received(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def waiting(inbox: Path) -> list[Path]:
    """Complete packages in the inbox, ordered by subject and name."""
    return sorted(
        entry
        for folder in (inbox.iterdir() if inbox.is_dir() else ())
        if folder.is_dir()
        for entry in folder.iterdir()
        if not entry.name.endswith(package.UNFINISHED) and not entry.name.startswith(".")
    )


@ledger.one_at_a_time(ledger.RECEIVING)
def receive(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    home: Path,
    now: Callable[[], datetime],
    *,
    simulated: bool = False,
) -> Received:
    """Take everything that lies in the inbox into archive and ledger.

    ``now`` gives the time of registration (aware). ``simulated`` marks submissions whose clock was set.
    """
    archive = Archive(home / "archive")
    total = Received()
    archive.clear()
    (home / "intake").mkdir(exist_ok=True)
    claims = iter([*_claims_left(connection, home), *_claim_all(home)])
    while batch := list(islice(claims, BATCH)):
        total += _register(connection, catalogue, archive, batch, now, simulated=simulated)
    return total


@ledger.one_at_a_time(ledger.RECEIVING)
def clear(connection: psycopg.Connection, home: Path) -> int:
    """Remove the claims that are registered, and so in the archive; how many.

    For the end of a night: a file system looks past what was removed a minute ago whenever it makes a file.
    """
    registered = _claims(connection, home)[1]
    durable.at_once(shutil.rmtree, registered)
    return len(registered)


def _claims(connection: psycopg.Connection, home: Path) -> tuple[list[Path], list[Path]]:
    """The folders of claims, in order: those that are not registered yet, and those that are."""
    names = sorted(path.name for path in (home / "intake").iterdir())
    own = {name.partition("~")[0]: name for name in names if "~" in name}
    registered = {
        row[0]
        for row in connection.execute(
            "select arrival_id from ledger.submissions where arrival_id = any(%(ids)s) union all "
            "select detail ->> 'arrival_id' from ledger.events "
            "where kind = 'resent' and detail ->> 'arrival_id' = any(%(ids)s)",
            {"ids": list(own)},
        )
    }
    sides: tuple[list[Path], list[Path]] = [], []
    for arrival_id, name in own.items():
        sides[arrival_id in registered].append(home / "intake" / name)
    return sides


def _claims_left(connection: psycopg.Connection, home: Path) -> Iterator[Claim]:
    """What a crash left claimed; a claim whose package had not followed yet is an empty folder."""
    for own in _claims(connection, home)[0]:
        arrival_id, _, folder = own.name.partition("~")
        for path in own.iterdir():
            yield Claim(arrival_id, folder, path.name, path)


def _claim_all(home: Path) -> Iterator[Claim]:
    for path in waiting(home / "inbox"):
        claim = Claim(_arrival_id(), path.parent.name, path.name, path)
        own = home / "intake" / f"{claim.arrival_id}~{claim.folder}"
        own.mkdir()
        yield replace(claim, path=path.rename(own / claim.name))


def _arrival_id() -> str:
    """Unique, and in the order of claiming: what a crash left behind is registered in the order it came."""
    return f"{time.time_ns():016x}{uuid.uuid4().hex[:16]}"


def _register(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    archive: Archive,
    claims: Sequence[Claim],
    now: Callable[[], datetime],
    *,
    simulated: bool,
) -> Received:
    """Archive and examine a batch of claims; then register them in one transaction."""
    moment = now().astimezone(LOCAL_TIME)
    examined = _examine(claims, archive, catalogue, moment.date())
    with connection.transaction():
        ledger.lock(connection)
        sound = [outcome.manifest for _, outcome, _ in examined if isinstance(outcome, package.Checked)]
        book = _Book(connection, catalogue, {declared.series for declared in sound})
        for claim, (arrived, outcome, declared) in zip(claims, examined, strict=True):
            facts = {
                "arrival_id": claim.arrival_id,
                "received_at": moment,
                "received_on": moment.date(),
                "inbox_folder": claim.folder,
                "package_name": package.printable(claim.name),
                "package_sha256": arrived.sha256,
                "archived": list(arrived.archived),
                "simulated": simulated,
            }
            if isinstance(outcome, Refusal):
                book.refuse(facts, outcome, declared)
            else:
                book.enter(facts, outcome, signed=manifest.SIGNATURE_NAME in arrived.files)
        return book.close()


Outcome = package.Checked | Refusal
Examined = tuple[package.Arrived, Outcome, Manifest | None]
Payloads = list[tuple[int, bytes, Manifest]]
READER_FAILURES = (AssertionError, ValueError, PolarsError)


def _examine(claims: Sequence[Claim], archive: Archive, catalogue: Catalogue, day: date) -> list[Examined]:
    """Archive packages and say what can be said of them without the ledger. The manifest of a refused package, where
    it can be read, goes into the ledger all the same."""
    limits = catalogue.rule("PKG-114", day).parameters
    arrived = [package.keep(claim.path, archive, limits) for claim in claims]
    archive.keep()
    outcomes: dict[int, Outcome] = {}
    together: Payloads = []
    size = 0
    for place, claim in enumerate(claims):
        try:
            declared = package.declare(arrived[place], archive, catalogue, sender=claim.folder, day=day)
            if declared.payload is None:
                outcomes[place] = package.Checked(declared, ())
                continue
            content = package.payload(arrived[place], archive, declared)
        except Refusal as refusal:
            outcomes[place] = refusal
            continue
        except READER_FAILURES as error:
            outcomes[place] = _unaccounted(claim, error)
            continue
        together.append((place, content, declared))
        size += len(content) * (1 if declared.payload.compression == "none" else limits["max_ratio"])
        if size > TOGETHER_BYTES:
            outcomes |= _check(together, claims, catalogue, day)
            together, size = [], 0
    outcomes |= _check(together, claims, catalogue, day)
    return [
        (one, outcomes[place], _declared(one, archive) if isinstance(outcomes[place], Refusal) else None)
        for place, one in enumerate(arrived)
    ]


def _check(together: Payloads, claims: Sequence[Claim], catalogue: Catalogue, day: date) -> dict[int, Outcome]:
    """What becomes of payloads, by the place of their claim; those of one form version are read together."""
    by_version: dict[tuple[str, str], Payloads] = {}
    for one in together:
        by_version.setdefault((one[2].form, one[2].form_version), []).append(one)
    found: dict[int, Outcome] = {}
    for (form, version), alike in by_version.items():
        payloads = [(content, declared.payload) for _, content, declared in alike if declared.payload]
        try:
            outcomes = package.check_payloads(catalogue.forms[form], version, payloads, catalogue, day)
        except READER_FAILURES as error:
            if len(alike) > 1:  # one of them: it must not stop the others
                for one in alike:
                    found |= _check([one], claims, catalogue, day)
                continue
            outcomes = [_unaccounted(claims[alike[0][0]], error)]
        for (place, _, declared), outcome in zip(alike, outcomes, strict=True):
            found[place] = outcome if isinstance(outcome, Refusal) else package.Checked(declared, outcome)
    return found


def _unaccounted(claim: Claim, error: Exception) -> Refusal:
    """A package that the reader cannot account for; what the error says may hold values and stays out of the log."""
    kind = type(error).__name__
    log.error("package of %s, arrival %s: reader failed with %s", claim.folder, claim.arrival_id, kind)
    return Refusal("PKG-101", "the reader could not account for every line of the file")


def _declared(arrived: package.Arrived, archive: Archive) -> Manifest | None:
    if manifest.MANIFEST_NAME not in arrived.files:
        return None
    try:
        return manifest.parse(archive.read(arrived.files[manifest.MANIFEST_NAME]))
    except Refusal:
        return None


@dataclass
class _Taken:
    """A sequence of a series that is taken, by which submission. ``waits``: held for a gap (PKG-126). ``withdraws``:
    the sequence it withdraws, unless it is a withdrawal whose signature cannot be verified."""

    seq: int
    sha256: str
    waits: bool
    withdraws: int | None


class _Book:
    """The identities taken so far in the series of a batch, and its rows and events to be written together."""

    def __init__(self, connection: psycopg.Connection, catalogue: Catalogue, series: Collection[Series]) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._next = ledger.head(connection).seq + 1
        self._rows: list[dict[str, Any]] = []
        self._events: list[Event] = []
        self._findings: list[tuple[Any, ...]] = []
        self._refused_late: list[tuple[str, str, str, int]] = []
        self._taken = _taken(connection, series)
        self._count = Received()

    def refuse(self, facts: dict[str, Any], refusal: Refusal, declared: Manifest | None) -> None:
        seq = self._add(facts, declared, refusal)
        self._events.append(Event(seq, "refused", facts["received_at"], self._catalogue.version))
        self._count = replace(self._count, refused=self._count.refused + 1)

    def enter(self, facts: dict[str, Any], checked: package.Checked, *, signed: bool) -> None:
        declared = checked.manifest
        taken = self._taken[declared.series]
        if declared.sequence in taken:
            first = taken[declared.sequence]
            if first.sha256 != facts["package_sha256"]:
                self.refuse(facts, Refusal("PKG-125", f"sequence {declared.sequence} is taken"), declared)
                return
            resent = {"arrival_id": facts["arrival_id"]}
            self._events.append(Event(first.seq, "resent", facts["received_at"], detail=resent))
            self._count = replace(self._count, resent=self._count.resent + 1)
            return
        unbroken = _unbroken(taken)
        held = None
        if signed:
            held = Refusal("PKG-110", "the signature cannot be verified yet")
        elif declared.sequence != unbroken + 1:
            held = Refusal("PKG-126", f"sequence {unbroken + 1} has not been received")
        elif refusal := _cannot_withdraw(taken, declared.withdraws):
            self.refuse(facts, refusal, declared)
            return
        seq = self._add(facts, declared, held)
        waits = held is not None and held.rule == "PKG-126"
        withdraws = declared.withdraws if held is None or waits else None
        taken[declared.sequence] = _Taken(seq, facts["package_sha256"], waits, withdraws)
        kind = "held" if held else "nil" if declared.nil_report else "registered"
        self._events.append(Event(seq, kind, facts["received_at"], self._catalogue.version))
        self._count = replace(
            self._count, held=self._count.held + bool(held), registered=self._count.registered + (not held)
        )
        self._remark(seq, declared, checked)
        if not held:
            self._release(taken, declared, facts["received_at"])

    def _release(self, taken: dict[int, _Taken], declared: Manifest, moment: datetime) -> None:
        """Filling a gap releases the followers in order (PKG-126). What a withdrawal may name is only known then: one
        that is refused gives its number free, and those after it wait on."""
        for sequence in range(declared.sequence + 1, _unbroken(taken) + 1):
            follower = taken[sequence]
            if not follower.waits:
                continue
            if refusal := _cannot_withdraw(taken, follower.withdraws):
                rule = self._catalogue.rule(refusal.rule, moment.date())
                why = {"rejection_code": rule.parameters["rejection_code"], "rule": rule.code, "said": refusal.detail}
                self._events.append(Event(follower.seq, "refused", moment, self._catalogue.version, why))
                self._refused_late.append((*why.values(), follower.seq))
                del taken[sequence]
                return
            follower.waits = False
            nil = self._is_nil(follower.seq)
            self._events.append(Event(follower.seq, "nil" if nil else "released", moment, self._catalogue.version))

    def _is_nil(self, seq: int) -> bool:
        if seq >= self._next - len(self._rows):
            return bool(self._rows[seq - (self._next - len(self._rows))]["nil_report"])
        row = self._connection.execute("select nil_report from ledger.submissions where seq = %s", [seq]).fetchone()
        return bool(row and row[0])

    def _remark(self, seq: int, declared: Manifest, checked: package.Checked) -> None:
        """What is worth a warning on the package itself (PKG-120 not comparable, PKG-129 closed period)."""
        if checked.incomparable_totals:
            self._findings.append((seq, declared, "PKG-120", {"fields": list(checked.incomparable_totals)}))
        closed = self._catalogue.closed_periods.get(declared.form)
        if closed and declared.period_to <= closed:
            self._findings.append((seq, declared, "PKG-129", {"closed_to": closed.isoformat()}))

    def _add(self, facts: dict[str, Any], declared: Manifest | None, refusal: Refusal | None) -> int:
        payload = declared.payload if declared else None
        rule = self._catalogue.rule(refusal.rule, facts["received_on"]) if refusal else None
        self._rows.append(
            {
                **{key: value for key, value in facts.items() if key != "simulated"},
                "subject": declared.subject if declared else None,
                "form": declared.form if declared else None,
                "form_version": declared.form_version if declared else None,
                "report_code": declared.report_code if declared else None,
                "period_from": declared.period_from if declared else None,
                "period_to": declared.period_to if declared else None,
                "sequence": declared.sequence if declared else None,
                "nil_report": declared.nil_report if declared else None,
                "prepared_at": declared.prepared_at if declared else None,
                "payload": {**vars(payload)} if payload else None,
                "withdraws": declared.withdraws if declared else None,
                "records_declared": (payload.records if payload else 0) if declared else None,
                "rejection_code": rule.parameters["rejection_code"] if rule else None,
                "rejection_rule": rule.code if rule else None,
                "rejection_detail": refusal.detail if refusal else None,
                "simulated": facts["simulated"],
            }
        )
        self._next += 1
        return self._next - 1

    def close(self) -> Received:
        """Write the batch; the caller's transaction makes it one deed."""
        ledger.append_submissions(self._connection, self._rows)
        numbers = ledger.append_events(self._connection, self._events)
        found_at = {event.submission_seq: number for event, number in zip(self._events, numbers, strict=True)}
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "insert into quality.findings "
                "(submission_seq, subject, form, period_from, period_to, rule, severity, found_seq, detail) "
                "values (%s, %s, %s, %s, %s, %s, 'warning', %s, %s)",
                [
                    (seq, m.subject, m.form, m.period_from, m.period_to, rule, found_at[seq], Jsonb(detail))
                    for seq, m, rule, detail in self._findings
                ],
            )
            cursor.executemany(
                "update ledger.progress set rejection_code = %s, rejection_rule = %s, rejection_detail = %s "
                "where submission_seq = %s",
                self._refused_late,
            )
        return self._count


def _taken(connection: psycopg.Connection, series: Collection[Series]) -> dict[Series, dict[int, _Taken]]:
    """What is taken in each series, by sequence."""
    found: dict[Series, dict[int, _Taken]] = {one: {} for one in series}
    places = list(found)
    rows = connection.execute(
        "select wanted.place, s.sequence, s.seq, s.package_sha256, p.state = 'held' and s.rejection_code = 'R26', "
        "case when s.rejection_code is distinct from 'R10' then s.withdraws end "
        "from unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::date[]) "
        "with ordinality as wanted (subject, form, report_code, period_from, period_to, place) "
        "join ledger.submissions s using (subject, form, period_from, period_to) "
        "join ledger.progress p on p.submission_seq = s.seq "
        "where s.report_code is not distinct from wanted.report_code "
        "and (s.rejection_code is null or s.rejection_code in ('R10', 'R26')) and p.state <> 'refused'",
        [list(column) for column in zip(*places, strict=True)] or [[]] * 5,
    )
    for place, sequence, *taken in rows:
        found[places[place - 1]][sequence] = _Taken(*taken)
    return found


def _cannot_withdraw(taken: Mapping[int, _Taken], sequence: int | None) -> Refusal | None:
    """Why the package of a sequence cannot be withdrawn once all before the withdrawal have come: it is itself a
    withdrawal, or withdrawn already. So it is decided in the order of sequences, whatever the order of arrival."""
    if sequence is None:
        return None
    if taken[sequence].withdraws is not None:
        return Refusal("PKG-102", f"withdraws: sequence {sequence} is a withdrawal; send its content again instead")
    for other, package_taken in taken.items():
        if package_taken.withdraws == sequence and not package_taken.waits:
            return Refusal("PKG-102", f"withdraws: sequence {sequence} is withdrawn already by sequence {other}")
    return None


def _unbroken(taken: Mapping[int, _Taken]) -> int:
    sequence = 0
    while sequence + 1 in taken:
        sequence += 1
    return sequence
