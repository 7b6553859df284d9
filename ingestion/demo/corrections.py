"""Replacements and annulments by the owner of a record, such as happen without any defect."""

from datetime import timedelta
from decimal import Decimal

from ingestion.demo.model import COUNTED_DAYS, Values
from ingestion.demo.plan import Plan
from ingestion.demo.world import World

ANNULLED = (
    "criminal_offence",
    "civil_case",
    "administrative_court_case",
    "enforcement_proceeding",
    "administrative_offence",
    "administrative_decision",
)
"""Forms whose records may vanish without a gap in a numbered course of events."""


CHANGES = {
    "suspect": {"education": "higher"},
    "enforcement_proceeding": {"has_travel_ban": "true"},
    "administrative_decision": {"is_appealed": "true"},
    "fine_payment": {"payment_channel": "treasury"},
}


def corrections(plan: Plan) -> None:
    """Replace and annul, a few days after the record, some that have one version; what others point to stays."""
    world, rng = plan.world, plan.world.rng
    share = world.volumes["all", "correction_share", "M"] - world.volumes["all", "correction_share", "reclassified"]
    annulled = world.volumes["all", "correction_share", "D"]
    for form, records in plan.records.items():
        for record in [r for r in records if r.is_single]:
            draw = rng.random()
            earliest = record.package.period + timedelta(days=rng.randint(1, 8))
            if draw < annulled:
                if form in ANNULLED and not record.is_parent:
                    plan.correct(record, "D", rng.choice(("duplicate", "error_fixed")), {}, earliest)
            elif draw < annulled + share:
                reason = rng.choice(("error_fixed", "late_information", "prosecutor_instruction"))
                plan.correct(record, "M", reason, corrected(world, form, record.values), earliest)


def corrected(world: World, form: str, values: Values) -> Values:
    """What a correction of a record changes; nothing that other records are compared with."""
    if form in ("criminal_offence", "administrative_offence"):
        if values.get("damage_kzt"):
            return {"damage_kzt": f"{Decimal(values['damage_kzt']) * world.rng.randint(50, 150) / 100:.2f}"}
        latitude, longitude = world.point(values["kato"])
        return {"latitude": latitude, "longitude": longitude}
    if form == "pretrial_decision" and values["damage_established_kzt"]:
        return {"damage_recovered_kzt": values["damage_established_kzt"]}
    if form == "victim":
        return {"damage_recovered_kzt": values["damage_kzt"]}
    if form == "criminal_verdict":
        return {"additional_punishment": "confiscation" if values["punishment_type"] else ""}
    if form == "civil_case":
        return {"state_fee_kzt": f"{Decimal(values['state_fee_kzt']) + 150:.2f}"}
    if form in COUNTED_DAYS:
        return {COUNTED_DAYS[form]: str(int(values[COUNTED_DAYS[form]]) + 1)}
    return CHANGES[form]
