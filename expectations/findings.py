"""What is wrong without a record to hold it: findings of the calendar, of series and of reconciliation.

Here belongs the one way such findings are written down: a rule is looked at again, and what it finds now is
compared with what it found before. Keep out how a rule finds anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ingestion.contract import Catalogue

NO_DAY = "date '-infinity'"


@dataclass(frozen=True)
class Finding:
    """One finding of a rule; ``item`` tells apart several about the same subject, form and period.

    ``detail`` holds counts, dates and codes, never a value of a record. ``severity`` is the rule's own unless given.
    """

    rule: str
    subject: str | None
    form: str | None
    period_from: date | None
    period_to: date | None
    item: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    severity: str | None = None


@dataclass(frozen=True)
class Changes:
    """How many findings are new and how many no longer hold."""

    found: int
    cleared: int


def settle(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    rules: Iterable[str],
    holding: Iterable[Finding],
    now: datetime,
    within: str = "true",
) -> Changes:
    """Bring the open findings of ``rules`` to those that hold now; what holds already stays as it was found.

    ``within`` is a condition over the open finding ``o``: those that were looked at; the others stay open.
    One transaction. Findings are never deleted: what no longer holds is cleared with its time.
    """
    rows = [
        (
            found.subject,
            found.form,
            found.period_from,
            found.period_to,
            found.rule,
            found.severity or catalogue.rule(found.rule, now.date()).severity,
            found.item,
            Jsonb(dict(found.detail)),
        )
        for found in holding
    ]
    with connection.transaction():
        connection.execute(
            "create temporary table holding (subject text, form text, period_from date, period_to date, rule text, "
            "severity text, item text, detail jsonb) on commit drop"
        )
        with connection.cursor().copy("copy holding from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute("analyze holding")
        # Equal by =, which the server can hash; nulls are equal too, and no subject, form or day is the stand-in.
        same = "(o.rule, o.item, o.severity) = (h.rule, h.item, h.severity)" + "".join(
            f" and coalesce(o.{column}, {none}) = coalesce(h.{column}, {none})"
            for column, none in (("subject", "''"), ("form", "''"), ("period_from", NO_DAY), ("period_to", NO_DAY))
        )
        cleared = connection.execute(
            "update quality.findings o set cleared_at = %s where o.submission_seq is null and o.cleared_at is null "
            f"and o.rule = any(%s) and ({within}) and not exists (select from holding h where {same})",
            [now, list(rules)],
        ).rowcount
        found = connection.execute(
            "insert into quality.findings "
            "(subject, form, period_from, period_to, rule, severity, item, detail, found_at, catalogue_version) "
            "select h.subject, h.form, h.period_from, h.period_to, h.rule, h.severity, h.item, h.detail, %s, %s "
            "from holding h where not exists ("
            f"select from quality.findings o where o.submission_seq is null and o.cleared_at is null and {same})",
            [now, catalogue.version],
        ).rowcount
        connection.execute("drop table holding")
    return Changes(found, cleared)
