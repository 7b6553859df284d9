"""Sins that follow from a field alone (GEN): a value made to break one rule about one field, and one beside it."""

from datetime import date, timedelta
from decimal import Decimal

from expectations.conditions import OPEN_ENDED_PRECISION, Condition
from ingestion.contract import Catalogue, Field, Form
from tests.packages import DAY, NOW, Values, period, record

BEFORE_ALL = date(2015, 1, 1)
TEXTS = {
    "GEN-102": ["unread"],
    "GEN-103": ["a\u200bb"],
    "GEN-104": ["a ", " a"],
    "GEN-105": ["А"],
    "GEN-201": [""],
    "GEN-202": ["n/a", "жоқ"],
    "GEN-301": ["no_such"],
    "GEN-303": ["~"],
}
"""What breaks these rules in whatever field they are about."""


def sin_of(condition: Condition, form: Form, catalogue: Catalogue) -> tuple[list[Values], list[Values]]:
    """Changes of valid records that break the condition, and changes that just pass it (none: a valid record)."""
    code, name = condition.rule.code, condition.field
    if code in TEXTS:
        return [{name: text} for text in TEXTS[code]], []
    field, first_and_last = form.column(name), period(form.name)
    match code:
        case "GEN-203":
            unexplained = [{"action": action, name: ""} for action in "MD"]
            return [*unexplained, {name: "error_fixed"}], [{"action": action} for action in "MD"]
        case "GEN-302":
            return _outside(field, form, catalogue)
        case "GEN-304":
            return _beyond(field)
        case "GEN-401" if field.type == "timestamp":
            return [{name: (NOW + timedelta(seconds=1)).strftime("%FT%T")}], [{name: NOW.strftime("%FT%T")}]
        case "GEN-401":
            return [{name: str(DAY + timedelta(days=1))}], [{name: str(DAY)}]
        case "GEN-402":
            return [{name: _on(field, first_and_last[1] + timedelta(days=1))}], [{name: _on(field, first_and_last[1])}]
        case "GEN-403":
            return [{name: _on(field, first_and_last[0] - timedelta(days=1))}], [{name: _on(field, first_and_last[0])}]
        case "GEN-501":
            return [_key(form, 8001), _key(form, 8001)], [_key(form, 8002), _key(form, 8003)]
        case "GEN-502":
            return [record(form.name, 8004) | _key(form, n) for n in (8005, 8006)], []
    raise LookupError(f"no sin is known against {code}")


def _key(form: Form, number: int) -> Values:
    return {name: value for name, value in record(form.name, number).items() if name in form.natural_key}


def _on(field: Field, day: date) -> str:
    return f"{day}T00:00:00" if field.type == "timestamp" else str(day)


def _outside(field: Field, form: Form, catalogue: Catalogue) -> tuple[list[Values], list[Values]]:
    """A code the day before it begins, and the day after it has ended."""
    sins, beside = [], []
    for code in catalogue.code_lists[field.code_list or ""]:
        bounds = []
        if code.valid_from > BEFORE_ALL and code.precision not in OPEN_ENDED_PRECISION:
            bounds.append((code.valid_from - timedelta(days=1), code.valid_from))
        if code.valid_to:
            bounds.append((code.valid_to + timedelta(days=1), code.valid_to))
        for out, within in bounds[: 2 - len(sins)]:
            registered = form.column(form.registered_date_field)
            sins.append({field.name: code.code, registered.name: _on(registered, out)})
            beside.append({field.name: code.code, registered.name: _on(registered, within)})
    if not sins:  # all codes of the list begin on one day
        registered = form.column(form.registered_date_field)
        sins = [{field.name: code.code, registered.name: _on(registered, BEFORE_ALL - timedelta(days=1))}]
    return sins, beside


def _beyond(field: Field) -> tuple[list[Values], list[Values]]:
    if field.type == "date":
        assert field.minimum
        bound = date.fromisoformat(field.minimum)
        return [{field.name: str(bound - timedelta(days=1))}], [{field.name: str(bound)}]
    step, sins, beside = Decimal(1).scaleb(-field.scale), [], []
    for bound, outward in ((field.minimum, -step), (field.maximum, step)):
        if bound:
            beside.append({field.name: bound})
            beyond = Decimal(bound) + outward
            # An integer has no sign: below 0 is a type (GEN-102), not a bound.
            sins += [] if field.type == "integer" and beyond < 0 else [{field.name: str(beyond)}]
    return sins, beside
