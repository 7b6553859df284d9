"""The answer to a subject: a numbered snapshot of what became of a package, as JSON and as a readable page.

A receipt goes only to the outbox of the folder the package came from, and holds no value of any record: line,
field, rule, article, and what to do in Kazakh, Russian and English. It ends with a closing record even when
clean. Here belong building and issuing receipts; what they report is decided elsewhere.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from psycopg.rows import dict_row

from ingestion import durable, ledger
from ingestion.contract import LANGUAGES, Catalogue, Rule
from ingestion.ledger import Head

RECEIPT_VERSION = "1"
SHOWN_FINDINGS = 500
BATCH = 200


@dataclass(frozen=True)
class _Due:
    """A submission whose last event is not answered yet."""

    seq: int
    event_seq: int
    issue: int

    @property
    def name(self) -> str:
        return f"{self.seq}_{self.issue}.receipt.json"


ANSWERED = "select coalesce(max(event_seq), 0) from ledger.receipts"
"""The last event answered. Receipts are issued in the order of the events they answer, and recorded a batch at a time:
so no event up to that one waits for an answer, wherever a run was cut off."""

DUE = (
    "with latest as (select submission_seq, max(seq) as event_seq from ledger.events "
    "where seq > %s and kind not in ('resent', 'loaded') group by 1) "
    "select submission_seq, event_seq, "
    "1 + coalesce((select max(issue) from ledger.receipts r where r.submission_seq = latest.submission_seq), 0) "
    "from latest order by event_seq"
)
RESENT = (
    "select distinct on (r.submission_seq) r.submission_seq, r.event_seq, r.issue, s.inbox_folder "
    "from ledger.receipts r join ledger.submissions s on s.seq = r.submission_seq "
    "where r.submission_seq in (select submission_seq from ledger.events where seq > %s and kind = 'resent') "
    "order by r.submission_seq, r.issue desc"
)


@ledger.one_at_a_time(ledger.ANSWERING)
def issue_due(connection: psycopg.Connection, catalogue: Catalogue, home: Path) -> int:
    """Write every receipt that is due and record it; returns how many.

    A crash in between writes the same file again: the content depends on the ledger alone. A package that was
    sent again unchanged gets the receipt it already has. It costs what is new, whatever was answered before.
    """
    answered = connection.execute(ANSWERED).fetchone()
    due = [_Due(*row) for row in connection.execute(DUE, answered)]
    # Asked after what is due: a repetition that comes in between must not be passed over.
    resent = [(_Due(*row), folder) for *row, folder in connection.execute(RESENT, answered)]
    if lost := [item for item, folder in resent if not (home / "outbox" / folder / item.name).exists()]:
        _issue(connection, catalogue, home, lost)
    for start in range(0, len(due), BATCH):
        _issue(connection, catalogue, home, due[start : start + BATCH])
    return len(due)


def _issue(connection: psycopg.Connection, catalogue: Catalogue, home: Path, due: Sequence[_Due]) -> None:
    receipts = dict(
        build(connection, catalogue, [item.seq for item in due], {item.seq: item.event_seq for item in due})
    )
    written = []
    issued: dict[Path, list[tuple[_Due, dict[str, Any]]]] = {}
    contents: dict[Path, bytes] = {}
    pages: dict[Path, bytes] = {}
    for item in due:
        folder, receipt = receipts[item.seq]
        path = home / "outbox" / folder / item.name
        contents[path] = json.dumps(receipt, ensure_ascii=False).encode()
        pages[path.with_suffix(".html")] = _page(receipt, catalogue).encode()
        issued.setdefault(path.parent, []).append((item, receipt))
        written.append((item.seq, item.issue, item.event_seq, hashlib.sha256(contents[path]).hexdigest()))
    durable.write(contents, to_stay=True)  # page and index can be made from it again
    indexes = {outbox / "index.json": _index(outbox, answers) for outbox, answers in issued.items()}
    durable.write(pages | indexes, to_stay=False)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into ledger.receipts (submission_seq, issue, event_seq, sha256) values (%s, %s, %s, %s) "
            "on conflict do nothing",
            written,
        )


def build(
    connection: psycopg.Connection, catalogue: Catalogue, submissions: list[int], event_of: Mapping[int, int]
) -> Iterable[tuple[int, tuple[str, dict[str, Any]]]]:
    """(submission, (inbox folder, receipt)) as of now; ``event_of`` gives the event each receipt answers."""
    with connection.cursor(row_factory=dict_row) as cursor:
        heads = cursor.execute(
            "select q.*, s.inbox_folder, s.report_code, s.hash, by.sequence as withdrawn_by_sequence, "
            "coalesce(p.rejection_rule, s.rejection_rule) as rejection_rule, "
            "coalesce(p.rejection_detail, s.rejection_detail) as rejection_detail, "
            "p.records_read, (select max(seq) from ledger.submissions) as head_seq "
            "from quality.submissions q join ledger.submissions s on s.seq = q.submission_seq "
            "join ledger.progress p on p.submission_seq = s.seq "
            "left join ledger.submissions by on by.seq = p.withdrawn_by "
            "where q.submission_seq = any(%s) order by q.submission_seq",
            [submissions],
        ).fetchall()
        events = {
            row["seq"]: row
            for row in cursor.execute(
                "select seq, hash, at from ledger.events where seq = any(%s)", [list(event_of.values())]
            )
        }
        found: dict[int, list[dict[str, Any]]] = {seq: [] for seq in submissions}
        cursor.execute(
            "select submission_seq, line, field, rule, severity, null as detail from quality.violations "
            "where submission_seq = any(%(seqs)s) and cleared_seq is null "
            "union all select submission_seq, null, null, rule, severity, null from quality.findings "
            "where submission_seq = any(%(seqs)s) and cleared_seq is null "
            "union all select submission_seq, null, 'measure', unnest(rules), 'error', "
            "concat_ws(' ', report_code, measure, territory, article, severity) from quality.reconciliation "
            "where submission_seq = any(%(seqs)s) and line is null and not exists (select from ledger.progress p "
            "where p.submission_seq = reconciliation.submission_seq and p.withdrawn_seq is not null) "
            "order by 1, 2 nulls first, 4, 3, 6",
            {"seqs": submissions},
        )
        for row in cursor:
            found[row["submission_seq"]].append(row)
        codes = {row["rule"] for rows in found.values() for row in rows} | {head["rejection_rule"] for head in heads}
        dropped = dropped_rules(cursor, codes - catalogue.versions.keys() - {None})
    for head in heads:
        seq = head["submission_seq"]
        yield seq, (head["inbox_folder"], _receipt(head, found[seq], events[event_of[seq]], catalogue, dropped))


def dropped_rules(cursor: psycopg.Cursor[dict[str, Any]], codes: set[str]) -> dict[str, Rule]:
    """Rules that the catalogue no longer has, as they were last published: what was judged by them stands."""
    if not codes:
        return {}
    rows = cursor.execute(
        "select distinct on (rule) * from quality.rules where rule = any(%s) order by rule, valid_from desc, form",
        [list(codes)],
    )
    return {
        row["rule"]: Rule(
            code=row["rule"],
            fields=tuple(row["fields"].split("|")),
            statement=row["statement_en"],
            message={language: row[f"message_{language}"] for language in LANGUAGES},
            holds=None,
            **{name: row[name] for name in ("form", "level", "dimension", "severity", "law_ref", "parameters")},
            **{name: row[name] for name in ("valid_from", "valid_to", "source")},
        )
        for row in rows
    }


def _receipt(
    head: Mapping[str, Any],
    found: list[dict[str, Any]],
    event: Mapping[str, Any],
    catalogue: Catalogue,
    dropped: Mapping[str, Rule],
) -> dict[str, Any]:
    def rule(code: str) -> Rule:
        return dropped.get(code) or catalogue.rule(code, head["received_on"])

    findings = [_finding(row["line"], row["field"], rule(row["rule"]), row["severity"], row["detail"]) for row in found]
    if head["rejection_rule"] and head["verdict"] in ("refused", "held"):
        findings.insert(0, _finding(None, None, rule(head["rejection_rule"]), "refuse", head["rejection_detail"]))
    own = head["rejection_rule"] != "PKG-108"  # a foreign subject's name is not for the sender's outbox
    return {
        "receipt_version": RECEIPT_VERSION,
        "submission": {
            "seq": head["submission_seq"],
            "subject": head["subject"] if own else None,
            "form": head["form"] if own else None,
            "report_code": head["report_code"] if own else None,
            "period": {"from": str(head["period_from"]), "to": str(head["period_to"])}
            if head["period_from"] and own
            else None,
            "sequence": head["sequence"] if own else None,
            "withdraws": head["withdraws"] if own else None,
            "withdrawn_by": head["withdrawn_by_sequence"],
            "received_at": head["received_at"].isoformat(timespec="seconds"),
            "simulated": head["simulated"],
        },
        "verdict": head["verdict"],
        "rejection_code": head["rejection_code"] if head["verdict"] in ("refused", "held") else None,
        "records": {
            "declared": head["records_declared"],
            "unreadable": head["records_unreadable"],
            "quarantined": head["records_quarantined"],
            "accepted": head["records_accepted"],
        },
        "catalogue_version": head["catalogue_version"] or catalogue.version,
        "findings": findings,
        "ledger": {
            "seq": head["submission_seq"],
            "hash": head["hash"],
            "event_seq": event["seq"],
            "event_hash": event["hash"],
        },
        "closing": {"findings": len(findings), "answered_at": event["at"].isoformat(timespec="seconds")},
    }


def _finding(
    line: int | None, field: str | None, rule: Rule, severity: str, detail: str | None = None
) -> dict[str, Any]:
    finding = {
        "line": line,
        "field": field,
        "rule": rule.code,
        "severity": severity,
        "dimension": rule.dimension,
        "law_ref": rule.law_ref,
        "message": dict(rule.message),
    }
    return finding | {"detail": detail} if detail else finding


class _Pages(Environment):
    """Pages are told dicts: an item is looked for first, not after an attribute that is not there."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return obj[attribute] if isinstance(obj, dict) and attribute in obj else super().getattr(obj, attribute)


@cache
def template(name: str) -> Template:
    """A page of this room; what is put into it is escaped."""
    environment = _Pages(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True), trim_blocks=True
    )
    return environment.get_template(name)


def _page(receipt: Mapping[str, Any], catalogue: Catalogue) -> str:
    by_rule = Counter((f["rule"], f["severity"], f["field"] or "") for f in receipt["findings"])
    of_rule = {f["rule"]: f for f in receipt["findings"]}
    summary = [
        {
            "rule": rule,
            "severity": severity,
            "field": field,
            "count": count,
            "label": _label(receipt, field, catalogue),
            "law_ref": of_rule[rule]["law_ref"],
            "message": of_rule[rule]["message"],
        }
        for (rule, severity, field), count in sorted(by_rule.items())
    ]
    return template("receipt.html").render(
        receipt=receipt,
        summary=summary,
        shown=receipt["findings"][:SHOWN_FINDINGS],
        languages=LANGUAGES,
        rejection=_rejection(receipt, catalogue),
        form=catalogue.forms.get(receipt["submission"]["form"] or ""),
    )


def _label(receipt: Mapping[str, Any], field: str, catalogue: Catalogue) -> Mapping[str, str]:
    form = catalogue.forms.get(receipt["submission"]["form"] or "")
    return form.column(field).label if form and field in form.field_names else {}


def _rejection(receipt: Mapping[str, Any], catalogue: Catalogue) -> Mapping[str, str] | None:
    codes = {code.code: code.label for code in catalogue.code_lists["rejection_code"]}
    return codes.get(receipt["rejection_code"] or "")


def _index(outbox: Path, issued: list[tuple[_Due, dict[str, Any]]]) -> bytes:
    """``index.json``: identity of a package -> its newest receipt. A refused package takes no identity, so it never
    covers the receipt of one that has it (a conflict, R25): it stands beside it under its ledger number."""
    path = outbox / "index.json"
    index: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for item, receipt in issued:
        key = identity(receipt["submission"])
        known = index.get(key)
        if (
            receipt["verdict"] == "refused"
            and known
            and known["verdict"] != "refused"
            and not known["receipt"].startswith(f"{item.seq}_")
        ):
            key = f"{key} refused {item.seq}"
        index[key] = {
            "receipt": item.name,
            "verdict": receipt["verdict"],
            "rejection_code": receipt["rejection_code"],
        }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(entry)}" for key, entry in index.items())
    return f"{{\n{lines}\n}}\n".encode()


def identity(submission: Mapping[str, Any]) -> str:
    """``form/[report_code/]from_to/sequence``; a package without a readable manifest goes by its ledger number."""
    if not submission["period"]:
        return f"unidentified/{submission['seq']}"
    parts = (
        submission["form"],
        submission["report_code"],
        f"{submission['period']['from']}_{submission['period']['to']}",
        str(submission["sequence"]),
    )
    return "/".join(part for part in parts if part)


def anchors(home: Path) -> Iterable[tuple[str, Head]]:
    """(where, head) of every receipt in the outbox: what the ledger has promised to the outside."""
    for path in sorted((home / "outbox").glob("*/*.receipt.json")):
        ledger = json.loads(path.read_text())["ledger"]
        yield path.name, Head(ledger["seq"], ledger["hash"], ledger["event_seq"], ledger["event_hash"])
