"""What a draft regulation would have changed: cells owed, their deadlines and states, compared with those in force.

Here belongs the comparison, in one read-only transaction. Cells and states are evaluated by ``calendar``; drafts are
read by ``expectations.draft``. See ``docs/decisions/0017-a-draft-is-tried-over-history.md``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from expectations.completeness import calendar
from expectations.completeness.deadlines import Holidays
from ingestion.contract import Catalogue, Duty

Key = tuple[str, str, str, date, date]
"""A cell: subject, form, report code (empty without one), and period."""


@dataclass(frozen=True)
class CellsOutcome:
    """Cells of a form and report that are the same under the draft, or not: ``state_now`` and ``state_draft`` are those
    of the calendar, None where nothing is owed; ``deadline_moved`` of them are due at another moment."""

    form: str
    report_code: str | None
    state_now: str | None
    state_draft: str | None
    cells: int
    subjects: int
    deadline_moved: int


@dataclass(frozen=True)
class SubjectCells:
    """What the draft would have changed for one subject: cells owed now and under the draft, and those late or without
    an answer, now and under the draft."""

    subject: str
    owed_now: int
    owed_draft: int
    late_now: int
    late_draft: int
    gaps_now: int
    gaps_draft: int


@dataclass(frozen=True)
class RegulationOutcome:
    """What a draft would have changed about the periods that ended from ``first`` to ``last``, as of ``at``."""

    catalogue: str
    draft: str
    first: date
    last: date
    at: datetime
    cells: tuple[CellsOutcome, ...]
    subjects: tuple[SubjectCells, ...]


def try_out(
    connection: psycopg.Connection, catalogue: Catalogue, draft: Catalogue, first: date, last: date, now: datetime
) -> RegulationOutcome:
    """Try a draft's regulation and holidays on the periods that end from ``first`` to ``last``; writes nothing.

    Only forms and reports whose duties differ are evaluated, all of them where the holidays differ. Needs an
    autocommit connection.
    """
    same_holidays = catalogue.code_lists.get("public_holiday") == draft.code_lists.get("public_holiday")
    differing = set(catalogue.duties) ^ set(draft.duties)
    kinds = {(d.form, d.report_code) for d in ((*catalogue.duties, *draft.duties) if not same_holidays else differing)}
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        now_owed, will_be = (
            _cells(connection, c, [d for d in c.duties if (d.form, d.report_code) in kinds], first, last, now)
            for c in (catalogue, draft)
        )
    return RegulationOutcome(
        catalogue.version,
        draft.version,
        first,
        last,
        now,
        tuple(_by_form(now_owed, will_be)),
        tuple(_by_subject(now_owed, will_be)),
    )


def _cells(
    connection: psycopg.Connection, catalogue: Catalogue, duties: Sequence[Duty], first: date, last: date, now: datetime
) -> dict[Key, calendar.Cell]:
    holidays = Holidays(catalogue.code_lists.get("public_holiday", ()))
    cells = calendar.evaluate(connection, duties, catalogue.subjects.values(), holidays, first, last, now)
    return {(c.subject, c.form, c.report_code or "", c.period_from, c.period_to): c for c in cells}


def _by_form(now: dict[Key, calendar.Cell], draft: dict[Key, calendar.Cell]) -> Iterator[CellsOutcome]:
    found: dict[tuple[Any, ...], list[Key]] = defaultdict(list)
    for key in now.keys() | draft.keys():
        states = tuple(cells[key].state if key in cells else None for cells in (now, draft))
        found[key[1], key[2], *states].append(key)
    for (form, report, before, after), keys in sorted(found.items(), key=lambda item: tuple(map(str, item[0]))):
        moved = sum(k in now and k in draft and now[k].deadline_at != draft[k].deadline_at for k in keys)
        if before != after or moved:
            yield CellsOutcome(form, report or None, before, after, len(keys), len({k[0] for k in keys}), moved)


def _by_subject(now: dict[Key, calendar.Cell], draft: dict[Key, calendar.Cell]) -> Iterator[SubjectCells]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, cells in (("now", now), ("draft", draft)):
        for key, cell in cells.items():
            of_subject = counts[key[0]]
            of_subject[f"owed_{name}"] += 1
            of_subject[f"late_{name}"] += cell.state == "late"
            of_subject[f"gaps_{name}"] += cell.state in calendar.GAPS
    for subject, of_subject in sorted(counts.items()):
        outcome = SubjectCells(
            subject,
            *(of_subject[f"{what}_{name}"] for what in ("owed", "late", "gaps") for name in ("now", "draft")),
        )
        if any(of_subject[f"{what}_now"] != of_subject[f"{what}_draft"] for what in ("owed", "late", "gaps")):
            yield outcome
