"""The invariants that can be checked on a running warehouse: I1 archive, I2 counts, I3 ledger.

Here belong the checks behind ``zanstat verify``; each fault is a sentence that says what and where.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg

from expectations import receipt
from ingestion import ledger
from ingestion.archive import Archive, ArchiveDamaged
from ingestion.ledger import Head


def verify(connection: psycopg.Connection, home: Path) -> list[str]:
    """Every fault found; empty when all three invariants hold."""
    return [*_receipts_stand(connection, home), *_records_balance(connection), *_ledger_stands(connection, home)]


def _receipts_stand(connection: psycopg.Connection, home: Path) -> Iterator[str]:
    """I1: a receipt exists => its bytes are in the archive under their sha256, and the ledger row stands."""
    archive = Archive(home / "archive")
    archived: dict[int, list[str]] = {
        seq: [item["sha256"] for item in items]
        for seq, items in connection.execute("select seq, archived from ledger.submissions")
    }
    for seq, digests in archived.items():
        for sha256 in digests:
            try:
                archive.read(sha256)
            except ArchiveDamaged as damage:
                yield f"I1: submission {seq}: {damage}"
    for name, head in receipt.anchors(home):
        if head.seq not in archived:
            yield f"I1: {name}: the ledger has no submission {head.seq}"


def _records_balance(connection: psycopg.Connection) -> Iterator[str]:
    """I2: declared = unreadable + quarantined + accepted, and accepted records are really there."""
    rows = connection.execute(
        "select submission_seq from quality.submissions "
        "where verdict in ('accepted', 'partly_accepted', 'quarantined') "
        "and (records_declared <> records_unreadable + records_quarantined + records_accepted or records_accepted < 0)"
    )
    for (seq,) in rows.fetchall():
        yield f"I2: submission {seq}: declared records are not unreadable + quarantined + accepted"
    forms = connection.execute(
        "select distinct form from ledger.submissions s where exists ("
        "select from information_schema.tables where table_schema = 'raw' and table_name = s.form)"
    ).fetchall()
    for (form,) in forms:
        missing = connection.execute(
            f"select p.submission_seq from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
            f"left join (select submission_seq, count(*) as stored from raw.{form} group by 1) r "
            f"on r.submission_seq = p.submission_seq "
            f"where s.form = %s and p.state in ('loaded', 'judged', 'withdrawn') "
            f"and p.records_read - p.records_unreadable <> coalesce(r.stored, 0)",
            [form],
        ).fetchall()
        for (seq,) in missing:
            yield f"I2: submission {seq}: raw.{form} does not hold the records that were read"


def _ledger_stands(connection: psycopg.Connection, home: Path) -> Iterator[str]:
    """I3: both chains verify and still contain everything anchored in receipts and checkpoint files."""
    checkpoints = [
        (path.name, Head(**json.loads(path.read_text()))) for path in sorted((home / "checkpoints").glob("*.json"))
    ]
    for fault in ledger.verify_chains(connection, [*checkpoints, *receipt.anchors(home)]):
        yield f"I3: {fault}"
