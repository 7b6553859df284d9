"""What breaks each rule, and what just passes beside it: the table behind ``test_rules``.

One module a sphere, written by hand; what follows from a field alone (GEN) is made in ``fields``. Keep out judging.
"""

from tests.packages import Values

Sin = tuple[str, Values | list[Values], Values | list[Values] | None]
"""(rule, changes of a valid record that break it, changes that just pass it; None where the valid record itself is
that). Several records at once are a rule between records: each of them breaks it, each of them passes it."""
