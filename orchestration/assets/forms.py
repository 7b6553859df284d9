"""Two assets a form: its raw records, and their judgement with the one check that machinery was sound.

Assets are made from the forms' folders; nothing here knows a form by name. A form whose machinery fails is
left unjudged (its transaction is rolled back, so the marts do not see it), its check turns red, and the other
forms go on: one bad form must never stop a night.
"""

import traceback
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from expectations import judgement
from expectations.validation import MachineryError
from ingestion import load, tables, warehouse
from ingestion.contract import Catalogue, Form
from orchestration.checks import CHECK, SHARE, high_share, judgement_is_sound
from orchestration.partitions import day_of_receipt
from orchestration.resources import Warehouse


def form_assets(catalogue: Catalogue) -> list[dg.AssetsDefinition]:
    """``raw/<form>`` and ``judged/<form>`` for every form of the catalogue."""
    return [asset for form in catalogue.forms.values() for asset in (_raw(form), _judged(form))]


def _raw(form: Form) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", form.name],
        deps=["submissions"],
        partitions_def=day_of_receipt,
        group_name=form.sphere,
        kinds={"postgres", "polars"},
        description=f"{form.title['en']}: records as sent, typed. {form.description} ({form.law_ref})",
        metadata={"dagster/relation_identifier": f"raw.{form.name}", "dagster/column_schema": _schema(form)},
    )
    def raw(context: dg.AssetExecutionContext, store: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        day = date.fromisoformat(context.partition_key)
        try:
            with store.connect() as connection:
                loaded = load.load(connection, store.catalogue, form, store.home, day, warehouse.clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other forms go on; the check turns red
            return dg.MaterializeResult(metadata={"failed": describe(error)})
        return dg.MaterializeResult(
            metadata={
                "packages": loaded.packages,
                "dagster/partition_row_count": loaded.records - loaded.unreadable,
                "records_unreadable": loaded.unreadable,
                "submissions_damaged_in_archive": list(loaded.failed),
            }
        )

    return raw


def _judged(form: Form) -> dg.AssetsDefinition:
    key = dg.AssetKey(["judged", form.name])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["raw", form.name])],
        partitions_def=day_of_receipt,
        group_name=form.sphere,
        kinds={"postgres", "greatexpectations"},
        description=f"{form.title['en']}: every record checked against the numbered rules of Law 510 Art. 8(2)(2) by "
        "Great Expectations; a record that breaks an error rule is quarantined.",
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, description=judgement_is_sound.__doc__),
            dg.AssetCheckSpec(SHARE, asset=key, description=high_share.__doc__),
        ],
        metadata={"dagster/relation_identifier": f"checked.{form.name}"},
    )
    def judged(context: dg.AssetExecutionContext, store: Warehouse) -> Iterator[Any]:
        day = date.fromisoformat(context.partition_key)
        failure, outcome = None, judgement.Judged(form.name)
        with store.connect() as connection:
            try:
                outcome = judgement.judge(
                    connection,
                    warehouse.sqlalchemy_url(),
                    store.catalogue,
                    form,
                    day,
                    warehouse.clock(),
                    store.docs,
                )
            except Exception as error:  # noqa: BLE001 - rolled back; the check turns red and the other forms go on
                failure = describe(error)
            yield dg.MaterializeResult(asset_key=key, metadata=_summary(outcome) | store.page(form.name))
            yield judgement_is_sound(connection, key, form, day, failure)
            yield high_share(store.catalogue, key, day, outcome)

    return judged


def _summary(outcome: judgement.Judged) -> dict[str, Any]:
    by_rule = [
        dg.TableRecord({"rule": rule, "field": field, "records": records})
        for (rule, field), records in sorted(outcome.violations.items(), key=lambda item: -item[1])
    ]
    columns = [dg.TableColumn("rule", "string"), dg.TableColumn("field", "string"), dg.TableColumn("records", "int")]
    return {
        "packages": outcome.packages,
        "dagster/partition_row_count": outcome.records,
        "records_accepted": outcome.accepted,
        "records_quarantined": outcome.quarantined,
        "records_unreadable": outcome.unreadable,
        "submissions_restated": len(outcome.restated),
        "submissions_withdrawn": len(outcome.withdrawn),
        "violations": dg.TableMetadataValue(by_rule, dg.TableSchema(columns)),
    }


def _schema(form: Form) -> dg.TableSchema:
    described = {field.name: f"{field.label['en']}. {field.description}" for field in form.columns}
    return dg.TableSchema(
        [dg.TableColumn(name, kind, described.get(name)) for name, kind in tables.raw_columns(form).items()]
    )


def describe(error: Exception) -> str:
    """What failed and where, without the error's own words: those of a database may hold values of records."""
    if isinstance(error, MachineryError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__}{f' {state}' if state else ''} in {where}"
