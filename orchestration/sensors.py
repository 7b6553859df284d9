"""The inbox watched: packages are received and answered as they come.

Uniqueness is not the sensor's affair: the ledger's key and the arrival id keep a package from being
registered twice, however often a run is asked for.
"""

import hashlib

import dagster as dg

from ingestion import intake, warehouse
from orchestration.partitions import day_of_receipt
from orchestration.schedules import receive


@dg.sensor(
    job=receive,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for a run when complete packages wait in the inbox.",
)
def inbox() -> dg.RunRequest | dg.SkipReason:
    """One request for the same set of waiting packages."""
    home = warehouse.home()
    waiting = intake.waiting(home / "inbox")
    if not waiting:
        return dg.SkipReason("the inbox is empty")
    names = "\n".join(f"{path.relative_to(home)}:{path.stat().st_mtime_ns}" for path in waiting)
    today = day_of_receipt.get_partition_keys(warehouse.clock())[-1]
    return dg.RunRequest(run_key=hashlib.sha256(names.encode()).hexdigest(), partition_key=today)
