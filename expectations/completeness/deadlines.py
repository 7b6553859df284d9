"""When what is owed is due, and by how many hours it came late: pure functions of dates, no database, no clock.

Here belong the periods of a regulation, the days that count as working days, the moment of a deadline and the
measure of lateness (Law 510 Art. 1(15), 5, 8(2)(1)). Keep out who owes what (``calendar``).

Time is local, Asia/Almaty. A day is a day of the calendar, whatever it lasts; an hour is an hour that passes: on
2024-02-29 the hour after 23:00 came twice, so ``PT24H`` after the end of the 28th ends at the second 23:00 of the
29th, and ``P1D`` an hour later, at midnight.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from ingestion.contract import Code

LOCAL = ZoneInfo("Asia/Almaty")
DURATION = re.compile(r"P(?=.)(?:([0-9]+)W|(?:([0-9]+)M)?(?:([0-9]+)D)?(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?)?)")
MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True)
class Holidays:
    """The code list ``public_holiday``: ``MM-DD`` is a holiday of every year, ``YYYY-MM-DD`` of one."""

    codes: tuple[Code, ...]

    @cached_property
    def _by_code(self) -> dict[str, list[Code]]:
        found: dict[str, list[Code]] = {}
        for code in self.codes:
            found.setdefault(code.code, []).append(code)
        return found

    def is_working(self, day: date) -> bool:
        """Neither Saturday nor Sunday nor a holiday valid on the day."""
        named = (code for name in (f"{day:%m-%d}", day.isoformat()) for code in self._by_code.get(name, ()))
        holiday = any(c.valid_from <= day and (c.valid_to is None or day <= c.valid_to) for c in named)
        return day.weekday() < 5 and not holiday


# Periods


def period_of(period: str, day: date) -> tuple[date, date]:
    """First and last day of the day, month or quarter that a day lies in."""
    if period == "day":
        return day, day
    months = MONTHS[period]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, _add_months(first, months) - timedelta(days=1)


def following(period: str, day: date) -> tuple[date, date]:
    """The period after the one that a day lies in."""
    return period_of(period, period_of(period, day)[1] + timedelta(days=1))


def periods(period: str, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Every period whose last day lies in ``first`` to ``last``, both included."""
    start, end = period_of(period, first)
    while end <= last:
        yield start, end
        start, end = following(period, end)


def periods_of_month(period: str, month: date) -> list[tuple[date, date]]:
    """Every period that ends in a month: a quarter belongs to its last one."""
    return list(periods(period, month, _add_months(month, 1) - timedelta(days=1)))


def earliest_due(period: str, deadline: str, *, working_days: bool, holidays: Holidays, since: datetime) -> date:
    """The first day of the earliest period whose deadline is not before a moment."""
    start, _ = period_of(period, since.astimezone(LOCAL).date())
    while True:
        before, end = period_of(period, start - timedelta(days=1))
        if due_at(end, deadline, working_days=working_days, holidays=holidays) < since.astimezone(UTC):
            return start
        start = before


# Deadlines


def due_at(period_to: date, deadline: str, *, working_days: bool, holidays: Holidays) -> datetime:
    """The moment by which a package of the period ending on ``period_to`` must arrive; that moment is in time.

    ``deadline`` is an ISO-8601 duration after the end of the period, which is the midnight that ends its last day.
    With ``working_days`` only days that are working days count, and hours only within them: ``P3D`` ends with the
    third working day after the period. Raises ``ValueError`` for a duration that is none, or whose weeks or months
    are to be counted in working days.
    """
    matched = DURATION.fullmatch(deadline)
    if not matched:
        raise ValueError(f"deadline '{deadline}': write an ISO-8601 duration, as PT24H or P3D")
    weeks, months, days, hours, minutes = (int(part or 0) for part in matched.groups())
    if working_days and (weeks or months):
        raise ValueError(f"deadline '{deadline}': weeks and months are not counted in working days; write days")
    day = _add_months(period_to + timedelta(days=1), months)
    for _ in range(days) if working_days else ():
        while not holidays.is_working(day):
            day += timedelta(days=1)
        day += timedelta(days=1)
    if not working_days:
        day += timedelta(days=7 * weeks + days)
    rest = timedelta(hours=hours, minutes=minutes)
    return _after_working(midnight(day), rest, holidays) if working_days else _after(midnight(day), rest)


def hours_late(due: datetime, arrived: datetime, *, working_days: bool, holidays: Holidays) -> float:
    """Hours from a deadline to an arrival, 0 for one in time. With ``working_days`` only the hours of working days
    count, all twenty-four of them: what is due on Friday and comes on Monday at 10:00 is ten hours late."""
    if not working_days:
        return _elapsed(due, arrived) / timedelta(hours=1)
    due, arrived = due.astimezone(UTC), arrived.astimezone(UTC)
    day, last = due.astimezone(LOCAL).date(), arrived.astimezone(LOCAL).date()
    late = timedelta()
    while day <= last:
        if holidays.is_working(day):
            late += _elapsed(max(due, midnight(day)), min(arrived, midnight(day + timedelta(days=1))))
        day += timedelta(days=1)
    return late / timedelta(hours=1)


def midnight(day: date) -> datetime:
    """The beginning of a day."""
    return datetime.combine(day, time(), LOCAL)


def _elapsed(start: datetime, end: datetime) -> timedelta:
    """What passes between two moments; Python subtracts the clock's faces where both are of one zone."""
    return max(end.astimezone(UTC) - start.astimezone(UTC), timedelta())


def _after(start: datetime, rest: timedelta) -> datetime:
    return (start.astimezone(UTC) + rest).astimezone(LOCAL)


def _after_working(start: datetime, rest: timedelta, holidays: Holidays) -> datetime:
    while rest:
        day = start.date()
        end = midnight(day + timedelta(days=1))
        if holidays.is_working(day):
            if _elapsed(start, end) >= rest:
                return _after(start, rest)
            rest -= _elapsed(start, end)
        start = end
    return start


def _add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last one where the month is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    following_first = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following_first - timedelta(days=1))
