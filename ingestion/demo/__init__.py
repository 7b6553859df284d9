"""Demonstration packages: what some sixty subjects might send in some sixty days, with known defects.

Here belong the invention of records, their corrections and defects, and the writing of packages with the
truth about them. Keep out intake, reading and judging: nothing here knows whether a package will be accepted,
it only notes which rules it has broken on purpose.

This is demonstration data. Nothing in it is a fact of statistics and no record concerns a real person or
entity: shares come from ``volumes.csv``, all else from a seeded generator. An invented IIN has a serial
number of 9900-9999, an invented BIN begins with 6001 (January 1960) and has 9 as its sixth digit, a value no
kind of entity has.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

from ingestion.contract import Catalogue
from ingestion.demo import (
    administrative,
    administrative_court,
    civil,
    criminal,
    enforcement,
    penalties,
    persons,
    reports,
    truth,
    verdicts,
)
from ingestion.demo.corrections import corrections
from ingestion.demo.model import DemoSummary, Package
from ingestion.demo.plan import Plan
from ingestion.demo.spoiling import spoil
from ingestion.demo.world import World
from ingestion.demo.world import check_digit as check_digit
from ingestion.demo.writing import Writer, choose_variants, make_distinct, write

NIGHTS_ONE_BY_ONE = 5
ROOT_SHARES = {
    "criminal_offence": 0.08,
    "civil_case": 0.12,
    "administrative_court_case": 0.015,
    "enforcement_proceeding": 0.03,
    "administrative_offence": 0.155,
}
"""Records that nothing in the demonstration precedes, as shares of all; the others follow from them."""


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
    nights: int = NIGHTS_ONE_BY_ONE,
    progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Write the packages for the periods ``first_day`` to ``last_day`` and ``truth.json`` to ``destination``.

    A package is ``<day of sending>/<subject>/<form>_<period>_<sequence>/`` (sometimes ``.zip``), so
    that one day's folders can be moved to the inbox as they are; days run from ``first_day + 1`` to
    ``last_day + 1``, and what would arrive later is not written. ``records`` is the aim for all forms
    together, met within some per cent. ``nights`` days at the end are judged one by one, all before in one night:
    reports are right as far as their night knows. ``progress(done, total)`` is called while packages are written.
    The same arguments give the same bytes.
    """
    world = World(catalogue, first_day, last_day, subjects, seed)
    plan = Plan(world, defects)
    _register(plan, records)
    packages = plan.close()
    if defects:
        spoil(plan)
    choose_variants(world.rng, packages)
    for package in packages:
        make_distinct(package)
    first_night = plan.horizon - timedelta(days=nights)
    reported = reports.reports(plan, packages, lambda day: max(day, first_night))
    if defects:
        reports.spoil(plan, reported)
    packages += reported
    writer = write(destination, plan, packages, progress)
    return _tell(plan, packages, writer)


def _tell(plan: Plan, packages: Sequence[Package], writer: Writer) -> DemoSummary:
    """Write the truth beside the packages, and count them."""
    received = [package for package in packages if package.arrives is not None]
    by_form = Counter[str]()
    for package in received:
        by_form[package.form.name] += len(package.records)
    summary = DemoSummary(
        destination=writer.destination,
        days=tuple(sorted({date.fromisoformat(p.name) for p in writer.destination.iterdir() if p.is_dir()})),
        subjects=tuple(subject.code for subject in plan.world.subjects),
        packages=writer.count,
        nil_packages=writer.nil,
        records=sum(by_form.values()),
        records_by_form=dict(sorted(by_form.items())),
        defects=dict(sorted(Counter(r.defect for p in received for r in p.records if r.defect).items())),
        package_defects=dict(sorted(Counter(entry["defect"] for entry in writer.refusals).items())),
    )
    told = truth.document(plan.world.catalogue, packages, writer.refusals, plan.horizon)
    counts = {name: value for name, value in asdict(summary).items() if name not in ("destination", "days", "subjects")}
    (writer.destination / "truth.json").write_text(json.dumps({**told, "counts": counts}, indent=0), encoding="utf-8")
    return summary


def _register(plan: Plan, records: int) -> None:
    """Invent all records: new ones first, then the fate of packages, then what replaces or follows from them."""
    aim = {root: round(records * share) for root, share in ROOT_SHARES.items()}
    registered = criminal.offences(plan, aim["criminal_offence"])
    courses, requalified = criminal.decisions(plan, registered)
    suspects = persons.suspects(plan, courses)
    persons.victims(plan, registered)
    convicting = verdicts.verdicts(plan, courses, suspects)
    verdicts.sentences(plan, convicting)
    filed = civil.cases(plan, aim["civil_case"])
    disputes = administrative_court.disputes(plan, aim["administrative_court_case"])
    decided = penalties.decisions(plan, administrative.protocols(plan, aim["administrative_offence"]))
    unpaid = penalties.payments(plan, decided)
    plan.settle()
    for offence, earliest, changes in requalified:
        plan.correct(offence, "M", "reclassified", changes, earliest)
    judged = civil.judgements(plan, filed)
    administrative_court.judgements(plan, disputes)
    enforcement.proceedings(plan, judged, convicting, unpaid, aim["enforcement_proceeding"])
    plan.fill_nil_days()
    corrections(plan)
