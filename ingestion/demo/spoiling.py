"""Puts defects on records, in known shares."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from ingestion.demo.corrections import corrected
from ingestion.demo.flaws import CORRECTABLE, FLAWS, Flaw
from ingestion.demo.model import Package, Record, Values
from ingestion.demo.plan import Plan

DEFECT_SCALE = 0.8
EXTRA_DEFECT_SHARES = {
    "late_registration": 0.004,
    "unreadable_type": 0.002,
    "trailing_space": 0.001,
    "lookalike": 0.001,
    "placeholder": 0.001,
    "damage_order": 0.004,
    "court_missing": 0.002,
    "award_order": 0.002,
    "speed_part": 0.002,
    "second_new": 0.001,
    "orphan_correction": 0.0005,
    "foreign_correction": 0.0003,
}
"""Defects that ``volumes.csv`` gives no share for."""


CORRECTED_SHARE = 0.15
"""Share of quarantined records that the subject corrects later."""


def spoil(plan: Plan) -> None:
    """Put defects on records, at most one each, in the shares of ``volumes.csv``, at least one of each kind
    a form."""
    world = plan.world
    shares = {name: share * DEFECT_SCALE for name, share in world.shares("all", "defect_share").items()}
    shares |= EXTRA_DEFECT_SHARES
    flaws: dict[tuple[str, str], list[Flaw]] = defaultdict(list)
    for flaw in FLAWS:
        flaws[flaw.form, flaw.defect].append(flaw)
    for form in plan.records:
        free = [r for r in plan.records[form] if _is_free(r)]
        world.rng.shuffle(free)
        total = len(plan.records[form])
        for name, share in shares.items():
            number = max(1, round(share * total))
            if name in SPECIAL_DEFECTS:
                SPECIAL_DEFECTS[name](plan, free, number)
            elif flaws[form, name]:
                _apply(plan, free, flaws[form, name], number)


def _is_free(record: Record) -> bool:
    arrived = record.package.arrives is not None and record.package.sent <= record.package.arrives
    return arrived and record.is_single and record.defect is None and not record.broken


def _apply(plan: Plan, free: list[Record], flaws: Sequence[Flaw], number: int) -> None:
    world = plan.world
    for n in range(number):
        flaw = flaws[n % len(flaws)]
        record = _take(free, lambda r, flaw=flaw: flaw.applies(r.values))  # type: ignore[misc]
        if record is None:
            continue
        sound = dict(record.values)
        flaw.change(world, record.values)
        record.defect = flaw.defect
        record.broken = [_named(plan, rule) for rule in flaw.breaks]
        if flaw.defect in CORRECTABLE and world.chance(CORRECTED_SHARE):
            correction = plan.correct(
                Record(sound, record.package),
                "M",
                "error_fixed",
                {},
                record.package.period + timedelta(days=2),
            )
            if correction:
                record.is_single = False
                record.cleared_by = correction.package


def _take(free: list[Record], fits: Callable[[Record], bool]) -> Record | None:
    """Remove and return the last record that fits and is still free."""
    for index in range(len(free) - 1, -1, -1):
        if fits(free[index]) and _is_free(free[index]):
            return free.pop(index)
    return None


def _named(plan: Plan, rule: str) -> tuple[str, str]:
    """``RULE:field`` or ``RULE`` (then the first of the rule's fields) as a pair."""
    code, _, name = rule.partition(":")
    return code, name or plan.world.catalogue.rules[code].fields[0]


def _spoil_lines(plan: Plan, free: list[Record], number: int) -> None:
    """Lines no record can be made of; taken where no control total depends on them."""
    for n in range(number):
        record = _take(free, lambda r: not any(r.values[name] for name in r.package.form.control_total_fields))
        if record:
            record.defect, record.spoilt = "unparsable_line", ("quote", "long", "short")[n % 3]
            record.broken = [_named(plan, "GEN-101")]


def _duplicate(plan: Plan, free: list[Record], number: int) -> None:
    """The same record twice in a package: both break the rules between rows."""
    for _ in range(number // 2 or 1):
        record = _take(free, lambda _: True)
        if record is None:
            return
        rules = ["GEN-501", "GEN-502"]
        if record.package.form.name == "criminal_offence":
            rules.append("CRO-501")
        if record.values.get("device_no"):
            rules.append("ADO-501")
        twin = Record(dict(record.values), record.package, is_single=False)
        record.package.records.append(twin)
        for one in (record, twin):
            one.defect, one.broken = "duplicate_key", [_named(plan, rule) for rule in rules]


def _second_new(plan: Plan, free: list[Record], number: int) -> None:
    """A record sent as new a second time, when the first is live."""
    for _ in range(number):
        record = _take(free, lambda r: plan.later(r, r.package.period + timedelta(days=2)) is not None)
        if record is None:
            return
        again = plan.correct(record, "I", "", {}, record.package.period + timedelta(days=2))
        if again:
            again.defect = "second_new"
            form = again.package.form
            again.broken = [_named(plan, "GEN-601"), ("GEN-403", form.registered_date_field)]


def _orphan(plan: Plan, free: list[Record], number: int) -> None:
    """A replacement without a live record: the record comes later, or never."""
    for n in range(max(2, number)):
        overtaking = _overtaken(plan, free) if n % 2 == 0 else None
        if overtaking:
            record, package = overtaking
            values = {**record.values, **corrected(plan.world, package.form.name, record.values)}
            record.is_single = False
        else:
            source = _take(free, lambda _: True)
            if source is None:
                return
            package, values = source.package, _renumbered(source)
            source.is_single = False
        values |= {"action": "M", "correction_reason": "late_information"}
        orphan = Record(values, package, is_single=False, defect="orphan_correction", released=bool(overtaking))
        orphan.broken = [_named(plan, "GEN-602")]
        package.records.append(orphan)


def _overtaken(plan: Plan, free: list[Record]) -> tuple[Record, Package] | None:
    """A record in a late package, and a package of a later period that arrives before it."""
    for record in reversed(free):
        home = record.package
        if home.arrives is None or home.arrives < home.period + timedelta(days=3) or not _is_free(record):
            continue
        for package in plan.slots[home.subject.code, home.form.name]:
            if package.arrives and home.period < package.period and package.arrives < home.arrives and package.records:
                free.remove(record)
                return record, package
    return None


def _renumbered(record: Record) -> Values:
    """The record's values under a natural key that was never registered."""
    values = dict(record.values)
    name = record.package.form.natural_key[0]
    tail = 6 if record.package.form.name == "civil_case" else 7
    head = values[name].rpartition("/")[0] + "/" if tail == 6 else values[name][:-tail]
    values[name] = f"{head}9{values[name][-tail + 1 :].rpartition('/')[2]:0>{tail - 1}}"
    if "kui_number" in values:
        values["kui_number"] = f"{values['kui_number'][:7]}9{values['kui_number'][8:]}"
    if values.get("device_no"):
        values["device_no"] = f"{values['device_no'][:-3]}041"
    return values


def _foreign_correction(plan: Plan, free: list[Record], number: int) -> None:
    """A live record corrected by a body that does not own it."""
    for _ in range(number):
        record = _take(free, lambda r: r.package.subject.kind in ("police_department", "court_district"))
        if record is None or record.package.arrives is None:
            return
        home = record.package
        settled = record.package.arrives
        others = [
            package
            for (code, form), slots in plan.slots.items()
            for package in slots
            if form == home.form.name and code != home.subject.code and package.arrives and package.records
            if package.subject.kind == home.subject.kind and package.subject.region != home.subject.region
            if package.period > home.period and package.arrives > settled
        ]
        if not others:
            continue
        package = plan.world.rng.choice(others[:400])
        values = {**record.values, "action": "M", "correction_reason": "error_fixed"}
        intruder = Record(values, package, is_single=False, defect="foreign_correction")
        intruder.broken = [_named(plan, "GEN-604")]
        record.is_single = False
        package.records.append(intruder)


SPECIAL_DEFECTS: Mapping[str, Callable[[Plan, list[Record], int], None]] = {
    "unparsable_line": _spoil_lines,
    "duplicate_key": _duplicate,
    "second_new": _second_new,
    "orphan_correction": _orphan,
    "foreign_correction": _foreign_correction,
}
"""Defects that concern more than the values of one record."""
