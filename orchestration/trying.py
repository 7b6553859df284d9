"""What a dry-run found, shown: tables for people, JSON and CSV for what comes after. Counts and codes only.

Here belongs the form of the answer. What is counted is ``expectations.dryrun``.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

from rich.console import Console
from rich.table import Table

from expectations.completeness.trial import CellsOutcome, RegulationOutcome, SubjectCells
from expectations.dryrun import Found, NotTried, Outcome, PackageOutcome, RuleOutcome, SubjectOutcome

PARTS: dict[type, dict[str, type]] = {
    Outcome: {
        "rules": RuleOutcome,
        "subjects": SubjectOutcome,
        "packages": PackageOutcome,
        "found": Found,
        "not_tried": NotTried,
    },
    RegulationOutcome: {"cells": CellsOutcome, "subjects": SubjectCells},
}


def as_json(outcome: Outcome | RegulationOutcome) -> str:
    """The outcome as it is, field by field."""
    return json.dumps(asdict(outcome), default=str, ensure_ascii=False, indent=1)


def as_csv(outcome: Outcome | RegulationOutcome) -> str:
    """One table: ``part`` says what a row is (rules, subjects, packages, found, not_tried; or cells, subjects); a cell
    that its part does not have is empty."""
    parts = PARTS[type(outcome)]
    columns = list(dict.fromkeys(["part", *(f.name for kind in parts.values() for f in fields(kind))]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for part in parts:
        writer.writerows({"part": part, **asdict(row)} for row in getattr(outcome, part))
    return text.getvalue()


def show(outcome: Outcome, console: Console) -> None:
    """Tables by rule and by subject, changes of verdict, and what was not tried."""
    console.print(
        f"{outcome.submissions} packages with {outcome.records} records, received {outcome.first} to {outcome.last} "
        f"and judged; nothing was changed\nnow {outcome.catalogue}, draft {outcome.draft}"
        + (f"; rules between forms as of {outcome.linked_on}" if outcome.linked_on else "")
    )
    _table(
        console,
        "By rule: records that break it, now and under the draft",
        ("form", "rule", "severity", "now", "draft", "newly", "no longer", "quarantined", "released"),
        (
            (r.form, r.rule, _severity(r), r.now, r.draft, r.newly, r.no_longer, r.quarantined, r.released)
            for r in outcome.rules
        ),
    )
    _table(
        console,
        "By subject: packages, and records",
        ("subject", "form", "packages", "other verdict", "newly violating", "quarantined", "released"),
        ([*asdict(s).values()] for s in outcome.subjects),
    )
    verdicts = Counter((p.verdict_now, p.verdict_draft) for p in outcome.packages if p.verdict_now != p.verdict_draft)
    for (now, draft), number in sorted(verdicts.items()):
        console.print(f"packages {now} -> {draft}: {number}")
    _table(
        console,
        "Records that newly break a rule",
        ("submission", "line", "rule", "field", "severity"),
        ([*asdict(f).values()] for f in outcome.found),
    )
    for left in outcome.not_tried:
        console.print(f"not tried: {left.rule}: {left.why}")
    if not outcome.rules and not outcome.subjects:
        console.print("The draft would have changed nothing over these days.")


def show_regulation(outcome: RegulationOutcome, console: Console) -> None:
    """Tables by form and by subject."""
    console.print(
        f"periods that ended {outcome.first} to {outcome.last}, as of {outcome.at:%Y-%m-%d %H:%M}; nothing changed; "
        f"now {outcome.catalogue}, draft {outcome.draft}"
    )
    _table(
        console,
        "By form: what is owed and what came of it, now and under the draft",
        ("form", "report", "now", "draft", "cells", "subjects", "deadline moved"),
        (
            (c.form, c.report_code or "", c.state_now or "not owed", c.state_draft or "not owed", *_numbers(c))
            for c in outcome.cells
        ),
    )
    _table(
        console,
        "By subject: owed, late and without an answer, now and under the draft",
        ("subject", "owed", "draft", "late", "draft", "unanswered", "draft"),
        ([*asdict(s).values()] for s in outcome.subjects),
    )
    if not outcome.cells:
        console.print("The draft would have changed nothing about these periods.")


def _numbers(cells: CellsOutcome) -> tuple[int, int, int]:
    return cells.cells, cells.subjects, cells.deadline_moved


def _severity(rule: RuleOutcome) -> str:
    now, draft = (severity or "not in force" for severity in (rule.severity_now, rule.severity_draft))
    return now if now == draft else f"{now} -> {draft}"


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(str, row))
    if table.row_count:
        console.print(table)
