"""The ledger of submissions: what lay in the inbox, received into archive and ledger, and answered at once."""

from datetime import date

import dagster as dg

from expectations import receipt
from ingestion import intake, ledger, warehouse
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse


@dg.asset(
    partitions_def=day_of_receipt,
    group_name="intake",
    kinds={"postgres", "python"},
    description="Every package received: kept byte for byte, registered in the hash-chained ledger, answered "
    "(Law 510 Art. 9(3), 11). Receiving again changes nothing.",
)
def submissions(context: dg.AssetExecutionContext, store: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Receive what lies in the inbox, answer it, and anchor the ledger's head outside the database."""
    day = date.fromisoformat(context.partition_key)
    with store.ready() as connection:
        received = intake.receive(
            connection, store.catalogue, store.home, warehouse.clock, simulated=warehouse.is_simulated()
        )
        receipts = receipt.issue_due(connection, store.catalogue, store.home)
        checkpoint = ledger.write_checkpoint(connection, store.home / "checkpoints", warehouse.clock().date())
        head = ledger.head(connection)
        total = connection.execute("select count(*) from ledger.submissions where received_on = %s", [day]).fetchone()
    return dg.MaterializeResult(
        metadata={
            **{f"packages_{outcome}": number for outcome, number in vars(received).items()},
            "packages_of_the_day": total[0] if total else 0,
            "receipts_issued": receipts,
            "ledger_head": head.hash,
            "checkpoint": checkpoint.name,
            "dagster/relation_identifier": "ledger.submissions",
            "dagster/row_count": head.seq,
        }
    )
