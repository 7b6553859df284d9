"""The scorecard of subjects on real nights: what each figure counts, that it is fair, and that it can be explained.

How one figure follows from its counts is dbt's unit test beside the model. Keep out how rules judge.
"""

import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations import findings
from expectations.findings import Finding
from ingestion.contract import Catalogue
from orchestration import dbt
from tests.conftest import Store, warehouse_like
from tests.packages import DAY, NOW, Values, pack, record, records

FORM, SMALL, LARGE, ABSENT, QUIET = "civil_case", "SUD-7513", "SUD-7511", "SUD-7514", "SUD-7517"
OCTOBER = date(2026, 10, 1)
DIMENSIONS = {"integrity", "objectivity", "reliability", "sufficiency", "completeness", "stability", "comparability"}
SCORES = "select * from quality.scorecard order by subject, month, dimension"


def build(store: Store, *arguments: str) -> None:
    models = ("int_quality__packages", "int_quality__failures", "scorecard", "scorecard_evidence")
    build_them = ("--quiet", "build", "--project-dir", dbt.PROJECT, "--exclude-resource-type", "unit_test")
    outcome = subprocess.run(
        [dbt.EXECUTABLE, *build_them, "--select", *models, *arguments],
        env=dbt.environment(store.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout[-4000:] + outcome.stderr[-2000:]


def case(court: str, number: int, /, **changes: str) -> Values:
    return record(FORM, number, court=court, case_no=f"{court}-26-00-2/{number}", **changes)


def settle(store: Store, *open_ones: Finding, day: int = 0) -> None:
    rules = ["CAL-701", "SER-802"]
    findings.settle(store.connection, store.catalogue, rules, open_ones, NOW + timedelta(days=day))


def missing(subject: str, day: date) -> Finding:
    return Finding("CAL-701", subject, FORM, day, day, severity="warning")


def implausible(subject: str, first: date, last: date) -> Finding:
    return Finding("SER-802", subject, FORM, first, last, item="category", severity="warning")


@pytest.fixture(scope="module")
def scored(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Store]:
    """A large court with 60 of 200 records in error, a small one with 1 of 3; one that sent nothing."""
    folder = tmp_path_factory.mktemp("scorecard")
    with warehouse_like(template, folder / "home", catalogue) as store:
        large = [case("7511", n, **({"claim_kzt": "0"} if n <= 60 else {})) for n in range(1, 201)]
        small = [case("7513", n, **({"category": "moon"} if n == 1 else {})) for n in range(1, 4)]
        store.submit(pack(folder / "large", catalogue, FORM, large, sender=LARGE))
        store.submit(pack(folder / "small", catalogue, FORM, small, sender=SMALL))
        store.submit(pack(folder / "quiet", catalogue, FORM, [case("7517", 1)], sender=QUIET))
        damaged = pack(folder / "damaged", catalogue, FORM, records(FORM, 1), sender=LARGE, day=DAY - timedelta(days=1))
        (damaged / "records.csv").write_bytes(b"other bytes")
        store.submit(damaged)
        store.quarantine(FORM)
        settle(store, missing(SMALL, DAY - timedelta(days=1)), missing(ABSENT, DAY), implausible(LARGE, OCTOBER, DAY))
        build(store)
        yield store


@pytest.fixture(autouse=True)
def at_home(scored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZANSTAT_HOME", str(scored.home))
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", scored.url)


def figure(store: Store, subject: str, dimension: str, month: date = OCTOBER) -> Any:
    """(deciding level, units, failing, score)."""
    return store.one(
        "select level, n_units, n_failing, score from quality.scorecard "
        "where (subject, dimension, month) = (%s, %s, %s)",
        subject,
        dimension,
        month,
    )


def test_every_subject_has_one_figure_for_each_dimension_of_the_law(scored: Store) -> None:
    rows = scored.query("select subject, array_agg(dimension order by dimension) from quality.scorecard group by 1")
    assert {subject: set(dimensions) for subject, dimensions in rows} == dict.fromkeys(
        (SMALL, LARGE, ABSENT, QUIET), DIMENSIONS
    )


def test_records_packages_what_was_due_and_series_are_measured_each_at_its_level(scored: Store) -> None:
    assert figure(scored, LARGE, "reliability")[:3] == ("record", 200, 60)
    assert figure(scored, LARGE, "integrity")[:3] == ("package", 2, 1)
    assert figure(scored, SMALL, "comparability")[:3] == ("record", 3, 1)
    assert figure(scored, SMALL, "completeness")[:3] == ("due", 2, 1)
    assert figure(scored, LARGE, "objectivity")[0] == "series"
    assert figure(scored, LARGE, "objectivity")[2] == 1
    assert figure(scored, LARGE, "stability") == ("record", 200, 0, 100)


def test_a_subject_that_sent_nothing_has_a_figure_for_what_was_due_alone(scored: Store) -> None:
    assert figure(scored, ABSENT, "completeness")[:3] == ("due", 1, 1)
    assert figure(scored, ABSENT, "reliability") == (None, None, None, None)


def test_one_error_of_three_is_not_worse_than_three_hundred_of_a_thousand(scored: Store) -> None:
    """The share of the small court is the higher one, and what it proves is less."""
    assert 1 / 3 > 60 / 200
    assert figure(scored, SMALL, "comparability")[3] > figure(scored, LARGE, "reliability")[3]


def test_every_figure_is_drilled_down_to_documents_and_rules(scored: Store) -> None:
    unexplained = scored.query(
        "select subject, dimension from quality.scorecard as card where coalesce(n_failing, 0) > coalesce(("
        "select sum(n) from quality.scorecard_evidence as evidence "
        "where (evidence.subject, evidence.month, evidence.dimension, evidence.level) "
        "= (card.subject, card.month, card.dimension, card.level)), 0)"
    )
    assert unexplained == []
    (refused,) = scored.query("select submission_seq from quality.submissions where verdict = 'refused'")
    (small,) = scored.query("select submission_seq from quality.submissions where subject = %s", SMALL)
    evidence = scored.query(
        "select subject, level, rule, severity, submission_seq, n from quality.scorecard_evidence "
        "where dimension in ('integrity', 'comparability', 'completeness') order by 1, 2, 3"
    )
    assert evidence == [
        (LARGE, "package", "PKG-111", "refuse", refused, 1),
        (SMALL, "due", "CAL-701", "warning", None, 1),
        (SMALL, "record", "GEN-301", "error", small, 1),
        (ABSENT, "due", "CAL-701", "warning", None, 1),
    ]
    finding = scored.one("select finding_id from quality.scorecard_evidence where subject = %s", ABSENT)
    assert scored.one("select subject from quality.findings where finding_id = %s", finding) == ABSENT


def test_what_is_corrected_and_what_comes_late_changes_its_own_rows_and_equals_a_full_build(
    scored: Store, tmp_path: Path
) -> None:
    stamps = "select subject, dimension, xmin::text from quality.scorecard where month = %s"
    before = set(scored.query(stamps, OCTOBER))
    repaired = case("7513", 1, action="M")
    tomorrow = NOW + timedelta(days=1)
    scored.submit(pack(tmp_path / "repair", scored.catalogue, FORM, [repaired], sender=SMALL, sequence=2))
    late = case("7513", 9, received_date="2026-09-30", accepted_date="2026-09-30")
    scored.submit(pack(tmp_path / "late", scored.catalogue, FORM, [late], sender=SMALL, day=date(2026, 9, 30)))
    scored.quarantine(FORM, tomorrow)
    settle(scored, missing(ABSENT, DAY), implausible(LARGE, OCTOBER, DAY), day=1)
    build(scored)
    assert figure(scored, SMALL, "comparability") == ("record", 4, 0, 100)
    assert figure(scored, SMALL, "completeness")[2:] == (0, 100)
    assert figure(scored, SMALL, "reliability", date(2026, 9, 1)) == ("record", 1, 0, 100)
    rewritten = {subject for subject, _, _ in set(scored.query(stamps, OCTOBER)) - before}
    assert SMALL in rewritten
    assert QUIET not in rewritten
    contents = scored.query(SCORES)
    build(scored, "--full-refresh")
    assert scored.query(SCORES) == contents


def test_a_second_build_changes_nothing(scored: Store) -> None:
    contents = scored.query(SCORES)
    build(scored)
    assert scored.query(SCORES) == contents
