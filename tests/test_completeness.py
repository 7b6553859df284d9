"""The calendar of what was due: states of its cells, what breaks its rules, and that a look costs what is open.

Here belong statements about the calendar on a real PostgreSQL, over a registry of a few bodies. Keep out the
arithmetic of deadlines (``test_deadlines``) and the mart (``test_marts``).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from io import StringIO
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from rich.console import Console

from expectations import completeness, validation
from expectations.completeness import calendar
from expectations.completeness.deadlines import LOCAL, Holidays, midnight
from expectations.findings import Changes
from expectations.validation import MachineryError
from ingestion.contract import Catalogue, Duty, Rule
from orchestration import cli
from tests.conftest import Store, warehouse_like
from tests.packages import Values, pack, records, redeclare

OFFENCES, CASES, REPORT = "criminal_offence", "civil_case", "aggregate_report"
POLICE, OTHERS, COURT = "MVD-75", "MVD-71", "SUD-7511"
DAY = date(2026, 10, 14)  # a Wednesday
EVENING, DUE = datetime(2026, 10, 15, 18, 0, tzinfo=LOCAL), midnight(date(2026, 10, 16))
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.server


class Office:
    """What bodies send, each package at its moment, and what the calendar says of it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.sent = store, folder, 0

    def send(
        self,
        at: datetime = EVENING,
        *,
        rows: Sequence[Values] | None = None,
        day: date = DAY,
        sender: str = POLICE,
        form: str = OFFENCES,
        sequence: int = 1,
        damaged: bool = False,
    ) -> None:
        """One package, received; no rows: a nil report."""
        self.sent += 1
        path = pack(
            self.folder / f"{self.sent}",
            self.store.catalogue,
            form,
            rows or (),
            sender=sender,
            day=day,
            sequence=sequence,
        )
        if damaged:
            redeclare(path, payload_sha256="0" * 64)
        self.store.submit(path)
        self.store.receive(at)

    def judge(self, at: datetime, *forms: str) -> None:
        for form in forms or (OFFENCES,):
            self.store.load(form, at=at)
            self.store.judge(form, at=at)

    def look(self, at: datetime) -> calendar.Look:
        return calendar.look(self.store.connection, self.store.catalogue, at)

    def state(self, day: date = DAY, sender: str = POLICE, form: str = OFFENCES) -> str:
        return str(self.cell("state", day, sender, form))

    def cell(self, column: str, day: date = DAY, sender: str = POLICE, form: str = OFFENCES) -> Any:
        question = f"select {column} from quality.calendar where subject = %s and form = %s and period_to = %s"
        return self.store.one(question, sender, form, day)

    def open(self, rule: str) -> list[Any]:
        """Who and when, of the open findings of a rule."""
        return self.store.query(
            "select subject, period_from from quality.findings where rule = %s and cleared_at is null order by 2, 1",
            rule,
        )

    def cells(self) -> list[Any]:
        return self.store.query(
            "select subject, form, report_code, period_from, period_to, deadline_at, is_watched, state, has_records, "
            "first_received_at, hours_late, packages, packages_refused, packages_held from quality.calendar "
            "order by 1, 2, 3, 4"
        )


def offences(number: int, day: date = DAY, start: int = 1, **changes: str) -> list[Values]:
    """Records registered at ten in the morning of a day."""
    stamp = {"registered_at": f"{day}T10:00:00", "kui_registered_at": f"{day}T09:00:00"}
    return records(OFFENCES, number, start, **{**stamp, "committed_date": str(day - timedelta(days=1)), **changes})


def small(shipped: Catalogue, *duties: Duty, **changes: Any) -> Catalogue:
    """A catalogue of two police departments and a court; other duties give it another version."""
    subjects = {code: shipped.subjects[code] for code in (POLICE, OTHERS, COURT)}
    owed = duties or shipped.duties
    return replace(shipped, subjects=subjects, duties=owed, **{"version": f"small {hash(owed)}", **changes})


@pytest.fixture
def office(store: Store, tmp_path: Path, catalogue: Catalogue) -> Office:
    store.catalogue = small(catalogue)
    return Office(store, tmp_path / "sent")


# The states of a cell


@pytest.mark.parametrize(
    ("came", "before", "after"),
    [
        ("nothing", "expected", "missing"),
        ("records", "received", "received"),
        ("nil", "nil", "nil"),
        ("nil, then records", "received", "received"),
        ("damaged", "expected", "refused"),
        ("damaged, then nil", "nil", "nil"),
        ("second without the first", "expected", "held"),
        ("late records", "expected", "late"),
        ("late nil", "expected", "late"),
    ],
)
def test_a_cell_is_in_the_state_that_its_packages_and_its_deadline_give(
    office: Office, came: str, before: str, after: str
) -> None:
    office.send(day=DAY - timedelta(days=1), sender=OTHERS)
    match came:
        case "records":
            office.send(rows=offences(1))
        case "nil":
            office.send()
        case "nil, then records":
            office.send()
            office.send(rows=offences(1), sequence=2)
        case "damaged" | "damaged, then nil":
            office.send(rows=offences(1), damaged=True)
            if came != "damaged":
                office.send()
        case "second without the first":
            office.send(rows=offences(1), sequence=2)
    office.look(DUE)
    assert office.state() == before
    if came.startswith("late"):
        office.send(DUE + HOUR, rows=offences(1) if came == "late records" else None)
    office.look(DUE + 2 * HOUR)
    assert office.state() == after
    assert office.cell("has_records") == (None if after in calendar.GAPS else "records" in came)


def test_the_moment_of_the_deadline_is_in_time_and_the_next_is_late(office: Office) -> None:
    office.send(DUE)
    office.send(DUE + timedelta(microseconds=1), sender=OTHERS)
    office.look(DUE + HOUR)
    assert (office.state(), office.state(sender=OTHERS)) == ("nil", "late")
    assert (office.cell("hours_late"), office.cell("hours_late", sender=OTHERS)) == (None, 0)


def test_the_first_package_that_was_not_refused_decides_whatever_follows(office: Office) -> None:
    office.send(EVENING, rows=offences(1), damaged=True)
    office.send(DUE + 3 * HOUR)
    office.send(DUE + 9 * HOUR, rows=offences(1), sequence=2)
    office.look(DUE + 10 * HOUR)
    assert (office.state(), office.cell("hours_late"), office.cell("has_records")) == ("late", 3, True)


def test_a_held_package_counts_from_its_own_arrival_once_it_is_released(office: Office) -> None:
    office.send(EVENING, rows=offences(1), sequence=2)
    office.look(DUE + HOUR)
    assert office.state() == "held"
    office.send(DUE + HOUR, rows=offences(1, start=2), sequence=1)
    office.look(DUE + 2 * HOUR)
    assert (office.state(), office.cell("first_received_at")) == ("received", EVENING)


def test_a_package_sent_for_another_body_does_not_make_that_one_refused(office: Office) -> None:
    office.send(day=DAY - timedelta(days=1))
    path = pack(office.folder / "foreign", office.store.catalogue, OFFENCES, offences(1), sender=POLICE)
    office.store.drop(path, OTHERS)
    office.store.receive(EVENING)
    office.look(DUE + HOUR)
    assert office.state() == "missing"


def test_reports_of_one_form_are_owed_apart(office: Office) -> None:
    office.store.catalogue = replace(office.store.catalogue, watched_from={REPORT: date(2026, 9, 1)}, version="reports")
    office.look(datetime(2026, 11, 20, 2, 0, tzinfo=LOCAL))
    owed = office.store.query(
        "select report_code, period_from, (deadline_at - interval '1 day')::date from quality.calendar "
        "where subject = %s and form = %s and period_to <= '2026-10-31' order by 1, 2",
        POLICE, REPORT,
    )  # fmt: skip
    assert owed == [
        ("1-E", date(2026, 9, 1), date(2026, 10, 7)),
        ("1-E", date(2026, 10, 1), date(2026, 11, 6)),
        ("1-M", date(2026, 9, 1), date(2026, 10, 7)),
        ("1-M", date(2026, 10, 1), date(2026, 11, 6)),
    ]


# What is laid down, and when


def test_cells_are_laid_down_ahead_and_each_night_only_those_of_a_day_more(office: Office) -> None:
    office.send(rows=offences(1))
    first = office.look(EVENING)
    assert first.generated > 0
    newest = "select max(period_to) from quality.calendar where form = %s"
    assert office.store.one(newest, OFFENCES) == EVENING.date() + timedelta(days=1)
    assert office.look(EVENING + timedelta(days=1)).generated == 2
    assert office.look(EVENING + timedelta(days=4)).generated == 6, "nights that were missed are made up for"
    assert office.store.one(newest, OFFENCES) == EVENING.date() + timedelta(days=5)


def test_nobody_is_blamed_for_what_was_due_before_the_form_went_live(office: Office) -> None:
    office.send(EVENING, rows=offences(1))
    office.look(DUE + HOUR)
    watched = office.store.query("select min(period_from) from quality.calendar where is_watched group by form")
    assert watched == [DAY], "due at the end of the day of the first arrival"
    unwatched = office.store.query("select distinct month, state from quality.calendar where not is_watched")
    assert unwatched == [(date(2026, 10, 1), "missing")], "its month is whole, so that coverage has its denominators"
    assert office.store.query("select distinct form from quality.calendar") == [OFFENCES]
    office.store.watch(DUE + HOUR)
    assert office.open("CAL-701") == office.open("CAL-703") == [(OTHERS, DAY)]


def test_a_package_of_long_ago_lays_down_its_month_and_nothing_between(office: Office) -> None:
    office.send(EVENING)
    office.look(EVENING)
    office.send(EVENING, day=date(2023, 5, 10))
    office.look(EVENING)
    months = "select month, count(*) from quality.calendar where form = %s group by 1 order by 1"
    assert office.store.query(months, OFFENCES) == [(date(2023, 5, 1), 2 * 31), (date(2026, 10, 1), 2 * 16)]
    assert (office.state(date(2023, 5, 10)), office.state(date(2023, 5, 10), OTHERS)) == ("late", "missing")
    office.store.watch(EVENING)
    assert office.open("CAL-702") == []


def test_a_declared_day_is_watched_before_anything_came(office: Office) -> None:
    office.store.catalogue = replace(office.store.catalogue, watched_from={OFFENCES: DAY}, version="declared")
    office.look(midnight(DAY) - timedelta(days=9))
    assert office.store.query("select * from quality.calendar") == []
    office.look(DUE + HOUR)
    assert office.state() == office.state(sender=OTHERS) == "missing"
    assert office.store.one("select min(period_from) from quality.calendar") == DAY


def test_only_bodies_that_are_active_in_the_whole_period_owe_it(office: Office, catalogue: Catalogue) -> None:
    ended = replace(catalogue.subjects[OTHERS], active_to=DAY)
    begun = replace(catalogue.subjects[POLICE], active_from=DAY)
    given = replace(
        office.store.catalogue, subjects={OTHERS: ended, POLICE: begun}, watched_from={OFFENCES: date(2026, 10, 13)}
    )
    office.store.catalogue = given
    office.look(DUE)
    owed = "select subject, min(period_from), max(period_to) from quality.calendar group by 1 order by 1"
    assert office.store.query(owed) == [(OTHERS, date(2026, 10, 13), DAY), (POLICE, DAY, date(2026, 10, 17))]


# A regulation that changes


def test_courts_have_three_working_days_until_2025_and_two_from_2026(office: Office) -> None:
    office.store.catalogue = replace(office.store.catalogue, watched_from={CASES: date(2025, 12, 30)}, version="courts")
    office.look(datetime(2026, 1, 2, tzinfo=LOCAL))
    due = {day: office.cell("deadline_at", day, COURT, CASES) for day in (date(2025, 12, 31), date(2026, 1, 1))}
    # 1, 2 and 7 January are holidays, 3 and 4 a weekend.
    assert due == {date(2025, 12, 31): midnight(date(2026, 1, 9)), date(2026, 1, 1): midnight(date(2026, 1, 7))}


def test_a_changed_regulation_reaches_only_what_is_not_due_yet_and_says_so(
    office: Office, catalogue: Catalogue
) -> None:
    office.send()
    office.look(EVENING)
    before = {day: office.cell("deadline_at", day, OTHERS) for day in (DAY, DAY + timedelta(days=1))}
    longer = tuple(replace(d, deadline="P5D") if d.form == OFFENCES else d for d in catalogue.duties)
    office.store.catalogue = small(catalogue, *longer)
    moment = DUE + HOUR
    changes = office.look(moment).changes
    assert office.cell("deadline_at", DAY, OTHERS) == before[DAY], "it was due before the change"
    assert office.state(DAY, OTHERS) == "missing"
    ahead = DAY + timedelta(days=1)
    assert office.cell("deadline_at", ahead, OTHERS) == midnight(date(2026, 10, 21))
    noted = office.store.query(
        "select change, deadline_before, deadline_after from quality.calendar_changes where subject = %s",
        OTHERS,
    )
    assert ("amended", before[ahead], midnight(date(2026, 10, 21))) in noted
    assert changes == {"amended": 4}
    assert office.look(moment + HOUR).changes == {}


def test_a_body_that_is_added_or_closed_owes_accordingly_from_what_is_not_due_yet(
    office: Office, catalogue: Catalogue
) -> None:
    office.send()
    office.look(EVENING)
    subjects = {POLICE: catalogue.subjects[POLICE], "MVD-79": catalogue.subjects["MVD-79"]}
    office.store.catalogue = replace(office.store.catalogue, subjects=subjects, version="others")
    assert office.look(DUE + HOUR).changes == {"added": 2, "withdrawn": 2}
    assert office.store.query("select min(period_from) from quality.calendar where subject = 'MVD-79'") == [
        DAY + timedelta(days=1)
    ]
    assert office.state(DAY, OTHERS) == "missing", "what it owed until then it owes"


def test_a_new_duty_begins_with_what_is_not_due_yet(office: Office, catalogue: Catalogue) -> None:
    office.send()
    office.look(EVENING)
    monthly = replace(catalogue.duties[0], period="month", deadline="P5D")
    office.store.catalogue = small(catalogue, *catalogue.duties, monthly)
    office.look(EVENING + timedelta(days=60))
    first = "select min(period_from) from quality.calendar where period = 'month' and subject = %s"
    assert office.store.one(first, OTHERS) == date(2026, 12, 1), "November was due on the 6th, before the 14th"


def test_a_draft_gives_the_cells_of_the_calendar_and_writes_nothing(office: Office) -> None:
    office.send(rows=offences(1))
    office.send(DUE + 5 * HOUR, sender=OTHERS)
    office.send(EVENING, rows=records(CASES, 1), sender=COURT, form=CASES)
    at = DUE + 6 * HOUR
    office.look(at)
    given = office.store.catalogue
    holidays = Holidays(given.code_lists["public_holiday"])
    with psycopg.connect(
        office.store.url, options="-c default_transaction_read_only=on -c TimeZone=Asia/Almaty"
    ) as reading:
        drafted = list(
            calendar.evaluate(reading, given.duties, given.subjects.values(), holidays, DAY, date(2026, 10, 16), at)
        )
    live = [cell for cell in office.cells() if cell[4] in (DAY, DAY + timedelta(days=1), DAY + timedelta(days=2))]
    assert {cell[1] for cell in live} == {OFFENCES, CASES}
    assert [
        (c.subject, c.form, c.report_code, c.period_from, c.period_to, c.deadline_at, c.state, c.first_received_at)
        for c in sorted(drafted, key=lambda c: (c.subject, c.form, c.period_from))
        if c.form in (OFFENCES, CASES)
    ] == [(*cell[:6], cell[7], cell[9]) for cell in live]
    (late,) = (cell for cell in drafted if cell.state == "late")
    assert late.hours_late(holidays) == 5
    shorter = [replace(duty, deadline="PT1H") for duty in given.duties if duty.form == OFFENCES]
    drafted = list(calendar.evaluate(office.store.connection, shorter, given.subjects.values(), holidays, DAY, DAY, at))
    assert [(cell.subject, cell.state) for cell in sorted(drafted, key=lambda c: c.subject)] == [
        (OTHERS, "late"),
        (POLICE, "late"),
    ]


# A look costs what is open


def test_looking_again_changes_nothing(office: Office) -> None:
    office.send(rows=offences(1))
    office.send(DUE + HOUR, sender=OTHERS)
    office.judge(DUE + HOUR)
    office.store.watch(DUE + 2 * HOUR)

    def all_of_it() -> list[Any]:
        tables = ("calendar", "calendar_looks", "calendar_changes", "findings")
        return [office.store.query(f"select xmin::text, t.* from quality.{t} as t order by t::text") for t in tables]

    before = all_of_it()
    again = office.store.watch(DUE + 2 * HOUR)
    assert again.findings == Changes(0, 0)
    assert all_of_it() == before


def test_what_is_settled_is_not_looked_at_until_something_arrives(office: Office) -> None:
    office.send()
    office.send(sender=OTHERS)
    office.look(EVENING)
    stamp = "select xmin::text, changed_in from quality.calendar where subject = %s and period_to = %s"
    before = office.store.query(stamp, POLICE, DAY)
    for n in range(1, 4):
        office.send(EVENING + timedelta(days=n), day=DAY + timedelta(days=n), sender=OTHERS)
        looked = office.look(EVENING + timedelta(days=n, hours=8))
        assert looked.answered == 2, "one came, one ran out of time"
    assert office.store.query(stamp, POLICE, DAY) == before
    office.send(EVENING + timedelta(days=4), rows=offences(1), sequence=2)
    office.look(EVENING + timedelta(days=5))
    assert office.store.query(stamp, POLICE, DAY) != before
    assert office.cell("has_records")


def test_the_order_of_arrival_and_of_looks_does_not_decide(office: Office, template: str, tmp_path: Path) -> None:
    """The same packages with the same times, registered in another order and looked at now and then."""
    sent: list[dict[str, Any]] = [
        {"at": EVENING, "rows": offences(1)},
        {"at": DUE + HOUR, "sender": OTHERS},
        {"at": DUE + 2 * HOUR, "sender": OTHERS, "rows": offences(1, start=9), "sequence": 2},
        {"at": EVENING - HOUR, "rows": offences(1), "damaged": True},
    ]
    went_live: dict[str, Any] = {"at": EVENING - timedelta(days=1), "day": DAY - timedelta(days=1)}
    for package in (went_live, *sent):
        office.send(**package)
    office.look(DUE + 3 * HOUR)
    expected, random = office.cells(), Random(14)
    assert {cell[7] for cell in expected} == {"received", "nil", "late", "expected", "missing"}
    for n, order in enumerate(random.sample(list(permutations(sent)), 5)):
        with warehouse_like(template, tmp_path / f"home {n}", office.store.catalogue) as store:
            other = Office(store, tmp_path / f"order {n}")
            for package in (went_live, *order):
                other.send(**package)
                if random.random() < 0.5:
                    other.look(DUE + HOUR)
            other.look(DUE + 3 * HOUR)
            assert other.cells() == expected, order


# The rules, broken and just passed


def test_missing_refused_and_silent_are_told_apart_until_the_package_comes(office: Office) -> None:
    office.send(rows=offences(1), damaged=True)
    office.send(day=DAY - timedelta(days=1))
    office.store.watch(DUE)
    assert office.open("CAL-701") == []
    watched = office.store.watch(DUE + HOUR)
    assert office.open("CAL-701") == [(OTHERS, DAY), (POLICE, DAY)]
    assert office.open("CAL-703") == [(OTHERS, DAY)], "a refused package is no silence"
    assert watched.broken == {"CAL-701": 2, "CAL-703": 1}
    assert [(gap.state, gap.cells, gap.subjects) for gap in watched.gaps] == [("missing", 1, 1), ("refused", 1, 1)]

    office.send(DUE + 2 * HOUR, sender=OTHERS)
    watched = office.store.watch(DUE + 3 * HOUR)
    assert (office.open("CAL-701"), office.open("CAL-703")) == ([(POLICE, DAY)], [])
    assert watched.findings == Changes(found=1, cleared=2)
    assert office.open("CAL-702") == [(OTHERS, DAY)]
    cleared = "select rule, cleared_at from quality.findings where subject = %s order by 1"
    assert office.store.query(cleared, OTHERS) == [
        ("CAL-701", DUE + 3 * HOUR),
        ("CAL-702", None),
        ("CAL-703", DUE + 3 * HOUR),
    ]


def test_a_gap_is_looked_at_again_when_it_changed_or_the_rules_did(office: Office, catalogue: Catalogue) -> None:
    def with_missing(version: str, *own: Rule) -> Catalogue:
        others = tuple(rule for rule in catalogue.general_rules if rule.code != "CAL-701")
        return small(catalogue, version=version, general_rules=(*others, *own))

    strict, open_gap = catalogue.rules["CAL-701"], [(OTHERS, DAY)]
    lenient, last = replace(strict, holds="true"), DUE.date() + timedelta(days=1)
    office.send()
    assert office.store.watch(DUE + HOUR).broken == {"CAL-701": 1, "CAL-703": 1}
    assert office.store.watch(DUE + 2 * HOUR).broken == {}
    assert office.open("CAL-701") == open_gap

    office.store.catalogue = with_missing("lenient", lenient)
    office.store.watch(DUE + 3 * HOUR)
    assert (office.open("CAL-701"), office.open("CAL-703")) == ([], open_gap)

    office.store.catalogue = with_missing(
        "dated", replace(strict, valid_to=last), replace(lenient, valid_from=last + timedelta(days=1))
    )
    office.store.watch(midnight(last) + HOUR)
    assert office.open("CAL-701")[:1] == open_gap
    office.store.watch(midnight(last) + 25 * HOUR)
    assert office.open("CAL-701") == []


def test_no_nil_report_is_asked_where_the_regulation_asks_none(office: Office, catalogue: Catalogue) -> None:
    free = tuple(replace(duty, nil_required=False) for duty in catalogue.duties)
    office.store.catalogue = small(catalogue, *free)
    office.send()
    office.store.watch(DUE + HOUR)
    assert office.open("CAL-701") == [(OTHERS, DAY)]
    assert office.open("CAL-703") == []


def test_late_is_found_once_with_its_hours_and_stays_found(office: Office) -> None:
    office.send()
    office.send(DUE + 5 * HOUR, sender=OTHERS)
    office.store.watch(DUE + 6 * HOUR)
    assert office.open("CAL-702") == [(OTHERS, DAY)]
    assert office.store.one("select detail -> 'hours_late' from quality.findings where rule = 'CAL-702'") == 5
    for n in range(1, 3):
        office.store.watch(DUE + timedelta(days=n))
    assert office.open("CAL-702") == [(OTHERS, DAY)]
    assert office.store.one("select count(*) from quality.findings where rule = 'CAL-702'") == 1


def test_a_nil_report_and_accepted_records_of_its_period_contradict_each_other(office: Office) -> None:
    tomorrow = DAY + timedelta(days=1)
    office.send()
    office.send(sender=OTHERS)
    office.store.watch(EVENING)
    # The next day's package brings a record of the day itself, one registered on the day reported as nil, and one that
    # is quarantined and would be too.
    at = EVENING + timedelta(days=1)
    rows = [*offences(1, tomorrow), *offences(1, start=2), *offences(1, start=3, article="no")]
    office.send(at, rows=rows, day=tomorrow)
    office.judge(at)
    watched = office.store.watch(at)
    assert office.open("CAL-704") == [(POLICE, DAY)]
    assert office.store.one("select detail from quality.findings where rule = 'CAL-704'") == {"records": 1}
    assert watched.broken["CAL-704"] == 1

    at += timedelta(days=1)
    (annulled,) = offences(1, start=2)
    annulled |= {"action": "D", "correction_reason": "duplicate"}
    office.send(at, rows=[annulled], day=tomorrow, sequence=2)
    office.judge(at)
    office.store.watch(at)
    assert office.open("CAL-704") == []


def test_a_nil_report_that_comes_after_the_records_contradicts_them_too(office: Office) -> None:
    office.send(rows=offences(2))
    office.judge(EVENING)
    office.store.watch(EVENING)
    assert office.open("CAL-704") == []
    office.send(EVENING + HOUR, sequence=2)
    office.store.watch(EVENING + HOUR)
    assert office.open("CAL-704") == [(POLICE, DAY)]
    assert office.state() == "received"


@pytest.mark.parametrize(("a_day", "found"), [(5, [(POLICE, date(2026, 9, 16))]), (4, [])])
def test_a_silent_day_in_a_full_month_is_found_from_a_median_of_five(
    office: Office, a_day: int, found: list[Any]
) -> None:
    """September 2026: Wednesdays with records and one with a nil report; Thursdays are a quiet weekday."""
    number = 1
    for n, day in enumerate(date(2026, 9, 1) + timedelta(days=n) for n in range(30)):
        sent = {2: a_day, 3: 1}.get(day.weekday(), 0)
        if day.weekday() not in (2, 3):
            continue
        silent = day in (date(2026, 9, 16), date(2026, 9, 17))
        at = datetime.combine(day + timedelta(days=1), time(9, n), LOCAL)
        office.send(at, day=day, rows=None if silent else offences(sent, day, number))
        number += sent
    watched = office.store.watch(datetime(2026, 10, 2, 2, 0, tzinfo=LOCAL))
    assert office.open("CAL-706") == found
    assert watched.broken.get("CAL-706", 0) == len(found)
    office.send(datetime(2026, 10, 2, 9, 0, tzinfo=LOCAL), day=date(2026, 9, 16), rows=offences(1), sequence=2)
    office.store.watch(datetime(2026, 10, 3, 2, 0, tzinfo=LOCAL))
    assert office.open("CAL-706") == []


def test_quarantine_waits_thirty_days_for_its_correction(office: Office) -> None:
    office.send(rows=[*offences(1), *offences(2, start=2, article="no")])
    office.judge(EVENING)
    office.store.watch(EVENING + timedelta(days=30))
    assert office.open("CAL-707") == []
    later = EVENING + timedelta(days=31)
    watched = office.store.watch(later)
    assert office.open("CAL-707") == [(POLICE, DAY)]
    assert watched.broken["CAL-707"] == 1
    assert office.store.one("select detail from quality.findings where rule = 'CAL-707'") == {"records": 2, "days": 31}
    corrected = [row | {"action": "M", "correction_reason": "error_fixed"} for row in offences(2, start=2)]
    office.send(later + HOUR, rows=corrected, sequence=2)
    office.judge(later + HOUR)
    office.store.watch(later + 2 * HOUR)
    assert office.open("CAL-707") == []


def test_a_gap_in_the_numbers_is_found_when_it_is_older_than_seven_days(office: Office) -> None:
    office.send(rows=offences(2))
    office.send(EVENING + HOUR, rows=offences(1, start=5), sequence=2)
    office.judge(EVENING + HOUR)
    office.store.watch(EVENING + HOUR)
    office.store.watch(EVENING + timedelta(days=7))
    assert office.open("CRO-502") == []
    office.store.watch(EVENING + timedelta(days=8))
    assert office.open("CRO-502") == [(POLICE, None)]
    found = "select item, detail from quality.findings where rule = 'CRO-502'"
    assert office.store.one(found) == ("26751101", {"records": 2, "days": 8})

    later = EVENING + timedelta(days=9)
    office.send(later, rows=offences(1, start=3), sequence=3)
    office.judge(later)
    office.store.watch(later)
    assert office.open("CRO-502") == [(POLICE, None)], "the number 4 is still missing, as long as before"
    office.send(later + HOUR, rows=offences(1, start=4, article="no"), sequence=4)
    office.judge(later + HOUR)
    office.store.watch(later + HOUR)
    assert office.open("CRO-502") == [], "a quarantined card was sent"


# What the operator sees


def test_the_operator_lists_the_gaps_by_subject_and_form(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.send(rows=offences(1), damaged=True)
    office.send(day=DAY - timedelta(days=1))
    office.look(DUE + HOUR)

    def listed(*words: str) -> str:
        shown = StringIO()
        monkeypatch.setattr(cli, "console", Console(file=shown, width=120))
        outcome = CliRunner().invoke(cli.main, ["gaps", *words])
        assert outcome.exit_code == 0, outcome.output
        return shown.getvalue()

    every = listed()
    assert [line.split()[1] for line in every.splitlines() if OFFENCES in line] == [OTHERS, POLICE]
    assert "2 cells of 2 subjects" in every
    assert "refused" in every
    only = listed("--subject", OTHERS, "--form", OFFENCES)
    assert "1 cells of 1 subjects" in only
    assert str(DAY) in only


# The verdict


def test_expectations_and_the_statement_must_agree_or_nothing_is_written(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.send()
    counted = validation.count
    monkeypatch.setattr(
        validation, "count", lambda *a: {key: number + (key[0] == "CAL-701") for key, number in counted(*a).items()}
    )
    with pytest.raises(MachineryError, match="disagree"):
        office.store.watch(DUE + HOUR)
    assert office.store.query("select * from quality.findings") == []
    monkeypatch.undo()
    monkeypatch.setenv("ZANSTAT_HOME", str(office.store.home))
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", office.store.url)
    office.store.watch(DUE + HOUR)
    assert office.open("CAL-701") == [(OTHERS, DAY)], "what the failed look saw is not lost"


def test_what_a_look_left_unsaid_is_said_by_the_next_verdict(office: Office) -> None:
    office.send()
    office.send(DUE + HOUR, sender=OTHERS)
    office.look(DUE + 2 * HOUR)
    office.store.watch(DUE + timedelta(days=1))
    assert office.open("CAL-702") == [(OTHERS, DAY)]


def test_findings_hold_codes_counts_and_dates_alone(office: Office) -> None:
    office.send(rows=[*offences(2), *offences(1, start=7), *offences(1, start=8, article="no")])
    office.send(DUE + HOUR, sender=OTHERS)
    office.send(DUE + HOUR, sequence=2)
    office.judge(DUE + HOUR)
    office.store.watch(DUE + timedelta(days=40))
    rules = set(office.store.query("select rule from quality.findings where submission_seq is null"))
    assert rules == {"CAL-701", "CAL-702", "CAL-703", "CAL-704", "CAL-707", "CRO-502"}
    names = office.store.query(
        "select distinct jsonb_object_keys(detail) from quality.findings where submission_seq is null"
    )
    assert set(names) <= {"deadline_at", "received_at", "hours_late", "records", "median", "days"}
    items = office.store.query("select distinct item from quality.findings where submission_seq is null and item <> ''")
    assert set(items) == {"1", "26751101"}


def test_every_rule_of_the_calendar_is_counted_with_its_threshold(catalogue: Catalogue) -> None:
    every = completeness.conditions(catalogue, DAY)
    counted = {condition.rule.code: condition.sql for view in every.values() for condition in view}
    known = {r.code for r in catalogue.general_rules if r.level == "calendar"} | {"CRO-502"}
    assert counted.keys() == known == completeness.SETTLED_WITHIN.keys()
    assert "median < 5" in counted["CAL-706"]
    assert "days <= 30" in counted["CAL-707"]
    assert "days <= 7" in counted["CRO-502"]
