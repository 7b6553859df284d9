"""Withdrawals: a package that its sender takes back stands as if it had never been sent, whatever came when.

Here belong packages, receipts, the standing of records and the marts that follow. Keep out corrections by themselves
(``test_corrections``).
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from expectations.corrections import Version, settle
from ingestion import ledger, package, tables
from ingestion.contract import Catalogue
from ingestion.ledger import Event
from orchestration import cli
from orchestration.dbt import PROJECT, environment
from tests.conftest import Store
from tests.packages import DAY, NOW, Values, csv_bytes, pack, record, records, redeclare, replace_payload

FORM = "criminal_offence"
pytestmark = pytest.mark.server

Sent = tuple[int, int, str | int]
"""A package: its period (0, and 1 the day after), its sequence, and the action of its one record (a small letter:
broken) or the sequence that it withdraws."""

HISTORIES: list[list[Sent]] = [
    [(0, 1, "I"), (0, 2, 1)],
    [(0, 1, "I"), (0, 2, 1), (0, 3, "I")],
    [(0, 1, "I"), (0, 2, "M"), (0, 3, 1)],
    [(0, 1, "I"), (0, 2, "M"), (0, 3, 2)],
    [(0, 1, "I"), (0, 2, "D"), (0, 3, 2)],
    [(0, 1, "i"), (0, 2, "M"), (0, 3, 1)],
    [(0, 1, "i"), (0, 2, "M"), (0, 3, 2)],
    [(0, 1, "I"), (0, 2, 1), (1, 1, "M")],
    [(0, 1, "I"), (0, 2, 1), (1, 1, "I")],
    [(0, 1, "I"), (0, 2, 1), (0, 3, 2)],
    [(0, 1, "I"), (0, 2, 1), (0, 3, 1)],
    [(0, 1, "I"), (0, 2, "M"), (0, 3, 1), (0, 4, "I")],
]


def standing(history: Sequence[Sent]) -> tuple[dict[tuple[int, int], tuple[str, str | None]], tuple[int, int] | None]:
    """What must become of a history: (period, sequence) -> (verdict, open error), and which package holds the live
    record. What is withdrawn is left out, and the rest settled."""
    outcome: dict[tuple[int, int], tuple[str, str | None]] = {}
    records = {}
    for period, sequence, content in sorted(history, key=lambda sent: sent[:2]):
        if isinstance(content, str):
            records[period, sequence] = content
        elif records.pop((period, content), None):
            outcome[period, sequence] = ("accepted", None)
            outcome[period, content] = ("withdrawn", None)
        else:
            outcome[period, sequence] = ("refused", None)
    versions = [Version(n, 2, action.upper(), "S", action.islower()) for n, action in enumerate(records.values())]
    live = None
    for place, action, settled in zip(records, records.values(), settle(versions, str.__eq__), strict=True):
        error = settled.rule or ("GEN-201" if action.islower() else None)
        still = None if settled.cleared else error
        outcome[place] = ("quarantined" if still else "accepted", still)
        if error is None:
            live = None if action == "D" else place
    return outcome, live


def withdrawal(
    folder: Path, catalogue: Catalogue, withdraws: int, sequence: int, *, day: date = DAY, **changes: Any
) -> Path:
    folder.mkdir(parents=True)
    given: dict[str, Any] = {"form": FORM, "subject": "MVD-75", "prepared_at": NOW}
    given |= {"period_from": day, "period_to": day, "sequence": sequence, "withdraws": withdraws}
    package.pack(folder, catalogue, **given | changes)
    return folder


def dbt(store: Store, *arguments: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments, "--project-dir", str(PROJECT)],
        env=environment(store.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout[-4000:] + outcome.stderr[-2000:]


def test_a_withdrawn_package_stands_as_if_never_sent_in_every_order_of_arrival(store: Store, tmp_path: Path) -> None:
    """Every order of arrival of every history, each in days of its own; the marts are built half way and at the end."""
    plans = [(history, order) for history in HISTORIES for order in permutations(history)]
    first = DAY - timedelta(days=2 * len(plans))
    for night in range(max(map(len, HISTORIES))):
        for number, (_, order) in enumerate(plans):
            if night < len(order):
                period, sequence, content = order[night]
                folder, day = tmp_path / f"{night}-{number}", first + timedelta(days=2 * number + period)
                if isinstance(content, int):
                    path = withdrawal(folder, store.catalogue, content, sequence, day=day)
                else:
                    row = version(number, content, first + timedelta(days=2 * number))
                    path = pack(folder, store.catalogue, FORM, [row], day=day, sequence=sequence)
                store.submit(path)
        store.quarantine(FORM, at=NOW + timedelta(days=night))
        if night in (1, 3):
            dbt(store, "run", "--select", "+criminal_offences")
    found = {
        (period_from, sequence): (verdict, rule)
        for period_from, sequence, verdict, rule in store.query(
            "select q.period_from, q.sequence, q.verdict, (select string_agg(v.rule, ' ') from quality.violations v "
            "where v.submission_seq = q.submission_seq and v.severity = 'error' and v.cleared_seq is null) "
            "from quality.submissions q"
        )
    }
    live = set(
        store.query(
            "select s.period_from, s.sequence from criminal.offences o "
            "join ledger.submissions s on s.seq = o.submission_seq"
        )
    )
    wanted_live = set()
    for number, (history, order) in enumerate(plans):
        outcome, at = standing(history)
        place = {key: (first + timedelta(days=2 * number + key[0]), key[1]) for key in outcome}
        assert {key: found[place[key]] for key in outcome} == outcome, order
        wanted_live |= {place[at]} if at else set()
    assert live == wanted_live
    versions = "select submission_seq from intermediate.int_criminal_offence__versions"
    assert store.query(f"{versions} where is_live order by 1") == store.query(
        "select submission_seq from criminal.offences order by 1"
    )
    withdrawn = "select submission_seq from quality.submissions where verdict = 'withdrawn'"
    assert len(store.query(withdrawn)) > len(plans) / 2
    assert store.query(f"{versions} where submission_seq in ({withdrawn})") == []
    open_still = f"select 1 from quality.violations where cleared_seq is null and submission_seq in ({withdrawn})"
    assert store.query(open_still) == []
    assert store.verify() == []


def version(number: int, action: str, day: date) -> Values:
    broken = {"kato": ""} if action.islower() else {}
    dates = {
        "registered_at": f"{day}T10:00:00",
        "kui_registered_at": f"{day}T09:00:00",
        "committed_date": str(day - timedelta(days=1)),
    }
    return record(FORM, number, action=action.upper(), **dates, **broken)


@pytest.fixture
def taken_back(store: Store, tmp_path: Path) -> Store:
    """Three records, one of them broken, and a line that is none; corrected in part, and withdrawn the night after."""
    rows = [record(FORM, 1), record(FORM, 2, kato=""), record(FORM, 3, damage_kzt="2000000000.00")]
    path = pack(tmp_path / "1", store.catalogue, FORM, rows)
    names = [field.name for field in store.catalogue.forms[FORM].fields]
    replace_payload(path, csv_bytes(names, rows) + b'a,"b\n', records=4)
    store.submit(redeclare(path, payload_control_totals={"damage_kzt": "0"}))
    store.submit(pack(tmp_path / "2", store.catalogue, FORM, [record(FORM, 1, action="M")], sequence=2))
    store.night(forms=[FORM])
    store.submit(withdrawal(tmp_path / "3", store.catalogue, 1, 3))
    store.night(at=NOW + timedelta(days=1), forms=[FORM])
    return store


def answer(store: Store, name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((store.home / "outbox/MVD-75" / f"{name}.receipt.json").read_text())
    return read


def test_nothing_about_a_withdrawn_package_stays_open_and_all_of_it_is_kept(taken_back: Store) -> None:
    store = taken_back
    assert store.verdicts() == ["withdrawn", "quarantined", "accepted"]
    assert {found[0] for found in store.violations()} == {2}
    assert ("GEN-602",) in {found[2:3] for found in store.violations()}
    assert store.query("select 1 from quality.findings where submission_seq = 1 and cleared_seq is null") == []
    assert store.one("select count(*) from quality.violations where submission_seq = 1 and cleared_seq is not null") > 3
    assert store.one(f"select count(*) from raw.{FORM} where submission_seq = 1") == 3
    assert store.one("select count(*) from raw.unreadable") == 1
    counts = (
        "select records_declared, records_unreadable, records_quarantined, records_accepted, withdraws, withdrawn_by"
    )
    assert store.query(f"{counts} from quality.submissions order by submission_seq") == [
        (4, None, None, None, None, 3),
        (1, 0, 1, 0, None, None),
        (0, 0, 0, 0, 1, None),
    ]
    assert store.verify() == []


def test_the_ledger_says_who_withdrew_what(taken_back: Store) -> None:
    events = "select submission_seq, kind, detail from ledger.events where kind like 'withdraw%' order by seq"
    assert taken_back.query(events) == [(3, "withdrawal", {"withdraws": 1}), (1, "withdrawn", {"by": 3})]
    assert taken_back.query("select kind from ledger.events where submission_seq = 2 order by seq")[-1] == "restated"


def test_all_whom_a_withdrawal_concerns_are_answered_anew(taken_back: Store) -> None:
    withdrawn, corrected, withdrawing = answer(taken_back, "1_2"), answer(taken_back, "2_2"), answer(taken_back, "3_1")
    assert (withdrawn["verdict"], withdrawn["findings"]) == ("withdrawn", [])
    assert (withdrawn["submission"]["withdrawn_by"], withdrawing["submission"]["withdraws"]) == (3, 1)
    assert set(withdrawn["records"].values()) == {4, None}
    assert "GEN-602" in {finding["rule"] for finding in corrected["findings"]}
    assert withdrawing["verdict"] == "accepted"
    page = (taken_back.home / "outbox/MVD-75/1_2.receipt.html").read_text()
    assert "отозван пакетом № 3" in page
    index = json.loads((taken_back.home / "outbox/MVD-75/index.json").read_text())
    assert index[f"{FORM}/{DAY}_{DAY}/1"]["verdict"] == "withdrawn"


def test_carrying_out_again_changes_nothing(taken_back: Store) -> None:
    before = taken_back.query("select count(*) from ledger.events")
    later = NOW + timedelta(days=2)
    assert taken_back.judge(FORM, at=later) == type(taken_back.judge(FORM, at=later))(FORM)
    assert taken_back.receipts() == 0
    assert taken_back.query("select count(*) from ledger.events") == before


def test_a_package_is_withdrawn_before_it_was_judged(store: Store, tmp_path: Path) -> None:
    """Both come the same day; and a load that ran meanwhile does not bring it back."""
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    store.receive()
    store.load(FORM)
    store.submit(withdrawal(tmp_path / "2", store.catalogue, 1, 2))
    judged = store.quarantine(FORM)
    assert (judged.packages, judged.withdrawn) == (0, (1,))
    ledger.append_events(store.connection, [Event(1, "loaded", NOW)])
    assert store.load(FORM).packages == 0
    assert store.judge(FORM).packages == 0
    assert store.verdicts() == ["withdrawn", "accepted"]
    assert store.verify() == []


def test_a_withdrawn_nil_report_is_a_report_no_more(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM))
    store.night(forms=[FORM])
    store.submit(withdrawal(tmp_path / "2", store.catalogue, 1, 2))
    store.night(forms=[FORM])
    assert store.verdicts() == ["withdrawn", "accepted"]
    store.submit(pack(tmp_path / "3", store.catalogue, FORM, [record(FORM, 1)], sequence=3))
    store.night(forms=[FORM])
    assert store.verdicts() == ["withdrawn", "accepted", "accepted"]


def test_a_withdrawn_transfer_gives_no_right_any_more(store: Store, tmp_path: Path) -> None:
    transfer = {"decision_type": "transferred", "transfer_body": "MVD-71", "court": "", "suspects_count": "0"}
    eve = DAY - timedelta(days=1)
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [version(1, "I", eve)], day=eve))
    decision = record("pretrial_decision", 1, **transfer)
    store.submit(pack(tmp_path / "2", store.catalogue, "pretrial_decision", [decision]))
    correction = [record(FORM, 1, action="M", registering_body="MVD-71")]
    store.submit(pack(tmp_path / "3", store.catalogue, FORM, correction, sender="MVD-71", sequence=1))
    store.night(forms=[FORM, "pretrial_decision"])
    assert set(store.verdicts()) == {"accepted"}
    path = withdrawal(tmp_path / "4", store.catalogue, 1, 2, form="pretrial_decision")
    store.submit(path)
    store.night(forms=[FORM, "pretrial_decision"])
    verdicts = "select subject, form, verdict from quality.submissions where verdict <> 'accepted' order by 1"
    assert store.query(verdicts) == [
        ("MVD-71", FORM, "quarantined"),
        ("MVD-75", "pretrial_decision", "withdrawn"),
    ]


# Who may withdraw what


def refusals(store: Store) -> list[tuple[Any, ...]]:
    return store.query("select verdict, rejection_code from quality.submissions order by submission_seq")


@pytest.mark.parametrize(
    "changes",
    [
        {"withdraws": 2},
        {"withdraws": 3},
        {"withdraws": 0},
        {"withdraws": "1"},
        {"nil_report": True},
    ],
    ids=["itself", "a later one", "nothing", "a word", "as a nil report"],
)
def test_a_withdrawal_that_names_no_earlier_package_is_refused(
    store: Store, tmp_path: Path, changes: dict[str, Any]
) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    path = withdrawal(tmp_path / "2", store.catalogue, 1, 2)
    store.drop(redeclare(path, **changes), "MVD-75")
    store.receive()
    assert refusals(store) == [("received", None), ("refused", "R02")]


def test_a_withdrawal_has_no_payload(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    path = pack(tmp_path / "2", store.catalogue, FORM, [record(FORM, 2)], sequence=2)
    store.drop(redeclare(path, withdraws=1), "MVD-75")
    store.receive()
    assert refusals(store) == [("received", None), ("refused", "R02")]


def test_only_the_sender_withdraws(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    store.drop(withdrawal(tmp_path / "2", store.catalogue, 1, 2), "MVD-71")
    own = withdrawal(tmp_path / "3", store.catalogue, 1, 2, subject="MVD-71")
    store.submit(own)
    store.night(forms=[FORM])
    assert refusals(store) == [("refused", "R08"), ("held", "R26"), ("accepted", None)]


def test_a_number_that_nobody_holds_is_waited_for(store: Store, tmp_path: Path) -> None:
    """A refused package takes no number: its withdrawal waits for the one that will."""
    damaged = pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)])
    store.submit(redeclare(damaged, payload_records=9))
    store.submit(withdrawal(tmp_path / "2", store.catalogue, 1, 2))
    store.night(forms=[FORM])
    assert refusals(store) == [("refused", "R19"), ("held", "R26")]
    store.submit(pack(tmp_path / "3", store.catalogue, FORM, [record(FORM, 1)]))
    store.night(forms=[FORM])
    assert refusals(store) == [("refused", "R19"), ("accepted", "R26"), ("withdrawn", None)]


@pytest.mark.parametrize("withdraws", [1, 2], ids=["what is withdrawn", "a withdrawal"])
@pytest.mark.parametrize("early", [False, True], ids=["in order", "held at first"])
def test_what_cannot_be_withdrawn_is_refused_and_its_number_stays_free(
    store: Store, tmp_path: Path, withdraws: int, *, early: bool
) -> None:
    """A third package withdraws the second, which withdraws the first; or the first once more."""
    paths = [
        pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]),
        withdrawal(tmp_path / "2", store.catalogue, 1, 2),
        withdrawal(tmp_path / "3", store.catalogue, withdraws, 3),
    ]
    for path in reversed(paths) if early else paths:
        store.submit(path)
        store.night(forms=[FORM])
    numbered = (
        "select sequence, verdict, rejection_code from quality.submissions where verdict <> 'received' order by 1"
    )
    withdrawing = ("accepted", "R26" if early else None)
    assert store.query(numbered) == [(1, "withdrawn", None), (2, *withdrawing), (3, "refused", "R02")]
    seq = store.one("select submission_seq from quality.submissions where verdict = 'refused'")
    issue = 2 if early else 1
    refused = answer(store, f"{seq}_{issue}")
    assert [(f["rule"], "sequence" in f["detail"]) for f in refused["findings"]] == [("PKG-102", True)]
    index = json.loads((store.home / "outbox/MVD-75/index.json").read_text())
    assert index[f"{FORM}/{DAY}_{DAY}/3"]["verdict"] == "refused"
    store.submit(pack(tmp_path / "4", store.catalogue, FORM, [record(FORM, 1)], sequence=3))
    store.night(forms=[FORM])
    assert store.verdicts()[-1] == "accepted"
    assert store.verify() == []


def test_a_package_held_for_its_signature_can_be_withdrawn(store: Store, tmp_path: Path) -> None:
    signed = pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)])
    (signed / "manifest.json.p7s").write_bytes(b"signature")
    store.submit(signed)
    store.submit(withdrawal(tmp_path / "2", store.catalogue, 1, 2))
    store.night(forms=[FORM])
    assert store.verdicts() == ["withdrawn", "accepted"]


def test_the_same_withdrawal_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    path = withdrawal(tmp_path / "2", store.catalogue, 1, 2)
    store.submit(path)
    store.night(forms=[FORM])
    store.submit(path)
    assert store.receive().resent == 1
    assert store.verdicts() == ["withdrawn", "accepted"]


# Writing one


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_pack_writes_a_withdrawal(empty: Path) -> None:
    arguments = ["pack", str(empty), "--form", FORM, "--subject", "MVD-75", "--period", str(DAY), "--withdraws", "1"]
    outcome = CliRunner().invoke(cli.main, [*arguments, "--sequence", "2"])
    assert outcome.exit_code == 0
    assert package.read_manifest(empty).withdraws == 1
    refused = CliRunner().invoke(cli.main, arguments)
    assert refused.exit_code == 1
    assert "lower sequence than its own (1)" in refused.output
    (empty / "records.csv").write_text("a\n")
    assert CliRunner().invoke(cli.main, [*arguments, "--sequence", "2"]).exit_code == 1


def test_rows_from_before_withdrawals_keep_their_hash() -> None:
    row = {"seq": 1, "subject": "MVD-75", "prev_hash": ledger.GENESIS}
    assert ledger.row_hash({**row, "withdraws": None}) == ledger.row_hash(row)
    assert ledger.row_hash({**row, "withdraws": 1}) != ledger.row_hash(row)


def test_a_warehouse_from_before_withdrawals_gains_what_they_need(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "1", store.catalogue, FORM, [record(FORM, 1)]))
    store.night(forms=[FORM])
    store.connection.execute(
        "drop view quality.submissions; alter table ledger.submissions drop column withdraws; "
        "alter table ledger.progress drop column withdrawn_by, drop column withdrawn_seq, "
        "drop column rejection_code, drop column rejection_rule, drop column rejection_detail"
    )
    tables.create(store.connection, store.catalogue)
    store.submit(withdrawal(tmp_path / "2", store.catalogue, 1, 2))
    store.night(forms=[FORM])
    assert store.verdicts() == ["withdrawn", "accepted"]
    assert store.verify() == []


# What follows from records lets go of those of a withdrawn package


def test_what_hung_on_a_withdrawn_record_misses_it_from_then_on(store: Store, tmp_path: Path) -> None:
    store.submit(pack(tmp_path / "offence", store.catalogue, FORM, records(FORM, 1)))
    store.submit(pack(tmp_path / "decision", store.catalogue, "pretrial_decision", records("pretrial_decision", 1)))
    store.night(forms=(FORM, "pretrial_decision"))
    missing = "select count(*) from quality.violations where rule = 'PTD-601' and cleared_seq is null"
    assert store.one(missing) == 0
    store.submit(withdrawal(tmp_path / "withdrawal", store.catalogue, 1, 2))
    store.night(NOW + timedelta(days=1), forms=(FORM, "pretrial_decision"))
    assert store.one(missing) == 1
    store.submit(pack(tmp_path / "again", store.catalogue, FORM, records(FORM, 1), sequence=3))
    store.night(NOW + timedelta(days=2), forms=(FORM, "pretrial_decision"))
    assert store.one(missing) == 0


def test_series_count_a_withdrawn_package_no_longer(store: Store, tmp_path: Path) -> None:
    tallied = "select sum((counts ->> 'n')::integer) from quality.tallies where tally = 'records' and form = %s"
    store.submit(pack(tmp_path / "first", store.catalogue, FORM, records(FORM, 3)))
    store.submit(pack(tmp_path / "second", store.catalogue, FORM, records(FORM, 2, 10), sequence=2))
    store.night(forms=[FORM])
    assert store.one(tallied, FORM) == 5
    store.submit(withdrawal(tmp_path / "withdrawal", store.catalogue, 1, 3))
    store.submit(pack(tmp_path / "fourth", store.catalogue, FORM, records(FORM, 4, 20), sequence=4))
    store.submit(withdrawal(tmp_path / "at once", store.catalogue, 4, 5))
    store.night(NOW + timedelta(days=1), forms=[FORM])
    assert store.one(tallied, FORM) == 2
