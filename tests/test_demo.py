"""The demonstration generator: what it writes is lawful but for the defects it names.

Here belong checks of the packages as written. Keep out reading, intake and judging by the system itself.
"""

import csv
import gzip
import hashlib
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.detection import scores, unscored
from ingestion.contract import Catalogue
from ingestion.demo import DemoSummary, check_digit, generate
from ingestion.demo.faults import FAULTS
from ingestion.intake import LOCAL_TIME
from tests.conftest import Store

FIRST, LAST = date(2026, 9, 2), date(2026, 10, 1)
ENCODINGS = {"utf-8": "utf-8-sig"}
Truth = dict[str, Any]
Line = tuple[int, dict[str, str]]


def written(destination: Path, catalogue: Catalogue, **changes: Any) -> DemoSummary:
    chosen: dict[str, Any] = {
        "first_day": FIRST,
        "last_day": LAST,
        "subjects": 24,
        "records": 4000,
        "seed": 7,
    } | changes
    return generate(destination, catalogue, **chosen)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> DemoSummary:
    return written(tmp_path_factory.mktemp("demo"), catalogue)


@pytest.fixture(scope="module")
def truth(demo: DemoSummary) -> Truth:
    document: Truth = json.loads((demo.destination / "truth.json").read_text(encoding="utf-8"))
    return document


def contents(destination: Path) -> dict[str, str]:
    files = (path for path in destination.rglob("*") if path.is_file())
    return {str(p.relative_to(destination)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def packages(destination: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, bytes]]]:
    """Every package as (path below the destination, manifest, payload files), in order of sending."""
    for entry in sorted(destination.glob("*/*/*")):
        if entry.suffix == ".zip":
            with zipfile.ZipFile(entry) as archive:
                files = {Path(name).name: archive.read(name) for name in archive.namelist()}
        else:
            files = {path.name: path.read_bytes() for path in entry.iterdir()}
        manifest = json.loads(files.pop("manifest.json"))
        yield entry.relative_to(destination).as_posix(), manifest, files


def lines_of(manifest: dict[str, Any], files: dict[str, bytes]) -> list[Line]:
    """The readable records of a sound package with the number of their line."""
    if manifest["nil_report"]:
        return []
    (entry,) = manifest["payload"]
    content = files[entry["name"]]
    if entry["compression"] == "gzip":
        content = gzip.decompress(content)
    text = content.decode(ENCODINGS.get(entry["encoding"], entry["encoding"]))
    physical = text.removesuffix("\n").split("\n")
    if entry["format"] == "jsonl":
        return [*json_lines(physical)]
    header = physical[0].strip().split(",")
    rows = ((number, next(csv.reader([line]))) for number, line in enumerate(physical[1:], start=2))
    return [(number, dict(zip(header, row, strict=True))) for number, row in rows if len(row) == len(header)]


def json_lines(physical: list[str]) -> Iterator[Line]:
    for number, line in enumerate(physical, start=1):
        if line.endswith("}"):
            values = json.loads(line).items()
            yield number, {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values}


def sound(demo: DemoSummary, truth: Truth) -> Iterator[tuple[dict[str, Any], list[Line]]]:
    refused = refusals(truth)
    for path, manifest, files in packages(demo.destination):
        if path not in refused:
            yield manifest, lines_of(manifest, files)


def refusals(truth: Truth) -> set[str]:
    """Paths of the packages that are not accepted in the end."""
    return {entry["package"] for entry in truth["packages"] if entry["rule"] != "PKG-126"}


def identity(manifest: dict[str, Any]) -> tuple[Any, ...]:
    return (
        manifest["subject"],
        manifest["form"],
        manifest.get("report_code"),
        manifest["period"]["from"],
        manifest["sequence"],
    )


def place(entry: Truth) -> tuple[Any, ...]:
    return entry["subject"], entry["form"], entry["report_code"], entry["period"], entry["sequence"]


def clean(demo: DemoSummary, truth: Truth, form: str) -> Iterator[dict[str, str]]:
    spoilt = {(*place(e), e["line"]) for e in truth["records"]}
    for manifest, lines in sound(demo, truth):
        if manifest["form"] == form:
            yield from (values for line, values in lines if (*identity(manifest), line) not in spoilt)


def test_same_seed_gives_the_same_bytes(tmp_path: Path, catalogue: Catalogue) -> None:
    small = {"subjects": 8, "records": 500}
    for folder, seed in (("first", 3), ("again", 3), ("other", 4)):
        written(tmp_path / folder, catalogue, seed=seed, **small)
    assert contents(tmp_path / "first") == contents(tmp_path / "again")
    assert contents(tmp_path / "first") != contents(tmp_path / "other")


def test_volumes_are_near_what_was_asked(demo: DemoSummary) -> None:
    assert 2000 <= demo.records <= 4400
    assert len(demo.subjects) == 24
    assert demo.nil_packages > 0
    assert demo.days[0] > FIRST
    assert 0.03 <= sum(demo.defects.values()) / demo.records <= 0.2


def test_every_form_is_sent(demo: DemoSummary, catalogue: Catalogue) -> None:
    assert set(demo.records_by_form) == set(catalogue.forms)


def test_sixty_subjects_cover_all_regions(tmp_path: Path, catalogue: Catalogue) -> None:
    summary = written(tmp_path, catalogue, subjects=60, records=100, last_day=FIRST)
    regions = {catalogue.subjects[code].region for code in summary.subjects} - {None}
    assert len(summary.subjects) == 60
    assert regions == {code.code for code in catalogue.code_lists["region"]}


def test_every_sender_is_registered_and_owes_the_form(demo: DemoSummary, truth: Truth, catalogue: Catalogue) -> None:
    for manifest, _ in sound(demo, truth):
        subject, day = catalogue.subjects[manifest["subject"]], date.fromisoformat(manifest["period"]["to"])
        assert subject.active(day, day)
        assert subject.kind in catalogue.forms[manifest["form"]].submitter_kinds
        assert catalogue.duties_of(manifest["form"], subject.kind, day)


def test_manifest_states_the_payload_exactly(demo: DemoSummary, truth: Truth, catalogue: Catalogue) -> None:
    refused = refusals(truth)
    for path, manifest, files in packages(demo.destination):
        if path in refused or manifest["nil_report"]:
            assert path in refused or (manifest["payload"], files) == ([], {})
            continue
        (entry,) = manifest["payload"]
        content = files[entry["name"]]
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        lines = lines_of(manifest, files)
        counted = [values for _, values in lines if values["action"] in ("I", "M")]
        for name in catalogue.forms[manifest["form"]].control_total_fields:
            total = sum((Decimal(v[name]) for v in counted if v.get(name)), Decimal(0))
            assert entry["control_totals"][name] == f"{total:.2f}"


def test_every_package_defect_occurs_and_is_sent_again(demo: DemoSummary, truth: Truth) -> None:
    assert set(demo.package_defects) == set(FAULTS)
    accepted = Counter(identity(manifest) for manifest, _ in sound(demo, truth))
    assert set(accepted.values()) == {1}


@pytest.mark.long
def test_a_whole_demonstration_breaks_every_rule_or_says_why_not(tmp_path: Path, catalogue: Catalogue) -> None:
    last = date(2026, 10, 31)
    summary = generate(tmp_path / "demo", catalogue, first_day=last - timedelta(days=59), last_day=last)
    document = json.loads((summary.destination / "truth.json").read_text(encoding="utf-8"))
    assert [rule for rule, reason in unscored(catalogue, document).items() if not reason] == []


def test_truth_points_at_lines_that_exist(demo: DemoSummary, truth: Truth, catalogue: Catalogue) -> None:
    refused = refusals(truth)
    records = {
        identity(manifest): manifest["payload"][0] if manifest["payload"] else None
        for path, manifest, _ in packages(demo.destination)
        if path not in refused
    }
    assert truth["records"]
    for entry in truth["records"]:
        payload = records[place(entry)]
        assert payload is not None
        first = 1 if payload["format"] == "jsonl" else 2
        assert first <= entry["line"] < first + payload["records"] + 1
        assert entry["rule"] in catalogue.rules or "-6" in entry["rule"]


def test_clean_records_hold_known_codes_and_formats(demo: DemoSummary, truth: Truth, catalogue: Catalogue) -> None:
    for name, form in catalogue.forms.items():
        codes = {f.name: {c.code for c in catalogue.code_lists[f.code_list]} for f in form.fields if f.code_list}
        required = [f.name for f in form.fields if f.required == "yes"]
        for values in clean(demo, truth, name):
            assert all(values[field] for field in required)
            assert all(values.get(field, "") in {"", *known} for field, known in codes.items())


def test_clean_severity_is_the_grading_of_the_day(demo: DemoSummary, truth: Truth, catalogue: Catalogue) -> None:
    gradings = catalogue.code_lists["criminal_article_severity"]
    graded = {(g.row["article"], g.row["part"]) for g in gradings}
    for values in clean(demo, truth, "criminal_offence"):
        day = date.fromisoformat(values["committed_date"])
        named = (values["article"], values.get("article_part", ""))
        valid = [
            g.row["severity"]
            for g in gradings
            if (g.row["article"], g.row["part"]) == named
            and g.valid_from <= day
            and (g.valid_to is None or day <= g.valid_to)
        ]
        assert valid == [values["severity"]] or named not in graded


def test_clean_numbers_of_persons_are_well_formed_and_invented(demo: DemoSummary, truth: Truth) -> None:
    persons = organisations = 0
    for values in clean(demo, truth, "administrative_offence"):
        if iin := values.get("iin"):
            persons += 1
            assert check_digit(iin[:11]) == int(iin[11])
            assert 9900 <= int(iin[7:11]) <= 9999
            assert iin[:6] == values["birth_date"].replace("-", "")[2:]
            assert (int(iin[6]) % 2 == 1) == (values["sex"] == "1")
        if bin_ := values.get("bin"):
            organisations += 1
            assert check_digit(bin_[:11]) == int(bin_[11])
            assert bin_.startswith("6001")
            assert bin_[5] == "9"
    assert persons > 100
    assert organisations > 0


def test_check_digit_follows_both_rows_of_weights() -> None:
    assert check_digit("60014000001") == 8
    assert check_digit("00000000000") == 0
    second = next(n for n in (f"{i:011d}" for i in range(1, 200)) if weighted(n) == 10)
    assert check_digit(second) != weighted(second)


def weighted(number: str) -> int:
    return sum(int(d) * w for w, d in enumerate(number, start=1)) % 11


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> tuple[DemoSummary, Truth]:
    """A history without defects, and its truth."""
    summary = written(tmp_path_factory.mktemp("faultless"), catalogue, subjects=19, records=3000, defects=False)
    return summary, json.loads((summary.destination / "truth.json").read_text(encoding="utf-8"))


def test_without_defects_nothing_is_wrong_but_lateness_and_what_is_still_to_come(
    faultless: tuple[DemoSummary, Truth],
) -> None:
    summary, document = faultless
    assert (summary.defects, summary.package_defects) == ({}, {})
    assert {e["rule"] for e in document["records"] if "-6" not in e["rule"]} <= {"GEN-403"}
    assert {e["rule"] for e in document["records"] if e["severity"] == "error"} <= STILL_TO_COME


STILL_TO_COME = {"PTD-601", "PTD-603", "PTD-604", "SUS-601", "VIC-601", "CRO-602", "ADD-601", "FPY-601", "FPY-603"}
"""Links whose other end may lie in a package that has not arrived."""


def test_every_link_points_to_a_record_that_was_sent(
    faultless: tuple[DemoSummary, Truth], catalogue: Catalogue
) -> None:
    summary, document = faultless
    waiting = {(*place(e), e["line"]) for e in document["records"] if e["rule"].endswith("-601")}
    sent: dict[str, list[tuple[tuple[Any, ...], dict[str, str]]]] = defaultdict(list)
    for manifest, lines in sound(summary, document):
        sent[manifest["form"]] += [((*identity(manifest), line), values) for line, values in lines]
    for name in (
        "pretrial_decision",
        "suspect",
        "victim",
        "criminal_verdict",
        "administrative_decision",
        "fine_payment",
    ):
        form = catalogue.forms[name]
        assert form.parent_form
        keys = {
            tuple(v[key] for key in catalogue.forms[form.parent_form].natural_key) for _, v in sent[form.parent_form]
        }
        parents = [(at, tuple(v[own] for own, _ in form.parent_link)) for at, v in sent[name]]
        assert parents
        assert [at for at, parent in parents if parent not in keys and at not in waiting] == []


def test_what_the_warehouse_finds_is_the_truth(store: Store, tmp_path: Path) -> None:
    """A small history of all forms in one night: every error rule finds what is true, and no more."""
    summary = written(tmp_path / "demo", store.catalogue, subjects=20, records=1500, nights=0, seed=11)
    truth = json.loads((summary.destination / "truth.json").read_text(encoding="utf-8"))
    for day in summary.days:
        for package in sorted((summary.destination / day.isoformat()).glob("*/*")):
            store.drop(package, package.parent.name)
        store.receive(datetime.combine(day, time(18), LOCAL_TIME))
    loading = summary.days[-1] + timedelta(days=1)
    store.night(datetime.combine(loading, time(2), LOCAL_TIME))
    found = scores(store.connection, store.catalogue, truth)
    assert len(found) > 80
    assert [(s.rule, s.true, s.found, s.examples) for s in found if s.is_error and not s.is_perfect] == []
