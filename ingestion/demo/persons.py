"""Persons of a criminal case: suspects and victims, as the act and the course of the investigation call for them.

Keep out the course itself (``criminal``) and what courts make of it (``verdicts``).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from ingestion.demo.criminal import Course
from ingestion.demo.criminal_code import CriminalCode
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.world import Draw, World

EDUCATION = Draw({"general_secondary": 0.4, "vocational": 0.3, "basic_secondary": 0.1, "higher": 0.15, "unknown": 0.05})
OCCUPATION = Draw(
    {"not_working": 0.4, "employee": 0.2, "unemployed": 0.15, "self_employed": 0.1, "entrepreneur": 0.05, "other": 0.1}
)
MEASURES = Draw({"signature": 0.62, "none": 0.13, "custody": 0.15, "house_arrest": 0.05, "bail": 0.05})
PRIOR_RECORD = Draw({"none": 0.7, "expunged": 0.12, "unexpunged": 0.13, "recidivism": 0.05})
INTOXICATION = Draw({"none": 0.8, "alcohol": 0.17, "drug": 0.02, "unknown": 0.01})
MANY = Draw({"group": 0.7, "conspiracy": 0.3})
FAMILY = Draw({"spouse": 0.5, "cohabitant": 0.3, "former_spouse": 0.1, "close_relative": 0.1})
OTHERS = Draw({"stranger": 0.5, "unknown": 0.2, "acquaintance": 0.2, "neighbour": 0.1})
BODILY = Draw({"light_harm": 0.45, "pain": 0.25, "medium_harm": 0.2, "grave_harm": 0.1})
VICTIMS_YOUNGER_THAN = {"122": 16, "124": 14, "132": 18, "133": 18, "134": 18, "135": 18, "144": 18}
"""Articles whose victims are minors (VIC-604)."""
DEADLY = ("99", "100", "101", "102", "103", "104")


def suspects(plan: Plan, courses: Sequence[Course]) -> dict[str, list[Record]]:
    """Suspects of each case, known before its first decision that counts any; by ERDR number."""
    found: dict[str, list[Record]] = {}
    for offence, course in courses:
        counted = [v for v in course if int(v["suspects_count"])]
        if counted:
            sent = (
                _suspect(plan, offence, counted[0], number + 1, int(counted[0]["suspects_count"]), course[-1])
                for number in range(int(counted[0]["suspects_count"]))
            )
            found[offence.values["erdr_number"]] = [record for record in sent if record]
    return found


def _suspect(plan: Plan, offence: Record, decision: Values, number: int, of: int, last: Values) -> Record | None:
    world, rng, facts = plan.world, plan.world.rng, offence.values
    committed = date.fromisoformat(facts["committed_date"])
    registered = date.fromisoformat(facts["registered_at"][:10])
    decided = date.fromisoformat(decision["decision_date"])
    day = registered + timedelta(days=rng.randint(0, (decided - registered).days))
    is_minor = world.chance(world.volumes["suspect", "minor_share", ""])
    iin, birth_date, sex = world.person(
        committed, 16 if is_minor else 18, 17 if is_minor else 64, world.volumes["suspect", "sex_share", "1"]
    )
    is_foreign = world.chance(world.volumes["suspect", "foreign_share", ""])
    measure = MEASURES(rng)
    values = {
        "action": "I",
        "correction_reason": "",
        "erdr_number": facts["erdr_number"],
        "person_no": str(number),
        "iin": "" if is_foreign else iin,
        "no_iin_reason": "foreign" if is_foreign else "",
        "birth_date": birth_date,
        "sex": sex,
        "citizenship": rng.choice(("RU", "UZ", "KG", "TJ", "CN")) if is_foreign else "KZ",
        "residence_kato": "" if is_foreign else world.place(offence.package.subject),
        "education": EDUCATION(rng),
        "occupation": "schoolchild" if is_minor else OCCUPATION(rng),
        "suspect_status": "accused" if last["decision_type"].startswith("court") else "suspect",
        "status_date": day.isoformat(),
        "article": last["article"],
        "article_part": last["article_part"],
        "group_kind": "alone" if of == 1 else MANY(rng),
        "intoxication": INTOXICATION(rng),
        "prior_record": "none" if is_minor else PRIOR_RECORD(rng),
        "preventive_measure": measure,
        "detained_date": max(committed, day - timedelta(days=rng.randint(0, 2))).isoformat()
        if measure == "custody"
        else "",
        "is_minor": "true" if is_minor else "false",
    }
    return plan.send(offence.package.subject, "suspect", day, values, offence)


def victims(plan: Plan, offences: Sequence[Record]) -> None:
    """Victims of completed offences against persons, families and property (CRO-601), and of some others."""
    world = plan.world
    code = CriminalCode(world)
    for offence in offences:
        is_completed = offence.values["offence_stage"] == "completed"
        if (code.chapter(offence.values["article"]) in ("1", "2", "6") and is_completed) or world.chance(0.1):
            for number in range(1 + world.chance(0.06)):
                _victim(plan, code, offence, number + 1)


def _victim(plan: Plan, code: CriminalCode, offence: Record, number: int) -> Record | None:
    world, rng, facts = plan.world, plan.world.rng, offence.values
    article, is_domestic = facts["article"], facts["is_domestic_violence"] == "true"
    day = date.fromisoformat(facts["registered_at"][:10]) + timedelta(days=rng.choice((0, 0, 0, 1, 1, 2, 3, 5, 9)))
    chapter = code.chapter(article)
    is_legal = chapter == "6" and world.chance(0.15)
    damage = f"{Decimal(facts['damage_kzt']) * rng.randint(60, 100) / 100:.2f}" if facts["damage_kzt"] else ""
    recovered = f"{Decimal(damage) * rng.choice((0, 0, 0, 10, 50, 100)) / 100:.2f}" if damage else ""
    harm = "material" if chapter == "6" or damage else "moral"
    if chapter == "1":
        harm = BODILY(rng) if article not in ("120", "121", "122", "123", "124") else "sexual"
        if article in DEADLY and facts["offence_stage"] == "completed":
            harm = "death"
    empty = dict.fromkeys(
        ("iin", "no_iin_reason", "bin", "birth_date", "sex", "citizenship", "occupation", "is_minor"), ""
    )
    if is_legal:
        person = {**empty, "no_iin_reason": "not_natural", "bin": world.organisation()}
    else:
        person = {**empty, **_natural(world, article, date.fromisoformat(facts["committed_date"]))}
    relation = "not_applicable" if is_legal else (FAMILY if is_domestic else OTHERS)(rng)
    values = {
        "action": "I",
        "correction_reason": "",
        "erdr_number": facts["erdr_number"],
        "victim_no": str(number),
        "victim_kind": "legal" if is_legal else "natural",
        **person,
        "relation_to_suspect": relation,
        "harm_kind": harm,
        "damage_kzt": damage,
        "damage_recovered_kzt": recovered,
        "is_domestic_violence": "true" if is_domestic and not is_legal else "false",
        "protective_measure": "none",
        "recognised_date": day.isoformat(),
    }
    return plan.send(offence.package.subject, "victim", day, values, offence)


def _natural(world: World, article: str, committed: date) -> Values:
    below = VICTIMS_YOUNGER_THAN.get(article)
    oldest = below - 1 if below else 79
    iin, birth_date, sex = world.person(committed, 6 if below else 7, oldest, men=0 if article == "120" else 0.55)
    age = (committed - date.fromisoformat(birth_date)).days / 365.25
    return {
        "iin": iin,
        "birth_date": birth_date,
        "sex": sex,
        "citizenship": "KZ",
        "occupation": "schoolchild" if age < 18 else OCCUPATION(world.rng),
        "is_minor": "true" if is_younger(birth_date, 18, committed) else "false",
    }


def is_younger(birth_date: str, age: int, day: date) -> bool:
    """Whether a person has not reached an age in full years on a day."""
    born = date.fromisoformat(birth_date)
    return (day.year - born.year) - ((day.month, day.day) < (born.month, born.day)) < age
