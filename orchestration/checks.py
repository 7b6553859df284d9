"""Checks of a form's judgement. dbt's tests arrive as checks by themselves.

One check a form turns red only when the machinery is wrong. It blocks through the ledger, not through
Dagster: what failed is rolled back, stays unjudged and so invisible to the marts, while other forms go on.
"""

from datetime import date

import dagster as dg
import psycopg

from expectations.completeness import Watched
from expectations.judgement import Judged
from expectations.links import Linked
from expectations.plausibility import Measured
from expectations.reconciliation import Reconciled
from ingestion import warehouse
from ingestion.contract import Catalogue, Form

CHECK = "judgement_is_sound"
SHARE = "share_of_quarantined_records"


def judgement_is_sound(
    connection: psycopg.Connection, key: dg.AssetKey, form: Form, day: date, failure: str | None
) -> dg.AssetCheckResult:
    """Great Expectations and quarantine agree, every record is accounted for (I2), every rule ran, and nothing
    received up to the day is left unjudged."""
    row = connection.execute(
        "select count(*) from ledger.progress p join ledger.submissions s on s.seq = p.submission_seq "
        "where p.state in ('received', 'loaded') and s.form = %s and s.received_on <= %s",
        [form.name, day],
    ).fetchone()
    left = row[0] if row else 0
    unbalanced = connection.execute(
        "select count(*) from quality.submissions where form = %s and received_on = %s and verdict in "
        "('accepted', 'partly_accepted', 'quarantined') "
        "and records_declared <> records_unreadable + records_quarantined + records_accepted",
        [form.name, day],
    ).fetchone()
    unaccounted = unbalanced[0] if unbalanced else 0
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=key,
        passed=failure is None and not left and not unaccounted,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"failure": failure or "none", "packages_left_unjudged": left, "packages_unaccounted": unaccounted},
    )


def high_share(catalogue: Catalogue, key: dg.AssetKey, day: date, outcome: Judged) -> dg.AssetCheckResult:
    """At most the share of PKG-132 of the night's records is quarantined or unreadable. A warning: one bad
    sender must never stop a nation."""
    limit = catalogue.rule("PKG-132", day).parameters["max_error_share"]
    bad = outcome.quarantined + outcome.unreadable
    share = bad / outcome.records if outcome.records else 0.0
    return dg.AssetCheckResult(
        check_name=SHARE,
        asset_key=key,
        passed=share <= limit,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"share": round(share, 4), "limit": limit},
    )


def links_are_judged(
    connection: psycopg.Connection, key: dg.AssetKey, _: Linked, failure: str | None
) -> dg.AssetCheckResult:
    """Great Expectations and the statement agree, every rule between forms ran, and nothing is overdue: no record waits
    for a day that has come."""
    row = connection.execute(
        "select count(*) from quality.unmet_links "
        "where changes_on <= (%s::timestamptz at time zone 'Asia/Almaty')::date",
        [warehouse.clock()],
    ).fetchone()
    overdue = row[0] if row else 0
    return dg.AssetCheckResult(
        check_name="links_are_judged",
        asset_key=key,
        passed=failure is None and not overdue,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"failure": failure or "none", "records_overdue": overdue},
    )


def reports_agree_with_records(
    _: psycopg.Connection, key: dg.AssetKey, outcome: Reconciled, failure: str | None
) -> dg.AssetCheckResult:
    """The cells of the night's reports agree with the records of their subjects, and no report waits for records
    to be judged. A warning: it is for the subject to correct one or the other. An error when machinery failed."""
    differing = [c for c in outcome.compared if c.differing]
    columns = [
        dg.TableColumn("report_code", "string"),
        dg.TableColumn("measure", "string"),
        dg.TableColumn("cells", "int"),
        dg.TableColumn("differing", "int"),
    ]
    return dg.AssetCheckResult(
        check_name="reports_agree_with_records",
        asset_key=key,
        passed=failure is None and not differing and not outcome.waiting,
        severity=dg.AssetCheckSeverity.ERROR if failure else dg.AssetCheckSeverity.WARN,
        metadata={
            "failure": failure or "none",
            "reports_waiting_for_records": outcome.waiting,
            "compared": dg.TableMetadataValue(
                [dg.TableRecord(vars(c)) for c in outcome.compared], dg.TableSchema(columns)
            ),
        },
    )


def nothing_due_is_missing(
    _: psycopg.Connection, key: dg.AssetKey, outcome: Watched, failure: str | None
) -> dg.AssetCheckResult:
    """Today's gaps: what is due by the calendar and has not come, by form and state. A warning: one missing sender
    must never stop a nation. An error when machinery failed. `zanstat gaps` names the subjects."""
    columns = [
        dg.TableColumn("form", "string"),
        dg.TableColumn("state", "string"),
        dg.TableColumn("cells", "int"),
        dg.TableColumn("subjects", "int"),
    ]
    return dg.AssetCheckResult(
        check_name="nothing_due_is_missing",
        asset_key=key,
        passed=failure is None and not outcome.gaps,
        severity=dg.AssetCheckSeverity.ERROR if failure else dg.AssetCheckSeverity.WARN,
        metadata={
            "failure": failure or "none",
            "cells_missing": sum(gap.cells for gap in outcome.gaps),
            "gaps": dg.TableMetadataValue([dg.TableRecord(vars(gap)) for gap in outcome.gaps], dg.TableSchema(columns)),
        },
    )


def series_are_plausible(
    _: psycopg.Connection, key: dg.AssetKey, outcome: Measured, failure: str | None
) -> dg.AssetCheckResult:
    """What subjects send lies within the bounds of their own history and of their peers (SER-8xx). A warning: it is
    for the subject to confirm or to correct. An error when machinery failed."""
    columns = [dg.TableColumn("rule", "string"), dg.TableColumn("implausible", "int")]
    return dg.AssetCheckResult(
        check_name="series_are_plausible",
        asset_key=key,
        passed=failure is None and not outcome.implausible,
        severity=dg.AssetCheckSeverity.ERROR if failure else dg.AssetCheckSeverity.WARN,
        metadata={
            "failure": failure or "none",
            "implausible": dg.TableMetadataValue(
                [
                    dg.TableRecord({"rule": rule, "implausible": number})
                    for rule, number in sorted(outcome.implausible.items())
                ],
                dg.TableSchema(columns),
            ),
        },
    )
