"""Replacements and annulments by the owner of a record."""

from datetime import timedelta
from decimal import Decimal

from ingestion.demo.model import Values
from ingestion.demo.plan import Plan
from ingestion.demo.world import World


def corrections(plan: Plan) -> None:
    """Replacements and annulments by the owner, a few days after the record."""
    world, rng = plan.world, plan.world.rng
    share = world.volumes["all", "correction_share", "M"] - world.volumes["all", "correction_share", "reclassified"]
    annulled = world.volumes["all", "correction_share", "D"]
    for form, records in plan.records.items():
        for record in [r for r in records if r.is_single]:
            draw = rng.random()
            earliest = record.package.period + timedelta(days=rng.randint(1, 8))
            if draw < annulled:
                plan.correct(record, "D", rng.choice(("duplicate", "error_fixed")), {}, earliest)
            elif draw < annulled + share:
                reason = rng.choice(("error_fixed", "late_information", "prosecutor_instruction"))
                plan.correct(record, "M", reason, corrected(world, form, record.values), earliest)


def corrected(world: World, form: str, values: Values) -> Values:
    """What a correction of a record changes."""
    rng = world.rng
    if form == "criminal_offence":
        if values["damage_kzt"]:
            return {"damage_kzt": f"{Decimal(values['damage_kzt']) * rng.randint(50, 150) / 100:.2f}"}
        latitude, longitude = world.point(values["kato"])
        return {"latitude": latitude, "longitude": longitude}
    if form == "pretrial_decision":
        if values["damage_established_kzt"]:
            return {"damage_recovered_kzt": values["damage_established_kzt"]}
        return {"investigation_days": str(int(values["investigation_days"]) + 1)}
    if form == "civil_case":
        return {"state_fee_kzt": f"{Decimal(values['state_fee_kzt']) + 150:.2f}"}
    latitude, longitude = world.point(values["kato"])
    return {"latitude": latitude, "longitude": longitude}
