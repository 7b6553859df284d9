"""The command line: a subject's side (pack, check, submit, receipt) and the operator's (run, nightly, verify, dev).

Here belong words for people: options, progress, tables. What a command does lives elsewhere; heavy imports wait
until a command needs them.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ingestion import manifest, package, warehouse
from ingestion.contract import LANGUAGES, load_catalogue

console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 120)
DAY = click.DateTime(formats=["%Y-%m-%d"])
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PACKAGE = click.Path(exists=True, path_type=Path)


@click.group()
def main() -> None:
    """zanstat: the warehouse of state legal statistics (Law 510 of 22.12.2003)."""


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors a person can mend are one sentence, not a traceback."""

    @wraps(command)
    def told(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except (package.PackError, manifest.Refusal, warehouse.WarehouseError) as error:
            raise click.ClickException(str(error)) from None

    return told


# The subject's side


@main.command()
@click.argument("folder", type=FOLDER)
@click.option("--form", required=True, help="Form code, for instance criminal_offence.")
@click.option("--subject", required=True, help="Code of the sending body, for instance MVD-75.")
@click.option("--period", required=True, help="First and last day: 2026-11-20 or 2026-11-01..2026-11-30.")
@click.option("--sequence", default=1, show_default=True, help="1, 2, 3 ... within subject, form and period.")
@click.option("--encoding", default="utf-8", type=click.Choice(["utf-8", "kz1048", "windows-1251"]), show_default=True)
@click.option("--report-code", help="Report of an aggregate_report, for instance 1-M.")
@click.option("--withdraws", type=int, help="Sequence of the earlier package that this one withdraws; no payload then.")
@_told
def pack(
    folder: Path,
    form: str,
    subject: str,
    period: str,
    sequence: int,
    encoding: str,
    report_code: str | None,
    withdraws: int | None,
) -> None:
    """Write a correct manifest.json beside the payload file in FOLDER (no payload: a nil report, or a withdrawal)."""
    start, _, end = period.partition("..")
    try:
        days = date.fromisoformat(start), date.fromisoformat(end or start)
    except ValueError:
        raise click.BadParameter("write 2026-11-20 or 2026-11-01..2026-11-30", param_hint="--period") from None
    declared = package.pack(
        folder,
        load_catalogue(),
        form=form,
        subject=subject,
        period_from=days[0],
        period_to=days[1],
        prepared_at=warehouse.clock(),
        sequence=sequence,
        encoding=encoding,
        report_code=report_code,
        withdraws=withdraws,
    )
    content = f"{declared.payload.records} records" if declared.payload else "nil report"
    if declared.withdraws:
        content = f"withdraws sequence {declared.withdraws}"
    console.print(f"{folder / manifest.MANIFEST_NAME}: {content}")


@main.command()
@click.argument("path", type=PACKAGE, metavar="PACKAGE")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--most", default=50, show_default=True, help="Findings shown.")
def check(path: Path, language: str, most: int) -> None:
    """Check PACKAGE (folder or zip) before it is sent: structure, text rules and field rules; no database."""
    from expectations.check import check as run

    report = run(path, load_catalogue(), warehouse.clock())
    for finding in report.findings[:most]:
        console.print(finding.sentence(language), style=None if finding.rule.severity == "warning" else "red")
    if len(report.findings) > most:
        console.print(f"... and {len(report.findings) - most} more findings")
    errors = sum(finding.rule.severity != "warning" for finding in report.findings)
    console.print(f"{report.records} records, {errors} errors, {len(report.findings) - errors} warnings")
    if report.left_to_the_warehouse:
        console.print(f"judged by the warehouse only: {', '.join(report.left_to_the_warehouse)}")
    sys.exit(1 if errors else 0)


@main.command()
@click.argument("path", type=PACKAGE, metavar="PACKAGE")
@click.option("--subject", help="Whose inbox; the subject of the manifest unless given.")
@_told
def submit(path: Path, subject: str | None) -> None:
    """Put PACKAGE into its subject's inbox, complete or not at all."""
    sender = subject or package.read_manifest(path).subject
    target = package.submit(path, warehouse.home() / "inbox", sender)
    console.print(
        f"{target}: received with the next intake; the receipt will lie in {warehouse.home() / 'outbox' / sender}"
    )


@main.command()
@click.argument("path", type=PACKAGE, metavar="PACKAGE", required=False)
@click.option("--subject", help="Show every receipt of this subject.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@_told
def receipt(path: Path | None, subject: str | None, language: str) -> None:
    """Show the newest receipt of PACKAGE, or the list of a subject's receipts."""
    from expectations.receipt import identity

    if path is None and subject is None:
        raise click.UsageError("name a PACKAGE or a --subject")
    declared = package.read_manifest(path) if path else None
    outbox = warehouse.home() / "outbox" / (subject or (declared.subject if declared else ""))
    index = json.loads((outbox / "index.json").read_text()) if (outbox / "index.json").exists() else {}
    if declared is None:
        table = Table("package", "verdict", "code", "receipt")
        for name, entry in index.items():
            table.add_row(name, entry["verdict"], entry["rejection_code"] or "", entry["receipt"])
        console.print(table)
        return
    key = identity({**manifest.document(declared), "report_code": declared.report_code})
    entry = index.get(key)
    if entry is None:
        raise click.ClickException("no receipt yet: the package has not been received")
    for other in (name for name in index if name.startswith(f"{key} refused")):
        console.print(f"another package of this identity was refused: {outbox / index[other]['receipt']}")
    answer = json.loads((outbox / entry["receipt"]).read_text())
    console.print(f"{answer['verdict']} {answer['rejection_code'] or ''}  {outbox / entry['receipt']}")
    for relation in ("withdraws", "withdrawn_by"):
        if answer["submission"].get(relation):
            console.print(f"  {relation.replace('_', ' ')} sequence {answer['submission'][relation]}")
    for name, number in answer["records"].items():
        console.print(f"  {name}: {'-' if number is None else number}")
    for finding in answer["findings"][:20]:
        where = f"line {finding['line']} {finding['field']}: " if finding["line"] is not None else ""
        console.print(f"  {where}{finding['rule']} {finding['message'][language]} {finding.get('detail', '')}")
    console.print(f"  findings in all: {answer['closing']['findings']}")


# The operator's side


@main.command()
@click.option("--real", type=FOLDER, help="Packages as <folder>/<subject>/<package>, instead of the demonstration.")
@click.option("--days", default=60, show_default=True, help="Days of demonstration.")
@click.option("--records", default=50_000, show_default=True, help="Records of demonstration, about.")
@_told
def run(real: Path | None, days: int, records: int) -> None:
    """From inbox to marts, and a summary."""
    from orchestration import demonstration

    warehouse.start()
    catalogue = load_catalogue()
    if real:
        nights = demonstration.load_real(real, console)
    else:
        nights = demonstration.load_demo(catalogue, console, days=days, records=records)
    demonstration.summary(console)
    demonstration.next_commands(console)
    _exit_by(nights)


@main.command()
@click.option("--day", type=DAY, help="Day of receipt; today unless given.")
def nightly(day: datetime | None) -> None:
    """Receive what lies in the inbox, judge everything unjudged received up to the day, build the marts."""
    from orchestration import demonstration
    from orchestration.nightly import run as run_night

    warehouse.start()
    night = run_night(day.date() if day else warehouse.clock().date())
    demonstration.report(console, night)
    _exit_by([night])


@main.command()
@click.option("--subject", help="Only what this subject owes.")
@click.option("--form", help="Only this form.")
@click.option("--most", default=50, show_default=True, help="Subjects and forms shown.")
@_told
def gaps(subject: str | None, form: str | None, most: int) -> None:
    """What was due by the calendar of the last night and has not come, by subject and form, oldest first."""
    from expectations.completeness import calendar

    with warehouse.connect(autocommit=True) as connection:
        rows = calendar.gaps(connection, subject, form)
    owed: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for who, what, report, *rest in rows:
        owed.setdefault((who, what, report), []).append(tuple(rest))
    table = Table("subject", "form", "report", "cells", "oldest period", "due", "states")
    for key, cells in list(owed.items())[:most]:
        start, end, due_at, _ = cells[0]
        period = str(start) if start == end else f"{start}..{end}"
        states = ", ".join(sorted({state for *_, state in cells}))
        table.add_row(*key, str(len(cells)), period, f"{due_at:%Y-%m-%d %H:%M}", states)
    console.print(table)
    console.print(f"{len(rows)} cells of {len({who for who, *_ in owed})} subjects; deadlines are demonstration values")


@main.command()
def dev() -> None:
    """The Dagster interface on http://127.0.0.1:3000."""
    from orchestration.nightly import dagster_home

    warehouse.start()
    dagster_home()
    command = [sys.executable, "-m", "dagster", "dev", "-m", "orchestration.definitions", "-h", "127.0.0.1"]
    os.execv(sys.executable, command)  # noqa: S606 - the interface takes this process over


@main.command()
def verify() -> None:
    """Check the invariants I1 to I3: archive, counts, ledger. Exit code 1 when one does not hold."""
    from expectations.verification import verify as run

    with warehouse.connect(autocommit=True) as connection:
        faults = run(connection, warehouse.home())
    for fault in faults:
        console.print(fault, style="red")
    console.print("I1, I2, I3 hold" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


@main.command("dry-run")
@click.option("--rules", type=FILE, help="A draft rules.csv: rows that replace, add or end rules.")
@click.option("--catalogue", type=FOLDER, help="A whole draft catalogue: forms/, classifiers/, registry/.")
@click.option("--regulation", type=FILE, help="A draft submission_regulation.csv: who owes what by when.")
@click.option("--from", "first", type=DAY, required=True, help="First day of receipt; of --regulation: periods end.")
@click.option("--to", "last", type=DAY, required=True, help="Last day.")
@click.option("--backdate", is_flag=True, help="As if the rows of --rules had been in force from the first day.")
@click.option("--records", default=0, show_default=True, help="Name the first N records that newly break a rule.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@_told
def dry_run(
    rules: Path | None,
    catalogue: Path | None,
    regulation: Path | None,
    first: datetime,
    last: datetime,
    records: int,
    shape: str,
    *,
    backdate: bool,
) -> None:
    """Show what a draft would have changed over the packages received between two days; touches nothing."""
    from expectations import draft, dryrun
    from expectations.completeness import trial
    from orchestration import trying

    if sum(given is not None for given in (rules, catalogue, regulation)) != 1:
        raise click.UsageError("name one draft: --rules FILE, --catalogue DIR or --regulation FILE")
    if backdate and rules is None:
        raise click.UsageError("--backdate goes with --rules")
    if last < first:
        raise click.BadParameter("the last day is before the first", param_hint="--to")
    in_force = load_catalogue()
    with TemporaryDirectory() as folder, warehouse.connect(autocommit=True) as connection:
        try:
            if regulation:
                drafted = draft.with_regulation(in_force, regulation, Path(folder))
            elif rules:
                since = first.date() if backdate else None
                drafted = draft.with_rules(in_force, rules, Path(folder), since)
            else:
                drafted = draft.read_catalogue(catalogue or Path())
            days = first.date(), last.date()
            outcome: dryrun.Outcome | trial.RegulationOutcome = (
                trial.try_out(connection, in_force, drafted, *days, warehouse.clock())
                if regulation
                else dryrun.try_out(connection, in_force, drafted, warehouse.home(), *days, records)
            )
        except draft.DraftError as error:
            raise click.ClickException(str(error)) from None
    if shape != "table":
        click.echo(trying.as_json(outcome) if shape == "json" else trying.as_csv(outcome), nl=shape == "json")
    elif isinstance(outcome, dryrun.Outcome):
        trying.show(outcome, console)
    else:
        trying.show_regulation(outcome, console)


@main.command()
def stop() -> None:
    """Stop the embedded PostgreSQL."""
    warehouse.stop()


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Only say whether the file is current.")
def sources(only_check: bool) -> None:
    """Write dbt's source declarations from the forms."""
    from orchestration import dbt

    made = dbt.sources(load_catalogue())
    if only_check:
        current = dbt.SOURCES.read_text(encoding="utf-8") == made
        console.print(f"{dbt.SOURCES.name} is {'current' if current else 'not current: run zanstat sources'}")
        sys.exit(0 if current else 1)
    dbt.SOURCES.write_text(made, encoding="utf-8")


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("docs"), show_default=True)
def rulebook(folder: Path) -> None:
    """Write the rule catalogue as a page in each language: rules.kk.md, rules.ru.md, rules.en.md."""
    from expectations.rulebook import pages

    for path, text in pages(load_catalogue(), folder).items():
        path.write_text(text, encoding="utf-8")
        console.print(str(path))


def _exit_by(nights: list[Any]) -> None:
    sys.exit(0 if all(night.succeeded and not night.failed for night in nights) else 1)
