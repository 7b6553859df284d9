"""Loading: what was registered for a form and not yet loaded, COPYed into ``raw`` in one transaction.

Here belong reading from the archive, replacing direct identifiers by keyed tokens, COPY, and the event
``loaded``. Keep out judging: what is loaded and not judged is invisible to the marts.
"""

import hmac
import logging
import secrets
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ingestion import ledger, reader, tables
from ingestion.archive import Archive, ArchiveDamaged
from ingestion.contract import Catalogue, Form
from ingestion.ledger import Event
from ingestion.manifest import Manifest, Payload, Refusal

CHUNK_BYTES = 32 << 20
USUAL_RATIO = 10  # of text to its gzip
PIECES_AHEAD = 8  # more than a slice of typed records makes: the server is not to wait while the next is typed
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """Packages and records loaded; ``failed`` numbers submissions whose archived bytes could not be read."""

    packages: int = 0
    records: int = 0
    unreadable: int = 0
    failed: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Waiting:
    seq: int
    received_on: date
    declared: Manifest


@dataclass(frozen=True)
class TokenKey:
    """The key that turns an IIN into a token; it stays outside the database (an unkeyed hash is reversible)."""

    key_id: str
    secret: bytes

    def token(self, identifier: str) -> str:
        return hmac.digest(self.secret, identifier.encode(), "sha256").hex()


def token_key(home: Path) -> TokenKey:
    """The current key under ``home/keys``, made on first use; readable by its owner only."""
    folder = home / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "token-1.key"
    if not path.exists():
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        part.touch(mode=0o600)
        part.write_bytes(secrets.token_bytes(32))
        with suppress(FileExistsError):  # another process made it first
            path.hardlink_to(part)
        part.unlink()
    return TokenKey(path.stem, path.read_bytes())


def load(
    connection: psycopg.Connection, catalogue: Catalogue, form: Form, home: Path, day: date, now: datetime
) -> Loaded:
    """COPY every registered package of a form received up to ``day`` into ``raw`` (all of them or none).

    Loading again changes nothing: a package leaves the state ``received`` in the same transaction.
    """
    key = token_key(home)
    archive = Archive(home / "archive")
    failed: list[int] = []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(510, 4)")
        waiting = _waiting(connection, form, day)
        for received_on in sorted({w.received_on for w in waiting}):
            connection.execute(tables.partition(form, received_on))
        counts: dict[int, tuple[int, int]] = {}
        for version, day_of_receipt, batch in _batches(waiting):
            contents, damaged = _contents(archive, batch)
            failed += damaged
            structured = _structured(contents, form, version, catalogue, day_of_receipt)
            for item, one in structured:
                counts[item.seq] = (one.records, len(one.unreadable))
                _keep_unreadable(connection, form, item, one.unreadable)
            if structured:
                typed = reader.type_records(_together(structured), form, version, catalogue, day_of_receipt)
                _copy(connection, form, typed, version, {item.seq: item.received_on for item in batch}, key)
        ledger.lock(connection)
        ledger.append_events(
            connection,
            [
                Event(seq, "loaded", now, catalogue.version, {"records": r, "unreadable": u})
                for seq, (r, u) in counts.items()
            ],
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "update ledger.progress set records_read = %s, records_unreadable = %s where submission_seq = %s",
                [(read, unread, seq) for seq, (read, unread) in counts.items()],
            )
    if counts:
        # Without fresh statistics the planner takes a night of new rows for a handful and loops over them: a suite
        # over 25,000 records took minutes.
        months = {tables.partition_name(form, item.received_on) for item in waiting}
        connection.execute(f"analyze {', '.join(sorted(months))}, ledger.submissions, ledger.progress")
    return Loaded(
        packages=len(counts),
        records=sum(read for read, _ in counts.values()),
        unreadable=sum(unread for _, unread in counts.values()),
        failed=tuple(failed),
    )


def flags_by(
    connection: psycopg.Connection,
    received_by: Catalogue,
    read_by: Catalogue,
    form: str,
    home: Path,
    submissions: Sequence[int],
) -> Iterator[pl.DataFrame]:
    """What another catalogue's reader would note about packages that were loaded, from their archived bytes.

    Gives ``submission_seq``, ``line`` and ``flags`` of the records it notes something about. The bytes are taken apart
    by the catalogue they were received by; a field that was not in them yet is empty.
    """
    archive, as_read = Archive(home / "archive"), read_by.forms[form]
    for version, day, batch in _batches(_registered(connection, "s.seq = any(%s)", [list(submissions)])):
        contents, _ = _contents(archive, batch)
        structured = _structured(contents, received_by.forms[form], version, received_by, day)
        if structured:
            together = _together(structured)
            new = [f.name for f in as_read.fields_of(version) if f.name not in together.columns]
            together = together.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in new)
            for part in reader.type_records(together, as_read, version, read_by, day):
                yield part.select(reader.SUBMISSION, reader.LINE, "flags").filter(pl.col("flags").is_not_null())


def _waiting(connection: psycopg.Connection, form: Form, day: date) -> list[_Waiting]:
    condition = "p.state = 'received' and s.form = %s and s.received_on <= %s and s.withdraws is null"
    return _registered(connection, condition, [form.name, day])


def _registered(connection: psycopg.Connection, condition: str, values: Sequence[Any]) -> list[_Waiting]:
    rows = connection.execute(
        "select s.seq, s.received_on, s.subject, s.form, s.form_version, s.report_code, s.period_from, s.period_to, "
        "s.sequence, s.nil_report, s.prepared_at, s.withdraws, s.payload "
        "from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
        f"where {condition} order by s.form_version, s.received_on, s.seq",
        values,
    ).fetchall()
    return [_Waiting(seq, on, _declared(head, payload)) for seq, on, *head, payload in rows]


def _declared(head: list[Any], payload: dict[str, Any]) -> Manifest:
    names = [name for name in Manifest.__dataclass_fields__ if name != "payload"]
    return Manifest(**dict(zip(names, head, strict=True)), payload=Payload(**payload))


def _batches(waiting: list[_Waiting]) -> Iterator[tuple[str, date, list[_Waiting]]]:
    """Whole packages of one form version and day of receipt, together up to ``CHUNK_BYTES`` of payload."""
    for (version, day), alike in groupby(waiting, key=lambda w: (w.declared.form_version, w.received_on)):
        batch: list[_Waiting] = []
        size = 0
        for item in alike:
            batch.append(item)
            size += _size(item.declared.payload)
            if size >= CHUNK_BYTES:
                yield version, day, batch
                batch, size = [], 0
        if batch:
            yield version, day, batch


def _size(payload: Payload | None) -> int:
    """About how many bytes of text a payload holds."""
    if payload is None:
        return 0
    return payload.bytes * (1 if payload.compression == "none" else USUAL_RATIO)


def _contents(archive: Archive, batch: list[_Waiting]) -> tuple[list[tuple[_Waiting, bytes]], list[int]]:
    """The payloads of a batch, and the numbers of the submissions whose bytes the archive no longer has."""
    contents, damaged = [], []
    for item in batch:
        assert item.declared.payload is not None
        try:
            contents.append((item, archive.read(item.declared.payload.sha256)))
        except ArchiveDamaged as damage:
            log.error("submission %s: %s", item.seq, damage)
            damaged.append(item.seq)
    return contents, damaged


def _structured(
    contents: list[tuple[_Waiting, bytes]], form: Form, version: str, catalogue: Catalogue, day: date
) -> list[tuple[_Waiting, reader.Structured]]:
    """The packages taken apart; ``contents`` is emptied. Raises ``Refusal`` where intake would have refused one."""
    payloads = [(content, item.declared.payload) for item, content in contents if item.declared.payload]
    items = [item for item, _ in contents]
    contents.clear()
    limits = catalogue.rule("PKG-114", day).parameters
    taken_apart = []
    for item, outcome in zip(items, reader.structure_all(payloads, form.fields_of(version), limits), strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        taken_apart.append((item, outcome))
    return taken_apart


def _together(structured: list[tuple[_Waiting, reader.Structured]]) -> pl.DataFrame:
    """The cells of many packages, each with the number of its submission; ``structured`` is emptied."""
    numbers = [pl.Series(reader.SUBMISSION, [item.seq]).new_from_index(0, one.cells.height) for item, one in structured]
    cells = pl.concat([one.cells for _, one in structured]) if len(structured) > 1 else structured[0][1].cells
    structured.clear()
    return cells.insert_column(0, pl.concat(numbers))


def _keep_unreadable(
    connection: psycopg.Connection, form: Form, item: _Waiting, lines: Sequence[reader.Unreadable]
) -> None:
    if not lines:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.unreadable (submission_seq, line, received_on, form, reason, content) "
            "values (%s, %s, %s, %s, %s, %s)",
            [(item.seq, u.line, item.received_on, form.name, u.reason, u.content) for u in lines],
        )


def _copy(
    connection: psycopg.Connection,
    form: Form,
    records: Iterable[pl.DataFrame],
    version: str,
    days: dict[int, date],
    key: TokenKey,
) -> None:
    received = pl.DataFrame({reader.SUBMISSION: list(days), "received_on": [f"{day}" for day in days.values()]})
    columns = list(tables.raw_columns(form, version))
    with (
        closing(_ahead(_csv(records, form, version, received, key, columns))) as pieces,
        connection.cursor() as cursor,
        cursor.copy(f"copy raw.{form.name} ({', '.join(columns)}) from stdin (format csv)") as copy,
    ):
        for piece in pieces:
            copy.write(piece)


def _csv(
    records: Iterable[pl.DataFrame],
    form: Form,
    version: str,
    received: pl.DataFrame,
    key: TokenKey,
    columns: list[str],
) -> Iterator[bytes]:
    identifiers = [field.name for field in form.fields_of(version) if field.is_direct_identifier]
    for part in records:
        frame = part.join(received, on=reader.SUBMISSION, how="left", maintain_order="left").with_columns(
            pl.lit(version).alias("form_version"),
            (pl.lit("{") + pl.col("flags").list.join(",") + pl.lit("}")).alias("flags"),
            *(_tokens(part[name], key) for name in identifiers),
            *([pl.lit(key.key_id).alias("token_key_id")] if identifiers else []),
        )
        for piece in frame.select(columns).iter_slices(20_000):
            yield piece.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S").encode()


def _ahead(pieces: Iterator[bytes]) -> Generator[bytes]:
    """The same pieces, made in a thread a little ahead: this machine types while the server stores."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        ready: deque[Future[bytes | None]] = deque(pool.submit(next, pieces, None) for _ in range(PIECES_AHEAD))
        while (piece := ready.popleft().result()) is not None:
            ready.append(pool.submit(next, pieces, None))
            yield piece


def _tokens(identifiers: pl.Series, key: TokenKey) -> pl.Series:
    tokens: dict[Any, str] = {value: key.token(value) for value in identifiers.drop_nulls().unique()}
    return identifiers.replace_strict(tokens, default=None, return_dtype=pl.String).alias(f"{identifiers.name}_token")
