"""Flaws of criminal records: offences, decisions, persons, verdicts, sentences."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from ingestion.demo.flaws import (
    aged,
    another_organisation,
    another_sex,
    append,
    counted_on,
    every,
    filled,
    flipped,
    has,
    later_time,
    lookalike,
    moved,
    no,
    of,
    put,
    raised,
    renumbered,
    replaced,
    short,
    times,
    unknown,
    wrong_check_digit,
)
from ingestion.demo.model import Values
from ingestion.demo.world import World

_GRADED_THEFT = ("188", "190", "188-1", "191", "192")


def _wrong_severity(world: World, values: Values) -> None:
    values["severity"] = world.rng.choice([s for s in "01234" if s != values["severity"]])
    values["transgression"] = "6" if values["severity"] == "0" else "5"


def _wrong_grade(_: World, values: Values) -> None:
    values["severity"] = "3" if values["severity"] == "4" else "4"


def _another_number(world: World, values: Values) -> None:
    values["iin"] = world.person(date.fromisoformat(values["decision_date"]), 20, 60)[0]


def _elsewhere(world: World, values: Values) -> None:
    values["latitude"], values["longitude"] = world.point_elsewhere(values["kato"])


def _wrong_district(_: World, values: Values) -> None:
    values["kato"] = f"{values['kato'][:2]}9990000"


def _too_much_recovered(_: World, values: Values) -> None:
    values["damage_recovered_kzt"] = f"{Decimal(values['damage_established_kzt']) + 1000:.2f}"


def _before_midnight(values: Values) -> bool:
    return values["registered_at"][11:] < "23:50"


def _other_region(world: World, values: Values) -> None:
    values["residence_kato"] = next(
        codes[0].code for kato2, (codes, _, _) in world.places.items() if kato2 != values["residence_kato"][:2]
    )


def _before_its_region(_: World, values: Values) -> None:
    """A status of five years ago, when the region of residence was not formed yet."""
    day = date.fromisoformat(values["status_date"]) - timedelta(days=2000)
    values["status_date"], values["residence_kato"] = day.isoformat(), "101000000"


def _grown_and_free(values: Values) -> bool:
    return "" < values["birth_date"] < "2000" and not values["detained_date"]


_unpunished = no("punishment_type")
_natural = has("victim_kind", "natural")

FLAWS = [
    *of(
        "criminal_offence",
        ("invalid_code", "GEN-301:place_type", put(place_type="plaza")),
        ("invalid_code", "GEN-301:article CRO-301", put(article="999")),
        ("invalid_code", "GEN-301:kato CRO-303", _wrong_district),
        ("bad_format", "GEN-303:kui_number", short("kui_number")),
        ("bad_format", "GEN-303:registering_body", append("registering_body", "/OP")),
        ("missing_mandatory", "GEN-201:place_type", put(place_type="")),
        ("missing_mandatory", "GEN-201:kui_number", put(kui_number="")),
        ("missing_mandatory", "CRO-201 CRO-302", put(article_part=""), has("article", *_GRADED_THEFT)),
        ("date_order", "CRO-401 CRO-403", moved("registered_at", 1, "committed_date")),
        ("date_order", "CRO-402", later_time("registered_at", 3, "kui_registered_at"), _before_midnight),
        ("severity_mismatch", "CRO-405", _wrong_severity, has("offence_stage", "completed")),
        ("article_not_in_force", "CRO-301", put(article="240", article_part="")),
        ("point_outside_region", "CRO-305", _elsewhere, filled("latitude")),
        (
            "late_registration",
            "CRO-404",
            later_time("kui_registered_at", -3000, "kui_registered_at"),
            lambda v: (
                (datetime.fromisoformat(v["kui_registered_at"]).date() - date.fromisoformat(v["committed_date"])).days
                > 4
            ),
        ),
        ("unreadable_type", "GEN-102:committed_date", put(committed_date="31.02.2026")),
        ("unreadable_type", "GEN-102:is_public_place", put(is_public_place="yes")),
        ("trailing_space", "GEN-301:place_type GEN-104:place_type", append("place_type", " ")),
        ("lookalike", "GEN-105:kui_number GEN-303:kui_number", lookalike("kui_number")),
        ("placeholder", "GEN-202:kui_number", put(kui_number="0" * 15)),
        ("own_rule", "GEN-103:kui_number GEN-105:kui_number GEN-303:kui_number", replaced("kui_number", 4, "\u200b")),
        ("own_rule", "GEN-203", put(correction_reason="error_fixed")),
        ("own_rule", "CRO-101", replaced("erdr_number", 0, "24")),
        ("own_rule", "CRO-102", replaced("erdr_number", 2, "8999")),
        ("own_rule", "CRO-202", put(latitude=""), filled("latitude")),
        ("own_rule", "CRO-203", put(damage_kzt=""), every(filled("damage_kzt"), has("offence_stage", "completed"))),
        ("own_rule", "CRO-304 GEN-304:latitude CRO-305", put(latitude="39.000000"), filled("latitude")),
        ("own_rule", "CRO-406", put(transgression="6"), has("transgression", "5")),
        ("own_rule", "CRO-407", put(offence_stage="preparation"), has("severity", "0", "1")),
        ("own_rule", "CRO-408", put(time_of_day="night", committed_time="13:30"), filled("committed_time")),
        ("own_rule", "CRO-409", flipped("is_public_place"), has("place_type", "street", "apartment")),
        ("own_rule", "CRO-411", put(damage_kzt="2000000000.00"), filled("damage_kzt")),
        ("link", "", put(registering_body="KNB-00")),
    ),
    *of(
        "pretrial_decision",
        ("invalid_code", "GEN-301:article", put(article="999")),
        ("invalid_code", "GEN-301:court", put(court="9999"), filled("court")),
        ("bad_format", "GEN-303:legal_ground", put(legal_ground="45/7"), filled("legal_ground")),
        ("bad_format", "GEN-303:decision_body", append("decision_body", "_")),
        ("missing_mandatory", "GEN-201:suspects_count", put(suspects_count="")),
        ("missing_mandatory", "PTD-203", put(legal_ground=""), filled("legal_ground")),
        ("damage_order", "PTD-402", _too_much_recovered, filled("damage_recovered_kzt")),
        ("court_missing", "PTD-201", put(court=""), filled("court")),
        ("unreadable_type", "GEN-102:investigation_days", put(investigation_days="12.5")),
        ("trailing_space", "GEN-303:decision_body GEN-104:decision_body", append("decision_body", " ")),
        (
            "lookalike",
            "GEN-105:decision_body GEN-303:decision_body",
            lookalike("decision_body"),
            lambda v: v["decision_body"].startswith("MVD"),
        ),
        ("placeholder", "GEN-202:legal_ground GEN-303:legal_ground", put(legal_ground="-"), filled("legal_ground")),
        ("own_rule", "PTD-202", put(transfer_body="MVD-T"), has("decision_type", "term_extended")),
        ("own_rule", "PTD-204", put(linked_erdr_number="267511010000001"), has("decision_type", "term_extended")),
        ("own_rule", "PTD-401", put(suspects_count="0"), filled("court")),
        ("own_rule", "PTD-403", _wrong_grade),
        ("own_rule", "GEN-304:suspects_count", put(suspects_count="501"), has("decision_type", "term_extended")),
        ("missing_parent", "", unknown("erdr_number")),
        ("link", "GEN-403", moved("decision_date", -250, "decision_date")),
        ("link", "", counted_on("decision_no", 5)),
        (
            "link",
            "",
            put(decision_type="resumed"),
            every(has("decision_type", "term_extended"), has("decision_no", "1")),
        ),
        ("link", "", put(decision_body="KNB-00")),
    ),
    *of(
        "suspect",
        ("invalid_code", "GEN-301:education", put(education="school")),
        ("bad_format", "GEN-303:citizenship GEN-301:citizenship", put(citizenship="kz"), has("citizenship", "KZ")),
        ("missing_mandatory", "GEN-201:intoxication", put(intoxication="")),
        ("bad_iin", "IDN-301", wrong_check_digit("iin"), filled("iin")),
        (
            "iin_birth_date_mismatch",
            "IDN-401",
            moved("birth_date", 40, "birth_date"),
            every(filled("iin"), has("is_minor", "false")),
        ),
        ("unreadable_type", "GEN-102:is_minor", put(is_minor="no")),
        ("own_rule", "IDN-201", put(no_iin_reason="no_documents"), filled("iin")),
        ("own_rule", "IDN-302", renumbered("iin", 6, "789"), filled("iin")),
        ("own_rule", "IDN-303 IDN-401", renumbered("iin", 2, "2345"), filled("iin")),
        ("own_rule", "IDN-402", another_sex, filled("iin")),
        ("own_rule", "IDN-403", put(citizenship="KZ"), has("no_iin_reason", "foreign")),
        ("own_rule", "GEN-302:residence_kato GEN-403", _before_its_region, _grown_and_free),
        ("own_rule", "SUS-201", put(sex="")),
        ("own_rule", "SUS-202", put(detained_date=""), has("preventive_measure", "custody")),
        ("own_rule", "SUS-401", aged("status_date", 11, 12, no_iin_reason="", citizenship="KZ", is_minor="true")),
        (
            "own_rule",
            "SUS-404",
            aged("status_date", 92, 95, no_iin_reason="", citizenship="KZ"),
            has("is_minor", "false"),
        ),
        ("own_rule", "GEN-401:detained_date", put(detained_date="2027-01-15")),
        ("missing_parent", "", unknown("erdr_number")),
        ("link", "", put(detained_date="2019-03-01")),
        ("age_below_liability", "", aged("status_date", 15, 15, no_iin_reason="", citizenship="KZ", is_minor="true")),
        ("link", "", flipped("is_minor")),
        ("link", "", put(article="345", article_part="1")),
        ("link", "", _other_region, filled("residence_kato")),
    ),
    *of(
        "victim",
        (
            "invalid_code",
            "GEN-301:relation_to_suspect",
            put(relation_to_suspect="enemy"),
            every(_natural, has("is_domestic_violence", "false")),
        ),
        ("missing_mandatory", "GEN-201:protective_measure", put(protective_measure="")),
        ("bad_iin", "IDN-301", wrong_check_digit("iin"), filled("iin")),
        ("bad_iin", "IDN-404", wrong_check_digit("bin"), filled("bin")),
        ("unreadable_type", "GEN-102:is_domestic_violence", put(is_domestic_violence="no")),
        ("own_rule", "VIC-201", put(no_iin_reason="protected"), filled("iin")),
        ("own_rule", "VIC-202", another_organisation, _natural),
        ("own_rule", "VIC-203", put(occupation=""), _natural),
        ("own_rule", "VIC-401", raised("damage_kzt", "1000", "damage_recovered_kzt"), filled("damage_kzt")),
        ("own_rule", "VIC-402", put(is_domestic_violence="true"), has("relation_to_suspect", "stranger")),
        (
            "own_rule",
            "VIC-403",
            put(relation_to_suspect="spouse", harm_kind="pain"),
            every(_natural, has("is_domestic_violence", "false"), has("harm_kind", "pain")),
        ),
        ("own_rule", "VIC-405", put(relation_to_suspect="stranger"), filled("bin")),
        ("own_rule", "VIC-406 IDN-401", moved("recognised_date", 1, "birth_date"), filled("iin")),
        ("own_rule", "GEN-402", moved("recognised_date", 1, "recognised_date")),
        ("missing_parent", "", unknown("erdr_number")),
        ("link", "", flipped("is_minor"), _natural),
        ("link", "", put(harm_kind="grave_harm"), has("harm_kind", "death")),
        ("link", "", put(harm_kind="death"), every(_natural, has("harm_kind", "material"))),
    ),
    *of(
        "criminal_verdict",
        ("invalid_code", "GEN-301:outcome CRV-408", put(outcome="guilty"), _unpunished),
        ("missing_mandatory", "GEN-201:severity", put(severity=""), _unpunished),
        ("bad_iin", "IDN-301", wrong_check_digit("iin"), filled("iin")),
        (
            "unreadable_type",
            "GEN-102:punishment_term",
            put(punishment_term="12.5"),
            has("punishment_type", "restriction"),
        ),
        ("own_rule", "IDN-303", renumbered("iin", 2, "2345"), filled("iin")),
        ("own_rule", "IDN-304 IDN-303", renumbered("iin", 4, "456"), filled("iin")),
        ("own_rule", "CRV-201", put(is_conditional="true"), _unpunished),
        ("own_rule", "CRV-202", put(punishment_term=""), has("punishment_type", "restriction")),
        ("own_rule", "CRV-203", put(fine_kzt=""), filled("fine_kzt")),
        ("own_rule", "CRV-401", moved("decision_date", 1, "received_date")),
        ("own_rule", "CRV-402", moved("decision_date", -1, "in_force_date"), filled("in_force_date")),
        (
            "own_rule",
            "CRV-403",
            put(punishment_type="arrest", punishment_term="30"),
            has("punishment_type", "restriction"),
        ),
        ("own_rule", "CRV-404", put(punishment_term="359"), has("punishment_type", "imprisonment")),
        ("own_rule", "CRV-405", put(punishment_term="90"), has("punishment_type", "restriction")),
        (
            "own_rule",
            "CRV-406",
            put(punishment_type="life_imprisonment", punishment_term=""),
            has("punishment_type", "restriction"),
        ),
        ("own_rule", "CRV-408", put(outcome="upheld"), every(_unpunished, has("instance", "first"))),
        ("own_rule", "CRV-409", replaced("case_no", 0, "0002")),
        ("missing_parent", "", counted_on("person_no", 50)),
        ("link", "", moved("received_date", -60, "received_date")),
        ("link", "", _another_number, filled("iin")),
        ("link", "", put(instance="appeal", outcome="upheld"), every(_unpunished, has("instance", "first"))),
        ("link", "", put(article="345", article_part="1"), _unpunished),
    ),
    *of(
        "sentence_execution",
        ("invalid_code", "GEN-301:supervision_kato", put(supervision_kato="759990000")),
        ("missing_mandatory", "GEN-201:served_days", put(served_days="")),
        (
            "own_rule",
            "SEN-201",
            put(execution_event="deferred"),
            has("execution_event", "started", "probation_registered"),
        ),
        (
            "own_rule",
            "SEN-202",
            put(fine_paid_kzt="1000.00"),
            has("execution_event", "started", "probation_registered"),
        ),
        ("own_rule", "SEN-401", put(remaining_days="5"), has("execution_event", "completed")),
        (
            "own_rule",
            "SEN-402",
            put(execution_event="parole", ground_act="ACT-1001"),
            every(has("punishment_type", "fine"), has("execution_event", "started")),
        ),
        ("missing_parent", "", counted_on("person_no", 50)),
        ("link", "GEN-403", moved("event_date", -150, "event_date")),
        ("link", "", times("fine_paid_kzt", "2"), filled("fine_paid_kzt")),
        ("link", "", put(execution_event="amnesty", ground_act="AMN-2026"), has("execution_event", "transferred")),
        ("link", "", put(execution_body="KNB-00")),
    ),
]
