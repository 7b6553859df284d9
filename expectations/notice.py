"""The notice to a subject: what is open against it without a package to answer, as JSON and as a readable page.

A package that never came, a series that cannot be, a report that differs from another's: such findings have no
receipt. Here belongs telling them: a numbered snapshot of the open ones, issued when they have changed, ending with a
closing record even when none is left. It goes only to the subject's own outbox and holds codes, counts and dates
alone. Keep out how anything is found (``findings``), and packages (``receipt``).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from expectations.receipt import dropped_rules, template
from ingestion import durable, ledger
from ingestion.contract import LANGUAGES, Catalogue, Rule

NOTICE_VERSION = "1"
BATCH = 200
SAFE = re.compile(r"(?!.*[0-9]{10})[A-Za-z0-9 ._:+/-]{0,60}")
"""A code, number or date: no letter beyond ASCII, no run of digits as long as an identifier of a person."""

CONCERNING = (
    "with region_of as (select * from unnest(%(rules)s::text[], %(regions)s::text[], %(senders)s::text[]) "
    "as t (rule, region, subject)), "
    "concerning as (select f.*, coalesce(f.subject, r.subject) as concerned from quality.findings f "
    "left join region_of r on f.subject is null and r.rule = f.rule and r.region = f.item "
    "where f.submission_seq is null and f.cleared_at is null) "
)
"""The open findings and whom each concerns: its subject, or every body that its rule compares in the region."""


@dataclass(frozen=True)
class _Due:
    """A subject whose open findings are others than it was told last (``before``)."""

    subject: str
    issue: int
    findings: list[int]
    before: list[int]


@ledger.one_at_a_time(ledger.ANSWERING)
def issue_due(connection: psycopg.Connection, catalogue: Catalogue, home: Path) -> int:
    """Write every notice that is due and record it; returns how many.

    A crash in between writes the same file again, under the same issue: the content follows from the findings alone.
    """
    due = _due(connection, catalogue)
    for start in range(0, len(due), BATCH):
        _issue(connection, catalogue, home, due[start : start + BATCH])
    return len(due)


def _due(connection: psycopg.Connection, catalogue: Catalogue) -> list[_Due]:
    rows = connection.execute(
        CONCERNING + "select subject.code, coalesce(told.issue, 0) + 1, "
        "coalesce(holding.findings, '{}'), coalesce(told.findings, '{}') "
        "from unnest(%(subjects)s::text[]) as subject (code) "
        "left join (select concerned, array_agg(finding_id order by finding_id) as findings from concerning "
        "group by 1) as holding on holding.concerned = subject.code "
        "left join lateral (select issue, findings from ledger.notices where notices.subject = subject.code "
        "order by issue desc limit 1) as told on true "
        "where coalesce(holding.findings, '{}') <> coalesce(told.findings, '{}') order by 1",
        {"subjects": list(catalogue.subjects), **_compared(catalogue)},
    ).fetchall()
    return [_Due(*row) for row in rows]


def _compared(catalogue: Catalogue) -> dict[str, list[str]]:
    """Who is concerned by a finding about a region (AGR-904): the bodies there that owe a report its rule compares."""
    triples = [
        (rule.code, subject.region, subject.code)
        for rule in catalogue.rules.values()
        for report, _ in rule.parameters.get("sources", ())
        for kind in {duty.subject_kind for duty in catalogue.duties if duty.report_code == report and duty.mandatory}
        for subject in catalogue.subjects.values()
        if subject.kind == kind and subject.region
    ]
    unique = list(dict.fromkeys(triples))
    return {name: [row[place] for row in unique] for place, name in enumerate(("rules", "regions", "senders"))}


def _issue(connection: psycopg.Connection, catalogue: Catalogue, home: Path, due: Sequence[_Due]) -> None:
    notices = _build(connection, catalogue, due)
    contents = [json.dumps(notice, ensure_ascii=False).encode() for notice in notices]
    folders = [home / "outbox" / item.subject for item in due]
    numbered = [folder / f"notice_{item.issue}.json" for folder, item in zip(folders, due, strict=True)]
    durable.write(dict(zip(numbered, contents, strict=True)), to_stay=True)
    newest: dict[Path, bytes] = {}  # can be made from the numbered ones again
    written = []
    for item, folder, notice, content in zip(due, folders, notices, contents, strict=True):
        newest[folder / "notice.json"] = content
        newest[folder / "notice.html"] = _page(notice).encode()
        digest = hashlib.sha256(content).hexdigest()
        written.append((item.subject, item.issue, notice["closing"]["answered_at"], item.findings, digest))
    durable.write(newest, to_stay=False)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into ledger.notices (subject, issue, answered_at, findings, sha256) values (%s, %s, %s, %s, %s) "
            "on conflict do nothing",
            written,
        )


def _build(connection: psycopg.Connection, catalogue: Catalogue, due: Sequence[_Due]) -> list[dict[str, Any]]:
    """The notices of a batch of subjects, in their order."""
    told = sorted({finding for item in due for finding in (*item.findings, *item.before)})
    with connection.cursor(row_factory=dict_row) as cursor:
        findings = {
            row["finding_id"]: row
            for row in cursor.execute(
                "select finding_id, rule, severity, form, period_from, period_to, item, detail, "
                "found_at at time zone 'Asia/Almaty' as found_local, found_at, cleared_at "
                "from quality.findings where finding_id = any(%s)",
                [told],
            )
        }
        codes = {row["rule"] for row in findings.values()}
        dropped = dropped_rules(cursor, codes - catalogue.versions.keys())
    return [_notice(item, findings, catalogue, dropped) for item in due]


def _notice(
    item: _Due, findings: Mapping[int, Mapping[str, Any]], catalogue: Catalogue, dropped: Mapping[str, Rule]
) -> dict[str, Any]:
    cleared = sorted(set(item.before) - set(item.findings))
    moments: list[datetime] = [findings[number]["found_at"] for number in item.findings]
    moments += [findings[number]["cleared_at"] for number in cleared if findings[number]["cleared_at"]]
    return {
        "notice_version": NOTICE_VERSION,
        "subject": item.subject,
        "name": dict(catalogue.subjects[item.subject].name),
        "issue": item.issue,
        "findings": [_finding(findings[number], catalogue, dropped) for number in item.findings],
        "changes": {"new": len(set(item.findings) - set(item.before)), "cleared": len(cleared)},
        "closing": {
            "findings": len(item.findings),
            "answered_at": max(moments).isoformat(timespec="seconds") if moments else None,
        },
    }


def _finding(row: Mapping[str, Any], catalogue: Catalogue, dropped: Mapping[str, Rule]) -> dict[str, Any]:
    rule = dropped.get(row["rule"]) or catalogue.rule(row["rule"], row["found_local"].date())
    return {
        "finding": row["finding_id"],
        "rule": rule.code,
        "severity": row["severity"],
        "dimension": rule.dimension,
        "law_ref": rule.law_ref,
        "form": row["form"],
        "period": {"from": str(row["period_from"]), "to": str(row["period_to"])} if row["period_from"] else None,
        "item": safe(row["item"]),
        "since": row["found_at"].isoformat(timespec="seconds"),
        "message": dict(rule.message),
        "detail": safe(row["detail"]),
    }


def safe(value: Any) -> Any:
    """Counts, codes and dates as they are, in lists and mappings too; any other text is left out."""
    if isinstance(value, Mapping):
        return {key: safe(inner) for key, inner in value.items() if SAFE.fullmatch(str(key))}
    if isinstance(value, list):
        return [safe(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return value if SAFE.fullmatch(str(value)) else None


def _page(notice: Mapping[str, Any]) -> str:
    by_rule: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}  # each version of a rule says its message once
    for finding in sorted(notice["findings"], key=lambda f: (f["form"] or "", str(f["period"]))):
        by_rule.setdefault((finding["rule"], finding["severity"], finding["message"]["en"]), []).append(finding)
    in_order = [by_rule[key] for key in sorted(by_rule)]
    return template("notice.html").render(notice=notice, by_rule=in_order, languages=LANGUAGES)
