"""dbt's project, environment and sources: where it is, how it is called, and what it may read.

Here belong the call of dbt outside Dagster (seeds) and the source declarations that follow from the forms.
Keep out models: they are SQL in ``dbt_project``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ingestion import warehouse
from ingestion.contract import Catalogue

PROJECT = Path(__file__).parent.parent / "dbt_project"
EXECUTABLE = Path(sys.executable).parent / "dbt"
SOURCES = PROJECT / "models/staging/_sources.yml"


class DbtFailed(RuntimeError):
    """dbt ended with an error; the message holds its last lines."""


def environment(home: Path) -> dict[str, str]:
    """What dbt needs to know; its artifacts stay under ``home``."""
    return {
        **os.environ,
        **warehouse.dbt_environment(),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(home / "dbt/target"),
        "DBT_LOG_PATH": str(home / "dbt/logs"),
        "DO_NOT_TRACK": "1",
    }


def seed(catalogue: Catalogue, home: Path) -> None:
    """Fill ``reference`` from the catalogue's own files. Raises ``DbtFailed``.

    dbt reads seeds by a path relative to its project (given an absolute one, it would write its artifacts over
    the lists), so the project's seed part is laid beside a link to the catalogue.
    """
    beside = home / "dbt/seeding"
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "dbt_project").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(PROJECT / name, beside / "dbt_project" / name)
    shutil.copytree(PROJECT / "macros", beside / "dbt_project/macros")
    (beside / "ingestion").symlink_to(catalogue.root.resolve())
    outcome = subprocess.run(
        [str(EXECUTABLE), "--quiet", "seed", "--project-dir", str(beside / "dbt_project")],
        env=environment(home) | {"DBT_TARGET_PATH": str(beside / "target")},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode:
        raise DbtFailed("dbt seed failed:\n" + "\n".join(outcome.stdout.splitlines()[-20:]))


def sources(catalogue: Catalogue) -> str:
    """``_sources.yml``: one raw table a form, and the fixed tables dbt reads; a pure function of the forms."""
    raw = {
        "name": "raw",
        "description": "Typed records as sent, with everything that could be read. Restricted: holds identifiers.",
        "tables": [
            {
                "name": form.name,
                "description": f"{form.title['en']} | kk: {form.title['kk']} | ru: {form.title['ru']}",
                **_asset_key("judged", form.name),
            }
            for form in catalogue.forms.values()
        ],
    }
    received, found = ("submissions",), ("quality", "plausibility")  # the first and the last step that write them
    ledger = _fixed(
        "ledger",
        "Registration of packages and what happened to them, chained by hash.",
        submissions=("Every package ever received.", received),
        events=("What happened to each submission, in order.", received),
        progress=("Where each submission stands.", received),
    )
    quality = _fixed(
        "quality",
        "What is wrong, and by which rule.",
        violations=("Every rule a record breaks; open while cleared_seq is null.", ("quality", "reconciliation")),
        findings=("What is wrong without a record to hold it.", found),
        rules=("The published rule catalogue.", received),
        submissions=("One row a package: verdict and current counts (view over the ledger).", found),
        calendar=(
            "What each subject owed by when, and what came of it: a row a subject, form, report and period.",
            ("quality", "calendar"),
        ),
    )
    document = {"version": 2, "sources": [raw, ledger, quality]}
    head = "# Made from ingestion/forms by `zanstat sources`; edit the forms, not this file.\n"
    body: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return head + body


def _fixed(schema: str, description: str, **tables: tuple[str, tuple[str, ...]]) -> dict[str, Any]:
    """``tables``: name -> description, and the asset that has written it when the marts are built."""
    return {
        "name": schema,
        "description": description,
        "tables": [{"name": name, "description": said, **_asset_key(*key)} for name, (said, key) in tables.items()],
    }


def _asset_key(*parts: str) -> dict[str, Any]:
    return {"config": {"meta": {"dagster": {"asset_key": list(parts)}}}}
