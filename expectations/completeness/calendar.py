"""The calendar of what was due: who owed what by when, laid down before anything comes, and what came of it.

Here belong ``quality.calendar``, its generation from the submission regulation, the state of its cells, and the same
for a regulation that is only a draft. Keep out dates and durations (``deadlines``) and what rules say about a cell.
See ``docs/decisions/0014-the-calendar-is-laid-down-ahead.md``.

A cell is a subject, form, report and period. It is looked at when it is new, when its deadline has passed, and when
the ledger says that something happened to a package of it; never else, so a look costs what is open, not history.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import class_row

from expectations.completeness import deadlines
from expectations.completeness.deadlines import LOCAL, Holidays
from ingestion.contract import Catalogue, Duty, Subject

STEPS = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.sql")}
LOCK = (510, 7)
NEVER = datetime.min.replace(tzinfo=UTC)
GAPS = ("missing", "refused", "held")
"""States of a cell that is due and has no answer."""


@dataclass(frozen=True)
class Look:
    """One look at the calendar. ``up_to_seq`` is the newest ledger event it knows of; ``generated`` cells were added
    ahead, ``changes`` are those that a changed catalogue made (added, amended, withdrawn), ``answered`` cells changed
    their state or what came of them."""

    number: int = 0
    at: datetime = NEVER
    up_to_seq: int = 0
    catalogue_version: str = ""
    generated: int = 0
    changes: Mapping[str, int] = field(default_factory=dict)
    answered: int = 0


@dataclass(frozen=True)
class Cell:
    """What a subject owes for one form, report and period, and what came of it; ``hours_late`` of working days where
    the regulation counts these."""

    subject: str
    region: str
    form: str
    report_code: str | None
    period: str
    period_from: date
    period_to: date
    deadline_at: datetime
    working_days: bool
    nil_required: bool
    is_watched: bool
    has_records: bool | None
    first_received_at: datetime | None
    packages: int
    packages_refused: int
    packages_held: int
    state: str

    def hours_late(self, holidays: Holidays) -> float:
        arrived = self.first_received_at or self.deadline_at
        return deadlines.hours_late(self.deadline_at, arrived, working_days=self.working_days, holidays=holidays)


@dataclass(frozen=True)
class Watch:
    """Since when a form is watched: a declared day, else the arrival of its first package. Nobody is blamed for what
    was due before."""

    day: date | None
    first_received_at: datetime | None

    def covers(self, period_from: date, deadline_at: datetime) -> bool:
        if self.day:
            return period_from >= self.day
        return self.first_received_at is not None and deadline_at >= self.first_received_at


ALWAYS = Watch(date.min, None)


def look(connection: psycopg.Connection, catalogue: Catalogue, now: datetime) -> Look:
    """Bring the calendar up to a moment: lay down what becomes due, and say of each cell what came of it.

    One transaction. A look that finds nothing new leaves nothing behind and returns the one before.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s, %s)", LOCK)
        before = last(connection)
        row = connection.execute("select coalesce(max(seq), 0) from ledger.events").fetchone()
        this = Look(before.number + 1, now, row[0] if row else 0, catalogue.version)
        watches = _watches(connection, catalogue)
        changes = _revise(connection, catalogue, watches, before, this)
        answered = _answer(connection, before, this)
        generated, answered_at_once = _generate(connection, catalogue, watches, before, this)
        answered += answered_at_once
        _measure_lateness(connection, catalogue, this)
        new = (this.up_to_seq, this.catalogue_version) != (before.up_to_seq, before.catalogue_version)
        if not (new or changes or generated or answered):
            return before
        connection.execute(
            "insert into quality.calendar_looks (look, at, up_to_seq, catalogue_version) values (%s, %s, %s, %s)",
            [this.number, this.at, this.up_to_seq, this.catalogue_version],
        )
    return Look(this.number, now, this.up_to_seq, this.catalogue_version, generated, changes, answered)


def last(connection: psycopg.Connection, *, settled: bool = False) -> Look:
    """The newest look, or the newest whose findings are written down; number 0 before the first."""
    row = connection.execute(
        "select look, at, up_to_seq, catalogue_version from quality.calendar_looks where is_settled or not %s "
        "order by look desc limit 1",
        [settled],
    ).fetchone()
    return Look(*row) if row else Look()


def evaluate(
    connection: psycopg.Connection,
    duties: Sequence[Duty],
    subjects: Iterable[Subject],
    holidays: Holidays,
    first: date,
    last: date,
    now: datetime,
) -> Iterator[Cell]:
    """The cells that a regulation gives for the periods ending in ``first`` to ``last``, and their state as of ``now``.

    Reads the ledger and writes nothing, whatever ``quality.calendar`` holds: for a regulation that is only a draft.
    """
    owed = _Owed(duties, subjects, holidays)
    for form, period in {(duty.form, duty.period) for duty in duties}:
        owed.add(form, period, deadlines.periods(period, first, last), ALWAYS)
    question = f"with cell as materialized ({STEPS['due']}) {STEPS['answers']}"
    with connection.transaction(), connection.cursor(name="evaluated", row_factory=class_row(Cell)) as cursor:
        cursor.execute(question, {**owed.parameters, "now": now})
        yield from cursor


def gaps(connection: psycopg.Connection, subject: str | None = None, form: str | None = None) -> list[tuple[Any, ...]]:
    """What is due and has no answer, oldest first: subject, form, report, period, deadline, state."""
    return connection.execute(
        "select subject, form, coalesce(report_code, ''), period_from, period_to, deadline_at, state "
        "from quality.calendar where state = any(%s) and is_watched "
        "and subject = coalesce(%s, subject) and form = coalesce(%s, form) "
        "order by deadline_at, subject, form, report_code",
        [list(GAPS), subject, form],
    ).fetchall()


# Who owes what by when


class _Owed:
    """Rows of the regulation laid out over periods, each with its deadline, as the columns that ``due.sql`` reads."""

    def __init__(self, duties: Sequence[Duty], subjects: Iterable[Subject], holidays: Holidays) -> None:
        self._duties: dict[tuple[str, str], list[Duty]] = defaultdict(list)
        for duty in sorted(duties, key=lambda d: d.valid_from):
            if duty.mandatory:
                self._duties[duty.form, duty.period].append(duty)
        self._subjects = list(subjects)
        self._holidays = holidays
        self._due: dict[tuple[date, str, bool], datetime] = {}
        self._rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Form and length of period, for all that is owed."""
        return list(self._duties)

    def due_at(self, duty: Duty, period_to: date) -> datetime:
        key = period_to, duty.deadline, duty.working_days
        if key not in self._due:
            self._due[key] = deadlines.due_at(*key[:2], working_days=key[2], holidays=self._holidays)
        return self._due[key]

    def starts(self, form: str, period: str, watch: Watch, since: datetime | None) -> date | None:
        """The first day of the earliest period that is watched, or not due before ``since``; None for a form of which
        nothing is watched yet."""
        if watch.day and since is None:
            first, _ = deadlines.period_of(period, watch.day)
            return first if first == watch.day else deadlines.following(period, watch.day)[0]
        since = since or watch.first_received_at
        if since is None:
            return None
        return min(
            deadlines.earliest_due(
                period, duty.deadline, working_days=duty.working_days, holidays=self._holidays, since=since
            )
            for duty in self._duties[form, period]
        )

    def add(
        self, form: str, period: str, spans: Iterable[tuple[date, date]], watch: Watch, *, whole: bool = True
    ) -> None:
        """Lay out the duties of these periods; not ``whole``: those that are watched."""
        for first, last in spans:
            for duty in self._duties[form, period]:
                if not duty.in_force(last):
                    continue
                due_at = self.due_at(duty, last)
                is_watched = watch.covers(first, due_at)
                if is_watched or whole:
                    owed = (form, duty.report_code, duty.subject_kind, period, first, last)
                    self._rows[owed] = (*owed, due_at, duty.working_days, duty.nil_required, is_watched)

    @property
    def parameters(self) -> dict[str, list[Any]]:
        names = (
            "form", "report_code", "subject_kind", "period", "period_from", "period_to",
            "deadline_at", "working_days", "nil_required", "is_watched",
        )  # fmt: skip
        given: dict[str, list[Any]] = {
            name: list(column) for name, column in zip(names, zip(*self._rows.values(), strict=True), strict=False)
        } or {name: [] for name in names}
        for name in ("code", "kind", "region", "active_from", "active_to"):
            given[name] = [getattr(subject, name) for subject in self._subjects]
        return given


def _owed(catalogue: Catalogue) -> _Owed:
    holidays = Holidays(catalogue.code_lists.get("public_holiday", ()))
    return _Owed(catalogue.duties, catalogue.subjects.values(), holidays)


def _watches(connection: psycopg.Connection, catalogue: Catalogue) -> dict[str, Watch]:
    """Since when each form is watched. A declared day is known before any package; else the first one tells."""
    rows = connection.execute(STEPS["first"], {"forms": list(catalogue.forms)}).fetchall()
    return {form: Watch(catalogue.watched_from.get(form), moment) for form, moment in rows}


def _generate(
    connection: psycopg.Connection, catalogue: Catalogue, watches: Mapping[str, Watch], before: Look, this: Look
) -> tuple[int, int]:
    """Lay down the cells up to the end of the next period, and whole months that packages have begun to speak of; how
    many, and of how many of them something has come already.

    A form's first cells begin with its watch; a duty that the regulation has got since, with what is not due yet.
    """
    owed, today = _owed(catalogue), this.at.astimezone(LOCAL).date()
    spoken_of = _months_spoken_of(connection, before, this)
    for form, period in owed.kinds:
        watch = watches.get(form)
        if watch is None:
            continue
        horizon = deadlines.following(period, today)[1]
        newest = connection.execute(
            "select period_to from quality.calendar where form = %s and period = %s order by period_from desc limit 1",
            [form, period],
        ).fetchone()
        if newest:
            start: date | None = deadlines.following(period, newest[0])[0]
        else:
            known = watch.first_received_at is None or watch.first_received_at > before.at
            start = owed.starts(form, period, watch, None if known or not before.number else this.at)
        if start:
            owed.add(form, period, deadlines.periods(period, start, horizon), watch, whole=False)
        for month in spoken_of.get(form, ()):
            spans = [span for span in deadlines.periods_of_month(period, month) if span[1] <= horizon]
            if spans and not _is_laid_down(connection, form, period, spans[0][0]):
                owed.add(form, period, spans, watch)
    laid = connection.execute(
        STEPS["lay"].format(due=STEPS["due"], answers=STEPS["answers"]), {**owed.parameters, **_known(this)}
    ).fetchone()
    return laid or (0, 0)


def _months_spoken_of(connection: psycopg.Connection, before: Look, this: Look) -> dict[str, list[date]]:
    """The months of the packages that came since the look before and were not refused, by form."""
    rows = connection.execute(
        "select distinct submission.form, date_trunc('month', submission.period_to::timestamp)::date "
        "from ledger.events as event join ledger.submissions as submission on submission.seq = event.submission_seq "
        "join ledger.progress as progress on progress.submission_seq = submission.seq "
        "where event.seq > %s and event.seq <= %s and progress.state <> 'refused' order by 1, 2",
        [before.up_to_seq, this.up_to_seq],
    )
    found: dict[str, list[date]] = defaultdict(list)
    for form, month in rows.fetchall():
        found[form].append(month)
    return found


def _is_laid_down(connection: psycopg.Connection, form: str, period: str, first: date) -> bool:
    found = connection.execute(
        "select 1 from quality.calendar where form = %s and period = %s and period_from = %s limit 1",
        [form, period, first],
    )
    return found.fetchone() is not None


def _revise(
    connection: psycopg.Connection, catalogue: Catalogue, watches: Mapping[str, Watch], before: Look, this: Look
) -> dict[str, int]:
    """Let the cells that are not due yet follow a changed catalogue; change -> cells, each noted."""
    if not before.number or before.catalogue_version == catalogue.version:
        return {}
    windows = connection.execute(
        "select form, period, min(period_from), max(period_to) from quality.calendar where deadline_at > %s "
        "group by form, period",
        [this.at],
    ).fetchall()
    if not windows:
        return {}
    owed = _owed(catalogue)
    for form, period, first, last_day in windows:
        if form in watches:
            spans = deadlines.periods(period, deadlines.period_of(period, first)[1], last_day)
            owed.add(form, period, spans, watches[form])
    given = {
        **owed.parameters,
        **_known(this),
        "forms": [form for form, *_ in windows],
        "periods": [period for _, period, *_ in windows],
        "first": min(first for *_, first, _ in windows),
    }
    changed = connection.execute(STEPS["revise"].format(due=STEPS["due"]), given).fetchall()
    return dict(Counter(change for (change,) in changed))


# What came of it


def _answer(connection: psycopg.Connection, before: Look, this: Look) -> int:
    """Say anew what came of the cells that something happened to; how many of them changed."""
    return connection.execute(
        STEPS["update"].format(answers=STEPS["answers"]),
        {**_known(this), "since": before.up_to_seq, "up_to": this.up_to_seq},
    ).rowcount


def _measure_lateness(connection: psycopg.Connection, catalogue: Catalogue, this: Look) -> None:
    """Say how late the cells are that this look found late."""
    late = connection.execute(
        "select cell_id, deadline_at, first_received_at, working_days from quality.calendar "
        "where changed_in = %s and state = 'late'",
        [this.number],
    ).fetchall()
    holidays = Holidays(catalogue.code_lists.get("public_holiday", ()))
    hours = [
        deadlines.hours_late(due_at, arrived, working_days=working_days, holidays=holidays)
        for _, due_at, arrived, working_days in late
    ]
    connection.execute(
        "update quality.calendar set hours_late = late.hours "
        "from unnest(%s::bigint[], %s::numeric[]) as late (cell_id, hours) where calendar.cell_id = late.cell_id",
        [[cell_id for cell_id, *_ in late], hours],
    )


def _known(this: Look) -> dict[str, Any]:
    return {"look": this.number, "now": this.at, "catalogue_version": this.catalogue_version}
