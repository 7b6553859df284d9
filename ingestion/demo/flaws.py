"""Ways to spoil one record, each with the rules it breaks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ingestion.demo.model import Values
from ingestion.demo.world import World


@dataclass(frozen=True)
class Flaw:
    """A way to spoil a record of one form: ``change`` alters its values, ``breaks`` are ``RULE`` or
    ``RULE:field``."""

    form: str
    defect: str
    breaks: tuple[str, ...]
    change: Callable[["World", Values], None]
    applies: Callable[[Values], bool] = lambda _: True


def _set(**changes: str) -> Callable[[World, Values], None]:
    def change(_: World, values: Values) -> None:
        values.update(changes)

    return change


def _append(name: str, suffix: str) -> Callable[[World, Values], None]:
    def change(_: World, values: Values) -> None:
        values[name] += suffix

    return change


def _is(name: str, *allowed: str) -> Callable[[Values], bool]:
    return lambda values: values[name] in allowed


def _filled(*names: str) -> Callable[[Values], bool]:
    return lambda values: all(values[name] for name in names)


def _moved(name: str, days: int, to: str) -> Callable[[World, Values], None]:
    """Set date ``to`` to date (or timestamp) ``name`` plus ``days``."""

    def change(_: World, values: Values) -> None:
        values[to] = (date.fromisoformat(values[name][:10]) + timedelta(days=days)).isoformat()

    return change


def _later_time(name: str, minutes: int, to: str) -> Callable[[World, Values], None]:
    def change(_: World, values: Values) -> None:
        values[to] = (datetime.fromisoformat(values[name]) + timedelta(minutes=minutes)).isoformat()

    return change


def _lookalike(name: str) -> Callable[[World, Values], None]:
    """Replace the last zero by the Cyrillic letter that looks like it, else the first letter M or S."""

    def change(_: World, values: Values) -> None:
        head, found, tail = values[name].rpartition("0")
        values[name] = f"{head}О{tail}" if found else values[name].translate({ord("M"): "М", ord("C"): "С"})

    return change


def _wrong_severity(world: World, values: Values) -> None:
    values["severity"] = world.rng.choice([s for s in "01234" if s != values["severity"]])
    values["transgression"] = "6" if values["severity"] == "0" else "5"


def _wrong_check_digit(world: World, values: Values) -> None:
    values["iin"] = f"{values['iin'][:11]}{(int(values['iin'][11]) + world.rng.randint(1, 9)) % 10}"


def _too_young(world: World, values: Values) -> None:
    day = date.fromisoformat(values["committed_at"][:10])
    values["iin"], values["birth_date"], values["sex"] = world.person(day, youngest=13, oldest=14)


def _elsewhere(world: World, values: Values) -> None:
    values["latitude"], values["longitude"] = world.point_elsewhere(values["kato"])


def _wrong_district(_: World, values: Values) -> None:
    values["kato"] = f"{values['kato'][:2]}9990000"


def _too_much_recovered(_: World, values: Values) -> None:
    values["damage_recovered_kzt"] = f"{Decimal(values['damage_established_kzt']) + 1000:.2f}"


def _short(name: str, position: int = 10) -> Callable[[World, Values], None]:
    def change(_: World, values: Values) -> None:
        values[name] = values[name][:position] + values[name][position + 1 :]

    return change


def _camera(values: Values) -> bool:
    return values["protocol_origin"].startswith("camera")


def _no_camera(values: Values) -> bool:
    return not _camera(values)


def _before_midnight(values: Values) -> bool:
    return values["registered_at"][11:] < "23:50"


def _adult(values: Values) -> bool:
    """A natural offender whose birth date, moved by some days, is still one of somebody old enough."""
    return values["offender_kind"] == "natural" and "1930" < values["birth_date"] < "2005"


_CRIMINAL, _PRETRIAL, _CIVIL, _ADMINISTRATIVE = (
    "criminal_offence",
    "pretrial_decision",
    "civil_case",
    "administrative_offence",
)
_GRADED_THEFT = ("188", "190", "188-1", "191", "192")

FLAWS = (
    Flaw(_CRIMINAL, "invalid_code", ("GEN-301:place_type",), _set(place_type="plaza")),
    Flaw(_CRIMINAL, "invalid_code", ("GEN-301:article", "CRO-301"), _set(article="999")),
    Flaw(_CRIMINAL, "invalid_code", ("GEN-301:kato", "CRO-303"), _wrong_district),
    Flaw(_PRETRIAL, "invalid_code", ("GEN-301:article",), _set(article="999")),
    Flaw(_PRETRIAL, "invalid_code", ("GEN-301:court",), _set(court="9999"), _filled("court")),
    Flaw(_CIVIL, "invalid_code", ("GEN-301:category",), _set(category="loans")),
    Flaw(_CIVIL, "invalid_code", ("GEN-301:plaintiff_kind",), _set(plaintiff_kind="person")),
    Flaw(_ADMINISTRATIVE, "invalid_code", ("GEN-301:kato", "ADO-302"), _wrong_district),
    Flaw(_ADMINISTRATIVE, "invalid_code", ("GEN-301:article", "ADO-301"), _set(article="999"), _no_camera),
    Flaw(
        _ADMINISTRATIVE,
        "invalid_code",
        ("GEN-301:protocol_origin",),
        _set(protocol_origin="drone"),
        _no_camera,
    ),
    Flaw(_CRIMINAL, "bad_format", ("GEN-303:kui_number",), _short("kui_number")),
    Flaw(_CRIMINAL, "bad_format", ("GEN-303:registering_body",), _append("registering_body", "/OP")),
    Flaw(_PRETRIAL, "bad_format", ("GEN-303:legal_ground",), _set(legal_ground="45/7"), _filled("legal_ground")),
    Flaw(_PRETRIAL, "bad_format", ("GEN-303:decision_body",), _append("decision_body", "_")),
    Flaw(_CIVIL, "bad_format", ("GEN-303:case_no",), _append("case_no", "x")),
    Flaw(_ADMINISTRATIVE, "bad_format", ("GEN-303:protocol_no",), _short("protocol_no", 2)),
    Flaw(_ADMINISTRATIVE, "bad_format", ("GEN-303:device_no",), _append("device_no", "_a"), _camera),
    Flaw(_CRIMINAL, "missing_mandatory", ("GEN-201:place_type",), _set(place_type="")),
    Flaw(_CRIMINAL, "missing_mandatory", ("GEN-201:kui_number",), _set(kui_number="")),
    Flaw(
        _CRIMINAL,
        "missing_mandatory",
        ("CRO-201", "CRO-302"),
        _set(article_part=""),
        _is("article", *_GRADED_THEFT),
    ),
    Flaw(_PRETRIAL, "missing_mandatory", ("GEN-201:suspects_count",), _set(suspects_count="")),
    Flaw(_PRETRIAL, "missing_mandatory", ("PTD-203",), _set(legal_ground=""), _filled("legal_ground")),
    Flaw(_CIVIL, "missing_mandatory", ("GEN-201:plaintiff_kind",), _set(plaintiff_kind="")),
    Flaw(_CIVIL, "missing_mandatory", ("CIV-202",), _set(claim_kzt=""), _filled("claim_kzt")),
    Flaw(_CIVIL, "missing_mandatory", ("CIV-204",), _set(defendant_kind=""), _filled("defendant_kind")),
    Flaw(_ADMINISTRATIVE, "missing_mandatory", ("GEN-201:body",), _set(body="")),
    Flaw(_ADMINISTRATIVE, "missing_mandatory", ("ADO-205",), _set(speed_limit=""), _filled("speed_limit")),
    Flaw(_CRIMINAL, "date_order", ("CRO-401", "CRO-403"), _moved("registered_at", 1, "committed_date")),
    Flaw(
        _CRIMINAL,
        "date_order",
        ("CRO-402",),
        _later_time("registered_at", 3, "kui_registered_at"),
        _before_midnight,
    ),
    Flaw(_CIVIL, "date_order", ("CIV-401",), _moved("received_date", -9, "accepted_date")),
    Flaw(
        _ADMINISTRATIVE,
        "date_order",
        ("ADO-401",),
        _later_time("registered_at", 3, "committed_at"),
        _before_midnight,
    ),
    Flaw(_CRIMINAL, "severity_mismatch", ("CRO-405",), _wrong_severity, _is("offence_stage", "completed")),
    Flaw(_CRIMINAL, "article_not_in_force", ("CRO-301",), _set(article="240", article_part="")),
    Flaw(
        _ADMINISTRATIVE,
        "article_not_in_force",
        ("ADO-301",),
        _set(article="73-2"),
        lambda v: _no_camera(v) and v["offender_kind"] == "natural",
    ),
    Flaw(_CRIMINAL, "point_outside_region", ("CRO-305",), _elsewhere, _filled("latitude")),
    Flaw(_ADMINISTRATIVE, "point_outside_region", ("ADO-303",), _elsewhere, _camera),
    Flaw(
        _CRIMINAL,
        "late_registration",
        ("CRO-404",),
        _later_time("kui_registered_at", -3000, "kui_registered_at"),
        lambda v: (
            (datetime.fromisoformat(v["kui_registered_at"]).date() - date.fromisoformat(v["committed_date"])).days > 4
        ),
    ),
    Flaw(
        _ADMINISTRATIVE,
        "expired_device_certificate",
        ("ADO-402",),
        _moved("committed_at", -12, "device_certificate_until"),
        _camera,
    ),
    Flaw(_ADMINISTRATIVE, "bad_iin", ("IDN-301",), _wrong_check_digit, _filled("iin")),
    Flaw(
        _ADMINISTRATIVE,
        "iin_birth_date_mismatch",
        ("IDN-401",),
        _moved("birth_date", 40, "birth_date"),
        _adult,
    ),
    Flaw(_ADMINISTRATIVE, "age_below_liability", ("ADO-406",), _too_young, _adult),
    Flaw(
        _ADMINISTRATIVE,
        "speed_part",
        ("ADO-403",),
        _set(measured_speed="61", speed_limit="60"),
        _filled("measured_speed"),
    ),
    Flaw(_PRETRIAL, "damage_order", ("PTD-402",), _too_much_recovered, _filled("damage_recovered_kzt")),
    Flaw(_PRETRIAL, "court_missing", ("PTD-201",), _set(court=""), _filled("court")),
    Flaw(
        _CIVIL,
        "award_order",
        ("CIV-205",),
        _set(award_kzt="0.00"),
        lambda v: v["outcome"] in ("satisfied", "order_issued") and v["claim_kzt"] != "",
    ),
    Flaw(_CRIMINAL, "unreadable_type", ("GEN-102:committed_date",), _set(committed_date="31.02.2026")),
    Flaw(_CRIMINAL, "unreadable_type", ("GEN-102:is_public_place",), _set(is_public_place="yes")),
    Flaw(_PRETRIAL, "unreadable_type", ("GEN-102:investigation_days",), _set(investigation_days="12.5")),
    Flaw(_CIVIL, "unreadable_type", ("GEN-102:accepted_date",), _set(accepted_date="2026-02-30")),
    Flaw(
        _ADMINISTRATIVE,
        "unreadable_type",
        ("GEN-102:measured_speed",),
        _set(measured_speed="87.5"),
        _filled("measured_speed"),
    ),
    Flaw(
        _ADMINISTRATIVE,
        "unreadable_type",
        ("GEN-102:birth_date",),
        _set(birth_date="1988-00-12"),
        _filled("birth_date"),
    ),
    Flaw(_CRIMINAL, "trailing_space", ("GEN-301:place_type", "GEN-104:place_type"), _append("place_type", " ")),
    Flaw(
        _PRETRIAL,
        "trailing_space",
        ("GEN-303:decision_body", "GEN-104:decision_body"),
        _append("decision_body", " "),
    ),
    Flaw(_CIVIL, "trailing_space", ("GEN-301:category", "GEN-104:category"), _append("category", " ")),
    Flaw(_ADMINISTRATIVE, "trailing_space", ("GEN-303:body", "GEN-104:body"), _append("body", " ")),
    Flaw(_CRIMINAL, "lookalike", ("GEN-105:kui_number", "GEN-303:kui_number"), _lookalike("kui_number")),
    Flaw(
        _PRETRIAL,
        "lookalike",
        ("GEN-105:decision_body", "GEN-303:decision_body"),
        _lookalike("decision_body"),
        lambda v: v["decision_body"].startswith("MVD"),
    ),
    Flaw(_CIVIL, "lookalike", ("GEN-105:case_no", "GEN-303:case_no"), _lookalike("case_no")),
    Flaw(
        _ADMINISTRATIVE,
        "lookalike",
        ("GEN-105:body", "GEN-303:body"),
        _lookalike("body"),
        lambda v: v["body"].startswith(("MVD", "CAM")),
    ),
    Flaw(_CRIMINAL, "placeholder", ("GEN-202:kui_number",), _set(kui_number="0" * 15)),
    Flaw(
        _PRETRIAL,
        "placeholder",
        ("GEN-202:legal_ground", "GEN-303:legal_ground"),
        _set(legal_ground="-"),
        _filled("legal_ground"),
    ),
    Flaw(
        _CIVIL,
        "placeholder",
        ("GEN-202:plaintiff_kind", "GEN-301:plaintiff_kind"),
        _set(plaintiff_kind="нет"),
    ),
    Flaw(_ADMINISTRATIVE, "placeholder", ("GEN-202:iin",), _set(iin="0" * 12), _filled("iin")),
)
"""Ways to spoil one record; the first rule named is the one the defect is meant to break."""

CORRECTABLE = {
    "invalid_code",
    "missing_mandatory",
    "date_order",
    "severity_mismatch",
    "bad_iin",
    "damage_order",
}
