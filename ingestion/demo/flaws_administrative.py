"""Flaws of administrative records: protocols, decisions, payments of fines."""

from datetime import date

from ingestion.demo.flaws import (
    another_organisation,
    append,
    both,
    every,
    filled,
    has,
    later_time,
    lookalike,
    moved,
    of,
    put,
    raised,
    replaced,
    short,
    times,
    unknown,
    wrong_check_digit,
)
from ingestion.demo.model import Values
from ingestion.demo.world import World


def _elsewhere(world: World, values: Values) -> None:
    values["latitude"], values["longitude"] = world.point_elsewhere(values["kato"])


def _wrong_district(_: World, values: Values) -> None:
    values["kato"] = f"{values['kato'][:2]}9990000"


def _too_young(world: World, values: Values) -> None:
    day = date.fromisoformat(values["committed_at"][:10])
    values["iin"], values["birth_date"], values["sex"] = world.person(day, youngest=13, oldest=14)


def _camera(values: Values) -> bool:
    return values["protocol_origin"].startswith("camera")


def _no_camera(values: Values) -> bool:
    return not _camera(values)


def _before_midnight(values: Values) -> bool:
    return values["registered_at"][11:] < "23:50"


def _adult(values: Values) -> bool:
    """A natural offender whose birth date, moved by some days, is still one of somebody old enough."""
    return values["offender_kind"] == "natural" and "1930" < values["birth_date"] < "2005"


_fined = has("penalty_type", "fine")
_in_full = every(has("is_refund", "false"), has("is_reduced", "false"))

FLAWS = [
    *of(
        "administrative_offence",
        ("invalid_code", "GEN-301:kato ADO-302", _wrong_district),
        ("invalid_code", "GEN-301:article ADO-301", put(article="999"), _no_camera),
        ("invalid_code", "GEN-301:protocol_origin", put(protocol_origin="drone"), _no_camera),
        ("bad_format", "GEN-303:protocol_no", short("protocol_no", 2)),
        ("bad_format", "GEN-303:device_no", append("device_no", "_a"), _camera),
        ("missing_mandatory", "GEN-201:body", put(body="")),
        ("missing_mandatory", "ADO-205", put(speed_limit=""), filled("speed_limit")),
        ("date_order", "ADO-401", later_time("registered_at", 3, "committed_at"), _before_midnight),
        (
            "article_not_in_force",
            "ADO-301",
            put(article="73-2"),
            lambda v: _no_camera(v) and v["offender_kind"] == "natural",
        ),
        ("point_outside_region", "ADO-303", _elsewhere, _camera),
        ("expired_device_certificate", "ADO-402", moved("committed_at", -12, "device_certificate_until"), _camera),
        ("bad_iin", "IDN-301", wrong_check_digit("iin"), filled("iin")),
        ("iin_birth_date_mismatch", "IDN-401", moved("birth_date", 40, "birth_date"), _adult),
        ("age_below_liability", "ADO-406", _too_young, _adult),
        ("speed_part", "ADO-403", put(measured_speed="61", speed_limit="60"), filled("measured_speed")),
        ("unreadable_type", "GEN-102:measured_speed", put(measured_speed="87.5"), filled("measured_speed")),
        ("unreadable_type", "GEN-102:birth_date", put(birth_date="1988-00-12"), filled("birth_date")),
        ("trailing_space", "GEN-303:body GEN-104:body", append("body", " ")),
        ("lookalike", "GEN-105:body GEN-303:body", lookalike("body"), lambda v: v["body"].startswith(("MVD", "CAM"))),
        ("placeholder", "GEN-202:iin", put(iin="0" * 12), filled("iin")),
        ("own_rule", "IDN-404", wrong_check_digit("bin"), filled("bin")),
        ("own_rule", "ADO-201", put(device_no=""), _camera),
        ("own_rule", "ADO-202", put(latitude="", longitude=""), _camera),
        ("own_rule", "ADO-203", put(no_iin_reason="no_documents"), filled("iin")),
        ("own_rule", "ADO-204", another_organisation, _adult),
        ("own_rule", "ADO-404", put(article="463"), every(_camera, has("article", "594", "595", "596"))),
        ("own_rule", "ADO-405", put(article="73"), every(filled("bin"), _no_camera)),
        ("own_rule", "ADO-407", replaced("protocol_no", 0, "25")),
        ("link", "", put(body="KNB-00")),
    ),
    *of(
        "administrative_decision",
        ("invalid_code", "GEN-301:decided_by", put(decided_by="tribunal"), _fined),
        ("missing_mandatory", "GEN-201:outcome", put(outcome=""), _fined),
        ("unreadable_type", "GEN-102:fine_mci", put(fine_mci="5,00"), _fined),
        ("own_rule", "ADD-201", put(penalty_type="warning"), has("outcome", "discontinued", "insignificant")),
        ("own_rule", "ADD-202 ADD-406", put(fine_mci=""), _fined),
        ("own_rule", "ADD-203", put(penalty_term="3"), _fined),
        ("own_rule", "ADD-204", moved("decision_date", 0, "cancelled_date"), _fined),
        ("own_rule", "ADD-401", moved("decision_date", -1, "in_force_date"), filled("in_force_date")),
        ("own_rule", "ADD-402", moved("decision_date", -1, "pay_due_date"), _fined),
        (
            "own_rule",
            "ADD-403",
            both(put(outcome="cancelled"), moved("decision_date", -1, "cancelled_date")),
            has("outcome", "discontinued", "insignificant"),
        ),
        (
            "own_rule",
            "ADD-404",
            put(
                penalty_type="arrest", penalty_term="10", fine_kzt="", fine_mci="", pay_due_date="", is_reduced="false"
            ),
            every(_fined, has("decided_by", "police_department", "camera_operator")),
        ),
        ("own_rule", "ADD-405", put(penalty_term="60"), has("penalty_type", "arrest")),
        ("own_rule", "ADD-406", raised("fine_kzt", "100", "fine_kzt"), _fined),
        ("own_rule", "ADD-408", put(is_reduced="true"), has("penalty_type", "warning")),
        ("missing_parent", "", unknown("protocol_no")),
        ("link", "GEN-403", moved("decision_date", -90, "decision_date")),
        ("link", "", put(body="KNB-00")),
    ),
    *of(
        "fine_payment",
        ("invalid_code", "GEN-301:payment_channel", put(payment_channel="cash")),
        ("bad_format", "GEN-303:budget_code", put(budget_code="20410")),
        ("missing_mandatory", "GEN-201:payer_kind", put(payer_kind="")),
        ("unreadable_type", "GEN-102:is_reduced", put(is_reduced="1")),
        ("own_rule", "FPY-201", put(refunded_payment_no="261001000000000001"), has("is_refund", "false")),
        ("own_rule", "FPY-202", put(payer_kind="bailiff"), has("payer_kind", "offender")),
        ("paid_above_imposed", "", times("amount_kzt", "3"), has("is_refund", "false")),
        ("missing_parent", "", unknown("decision_no")),
        ("link", "GEN-403", moved("paid_date", -60, "paid_date"), _in_full),
        ("link", "", raised("amount_kzt", "-500", "amount_kzt"), has("is_reduced", "true")),
    ),
]
