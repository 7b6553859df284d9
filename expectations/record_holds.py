"""The one custom expectation: a rule's SQL condition holds for every record.

Great Expectations bundles the counts of all rules of a suite into one scan of the table. Importing this
module imports Great Expectations (seconds, 200 MB): import it inside the function that validates.
"""

from typing import Any, ClassVar

from great_expectations.execution_engine import ExecutionEngine, SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.expectation_configuration import parse_result_format
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import column_condition_partial
from great_expectations.validator.validator import ValidationDependencies
from sqlalchemy import Boolean, literal_column


class RecordHolds(ColumnMapMetricProvider):  # type: ignore[misc]
    """True for a record whose condition holds; null passes, as in CHECK."""

    condition_metric_name = "column_values.record_holds"
    condition_value_keys = ("holds",)
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _sqlalchemy(cls, column: Any, holds: str, **_: Any) -> Any:  # noqa: N805, ARG002 - signature of GX
        return literal_column(f"(({holds}) is not false)", Boolean)


class ExpectRecordToHold(ColumnMapExpectation):  # type: ignore[misc]
    """``column`` is the record number; ``holds`` the condition over the other columns of the row."""

    map_metric: ClassVar[str] = "column_values.record_holds"
    success_keys: ClassVar[tuple[str, ...]] = ("holds", "mostly")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "holds")

    holds: str

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine | None = None,
        runtime_configuration: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> ValidationDependencies:
        """Counts alone: the metrics that fetch offending values and row numbers are not even asked for, so no
        result format can leak them, and each rule costs no query of its own."""
        asked = (runtime_configuration or {}).get("result_format", "BASIC")
        counts = super().get_validation_dependencies(
            execution_engine, {**(runtime_configuration or {}), "result_format": "BOOLEAN_ONLY"}, **kwargs
        )
        return ValidationDependencies(counts.metric_configurations, parse_result_format(asked))
