"""A draft is tried before it is signed: what dry-run says is what happens, and nothing is touched by asking.

Here belong drafts, what they would have changed, and putting one in force. Keep out what rules mean (``test_rules``).
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from expectations import draft, dryrun
from expectations.draft import DraftError
from expectations.dryrun import Outcome
from ingestion import ledger
from ingestion.contract import Catalogue, load_catalogue
from orchestration import cli, trying
from orchestration.setup import prepare
from tests import catalogues
from tests.catalogues import changed, code, new_rule, rule, rules_of
from tests.conftest import Store, warehouse_like
from tests.packages import DAY, NOW, pack, record

FORM, DECISIONS = "criminal_offence", "pretrial_decision"
FORMS = (FORM, DECISIONS)
EVE = DAY - timedelta(days=1)
OLD: dict[str, str] = {
    "registered_at": f"{EVE}T10:00:00",
    "kui_registered_at": f"{EVE}T09:00:00",
    "committed_date": str(EVE - timedelta(days=1)),
}


def offence(number: int, **values: str) -> dict[str, str]:
    return record(FORM, number, **(OLD | values))


def decision(number: int, **values: str) -> dict[str, str]:
    return record(DECISIONS, number, decision_date=str(EVE), **values)


def history(store: Store, folder: Path) -> None:
    """Two days of two forms: clean, broken and corrected records, a second new one, and a transfer of a case."""
    sent = 0

    def send(form: str, day: int, *rows: dict[str, str], sender: str = "MVD-75") -> None:
        nonlocal sent
        sent += 1
        name = folder / f"{sent:02d}"
        store.submit(pack(name, store.catalogue, form, list(rows), day=EVE + timedelta(days=day), sender=sender))

    send(
        FORM,
        0,
        offence(1),
        offence(2, damage_kzt="5000.00"),
        offence(3, kato=""),
        offence(4, damage_kzt="5001.00", committed_time="22:15 "),
        offence(5, place_type="moon"),
        offence(6, damage_kzt="5002.00"),
        offence(7, place_type="school"),
        offence(8, article="190", article_part="1"),
    )
    send(DECISIONS, 0, decision(1, **TRANSFER), decision(2))
    store.night(at=NOW - timedelta(days=1), forms=FORMS)
    send(
        FORM,
        1,
        offence(2, action="M", damage_kzt="10.00"),
        offence(3, action="M"),
        offence(6, action="M", damage_kzt="5003.00"),
        offence(9),
    )
    send(FORM, 1, offence(1, action="M", damage_kzt="7.00"), offence(4, damage_kzt="11.00"), sender="MVD-71")
    store.night(at=NOW, forms=FORMS)


TRANSFER = {"decision_type": "transferred", "transfer_body": "MVD-71", "court": "", "suspects_count": "0"}


@dataclass
class Trial:
    """A warehouse after a history, and what a draft would have changed over it."""

    store: Store
    first: date = EVE
    last: date = DAY

    def of(self, drafted: Catalogue, records: int = 0) -> Outcome:
        catalogue, home = self.store.catalogue, self.store.home
        return dryrun.try_out(self.store.connection, catalogue, drafted, home, self.first, self.last, records)

    def contents(self) -> dict[str, Any]:
        """Every table of every schema of ours by digest, the ledger's head, the names of all relations, temporary ones
        too, and every file of the home."""
        tables = self.store.query(
            "select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE' "
            "and table_schema not in ('pg_catalog', 'information_schema') and table_schema not like 'pg_temp%%' "
            "and table_schema not like 'pg_toast%%'"
        )
        digest = "select md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from {} t"
        files = {str(p): p.stat().st_mtime_ns for p in self.store.home.rglob("*")}
        return {
            "head": ledger.head(self.store.connection),
            "files": files,
            "relations": self.store.query(
                "select relname::text from pg_class where relnamespace = pg_my_temp_schema() "
                "or relnamespace::regnamespace::text !~ '^(pg_|information_schema)' order by 1"
            ),
            **{table: self.store.one(digest.format(table)) for table in tables},
        }


@pytest.fixture(scope="module")
def trial(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("trial")
    with warehouse_like(template, folder / "home", catalogue) as store:
        history(store, folder / "sent")
        yield Trial(store)


@dataclass(frozen=True)
class Case:
    """A draft, and the rules it changes about records."""

    changes: tuple[Callable[[Path], None], ...]
    rules: frozenset[str] = field(default_factory=frozenset)


CASES = {
    "stricter rules, stated and judged while reading": Case(
        (
            rule(rules_of(FORM), "CRO-411", severity="error", holds="damage_kzt <= 1000 or damage_kzt = 120000"),
            rule(rules_of("_all"), "GEN-104", severity="error"),
            catalogues.field(FORM, "kui_number", pattern="^[0-9]{14}[1-8]$"),
            new_rule(
                rules_of(DECISIONS),
                "PTD-401",
                rule="PTD-499",
                fields="decision_type",
                holds="decision_type <> 'transferred'",
            ),
        ),
        frozenset({"CRO-411", "GEN-104", "GEN-303", "PTD-499"}),
    ),
    "laxer rules, and codes that end": Case(
        (
            catalogues.field(FORM, "kato", required="no"),
            catalogues.without_rule(rules_of("_all"), "GEN-301"),
            code("place_type", "school", valid_to="2020-12-31"),
            code("criminal_article", "190", valid_to="2020-12-31"),
        ),
        frozenset({"GEN-201", "GEN-301", "GEN-302", "CRO-301"}),
    ),
}


@pytest.mark.server
@pytest.mark.parametrize("name", CASES)
def test_what_is_predicted_happens(
    trial: Trial, template: str, tmp_path: Path, catalogue: Catalogue, name: str
) -> None:
    """The same packages judged under the draft in a second warehouse: the same records violate the changed rules, and
    every package has the verdict that dry-run named."""
    case = CASES[name]
    drafted = changed(tmp_path / "draft", catalogue, *case.changes)
    before = trial.contents()
    outcome = trial.of(drafted, records=1000)
    assert trial.contents() == before, "dry-run touched something"
    with warehouse_like(template, tmp_path / "home", drafted) as other:
        prepare(other.connection, drafted, other.home)
        history(other, tmp_path / "sent")
        compare(trial.store, other, outcome, case.rules)


def compare(now: Store, other: Store, outcome: Outcome, rules: frozenset[str], standing: str = "true") -> None:
    """``standing`` tells which violations count: rules of a record are broken whether or not they were cleared."""
    verdicts = "select submission_seq, verdict from quality.submissions"
    quarantined = (
        "select distinct submission_seq, line from quality.violations where severity = 'error' and cleared_seq is null"
    )
    predicted = dict(now.query(verdicts)) | {p.submission_seq: p.verdict_draft for p in outcome.packages}
    assert predicted == dict(other.query(verdicts))
    held, held_then = set(now.query(quarantined)), set(other.query(quarantined))
    assert held != held_then, "the draft changes nothing: the case proves nothing"
    assert {p.submission_seq: p.quarantined for p in outcome.packages if p.quarantined} == of_packages(held_then - held)
    assert {p.submission_seq: p.released for p in outcome.packages if p.released} == of_packages(held - held_then)
    assert {r.rule for r in outcome.rules} == rules
    found = (
        f"select distinct submission_seq, line, rule, field from quality.violations where rule = any(%s) and {standing}"
    )
    was, then = set(now.query(found, list(rules))), set(other.query(found, list(rules)))
    assert {(f.submission_seq, f.line, f.rule, f.field) for f in outcome.found} == then - was
    for of_rule in outcome.rules:
        of_form = (
            "select count(distinct (v.submission_seq, v.line)) from quality.violations v "
            "join ledger.submissions s on s.seq = v.submission_seq where s.form = %s and v.rule = %s "
            f"and {standing}"
        )
        values = (of_rule.form, of_rule.rule)
        assert (of_rule.now, of_rule.draft) == (now.one(of_form, *values), other.one(of_form, *values))


def of_packages(places: set[tuple[int, int]]) -> dict[int, int]:
    return dict(Counter(seq for seq, _ in places))


@pytest.mark.server
def test_the_shipped_catalogue_as_a_draft_changes_nothing(trial: Trial, catalogue: Catalogue, tmp_path: Path) -> None:
    outcome = trial.of(changed(tmp_path / "same", catalogue))
    assert (outcome.rules, outcome.subjects, outcome.packages, outcome.not_tried) == ((), (), (), ())


def spied(trial: Trial, drafted: Catalogue) -> list[tuple[str, str, int]]:
    """Every statement of a trial, whether the transaction could write after it, and how many rows of tables that stay
    had been written by then."""
    said: list[tuple[str, str, int]] = []
    written = (
        "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_xact_user_tables "
        "where schemaname !~ '^pg_temp'"
    )

    class Spy:
        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, query: Any, *values: Any) -> Any:
            answer = self.connection.execute(query, *values)
            read_only = self.connection.execute("show transaction_read_only").fetchone()[0]
            text = query.decode() if isinstance(query, bytes) else str(query)
            said.append((text, read_only, self.connection.execute(written).fetchone()[0] - before))
            return answer

    store = trial.store
    before = store.one(written)
    watched = Store(store.url, store.home, store.catalogue, Spy(store.connection))  # type: ignore[arg-type]
    Trial(watched, trial.first, trial.last).of(drafted)
    return said


@pytest.mark.server
def test_dry_run_cannot_write(trial: Trial, tmp_path: Path, catalogue: Catalogue) -> None:
    """What it does with the warehouse it does in a transaction that the server keeps from writing."""
    said = spied(trial, changed(tmp_path / "draft", catalogue, rule(rules_of(FORM), "CRO-411", severity="error")))
    outside = [query for query, read_only, _ in said if read_only == "off"]
    assert len(outside) < len(said)
    prepared = (
        "set transaction",
        "select ",
        "create temporary table",
        "insert into trial_submission",
        "analyze trial_",
    )
    assert all(re.sub(r"^--.*\n", "", query).startswith(prepared) for query in outside)
    assert {written for *_, written in said} == {0}


# Putting a draft in force


@pytest.mark.server
def test_a_draft_put_in_force_changes_no_judgement_made_before(
    store: Store, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged days, a draft tried, the draft in force, a night: what was judged stands, what is new meets the draft."""
    history(store, tmp_path / "sent")
    violations = "select * from quality.violations order by 1, 2, 3, 4"
    standing = "select * from quality.submissions order by 1"
    tables = (
        violations,
        standing,
        "select * from ledger.receipts order by 1, 2",
        "select * from quality.findings where submission_seq is not null order by 1",
    )
    before = [store.query(table) for table in tables]
    receipts = {path: path.read_bytes() for path in (store.home / "outbox").rglob("*.receipt.json")}
    file = tmp_path / "draft.csv"
    file.write_text("rule,severity,holds,valid_from\nCRO-411,error,damage_kzt <= 1000,2026-10-15\n")
    root = tmp_path / "in-force"
    root.mkdir()
    drafted = draft.with_rules(catalogue, file, root)
    later = NOW + timedelta(days=1)
    outcome = dryrun.try_out(store.connection, catalogue, drafted, store.home, EVE, later.date())
    assert [(n.rule, "--backdate" in n.why) for n in outcome.not_tried] == []
    assert [(r.rule, r.now, r.draft, r.newly) for r in outcome.rules] == [("CRO-411", 0, 0, 0)]
    monkeypatch.setenv("ZANSTAT_CATALOGUE", str(root))
    store.catalogue = load_catalogue()
    assert store.catalogue.version == drafted.version != catalogue.version
    prepare(store.connection, store.catalogue, store.home)
    store.night(at=later, forms=FORMS)
    assert [store.query(table) for table in tables] == before
    rows = [offence(20, damage_kzt="1001.00"), offence(21, damage_kzt="10.00")]
    store.submit(pack(tmp_path / "new", store.catalogue, FORM, rows, day=EVE + timedelta(days=2), at=later))
    store.night(at=later, forms=FORMS)
    seq = store.one("select max(submission_seq) from quality.submissions")
    assert [v[1:3] for v in store.violations() if v[0] == seq and v[2] == "CRO-411"] == [(2, "CRO-411")]
    kept = [row for row in store.query(violations) if row[0] < seq]
    assert kept == before[0]
    assert [row for row in store.query(standing) if row[0] < seq] == before[1]
    assert {path: path.read_bytes() for path in receipts} == receipts
    judged_by = "select distinct catalogue_version from quality.submissions where submission_seq {} %s"
    assert store.query(judged_by.format("<"), seq) == [catalogue.version]
    assert store.query(judged_by.format("="), seq) == [drafted.version]
    events = "select distinct catalogue_version from ledger.events where kind = 'judged' and submission_seq {} %s"
    assert store.query(events.format("<"), seq) == [catalogue.version]
    assert store.query(events.format("="), seq) == [drafted.version]


@pytest.mark.server
def test_a_rule_of_a_later_day_is_tried_as_if_it_had_begun(trial: Trial, tmp_path: Path) -> None:
    file = tmp_path / "draft.csv"
    file.write_text("rule,severity,holds,valid_from\nCRO-411,error,damage_kzt <= 1000,2027-01-01\n")
    outcomes = []
    for place, since in enumerate((None, EVE)):
        folder = tmp_path / str(place)
        folder.mkdir()
        outcomes.append(trial.of(draft.with_rules(trial.store.catalogue, file, folder, since)))
    assert [n.rule for n in outcomes[0].not_tried] == ["CRO-411"]
    assert outcomes[0].rules == ()
    assert [(r.rule, r.severity_now, r.severity_draft) for r in outcomes[1].rules] == [("CRO-411", "warning", "error")]
    assert outcomes[1].rules[0].newly > 5


# Drafts by themselves


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regel,severity\nCRO-411,error\n", "row 1: the columns are rule, form.*unknown: regel"),
        ("severity\nerror\n", "row 1.*missing: rule"),
        ("rule,severity\nCRO-411\n", "row 2: it has not as many values"),
        ("rule,severity\nCRO-411,error\nCRO-41,error\n", "row 3: rule 'CRO-41' is no number"),
        ("rule,severity\nCRO-411,grave\n", "row 2: CRO-411: severity 'grave' is none of refuse, error, warning"),
        ("rule,valid_to\nCRO-411,31.12.2026\n", "row 2: CRO-411: valid_to '31.12.2026' is no day; write it like"),
        ("rule,parameters\nCRO-411,[1]\n", "row 2: CRO-411: parameters is no JSON object"),
        ("rule,fields\nCRO-411,damage\n", "row 2: CRO-411: criminal_offence has no field damage"),
        ("rule,holds\nCRO-411,\n", "row 2: .*CRO-411: say in 'holds' what must be true"),
        ("rule,form\nCRO-411,civil_case\n", "row 2: CRO-411 is a rule of form 'criminal_offence'"),
        (
            "rule,form\nCRO-999,criminal_offence\n",
            "row 2: CRO-999 is a new rule and needs every column; missing: level",
        ),
    ],
)
def test_a_wrong_draft_is_told_by_row(tmp_path: Path, catalogue: Catalogue, text: str, said: str) -> None:
    file = tmp_path / "draft.csv"
    file.write_text(text)
    with pytest.raises(DraftError, match=f"draft.csv {said}"):
        draft.with_rules(catalogue, file, tmp_path / "copy")


@pytest.mark.server
@pytest.mark.parametrize(
    ("holds", "said"),
    [
        (
            "damage <= 1000",
            "CRO-411: 'holds' cannot be evaluated over criminal_offence: column \"damage\" does not exist",
        ),
        ("1000 / (damage_kzt - 120000) > 0", "CRO-411: 'holds' cannot be evaluated .*DivisionByZero"),
        ("(action || erdr_number)::int > 1", "CRO-411: 'holds' cannot be evaluated .*InvalidTextRepresentation"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_named_without_a_value(
    trial: Trial, tmp_path: Path, catalogue: Catalogue, holds: str, said: str
) -> None:
    drafted = changed(tmp_path / "draft", catalogue, rule(rules_of(FORM), "CRO-411", holds=holds))
    with pytest.raises(DraftError, match=said) as told:
        trial.of(drafted)
    assert "2675" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("form", "crime"), "row 2: form 'crime' is not known; known: administrative_court_case"),
        (("valid_from", "soon"), "row 2: valid_from 'soon' is no day"),
        (None, "row 1: the columns are form, subject_kind.*missing: subject_kind"),
    ],
)
def test_a_wrong_regulation_is_told_by_row(
    tmp_path: Path, catalogue: Catalogue, change: tuple[str, str] | None, said: str
) -> None:
    shipped = catalogue.root / draft.REGULATION
    rows = catalogues.rows(shipped)[:2]
    file = tmp_path / "regulation.csv"
    columns = [name for name in rows[0] if change or name != "subject_kind"]
    rows[0] |= dict([change]) if change else {}
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DraftError, match=f"regulation.csv {said}"):
        draft.with_regulation(catalogue, file, tmp_path / "copy")


def test_a_row_adds_replaces_or_ends_a_version(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "draft.csv"
    file.write_text(
        "rule,severity,valid_from,valid_to\nCRO-411,error,2027-01-01,\nCRO-404,error,2015-01-01,2026-12-31\n"
    )
    folder = tmp_path / "copy"
    folder.mkdir()
    drafted = draft.with_rules(catalogue, file, folder)
    versions = [(str(v.valid_from), v.valid_to and str(v.valid_to), v.severity) for v in drafted.versions["CRO-411"]]
    assert versions == [("2015-01-01", "2026-12-31", "warning"), ("2027-01-01", None, "error")]
    assert [str(v.valid_to) for v in drafted.versions["CRO-404"]] == ["2026-12-31"]
    assert drafted.versions["CRO-411"][1].holds == catalogue.rules["CRO-411"].holds


def test_a_folder_that_is_no_catalogue_is_told(tmp_path: Path) -> None:
    with pytest.raises(DraftError, match="missing: forms, classifiers, registry"):
        draft.read_catalogue(tmp_path)


# The command


@pytest.fixture
def asked(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setenv("ZANSTAT_HOME", str(trial.store.home))
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", trial.store.url)
    return trial


def command(file: Path, *words: str) -> Any:
    days = ["--from", str(EVE), "--to", str(DAY)]
    return CliRunner().invoke(cli.main, ["dry-run", "--rules", str(file), *days, *words])


@pytest.mark.server
def test_the_command_answers_in_three_shapes_without_a_value(
    asked: Trial, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "draft.csv"
    file.write_text("rule,severity,holds\nCRO-411,error,damage_kzt <= 1000\nPKG-132,error,\n")
    given = command(file, "--format", "json", "--records", "3")
    assert given.exit_code == 0, given.output
    answer = json.loads(given.output)
    assert [n["rule"] for n in answer["not_tried"]] == ["6xx", "PKG-132"]
    assert len(answer["found"]) == 3
    (of_rule,) = answer["rules"]
    rows = list(csv.DictReader(io.StringIO(command(file, "--format", "csv").output)))
    assert {row["part"] for row in rows} == {"rules", "subjects", "packages", "not_tried"}
    assert [int(row["newly"]) for row in rows if row["part"] == "rules"] == [of_rule["newly"]]
    drafted = draft.with_rules(asked.store.catalogue, file, _made(tmp_path / "copy"))
    trying.show(asked.of(drafted, records=3), cli.console)
    assert command(file).exit_code == 0
    assert "5000" not in given.output
    assert "26751101" not in given.output


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.server
def test_the_command_says_what_is_wrong(asked: Trial, tmp_path: Path) -> None:
    file = tmp_path / "draft.csv"
    file.write_text("rule,severity\nCRO-411,grave\n")
    wrong = command(file)
    assert wrong.exit_code == 1
    assert "draft.csv row 2: CRO-411: severity 'grave'" in wrong.output
    assert CliRunner().invoke(cli.main, ["dry-run", "--from", str(EVE), "--to", str(DAY)]).exit_code == 2
