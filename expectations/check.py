"""A subject's own check of a package before it is sent: reader, text rules and field rules, no database.

The same conditions the warehouse judges by are evaluated by polars. What needs a lookup, other forms or
history is judged only by the warehouse, and the answer says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from expectations.conditions import Condition, conditions
from ingestion import package, reader
from ingestion.archive import Archive
from ingestion.contract import Catalogue, Rule
from ingestion.manifest import Manifest, Refusal


@dataclass(frozen=True)
class Finding:
    """One thing to correct; ``line`` is None when it concerns the whole package. Never holds a value."""

    line: int | None
    field: str | None
    rule: Rule
    detail: str | None = None

    def sentence(self, language: str) -> str:
        where = f"line {self.line}: {self.field}: " if self.line is not None else ""
        said = f" [{self.detail}]" if self.detail else ""
        return f"{where}{self.rule.message[language]}{said} ({self.rule.code}, {self.rule.law_ref})"


@dataclass(frozen=True)
class Report:
    """What the check found, and which rules only the warehouse can judge."""

    manifest: Manifest | None
    records: int
    findings: tuple[Finding, ...]
    left_to_the_warehouse: tuple[str, ...]

    @property
    def refused(self) -> bool:
        return any(finding.rule.severity == "refuse" for finding in self.findings)


def check(path: Path, catalogue: Catalogue, now: datetime) -> Report:
    """Check a package, folder or zip, as the warehouse would on arrival at ``now`` (aware, local time)."""
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        arrived = package.keep(path, archive, catalogue.rule("PKG-114", now.date()).parameters)
        archive.keep()
        try:
            sender = package.read_manifest(path).subject
            declared = package.check(arrived, archive, catalogue, sender=sender, day=now.date()).manifest
        except Refusal as refusal:
            return Report(None, 0, (Finding(None, None, catalogue.rule(refusal.rule, now.date()), refusal.detail),), ())
        if declared.payload is None:
            return Report(declared, 0, (), ())
        content = archive.read(declared.payload.sha256)
        structured = package.structure(content, declared, catalogue, now.date())
    form = catalogue.forms[declared.form]
    unreadable = [
        Finding(line.line, None, catalogue.rule("GEN-101", now.date()), line.reason) for line in structured.unreadable
    ]
    every = conditions(form, catalogue, now.date())
    judged = [condition for condition in every if not condition.rule.holds and not condition.is_flag]
    flags = {condition.key: condition.rule for condition in every if condition.is_flag}
    rules = [rule for rule in catalogue.rules_of(form, now.date()) if not rule.is_watched]
    left = [rule.code for rule in rules if rule.holds or rule.number >= 600]
    cells = structured.cells.select(pl.lit(0, dtype=pl.Int64).alias(reader.SUBMISSION), pl.all())
    facts: Mapping[str, Any] = {
        "period_from": declared.period_from,
        "period_to": declared.period_to,
        "received_at_local": now.replace(tzinfo=None),
        "received_on": now.date(),
        "form_version": declared.form_version,
    }
    findings = []
    for records in reader.type_records(cells, form, declared.form_version, catalogue, now.date()):
        known = records.with_columns(pl.lit(value).alias(name) for name, value in facts.items())
        findings += [*_flagged(known, flags), *_broken(known, judged)]
    ordered = sorted((*unreadable, *findings), key=lambda f: (f.line or 0, f.rule.code, f.field or ""))
    return Report(declared, structured.records, tuple(ordered), tuple(left))


def _flagged(records: pl.DataFrame, in_force: Mapping[tuple[str, str], Rule]) -> list[Finding]:
    """What the reader noted, as far as the rule is in force."""
    return [
        Finding(line, field, in_force[code, field])
        for line, flags in records.select(reader.LINE, "flags").drop_nulls().iter_rows()
        for code, _, field in (flag.partition(":") for flag in flags)
        if (code, field) in in_force
    ]


def _broken(records: pl.DataFrame, judged: list[Condition]) -> list[Finding]:
    """What breaks a field rule; stated rules need the code lists of the warehouse."""
    masks = records.select(
        reader.LINE,
        *((~_evaluate(c) & ~_unread(c)).fill_null(value=False).alias(str(place)) for place, c in enumerate(judged)),
    )
    return [
        Finding(line, condition.field, condition.rule)
        for place, condition in enumerate(judged)
        for line in masks.filter(pl.col(str(place)))[reader.LINE]
    ]


def _evaluate(condition: Condition) -> pl.Expr:
    return pl.sql_expr(condition.holds)


def _unread(condition: Condition) -> pl.Expr:
    flags = [pl.col("flags").list.contains(f"GEN-102:{name}") for name in condition.silent_on]
    return pl.any_horizontal(flags).fill_null(value=False) if flags else pl.lit(value=False)
