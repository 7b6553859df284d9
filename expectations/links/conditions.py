"""Rules between forms as SQL conditions over one row of ``linked.sql``: pure functions from the catalogue.

A rule states what must hold of a record and of what others say; ``parameters`` are put into the text. Time is no part
of it: a rule may begin to count some days after a date (``counted_from``), and a warning may become an error
(``escalate_to``). Here belongs what a rule means on a given day. Keep out running it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from expectations.conditions import Condition, while_in_force
from ingestion.contract import Catalogue, Form, Rule

ANNULS = "D"
NEVER = "null::date"


@dataclass(frozen=True)
class Link(Condition):
    """A condition between forms. ``fulfilled`` is what must hold without its time, ``holds`` what must hold today.

    ``begins`` and ``escalates`` are SQL: the day from which it is a violation, and on which the warning becomes an
    error. ``owed_by`` is SQL too: the body that owes what is missing; null for a rule by which nothing is missing.
    """

    severity: str = "error"
    fulfilled: str = "true"
    begins: str = NEVER
    escalates: str = NEVER
    owed_by: str = "null::text"

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything of it that names columns."""
        return self.holds, self.fulfilled, self.begins, self.escalates, self.owed_by


def links(form: Form, catalogue: Catalogue, first_day: date, last_day: date, today: date) -> list[Link]:
    """The rules between forms for records of a form received between two days, as they stand ``today``."""
    return [
        _today(link, form, first_day, last_day, today)
        for rule in catalogue.rules_of(form, last_day, first_day)
        if rule.is_link and (rule.parameters.get("action") != ANNULS or _is_parent(form, catalogue))
        for link in _expanded(rule, form)
    ]


def _is_parent(form: Form, catalogue: Catalogue) -> bool:
    return any(child.parent_form == form.name for child in catalogue.forms.values())


def _expanded(rule: Rule, form: Form) -> Iterator[Link]:
    """One condition; one a field, where the text names ``{field}``; and one more for each of ``parts``, which have a
    condition and, where they differ, a field, a severity and a time of their own."""
    assert rule.holds
    excepted = rule.parameters.get("not_for", {}).get(form.name, ())
    if "{place_field}" in rule.holds:
        if form.place_field:
            yield _link(rule, form, form.place_field, rule.holds, rule.parameters)
    elif "{field}" in rule.holds:
        for name in rule.parameters["fields"]:
            if name in form.field_names and name not in excepted:
                yield _link(rule, form, name, rule.holds, rule.parameters)
    else:
        yield _link(rule, form, rule.parameters.get("field", rule.fields[0]), rule.holds, rule.parameters)
    for part in rule.parameters.get("parts", ()):
        parameters = {**rule.parameters, **part}
        yield _link(rule, form, part.get("field", rule.fields[0]), part["holds"], parameters)


def _link(rule: Rule, form: Form, field: str, holds: str, parameters: Mapping[str, Any]) -> Link:
    text = holds.format_map(
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in parameters.items()}
        | {"field": field, "place_field": form.place_field}
    )
    action = "action <> 'D'" if rule.parameters.get("action") == ANNULS else "action = 'D'"
    days = parameters.get("after_days")
    begins = escalates = NEVER
    if days is not None and "escalate_to" in parameters:
        escalates = f"received_on + {days + 1}"
    elif days is not None:
        begins = f"({parameters['counted_from']})::date + {days + 1}"
    owing = parameters.get("owed_by_column")
    owed_by = "null::text" if days is None else f"coalesce({owing}, subject)" if owing else "subject"
    severity = parameters.get("severity", rule.severity)
    return Link(rule, field, f"{action} or ({text})", (), severity, "", begins, escalates, owed_by)


def _today(link: Link, form: Form, first_day: date, last_day: date, today: date) -> Link:
    fulfilled = while_in_force(link, form, last_day, first_day).holds
    holds = fulfilled
    if link.begins != NEVER:
        fulfilled = f"{link.begins} is null or ({fulfilled})"
        holds = f"{link.begins} > date '{today}' or ({fulfilled})"
    return Link(link.rule, link.field, holds, (), link.severity, fulfilled, link.begins, link.escalates, link.owed_by)
