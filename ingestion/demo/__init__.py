"""Demonstration packages: what some sixty subjects might send in some sixty days, with known defects.

Here belong the invention of records, their corrections and defects, and the writing of packages with the
truth about them. Keep out intake, reading and judging: nothing here knows whether a package will be accepted,
it only notes which rules it has broken on purpose.

This is demonstration data. Nothing in it is a fact of statistics and no record concerns a real person or
entity: shares come from ``volumes.csv``, all else from a seeded generator. An invented IIN has a serial
number of 9900-9999, an invented BIN begins with 6001 (January 1960) and has 9 as its sixth digit, a value no
kind of entity has.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from ingestion.contract import Catalogue
from ingestion.demo.administrative import protocols
from ingestion.demo.civil import cases, judgements
from ingestion.demo.corrections import corrections
from ingestion.demo.criminal import decisions, offences
from ingestion.demo.model import DemoSummary
from ingestion.demo.plan import FORM_SHARES, Plan
from ingestion.demo.plan import PACKAGE_DEFECTS as PACKAGE_DEFECTS
from ingestion.demo.spoiling import spoil
from ingestion.demo.world import World
from ingestion.demo.world import check_digit as check_digit
from ingestion.demo.writing import choose_variants, write


def generate(
    destination: Path,
    catalogue: Catalogue,
    *,
    first_day: date,
    last_day: date,
    subjects: int = 60,
    records: int = 50_000,
    seed: int = 510,
    defects: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Write the packages for the periods ``first_day`` to ``last_day`` and ``truth.json`` to ``destination``.

    A package is ``<day of sending>/<subject>/<form>_<period>_<sequence>/`` (sometimes ``.zip``), so
    that one day's folders can be moved to the inbox as they are; days run from ``first_day + 1`` to
    ``last_day + 1``, and what would arrive later is not written. ``records`` is the aim for all forms
    together, met within some per cent. ``progress(done, total)`` is called while packages are written.
    The same arguments give the same bytes.
    """
    world = World(catalogue, first_day, last_day, subjects, seed)
    plan = Plan(world, defects)
    _register(plan, records)
    packages = plan.close()
    if defects:
        spoil(plan)
    choose_variants(world.rng, packages)
    return write(destination, plan, packages, progress)


def _register(plan: Plan, records: int) -> None:
    """Invent all records: new ones first, then the fate of packages, then corrections."""
    aim = {form: round(records * share) for form, share in FORM_SHARES.items()}
    registered = offences(plan, aim["criminal_offence"])
    requalified = decisions(plan, registered)
    filed = cases(plan, round(aim["civil_case"] * 0.6))
    protocols(plan, aim["administrative_offence"])
    plan.settle()
    for offence, earliest, changes in requalified:
        plan.correct(offence, "M", "reclassified", changes, earliest)
    judgements(plan, filed)
    corrections(plan)
