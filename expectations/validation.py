"""Great Expectations' verdict over all records of a form that wait for judgement: exact counts, no values.

Here belong the ephemeral context, one run of a suite, and Data Docs. Which conditions there are is for
``conditions``; what happens to the records is for ``quarantine``. Results hold counts only: the default
results of Great Expectations would carry the offending values (personal data) into logs and pages.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from expectations.conditions import Condition
from ingestion import durable, warehouse
from ingestion.contract import Form

FLAGGED = "flags is not null"
NAMED = 100  # submissions at most; the text of a view holds them
COUNTS_ONLY = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


class MachineryError(Exception):
    """Judging itself went wrong (not the data): the form's records stay unjudged and unseen."""


@dataclass(frozen=True)
class Batch:
    """The loaded, unjudged submissions of a form received up to a day; what one suite run looks at."""

    form: Form
    day: date
    submissions: tuple[int, ...]
    first_day: date
    last_day: date

    @property
    def view(self) -> str:
        """Name of the view that shows these submissions and no other, in schema ``checked``."""
        return f"{self.form.name}_waiting"

    @property
    def flagged_view(self) -> str:
        """Name of the view that shows those of the records about which the reader noted something."""
        return f"{self.form.name}_flagged"

    @property
    def bounds(self) -> str:
        """SQL that lets the server leave out partitions and pages without these submissions."""
        return (
            f"received_on between '{self.first_day}' and '{self.last_day}' "
            f"and submission_seq between {min(self.submissions)} and {max(self.submissions)}"
        )

    @property
    def where(self) -> str:
        """The batch as a condition over ``raw``.

        Of submissions named one by one the server knows how many records they have, and reads many in parallel.
        """
        if len(self.submissions) <= NAMED:
            return f"{self.bounds} and submission_seq in ({', '.join(map(str, self.submissions))})"
        return (
            f"{self.bounds} and submission_seq in (select submission_seq from ledger.progress where state = 'loaded')"
        )


def batch(connection: psycopg.Connection, form: Form, day: date) -> Batch | None:
    """What waits for judgement; None when nothing does."""
    rows = connection.execute(
        "select s.seq, s.received_on from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
        "where p.state = 'loaded' and s.form = %s and s.received_on <= %s order by s.seq",
        [form.name, day],
    ).fetchall()
    if not rows:
        return None
    days = [row[1] for row in rows]
    return Batch(form, day, tuple(row[0] for row in rows), min(days), max(days))


def show(connection: psycopg.Connection, waiting: Batch) -> None:
    """Make the batch's views. Great Expectations is given views, since it would read a query twice, once whole
    to learn its columns; and on a connection of its own it reads only what is committed.

    Conditions that only read a flag hold for every record without one, so they look at the flagged records alone.
    """
    whole = waiting.where
    for view, condition in ((waiting.view, whole), (waiting.flagged_view, f"{whole} and {FLAGGED}")):
        connection.execute(
            f"create or replace view checked.{view} as select * from checked.{waiting.form.name} where {condition}"
        )


def validate(
    sqlalchemy_url: str, waiting: Batch, conditions: Sequence[Condition], docs: Path | None = None
) -> dict[tuple[str, str], int]:
    """Count the form's rules over the batch; see ``count``."""
    views = {
        waiting.view: [c for c in conditions if not c.is_flag],
        waiting.flagged_view: [c for c in conditions if c.is_flag],
    }
    return count(sqlalchemy_url, waiting.form.name, views, docs)


def count(
    sqlalchemy_url: str, name: str, views: Mapping[str, Sequence[Condition]], docs: Path | None = None
) -> dict[tuple[str, str], int]:
    """Run a suite over each view of schema ``checked``; (rule, field) -> number of records that break it.

    ``docs`` receives this run's page of Data Docs, ``<name>/index.html``. Raises ``MachineryError`` when a rule could
    not be evaluated: an empty result is an error of the machinery, never a clean bill. There is no page of such a run:
    it would tell the error in the database's own words, which may hold values of records.
    """
    counts: dict[tuple[str, str], int] = {}
    results = _run(sqlalchemy_url, views)
    for outcome in (outcome for result in results for outcome in result.results):
        meta: Mapping[str, Any] = outcome.expectation_config.meta
        key = (meta["rule"], meta["field"])
        if "unexpected_count" not in (outcome.result or {}):
            kind = re.search(r"\(psycopg\.errors\.(\w+)\)", str(outcome.exception_info))
            why = f" ({kind[1]})" if kind else ""
            raise MachineryError(f"{name}: rule {key[0]} on {key[1]} could not be evaluated{why}")
        counts[key] = counts.get(key, 0) + (outcome.result["unexpected_count"] or 0)
    missing = {condition.key for conditions in views.values() for condition in conditions} - counts.keys()
    if missing:
        raise MachineryError(f"{name}: Great Expectations gave no result for {sorted(missing)}")
    if docs:
        durable.write({docs / name / "index.html": _page(results).encode()}, to_stay=False)
    return counts


def _run(sqlalchemy_url: str, views: Mapping[str, Sequence[Condition]]) -> list[Any]:
    """The result of each view's suite."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    for chatty in ("great_expectations", "great_expectations.data_context"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    from expectations.suite import suite

    # The default ephemeral context leaves a temporary folder behind at every run.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))
    context.variables.progress_bars = {"globally": False}
    datasource = context.data_sources.add_sql("warehouse", connection_string=sqlalchemy_url)
    try:
        results = []
        for view, conditions in views.items():
            asset = datasource.add_table_asset(view, table_name=view, schema_name="checked")
            batch = asset.add_batch_definition_whole_table("night").get_batch()
            results.append(batch.validate(suite(view, conditions), result_format=COUNTS_ONLY))
        return results
    finally:
        datasource.get_execution_engine().engine.dispose()


def _page(results: Sequence[Any]) -> str:
    """One page of Data Docs for a run, broken rules first. A site of Great Expectations keeps every result and every
    suite in its stores, and a copy of its images: three quarters of what a run over few records costs."""
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    now = warehouse.clock()
    run = RunIdentifier(run_name=now.date().isoformat(), run_time=now)
    documents = []
    for result in results:
        result.meta["run_id"] = run
        result.results.sort(key=lambda outcome: bool(outcome.success))
        documents.append(ValidationResultsPageRenderer().render(result))
    whole, *others = documents
    whole.sections += [section for document in others for section in document.sections]
    return str(_view().render(whole, template="page_minimal.j2"))


@cache
def _view() -> Any:
    """Great Expectations' own templates, compiled once in a process."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()
