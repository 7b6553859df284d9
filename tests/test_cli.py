"""The command line as people use it: a subject's package from file to receipt, and the demonstration."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingestion.contract import load_catalogue
from orchestration import cli
from tests.conftest import Store
from tests.packages import NOW, records

CHROMIUM = shutil.which("chromium")


def zanstat(*words: object, expected: int = 0) -> Result:
    outcome = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert outcome.exit_code == expected, (outcome.output, outcome.exception)
    return outcome


def write(folder: Path, rows: list[dict[str, str]], form: str = "civil_case") -> Path:
    folder.mkdir()
    with (folder / "records.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, load_catalogue().forms[form].field_names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_subject_packs_checks_submits_and_reads_its_receipt(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "monday", records("civil_case", 3))
    day = NOW.date()
    sender = records("civil_case", 1)[0]["court"]
    zanstat("pack", folder, "--form", "civil_case", "--subject", f"SUD-{sender}", "--period", day)
    declared = json.loads((folder / "manifest.json").read_text())
    assert declared["payload"][0]["records"] == 3
    zanstat("check", folder)
    zanstat("submit", folder)
    assert "not been received" in zanstat("receipt", folder, expected=1).output
    store.night()
    zanstat("receipt", folder)
    zanstat("receipt", "--subject", f"SUD-{sender}")
    answer = json.loads((store.home / f"outbox/SUD-{sender}/1_1.receipt.json").read_text())
    assert answer["verdict"] == "accepted"
    zanstat("verify")


def test_check_names_line_field_rule_and_what_to_do(store: Store, tmp_path: Path) -> None:
    rows = records("civil_case", 3)
    rows[1]["category"] = "no_such_category"
    folder = write(tmp_path / "monday", rows)
    sender = f"SUD-{rows[0]['court']}"
    zanstat("pack", folder, "--form", "civil_case", "--subject", sender, "--period", NOW.date())
    found = subprocess.run(
        [sys.executable, "-m", "orchestration", "check", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "line 3: category: Use a code of the classifier named. (GEN-301" in found.stdout
    assert "no_such_category" not in found.stdout


def test_a_folder_that_cannot_be_packed_is_told_in_a_sentence(store: Store, tmp_path: Path) -> None:
    folder = write(tmp_path / "monday", [], form="criminal_offence")
    outcome = zanstat(
        "pack", folder, "--form", "civil_case", "--subject", "SUD-7511", "--period", "2026-10-20", expected=1
    )
    assert "PKG-116" in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.server
def test_the_demonstration_runs_whole_and_a_second_run_adds_nothing(store: Store) -> None:
    zanstat("run", "--days", 8, "--records", 600)
    counts = "select count(*), sum(records_accepted), sum(records_quarantined) from quality.submissions"
    first = store.query(counts), store.query("select count(*) from criminal.offences")
    assert first[0][0][0] > 100
    assert store.query("select count(*) from ledger.progress where state in ('received', 'loaded')") == [0]
    assert store.verify() == []
    zanstat("run", "--days", 8, "--records", 600)
    assert (store.query(counts), store.query("select count(*) from criminal.offences")) == first


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
def test_a_receipt_reads_as_a_page_in_a_browser(store: Store, tmp_path: Path) -> None:
    rows = records("civil_case", 2)
    rows[1]["category"] = "no_such_category"
    folder = write(tmp_path / "monday", rows)
    zanstat("pack", folder, "--form", "civil_case", "--subject", f"SUD-{rows[0]['court']}", "--period", NOW.date())
    zanstat("submit", folder)
    store.night()
    (page,) = (store.home / "outbox").glob("*/1_1.receipt.html")
    shown = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    text = re.sub(r"<[^>]+>", " ", shown)
    assert "partly_accepted" in text
    assert "GEN-301" in text
    assert "Азаматтық іс" in text
    assert "no_such_category" not in text
