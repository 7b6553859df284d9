"""A form's conditions as a Great Expectations suite: a pure function from the contract.

Each expectation carries its rule, field, dimension, article and severity in ``meta``, so that results, which
come back in an order of their own, can be matched. Importing Great Expectations is left to the caller.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from expectations.conditions import Condition

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite(name: str, conditions: Sequence[Condition]) -> "ExpectationSuite":
    """One expectation a condition; ``description`` is the rule's statement, so that Data Docs read as the catalogue."""
    from great_expectations import ExpectationSuite

    from expectations.record_holds import ExpectRecordToHold

    return ExpectationSuite(
        name=name,
        expectations=[
            ExpectRecordToHold(
                holds=condition.sql,
                severity="critical" if condition.rule.is_error else "warning",
                description=f"{condition.rule.code} {condition.field}: {condition.rule.statement}",
                meta={
                    "rule": condition.rule.code,
                    "field": condition.field,
                    "severity": condition.rule.severity,
                    "dimension": condition.rule.dimension,
                    "law_ref": condition.rule.law_ref,
                },
            )
            for condition in conditions
        ],
    )
