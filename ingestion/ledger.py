"""The ledger: registration of packages and what happens to them, chained by hash so that no change goes unseen.

Here belong the two append-only tables (``ledger.submissions``, ``ledger.events``), their projection
``ledger.progress``, the chain's head anchored in a daily checkpoint file, and the verification of all of it
(Art. 9(3), 11). Keep out what is in a package and what rules say about it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

P = ParamSpec("P")
R = TypeVar("R")
_Verb = Callable[Concatenate[psycopg.Connection, P], R]
GENESIS = "0" * 64
INTAKE_LOCK = (510, 2)
RECEIVING, JUDGING, ANSWERING = 3, 60, 61
HELD = ("R10", "R26")
STATE_AFTER = {
    "registered": "received",
    "released": "received",
    "refused": "refused",
    "held": "held",
    "nil": "nil",
    "loaded": "loaded",
    "withdrawal": "withdrawal",
    "withdrawn": "withdrawn",
}  # "judged" follows when the judgement is written down whole
LATER_COLUMNS = ("withdraws",)  # in the hash where they are filled: rows from before them keep theirs


@dataclass(frozen=True)
class Event:
    """One thing that happened to a submission; ``detail`` never holds a value of a record."""

    submission_seq: int
    kind: str
    at: datetime
    catalogue_version: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def lock(connection: psycopg.Connection) -> None:
    """Only one transaction at a time appends to the chains; held until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s, %s)", INTAKE_LOCK)


def one_at_a_time(work: int) -> Callable[[_Verb[P, R]], _Verb[P, R]]:
    """Let only one session at a time do a kind of ``work`` (its number), by a verb that commits what it does.

    Somebody may run a night while the schedule runs one; and what a killed process asked of the server goes on there
    until the statement ends, and may still be committed. The next session waits, and begins with what came of it.
    """

    def guard(verb: _Verb[P, R]) -> _Verb[P, R]:
        @wraps(verb)
        def alone(connection: psycopg.Connection, /, *args: P.args, **kwargs: P.kwargs) -> R:
            connection.execute("select pg_advisory_lock(510, %s)", [work])
            try:
                return verb(connection, *args, **kwargs)
            finally:
                if not connection.closed:
                    connection.rollback()
                    connection.execute("select pg_advisory_unlock(510, %s)", [work])
                    connection.commit()

        return alone

    return guard


def append_submissions(connection: psycopg.Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Chain and insert submissions (columns of the table without seq and hashes); returns their numbers."""
    numbered = list(_chained(connection, "ledger.submissions", rows))
    if numbered:
        columns = list(numbered[0])
        _insert(connection, "ledger.submissions", columns, numbered)
    return [row["seq"] for row in numbered]


def append_events(connection: psycopg.Connection, events: Iterable[Event]) -> list[int]:
    """Chain and insert events and move ``ledger.progress`` along; returns their numbers."""
    rows = [{**vars(event), "detail": dict(event.detail)} for event in events]
    numbered = list(_chained(connection, "ledger.events", rows))
    if numbered:
        _insert(connection, "ledger.events", list(numbered[0]), numbered)
        moved = {row["submission_seq"]: STATE_AFTER[row["kind"]] for row in numbered if row["kind"] in STATE_AFTER}
        connection.execute(
            "insert into ledger.progress (submission_seq, state) select * from unnest(%s::bigint[], %s::text[]) "
            "on conflict (submission_seq) do update set state = excluded.state where progress.state <> 'withdrawn'",
            [list(moved), list(moved.values())],
        )
    return [row["seq"] for row in numbered]


def _chained(connection: psycopg.Connection, table: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    last = connection.execute(f"select seq, hash from {table} order by seq desc limit 1").fetchone()
    seq, previous = last or (0, GENESIS)
    for row in rows:
        seq += 1
        numbered = {"seq": seq, **row, "prev_hash": previous}
        previous = row_hash(numbered)
        yield {**numbered, "hash": previous}


def _insert(
    connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    with connection.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row([Jsonb(v) if isinstance(v, dict | list) else v for v in (row[c] for c in columns)])


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 over a row's columns in canonical JSON (times in UTC), without its ``hash`` and what is derived."""
    plain = {
        key: _plain(value)
        for key, value in row.items()
        if key not in ("hash", "received_at_local") and not (key in LATER_COLUMNS and value is None)
    }
    canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True)
class Head:
    """The ends of both chains: an anchor to keep outside the database."""

    seq: int
    hash: str
    event_seq: int
    event_hash: str


def head(connection: psycopg.Connection) -> Head:
    """The chains' ends now; (0, zeros) for an empty one."""
    ends = [
        connection.execute(f"select seq, hash from ledger.{table} order by seq desc limit 1").fetchone() or (0, GENESIS)
        for table in ("submissions", "events")
    ]
    return Head(*ends[0], *ends[1])


def write_checkpoint(connection: psycopg.Connection, folder: Path, day: date) -> Path:
    """Anchor the chains' heads outside the database, one file a day: cutting off a tail is otherwise unseen."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}.json"
    part = path.with_suffix(".part")
    with part.open("w") as stream:
        json.dump(vars(head(connection)), stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path


def verify_chains(connection: psycopg.Connection, anchors: Iterable[tuple[str, Head]]) -> list[str]:
    """Every broken link of both chains, and every anchor they no longer contain (I3); empty when all is well.

    ``anchors`` are (where it was found, head) of checkpoint files and receipts.
    """
    faults = []
    hashes: dict[str, dict[int, str]] = {}
    for table in ("submissions", "events"):
        previous, seen = GENESIS, {0: GENESIS}
        with connection.transaction(), connection.cursor(name=f"verify_{table}", row_factory=dict_row) as cursor:
            cursor.execute(f"select * from ledger.{table} order by seq")
            for expected, row in enumerate(cursor, start=1):
                if row["seq"] != expected:
                    faults.append(f"ledger.{table}: row {expected} is missing")
                    break
                if row["prev_hash"] != previous or row["hash"] != row_hash(row):
                    faults.append(f"ledger.{table}: row {expected} was altered")
                    break
                previous = seen[expected] = row["hash"]
        hashes[table] = seen
    for where, anchor in anchors:
        for table, seq, digest in (
            ("submissions", anchor.seq, anchor.hash),
            ("events", anchor.event_seq, anchor.event_hash),
        ):
            if hashes[table].get(seq) != digest:
                faults.append(
                    f"{where}: ledger.{table} no longer holds row {seq} as anchored; its tail was cut or altered"
                )
    return faults
