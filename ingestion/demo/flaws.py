"""How a record is spoilt: the vocabulary of flaws.

The flaws of each form are in ``flaws_<sphere>``; a flaw names the rules that the record then breaks by itself. What it
breaks among other records follows from all of them, and is found by ``links``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ingestion.demo.model import Values
from ingestion.demo.world import World, check_digit

Change = Callable[[World, Values], None]
Test = Callable[[Values], bool]


@dataclass(frozen=True)
class Flaw:
    """A way to spoil a record of one form: ``change`` alters its values, ``breaks`` are ``RULE`` or
    ``RULE:field``."""

    form: str
    defect: str
    breaks: tuple[str, ...]
    change: Change
    applies: Test = lambda _: True


def put(**changes: str) -> Change:
    """Set fields to these values."""

    def change(_: World, values: Values) -> None:
        values.update(changes)

    return change


def append(name: str, suffix: str) -> Change:
    """Add to the end of a value."""

    def change(_: World, values: Values) -> None:
        values[name] += suffix

    return change


def has(name: str, *allowed: str) -> Test:
    """The field has one of these values."""
    return lambda values: values[name] in allowed


def filled(*names: str) -> Test:
    """All these fields are filled."""
    return lambda values: all(values[name] for name in names)


def moved(name: str, days: int, to: str) -> Change:
    """Set date ``to`` to date (or timestamp) ``name`` plus ``days``."""

    def change(_: World, values: Values) -> None:
        values[to] = (date.fromisoformat(values[name][:10]) + timedelta(days=days)).isoformat()

    return change


def later_time(name: str, minutes: int, to: str) -> Change:
    """Set timestamp ``to`` to timestamp ``name`` plus ``minutes``."""

    def change(_: World, values: Values) -> None:
        values[to] = (datetime.fromisoformat(values[name]) + timedelta(minutes=minutes)).isoformat()

    return change


def lookalike(name: str) -> Change:
    """Replace the last zero by the Cyrillic letter that looks like it, else the first letter M or S."""

    def change(_: World, values: Values) -> None:
        head, found, tail = values[name].rpartition("0")
        values[name] = f"{head}О{tail}" if found else values[name].translate({ord("M"): "М", ord("C"): "С"})

    return change


def short(name: str, position: int = 10) -> Change:
    """Leave one character out."""

    def change(_: World, values: Values) -> None:
        values[name] = values[name][:position] + values[name][position + 1 :]

    return change


def times(name: str, share: str) -> Change:
    """Multiply an amount."""

    def change(_: World, values: Values) -> None:
        values[name] = f"{Decimal(values[name]) * Decimal(share):.2f}"

    return change


def raised(name: str, by: str, to: str) -> Change:
    """Set amount ``to`` to amount ``name`` plus so much."""

    def change(_: World, values: Values) -> None:
        values[to] = f"{Decimal(values[name]) + Decimal(by):.2f}"

    return change


def counted_on(name: str, by: int) -> Change:
    """Add to a whole number."""

    def change(_: World, values: Values) -> None:
        values[name] = str(int(values[name]) + by)

    return change


def replaced(name: str, start: int, text: str) -> Change:
    """Write over the characters of a value from ``start``."""

    def change(_: World, values: Values) -> None:
        values[name] = values[name][:start] + text + values[name][start + len(text) :]

    return change


def unknown(name: str) -> Change:
    """Make a number one that nothing bears: its last six digits begin with 9 and end as they did."""

    def change(_: World, values: Values) -> None:
        head, slash, tail = values[name].rpartition("/")
        values[name] = f"{head}/9{int(tail):05d}" if slash else f"{values[name][:-6]}9{values[name][-5:]}"

    return change


def flipped(name: str) -> Change:
    """Turn a boolean round."""

    def change(_: World, values: Values) -> None:
        values[name] = "false" if values[name] == "true" else "true"

    return change


def both(*changes: Change) -> Change:
    """One change after another."""

    def change(world: World, values: Values) -> None:
        for one in changes:
            one(world, values)

    return change


def every(*tests: Test) -> Test:
    """All these conditions hold."""
    return lambda values: all(test(values) for test in tests)


def no(*names: str) -> Test:
    """None of these fields is filled."""
    return lambda values: not any(values[name] for name in names)


def aged(name: str, youngest: int, oldest: int, **changes: str) -> Change:
    """Another person of an age on the date ``name``."""

    def change(world: World, values: Values) -> None:
        person = world.person(date.fromisoformat(values[name][:10]), youngest, oldest)
        values["iin"], values["birth_date"], values["sex"] = person
        values.update(changes)

    return change


def wrong_check_digit(name: str) -> Change:
    """Spoil the last digit of an identification number."""

    def change(world: World, values: Values) -> None:
        number = values[name]
        values[name] = f"{number[:11]}{(int(number[11]) + world.rng.randint(1, 9)) % 10}"

    return change


def renumbered(name: str, start: int, texts: str) -> Change:
    """Write one of ``texts`` over a character of an identification number, with the check digit that then fits."""

    def change(_: World, values: Values) -> None:
        for text in texts:
            number = values[name][:start] + text + values[name][start + 1 : 11]
            digit = check_digit(number)
            if digit is not None:
                values[name] = f"{number}{digit}"
                return

    return change


def another_organisation(world: World, values: Values) -> None:
    """State a BIN where none belongs."""
    values["bin"] = world.organisation()


def another_sex(_: World, values: Values) -> None:
    """State the sex that the number does not."""
    values["sex"] = "2" if values["sex"] == "1" else "1"


Entry = tuple[str, str, Change] | tuple[str, str, Change, Test]


def of(form: str, *entries: Entry) -> list[Flaw]:
    """Flaws of a form from (defect, rules, change, condition); rules are ``RULE`` or ``RULE:field``, the one the defect
    is meant for first."""
    return [Flaw(form, defect, tuple(breaks.split()), *rest) for defect, breaks, *rest in entries]
