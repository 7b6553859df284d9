"""The marts built by dbt on a real PostgreSQL: late, corrected, annulled and released records count right.

Here belong statements about ``dbt_project`` as a whole. Each model's own logic is in dbt's unit tests, the
business identities in dbt's tests; both run here with the build. Keep out receiving and judging: rows are put
in by hand.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import psycopg
import pytest

from expectations.completeness import calendar
from ingestion import tables
from ingestion.contract import Catalogue
from orchestration.dbt import PROJECT, environment
from tests.conftest import warehouse_like

ALMATY = timezone(timedelta(hours=5))
CANARY = "990101300007"
MARTS = (
    "criminal.offences", "criminal.offences_monthly", "criminal.pretrial_decisions",
    "civil.cases", "civil.cases_monthly",
    "administrative.offences", "administrative.offences_monthly",
    "quality.violations_daily", "quality.coverage_monthly", "quality.scorecard", "quality.scorecard_evidence",
)  # fmt: skip
FIRST_DAY = date(2026, 9, 1)


class Warehouse:
    """A ledger and raw records written by hand: one call, one judged package."""

    def __init__(self, connection: psycopg.Connection[Any], catalogue: Catalogue, environment: dict[str, str]) -> None:
        self.connection, self.catalogue, self.environment = connection, catalogue, environment
        self.submissions = self.events = 0

    def value(self, query: str, *parameters: Any) -> Any:
        row = self.connection.execute(query, parameters).fetchone()
        return row[0] if row else None

    def event(self, kind: str, submission: int, day: date) -> int:
        self.events += 1
        at = datetime.combine(day, time(2), ALMATY)
        self.connection.execute(
            "insert into ledger.events (seq, at, submission_seq, kind, prev_hash, hash)"
            " values (%s, %s, %s, %s, '', %s)",
            [self.events, at, submission, kind, f"event {self.events}"],
        )
        return self.events

    def package(self, form: str, day: date, received: date, *records: dict[str, Any], judged: bool = True) -> int:
        """Register, load and judge the records of a day; ``broken=True`` in a record opens an error of it."""
        self.submissions += 1
        seq = self.submissions
        self.connection.execute(tables.partition(self.catalogue.forms[form], received))
        self.connection.execute(
            "insert into ledger.submissions (seq, arrival_id, received_at, received_on, inbox_folder,"
            " package_name, package_sha256, archived, subject, form, form_version, period_from, period_to,"
            " sequence, nil_report, simulated, prev_hash, hash)"
            " values (%(seq)s, %(name)s, %(at)s, %(received)s, '', '', '', '[]', 'MVD-75', %(form)s,"
            " '2026.1', %(day)s, %(day)s, %(seq)s, false, true, '', %(name)s)",
            {"seq": seq, "name": f"submission {seq}", "at": datetime.combine(received, time(1), ALMATY),
             "received": received, "form": form, "day": day},
        )  # fmt: skip
        event = self.event("judged" if judged else "registered", seq, received)
        verdict = event if judged else None
        self.connection.execute(
            "insert into ledger.progress (submission_seq, state, judged_seq, judged_at) values (%s, %s, %s, %s)",
            [seq, "judged" if judged else "loaded", verdict, datetime.combine(received, time(2), ALMATY)],
        )
        for line, record in enumerate(records, 2):
            row = {**record, "submission_seq": seq, "line": line, "received_on": received}
            row["form_version"] = "2026.1"
            if row.pop("broken", False):
                self.violation(seq, line, found=verdict)
            self.connection.execute(
                f"insert into raw.{form} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )
        return seq

    def violation(self, submission: int, line: int, found: int | None) -> None:
        self.connection.execute(
            "insert into quality.violations values (%s, %s, 'CRO-301', 'article', 'error', %s, null)",
            [submission, line, found],
        )

    def warning(self, submission: int, line: int, found: int) -> None:
        self.connection.execute(
            "insert into quality.violations (submission_seq, line, rule, field, severity, found_seq)"
            " values (%s, %s, 'CRO-601', 'erdr_number', 'warning', %s)",
            [submission, line, found],
        )

    def escalate(self, submission: int, line: int, day: date) -> None:
        self.connection.execute(
            "update quality.violations set severity = 'error', escalated_seq = %s"
            " where submission_seq = %s and line = %s and severity = 'warning'",
            [self.event("linked", submission, day), submission, line],
        )

    def clear(self, submission: int, line: int, day: date) -> None:
        self.connection.execute(
            "update quality.violations set cleared_seq = %s where submission_seq = %s and line = %s",
            [self.event("restated", submission, day), submission, line],
        )

    def dbt(self, *arguments: str) -> None:
        outcome = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "--quiet", *arguments, "--project-dir", str(PROJECT)],
            env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert outcome.returncode == 0, outcome.stdout[-4000:] + outcome.stderr[-2000:]

    def look(self) -> None:
        """What the night says of completeness before it builds the marts."""
        calendar.look(self.connection, self.catalogue, self.value("select max(at) from ledger.events"))

    def build(self, *arguments: str) -> None:
        self.look()
        self.dbt("build", "--exclude-resource-type", "unit_test", *arguments)

    def contents(self) -> dict[str, str]:
        """A digest of every mart; equal digests are equal tables."""
        digest = "md5(coalesce(string_agg(mart::text, chr(10) order by mart::text), ''))"
        return {mart: self.value(f"select {digest} from {mart} as mart") for mart in MARTS}

    def stamps(self) -> dict[str, int]:
        """The transaction that wrote each offence."""
        written = self.connection.execute("select record_key, xmin::text::bigint from criminal.offences")
        return dict(written.fetchall())


def offence(key: str, day: date, **changed: Any) -> dict[str, Any]:
    return {
        "record_key": key, "action": "I", "erdr_number": key,
        "registered_at": datetime.combine(day, time(23, 59)), "article": "188",
        "severity": "1", "kato": "751110000", "damage_kzt": 1000, "committed_date": day,
    } | changed  # fmt: skip


def decision(key: str, number: int, day: date, kind: str) -> dict[str, Any]:
    return {
        "record_key": f"{key}|{number}", "action": "I", "erdr_number": key, "decision_no": number,
        "decision_type": kind, "decision_date": day,
    }  # fmt: skip


def case(key: str, day: date, decided: date | None = None) -> dict[str, Any]:
    return {
        "record_key": key, "action": "I", "case_no": key, "court": "0001", "category": "divorce",
        "received_date": day, "decision_date": decided, "suspended_days": 0,
    }  # fmt: skip


def protocol(key: str, day: date) -> dict[str, Any]:
    return {
        "record_key": key, "action": "I", "protocol_no": key, "protocol_origin": "paper", "article": "434",
        "kato": "101000000", "registered_at": datetime.combine(day, time(5)), "iin": CANARY,
        "iin_token": "token", "committed_at": datetime.combine(day, time(4)), "birth_date": date(1999, 1, 1),
    }  # fmt: skip


@pytest.fixture(scope="module")
def built(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Warehouse]:
    """A warehouse of one week, built once with every test of dbt's own."""
    state = tmp_path_factory.mktemp("marts")
    with warehouse_like(template, state / "home", catalogue) as store:
        it = Warehouse(store.connection, catalogue, environment(state))
        for n in range(7):
            day, received = FIRST_DAY + timedelta(n), FIRST_DAY + timedelta(n + 1)
            records = [offence(f"{n}-{m}", day, broken=m == 3) for m in range(4)]
            it.package("criminal_offence", day, received, *records)
            it.package("pretrial_decision", day, received, decision(f"{n}-0", 1, day, "court_plea"))
            it.package("civil_case", day, received, case(f"case {n}", day, day if n % 2 else None))
            it.package("administrative_offence", day, received, protocol(f"protocol {n}", day))
        it.look()
        it.warning(submission=25, line=4, found=it.events - 3)  # 6-2, judged then
        it.dbt("build")
        yield it


def test_a_second_build_changes_nothing(built: Warehouse) -> None:
    contents, stamps = built.contents(), built.stamps()
    built.build()
    assert built.contents() == contents
    assert built.stamps() == stamps


def test_what_arrives_changes_its_own_records_and_equals_a_full_build(built: Warehouse) -> None:
    before, day = built.stamps(), date(2026, 9, 20)
    received = day + timedelta(1)
    built.package(
        "criminal_offence", day, received,
        offence("new", day),
        offence("1-0", day, action="M", article="99"),
        offence("2-0", day, action="D"),
        offence("not typed", day, broken=True),
    )  # fmt: skip
    built.package("criminal_offence", FIRST_DAY - timedelta(9), received, offence("3-0", day, article="190"))
    built.package("criminal_offence", day, received, offence("not judged", day), judged=False)
    built.package("pretrial_decision", day, received, decision("4-0", 2, day, "returned"))
    built.clear(submission=1, line=5, day=received)  # 0-3 is released
    built.violation(submission=21, line=3, found=built.event("restated", 21, received))  # 5-1 is quarantined
    assert built.value("select count(*) from criminal.offences where record_key = '6-2'") == 1, "only a warning"
    built.escalate(submission=25, line=4, day=received)  # 6-2 is quarantined
    built.build()

    offences = {
        row[0]: row[1:]
        for row in built.connection.execute("select record_key, article, is_cleared, known_from from criminal.offences")
    }
    assert offences["1-0"][:2] == ("99", True)
    assert offences["3-0"][0] == "188", "a late older version is history"
    assert offences["4-0"][1] is False, "returned for additional investigation"
    assert offences["0-3"][2] == datetime.combine(received, time(2), ALMATY), "known since its release"
    assert not offences.keys() & {"2-0", "5-1", "6-2", "not typed", "not judged"}
    after = built.stamps()
    rewritten = {key for key in after if before.get(key) != after[key]}
    assert rewritten == {"new", "1-0", "3-0", "4-0", "0-3"}

    contents = built.contents()
    built.build("--full-refresh")
    assert built.contents() == contents


def test_coverage_follows_the_calendar_and_only_months_that_changed_are_counted_anew(built: Warehouse) -> None:
    """MVD-75 alone sends; every police body owes, and is missing once its deadline has passed."""
    counted = (
        "select sum(n_expected)::int, sum(n_received)::int, sum(n_nil)::int, sum(n_missing)::int"
        " from quality.coverage_monthly where form = 'criminal_offence' and month = %s and region = '750000000'"
    )
    cells = (
        "select count(*) filter (where is_missing or packages > 0), count(*) filter (where has_records),"
        " count(*) filter (where not has_records), count(*) filter (where is_missing)"
        " from quality.completeness where form = 'criminal_offence' and month = %s and region = '750000000'"
    )

    def covered(question: str = counted) -> tuple[int, ...]:
        (row,) = built.connection.execute(question, [FIRST_DAY]).fetchall()
        return tuple(row)

    august, later = date(2026, 8, 1), FIRST_DAY + timedelta(24)
    built.package("criminal_offence", august, later - timedelta(3))
    built.build("--select", "completeness", "coverage_monthly")
    expected, received, nil, missing = covered()
    assert (expected, received, nil, missing) == covered(cells)
    assert expected == received + nil + missing
    assert 0 < received < missing
    stamps = "select min(xmin::text::bigint) from quality.coverage_monthly where month = %s"
    before = built.value(stamps, august), built.value(stamps, FIRST_DAY)
    built.package("criminal_offence", later - timedelta(1), later)
    built.build("--select", "completeness", "coverage_monthly")
    assert covered() == covered(cells)
    assert covered()[1] == received + 1
    assert covered()[3] > missing
    assert built.value(stamps, august) == before[0]
    assert built.value(stamps, FIRST_DAY) != before[1]
    contents = built.contents()["quality.coverage_monthly"]
    built.build("--full-refresh", "--select", "coverage_monthly")
    assert built.contents()["quality.coverage_monthly"] == contents


def test_the_checked_views_outlive_seeds_and_full_builds(built: Warehouse) -> None:
    assert built.value("select count(*) from checked.criminal_offence") == built.value(
        "select count(*) from raw.criminal_offence"
    )


def test_codes_keep_their_zeros_and_only_named_columns_are_typed(built: Warehouse) -> None:
    assert built.value("select kind from reference.court where code = '0001'") == "court_supreme"
    typed = built.connection.execute(
        "select table_name || '.' || column_name from information_schema.columns"
        " where table_schema = 'reference' and data_type <> 'text'"
        " and column_name not in ('valid_from', 'valid_to') order by 1"
    ).fetchall()
    assert [name for (name,) in typed] == [
        "administrative_article.camera_detectable", "administrative_article.natural_only",
        "civil_category.is_monetary", "mci.amount_kzt", "place_type.is_public", "punishment_type.for_crime",
        "punishment_type.for_misdemeanour", "recovery_kind.is_monetary", "region.lat_max", "region.lat_min",
        "region.lon_max", "region.lon_min", "region.population", "relation_to_suspect.is_domestic",
        "series_breaks.period_from", "subjects.active_from", "subjects.active_to",
    ]  # fmt: skip


def test_no_identifier_of_a_person_reaches_staging_or_a_mart(built: Warehouse) -> None:
    tables_of_marts = built.connection.execute(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables"
        " where table_schema in ('staging', 'intermediate', 'criminal', 'civil', 'administrative')"
    ).fetchall()
    for (name,) in tables_of_marts:
        found = f"select count(*) from {name} as mart where mart::text like %s"
        assert built.value(found, f"%{CANARY}%") == 0, name
    published = built.connection.execute(
        "select column_name from information_schema.columns where table_schema = 'administrative'"
    ).fetchall()
    assert not {name for (name,) in published} & {"iin", "iin_token", "token_key_id", "birth_date"}
    assert built.value("select age_years from administrative.offences limit 1") == 27


def test_every_column_is_explained_in_the_database_in_the_words_of_the_form(built: Warehouse) -> None:
    comments = dict(
        built.connection.execute(
            "select format('%s.%s.%s', relnamespace::regnamespace, relname, attname),"
            " regexp_replace(col_description(attrelid, attnum), '\\s+', ' ', 'g') from pg_attribute"
            " join pg_class on pg_class.oid = attrelid where attnum > 0 and not attisdropped"
            " and relkind in ('r', 'v') and relnamespace::regnamespace::text in"
            " ('criminal', 'civil', 'administrative', 'staging')"
        ).fetchall()
    )
    assert not [name for name, comment in comments.items() if not comment]
    staged = {path.stem.removeprefix("stg_") for path in (PROJECT / "models/staging").glob("stg_*.sql")}
    assert len(staged) >= 4
    for name in staged:
        for field in built.catalogue.forms[name].columns:
            if not field.is_direct_identifier and field.name != "birth_date":
                label = field.label
                expected = f"{label['en']} | kk: {label['kk']} | ru: {label['ru']}"
                assert comments[f"staging.stg_{name}.{field.name}"] == expected
