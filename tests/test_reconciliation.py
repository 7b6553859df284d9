"""A subject's own report against its own records: cells, the records behind a difference, and when it was known.

Police records of October 2026 and the report 1-M on them, sent in November; courts for stocks and flows. Keep out
the rules of a record by itself (``test_rules``) and the marts.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations import reconciliation, validation
from expectations.reconciliation import conditions
from expectations.reconciliation.definitions import measures
from expectations.validation import MachineryError
from ingestion import package
from ingestion.contract import CatalogueError
from tests.conftest import Store
from tests.packages import NOW, Values, csv_bytes, pack, record, records

FORM = "aggregate_report"
POLICE, COURT = "MVD-75", "SUD-7599"
ALMATY = "750000000"
OCTOBER = (date(2026, 1, 1), date(2026, 10, 31))
REPORTED = datetime(2026, 11, 3, 12, 0, tzinfo=NOW.tzinfo)
pytestmark = pytest.mark.server


def cell(measure: str, value: float, /, territory: str = ALMATY, **changes: str) -> Values:
    """One cell of the police's report 1-M of October."""
    return {
        "action": "I",
        "report_code": "1-M",
        "period_start": str(OCTOBER[0]),
        "period_end": str(OCTOBER[1]),
        "is_cumulative": "true",
        "body": POLICE,
        "territory": territory,
        "measure": measure,
        "value": f"{value:.2f}",
    } | changes


class Office:
    """Packs and submits what a subject sends; numbers the packages of a period by itself."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.sent = store, folder, 0

    def records(self, form: str, rows: Sequence[Values], sequence: int = 1, **more: Any) -> None:
        self.sent += 1
        self.store.submit(
            pack(self.folder / f"{self.sent}", self.store.catalogue, form, rows, sequence=sequence, **more)
        )

    def report(
        self,
        rows: Sequence[Values],
        sequence: int = 1,
        *,
        code: str = "1-M",
        sender: str = POLICE,
        period: tuple[date, date] = (date(2026, 10, 1), date(2026, 10, 31)),
        withdraws: int | None = None,
    ) -> None:
        self.sent += 1
        folder = self.folder / f"{self.sent}"
        folder.mkdir()
        declared = self.store.catalogue.forms[FORM]
        if rows:
            (folder / "records.csv").write_bytes(csv_bytes([f.name for f in declared.fields], rows))
        package.pack(
            folder,
            self.store.catalogue,
            form=FORM,
            subject=sender,
            period_from=period[0],
            period_to=period[1],
            prepared_at=NOW,
            sequence=sequence,
            report_code=code,
            withdraws=withdraws,
        )
        self.store.submit(folder)

    def withdraw(self, withdraws: int, sequence: int, at: datetime = REPORTED + timedelta(days=1)) -> None:
        """Take back a report of the police of October, and reconcile."""
        self.report([], sequence, withdraws=withdraws)
        self.reported(at)

    def reported(self, at: datetime = REPORTED) -> reconciliation.Reconciled:
        """Receive, load, judge and reconcile reports."""
        self.store.quarantine(FORM, at)
        return self.store.reconcile(at)


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Office:
    folder = tmp_path / "sent"
    folder.mkdir()
    return Office(store, folder)


@pytest.fixture
def police(office: Office) -> Office:
    """Three offences of Almaty, registered and judged in October."""
    office.records("criminal_offence", records("criminal_offence", 3))
    office.store.quarantine("criminal_offence")
    return office


TRUE = (cell("registered", 3), cell("damage_kzt", 360000))


def broken(store: Store) -> set[tuple[int, int, str]]:
    """Open violations of reports: (submission, line, rule)."""
    rows = store.query(
        "select submission_seq, line, rule from quality.violations "
        "join ledger.submissions on seq = submission_seq where cleared_seq is null and form = %s",
        FORM,
    )
    return set(rows)


def missing(store: Store) -> list[str]:
    return store.query("select item from quality.findings where rule = 'AGR-903' and cleared_at is null order by 1")


def behind(store: Store, standing: str) -> set[tuple[int, int]]:
    return set(
        store.query(
            "select distinct submission_seq, line from quality.reconciliation_records where standing = %s", standing
        )
    )


# What is compared


def test_a_report_that_agrees_with_its_records_breaks_nothing(police: Office) -> None:
    police.report(TRUE)
    outcome = police.reported()
    assert (outcome.reports, outcome.waiting, outcome.violations) == (1, 0, {})
    assert [(c.measure, c.cells, c.differing) for c in outcome.compared] == [("damage_kzt", 1, 0), ("registered", 1, 0)]
    assert broken(police.store) == set()
    assert missing(police.store) == []
    assert police.store.query("select reported, recomputed, difference, records from quality.reconciliation") == [
        (3, 3, 0, 3),
        (360000, 360000, 0, 3),
    ]


def test_a_count_off_by_one_is_quarantined_and_names_the_records(police: Office) -> None:
    police.records("criminal_offence", [record("criminal_offence", 4, severity="9")], 2)
    police.store.quarantine("criminal_offence")
    police.report([cell("registered", 4), TRUE[1]])
    assert police.reported().violations == {"AGR-901": 1}
    assert broken(police.store) == {(3, 2, "AGR-901")}
    assert behind(police.store, "counted") == {(1, 2), (1, 3), (1, 4)}
    assert behind(police.store, "quarantined") == {(2, 2)}
    assert police.store.one("select verdict from quality.submissions where form = %s", FORM) == "partly_accepted"


def test_the_subject_is_told_which_cell_differs_and_which_is_missing(police: Office) -> None:
    police.report([cell("registered", 4)])
    police.reported()
    police.store.receipts()
    (place,) = (police.store.home / "outbox" / POLICE).glob("2_1.receipt.json")
    told = json.loads(place.read_text())
    assert [(f["line"], f["field"], f["rule"]) for f in told["findings"]] == [
        (None, "measure", "AGR-903"),
        (None, None, "PKG-132"),
        (2, "value", "AGR-901"),
    ]
    assert told["findings"][0]["detail"] == "1-M damage_kzt 000000000"
    assert told["verdict"] == "quarantined"


def test_an_amount_may_differ_by_half_a_percent(police: Office) -> None:
    police.report([TRUE[0], cell("damage_kzt", 361800)])
    assert police.reported().violations == {}


def test_an_amount_beyond_half_a_percent_is_a_warning(police: Office) -> None:
    police.report([TRUE[0], cell("damage_kzt", 361800.01)])
    assert police.reported().violations == {"AGR-902": 1}
    assert broken(police.store) == {(2, 3, "AGR-902")}
    assert police.store.one("select verdict from quality.submissions where form = %s", FORM) == "accepted"


def test_a_cell_that_records_have_and_the_report_lacks_is_a_finding_until_it_comes(police: Office) -> None:
    police.report([*TRUE, cell("registered", 0, territory="751310000", severity="2")])
    assert police.reported().violations == {"AGR-903": 1}
    assert missing(police.store) == ["1-M registered 751110000 2"]
    assert behind(police.store, "counted") == {(1, 2), (1, 3), (1, 4)}
    police.report([cell("registered", 3, territory="751110000", severity="2")], 2)
    assert police.reported(REPORTED + timedelta(days=1)).violations == {}
    assert missing(police.store) == []
    assert broken(police.store) == set()


def test_a_report_silent_about_a_measure_lacks_its_total(police: Office) -> None:
    police.report(TRUE[:1])
    police.reported()
    assert missing(police.store) == ["1-M damage_kzt 000000000"]


def test_a_nil_report_is_held_against_the_records(police: Office) -> None:
    police.report([])
    assert police.reported().reports == 1
    assert missing(police.store) == ["1-M damage_kzt 000000000", "1-M registered 000000000"]
    assert police.reported().reports == 0


def test_a_cell_without_any_record_is_a_phantom(police: Office) -> None:
    police.report([*TRUE, cell("registered", 2, criminal_article="190")])
    police.reported()
    assert {(2, 4, "AGR-903"), (2, 4, "AGR-901")} <= broken(police.store)


def test_a_zero_cell_needs_no_record(police: Office) -> None:
    police.report([*TRUE, cell("victims", 0)])
    assert police.reported().violations == {}


def test_bodies_below_the_reporting_one_count_and_others_do_not(police: Office) -> None:
    for number, sender in enumerate(("MVD-7511", "MVD-71"), start=1):
        rows = records("criminal_offence", number, 10 * number, registering_body=sender)
        police.records("criminal_offence", rows, sender=sender)
    police.store.quarantine("criminal_offence")
    assert police.store.query("select records_accepted from quality.submissions order by 1") == [1, 2, 3]
    police.report([cell("registered", 4), cell("damage_kzt", 480000)])
    assert police.reported().violations == {}


# When it was known


def test_what_is_corrected_after_the_report_does_not_disturb_it(police: Office) -> None:
    police.report(TRUE)
    late = [record("criminal_offence", 1, action="D"), record("criminal_offence", 4)]
    police.store.receive(REPORTED)
    police.records("criminal_offence", late, 2)
    police.store.receive(REPORTED + timedelta(hours=1))
    for form in ("criminal_offence", FORM):
        police.store.load(form, at=REPORTED + timedelta(hours=9))
        police.store.judge(form, at=REPORTED + timedelta(hours=9))
    assert police.store.reconcile(REPORTED + timedelta(hours=9)).violations == {}
    assert broken(police.store) == set()


def test_what_was_corrected_before_the_report_is_reported_corrected(police: Office) -> None:
    changed = [record("criminal_offence", 1, action="D"), record("criminal_offence", 2, action="M", damage_kzt="20000")]
    police.records("criminal_offence", changed, 2)
    police.store.quarantine("criminal_offence", REPORTED - timedelta(hours=1))
    police.report([cell("registered", 2), cell("damage_kzt", 140000)])
    assert police.reported().violations == {}
    police.report([cell("registered", 3, action="M", correction_reason="error_fixed")], 2)
    assert police.reported(REPORTED + timedelta(days=1)).violations == {"AGR-901": 1}
    assert behind(police.store, "changed") == {(1, 2), (1, 3)}
    assert behind(police.store, "counted") == {(1, 4), (2, 3)}


def test_records_that_came_after_the_report_are_named_late(police: Office) -> None:
    police.report([cell("registered", 4), TRUE[1]])
    police.store.receive(REPORTED)
    police.records("criminal_offence", [record("criminal_offence", 4)], 2)
    police.store.quarantine("criminal_offence", REPORTED + timedelta(hours=1))
    police.reported(REPORTED + timedelta(hours=2))
    assert behind(police.store, "late") == {(3, 2)}


def test_a_record_repaired_after_the_report_still_did_not_count_then(police: Office) -> None:
    police.records("criminal_offence", [record("criminal_offence", 4, severity="9")], 2)
    police.report([cell("registered", 3), TRUE[1]])
    police.store.quarantine("criminal_offence", REPORTED)
    police.records("criminal_offence", [record("criminal_offence", 4, action="M")], 3)
    police.store.quarantine("criminal_offence", REPORTED + timedelta(hours=1))
    assert police.reported(REPORTED + timedelta(hours=2)).violations == {}


def test_once_the_records_are_repaired_the_subject_confirms_its_cell(police: Office) -> None:
    police.records("criminal_offence", [record("criminal_offence", 4, severity="9")], 2)
    police.store.quarantine("criminal_offence")
    police.report([cell("registered", 4), TRUE[1]])
    police.reported()
    police.records("criminal_offence", [record("criminal_offence", 4, action="M", damage_kzt="0")], 3)
    police.store.quarantine("criminal_offence", REPORTED + timedelta(days=1))
    assert police.store.reconcile(REPORTED + timedelta(days=1)).reports == 0
    assert broken(police.store) == {(3, 2, "AGR-901")}
    police.report([cell("registered", 4, action="M", correction_reason="error_fixed")], 2)
    assert police.reported(REPORTED + timedelta(days=2)).violations == {}
    assert broken(police.store) == set()


def test_a_wrong_correction_of_a_right_cell_leaves_the_right_one_standing(police: Office) -> None:
    police.report(TRUE)
    police.reported()
    police.report([cell("registered", 5, action="M", correction_reason="error_fixed")], 2)
    police.reported(REPORTED + timedelta(days=1))
    assert broken(police.store) == {(3, 2, "AGR-901")}


def test_a_wrong_correction_of_a_wrong_cell_leaves_both_quarantined(police: Office) -> None:
    police.report([cell("registered", 5), TRUE[1]])
    police.reported()
    police.report([cell("registered", 6, action="M", correction_reason="error_fixed")], 2)
    outcome = police.reported(REPORTED + timedelta(days=1))
    assert broken(police.store) == {(2, 2, "AGR-901"), (3, 2, "AGR-901")}
    assert outcome.restated == (2,)


def test_a_report_waits_for_the_records_received_before_it(police: Office) -> None:
    police.records("criminal_offence", [record("criminal_offence", 4)], 2)
    police.report([cell("registered", 4), cell("damage_kzt", 480000)])
    police.store.quarantine(FORM, REPORTED)
    assert police.store.reconcile(REPORTED).waiting == 1
    assert police.store.query("select * from quality.reconciliation") == []
    police.store.quarantine("criminal_offence", REPORTED + timedelta(days=1))
    outcome = police.store.reconcile(REPORTED + timedelta(days=1))
    assert (outcome.reports, outcome.waiting, outcome.violations) == (1, 0, {})


def test_reconciling_again_changes_nothing(police: Office) -> None:
    police.report([cell("registered", 4)])
    police.reported()
    everything = (
        "select count(*), max(seq) from ledger.events",
        "select * from quality.violations order by 1, 2, 3",
        "select * from quality.findings order by 1",
        "select * from quality.reconciliation order by 1",
    )
    before = [police.store.query(question) for question in everything]
    again = police.reported(REPORTED + timedelta(days=1))
    assert (again.reports, again.findings.found, again.findings.cleared) == (0, 0, 0)
    assert [police.store.query(question) for question in everything] == before
    assert police.store.verify() == []


# Series


def stock(values: tuple[int, int, int, int], start: str, end: str, /, **changes: str) -> list[Values]:
    names = ("pending_start", "received", "disposed", "pending_end")
    shape = {"report_code": "CV-2", "body": COURT, "period_start": start, "period_end": end, "is_cumulative": "false"}
    return [cell(name, value, **shape, **changes) for name, value in zip(names, values, strict=True)]


def quarter(office: Office, number: int, values: tuple[int, int, int, int]) -> None:
    start = date(2026, 3 * number - 2, 1)
    end = date(2026 + number // 4, 3 * number % 12 + 1, 1) - timedelta(days=1)
    office.report(stock(values, str(start), str(end)), code="CV-2", sender=COURT, period=(start, end))


def test_stocks_and_flows_balance(office: Office) -> None:
    quarter(office, 2, (10, 0, 0, 10))
    quarter(office, 3, (10, 0, 0, 10))
    assert "AGR-601" not in office.reported().violations


def test_stocks_and_flows_that_do_not_balance_quarantine_the_stock(office: Office) -> None:
    quarter(office, 3, (10, 0, 0, 11))
    assert office.reported().violations == {"AGR-601": 1}
    assert broken(office.store) == {(1, 5, "AGR-601")}


def test_a_stock_is_carried_to_the_next_period(office: Office) -> None:
    quarter(office, 2, (10, 0, 0, 10))
    office.reported(REPORTED - timedelta(days=1))
    quarter(office, 3, (12, 0, 0, 12))
    assert office.reported().violations == {"AGR-601": 1}
    assert broken(office.store) == {(2, 2, "AGR-601")}


def month(number: int, value: int, **changes: str) -> list[Values]:
    end = date(2026, number + 1, 1) - timedelta(days=1)
    return [cell("registered", value, period_end=str(end), **changes)]


def months(police: Office, *values: int) -> None:
    for number, value in enumerate(values, start=9):
        end = date(2026, number + 1, 1) - timedelta(days=1)
        police.report(month(number, value), period=(end.replace(day=1), end))
        police.reported(REPORTED + timedelta(days=number))


def test_a_year_to_date_that_falls_is_a_warning(police: Office) -> None:
    months(police, 4, 3)
    assert {rule for _, _, rule in broken(police.store)} == {"AGR-901", "AGR-903", "AGR-602"}
    assert (3, 2, "AGR-602") in broken(police.store)


def test_a_year_to_date_that_falls_by_corrections_is_explained(police: Office) -> None:
    months(police, 4)
    police.records("criminal_offence", [record("criminal_offence", 1, action="D")], 2)
    police.store.quarantine("criminal_offence", REPORTED + timedelta(days=9, hours=1))
    police.report(month(10, 2))
    police.reported(REPORTED + timedelta(days=10))
    assert (4, 2, "AGR-602") in broken(police.store)  # one correction does not explain two
    police.report(month(10, 3, action="M", correction_reason="error_fixed"), 2)
    police.reported(REPORTED + timedelta(days=11))
    assert "AGR-602" not in {rule for seq, _, rule in broken(police.store) if seq == 5}


# Withdrawals


def test_nothing_of_a_withdrawn_report_stays_open_and_all_of_it_is_kept(police: Office) -> None:
    police.report([cell("registered", 4)])
    police.reported()
    assert broken(police.store) == {(2, 2, "AGR-901")}
    assert missing(police.store)
    kept = police.store.one("select count(*) from quality.reconciliation")
    police.withdraw(1, 2)
    assert (broken(police.store), missing(police.store)) == (set(), [])
    assert police.store.verdicts()[1:] == ["withdrawn", "accepted"]
    assert police.store.one("select count(*) from quality.reconciliation") == kept
    assert police.store.one(f"select count(*) from raw.{FORM}") == 1
    assert police.store.query("select rule from quality.violations where cleared_seq is not null") == ["AGR-901"]
    police.report(TRUE, 3)
    assert police.reported(REPORTED + timedelta(days=2)).violations == {}
    assert police.store.verdicts()[1:] == ["withdrawn", "accepted", "accepted"]


def test_a_withdrawn_nil_report_lacks_no_cell(police: Office) -> None:
    police.report([])
    police.reported()
    assert missing(police.store)
    police.withdraw(1, 2)
    assert missing(police.store) == []
    assert police.reported(REPORTED + timedelta(days=2)).reports == 0


def test_what_a_withdrawn_report_had_repaired_is_broken_again(police: Office) -> None:
    police.report([cell("registered", 4), *TRUE[1:]])
    police.report([cell("registered", 3, action="M", correction_reason="error_fixed")], 2)
    police.reported()
    assert broken(police.store) == set()
    police.withdraw(2, 3)
    assert broken(police.store) == {(2, 2, "AGR-901")}
    assert police.store.verdicts()[1:] == ["partly_accepted", "withdrawn", "accepted"]


def test_what_a_withdrawn_report_lacked_or_had_is_asked_of_the_one_before_it(police: Office) -> None:
    police.report(TRUE[:1])
    police.reported()
    police.report(TRUE[1:], 2)
    police.reported(REPORTED + timedelta(hours=1))
    assert missing(police.store) == []
    police.withdraw(2, 3)
    assert missing(police.store) == ["1-M damage_kzt 000000000"]


def test_a_withdrawn_report_states_no_stock_and_no_year_to_date(office: Office) -> None:
    quarter(office, 2, (10, 0, 0, 10))
    office.reported(REPORTED - timedelta(days=1))
    second = (date(2026, 4, 1), date(2026, 6, 30))
    office.report([], 2, code="CV-2", sender=COURT, period=second, withdraws=1)
    quarter(office, 3, (12, 0, 0, 12))
    assert "AGR-601" not in office.reported().violations


def test_a_year_to_date_falls_below_no_withdrawn_one(police: Office) -> None:
    months(police, 4)
    september = (date(2026, 9, 1), date(2026, 9, 30))
    police.report([], 2, period=september, withdraws=1)
    police.reported(REPORTED + timedelta(days=10))
    police.report(TRUE)
    assert police.reported(REPORTED + timedelta(days=11)).violations == {}


def test_a_withdrawn_report_disagrees_with_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    without_records(monkeypatch)
    sources(office, 100, 94)
    third = (date(2026, 7, 1), date(2026, 9, 30))
    office.report([], 2, code="CR-1", sender=COURT, period=third, withdraws=1)
    office.reported(REPORTED + timedelta(days=1))
    assert office.store.query("select rule from quality.findings where cleared_at is null") == []


def test_a_withdrawn_report_is_owed_again(police: Office) -> None:
    police.report(TRUE)
    police.reported()
    late = datetime(2026, 11, 20, 2, 0, tzinfo=NOW.tzinfo)
    found = []
    for withdraws in (False, True):
        if withdraws:
            police.withdraw(1, 2, late)
        police.store.watch(late)
        found += police.store.query(
            "select state from quality.calendar where (form, subject, report_code, period_to) = (%s, %s, '1-M', %s)",
            FORM,
            POLICE,
            OCTOBER[1],
        )
    assert found == ["received", "missing"]


# Independent sources


def sources(office: Office, sent: int, came: int) -> None:
    """Cases of the third quarter sent to court by the police of Almaty, and those that its court received."""
    third = (date(2026, 7, 1), date(2026, 9, 30))
    plain = {"period_start": str(third[0]), "period_end": str(third[1]), "is_cumulative": "false"}
    september = (date(2026, 9, 1), third[1])
    office.report([cell("solved", sent, report_code="1-E", **plain)], code="1-E", period=september)
    office.report(
        [cell("received", came, report_code="CR-1", body=COURT, **plain)], code="CR-1", sender=COURT, period=third
    )
    office.reported()


def disagreeing(store: Store) -> list[Any]:
    return store.query("select item, period_from, detail from quality.findings where rule = 'AGR-904'")


def without_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the comparison with records out: these reports have none."""
    every = conditions
    monkeypatch.setattr(reconciliation, "conditions", lambda *a: [c for c in every(*a) if c.rule.number < 900])


def test_independent_sources_may_differ_by_five_percent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    without_records(monkeypatch)
    sources(office, 100, 95)
    assert disagreeing(office.store) == []


def test_independent_sources_that_differ_are_a_finding_of_the_region(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_records(monkeypatch)
    sources(office, 100, 94)
    detail = {"1-E solved": "100.00", "CR-1 received": "94.00"}
    assert disagreeing(office.store) == [(ALMATY, date(2026, 7, 1), detail)]


def test_sources_are_not_compared_before_both_had_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    without_records(monkeypatch)
    sources(office, 100, 50)
    office.store.connection.execute("delete from quality.findings")
    early = datetime(2026, 10, 29, tzinfo=NOW.tzinfo)
    assert list(reconciliation._disagreeing_sources(office.store.connection, office.store.catalogue, early)) == []


# Definitions and machinery


def test_every_report_can_be_reconciled(office: Office) -> None:
    """Each definition is read by the server, whether or not it finds anything."""
    october, third = (date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 7, 1), date(2026, 9, 30))
    due = {
        POLICE: {"1-M": october, "1-E": october, "1-AD": third},
        COURT: {"CR-1": third, "CV-2": third},
        "SUD-7594": {"AC-5": third},
        "PSI-75": {"EN-1": third},
    }
    for sender, reports in due.items():
        for code, period in reports.items():
            office.report([], code=code, sender=sender, period=period)
    assert office.reported().reports == 7


def test_a_measure_without_a_definition_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "forms/aggregate_report/measures").mkdir(parents=True)
    with pytest.raises(CatalogueError, match=r"registered\.criminal_offence\.sql"):
        measures(replace(store.catalogue, root=tmp_path))


def test_when_great_expectations_disagrees_nothing_is_reconciled(
    police: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    police.report(TRUE)
    police.store.quarantine(FORM, REPORTED)
    with monkeypatch.context() as patch:
        patch.setattr(validation, "count", lambda *_: {("AGR-901", "value"): 1})
        with pytest.raises(MachineryError):
            police.store.reconcile(REPORTED)
    assert police.store.query("select kind from ledger.events where kind = 'reconciled'") == []
    assert police.store.reconcile(REPORTED).reports == 1
