"""``make run``: demonstration or given packages from inbox to marts, with progress, a summary and what to try next.

Here belong the order of the demonstration's days and its words. The packages are invented by
``ingestion.demo``; the nights are ordinary nights.
"""

import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ingestion import demo, intake, package, warehouse
from ingestion.contract import Catalogue
from ingestion.intake import LOCAL_TIME
from orchestration import nightly
from orchestration.nightly import Night
from orchestration.setup import prepare

LAST_PERIOD = date(2026, 10, 31)
NIGHTS_ONE_BY_ONE = 5
HOUR_OF_ARRIVAL = time(18, 0)
HOUR_OF_NIGHT = time(2, 0)


def load_demo(catalogue: Catalogue, console: Console, *, days: int, records: int) -> list[Night]:
    """Send the demonstration day by day with the clock set: all but the last days are received and judged
    together, the last ones night by night. What was sent before is not sent again."""
    home = warehouse.home()
    packages = _packages(home, catalogue, console, days=days, records=records)
    waiting = sorted(folder for folder in packages.iterdir() if folder.is_dir() and any(folder.iterdir()))
    if not waiting:
        console.print("The demonstration was loaded before; nothing is sent twice.")
        return []
    history, last = waiting[:-NIGHTS_ONE_BY_ONE], waiting[-NIGHTS_ONE_BY_ONE:]
    console.print("Bringing the database up to the catalogue ...")
    with warehouse.connect(autocommit=True) as connection:
        prepare(connection, catalogue, home)
        with _progress(console) as progress:
            task = progress.add_task("received, day by day", total=len(history))
            for folder in history:
                with nightly.clock_set(_moment(_day(folder), HOUR_OF_ARRIVAL)):
                    _send(folder, home)
                    intake.receive(connection, catalogue, home, warehouse.clock, simulated=True)
                progress.advance(task)
    nights = []
    if history:
        nights.append(_night(_day(history[-1]), console))
        with warehouse.connect(autocommit=True) as connection:
            _show(console, connection, *FIRST_FIGURES)
    for folder in last:
        with nightly.clock_set(_moment(_day(folder), HOUR_OF_ARRIVAL)):
            _send(folder, home)
            with warehouse.connect(autocommit=True) as connection:
                intake.receive(connection, catalogue, home, warehouse.clock, simulated=True)
        nights.append(_night(_day(folder), console))
    return nights


def load_real(folder: Path, console: Console) -> list[Night]:
    """Submit ``<folder>/<subject>/<package>`` and run tonight's load over them."""
    home = warehouse.home()
    if (folder / "README.md").exists():
        console.print(f"Where these packages come from, and under which licence: {folder / 'README.md'}", style="dim")
    for sender in sorted(path for path in folder.iterdir() if path.is_dir()):
        for item in sorted(sender.iterdir()):
            package.submit(item, home / "inbox", sender.name)
            console.print(f"submitted {sender.name}/{item.name}")
    night = nightly.run(warehouse.clock().date())
    report(console, night)
    return [night]


def _packages(home: Path, catalogue: Catalogue, console: Console, *, days: int, records: int) -> Path:
    packages = home / "demo" / "packages"
    if not packages.exists():
        part = home / "demo" / "packages.part"
        shutil.rmtree(part, ignore_errors=True)
        with _progress(console) as progress:
            task = progress.add_task("demonstration packages", total=None)
            demo.generate(
                part,
                catalogue,
                first_day=LAST_PERIOD - timedelta(days=days - 1),
                last_day=LAST_PERIOD,
                records=records,
                nights=NIGHTS_ONE_BY_ONE,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        part.rename(packages)
        (packages / "truth.json").rename(home / "demo" / "truth.json")
    return packages


def _send(folder: Path, home: Path) -> None:
    for sender in sorted(folder.iterdir()):
        target = home / "inbox" / sender.name
        target.mkdir(parents=True, exist_ok=True)
        for item in sorted(sender.iterdir()):
            item.rename(target / item.name)
        sender.rmdir()


def _day(folder: Path) -> date:
    return date.fromisoformat(folder.name)


def _moment(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, LOCAL_TIME)


def _night(day: date, console: Console) -> Night:
    """The night after a day of receipt, with the clock where the schedule would have it."""
    with nightly.clock_set(_moment(day + timedelta(days=1), HOUR_OF_NIGHT)), console.status(f"night of {day} ..."):
        night = nightly.run(day)
    report(console, night)
    return night


def report(console: Console, night: Night) -> None:
    """One line a night."""
    with warehouse.connect(autocommit=True) as connection:
        row = connection.execute(
            "select count(*), coalesce(sum(records_accepted), 0), coalesce(sum(records_quarantined), 0) "
            "from quality.submissions where received_on <= %s",
            [night.day],
        ).fetchone()
    packages, accepted, quarantined = row or (0, 0, 0)
    state = "[green]done[/]" if night.succeeded and not night.failed else f"[red]failed: {', '.join(night.failed)}[/]"
    console.print(
        f"night of {night.day}: {state}; so far {packages} packages, "
        f"{accepted} records accepted, {quarantined} quarantined"
    )


def summary(console: Console) -> None:
    """Packages, records, and the first figures of each mart."""
    with warehouse.connect(autocommit=True) as connection:
        for title, table_read, query in SUMMARIES:
            _show(console, connection, title, table_read, query)
    console.print("Registry of subjects, deadlines and code lists in words are demonstration data.", style="dim")


def _show(console: Console, connection: psycopg.Connection, title: str, table_read: str, query: str) -> None:
    if connection.execute("select to_regclass(%s)", [table_read]).fetchone() == (None,):
        return
    cursor = connection.execute(query)
    table = Table(title=title, title_justify="left")
    for column in cursor.description or ():
        table.add_column(column.name, justify="left" if column.name in LEFT else "right")
    for row in cursor:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    return "" if value is None else str(value)


def next_commands(console: Console) -> None:
    """What a person may want to do now."""
    home = warehouse.home()
    console.print("\nWhat to try next", style="bold")
    console.print("  make dev                        the Dagster interface, http://127.0.0.1:3000")
    console.print('  psql "$(make -s url ROLE=analyst)" -c "select * from criminal.offences_monthly limit 5"')
    console.print("  make url                        the address of the database")
    console.print(f"  ls {home}/outbox               receipts, JSON and HTML, by subject")
    console.print(f"  {home}/data_docs               Great Expectations' last run of each form")
    console.print("  .venv/bin/zanstat --help        pack, check, submit, receipt, verify")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


LEFT = ("rule", "severity", "form", "subject", "month", "region", "verdict")
PACKAGES = """
select
    coalesce(form, '(no readable manifest)') as form,
    count(*) as received,
    count(*) filter (where verdict = 'refused') as refused,
    count(*) filter (where verdict = 'held') as held,
    count(*) filter (where verdict = 'nil') as nil,
    sum(records_accepted)::bigint as accepted,
    sum(records_quarantined)::bigint as quarantined,
    sum(records_unreadable)::bigint as unreadable,
    sum(warnings)::bigint as warnings
from quality.submissions group by 1 order by 1
"""
CRIMINAL = """
select to_char(month, 'YYYY-MM') as month, registered, cleared, registered_ytd as ytd,
    registered_ytd_prev1 as ytd_prev1, per_10000, n_expected, n_received, n_nil, n_missing
from criminal.offences_monthly where level = 'total' order by month desc limit 3
"""
CIVIL = """
select to_char(month, 'YYYY-MM') as month, filed, decided, pending_end, clearance_rate, disposition_time_days
from civil.cases_monthly where level = 'total' order by month desc limit 3
"""
ADMINISTRATIVE = """
select to_char(month, 'YYYY-MM') as month, registered, registered_ytd as ytd,
    registered_ytd_prev1 as ytd_prev1, per_10000
from administrative.offences_monthly where level = 'total' order by month desc limit 3
"""
CALENDAR = """
select form, count(*) filter (where state = 'missing') as missing, count(*) filter (where state = 'late') as late,
    count(distinct subject) filter (where state = 'missing') as subjects
from quality.calendar where is_watched group by form order by form
"""
LINKS = """
select violation.rule, violation.severity, count(*) as records
from quality.violations as violation join quality.rules as rule on rule.rule = violation.rule and rule.current
where violation.cleared_seq is null and rule.level = 'cross_form'
group by 1, 2 order by 3 desc, 1 limit 8
"""
FIRST_FIGURES = ("criminal.offences_monthly: the country", "criminal.offences_monthly", CRIMINAL)
SUMMARIES = (
    ("Packages received and records judged", "quality.submissions", PACKAGES),
    ("Packages that were due: missing and late", "quality.calendar", CALENDAR),
    ("Open disagreements between records, most frequent first", "quality.violations", LINKS),
    FIRST_FIGURES,
    ("civil.cases_monthly: the country", "civil.cases_monthly", CIVIL),
    ("administrative.offences_monthly: the country", "administrative.offences_monthly", ADMINISTRATIVE),
)
