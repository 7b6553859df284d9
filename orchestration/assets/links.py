"""Links between forms, once every form is judged: before reports are reconciled and before anybody is answered."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from expectations import links
from expectations.links import Linked
from ingestion import warehouse
from ingestion.contract import Catalogue
from orchestration.assets.forms import describe
from orchestration.checks import LINKED, links_are_judged
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse

KEY = dg.AssetKey(["quality", "links"])


def links_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset ``quality/links``, after the judgement of every form."""

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(["judged", form]) for form in catalogue.forms],
        partitions_def=day_of_receipt,
        group_name="quality",
        kinds={"postgres", "greatexpectations"},
        description="What records lack of the records of other forms they stand on: found, escalated when the other "
        "does not come in time, cleared when it comes (Law 510 Art. 8(2)(2)).",
        check_specs=[dg.AssetCheckSpec(LINKED, asset=KEY, description=links_are_judged.__doc__)],
        metadata={"dagster/relation_identifier": "quality.missing_links"},
    )
    def linked(store: Warehouse) -> Iterator[Any]:
        failure, outcome = None, Linked()
        with store.connect() as connection:
            try:
                outcome = links.judge(
                    connection,
                    warehouse.sqlalchemy_url(),
                    store.catalogue,
                    warehouse.clock(),
                    store.home / "data_docs",
                )
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the night goes on
                failure = describe(error)
            yield dg.MaterializeResult(asset_key=KEY, metadata=_summary(outcome))
            yield links_are_judged(connection, KEY, warehouse.clock(), failure)

    return linked


def _summary(outcome: Linked) -> dict[str, Any]:
    rules = sorted({rule for rule, _ in outcome.changes})
    columns = [dg.TableColumn("rule", "string"), *(dg.TableColumn(change, "int") for change in links.CHANGES)]
    table = [
        dg.TableRecord({"rule": rule} | {change: outcome.changes.get((rule, change), 0) for change in links.CHANGES})
        for rule in rules
    ]
    return {
        "records_looked_at": outcome.records,
        "submissions_restated": len(outcome.restated),
        "changes": dg.TableMetadataValue(table, dg.TableSchema(columns)),
    }
