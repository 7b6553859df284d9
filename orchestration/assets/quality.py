"""What follows once every form is judged and before anybody is answered: links, reports, the calendar, plausibility.

One asset a step, one after the other, and all of one shape: the step does its work in transactions of its own; when
it fails, they are rolled back, its check turns red and the night goes on. Here belong the order and the words of the
steps. Keep out what they do (``expectations``) and when that is sound (``checks``).
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

import dagster as dg
import psycopg

from expectations import completeness, links, plausibility, reconciliation
from expectations.completeness import Watched
from expectations.findings import Changes
from expectations.links import Linked
from expectations.plausibility import Measured
from expectations.reconciliation import Reconciled
from ingestion import warehouse
from ingestion.contract import Catalogue
from orchestration.assets.forms import describe
from orchestration.checks import (
    links_are_judged,
    nothing_due_is_missing,
    reports_agree_with_records,
    series_are_plausible,
)
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse


class Step(NamedTuple):
    """``told`` and ``check`` are given what ``work`` returned, or ``nothing`` when it failed."""

    name: str
    table: str
    description: str
    work: Callable[[psycopg.Connection, Warehouse, date], Any]
    nothing: Any
    told: Callable[[Any], dict[str, Any]]
    check: Callable[[psycopg.Connection, dg.AssetKey, Any, str | None], dg.AssetCheckResult]

    @property
    def key(self) -> dg.AssetKey:
        return dg.AssetKey(["quality", self.name])


def quality_assets(catalogue: Catalogue) -> list[dg.AssetsDefinition]:
    """The asset ``quality/<step>`` of each step, after the judgement of every form and the step before."""
    judged = [dg.AssetKey(["judged", form]) for form in catalogue.forms]
    before = [[], *([step.key] for step in STEPS)]
    return [_asset(step, [*judged, *last]) for step, last in zip(STEPS, before, strict=False)]


def _asset(step: Step, after: list[dg.AssetKey]) -> dg.AssetsDefinition:
    name = step.check.__name__

    @dg.asset(
        key=step.key,
        deps=after,
        partitions_def=day_of_receipt,
        group_name="quality",
        kinds={"postgres", "greatexpectations"},
        description=step.description,
        check_specs=[dg.AssetCheckSpec(name, asset=step.key, description=step.check.__doc__)],
        metadata={"dagster/relation_identifier": step.table},
    )
    def done(context: dg.AssetExecutionContext, store: Warehouse) -> Iterator[Any]:
        failure, outcome = None, step.nothing
        with store.connect() as connection:
            try:
                outcome = step.work(connection, store, date.fromisoformat(context.partition_key))
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the night goes on
                failure = describe(error)
            yield dg.MaterializeResult(asset_key=step.key, metadata=step.told(outcome) | store.page(step.name))
            yield step.check(connection, step.key, outcome, failure)

    return done


def _given(store: Warehouse) -> dict[str, Any]:
    return {
        "sqlalchemy_url": warehouse.sqlalchemy_url(),
        "catalogue": store.catalogue,
        "now": warehouse.clock(),
        "docs": store.docs,
    }


def _settled(changes: Changes) -> dict[str, Any]:
    return {"findings_found": changes.found, "findings_cleared": changes.cleared}


def _linked(outcome: Linked) -> dict[str, Any]:
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


def _reconciled(outcome: Reconciled) -> dict[str, Any]:
    return {
        "reports": outcome.reports,
        "reports_waiting_for_records": outcome.waiting,
        "submissions_restated": len(outcome.restated),
        **_settled(outcome.findings),
        **{f"cells_against_{rule}": number for rule, number in outcome.violations.items()},
    }


def _watched(outcome: Watched) -> dict[str, Any]:
    return {
        "cells_laid_down": outcome.look.generated,
        "cells_changed": outcome.look.answered,
        **_settled(outcome.findings),
        **{f"cells_{change}_by_the_catalogue": number for change, number in outcome.look.changes.items()},
        **{f"broken_{rule}": number for rule, number in outcome.broken.items()},
    }


def _measured(outcome: Measured) -> dict[str, Any]:
    return {
        "forms": len(outcome.forms),
        **_settled(outcome.findings),
        **{f"measured_{rule}": number for rule, number in outcome.changed.items()},
    }


STEPS = (
    Step(
        name="links",
        table="quality.missing_links",
        description="What records lack of the records of other forms they stand on: found, escalated when the other "
        "does not come in time, cleared when it comes (Law 510 Art. 8(2)(2)).",
        work=lambda connection, store, _: links.judge(connection, **_given(store)),
        nothing=Linked(),
        told=_linked,
        check=links_are_judged,
    ),
    Step(
        name="reconciliation",
        table="quality.reconciliation",
        description="Every cell of a subject's own report beside its figure computed from the subject's records, as "
        "known when the report was received (Law 510 Art. 7(1)(1), 8(2)(2)).",
        work=lambda connection, store, day: reconciliation.reconcile(connection, day=day, **_given(store)),
        nothing=Reconciled(),
        told=_reconciled,
        check=reports_agree_with_records,
    ),
    Step(
        name="calendar",
        table="quality.calendar",
        description="What each subject owed for each form and period, by when, and what came of it; deadlines are "
        "demonstration values (Law 510 Art. 1(15), 5, 8(2)(1), 8(2)(2)).",
        work=lambda connection, store, _: completeness.watch(connection, **_given(store)),
        nothing=Watched(),
        told=_watched,
        check=nothing_due_is_missing,
    ),
    Step(
        name="plausibility",
        table="quality.plausibility",
        description="Statistics of what each subject sent, by month or quarter, with the bounds within which they "
        "are plausible (Law 510 Art. 6(3), 8(2)(1), 8(2)(2)).",
        work=lambda connection, store, _: plausibility.measure(connection, **_given(store)),
        nothing=Measured(),
        told=_measured,
        check=series_are_plausible,
    ),
)
