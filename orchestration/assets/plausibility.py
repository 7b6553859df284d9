"""What subjects send against their own history and their peers, after judgement, and before anybody is answered."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from expectations import plausibility
from expectations.plausibility import Measured
from ingestion import warehouse
from ingestion.contract import Catalogue
from orchestration.assets.forms import describe
from orchestration.checks import PLAUSIBLE, series_are_plausible
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse

KEY = dg.AssetKey(["quality", "plausibility"])


def plausibility_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset ``quality/plausibility``, after the judgement of every form."""

    @dg.asset(
        key=KEY,
        deps=[*(dg.AssetKey(["judged", form]) for form in catalogue.forms), dg.AssetKey(["quality", "calendar"])],
        partitions_def=day_of_receipt,
        group_name="quality",
        kinds={"postgres", "greatexpectations"},
        description="Statistics of what each subject sent, by month or quarter, with the bounds within which they "
        "are plausible (Law 510 Art. 6(3), 8(2)(1), 8(2)(2)).",
        check_specs=[dg.AssetCheckSpec(PLAUSIBLE, asset=KEY, description=series_are_plausible.__doc__)],
        metadata={"dagster/relation_identifier": "quality.plausibility"},
    )
    def measured(store: Warehouse) -> Iterator[Any]:
        failure, outcome = None, Measured()
        with store.connect() as connection:
            try:
                outcome = plausibility.measure(
                    connection,
                    warehouse.sqlalchemy_url(),
                    store.catalogue,
                    warehouse.clock(),
                    store.home / "data_docs",
                )
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the night goes on
                failure = describe(error)
        yield dg.MaterializeResult(
            asset_key=KEY,
            metadata={
                "forms": len(outcome.forms),
                "findings_found": outcome.findings.found,
                "findings_cleared": outcome.findings.cleared,
                **{f"measured_{rule}": number for rule, number in outcome.changed.items()},
            },
        )
        yield series_are_plausible(KEY, outcome, failure)

    return measured
