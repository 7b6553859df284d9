"""The calendar of what was due, once reports are reconciled and before anybody is answered."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from expectations import completeness
from expectations.completeness import Watched
from ingestion import warehouse
from ingestion.contract import Catalogue
from orchestration.assets.forms import describe
from orchestration.checks import GAPS, nothing_due_is_missing
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse

KEY = dg.AssetKey(["quality", "calendar"])


def calendar_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset ``quality/calendar``, after the judgement of every form and the reconciliation of reports."""

    @dg.asset(
        key=KEY,
        deps=[*(dg.AssetKey(["judged", form]) for form in catalogue.forms), dg.AssetKey(["quality", "reconciliation"])],
        partitions_def=day_of_receipt,
        group_name="quality",
        kinds={"postgres", "greatexpectations"},
        description="What each subject owed for each form and period, by when, and what came of it; deadlines are "
        "demonstration values (Law 510 Art. 1(15), 5, 8(2)(1), 8(2)(2)).",
        check_specs=[dg.AssetCheckSpec(GAPS, asset=KEY, description=nothing_due_is_missing.__doc__)],
        metadata={"dagster/relation_identifier": "quality.calendar"},
    )
    def calendar(store: Warehouse) -> Iterator[Any]:
        failure, outcome = None, Watched()
        with store.connect() as connection:
            try:
                outcome = completeness.watch(
                    connection, warehouse.sqlalchemy_url(), store.catalogue, warehouse.clock(), store.home / "data_docs"
                )
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the night goes on
                failure = describe(error)
        yield dg.MaterializeResult(
            asset_key=KEY,
            metadata={
                "cells_laid_down": outcome.look.generated,
                "cells_changed": outcome.look.answered,
                "findings_found": outcome.findings.found,
                "findings_cleared": outcome.findings.cleared,
                **{f"cells_{change}_by_the_catalogue": number for change, number in outcome.look.changes.items()},
                **{f"broken_{rule}": number for rule, number in outcome.broken.items()},
            },
        )
        yield nothing_due_is_missing(KEY, outcome, failure)

    return calendar
