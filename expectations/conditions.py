"""A form's rules as SQL conditions over one row of ``checked.<form>``: the one text everybody judges by.

The same string means the same to PostgreSQL, to Great Expectations, to the quarantine statement and, for the
field rules, to polars on a subject's own machine. A condition states what must hold; null passes, as in CHECK.
Keep out running them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ingestion.contract import RECEIVED, REGISTERED, Catalogue, Code, Field, Form, Rule

READ_WHILE_TYPING = ("GEN-102", "GEN-103", "GEN-104", "GEN-105", "GEN-202", "GEN-303")
OPEN_ENDED_PRECISION = ("approximate", "default")  # GEN-302 does not test valid_from there
ARTICLE_LISTS = ("criminal_article", "administrative_article")


@dataclass(frozen=True)
class Condition:
    """One condition: a rule about a field (the first of its fields, unless the rule is one of each field).

    ``holds`` is SQL without a table prefix. ``silent_on`` are the fields whose unread cells (GEN-102) keep the
    rule silent about that record.
    """

    rule: Rule
    field: str
    holds: str
    silent_on: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """``holds``, silent where one of its cells could not be read."""
        if not self.silent_on:
            return self.holds
        unread = ", ".join(f"'GEN-102:{name}'" for name in self.silent_on)
        return f"(flags is not null and flags && array[{unread}]) or ({self.holds})"

    @property
    def is_flag(self) -> bool:
        """Whether the rule was judged while reading and the condition only reads its flag."""
        return self.rule.code in READ_WHILE_TYPING or 500 <= self.rule.number < 600

    @property
    def key(self) -> tuple[str, str]:
        return self.rule.code, self.field


def conditions(form: Form, catalogue: Catalogue, day: date, since: date | None = None) -> list[Condition]:
    """Every row and package rule of a form (1xx to 5xx) for records received on ``day``, or from ``since`` to it,
    expanded to its fields. A version of a rule that only some of these records meet says so in its condition."""
    return [
        while_in_force(condition, form, day, since or day)
        for rule in catalogue.rules_of(form, day, since)
        for condition in _of_rule(rule, form, catalogue)
    ]


def while_in_force(condition: Condition, form: Form, day: date, since: date) -> Condition:
    """The condition, let pass where the date that decides lies outside the validity of its rule; a record without
    that date passes too, since a missing one is another rule's business."""
    rule, outside = condition.rule, []
    own_date = rule.in_force_by != RECEIVED
    name = form.registered_date_field if rule.in_force_by == REGISTERED else rule.in_force_by
    is_timestamp = own_date and form.column(name).type == "timestamp"
    column = name if own_date else "received_on"
    if own_date or rule.valid_from > since:
        outside.append(f"{column} < {_start(rule.valid_from, is_timestamp=is_timestamp)}")
    if rule.valid_to and (own_date or rule.valid_to < day):
        outside.append(f"{column} >= {_start(rule.valid_to + timedelta(days=1), is_timestamp=is_timestamp)}")
    return replace(condition, holds=" or ".join([*outside, f"({condition.holds})"])) if outside else condition


def _of_rule(rule: Rule, form: Form, catalogue: Catalogue) -> Iterable[Condition]:
    if rule.code.startswith("PKG") or rule.code == "GEN-101" or rule.number >= 600 or rule.is_watched:
        return ()
    if rule.holds:
        return [_stated(rule, form)]
    if rule.code in READ_WHILE_TYPING:
        return [_flagged(rule, field.name) for field in form.columns if _may_be_flagged(rule, field)]
    if rule.number >= 500:
        return [_flagged(rule, rule.fields[0])]
    return field_conditions(rule, form, catalogue)


def _stated(rule: Rule, form: Form) -> Condition:
    assert rule.holds is not None
    typed = tuple(name for name in rule.fields if not form.column(name).is_text)
    return Condition(rule, rule.fields[0], rule.holds, typed)


def _flagged(rule: Rule, field: str) -> Condition:
    return Condition(rule, field, f"flags is null or not flags @> array['{rule.code}:{field}']")


def _may_be_flagged(rule: Rule, field: Field) -> bool:
    match rule.code:
        case "GEN-102":
            return not field.is_text
        case "GEN-105" | "GEN-303":
            return field.pattern is not None
        case "GEN-202":
            return field.is_text and field.name not in rule.parameters["exempt_fields"]
        case _:
            return True


def field_conditions(rule: Rule, form: Form, catalogue: Catalogue) -> Iterator[Condition]:
    """GEN-201, 203, 301, 302, 304, 401, 402, 403, read off the fields; needs no lookup and no database."""
    for field in form.fields:
        for holds in _field_holds(rule, field, form, catalogue):
            # Only "is not null" can be false for an unread (null) cell; every comparison with it passes.
            silent_on = (field.name,) if rule.code == "GEN-201" and not field.is_text else ()
            yield Condition(rule, field.name, _in_versions(field, holds), silent_on)


def _field_holds(rule: Rule, field: Field, form: Form, catalogue: Catalogue) -> Iterator[str]:
    name, registered = field.name, form.registered_date_field
    match rule.code:
        case "GEN-201" if field.required == "yes":
            yield f"{name} is not null"
        case "GEN-203" if name == "correction_reason":
            yield "(action <> 'I') = (correction_reason is not null)"
        case "GEN-301" if field.code_list:
            yield f"{name} in ({_literals(catalogue.code_lists[field.code_list])})"
        case "GEN-302" if field.code_list and field.code_list not in ARTICLE_LISTS and name != _own_territory(form):
            yield from _valid_codes(name, form.column(registered), catalogue.code_lists[field.code_list])
        case "GEN-304" if field.minimum or field.maximum:
            yield " and ".join(
                f"{name} {sign} {_literal(bound, field)}"
                for sign, bound in ((">=", field.minimum), ("<=", field.maximum))
                if bound
            )
        case "GEN-401" if field.is_temporal and name not in rule.parameters["exempt"]:
            yield f"{name} <= received_at_local" if field.type == "timestamp" else f"{name} <= received_at_local::date"
        case "GEN-402" if name == registered:
            yield f"action <> 'I' or {name}::date <= period_to"
        case "GEN-403" if name == registered:
            yield f"action <> 'I' or {name}::date >= period_from"


def _own_territory(form: Form) -> str | None:
    """The place field of a form that has its own rule for it (CRO-303, ADO-302)."""
    own = any(rule.parameters.get("classifier") == "district" for rule in form.rules)
    return form.place_field if own else None


def _valid_codes(name: str, registered: Field, codes: tuple[Code, ...]) -> Iterator[str]:
    """One term for each pair of validity bounds that some code of the list has; nothing for codes without any."""
    outside: dict[str, list[str]] = defaultdict(list)
    is_timestamp = registered.type == "timestamp"
    for code in codes:
        bounds = []
        if code.precision not in OPEN_ENDED_PRECISION:
            bounds.append(f"{registered.name} >= {_start(code.valid_from, is_timestamp=is_timestamp)}")
        if code.valid_to:
            after = code.valid_to + timedelta(days=1)
            bounds.append(f"{registered.name} < {_start(after, is_timestamp=is_timestamp)}")
        if bounds:
            outside[" and ".join(bounds)].append(code.code)
    whole = len({code.code for code in codes})
    terms = [
        f"({name} is null or {bounds})"
        if len(members) == whole
        else f"({name} not in ({_quoted(members)}) or {bounds})"
        for bounds, members in outside.items()
    ]
    if terms:
        yield " and ".join(terms)


def _start(day: date, *, is_timestamp: bool) -> str:
    """The beginning of a day in the column's own type: a cast of the column would cost every record."""
    return f"timestamp '{day} 00:00:00'" if is_timestamp else f"date '{day}'"


def _literals(codes: tuple[Code, ...]) -> str:
    return _quoted(list(dict.fromkeys(code.code for code in codes)))


def _quoted(values: list[str]) -> str:
    return ", ".join("'{}'".format(value.replace("'", "''")) for value in values)


def _literal(bound: str, field: Field) -> str:
    return f"date '{bound}'" if field.type == "date" else bound


def _in_versions(field: Field, holds: str) -> str:
    if not field.versions:
        return holds
    return f"form_version not in ({_quoted(list(field.versions))}) or ({holds})"
