"""A form is one folder of data: all else follows from it, and two versions live side by side."""

import csv
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from expectations.conditions import conditions
from ingestion import tables
from ingestion.contract import Break, Catalogue, CatalogueError, load_catalogue
from orchestration import dbt
from orchestration.setup import prepare
from tests.conftest import Store, warehouse_like
from tests.packages import DAY, pack, record

FORM_TOML = """\
sphere = "administrative"
rule_prefix = "FIF"
description = "A form that exists in this test alone."
law_ref = "Law 510 Art. 8(2)(1)"
submitter_kinds = ["police_department"]
natural_key = ["case_no"]
event_date_field = "decided_on"
registered_date_field = "decided_on"
control_total_fields = ["fine_kzt"]
title = { kk = "Бесінші нысан", ru = "Пятая форма", en = "Fifth form" }

[[versions]]
version = "2026.1"
valid_from = 2015-01-01
"""
FIELDS = [
    {"field": "action", "type": "string", "required": "yes", "code_list": "action"},
    {
        "field": "correction_reason",
        "type": "string",
        "required": "if:GEN-203",
        "code_list": "correction_reason",
    },
    {"field": "case_no", "type": "string", "required": "yes", "pattern": "^[0-9]{6}$"},
    {"field": "decided_on", "type": "date", "required": "yes"},
    {"field": "fine_kzt", "type": "decimal(18,2)", "required": "no", "min": "0"},
    {"field": "paid_kzt", "type": "decimal(18,2)", "required": "no", "min": "0"},
    {"field": "iin", "type": "string", "required": "no", "pattern": "^[0-9]{12}$", "pii": "direct"},
]
RULE = {
    "rule": "FIF-401",
    "level": "row",
    "dimension": "consistency",
    "severity": "error",
    "law_ref": "Law 510 Art. 8(2)(2)",
    "fields": "paid_kzt|fine_kzt",
    "statement_en": "paid_kzt <= fine_kzt.",
    "parameters": "{}",
    "valid_from": "2015-01-01",
    "source": "test",
    "holds": "paid_kzt <= fine_kzt",
    "message_en": "Correct the sums.",
    "message_kk": "Сомаларды түзетіңіз.",
    "message_ru": "Исправьте суммы.",
}


def copy_of_the_catalogue(folder: Path, shipped: Catalogue) -> Path:
    for part in ("forms", "classifiers", "registry"):
        shutil.copytree(shipped.root / part, folder / part)
    return folder


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines))


def write(path: Path, columns: list[str], rows: list[dict[str, str]], *, after: bool = False) -> None:
    with path.open("a" if after else "w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, restval="", lineterminator="\n")
        if not after:
            writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def fifth(tmp_path: Path, catalogue: Catalogue) -> Catalogue:
    """The catalogue and one folder more."""
    root = copy_of_the_catalogue(tmp_path / "catalogue", catalogue)
    shipped, folder = root / "forms/civil_case", root / "forms/fifth_form"
    folder.mkdir()
    (folder / "form.toml").write_text(FORM_TOML, encoding="utf-8")
    write(folder / "fields.csv", header(shipped / "fields.csv"), [{"pii": "none", **field} for field in FIELDS])
    write(folder / "rules.csv", header(shipped / "rules.csv"), [RULE])
    duty = {
        "form": "fifth_form",
        "subject_kind": "police_department",
        "period": "day",
        "deadline": "PT24H",
        "working_days": "false",
        "mandatory": "false",
        "nil_required": "false",
        "valid_from": "2015-01-01",
    }
    write(
        root / "registry/submission_regulation.csv",
        header(root / "registry/submission_regulation.csv"),
        [duty],
        after=True,
    )
    return load_catalogue(root)


@pytest.fixture
def store_of_five(template: str, tmp_path: Path, fifth: Catalogue) -> Iterator[Store]:
    with warehouse_like(template, tmp_path / "home", fifth) as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZANSTAT_CATALOGUE", str(fifth.root))
        assert prepare(store.connection, load_catalogue(), store.home)
        assert not prepare(store.connection, load_catalogue(), store.home)
        yield store


@pytest.mark.server
def test_a_fifth_form_takes_one_folder_of_data(store_of_five: Store, tmp_path: Path) -> None:
    import dagster as dg

    from orchestration.assets.forms import form_assets

    store, name = store_of_five, "fifth_form"
    form = store.catalogue.forms[name]
    columns = dict(
        store.query(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'raw' and table_name = %s",
            name,
        )
    )
    assert columns["fine_kzt"] == "numeric"
    assert columns["decided_on"] == "date"
    assert {"submission_seq", "line", "record_key", "flags", "iin_token", "token_key_id"} <= set(columns)
    judged_by = {c.rule.code for c in conditions(form, store.catalogue, DAY)}
    assert {"FIF-401", "GEN-102", "GEN-201", "GEN-303", "GEN-304", "GEN-401"} <= judged_by
    (raw, *_) = yaml.safe_load(dbt.sources(store.catalogue))["sources"]
    assert name in [table["name"] for table in raw["tables"]]
    assets = {key: asset for asset in form_assets(store.catalogue) for key in asset.keys}
    judged = assets[dg.AssetKey(["judged", name])]
    assert dg.AssetKey(["raw", name]) in assets
    assert "judgement_is_sound" in {spec.name for spec in judged.check_specs}

    blank = {field["field"]: "" for field in FIELDS}
    good = blank | {
        "action": "I",
        "case_no": "000001",
        "decided_on": DAY.isoformat(),
        "fine_kzt": "10.00",
        "paid_kzt": "10.00",
    }
    rows = [
        good,
        good | {"case_no": "000002", "paid_kzt": "10.01"},
        good | {"case_no": "3", "fine_kzt": "9.00", "paid_kzt": ""},
    ]
    store.submit(pack(tmp_path / "package", store.catalogue, name, rows, sender="MVD-75"))
    store.night(forms=[name])
    assert store.violations() == {(1, 3, "FIF-401", "paid_kzt"), (1, 4, "GEN-303", "case_no")} | {
        row for row in store.violations() if row[2].startswith("GEN-502")
    }
    assert store.verdicts() == ["partly_accepted"]
    assert store.query("select catalogue_version from quality.submissions") == [store.catalogue.version]
    assert store.verify() == []


@pytest.fixture
def two_versions(tmp_path: Path, catalogue: Catalogue) -> Catalogue:
    """From the day of the tests on, civil cases have a field more and one less."""
    root = copy_of_the_catalogue(tmp_path / "catalogue", catalogue)
    folder = root / "forms/civil_case"
    head = (folder / "form.toml").read_text(encoding="utf-8")
    head += f'valid_to = {DAY - timedelta(days=1)}\n\n[[versions]]\nversion = "2026.2"\nvalid_from = {DAY}\n'
    (folder / "form.toml").write_text(head, encoding="utf-8")
    columns = header(folder / "fields.csv")
    with (folder / "fields.csv").open(encoding="utf-8", newline="") as lines:
        fields = list(csv.DictReader(lines))
    for field in fields:
        if field["field"] == "is_appealed":
            field["versions"] = "2026.1"
    fields.append(
        {
            "field": "judge_code",
            "type": "string",
            "required": "yes",
            "pattern": "^J[0-9]{3}$",
            "pii": "none",
            "versions": "2026.2",
        }
    )
    write(folder / "fields.csv", columns, fields)
    return load_catalogue(root)


@pytest.mark.server
def test_two_versions_of_a_form_live_side_by_side(template: str, tmp_path: Path, two_versions: Catalogue) -> None:
    with warehouse_like(template, tmp_path / "home", two_versions) as store:
        tables.create(store.connection, two_versions)
        tables.create_views(store.connection, two_versions)
        before = DAY - timedelta(days=1)
        day = {"received_date": before.isoformat(), "accepted_date": before.isoformat()}
        old = [record("civil_case", n, **day) for n in (1, 2)] + [record("civil_case", 3, is_appealed="", **day)]
        new = [record("civil_case", n, judge_code="J001") for n in (4, 5)] + [
            record("civil_case", 6),
            record("civil_case", 7, judge_code="7"),
        ]
        for row in new:
            del row["is_appealed"]
        store.submit(pack(tmp_path / "old", two_versions, "civil_case", old, day=before))
        store.submit(pack(tmp_path / "new", two_versions, "civil_case", new))
        store.night(forms=["civil_case"])
        assert store.query(
            "select form_version, records_accepted from quality.submissions join ledger.submissions "
            "on seq = quality.submissions.submission_seq order by 1"
        ) == [("2026.1", 2), ("2026.2", 2)]
        found = {
            (row[2], row[3]) for row in store.violations() if row[2].startswith("GEN-2") or row[2].startswith("GEN-303")
        }
        assert found == {("GEN-201", "is_appealed"), ("GEN-201", "judge_code"), ("GEN-303", "judge_code")}
        assert sorted(store.query("select distinct form_version from raw.civil_case")) == ["2026.1", "2026.2"]
        assert store.verify() == []


def test_every_judgement_names_the_catalogue_it_was_judged_by(two_versions: Catalogue, catalogue: Catalogue) -> None:
    assert two_versions.version != catalogue.version
    assert load_catalogue(two_versions.root).version == two_versions.version


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("forms/civil_case/form.toml", '"case_no"', '"no_such_field"'),
        ("forms/civil_case/fields.csv", "civil_category", "no_such_list"),
        ("forms/civil_case/rules.csv", "decision_date|outcome", "decision_date|no_such_field"),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_not_read(
    tmp_path: Path, catalogue: Catalogue, file: str, old: str, new: str
) -> None:
    root = copy_of_the_catalogue(tmp_path / "catalogue", catalogue)
    (root / file).write_text((root / file).read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match="civil_case"):
        load_catalogue(root)


def with_break(folder: Path, catalogue: Catalogue, **row: str) -> Catalogue:
    root = copy_of_the_catalogue(folder / "catalogue", catalogue)
    path = root / "registry/series_breaks.csv"
    write(path, header(path), [{"form": "criminal_offence", "period_from": "2026-07-01", "cause": "law"} | row])
    return load_catalogue(root)


def test_a_break_is_of_one_subject_or_of_all(tmp_path: Path, catalogue: Catalogue) -> None:
    day = date(2026, 7, 1)
    assert catalogue.series_breaks == ()
    assert with_break(tmp_path / "all", catalogue).series_breaks == (Break("criminal_offence", None, day, "law"),)
    of_one = with_break(tmp_path / "one", catalogue, subject="MVD-75", cause="practice")
    assert of_one.series_breaks == (Break("criminal_offence", "MVD-75", day, "practice"),)


@pytest.mark.parametrize("wrong", [{"form": "no_such_form"}, {"subject": "MVD-00"}, {"cause": "habit"}])
def test_a_break_of_nothing_known_is_not_read(tmp_path: Path, catalogue: Catalogue, wrong: dict[str, str]) -> None:
    with pytest.raises(CatalogueError, match="series_breaks"):
        with_break(tmp_path, catalogue, **wrong)
