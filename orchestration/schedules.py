"""The nightly job and when it runs by itself."""

import dagster as dg

from orchestration.partitions import TIME_ZONE, day_of_receipt

# In-process: each step of the multiprocess executor costs about 5 s of imports (DESIGN, measured).
nightly_load = dg.define_asset_job(
    "nightly_load",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Receive, load, judge, answer, build the marts, for everything received up to the day.",
)

receive = dg.define_asset_job(
    "receive",
    selection=dg.AssetSelection.assets("submissions"),
    executor_def=dg.in_process_executor,
    description="Take what lies in the inbox into archive and ledger, and answer its arrival.",
)


@dg.schedule(
    job=nightly_load,
    cron_schedule="0 2 * * *",
    execution_timezone=TIME_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """At 02:00 the day that has just ended is loaded; its number is the partition."""
    yesterday = day_of_receipt.get_partition_keys(context.scheduled_execution_time)[-2]
    return dg.RunRequest(partition_key=yesterday, run_key=f"nightly-{yesterday}")
