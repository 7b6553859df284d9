"""The one custom expectation: a rule's SQL condition holds for every record.

Great Expectations bundles the counts of all rules of a suite into one scan of the table. Importing this
module imports Great Expectations (seconds, 200 MB): import it inside the function that validates.
"""

from typing import Any, ClassVar

from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider import column_condition_partial
from sqlalchemy import Boolean, literal_column


class RecordHolds(ColumnMapMetricProvider):
    """True for a record whose condition holds; null passes, as in CHECK."""

    condition_metric_name = "column_values.record_holds"
    condition_value_keys = ("holds",)
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column: Any, holds: str, **_: Any) -> Any:  # noqa: N805
        return literal_column(f"coalesce(({holds}), true)", Boolean)


class ExpectRecordToHold(ColumnMapExpectation):
    """``column`` is the record number; ``holds`` the condition over the other columns of the row."""

    map_metric: ClassVar[str] = "column_values.record_holds"
    success_keys: ClassVar[tuple[str, ...]] = ("holds", "mostly")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "holds")

    holds: str
