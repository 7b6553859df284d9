"""Changed catalogues for tests: a copy of the shipped one with some rows of its files changed.

Here belong the changes; what follows from them is for the tests.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingestion.contract import Catalogue, load_catalogue
from tests.test_catalogue import copy_of_the_catalogue, header, write

Row = dict[str, str]


def rules_of(form: str) -> str:
    return f"forms/{form}/rules.csv"


def changed(folder: Path, shipped: Catalogue, *changes: Callable[[Path], None]) -> Catalogue:
    """The shipped catalogue copied into ``folder``, changed and read."""
    root = copy_of_the_catalogue(folder, shipped)
    for change in changes:
        change(root)
    return load_catalogue(root)


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def rewritten(file: str, edit: Callable[[list[Row]], list[Row]]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / file
        write(path, header(path), edit(rows(path)))

    return change


def rule(file: str, code: str, **values: Any) -> Callable[[Path], None]:
    """Other values in the row of a rule; ``parameters`` as a dict."""
    return rewritten(file, lambda given: [row | _texts(values) if row["rule"] == code else row for row in given])


def without_rule(file: str, code: str) -> Callable[[Path], None]:
    return rewritten(file, lambda given: [row for row in given if row["rule"] != code])


def new_rule(file: str, like: str, **values: Any) -> Callable[[Path], None]:
    """A row more, equal to that of ``like`` but for these values: another rule, or another version of it."""
    return rewritten(file, lambda given: [*given, next(r for r in given if r["rule"] == like) | _texts(values)])


def code(classifier: str, name: str, **values: str) -> Callable[[Path], None]:
    """Other values in the row of a code."""
    return rewritten(
        f"classifiers/{classifier}.csv", lambda given: [r | values if r["code"] == name else r for r in given]
    )


def field(form: str, name: str, **values: str) -> Callable[[Path], None]:
    """Other values in the row of a field."""
    return rewritten(f"forms/{form}/fields.csv", lambda given: [r | values if r["field"] == name else r for r in given])


def _texts(values: dict[str, Any]) -> Row:
    return {name: json.dumps(value) if name == "parameters" else str(value) for name, value in values.items()}
