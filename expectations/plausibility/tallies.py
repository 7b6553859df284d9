"""Counts of live records by subject and month, brought up to what was judged since they were brought up last.

Here belongs what is counted (``counts/<tally>.sql``) and how a night's changes are found: a record adds to a tally when
it begins to count and is taken away when it is replaced, annulled or quarantined, so the cost follows what arrived and
the tallies are a function of the records alone. Keep out what a rule makes of the tallies (``statistics``).

``raw.standings`` remembers how each version of a key stood that was ever corrected, quarantined or sent twice; any
other record counts from the judgement of its submission on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from expectations.reconciliation.cells import BETWEEN_RECORDS, OWN_RULES
from ingestion.contract import Catalogue, Form

HERE = Path(__file__).parent
COUNTS = {path.stem: path.read_text(encoding="utf-8") for path in (HERE / "counts").glob("*.sql")}
STEPS = {path.stem: path.read_text(encoding="utf-8") for path in HERE.glob("*.sql")}
BUCKETS = 64
"""Of points: a bucket of honest points holds 1.6 %, far below a point that stands out (SER-807, 5 %)."""

USES: Mapping[str, tuple[str, ...]] = {
    "SER-801": ("records",),
    "SER-802": ("records",),
    "SER-803": ("days",),
    "SER-806": ("codes",),
    "SER-807": ("points",),
    "SER-808": ("retractions",),
    "SER-809": ("records", "outcomes", "decided"),
    "SER-810": ("articles",),
    "SER-812": ("devices",),
    "SER-814": ("outcomes",),
}
"""Which tallies a rule reads; ``devices`` is a table of its own, ``quality.device_days``."""

STANDS = (
    "not exists (select from quality.violations as violation "
    "where violation.submission_seq = record.submission_seq and violation.line = record.line "
    f"and violation.severity = 'error' and ({OWN_RULES} or {BETWEEN_RECORDS}))"
)
"""SQL: no error keeps the record out of figures, as for the reconciliation of reports."""


@dataclass(frozen=True)
class Settings:
    """The rules in force, each with its parameters, and the values that SQL takes from them."""

    rules: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, Any]]

    @property
    def values(self) -> dict[str, Any]:
        """``ser_801_k`` and the like; a parameter that is a number."""
        return {
            f"{code.lower().replace('-', '_')}_{name}": value
            for code, given in self.parameters.items()
            for name, value in given.items()
            if isinstance(value, int | float)
        }


def settings(catalogue: Catalogue, day: date) -> Settings:
    """The rules of series in force on a day."""
    known = {code: catalogue.rule(code, day) for code in USES if code in catalogue.versions}
    return Settings(
        tuple(code for code, rule in known.items() if rule.in_force(day)),
        {code: rule.parameters for code, rule in known.items()},
    )


def bring_up(connection: psycopg.Connection, catalogue: Catalogue, chosen: Settings, since: int) -> list[str]:
    """Add what was judged after the ledger event ``since``; leaves the changes in the temporary table ``fresh``.

    Returns the forms to which something happened. In the transaction of the caller.
    """
    connection.execute("set local jit = off")
    connection.execute("set local work_mem = '64MB'")  # counts of a night are sorted and hashed in memory
    connection.execute(
        "create temporary table fresh (tally text, form text, subject text, month date, code text, n bigint) "
        "on commit drop"
    )
    changed = []
    for form in catalogue.forms.values():
        wanted = _tallies_of(catalogue, form, chosen)
        if wanted and _changes(connection, form, since):
            _count(connection, form, wanted, chosen, coded_fields(catalogue, form, chosen))
            connection.execute("drop table happened, touched, standing, changed")
            changed.append(form.name)
    connection.execute("analyze fresh")
    connection.execute(STEPS["merge"])
    return changed


def coded_fields(catalogue: Catalogue, form: Form, chosen: Settings) -> list[str]:
    """The fields of a form whose code list has a code that says nothing (SER-806)."""
    given = chosen.parameters["SER-806"]
    vague = set(given["codes"])
    return [
        field.name
        for field in form.columns
        if field.code_list
        and field.name not in given.get("exempt_fields", ())
        and vague & {code.code for code in catalogue.code_lists[field.code_list]}
    ]


def by_hand(form: Form) -> str:
    """SQL: the point was entered by a person, not by a recording device that stands where it stands."""
    return "device_no is null" if "device_no" in form.field_names else "true"


def _tallies_of(catalogue: Catalogue, form: Form, chosen: Settings) -> list[str]:
    concerning = {rule.code for rule in catalogue.rules_of(form)} & set(chosen.rules)
    wanted = sorted({tally for code in concerning for tally in USES[code]})
    return [tally for tally in wanted if _has(catalogue, form, tally, chosen)]


def _has(catalogue: Catalogue, form: Form, tally: str, chosen: Settings) -> bool:
    """Whether the form has what a tally counts; SER-809 is about headline figures, which a few forms have."""
    names = set(form.field_names)
    match tally:
        case "codes":
            return bool(coded_fields(catalogue, form, chosen))
        case "outcomes":
            return "decision_type" in names
        case "decided":
            return {"decision_date", "received_date"} <= names
        case _:
            return True


def _changes(connection: psycopg.Connection, form: Form, since: int) -> bool:
    """Lay the records of a form whose standing changed into the table ``changed``; False when nothing happened. Those
    of a withdrawn package count as they did until it was withdrawn, and then no longer."""
    connection.execute(
        """
        create temporary table happened on commit drop as
        select sent.seq as submission_seq, sent.received_on, sent.subject, sent.period_to,
            coalesce(progress.judged_seq > %(since)s, false) as is_new, progress.judged_seq is null as is_withdrawn
        from (select distinct submission_seq from ledger.events where seq > %(since)s) as event
        join ledger.progress as progress on progress.submission_seq = event.submission_seq
        join ledger.submissions as sent on sent.seq = event.submission_seq
        where sent.form = %(form)s and (progress.judged_seq is not null or (progress.withdrawn_seq > %(since)s
            and exists (select from ledger.events as judged where judged.submission_seq = sent.seq
                and judged.kind = 'judged' and judged.seq <= %(since)s)))
        """,
        {"form": form.name, "since": since},
    )
    bounds = connection.execute(
        "select min(received_on), max(received_on), min(received_on) filter (where is_new), "
        "max(received_on) filter (where is_new), min(submission_seq) filter (where is_new), "
        "max(submission_seq) filter (where is_new) from happened"
    ).fetchone()
    if not bounds or bounds[0] is None:
        connection.execute("drop table happened")
        return False
    connection.execute("analyze happened")
    first, last, first_new, last_new, least, most = bounds
    arrived = (
        f"record.received_on between '{first_new}' and '{last_new}' "
        f"and record.submission_seq between {least} and {most}"
    )
    _run(
        connection,
        STEPS["changes"],
        {"since": since},
        form=form.name,
        arrived=arrived if least is not None else "false",
        within=f"record.received_on between '{first}' and '{last}'",
        severity="record.severity" if "severity" in form.field_names else "null::text",
        stands=STANDS,
    )
    return True


def _count(
    connection: psycopg.Connection, form: Form, wanted: Iterable[str], chosen: Settings, fields: Iterable[str]
) -> None:
    """What ``changed`` adds to each tally, laid into ``fresh``."""
    for tally in wanted:
        if tally == "devices":
            _run(connection, STEPS["devices"], {}, form=form.name)
            continue
        text = COUNTS[tally].format(
            registered=form.registered_date_field,
            event=form.event_date_field,
            coded=", ".join(f"('{name}', changed.{name})" for name in fields),
            by_hand=by_hand(form),
        )
        connection.execute(
            "insert into fresh select %(tally)s, %(form)s, counted.* from ("
            f"{text}) as counted where counted.n <> 0 and counted.month is not null",
            {
                "tally": tally,
                "form": form.name,
                "buckets": BUCKETS,
                "vague_codes": list(chosen.parameters["SER-806"]["codes"]),
            },
        )


def _run(connection: psycopg.Connection, text: str, values: Mapping[str, Any], **parts: str) -> None:
    for statement in text.format(**parts).split(";\n\n"):
        connection.execute(statement, values)
