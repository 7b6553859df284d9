"""Rules over time: a record is judged by the version in force at the date the rule names, whenever it is judged.

Here belong the choice between versions and what a changed catalogue leaves alone. Keep out what rules mean.
"""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion import tables
from ingestion.contract import Catalogue, CatalogueError
from tests.catalogues import changed, code, field, new_rule, rewritten, rule, rules_of, without_rule
from tests.conftest import Store
from tests.packages import DAY, NOW, pack, record

FORM = "criminal_offence"
RULES = rules_of(FORM)
GENERAL = rules_of("_all")
EVE = DAY - timedelta(days=1)
LARGE = "5000.00"


def two_versions(file: str, number: str, *, day: date = DAY, **newer: Any) -> tuple[Callable[[Path], None], ...]:
    """The rule as it is up to the day before ``day``; from then on with the values of ``newer``."""
    return (
        new_rule(file, number, **(newer | {"valid_from": day.isoformat()})),
        _end_first(file, number, day - timedelta(days=1)),
    )


def _end_first(file: str, number: str, last: date) -> Callable[[Path], None]:
    return rewritten(
        file,
        lambda given: [
            row | {"valid_to": last.isoformat()} if row["rule"] == number and row["valid_from"] == "2015-01-01" else row
            for row in given
        ],
    )


@pytest.fixture
def stricter(tmp_path: Path, catalogue: Catalogue) -> Catalogue:
    """From the day of the tests on, CRO-411 is an error above 1,000 tenge, and a space at an end (GEN-104) too."""
    return changed(
        tmp_path / "stricter",
        catalogue,
        *two_versions(RULES, "CRO-411", severity="error", holds="damage_kzt <= 1000"),
        *two_versions(GENERAL, "GEN-104", severity="error", parameters={"regex": " $"}),
    )


# The catalogue by itself


def test_a_rule_has_the_version_of_the_day(stricter: Catalogue) -> None:
    assert [v.valid_from for v in stricter.versions["CRO-411"]] == [date(2015, 1, 1), DAY]
    assert stricter.rule("CRO-411", EVE).severity == "warning"
    assert stricter.rule("CRO-411", DAY).severity == "error"
    assert stricter.rules["CRO-411"].severity == "error"
    assert stricter.rule("CRO-411", date(2000, 1, 1)).severity == "warning", "before the first: the first"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([new_rule(RULES, "CRO-411", severity="error")], "overlap"),
        ([new_rule(RULES, "CRO-411", valid_from=DAY)], "overlap"),
        ([rule(RULES, "CRO-411", parameters={"in_force_by": "kato"})], "no date"),
        ([rule(GENERAL, "GEN-201", parameters={"in_force_by": "registered"})], "only a rule with 'holds'"),
        (
            [*two_versions(RULES, "CRO-411", parameters={"in_force_by": "committed_date"})],
            "one in_force_by",
        ),
    ],
    ids=["same day", "no end", "no date", "no condition", "two dates"],
)
def test_versions_that_contradict_each_other_are_not_read(
    tmp_path: Path, catalogue: Catalogue, changes: list[Callable[[Path], None]], said: str
) -> None:
    with pytest.raises(CatalogueError, match=said):
        changed(tmp_path / "wrong", catalogue, *changes)


# Through the warehouse


def send(store: Store, folder: Path, day: date, *rows: dict[str, str], sequence: int = 1) -> None:
    name = folder / f"{day}-{sequence}"
    store.submit(pack(name, store.catalogue, FORM, list(rows), day=day, sequence=sequence))


def of_day(number: int, day: date, **values: str) -> dict[str, str]:
    times = {"registered_at": f"{day}T10:00:00", "kui_registered_at": f"{day}T09:00:00"}
    return record(FORM, number, committed_date=str(day - timedelta(days=1)), **times, **values)


def violations(store: Store) -> list[tuple[Any, ...]]:
    return store.query(
        "select s.received_on, v.line, v.rule, v.severity from quality.violations v "
        "join ledger.submissions s on s.seq = v.submission_seq where v.rule = any(%s) order by 1, 2, 3",
        ["CRO-411", "GEN-104"],
    )


def two_days(store: Store, folder: Path, *, at_once: bool) -> None:
    """The same records received on two days, judged at once on the second or each on its own night."""
    for day in (EVE, DAY):
        moment = NOW - (DAY - day)
        send(
            store,
            folder,
            day,
            of_day(day.day, day, damage_kzt=LARGE),
            of_day(day.day + 50, day, damage_kzt="2000000000.00"),
            of_day(day.day + 100, day, damage_kzt="1.00", committed_time=" 22:15"),
            of_day(day.day + 150, day, damage_kzt="2.00", committed_time="22:15 "),
        )
        store.receive(moment)
        if not at_once or day == DAY:
            store.load(FORM, at=moment)
            store.judge(FORM, at=moment)


EXPECTED = [
    (EVE, 3, "CRO-411", "warning"),
    (EVE, 4, "GEN-104", "warning"),
    (EVE, 5, "GEN-104", "warning"),
    (DAY, 2, "CRO-411", "error"),
    (DAY, 3, "CRO-411", "error"),
    (DAY, 5, "GEN-104", "error"),
]


@pytest.fixture
def strict_store(store: Store, stricter: Catalogue) -> Store:
    store.catalogue = stricter
    return store


@pytest.mark.server
def test_a_backlog_is_judged_as_on_its_own_nights(strict_store: Store, tmp_path: Path) -> None:
    two_days(strict_store, tmp_path / "nights", at_once=False)
    assert violations(strict_store) == EXPECTED


@pytest.mark.server
def test_judging_two_days_at_once_gives_each_its_own_version(strict_store: Store, tmp_path: Path) -> None:
    two_days(strict_store, tmp_path / "at-once", at_once=True)
    assert violations(strict_store) == EXPECTED
    assert strict_store.verify() == []


@pytest.mark.server
def test_a_rule_may_be_met_by_a_date_of_the_record(store: Store, tmp_path: Path, catalogue: Catalogue) -> None:
    by = {"parameters": {"in_force_by": "committed_date"}, "valid_from": EVE}
    store.catalogue = changed(
        tmp_path / "by-commission", catalogue, rule(RULES, "CRO-411", holds="damage_kzt <= 1000", **by)
    )
    dates = (EVE - timedelta(days=1), EVE, DAY)
    rows = [record(FORM, n, damage_kzt=LARGE, committed_date=str(day)) for n, day in enumerate(dates)]
    send(store, tmp_path, DAY, *rows, record(FORM, 9, damage_kzt=LARGE, committed_date=""))
    store.quarantine(FORM)
    assert [line for _, line, number, _ in violations(store) if number == "CRO-411"] == [3, 4]


@pytest.mark.server
def test_a_changed_catalogue_judges_nothing_anew(store: Store, tmp_path: Path, catalogue: Catalogue) -> None:
    """A rule dropped, one made stricter, a code ended: what was judged stays, and its receipts can still be written."""
    send(store, tmp_path, DAY, record(FORM, 1, damage_kzt="2000000000.00", kato=""), record(FORM, 2, damage_kzt=LARGE))
    store.night(forms=[FORM])
    table = "select * from quality.violations order by 1, 2, 3, 4"
    before, standing = store.query(table), store.query("select * from quality.submissions")
    store.catalogue = changed(
        tmp_path / "changed",
        catalogue,
        without_rule(RULES, "CRO-411"),
        rule(RULES, "CRO-404", severity="error", holds="damage_kzt <= 1000"),
        code("place_type", "street", valid_to="2020-12-31"),
        field(FORM, "erdr_number", pattern="^[0-9]{3}$"),
    )
    tables.create(store.connection, store.catalogue)
    later = NOW + timedelta(days=1)
    store.night(at=later, forms=[FORM])
    assert store.query(table) == before
    assert store.query("select * from quality.submissions") == standing
    send(store, tmp_path, DAY, record(FORM, 1, action="D"), record(FORM, 3), sequence=2)
    store.night(at=later, forms=[FORM])
    assert store.query(f"select * from ({table}) v where submission_seq = 1") == before
    judged_by = store.query("select catalogue_version from quality.submissions order by submission_seq")
    assert judged_by == [catalogue.version, store.catalogue.version]
    assert {found[2] for found in store.violations() if found[0] == 2} >= {"CRO-404", "GEN-302", "GEN-303"}
    store.connection.execute("delete from ledger.receipts")
    assert store.receipts() == 2, "a receipt may name a rule that was dropped since"


@pytest.mark.server
def test_every_version_of_a_rule_is_published(store: Store, stricter: Catalogue) -> None:
    tables.create(store.connection, stricter)
    assert store.query(
        "select valid_from, severity from quality.rules where rule = 'CRO-411' and current order by 1"
    ) == [(date(2015, 1, 1), "warning"), (DAY, "error")]


@pytest.mark.server
def test_the_published_catalogue_is_the_whole_catalogue_and_explains_itself(store: Store, catalogue: Catalogue) -> None:
    published = store.query(
        "select jsonb_build_object('code', rule, 'form', form, 'level', level, 'dimension', dimension, "
        "'severity', severity, 'law_ref', law_ref, 'fields', string_to_array(fields, '|'), 'statement', statement_en, "
        "'parameters', parameters, "
        "'message', jsonb_build_object('kk', message_kk, 'ru', message_ru, 'en', message_en), "
        "'valid_from', valid_from, 'valid_to', valid_to, 'source', source) from quality.rules where current"
    )
    declared = [
        json.loads(json.dumps({name: value for name, value in vars(rule).items() if name != "holds"}, default=str))
        for versions in catalogue.versions.values()
        for rule in versions
    ]
    assert sorted(published, key=lambda r: (r["code"], r["valid_from"])) == sorted(
        declared, key=lambda r: (r["code"], r["valid_from"])
    )
    unnamed = "select distinct dimension from quality.rules except select code from reference.quality_dimension"
    assert store.query(unnamed) == []
    unexplained = (
        "select attname from pg_attribute where attrelid = 'quality.rules'::regclass and attnum > 0 "
        "and not attisdropped and col_description(attrelid, attnum) is null"
    )
    assert store.query(unexplained) == []
