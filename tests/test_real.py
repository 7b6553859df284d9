"""Real rows, dirty in ways nobody invents: police-recorded offences (data/real/ATTRIBUTION.md).

What the warehouse counts is compared with what plain Python counts in the same files.
"""

import csv
from datetime import date
from pathlib import Path

import pytest

from expectations.check import check
from tests.conftest import Store
from tests.packages import NOW, pack

EXCERPTS = Path(__file__).parent / "data/real"
FORM = "criminal_offence"
DAYS = (date(2024, 7, 31), date(2025, 7, 31))


def rows_of(day: date) -> list[dict[str, str]]:
    with (EXCERPTS / f"criminal_offence_{day}_1/records.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def package_of(day: date, store: Store, folder: Path) -> Path:
    content = (EXCERPTS / f"criminal_offence_{day}_1/records.csv").read_bytes()
    return pack(folder / f"criminal_offence_{day}_1", store.catalogue, FORM, content=content, day=day)


@pytest.mark.server
def test_the_warehouse_counts_real_rows_as_plain_python_does(store: Store, tmp_path: Path) -> None:
    for day in DAYS:
        store.submit(package_of(day, store, tmp_path))
    store.night(forms=[FORM])
    for seq, day in enumerate(DAYS, start=1):
        rows = rows_of(day)
        incomplete = [row for row in rows if not (row["erdr_number"] and row["kato"])]
        known = [row for row in rows if row["erdr_number"]]
        assert len({row["erdr_number"] for row in known}) == len(known)
        undamaged = [
            row
            for row in rows
            if not row["damage_kzt"]
            and row["offence_stage"] == "completed"
            and row["article"] != "200"
            and in_chapter_6(row)
        ]
        counts = store.query(
            "select records_declared, records_unreadable, records_quarantined, records_accepted "
            "from quality.submissions where submission_seq = %s",
            seq,
        )
        assert counts == [(len(rows), 0, len(incomplete), len(rows) - len(incomplete))]
        found = dict(
            store.query(
                "select rule || ' ' || field, count(*) from quality.violations where submission_seq = %s group by 1",
                seq,
            )
        )
        assert found["GEN-201 erdr_number"] == sum(not row["erdr_number"] for row in rows)
        assert found["GEN-201 kato"] == sum(not row["kato"] for row in rows)
        assert found["CRO-203 damage_kzt"] == len(undamaged)
        lines = store.query(
            "select distinct line from quality.violations where submission_seq = %s and severity = 'error' order by 1",
            seq,
        )
        assert lines == [place for place, row in enumerate(rows, start=2) if row in incomplete]
    assert store.verify() == []


def in_chapter_6(row: dict[str, str]) -> bool:
    return 187 <= int(row["article"].split("-")[0]) <= 204


@pytest.mark.server
def test_the_check_at_home_finds_what_the_warehouse_finds(store: Store, tmp_path: Path) -> None:
    path = package_of(DAYS[0], store, tmp_path)
    report = check(path, store.catalogue, NOW)
    store.submit(path)
    store.night(forms=[FORM])
    judged = set(
        store.query("select line, rule, field from quality.violations where rule like 'GEN-%%' and rule < 'GEN-6'")
    )
    assert {(f.line, f.rule.code, f.field) for f in report.findings} == judged
