"""The steps of a night but the marts, in their order, and what one of them costs beside a scan of its conditions.

A step that the night gains is added to ``steps``. Keep out what is written with the figures (``__main__``).
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from expectations import (
    completeness,
    judgement,
    links,
    notice,
    plausibility,
    receipt,
    reconciliation,
    validation,
)
from expectations.conditions import conditions
from ingestion import intake, load, warehouse
from ingestion.contract import Catalogue, Form

Step = tuple[str, Callable[[], Any]]


def steps(connection: psycopg.Connection, catalogue: Catalogue, home: Path, day: date) -> Iterator[Step]:
    """(name, what to do), in order; steps of one name are measured together."""
    now, url, docs = warehouse.clock(), warehouse.sqlalchemy_url(), home / "data_docs"
    yield "receive", lambda: intake.receive(connection, catalogue, home, warehouse.clock)
    yield "arrival receipts", lambda: receipt.issue_due(connection, catalogue, home)
    for form in catalogue.forms.values():
        yield "load", lambda form=form: load.load(connection, catalogue, form, home, day, now)  # type: ignore[misc]
    for form in catalogue.forms.values():
        yield (
            "judge",
            lambda form=form: judgement.judge(connection, url, catalogue, form, day, now, docs),  # type: ignore[misc]
        )
    yield "links", lambda: links.judge(connection, url, catalogue, now, docs)
    yield "reconcile", lambda: reconciliation.reconcile(connection, url, catalogue, day, now, docs)
    yield "calendar", lambda: completeness.watch(connection, url, catalogue, now, docs)
    yield "plausibility", lambda: plausibility.measure(connection, url, catalogue, now, docs)
    yield "receipts", lambda: receipt.issue_due(connection, catalogue, home)
    yield "notices", lambda: notice.issue_due(connection, catalogue, home)
    yield "claims removed", lambda: intake.clear(connection, home)


def suite_and_scan(
    connection: psycopg.Connection, catalogue: Catalogue, form: Form, day: date, seconds: Callable[..., float]
) -> tuple[int, float, float, dict[tuple[str, str], int]]:
    """Conditions, seconds of one scan of them, seconds of Great Expectations' suite, and what it counted, over the
    batch that waits for judgement. ``seconds`` measures a call."""
    waiting = validation.batch(connection, form, day)
    assert waiting
    every = conditions(form, catalogue, day)
    validation.show(connection, waiting)
    counts = ", ".join(f"count(*) filter (where not ({condition.sql}))" for condition in every)
    scan = f"select {counts} from checked.{waiting.view}"
    floor = min(seconds(lambda: connection.execute(scan).fetchone()) for _ in range(2))
    counted: dict[tuple[str, str], int] = {}
    suite = seconds(lambda: counted.update(validation.validate(warehouse.sqlalchemy_url(), waiting, every)))
    return len(every), floor, suite, counted
