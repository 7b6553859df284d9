"""Subjects' own reports against their own records, once every form is judged and before anybody is answered."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from expectations import reconciliation
from expectations.reconciliation import Reconciled
from ingestion import warehouse
from ingestion.contract import Catalogue
from orchestration.assets.forms import describe
from orchestration.checks import AGREES, reports_agree
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse

KEY = dg.AssetKey(["quality", "reconciliation"])


def reconciliation_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset ``quality/reconciliation``, after the judgement of every form and of the links between them."""

    @dg.asset(
        key=KEY,
        deps=[*(dg.AssetKey(["judged", form]) for form in catalogue.forms), dg.AssetKey(["quality", "links"])],
        partitions_def=day_of_receipt,
        group_name="quality",
        kinds={"postgres", "greatexpectations"},
        description="Every cell of a subject's own report beside its figure computed from the subject's records, as "
        "known when the report was received (Law 510 Art. 7(1)(1), 8(2)(2)).",
        check_specs=[dg.AssetCheckSpec(AGREES, asset=KEY, description=reports_agree.__doc__)],
        metadata={"dagster/relation_identifier": "quality.reconciliation"},
    )
    def reconciled(context: dg.AssetExecutionContext, store: Warehouse) -> Iterator[Any]:
        day = date.fromisoformat(context.partition_key)
        failure, outcome = None, Reconciled()
        with store.connect() as connection:
            try:
                outcome = reconciliation.reconcile(
                    connection,
                    warehouse.sqlalchemy_url(),
                    store.catalogue,
                    day,
                    warehouse.clock(),
                    store.home / "data_docs",
                )
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the night goes on
                failure = describe(error)
        yield dg.MaterializeResult(
            asset_key=KEY,
            metadata={
                "reports": outcome.reports,
                "reports_waiting_for_records": outcome.waiting,
                "submissions_restated": len(outcome.restated),
                "findings_found": outcome.findings.found,
                "findings_cleared": outcome.findings.cleared,
                **{f"cells_against_{rule}": number for rule, number in outcome.violations.items()},
            },
        )
        yield reports_agree(KEY, outcome, failure)

    return reconciled
