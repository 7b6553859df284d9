"""Packages for measuring: one of a million criminal offences, a thousand small ones, and a night of all forms.

Records are demonstration values without persons; about one in twenty breaks a rule, so that quarantine has work.
"""

import csv
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from bench.records import DAY, MONTH, MONTHLY, SENDERS, records
from ingestion import package
from ingestion.contract import CATALOGUE_ROOT, Catalogue, load_catalogue

PREPARED = datetime(2026, 10, 20, 15, tzinfo=UTC)
FORM = "criminal_offence"


def offences(count: int, body: str, first: int) -> pl.DataFrame:
    """``count`` records of Almaty, numbered from ``first``; every twentieth breaks one of five rules."""
    n = pl.int_range(first, first + count, dtype=pl.Int64)
    number = pl.format("267511{}", (n + 10**8).cast(pl.String).str.zfill(9))
    defect = n % 100
    minute = (n % 60).cast(pl.String).str.zfill(2)
    return pl.select(
        action=pl.lit("I"),
        correction_reason=pl.lit(None, dtype=pl.String),
        erdr_number=pl.when(defect == 3).then(None).otherwise(number),
        registered_at=pl.format("2026-10-20T11:{}:{}", minute, minute),
        registering_body=pl.lit(body),
        kui_number=number,
        kui_registered_at=pl.format("2026-10-20T10:{}:00", minute),
        committed_date=pl.when(defect == 23).then(pl.lit("2026-10-21")).otherwise(pl.lit("2026-10-19")),
        committed_time=pl.format("1{}:{}", n % 2 + 2, minute),
        time_of_day=pl.lit("day"),
        article=pl.lit("188"),
        article_part=pl.lit("2"),
        severity=pl.when(defect == 43).then(pl.lit("1")).otherwise(pl.lit("2")),
        transgression=pl.lit("5"),
        offence_stage=pl.lit("completed"),
        kato=pl.when(defect == 63).then(pl.lit("759999999")).otherwise(pl.lit("751110000")),
        place_type=pl.lit("street"),
        is_public_place=pl.lit("true"),
        latitude=pl.format("43.2{}", (n % 100_000).cast(pl.String).str.zfill(5)),
        longitude=pl.format("76.9{}", (n % 99_991).cast(pl.String).str.zfill(5)),
        damage_kzt=pl.when(defect == 83).then(pl.lit("1e5")).otherwise(pl.format("{}.00", n % 900_000 + 1000)),
        is_domestic_violence=pl.lit("false"),
    )


def write(folder: Path, catalogue: Catalogue, *, subject: str, count: int, first: int) -> Path:
    """One package of ``count`` records with its manifest."""
    folder.mkdir(parents=True)
    offences(count, subject, first).write_csv(folder / "records.csv")
    package.pack(folder, catalogue, form=FORM, subject=subject, period_from=DAY, period_to=DAY, prepared_at=PREPARED)
    return folder


def night(folder: Path, catalogue: Catalogue, count: int, records_a_package: int) -> dict[str, str]:
    """``count`` packages of all forms, ``folder/<subject>/night``, each by a body of its own; subject -> form."""
    articles = tuple(dict.fromkeys(code.code for code in catalogue.code_lists["criminal_article"]))
    sent = bodies(count)
    for number, (body, form) in enumerate(sent.items()):
        path = folder / body / "night"
        path.mkdir(parents=True)
        start, end = MONTH if form in MONTHLY else (DAY, DAY)
        version = next(v.version for v in catalogue.forms[form].versions if v.valid_on(end))
        with (path / "records.csv").open("w", encoding="utf-8", newline="") as lines:
            names = [field.name for field in catalogue.forms[form].fields_of(version)]
            writer = csv.DictWriter(lines, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(records(form, records_a_package, number * records_a_package, body, articles))
        package.pack(
            path,
            catalogue,
            form=form,
            subject=body,
            period_from=start,
            period_to=end,
            prepared_at=PREPARED,
            report_code=MONTHLY.get(form),
        )
    return sent


def bodies(count: int) -> dict[str, str]:
    """Subject -> the form it sends, in the shares of ``SENDERS``, at least one of each form."""
    whole = sum(share for _, share in SENDERS.values())
    forms = [form for form, (_, share) in SENDERS.items() for _ in range(max(1, share * count // whole))]
    return {f"NT-{number:04d}": form for number, form in enumerate(forms)}


def registry(root: Path, kinds: Mapping[str, str]) -> Catalogue:
    """A catalogue like the shipped one, with subjects of its own: ``kinds`` is code -> kind."""
    for part in ("forms", "classifiers", "registry"):
        shutil.copytree(CATALOGUE_ROOT / part, root / part)
    path = root / "registry/subjects.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        columns = next(csv.reader(lines))
    with path.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, restval="", lineterminator="\n")
        for code, kind in kinds.items():
            writer.writerow(
                {
                    "code": code,
                    "kind": kind,
                    "region": "750000000",
                    "parent": "MVD-75" if kind == "police_division" else "",
                    "name_en": f"Bench body {code}",
                    "name_kk": f"Bench {code}",
                    "name_ru": f"Bench {code}",
                    "active_from": "2015-01-01",
                    "source": "demonstration",
                }
            )
    return load_catalogue(root)


def figures(path: Path) -> dict[str, float]:
    """Figures a measured process left behind."""
    loaded: dict[str, float] = json.loads(path.read_text())
    return loaded
