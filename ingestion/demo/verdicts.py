"""What courts make of criminal cases, and how sentences are executed.

Keep out the investigation (``criminal``, ``persons``).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from ingestion.contract import Subject
from ingestion.demo.civil import case_number, working_day
from ingestion.demo.criminal import Course
from ingestion.demo.criminal_code import CriminalCode
from ingestion.demo.model import Record, Values
from ingestion.demo.plan import Plan
from ingestion.demo.world import Draw, World

OUTCOMES = Draw({"convicted": 0.8, "discontinued": 0.12, "convicted_released": 0.05, "acquitted": 0.03})
APPEALS = Draw({"upheld": 0.75, "modified": 0.18, "quashed": 0.07})
MISDEMEANOUR = Draw({"fine": 0.5, "community_service": 0.3, "corrective_labour": 0.15, "arrest": 0.05})
CRIME = Draw({"restriction": 0.4, "imprisonment": 0.35, "fine": 0.15, "community_service": 0.1})
DAYS_IN_COURT = {"court_indictment": (6, 25)}
DAYS_TO_FORCE = 15
APPEALED_SHARE = 0.1


def verdicts(plan: Plan, courses: Sequence[Course], suspects: Mapping[str, Sequence[Record]]) -> list[Record]:
    """A verdict on every suspect of the cases sent to a court of the demonstration, as far as there is time; returns
    those of the first instance that take force."""
    world = plan.world
    code = CriminalCode(world)
    known = dict(world.courts("court_district", None))
    standing = []
    for _, course in courses:
        sent = course[-1] if course else None
        if not sent or not sent["court"] or sent["court"] not in known:
            continue
        received = working_day(date.fromisoformat(sent["decision_date"]) + timedelta(days=world.rng.randint(0, 2)))
        shortest, longest = DAYS_IN_COURT.get(sent["decision_type"], (2, 9))
        day = working_day(received + timedelta(days=world.rng.randint(shortest, longest)))
        if day > world.last:
            continue
        case_no = case_number(world, sent["court"], received, "1")
        for suspect in suspects.get(sent["erdr_number"], ()):
            values = _verdict(world, code, sent, suspect.values, case_no, received, day)
            appeal = world.courts("court_regional", known[sent["court"]].region) if world.chance(APPEALED_SHARE) else []
            if appeal:
                values["in_force_date"] = ""
            verdict = plan.send(known[sent["court"]], "criminal_verdict", day, values, suspect)
            if verdict and appeal:
                _appeal(plan, code, verdict, *appeal[0])
            elif verdict:
                standing.append(verdict)
    return standing


def _verdict(
    world: World, code: CriminalCode, sent: Values, suspect: Values, case_no: str, received: date, day: date
) -> Values:
    outcome = OUTCOMES(world.rng)
    return {
        "action": "I",
        "correction_reason": "",
        "court": sent["court"],
        "case_no": case_no,
        "person_no": suspect["person_no"],
        "instance": "first",
        "erdr_number": sent["erdr_number"],
        "iin": suspect["iin"],
        "no_iin_reason": suspect["no_iin_reason"],
        "received_date": received.isoformat(),
        "decision_date": day.isoformat(),
        "in_force_date": (day + timedelta(days=DAYS_TO_FORCE)).isoformat(),
        "article": suspect["article"],
        "article_part": suspect["article_part"],
        "severity": sent["severity"],
        "outcome": outcome,
        **_punishment(world, code, sent, day, outcome == "convicted"),
        "damages_awarded_kzt": sent["damage_established_kzt"]
        if outcome == "convicted" and sent["damage_established_kzt"] and world.chance(0.4)
        else "",
    }


def _punishment(world: World, code: CriminalCode, sent: Values, day: date, is_punished: bool) -> Values:
    rng = world.rng
    empty = dict.fromkeys(
        ("punishment_type", "punishment_term", "is_conditional", "fine_kzt", "additional_punishment"), ""
    )
    if not is_punished:
        return empty
    longest = code.longest(sent["article"], sent["article_part"], day)
    kind = MISDEMEANOUR(rng) if sent["severity"] == "0" else CRIME(rng)
    if kind == "imprisonment" and longest < 6:
        kind = "restriction"
    terms = {
        "imprisonment": (5, max(longest // 2, 5)),
        "restriction": (6, 60),
        "community_service": (40, 240),
        "arrest": (5, 50),
    }
    return {
        "punishment_type": kind,
        "punishment_term": str(rng.randint(*terms[kind])) if kind in terms else "",
        "is_conditional": "true" if kind == "imprisonment" and world.chance(0.3) else "false",
        "fine_kzt": f"{4325 * rng.choice((20, 40, 50, 100, 160, 200))}.00"
        if kind in ("fine", "corrective_labour")
        else "",
        "additional_punishment": "confiscation" if world.chance(0.03) else "none",
    }


def _appeal(plan: Plan, code: CriminalCode, verdict: Record, court: str, subject: Subject) -> None:
    world, rng, first = plan.world, plan.world.rng, verdict.values
    decided = date.fromisoformat(first["decision_date"])
    received = working_day(decided + timedelta(days=rng.randint(3, 10)))
    day = working_day(received + timedelta(days=rng.randint(3, 12)))
    if day > world.last:
        return
    outcome = APPEALS(rng)
    if outcome == "modified" and first["outcome"] != "convicted":
        outcome = "upheld"
    changes = {
        "court": court,
        "case_no": case_number(world, court, received, "1a"),
        "instance": "appeal",
        "received_date": received.isoformat(),
        "decision_date": day.isoformat(),
        "in_force_date": day.isoformat(),
        "outcome": outcome,
        "damages_awarded_kzt": "",
        **_punishment(world, code, first, day, outcome == "modified"),
    }
    plan.send(subject, "criminal_verdict", day, {**first, **changes}, verdict)


def sentences(plan: Plan, verdicts: Sequence[Record]) -> None:
    """The execution of sentences in force: registered, and fines paid, arrests served."""
    world = plan.world
    bodies = [subject for subject in world.subjects if subject.kind == "penal_system"]
    for verdict in verdicts:
        begins = date.fromisoformat(verdict.values["in_force_date"])
        if verdict.values["punishment_type"] and bodies and begins <= world.last:
            _execution(plan, bodies[0], verdict, begins)


def _execution(plan: Plan, body: Subject, verdict: Record, begins: date) -> None:
    world, rng, facts = plan.world, plan.world.rng, verdict.values
    kind = facts["punishment_type"]
    days = {"imprisonment": 30, "restriction": 30, "arrest": 1, "community_service": 1}.get(kind, 0) * int(
        facts["punishment_term"] or 0
    )
    event = {
        "action": "I",
        "correction_reason": "",
        "execution_body": body.code,
        "case_no": facts["case_no"],
        "person_no": facts["person_no"],
        "punishment_type": kind,
        "ground_act": "",
        "fine_paid_kzt": "",
        "supervision_kato": world.place(verdict.package.subject),
    }
    first = "started" if kind in ("fine", "arrest") else "probation_registered"
    steps = [(first, begins + timedelta(days=rng.randint(0, 3)), "0")]
    if kind in ("fine", "corrective_labour") and world.chance(0.7):
        steps.append(("fine_paid", steps[0][1] + timedelta(days=rng.randint(1, 9)), "0"))
    if kind == "arrest":
        steps.append(("completed", steps[0][1] + timedelta(days=days), str(days)))
    elif kind == "fine" and len(steps) == 2:
        steps.append(("completed", steps[1][1] + timedelta(days=rng.randint(0, 3)), "0"))
    elif world.chance(0.1):
        steps.append(("transferred", steps[-1][1] + timedelta(days=rng.randint(1, 6)), "0"))
    for number, (step, day, served) in enumerate(steps, start=1):
        values = {
            **event,
            "event_no": str(number),
            "execution_event": step,
            "event_date": day.isoformat(),
            "served_days": served,
            "remaining_days": "0" if step == "completed" else str(days),
            "fine_paid_kzt": facts["fine_kzt"] if step == "fine_paid" else "",
        }
        if day > world.last or not plan.send(body, "sentence_execution", day, values, verdict):
            return
