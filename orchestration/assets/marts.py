"""The dbt models as assets: staging, intermediate, and the marts that analysts query.

Not partitioned: what is new is known from the ledger (a release may touch an older day), and a day passed by
``--vars`` would make dbt parse its project anew every night.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from ingestion import tables
from orchestration import dbt
from orchestration.resources import Warehouse


class Translator(DagsterDbtTranslator):
    """Groups by schema, so that a mart stands with its sphere; seeds stand with the code lists."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["resource_type"] == "seed":
            return "reference"
        schema: str | None = dbt_resource_props.get("config", {}).get("schema")
        return schema


def manifest(home: Path) -> Path:
    """dbt's manifest under ``home``, parsed again when a file of the project is newer. Needs no database."""
    path = home / "dbt/manifest/manifest.json"
    newest = max(p.stat().st_mtime for p in dbt.PROJECT.rglob("*") if p.suffix in (".sql", ".yml"))
    if not path.exists() or path.stat().st_mtime < newest:
        path.parent.mkdir(parents=True, exist_ok=True)
        nowhere = {f"DBT_{name}": "1" for name in ("HOST", "PORT", "USER", "PASSWORD", "DBNAME")}
        subprocess.run(
            [str(dbt.EXECUTABLE), "--quiet", "parse", "--project-dir", str(dbt.PROJECT)],
            env={
                **os.environ,
                **nowhere,
                "DBT_PROFILES_DIR": str(dbt.PROJECT),
                "DO_NOT_TRACK": "1",
                "DBT_TARGET_PATH": str(path.parent),
                "DBT_LOG_PATH": str(home / "dbt/logs"),
            },
            check=True,
        )
    return path


def mart_assets(home: Path) -> dg.AssetsDefinition:
    """Every dbt model and its tests (as checks), built in one call of dbt."""
    settings = DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True)

    # By what is built, not without the seeds: `exclude` would leave out every test that looks at a seed as well.
    @dbt_assets(
        manifest=json.loads(manifest(home).read_text()),
        dagster_dbt_translator=Translator(settings=settings),
        select="resource_type:model",
        name="marts",
    )
    def marts(context: dg.AssetExecutionContext, store: Warehouse, dbt_cli: DbtCliResource) -> Iterator[Any]:
        with store.connect() as connection:
            tables.analyze_written(connection)
        os.environ |= dbt.environment(store.home)
        build = ["build", "--exclude-resource-type", "unit_test"]
        yield from dbt_cli.cli(build, context=context, target_path=store.home / "dbt/target").stream()

    return marts
