"""Puts defects on records, in known shares, at least one of each kind.

Here belongs which records are spoilt, and the defects that concern more than the values of one record. Keep out the
flaws of single records (``flaws``) and what follows from a defect for other records (``links``).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from ingestion.demo import flaws_administrative, flaws_civil, flaws_criminal
from ingestion.demo.corrections import corrected
from ingestion.demo.criminal_code import CriminalCode
from ingestion.demo.flaws import Flaw
from ingestion.demo.model import Package, Record, Values
from ingestion.demo.plan import Plan

DEFECT_SCALE = 0.4
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
"""Defects that ``volumes.csv`` gives no share for; of any other each flaw occurs once."""
CORRECTABLE = {
    "invalid_code",
    "missing_mandatory",
    "date_order",
    "severity_mismatch",
    "bad_iin",
    "damage_order",
    "own_rule",
}
CORRECTED_SHARE = 0.4
"""Share of quarantined records that the subject corrects later."""


def spoil(plan: Plan) -> None:
    """Put defects on records, at most one each."""
    world = plan.world
    shares = {name: share * DEFECT_SCALE for name, share in world.shares("all", "defect_share").items()}
    shares |= EXTRA_DEFECT_SHARES
    flaws: dict[tuple[str, str], list[Flaw]] = defaultdict(list)
    for flaw in (*flaws_criminal.FLAWS, *flaws_civil.FLAWS, *flaws_administrative.FLAWS):
        flaws[flaw.form, flaw.defect].append(flaw)
    for form, records in plan.records.items():
        free = [r for r in records if _is_free(r)]
        world.rng.shuffle(free)
        for name, special in SPECIAL_DEFECTS.items():
            if form in FORMS_OF.get(name, (form,)):
                special(plan, free, max(1, round(shares.get(name, 0) * len(records))))
        for (of_form, name), of_defect in flaws.items():
            if of_form == form:
                _apply(plan, free, of_defect, max(len(of_defect), round(shares.get(name, 0) * len(records))))


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
        if record.values.get("iin") and record.package.form.name in ("suspect", "victim"):
            rules.append("SUS-501" if record.package.form.name == "suspect" else "VIC-501")
        if record.package.form.name == "fine_payment":
            rules.append("FPY-501")
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
            source = _take(free, lambda r: plan.later(r, r.package.period + timedelta(days=1)) is not None)
            if source is None:
                return
            later = plan.later(source, source.package.period + timedelta(days=1))
            package, values = later or source.package, _renumbered(source)
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
    name = record.package.form.natural_key[-1]
    is_counted = record.package.form.column(name).type == "integer"
    values[name] = str(int(values[name]) + 400) if is_counted else _unborne(values[name])
    if "kui_number" in values:
        values["kui_number"] = f"{values['kui_number'][:7]}9{values['kui_number'][8:]}"
    if values.get("device_no"):
        values["device_no"] = f"{values['device_no'][:-3]}041"
    return values


def _foreign_correction(plan: Plan, free: list[Record], number: int) -> None:
    """A live record corrected by a body that does not own it."""
    for _ in range(number):
        record = _take(free, lambda r: r.package.subject.region is not None)
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


def _same_person(plan: Plan, free: list[Record], number: int) -> None:
    """Two persons of one case in one package with one number."""
    for _ in range(number):
        seen: dict[tuple[str, int], Record] = {}
        for record in free:
            case = (record.values["erdr_number"], id(record.package))
            other = seen.setdefault(case, record)
            if other is not record and record.values["iin"] and other.values["iin"]:
                break
        else:
            return
        for name in ("iin", "birth_date", "sex", "is_minor"):
            record.values[name] = other.values[name]
        rule = "SUS-501" if record.package.form.name == "suspect" else "VIC-501"
        for one in (record, other):
            one.defect, one.broken = "same_person", [_named(plan, rule)]
            free.remove(one)


def _annulled_parent(plan: Plan, free: list[Record], number: int) -> None:
    """An annulment of a record that others point to (GEN-603)."""
    for _ in range(number):
        record = _take(free, lambda r: r.is_parent and plan.later(r, r.package.period + timedelta(days=2)) is not None)
        if record:
            earliest = record.package.period + timedelta(days=2)
            annulment = plan.correct(record, "D", "error_fixed", {}, earliest)
            if annulment:
                annulment.defect = "annulled_parent"


def _twice(plan: Plan, free: list[Record], number: int) -> None:
    """What may happen once happens again under another number: a verdict, a penalty, a proceeding."""
    name = free[0].package.form.natural_key[0] if free else ""
    for _ in range(number):
        record = _take(free, lambda r: r.values["action"] == "I" and not _is_pending(r.values))
        if record is None:
            return
        number_of_second = {name: _unborne(record.values[name])}
        again = plan.correct(record, "I", "", number_of_second, record.package.period + timedelta(days=2))
        if again:
            record.is_single = True
            again.defect = "twice"
            again.broken = [("GEN-403", again.package.form.registered_date_field)]


def _is_pending(values: Values) -> bool:
    """Whether nothing was imposed that could be imposed twice."""
    return values.get("outcome", "convicted") not in ("convicted", "penalty") or values.get("instance") == "appeal"


def _unborne(number: str) -> str:
    head, slash, tail = number.rpartition("/")
    return f"{head}/9{int(tail):05d}" if slash else f"{number[:-6]}9{number[-5:]}"


def _minor_arrested(plan: Plan, free: list[Record], number: int) -> None:
    """The offender of a protocol that ends in arrest was not of age (ADD-604)."""
    arrested = {r.values["protocol_no"] for r in plan.records["administrative_decision"] if _is_arrest(r)}
    for _ in range(number):
        record = _take(free, lambda r: r.values["protocol_no"] in arrested)
        if record:
            day = date.fromisoformat(record.values["committed_at"][:10])
            record.values["iin"], record.values["birth_date"], record.values["sex"] = plan.world.person(day, 16, 17)
            record.defect = "minor_arrested"


def _one_number(plan: Plan, free: list[Record], number: int) -> None:
    """A suspect and a victim with one number of the special series, which tells neither birth nor sex (IDN-601)."""
    for _ in range(number):
        record = _take(free, lambda r: bool(r.values["iin"]))
        if record is None:
            return
        born = record.values["birth_date"]
        others = (r for r in plan.records["victim"] if r.values["iin"] and _is_free(r))
        other = next((r for r in others if r.values["birth_date"] != born), None)
        if other:
            iin = plan.world.special(born)
            for one in (record, other):
                one.values["iin"], one.defect = iin, "one_number"


def _wrong_victim(plan: Plan, free: list[Record], _: int) -> None:
    """The victim is not of whom the article speaks: an adult for a minor (VIC-604), a man for a woman (VIC-603)."""
    world, code = plan.world, CriminalCode(plan.world)
    offences = {r.values["erdr_number"]: r for r in plan.records["criminal_offence"] if _is_free(r)}

    def is_bodily(offence: Record) -> bool:
        return offence.values["offence_stage"] == "completed" and not offence.values["damage_kzt"]

    for article, youngest, men in (("132", 20, 0.5), ("120", 20, 1.0)):
        record = _take(
            free,
            lambda r: (
                bool(r.values["iin"] and r.values["harm_kind"] != "death" and r.values["is_minor"] == "false")
                and r.values["is_domestic_violence"] == "false"
                and r.values["erdr_number"] in offences
                and is_bodily(offences[r.values["erdr_number"]])
            ),
        )
        if record is None:
            return
        offence = offences.pop(record.values["erdr_number"])
        day = date.fromisoformat(offence.values["committed_date"])
        severity = code.severity(article, "1", day) or "3"
        offence.values |= {"article": article, "article_part": "1", "severity": severity, "transgression": "5"}
        offence.is_single = False
        person = world.person(day, youngest, 60, men)
        record.values["iin"], record.values["birth_date"], record.values["sex"] = person
        record.defect = "wrong_victim"


def _lowered(plan: Plan, free: list[Record], number: int) -> None:
    """A replacement that lowers the severity, and no decision that re-qualifies (CRO-603)."""
    code = CriminalCode(plan.world)
    requalified = {
        r.values["erdr_number"] for r in plan.records["pretrial_decision"] if r.values["decision_type"] == "requalified"
    }

    def milder(values: Values) -> tuple[str, str] | None:
        day = date.fromisoformat(values["committed_date"])
        return code.milder_part(values["article"], values["severity"], day)

    for _ in range(number):
        record = _take(
            free,
            lambda r: (
                r.values["erdr_number"] not in requalified
                and r.values["offence_stage"] == "completed"
                and plan.later(r, r.package.period + timedelta(days=2)) is not None
                and milder(r.values) is not None
            ),
        )
        other = milder(record.values) if record else None
        if record is None or other is None:
            return
        changes = {"article_part": other[0], "severity": other[1]}
        lowered = plan.correct(record, "M", "error_fixed", changes, record.package.period + timedelta(days=2))
        if lowered:
            lowered.defect = "lowered"


def _is_arrest(record: Record) -> bool:
    return record.values["penalty_type"] == "arrest"


SPECIAL_DEFECTS: Mapping[str, Callable[[Plan, list[Record], int], None]] = {
    "unparsable_line": _spoil_lines,
    "duplicate_key": _duplicate,
    "second_new": _second_new,
    "orphan_correction": _orphan,
    "foreign_correction": _foreign_correction,
    "same_person": _same_person,
    "annulled_parent": _annulled_parent,
    "twice": _twice,
    "minor_arrested": _minor_arrested,
    "one_number": _one_number,
    "wrong_victim": _wrong_victim,
    "lowered": _lowered,
}
"""Defects that concern more than the values of one record."""
FORMS_OF: Mapping[str, Sequence[str]] = {
    "same_person": ("suspect", "victim"),
    "annulled_parent": ("criminal_offence", "administrative_offence"),
    "twice": ("criminal_verdict", "administrative_decision", "enforcement_proceeding"),
    "minor_arrested": ("administrative_offence",),
    "one_number": ("suspect",),
    "wrong_victim": ("victim",),
    "lowered": ("criminal_offence",),
}
"""Forms that a special defect is possible in; the others are possible in any."""
