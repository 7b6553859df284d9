"""`python -m bench.detection [truth.json]`: what the warehouse found of the demonstration's known defects, by rule.

Compares the truth beside the demonstration's packages with ``quality.violations``, ``quality.findings`` and
``quality.submissions`` of the warehouse that received them: recall (of what is true, the share found) and precision (of
what was found, the share that is true). A package refused or held counts for its rule as a record does. Exits with 1
when an error rule has less than 1.0 of either. Rules that the catalogue at hand does not judge are left out; those that
the truth holds nothing for are named, with the reason.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from ingestion import warehouse
from ingestion.contract import Catalogue, load_catalogue
from ingestion.demo.truth import NOT_INJECTED, UNTOLD

Found = dict[str, set[Hashable]]
"""Rule -> what breaks it: a record, a period or a package, by its identity and never by a number of the ledger."""


@dataclass
class Score:
    """One rule: how many are true, found, and both; ``examples`` are the first of what differs."""

    rule: str
    is_error: bool
    true: int
    found: int
    both: int
    examples: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.both / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else 1.0

    @property
    def is_perfect(self) -> bool:
        return self.true == self.found == self.both


def scores(connection: psycopg.Connection, catalogue: Catalogue, truth: Mapping[str, Any]) -> list[Score]:
    """Every rule of the truth or of the warehouse that the catalogue judges, in order."""
    true = _true(truth)
    found = _found(connection)
    judged = {rule for rule in catalogue.rules if rule not in UNTOLD and not _is_series(rule)}
    return [
        _score(rule, catalogue.rules[rule].severity in ("error", "refuse"), true[rule], found[rule])
        for rule in sorted((true.keys() | found.keys()) & judged)
    ]


def unscored(catalogue: Catalogue, truth: Mapping[str, Any]) -> dict[str, str]:
    """The rules of the catalogue that the truth holds nothing for, each with the reason, empty when there is none."""
    reasons = NOT_INJECTED | UNTOLD | dict.fromkeys(filter(_is_series, catalogue.rules), SERIES)
    true = _true(truth)
    return {rule: reasons.get(rule, "") for rule in sorted(catalogue.rules) if rule not in true}


SERIES = "series of months and years: measured by bench.calibration"


def _is_series(rule: str) -> bool:
    return rule.startswith("SER-")


def _score(rule: str, is_error: bool, true: set[Hashable], found: set[Hashable]) -> Score:
    missed = [f"missed {entry}" for entry in sorted(map(str, true - found))[:3]]
    invented = [f"invented {entry}" for entry in sorted(map(str, found - true))[:3]]
    return Score(rule, is_error, len(true), len(found), len(true & found), missed + invented)


def _true(truth: Mapping[str, Any]) -> defaultdict[str, set[Hashable]]:
    true: defaultdict[str, set[Hashable]] = defaultdict(set)
    for entry in truth["records"]:
        place = entry["subject"], entry["form"], entry["report_code"], entry["period"], entry["sequence"], entry["line"]
        true[entry["rule"]].add((*place, entry["severity"], "open" if entry["open"] else "cleared"))
    for entry in truth["findings"]:
        period = entry["period"], entry["period_to"]
        item = entry.get("item") or entry["report_code"] or ""
        true[entry["rule"]].add((entry["subject"], entry["form"], *period, item))
    for entry in truth["packages"]:
        true[entry["rule"]].add(tuple(entry["package"].split("/")))
    return true


def _found(connection: psycopg.Connection) -> defaultdict[str, set[Hashable]]:
    found: defaultdict[str, set[Hashable]] = defaultdict(set)
    for query in (RECORDS, FINDINGS, PACKAGES):
        for rule, *identity in connection.execute(query):
            found[rule].add(tuple(identity))
    return found


RECORDS = """
select
    violation.rule, sent.subject, sent.form, sent.report_code, sent.period_from::text, sent.sequence, violation.line,
    violation.severity, case when violation.cleared_seq is null then 'open' else 'cleared' end
from quality.violations as violation
join ledger.submissions as sent on sent.seq = violation.submission_seq
where violation.cleared_seq is null
or split_part(violation.rule, '-', 2)::integer < 600
"""
"""A rule between records or forms that holds again is no defect any more; a rule of the record alone is."""
FINDINGS = """
select rule, subject, form, period_from::text, period_to::text, item
from quality.findings where submission_seq is null and cleared_at is null
"""
PACKAGES = """
select
    coalesce(stands.rejection_rule, sent.rejection_rule), sent.received_on::text, sent.inbox_folder, sent.package_name
from ledger.submissions as sent
join ledger.progress as stands on stands.submission_seq = sent.seq
where coalesce(stands.rejection_rule, sent.rejection_rule) is not null
union
select 'PKG-124', (event.at at time zone 'Asia/Almaty')::date::text, sent.inbox_folder, sent.package_name
from ledger.events as event join ledger.submissions as sent on sent.seq = event.submission_seq
where event.kind = 'resent'
"""


def table(found: list[Score]) -> Table:
    """Rules whose truth and findings differ first shown in red, with examples."""
    shown = Table(title="What was found of the demonstration's known defects", title_justify="left")
    for column in ("rule", "severity", "true", "found", "recall", "precision"):
        shown.add_column(column, justify="left" if column in ("rule", "severity") else "right")
    for score in found:
        figures = f"{score.true:,}", f"{score.found:,}", f"{score.recall:.4f}", f"{score.precision:.4f}"
        colour = None if score.is_perfect else "red" if score.is_error else "yellow"
        shown.add_row(score.rule, "error" if score.is_error else "warning", *figures, style=colour)
    return shown


def main(arguments: list[str]) -> int:
    path = Path(arguments[0]) if arguments else warehouse.home() / "demo" / "truth.json"
    truth = json.loads(path.read_text(encoding="utf-8"))
    catalogue = load_catalogue()
    with warehouse.connect(autocommit=True) as connection:
        found = scores(connection, catalogue, truth)
    console = Console()
    console.print(table(found))
    for line in _differences(found):
        console.print(line, style="dim")
    by_reason = defaultdict(list)
    for rule, reason in unscored(catalogue, truth).items():
        by_reason[reason or "nothing in this demonstration breaks it"].append(rule)
    for reason, rules in by_reason.items():
        console.print(f"not scored: {', '.join(rules)} ({reason})", style="dim")
    missed = [score.rule for score in found if score.is_error and not score.is_perfect]
    console.print(f"error rules below 1.0: {', '.join(missed) or 'none'}; rules scored: {len(found)}")
    return 1 if missed else 0


def _differences(found: list[Score]) -> Iterator[str]:
    for score in found:
        yield from (f"{score.rule}: {example}" for example in score.examples)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
