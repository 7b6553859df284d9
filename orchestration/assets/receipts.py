"""Receipts: the answer to every subject whose submission was judged or restated, notices of what is open without a
package, and the end of the night."""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from expectations import notice, receipt
from ingestion import intake, ledger, warehouse
from ingestion.contract import Catalogue
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse


def receipts_asset(catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset ``receipts``, after the judgement of every form, and everything that follows from it."""

    @dg.asset(
        deps=[
            *(dg.AssetKey(["judged", form]) for form in catalogue.forms),
            dg.AssetKey(["quality", "plausibility"]),
        ],
        partitions_def=day_of_receipt,
        group_name="intake",
        kinds={"json"},
        description="Numbered snapshots in the outbox: what was accepted, what was not, line, field, rule, article and "
        "what to fix, in Kazakh, Russian and English.",
    )
    def receipts(context: dg.AssetExecutionContext, store: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        day = date.fromisoformat(context.partition_key)
        with store.connect() as connection:
            issued = receipt.issue_due(connection, store.catalogue, store.home)
            notices = notice.issue_due(connection, store.catalogue, store.home)
            ledger.write_checkpoint(connection, store.home / "checkpoints", warehouse.clock().date())
            intake.clear(connection, store.home)
            left = connection.execute(
                "select distinct s.form from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
                "where p.state in ('received', 'loaded') and s.received_on <= %s order by 1",
                [day],
            ).fetchall()
        if left:
            raise dg.Failure(
                f"not judged, and so not in the marts: {_names(left)}; see their checks", allow_retries=False
            )
        return dg.MaterializeResult(metadata={"receipts_issued": issued, "notices_issued": notices})

    return receipts


def _names(rows: Iterable[tuple[str]]) -> str:
    return ", ".join(name for (name,) in rows)
