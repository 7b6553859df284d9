"""One night, run here and now: the same Dagster job the schedule starts, recorded in the same instance."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ingestion import warehouse

DAGSTER_YAML = Path(__file__).with_name("dagster.yaml")


@dataclass(frozen=True)
class Night:
    """How a run of the nightly job ended; ``failed`` names steps and checks that turned red."""

    day: date
    run_id: str
    succeeded: bool
    failed: tuple[str, ...]


def dagster_home() -> Path:
    """The instance's folder, made on first use."""
    folder = warehouse.home() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DAGSTER_YAML, folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def run(day: date) -> Night:
    """Run ``nightly_load`` for a day of receipt, in this process. A failed form does not stop the others."""
    dagster_home()
    for chatty in ("dagster", "great_expectations", "alembic"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    from dagster import DagsterEventType, DagsterInstance

    from orchestration.definitions import defs

    log = warehouse.home() / "dbt" / "build.log"
    log.parent.mkdir(exist_ok=True)
    # dbt's own progress is for whoever asks for it; a person at the terminal gets one line a night.
    with DagsterInstance.get() as instance, log.open("a", encoding="utf-8") as aside, redirect_stdout(aside):
        outcome = defs.resolve_job_def("nightly_load").execute_in_process(
            partition_key=day.isoformat(),
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        failed = [event.step_key or "" for event in outcome.all_events if event.is_step_failure]
        failed += [
            f"{'/'.join(event.asset_check_evaluation_data.asset_key.path)}:{event.asset_check_evaluation_data.check_name}"
            for event in outcome.all_events
            if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
            and not event.asset_check_evaluation_data.passed
            and event.asset_check_evaluation_data.severity.value == "ERROR"
        ]
    return Night(day, outcome.run_id, outcome.success, tuple(dict.fromkeys(failed)))


@contextmanager
def clock_set(moment: datetime) -> Iterator[None]:
    """The clock stands at ``moment`` (aware); what is registered meanwhile is marked simulated."""
    before = os.environ.get("ZANSTAT_CLOCK")
    os.environ["ZANSTAT_CLOCK"] = moment.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ["ZANSTAT_CLOCK"]
        else:
            os.environ["ZANSTAT_CLOCK"] = before
