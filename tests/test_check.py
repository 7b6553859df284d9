"""A subject's own check, without a database, says what the warehouse will say of the field rules."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from expectations.check import check
from ingestion.contract import Catalogue
from tests.conftest import Store
from tests.packages import (
    DAY,
    FORMS,
    NOW,
    csv_bytes,
    jsonl_bytes,
    pack,
    record,
    records,
    redeclare,
    replace_payload,
    zip_of,
)
from tests.sins.table import SINS
from tests.test_rules import mutated, several


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_check_and_warehouse_find_the_same_field_rules(store: Store, tmp_path: Path, form: str) -> None:
    given = [changes for _, sin, _ in SINS[form] for changes in several(sin)]
    sins = [record(form, n, **changes) for n, changes in enumerate(given, start=1)]
    rows = sins + mutated(form, records(form, 150, 1000), Random(7))
    rows.append(record(form, 99_999, **dict.fromkeys(store.catalogue.forms[form].control_total_fields, "unread")))
    path = pack(tmp_path / "package", store.catalogue, form, rows[:1])
    (path / "records.csv").rename(path / "records.jsonl")
    totals = dict.fromkeys(store.catalogue.forms[form].control_total_fields, "0")
    redeclare(path, payload_name="records.jsonl", payload_format="jsonl", payload_control_totals=totals)
    replace_payload(path, jsonl_bytes(rows) + b"{\n", records=len(rows) + 1)
    report = check(path, store.catalogue, NOW)
    assert report.records == len(rows) + 1
    store.submit(path)
    store.quarantine(form)
    assert store.codes() == [None]
    stated = {rule.code for rule in store.catalogue.forms[form].rules if rule.holds} | set(report.left_to_the_warehouse)
    judged = {
        (line, rule, None if rule == "GEN-101" else field)
        for line, rule, field in store.query(
            "select line, rule, field from quality.violations where rule < 'GEN-6' or rule > 'GEN-7'"
        )
        if rule not in stated
    }
    assert {(f.line, f.rule.code, f.field) for f in report.findings} == judged
    assert len({rule for _, rule, _ in judged}) >= 8


def test_what_intake_would_refuse_the_check_refuses(tmp_path: Path, catalogue: Catalogue) -> None:
    form = catalogue.forms["criminal_offence"]
    names = [field.name for field in form.fields]
    path = pack(tmp_path / "package", catalogue, form.name, records(form.name, 2))
    assert not check(path, catalogue, NOW).refused
    assert check(zip_of(path), catalogue, NOW).findings == ()
    assert [f.rule.code for f in check(path, catalogue, NOW - timedelta(days=1)).findings] == ["PKG-121"]
    replace_payload(path, csv_bytes([*names, "surname"], records(form.name, 2)))
    refused = check(path, catalogue, NOW)
    assert refused.refused
    assert [f.rule.code for f in refused.findings] == ["PKG-117"]
    (path / "manifest.json").unlink()
    assert [f.rule.code for f in check(path, catalogue, NOW).findings] == ["PKG-102"]


def test_a_finding_is_a_sentence_in_every_language_without_a_value(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [record("administrative_offence", 1, iin="850303399770x")]
    report = check(pack(tmp_path / "package", catalogue, "administrative_offence", rows), catalogue, NOW)
    assert report.findings
    for finding in report.findings:
        for language in ("kk", "ru", "en"):
            assert finding.rule.message[language] in finding.sentence(language)
            assert "850303399770" not in finding.sentence(language)


def test_a_nil_report_has_nothing_to_find(tmp_path: Path, catalogue: Catalogue) -> None:
    report = check(pack(tmp_path / "nil", catalogue, "civil_case", day=DAY), catalogue, NOW)
    assert (report.records, report.findings) == (0, ())
