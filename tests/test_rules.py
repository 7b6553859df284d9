"""Every rule, one by one: a record that breaks it, and one beside it that just passes.

Here belong the meaning of rules and the agreement of all who judge by them: Great Expectations, the
quarantine statement, plain SQL, and the specification as written. Keep out corrections (6xx).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from expectations import validation
from expectations.conditions import conditions
from ingestion import demo
from ingestion.contract import Catalogue, load_catalogue
from tests.conftest import Store
from tests.packages import (
    DAY,
    FORMS,
    KEYS,
    NOW,
    SENDER,
    Values,
    jsonl_bytes,
    pack,
    record,
    redeclare,
    replace_payload,
)
from tests.sins.fields import sin_of
from tests.sins.table import SINS

DATA = Path(__file__).parent / "data"
NEITHER = ("GEN-101", "GEN-601", "GEN-602", "GEN-604")
"""Not conditions over a record: see test_refusals, test_reader and test_corrections."""

PROVEN_ELSEWHERE = {
    "GEN-101": "test_receipts",
    "GEN-601": "test_corrections",
    "GEN-602": "test_corrections",
    "GEN-604": "test_corrections",
    "ADO-502": "test_reader",
    "CRO-502": "test_completeness",
    "AGR-601": "test_reconciliation",
    "AGR-602": "test_reconciliation",
    "AGR-901": "test_reconciliation",
    "AGR-902": "test_reconciliation",
    "AGR-903": "test_reconciliation",
    "AGR-904": "test_reconciliation",
}
"""Rules that need more than one package, another form or a changed parameter, and the module that proves each."""


def judged(
    store: Store, folder: Path, form: str, rows: list[Values], day: date = DAY, at: datetime = NOW
) -> dict[tuple[str, str], int]:
    """Send the rows as one package, judge it; (rule, field) -> records."""
    path = pack(folder / "package", store.catalogue, form, rows[:1], day=day)
    totals = dict.fromkeys(store.catalogue.forms[form].control_total_fields, "0")
    (path / "records.csv").rename(path / "records.jsonl")
    redeclare(path, payload_name="records.jsonl", payload_format="jsonl", payload_control_totals=totals)
    # A value that cannot be read makes a total not comparable: the package is let in whatever its totals are.
    spoilt = record(form, 999_999, **dict.fromkeys(totals, "unread"))
    replace_payload(path, jsonl_bytes([*rows, spoilt]), records=len(rows) + 1)
    store.submit(path, SENDER[form])
    store.receive(at)
    assert store.codes()[-1] is None
    store.load(form, at=at)
    return dict(store.judge(form, at=at).violations)


class Sent:
    """Records to send, and of each what it must break and what it must not: (rule, field), or (rule, None)."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.rows: list[Values] = []
        self.breaking: dict[int, tuple[str, str | None]] = {}
        self.passing: dict[int, tuple[str, str | None]] = {}

    def add(self, rule: str, field: str | None, sins: Sequence[Values], beside: Sequence[Values]) -> None:
        for changes, place in (*((c, self.breaking) for c in sins), *((c, self.passing) for c in beside)):
            self.rows.append(record(self.form, len(self.rows) + 1, **changes))
            place[len(self.rows)] = (rule, field)


def several(changes: Values | list[Values] | None) -> list[Values]:
    return [{}] if changes is None else changes if isinstance(changes, list) else [changes]


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_each_rule_is_broken_by_its_sin_and_passed_beside_it(store: Store, tmp_path: Path, form: str) -> None:
    """Every rule of the form as the table has it, and every rule of a field in every field it is about."""
    sent = Sent(form)
    for rule, sin, beside in SINS[form]:
        sent.add(rule, None, several(sin), several(beside))
    declared = store.catalogue.forms[form]
    for condition in conditions(declared, store.catalogue, DAY):
        if condition.rule.code.startswith("GEN"):
            sent.add(*condition.key, *sin_of(condition, declared, store.catalogue))
    judged(store, tmp_path, form, sent.rows)
    found: set[tuple[int, str, str | None]] = set()
    for line, rule, field in store.query("select line, rule, field from quality.violations"):
        found |= {(line, rule, field), (line, rule, None)}
    assert {line: what for line, what in sent.breaking.items() if (line, *what) not in found} == {}
    assert {line: what for line, what in sent.passing.items() if (line, *what) in found} == {}


def test_every_rule_of_the_catalogue_has_a_record_that_breaks_it_and_one_that_passes(catalogue: Catalogue) -> None:
    """A rule that judges records must be in the table, of every form it concerns, or be named with its proof."""
    for form in FORMS:
        stated = {c.rule.code for c in conditions(catalogue.forms[form], catalogue, DAY)}
        of_fields = {code for code in stated if code.startswith("GEN")}
        broken = {rule for rule, sin, _ in SINS[form] if several(sin)}
        passed = {rule for rule, _, beside in SINS[form] if several(beside)}
        assert stated - of_fields - broken - PROVEN_ELSEWHERE.keys() == set(), form
        assert stated - of_fields - passed - PROVEN_ELSEWHERE.keys() == set(), form
    judged_here = {rule for sins in SINS.values() for rule, *_ in sins}
    unproven = {
        rule.code
        for form in catalogue.forms.values()
        for rule in catalogue.rules_of(form)
        if rule.number < 600 and not rule.code.startswith(("PKG", "GEN")) and rule.code not in PROVEN_ELSEWHERE
    } - judged_here
    assert unproven == set()


def test_what_is_proven_elsewhere_is_named_there() -> None:
    for rule, module in PROVEN_ELSEWHERE.items():
        text = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
        assert rule in text or rule.replace("-", "_").lower() in text, f"{module} says nothing of {rule}"


# Who judges by the conditions


def mutated(form: str, rows: Iterable[Values], rng: Random) -> list[Values]:
    """Records of which each has one or two values taken from elsewhere: another field, another record, nonsense."""
    given = list(rows)
    names = [name for name in given[0] if name != "action"]
    strange = [
        "",
        "",
        "-",
        "0",
        "1",
        "-1",
        "x",
        "2026-02-30",
        "2014-12-31",
        "2027-01-01",
        "2026-10-14T23:59:59",
        "0.001",
        "true",
        "99999999999",
        "000000000000",
        "нет",
        " street",
        "592",
        "188",
        "4",
        "court_plea",
        "camera_fixed",
        "9999-12-31",
    ]
    made = []
    for number, values in enumerate(given):
        changed = dict(values)
        for _ in range(rng.randint(1, 2)):
            name = rng.choice(names)
            changed[name] = rng.choice([rng.choice(strange), rng.choice(given)[name], values[rng.choice(names)]])
        key = next(iter(KEYS[form](900_000 + number).items()))
        made.append(changed | (dict([key]) if number % 20 else {}))
    return made


DIFFER_BY_DESIGN = {
    "CRO-302": "the specification's own statement counts: the pair must be known on committed_date",
    "IDN-303": "its statement: not later than the day of receipt",
    "IDN-405": "its statement: the debtor's IIN satisfies IDN-303, so its date is a real one and not in the future",
    "AGR-401": "its statement: what is not cumulative is one month or quarter",
    "AGR-303": "its statement: the territory is valid on period_end",
}
"""Where statement and condition of the specification differ, the statement counts."""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    folder = tmp_path_factory.mktemp("demonstration")
    demo.generate(folder, catalogue, first_day=DAY - timedelta(days=3), last_day=DAY, subjects=16, records=1200, seed=5)
    return folder


@pytest.mark.server
@pytest.mark.parametrize("form", FORMS)
def test_expectations_quarantine_plain_sql_and_specification_count_the_same(
    store: Store, tmp_path: Path, demonstration: Path, form: str
) -> None:
    tomorrow = NOW + timedelta(days=1)
    for day in sorted(path for path in demonstration.iterdir() if path.is_dir()):
        for path in day.glob(f"*/{form}_*"):
            store.drop(path, path.parent.name)
        store.receive(tomorrow)
    store.load(form, at=tomorrow)
    sent = store.query(f"select to_jsonb(r) from raw.{form} r where flags is null limit 300")
    names = [field.name for field in store.catalogue.forms[form].fields]
    texts = [{name: as_text(row[name]) for name in names} for row in sent] + every_kind(form, 100 if sent else 300)
    rows = mutated(form, texts, Random(510))
    counted = judged(store, tmp_path, form, rows, day=DAY - timedelta(days=9), at=tomorrow)

    unread = store.one("select count(*) from raw.unreadable")
    assert counted.pop(("GEN-101", "action"), 0) == unread
    written = Counter(
        (rule, field)
        for rule, field in store.query(
            "select rule, field from quality.violations where rule <> all(%s)", list(NEITHER)
        )
    )
    plain = plain_counts(store, form)
    assert {key: n for key, n in plain.items() if n} == counted == dict(written)
    assert len({rule for rule, _ in counted}) >= 12
    specified = specified_counts(store, form)
    for rule, number in specified.items():
        ours = sum(n for (code, _), n in plain.items() if code == rule)
        assert number == ours or rule in DIFFER_BY_DESIGN, f"{rule}: specification {number}, system {ours}"
    assert store.verify() == []


def every_kind(form: str, number: int) -> list[Values]:
    """Records of all the kinds the table of sins knows, over and over."""
    kinds = [changes for _, *both in SINS[form] for given in both for changes in several(given)]
    names = [field.name for field in load_catalogue().forms[form].fields]
    return [dict.fromkeys(names, "") | record(form, n + 1, **kinds[n % len(kinds)]) for n in range(number)]


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def plain_counts(store: Store, form: str) -> dict[tuple[str, str], int]:
    """One count a condition, straight over the view: what anybody with psql would ask."""
    every = conditions(store.catalogue.forms[form], store.catalogue, DAY)
    columns = ", ".join(f"count(*) filter (where not ({c.sql}))" for c in every).replace("%", "%%")
    numbers = store.connection.execute(f"select {columns} from checked.{form}", []).fetchone()
    assert numbers is not None
    counts: Counter[tuple[str, str]] = Counter()
    for condition, number in zip(every, numbers, strict=True):
        counts[condition.key] += number
    return dict(counts)


def specified_counts(store: Store, form: str) -> dict[str, int]:
    """The conditions as the specification writes them, with their lookups; silent where a cell was not read."""
    declared = store.catalogue.forms[form]
    counts = {}
    with (DATA / "spec_holds.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["form"] != form or row["rule"] not in store.catalogue.rules:
                continue
            rule = store.catalogue.rules[row["rule"]]
            unread = [f"GEN-102:{name}" for name in rule.fields if not declared.column(name).is_text]
            question = (
                f"select count(*) from raw.{form} as {form} where not ({row['holds']}) "
                f"and not coalesce(flags && %(unread)s, false)"
            )
            question = question.replace("%", "%%").replace("%%(unread)s", "%(unread)s")
            found = store.connection.execute(question, {"unread": unread}).fetchone()
            counts[rule.code] = found[0] if found else 0
    return counts


@pytest.mark.parametrize("form", FORMS)
def test_a_rule_is_silent_about_what_could_not_be_read(catalogue: Catalogue, form: str) -> None:
    for condition in conditions(catalogue.forms[form], catalogue, DAY):
        typed = [n for n in condition.rule.fields if n in catalogue.forms[form].field_names]
        typed = [n for n in typed if not catalogue.forms[form].column(n).is_text]
        if condition.rule.holds:
            assert set(condition.silent_on) == set(typed)


def test_a_rule_not_in_force_does_not_judge(catalogue: Catalogue) -> None:
    form = catalogue.forms["criminal_offence"]
    before = conditions(form, catalogue, date(2014, 12, 31))
    assert before == []


@pytest.mark.server
def test_a_rule_that_cannot_be_evaluated_leaves_no_page_in_the_words_of_the_database(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    form, docs = "civil_case", tmp_path / "docs"
    store.submit(pack(tmp_path / "sent", store.catalogue, form, [record(form, 1)]))
    store.receive()
    store.load(form)
    waiting = validation.batch(store.connection, store.catalogue.forms[form], NOW.date())
    assert waiting
    validation.show(store.connection, waiting)
    every = conditions(store.catalogue.forms[form], store.catalogue, NOW.date())
    first, *others = [condition for condition in every if not condition.is_flag]
    validation.validate(store.sqlalchemy_url, waiting, [first, *others], docs)
    (page,) = docs.rglob("*.html")
    assert first.rule.code in page.read_text()
    page.unlink()
    failing = replace(first, holds="case_no::integer > 0", silent_on=())  # the error quotes the number of the case
    with pytest.raises(validation.MachineryError, match=f"{first.rule.code} on .*InvalidTextRepresentation"):
        validation.validate(store.sqlalchemy_url, waiting, [failing, *others], docs)
    assert [path for path in docs.rglob("*") if path.is_file()] == []
    assert record(form, 1)["case_no"] not in caplog.text
