"""A draft regulation is tried on the calendar: what would have been owed, late or missing, and nothing is touched."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from expectations import draft
from expectations.completeness import trial
from expectations.completeness.trial import CellsOutcome, SubjectCells
from ingestion.contract import Catalogue
from orchestration import cli
from tests.catalogues import rows
from tests.conftest import Store
from tests.test_catalogue import header, write
from tests.test_completeness import COURT, DAY, DUE, EVENING, HOUR, OFFENCES, OTHERS, POLICE, Office, offences

pytestmark = pytest.mark.server


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Office:
    """One body sent in the evening before its package was due, another two hours after that; the court sent nothing."""
    office = Office(store, tmp_path / "sent")
    office.send(EVENING, rows=offences(1))
    office.send(DUE + 2 * HOUR, sender=OTHERS, rows=offences(1, start=9))
    return office


def drafted(catalogue: Catalogue, folder: Path, **changes: str) -> Catalogue:
    """The regulation with other values in its row of police departments' daily offences."""
    shipped = catalogue.root / draft.REGULATION
    changed = [
        row | changes if (row["form"], row["subject_kind"]) == (OFFENCES, "police_department") else row
        for row in rows(shipped)
    ]
    file = folder / "regulation.csv"
    write(file, header(shipped), changed)
    return small(draft.with_regulation(catalogue, file, folder / "copy"))


def small(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, subjects={code: catalogue.subjects[code] for code in (POLICE, OTHERS, COURT)})


@pytest.mark.parametrize(
    ("changes", "cells", "subjects"),
    [
        (
            {"deadline": "PT48H"},
            [
                CellsOutcome(OFFENCES, None, "late", "received", 1, 1, 1),
                CellsOutcome(OFFENCES, None, "received", "received", 1, 1, 1),
            ],
            [SubjectCells(OTHERS, 1, 1, 1, 0, 0, 0)],
        ),
        (
            {"deadline": "PT1H"},
            [
                CellsOutcome(OFFENCES, None, "late", "late", 1, 1, 1),
                CellsOutcome(OFFENCES, None, "received", "late", 1, 1, 1),
            ],
            [SubjectCells(POLICE, 1, 1, 0, 1, 0, 0)],
        ),
        (
            {"mandatory": "false"},
            [
                CellsOutcome(OFFENCES, None, "late", None, 1, 1, 0),
                CellsOutcome(OFFENCES, None, "received", None, 1, 1, 0),
            ],
            [SubjectCells(OTHERS, 1, 0, 1, 0, 0, 0), SubjectCells(POLICE, 1, 0, 0, 0, 0, 0)],
        ),
        ({}, [], []),
    ],
    ids=["later", "earlier", "nothing owed", "the same"],
)
def test_what_a_draft_regulation_would_have_changed(
    office: Office,
    tmp_path: Path,
    changes: dict[str, str],
    cells: list[CellsOutcome],
    subjects: list[SubjectCells],
) -> None:
    store = office.store
    in_force, proposed = small(store.catalogue), drafted(store.catalogue, tmp_path, **changes)
    before = (
        store.query("select * from ledger.progress order by 1"),
        store.query("select count(*) from quality.calendar"),
    )
    outcome = trial.try_out(store.connection, in_force, proposed, DAY, DAY, DUE + timedelta(days=1))
    assert list(outcome.cells) == cells
    assert list(outcome.subjects) == subjects
    after = (
        store.query("select * from ledger.progress order by 1"),
        store.query("select count(*) from quality.calendar"),
    )
    assert after == before


def test_the_command_tries_a_regulation(office: Office, tmp_path: Path) -> None:
    drafted(office.store.catalogue, tmp_path, mandatory="false")
    words = ["dry-run", "--regulation", str(tmp_path / "regulation.csv"), "--from", str(DAY), "--to", str(DAY)]
    answer = json.loads(CliRunner().invoke(cli.main, [*words, "--format", "json"]).output)
    assert {(cell["form"], cell["state_draft"]) for cell in answer["cells"]} == {(OFFENCES, None)}
    for shape in ("csv", "table"):
        assert CliRunner().invoke(cli.main, [*words, "--format", shape]).exit_code == 0
    assert CliRunner().invoke(cli.main, [*words, "--rules", str(tmp_path / "regulation.csv")]).exit_code == 2
