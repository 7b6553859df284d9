"""The one custom expectation: a rule's SQL condition holds for every record.

Great Expectations bundles the counts of all rules of a suite into one scan of the table. The metric belongs to the
table and not to a column: one for a column brings six metrics more, for column types, empty cells, offending values
and row numbers, and each costs every rule of every night. Importing this module imports Great Expectations (seconds,
200 MB): import it inside the function that validates.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import parse_result_format
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies
from sqlalchemy import Boolean, func, literal_column

BROKEN, RECORDS = "records.broken", "table.row_count"


class RecordsBroken(TableMetricProvider):  # type: ignore[misc]
    """How many records break the condition ``holds``; null passes, as in CHECK."""

    metric_name = BROKEN
    value_keys = ("holds",)

    @metric_partial(  # type: ignore[untyped-decorator]
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 - signature of GX
        metric_domain_kwargs: Mapping[str, Any],
        metric_value_kwargs: Mapping[str, Any],
        **_: Any,
    ) -> Any:
        broken = literal_column(f"(({metric_value_kwargs['holds']}) is false)", Boolean)
        return func.count().filter(broken), metric_domain_kwargs, {}


class ExpectRecordToHold(BatchExpectation):  # type: ignore[misc]
    """``holds`` is the condition over the columns of a row. The result is counts alone, whatever format is asked for:
    metrics that fetch values are not there to be asked."""

    success_keys: ClassVar[tuple[str, ...]] = ("holds",)
    args_keys: ClassVar[tuple[str, ...]] = ("holds",)

    holds: str

    def get_validation_dependencies(
        self, runtime_configuration: dict[str, Any] | None = None, **_: Any
    ) -> ValidationDependencies:
        asked = (runtime_configuration or {}).get("result_format", "BASIC")
        batch = {"batch_id": self.batch_id}
        metrics = {
            BROKEN: MetricConfiguration(BROKEN, batch, {"holds": self.holds}),
            RECORDS: MetricConfiguration(RECORDS, batch),
        }
        return ValidationDependencies(metrics, parse_result_format(asked))

    def _validate(self, metrics: Mapping[str, int], **_: Any) -> dict[str, Any]:
        broken, records = metrics[BROKEN], metrics[RECORDS]
        return {
            "success": not broken,
            "result": {
                "element_count": records,
                "unexpected_count": broken,
                "unexpected_percent": 100 * broken / records if records else 0,
            },
        }
