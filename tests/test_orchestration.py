"""Real Dagster runs of a whole night over a real dbt build: what a data engineer sees in the morning."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion import tables, warehouse
from ingestion.contract import Catalogue
from orchestration import dbt, nightly
from orchestration.nightly import Night
from tests.conftest import Store, warehouse_like
from tests.packages import FORMS, NOW, SENDER, pack, records

GRAPH = Path(__file__).parent / "data/asset_graph.txt"
COUNTS = """
select 'submissions', count(*) from ledger.submissions union all
select 'receipts', count(*) from ledger.receipts union all
select 'violations', count(*) from quality.violations union all
select 'raw', count(*) from raw.criminal_offence union all
select 'offences', count(*) from criminal.offences union all
select 'decisions', count(*) from criminal.pretrial_decisions union all
select 'cases', count(*) from civil.cases union all
select 'protocols', count(*) from administrative.offences
"""


def night(day: date) -> Night:
    with nightly.clock_set(NOW + timedelta(hours=1)):
        return nightly.run(day)


@pytest.fixture(scope="module")
def first_night(
    template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue
) -> Iterator[tuple[Store, Night]]:
    """A warehouse after one night over three records of every form, one of them broken."""
    folder = tmp_path_factory.mktemp("night")
    with warehouse_like(template, folder / "home", catalogue) as store:
        for form in FORMS:
            sent = records(form, 3)
            sent[2]["action"] = "X"
            store.submit(pack(folder / form, catalogue, form, sent), SENDER[form])
        yield store, night(NOW.date())


@pytest.fixture
def loaded(first_night: tuple[Store, Night], monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Night]:
    """The same warehouse for each test; the environment names it anew."""
    store, _ = first_night
    monkeypatch.setenv("ZANSTAT_HOME", str(store.home))
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", store.url)
    nightly.dagster_home()
    return first_night


def test_a_night_brings_packages_from_the_inbox_to_the_marts(loaded: tuple[Store, Night]) -> None:
    store, first = loaded
    assert first.failed == ()
    assert first.succeeded
    assert store.query("select verdict from quality.submissions") == ["partly_accepted"] * len(FORMS)
    figures = dict(store.query(COUNTS))
    assert figures["offences"] == figures["decisions"] == figures["cases"] == 2
    (total,) = store.query("select sum(registered) from criminal.offences_monthly where level = 'total'")
    assert total == 2
    for form in FORMS:
        assert list((store.home / "outbox" / SENDER[form]).glob("*_2.receipt.json"))
    assert store.verify() == []
    assert list((store.home / "intake").iterdir()) == []


def test_running_a_day_again_changes_nothing(loaded: tuple[Store, Night]) -> None:
    store, _ = loaded
    before = store.query(COUNTS), store.query("select * from criminal.offences order by record_key")
    again = night(NOW.date())
    assert again.succeeded
    assert (store.query(COUNTS), store.query("select * from criminal.offences order by record_key")) == before


def test_every_asset_tells_what_it_did_and_every_dbt_test_is_a_check(loaded: tuple[Store, Night]) -> None:
    _, first = loaded
    with dg.DagsterInstance.get() as instance:
        logs = instance.all_logs(first.run_id)
    events = [log.dagster_event for log in logs if log.dagster_event]
    told = {
        tuple(event.asset_key.path): event.step_materialization_data.materialization.metadata
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key
    }
    checks = [event for event in events if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION]
    judged = told["judged", "criminal_offence"]
    assert judged["records_quarantined"].value == 1
    assert judged["dagster/partition_row_count"].value == 3
    assert {row.data["rule"] for row in judged["violations"].records} >= {"GEN-301"}
    assert len(checks) > 20
    calendar = told["quality", "calendar"]
    assert calendar["cells_laid_down"].value > 0
    for asset, rule in ((judged, "GEN-301"), (calendar, "CAL-701")):
        assert rule in Path(str(asset["data_docs"].value)).read_text()
    (gaps,) = [
        check.asset_check_evaluation_data
        for check in checks
        if check.asset_check_evaluation_data.check_name == "nothing_due_is_missing"
    ]
    assert gaps.severity is dg.AssetCheckSeverity.WARN


def test_a_night_runs_every_test_of_a_mart_and_those_that_look_at_code_lists_too(loaded: tuple[Store, Night]) -> None:
    store, _ = loaded
    described = json.loads((store.home / "dbt/target/manifest.json").read_text())["nodes"]
    models = {name for name, node in described.items() if node["resource_type"] == "model"}
    looking = {
        name
        for name, node in described.items()
        if node["resource_type"] == "test" and models.intersection(node["depends_on"]["nodes"])
    }
    results = json.loads((store.home / "dbt/target/run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} == models | looking
    assert any("every_region" in name for name in looking)


def test_the_marts_are_planned_on_what_the_night_wrote(loaded: tuple[Store, Night]) -> None:
    store, _ = loaded
    assert store.one("select reltuples from pg_class where oid = 'quality.violations'::regclass") == store.one(
        "select count(*) from quality.violations"
    )


def test_a_test_of_a_mart_that_fails_turns_the_night_red(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "one", store.catalogue, "criminal_offence", records("criminal_offence", 2)))
    assert night(NOW.date()).failed == ()
    store.connection.execute(
        "delete from criminal.offences where record_key = (select min(record_key) from criminal.offences)"
    )
    red = night(NOW.date())
    assert not red.succeeded
    assert "marts" in red.failed


def test_a_form_whose_machinery_fails_does_not_stop_the_others(store: Store, tmp_path: Path) -> None:
    for form in ("civil_case", "criminal_offence"):
        store.submit(pack(tmp_path / form, store.catalogue, form, records(form, 2)), SENDER[form])
    store.connection.execute("drop view checked.civil_case cascade")
    failed = night(NOW.date())
    assert not failed.succeeded
    assert "judged/civil_case:judgement_is_sound" in failed.failed
    assert dict(store.query("select form, verdict from quality.submissions")) == {
        "civil_case": "received",
        "criminal_offence": "accepted",
    }
    assert store.query("select count(*) from criminal.offences") == [2]
    assert store.query("select count(*) from civil.cases") == [0]

    tables.create_views(store.connection, store.catalogue)
    mended = night(NOW.date())
    assert mended.failed == ()
    assert store.query("select count(*) from civil.cases") == [2]


def test_the_graph_of_assets_is_the_one_reviewed() -> None:
    """A change of lineage shows in review: to accept it, write ``graph()`` into the file."""
    assert graph() == GRAPH.read_text(encoding="utf-8")


def graph() -> str:
    from orchestration.definitions import defs

    assets = defs.resolve_asset_graph()
    lines = []
    for key in sorted(assets.get_all_asset_keys(), key=lambda k: k.path):
        node = assets.get(key)
        parents = ", ".join(sorted("/".join(parent.path) for parent in node.parent_keys))
        lines.append(f"{'/'.join(key.path)} [{node.group_name}] <- {parents or '-'}")
    return "\n".join(lines) + "\n"


def test_the_inbox_sensor_asks_once_for_the_same_packages(store: Store, tmp_path: Path) -> None:
    from orchestration.sensors import inbox

    def asked() -> Any:
        return inbox(dg.build_sensor_context())

    assert isinstance(asked(), dg.SkipReason)
    store.submit(pack(tmp_path / "one", store.catalogue, "civil_case", records("civil_case", 1)))
    first, second = asked(), asked()
    assert first.run_key == second.run_key
    store.submit(pack(tmp_path / "two", store.catalogue, "criminal_offence", records("criminal_offence", 1)))
    assert asked().run_key != first.run_key


def test_the_schedule_loads_the_day_that_has_just_ended() -> None:
    from orchestration.schedules import nightly as schedule

    moment = NOW.replace(hour=2, minute=0) + timedelta(days=1)
    request = schedule(dg.build_schedule_context(scheduled_execution_time=moment))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == NOW.date().isoformat()


def test_dbt_reads_the_sources_that_follow_from_the_forms(catalogue: Catalogue) -> None:
    assert dbt.SOURCES.read_text(encoding="utf-8") == dbt.sources(catalogue)


def test_the_clock_set_for_a_demonstration_is_marked(store: Store, tmp_path: Path) -> None:
    assert not warehouse.is_simulated()
    with nightly.clock_set(NOW):
        assert warehouse.is_simulated()
        assert warehouse.clock() == NOW
    assert not warehouse.is_simulated()


def test_an_analyst_reads_the_marts_and_not_the_raw_records(loaded: tuple[Store, Night]) -> None:
    store, _ = loaded
    night(NOW.date())  # a rebuilt table must not lose its grants
    may = "select has_table_privilege('analyst', %s, 'select') and has_schema_privilege('analyst', %s, 'usage')"
    for table in ("criminal.offences_monthly", "civil.cases", "quality.submissions", "quality.violations_daily"):
        assert store.one(may, table, table.split(".")[0]), table
    for table in ("raw.administrative_offence", "ledger.submissions", "staging.stg_administrative_offence"):
        assert not store.one(may, table, table.split(".")[0]), table


def test_the_schedule_and_the_sensor_are_on_by_default() -> None:
    from orchestration.schedules import nightly as schedule
    from orchestration.sensors import inbox

    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert inbox.default_status is dg.DefaultSensorStatus.RUNNING
