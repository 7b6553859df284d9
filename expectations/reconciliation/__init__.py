"""A subject's own report against its own records: every cell is computed from what the subject sent (AGR-6xx, 9xx).

Both kinds of data are received (Law 510 Art. 7(1)(1)), and each proves the other. Here belongs the verdict over the
reports that were judged and not yet reconciled: Great Expectations counts the rules over their cells, violations
and findings are written down. Keep out how a cell is computed (``cells``), and what a measure counts (``definitions``).
See ``docs/decisions/0012-reports-are-reconciled-as-of-their-receipt.md``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from expectations import corrections, findings, judgement, validation
from expectations.conditions import Condition
from expectations.findings import Changes, Finding
from expectations.reconciliation import cells
from expectations.reconciliation.definitions import FORM, measures
from expectations.validation import Batch, MachineryError
from ingestion import ledger
from ingestion.contract import Catalogue
from ingestion.ledger import Event

MISSING = "AGR-903"
SOURCES = "AGR-904"
VIEW = "reconciliation_waiting"
LOCAL = ZoneInfo("Asia/Almaty")


@dataclass(frozen=True)
class Compared:
    """The cells of one measure of one report, and how many of them break a rule."""

    report_code: str
    measure: str
    cells: int
    differing: int


@dataclass(frozen=True)
class Reconciled:
    """One reconciliation. ``waiting`` reports came after records that are not judged yet; ``violations`` is
    rule -> cells, missing ones included; ``findings`` are those of missing cells and of independent sources."""

    reports: int = 0
    waiting: int = 0
    compared: tuple[Compared, ...] = ()
    violations: Mapping[str, int] = field(default_factory=dict)
    findings: Changes = field(default_factory=lambda: Changes(0, 0))
    restated: tuple[int, ...] = ()


def conditions(catalogue: Catalogue, day: date) -> list[Condition]:
    """The rules over one cell of ``quality.reconciliation``; their thresholds are put in from the parameters."""
    return [
        Condition(rule, "value" if "value" in rule.fields else rule.fields[0], rule.holds.format_map(rule.parameters))
        for rule in catalogue.forms[FORM].rules
        if rule.number >= 600 and rule.holds and rule.in_force(day)
    ]


@ledger.one_at_a_time(ledger.JUDGING)
def reconcile(
    connection: psycopg.Connection,
    sqlalchemy_url: str,
    catalogue: Catalogue,
    day: date,
    now: datetime,
    docs: Path | None = None,
) -> Reconciled:
    """Reconcile every report received up to a day, judged, and not reconciled. Reconciling again changes nothing.

    The cells are written first, since Great Expectations reads only what is committed; violations, findings and the
    event ``reconciled`` follow in one transaction. Raises ``MachineryError`` when the machinery is at fault; no
    report is reconciled then.
    """
    waiting, unready = _waiting(connection, catalogue, day)
    if waiting is None:
        with connection.transaction():
            return Reconciled(waiting=unready, findings=_settle_findings(connection, catalogue, now))
    rules = conditions(catalogue, day)
    cells.write(connection, catalogue, waiting.submissions)
    connection.execute(
        f"create or replace view checked.{VIEW} as select * from quality.reconciliation "
        f"where submission_seq in ({', '.join(map(str, waiting.submissions))})"
    )
    counted = validation.count(sqlalchemy_url, "reconciliation", {VIEW: rules}, docs)
    with connection.transaction():
        ledger.lock(connection)
        if _waiting(connection, catalogue, day)[0] != waiting:
            raise MachineryError("reconciliation: the reports changed while they were compared; run the day again")
        broken = _name_broken_rules(connection, rules)
        if broken != {rule: number for (rule, _), number in counted.items() if number}:
            raise MachineryError("reconciliation: Great Expectations and the statement disagree on the cells")
        events = ledger.append_events(
            connection, [Event(seq, "reconciled", now, catalogue.version) for seq in waiting.submissions]
        )
        event_of = dict(zip(waiting.submissions, events, strict=True))
        _write_violations(connection, rules, event_of)
        restated = corrections.correct(connection, catalogue, waiting, _keys(connection, events), event_of, now)
        judgement.warn_of_high_shares(connection, catalogue.rule("PKG-132", day), {**event_of, **restated})
        changes = _settle_findings(connection, catalogue, now)
        compared = _compared(connection)
    return Reconciled(len(waiting.submissions), unready, compared, broken, changes, tuple(restated))


def _waiting(connection: psycopg.Connection, catalogue: Catalogue, day: date) -> tuple[Batch | None, int]:
    """The reports to reconcile, and how many must wait until the records received before them are judged."""
    used = sorted({(report, m.form) for m in measures(catalogue) if m.form for report in m.report_codes})
    rows = connection.execute(
        cells.STEPS["waiting"], {"day": day, "reports": [r for r, _ in used], "forms": [f for _, f in used]}
    ).fetchall()
    ready = [(seq, on) for seq, on, is_ready in rows if is_ready]
    if not ready:
        return None, len(rows)
    days = [on for _, on in ready]
    batch = Batch(catalogue.forms[FORM], day, tuple(seq for seq, _ in ready), min(days), max(days))
    return batch, len(rows) - len(ready)


def _name_broken_rules(connection: psycopg.Connection, rules: Sequence[Condition]) -> dict[str, int]:
    """Write the rules that each cell breaks beside it; rule -> cells, for the rules with any."""
    cases = ", ".join(f"case when not ({condition.sql}) then '{condition.rule.code}' end" for condition in rules)
    connection.execute(
        f"update quality.reconciliation set rules = array_remove(array[{cases}]::text[], null) "
        f"where submission_seq in (select submission_seq from checked.{VIEW})"
    )
    return dict(connection.execute(f"select unnest(rules), count(*) from checked.{VIEW} group by 1").fetchall())


def _write_violations(connection: psycopg.Connection, rules: Sequence[Condition], event_of: Mapping[int, int]) -> None:
    """Every rule that a reported cell breaks is a violation of its record; a missing cell has none."""
    connection.execute(
        "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq) "
        "select cell.submission_seq, cell.line, rule.code, rule.field, rule.severity, event.seq "
        f"from checked.{VIEW} as cell "
        "join unnest(%s::text[], %s::text[], %s::text[]) as rule (code, field, severity) "
        "on rule.code = any(cell.rules) "
        "join unnest(%s::bigint[], %s::bigint[]) as event (submission_seq, seq) using (submission_seq) "
        "where cell.line is not null",
        [
            [condition.rule.code for condition in rules],
            [condition.field for condition in rules],
            [condition.rule.severity for condition in rules],
            list(event_of),
            list(event_of.values()),
        ],
    )


def _keys(connection: psycopg.Connection, events: Sequence[int]) -> list[str]:
    """Keys of the cells that these events quarantined: their other versions may stand otherwise now."""
    rows = connection.execute(
        f"select distinct cell.record_key from raw.{FORM} as cell join quality.violations as violation "
        "on violation.submission_seq = cell.submission_seq and violation.line = cell.line "
        "where violation.found_seq = any(%s) and violation.severity = 'error'",
        [events],
    )
    return [key for (key,) in rows]


def _settle_findings(connection: psycopg.Connection, catalogue: Catalogue, now: datetime) -> Changes:
    holding = [*_missing_cells(connection), *_disagreeing_sources(connection, catalogue, now)]
    return findings.settle(connection, catalogue, [MISSING, SOURCES], holding, now)


def _missing_cells(connection: psycopg.Connection) -> Iterator[Finding]:
    """AGR-903: what each report lacks, by the last submission that spoke of it."""
    rows = connection.execute(
        "select subject, period_start, period_end, concat_ws(' ', report_code, measure, territory, article, severity), "
        "submission_seq, records "
        "from quality.reconciliation as cell where line is null and %s = any(rules) "
        "and submission_seq = (select max(latest.submission_seq) from quality.reconciliation as latest "
        "join ledger.progress as p on p.submission_seq = latest.submission_seq and p.withdrawn_seq is null "
        "where (latest.subject, latest.report_code, latest.period_start, latest.period_end) "
        "= (cell.subject, cell.report_code, cell.period_start, cell.period_end))",
        [MISSING],
    )
    for subject, start, end, cell, seq, records in rows.fetchall():
        yield Finding(MISSING, subject, FORM, start, end, cell, {"submission_seq": seq, "records": records})


def _disagreeing_sources(connection: psycopg.Connection, catalogue: Catalogue, now: datetime) -> Iterator[Finding]:
    """AGR-904: two sources that ought to agree and do not, once both had time to report."""
    rule = catalogue.rules[SOURCES]
    sources = rule.parameters["sources"]
    rows = connection.execute(
        cells.STEPS["sources"],
        {
            "reports": [report for report, _ in sources],
            "measures": [measure for _, measure in sources],
            "tolerance": rule.parameters["tolerance"],
            "lag_days": rule.parameters["lag_days"],
            "today": now.astimezone(LOCAL).date(),
        },
    )
    for region, start, end, *values in rows.fetchall():
        stated = {f"{report} {measure}": value for (report, measure), value in zip(sources, values, strict=True)}
        yield Finding(SOURCES, None, FORM, start, end, region, stated)


def _compared(connection: psycopg.Connection) -> tuple[Compared, ...]:
    rows = connection.execute(
        "select report_code, measure, count(*), count(*) filter (where rules <> '{}') "
        f"from checked.{VIEW} group by 1, 2 order by 1, 2"
    ).fetchall()
    return tuple(Compared(*row) for row in rows)
