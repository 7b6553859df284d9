"""Deadlines and lateness as pure arithmetic of the calendar of Kazakhstan: working days, holidays, and the hour of
2024-02-29 that came twice. Keep out the database (``test_completeness``)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.completeness import deadlines
from expectations.completeness.deadlines import LOCAL, Holidays, midnight
from ingestion.contract import Catalogue, Code, load_catalogue

HOLIDAYS = Holidays(load_catalogue().code_lists["public_holiday"])
DAYS = st.dates(date(2021, 7, 1), date(2031, 12, 31))
DEADLINES = st.sampled_from(["PT24H", "P1D", "P2D", "P3D", "P5D", "P10D", "P1DT12H", "PT30M", "P0D"])
PERIODS = st.sampled_from(["day", "month", "quarter"])
FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


def due(day: date, deadline: str, *, working_days: bool = False) -> datetime:
    return deadlines.due_at(day, deadline, working_days=working_days, holidays=HOLIDAYS)


def late(after: datetime, hours: float, *, working_days: bool = False) -> float:
    arrived = after.astimezone(UTC) + timedelta(hours=hours)
    return deadlines.hours_late(after, arrived, working_days=working_days, holidays=HOLIDAYS)


def working(first: date, last: date) -> int:
    """Working days from ``first`` to ``last``, both included."""
    return sum(HOLIDAYS.is_working(first + timedelta(days=n)) for n in range((last - first).days + 1))


def test_a_day_owed_in_24_hours_is_due_when_the_next_day_ends() -> None:
    assert due(FRIDAY, "PT24H") == due(FRIDAY, "P1D") == midnight(date(2026, 11, 22))


@pytest.mark.parametrize(
    ("day", "deadline", "ends"),
    [
        (FRIDAY, "P3D", date(2026, 11, 25)),  # Monday, Tuesday, Wednesday
        (date(2025, 12, 31), "P3D", date(2026, 1, 8)),  # holidays 1, 2 and 7 January, a weekend: 5, 6 and 8 count
        (date(2026, 1, 1), "P2D", date(2026, 1, 6)),
        (date(2026, 3, 19), "P1D", date(2026, 3, 20)),
        (date(2026, 3, 20), "P1D", date(2026, 3, 24)),  # Nauryz 21-23 March, the first two at a weekend
    ],
)
def test_working_days_leave_out_weekends_and_holidays(day: date, deadline: str, ends: date) -> None:
    assert due(day, deadline, working_days=True) == midnight(ends + timedelta(days=1))


def test_a_holiday_of_one_year_counts_in_that_year_alone() -> None:
    moved = Code("2026-11-23", date(2015, 1, 1), None, "exact", None, {}, {})
    ended = Code("11-24", date(2015, 1, 1), date(2025, 11, 24), "exact", None, {}, {})
    holidays = Holidays((moved, ended))
    assert not holidays.is_working(MONDAY)
    assert holidays.is_working(date(2027, 11, 23))
    assert not holidays.is_working(date(2025, 11, 24))
    assert holidays.is_working(date(2026, 11, 24))


def test_hours_pass_and_days_are_of_the_calendar_when_the_clock_goes_back() -> None:
    """The 29th of February 2024 had 25 hours in Almaty."""
    by_day, by_hours = due(date(2024, 2, 28), "P1D"), due(date(2024, 2, 28), "PT24H")
    assert by_day == midnight(date(2024, 3, 1))
    assert by_day.astimezone(UTC) - by_hours.astimezone(UTC) == timedelta(hours=1)
    assert (by_hours.hour, by_hours.fold) == (23, 1)
    assert late(midnight(date(2024, 2, 29)), 25) == late(midnight(date(2024, 2, 29)), 25, working_days=True) == 25
    assert deadlines.hours_late(by_hours, by_day, working_days=False, holidays=HOLIDAYS) == 1


def test_lateness_counts_the_hours_of_working_days() -> None:
    friday_night = midnight(FRIDAY + timedelta(days=1))
    monday_at_ten = midnight(MONDAY) + timedelta(hours=10)
    assert deadlines.hours_late(friday_night, monday_at_ten, working_days=True, holidays=HOLIDAYS) == 10
    assert deadlines.hours_late(friday_night, monday_at_ten, working_days=False, holidays=HOLIDAYS) == 58


@pytest.mark.parametrize("deadline", ["", "P", "PT", "3D", "P3", "P-1D", "P1Y", "P3D ", "p3d"])
def test_what_is_no_duration_is_not_guessed(deadline: str) -> None:
    with pytest.raises(ValueError, match="ISO-8601"):
        due(FRIDAY, deadline)


@pytest.mark.parametrize("deadline", ["P1W", "P1M"])
def test_weeks_and_months_are_not_counted_in_working_days(deadline: str) -> None:
    assert due(date(2026, 1, 30), deadline) in (midnight(date(2026, 2, 7)), midnight(date(2026, 2, 28)))
    with pytest.raises(ValueError, match="working days"):
        due(FRIDAY, deadline, working_days=True)


@given(DAYS, st.integers(1, 15))
def test_a_deadline_in_working_days_ends_a_working_day_after_exactly_so_many(day: date, number: int) -> None:
    end = due(day, f"P{number}D", working_days=True)
    last = end.date() - timedelta(days=1)
    assert end == midnight(end.date())
    assert HOLIDAYS.is_working(last)
    assert working(day + timedelta(days=1), last) == number


@given(DAYS, DEADLINES, st.booleans())
def test_a_later_period_is_never_due_earlier(day: date, deadline: str, working_days: bool) -> None:
    following = due(day + timedelta(days=1), deadline, working_days=working_days)
    assert midnight(day + timedelta(days=1)) <= due(day, deadline, working_days=working_days) <= following


@given(DAYS, DEADLINES, st.floats(0, 1000), st.floats(0, 1000))
def test_lateness_grows_and_working_hours_are_at_most_those_that_pass(
    day: date, deadline: str, hours: float, more: float
) -> None:
    at = due(day, deadline)
    assert late(at, -hours) == 0
    assert late(at, hours) == pytest.approx(hours, abs=1e-6)
    assert late(at, hours, working_days=True) <= late(at, hours) + 1e-6
    assert late(at, hours, working_days=True) <= late(at, hours + more, working_days=True) + 1e-9


@given(DAYS, st.integers(0, 90))
def test_whole_days_late_are_the_working_days_between(day: date, days: int) -> None:
    at, arrived = midnight(day), midnight(day + timedelta(days=days))
    hours = deadlines.hours_late(at, arrived, working_days=True, holidays=HOLIDAYS)
    between = [day + timedelta(days=n) for n in range(days)]
    lasted = sum(25 if d == date(2024, 2, 29) else 24 for d in between if HOLIDAYS.is_working(d))
    assert hours == lasted


@given(DAYS, PERIODS)
def test_periods_follow_one_another_without_gap_or_overlap(day: date, period: str) -> None:
    first, last = deadlines.period_of(period, day)
    after, _ = deadlines.following(period, day)
    assert first <= day <= last
    assert after == last + timedelta(days=1)
    assert deadlines.period_of(period, last) == deadlines.period_of(period, first) == (first, last)
    month = last.replace(day=1)
    assert (first, last) in deadlines.periods_of_month(period, month)


@given(st.datetimes(datetime(2021, 7, 1), datetime(2031, 1, 1)), PERIODS, DEADLINES, st.booleans())  # noqa: DTZ001
def test_the_earliest_period_not_yet_due_is_the_earliest(
    moment: datetime, period: str, deadline: str, working_days: bool
) -> None:
    since = moment.replace(tzinfo=LOCAL)
    start = deadlines.earliest_due(period, deadline, working_days=working_days, holidays=HOLIDAYS, since=since)
    _, end = deadlines.period_of(period, start)
    instant = since.astimezone(UTC)
    assert due(end, deadline, working_days=working_days).astimezone(UTC) >= instant
    before = start - timedelta(days=1)
    assert due(before, deadline, working_days=working_days).astimezone(UTC) < instant


def test_what_is_due_at_this_very_moment_is_not_yet_overdue() -> None:
    moment = midnight(date(2026, 11, 22))
    for since, first in ((moment, FRIDAY), (moment + timedelta(microseconds=1), FRIDAY + timedelta(days=1))):
        assert deadlines.earliest_due("day", "PT24H", working_days=False, holidays=HOLIDAYS, since=since) == first


def test_every_deadline_of_the_regulation_can_be_counted(catalogue: Catalogue) -> None:
    for duty in catalogue.duties:
        assert due(FRIDAY, duty.deadline, working_days=duty.working_days) > midnight(FRIDAY)
