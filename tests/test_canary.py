"""No personal value leaves the archive and the restricted schemas: canaries through whole nights, then a search.

Planted in every field of every form, in records that are accepted, quarantined and unreadable, in refused packages and
corrections; looked for in every file the warehouse wrote, every word it printed or logged, and every table and view.
Here belongs that search alone.
"""

import io
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from ingestion.contract import LANGUAGES, Catalogue
from orchestration import cli, nightly
from tests.conftest import Store, warehouse_like
from tests.packages import (
    FORMS,
    NOW,
    SENDER,
    Values,
    csv_bytes,
    jsonl_bytes,
    numbered,
    pack,
    record,
    redeclare,
    replace_payload,
)

IIN = numbered("85030339977")
BORN = "1985-03-03"
CANARIES = {
    "IIN": IIN,
    "BIN": numbered("60014977001"),
    "name": "Канарейкин",
    "name in Latin letters": "Kanareikin-60",
    "birth date": BORN,
    "value": "777123456.78",
}
RESTRICTED = ("raw", "checked")
"""What was sent is kept there as it was sent; nobody but the owner may read it."""
KEPT = ("archive", "pg", "keys")
PERSONS = {
    "administrative_offence": ("iin", "birth_date"),
    "suspect": ("iin", "birth_date"),
    "victim": ("iin", "birth_date"),
    "criminal_verdict": ("iin",),
    "enforcement_proceeding": ("debtor_iin",),
}


def person(form: str) -> Values:
    """The canary as a person of the form: valid, so that the record is accepted."""
    return {name: BORN if name == "birth_date" else IIN for name in PERSONS.get(form, ())}


def needles(canary: str) -> set[bytes]:
    """The ways a text may be written in a file."""
    return {canary.encode(), json.dumps(canary).strip('"').encode(), canary.encode("utf-16-le")}


def in_files(folder: Path) -> set[tuple[str, str]]:
    """(canary, file) of everything below a folder, in names and contents, but what is kept by law."""
    found = set()
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if inside.parts[0] in KEPT or not path.is_file():
            continue
        content = str(inside).encode() + path.read_bytes()
        found |= {(what, str(inside)) for what, c in CANARIES.items() if any(n in content for n in needles(c))}
    return found


def in_text(text: str) -> set[str]:
    return {what for what, canary in CANARIES.items() if canary in text}


def in_database(store: Store) -> set[tuple[str, str]]:
    """(canary, relation) of every table and view outside the restricted schemas."""
    relations = store.query(
        "select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'v', 'm', 'p') and n.nspname <> all(%s) and n.nspname !~ '^(pg_|information_schema)'",
        list(RESTRICTED),
    )
    assert {"ledger.events", "quality.violations", "staging.stg_administrative_offence"} <= set(relations)
    assert {"criminal.offences", "administrative.offences", "quality.violations_daily"} <= set(relations)
    looked_for = " union all ".join(
        f"select what, '{relation}' from {relation} as t, canary where position(canary.planted in t::text) > 0"
        for relation in relations
    )
    return set(
        store.query(
            "with canary (what, planted) as (select * from unnest(%s::text[], %s::text[])) " + looked_for,
            list(CANARIES),
            list(CANARIES.values()),
        )
    )


def send(store: Store, folder: Path, form: str) -> Path:
    """Accepted, quarantined and unreadable records of a form in one package, and three that are refused."""
    declared = store.catalogue.forms[form]
    names = [field.name for field in declared.fields]
    rows = [record(form, n, **person(form)) for n in (1, 2)]
    for name in names:
        for canary in CANARIES.values():
            rows.append(record(form, len(rows) + 1, **({"action": "X"} | {name: canary})))
    path = pack(folder / form, store.catalogue, form, rows[:1])
    redeclare(path, payload_control_totals=dict.fromkeys(declared.control_total_fields, "0"))
    spoilt = "".join(f'{canary},"{canary}\n' for canary in CANARIES.values()).encode()
    replace_payload(path, csv_bytes(names, rows) + spoilt, records=len(rows) + len(CANARIES))
    store.submit(path)
    refused = [pack(folder / f"{form}-{n}", store.catalogue, form, rows[:1], sequence=2) for n in range(3)]
    replace_payload(refused[0], csv_bytes([*names, *CANARIES.values()], rows[:1]))
    (refused[1] / "records.csv").rename(refused[1] / "records.jsonl")
    redeclare(refused[1], payload_name="records.jsonl", payload_format="jsonl")
    replace_payload(refused[1], jsonl_bytes([{canary: canary for canary in CANARIES.values()}]))
    redeclare(refused[2], comment=list(CANARIES.values()))
    for bad in refused:
        store.drop(bad, SENDER[form])
    return path


def correct(store: Store, folder: Path, form: str) -> None:
    """The first person's record replaced, the second's annulled: by records that name the person again."""
    rows = [record(form, n, action=action, **person(form)) for n, action in ((1, "M"), (2, "D"))]
    store.submit(pack(folder / f"{form}-again", store.catalogue, form, rows, sequence=2))


def on_the_command_line(path: Path, said: io.StringIO) -> None:
    """Write down what a subject reads when it checks its package and looks at the receipt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "console", Console(file=said, width=200))
        for language in LANGUAGES:
            for words in (["check", "--most", "10000"], ["receipt"]):
                outcome = CliRunner().invoke(cli.main, [*words, str(path), "--language", language])
                assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
                said.write(outcome.output)


@dataclass(frozen=True)
class Nights:
    """A warehouse after two nights, and all that was printed and logged meanwhile."""

    store: Store
    said: str


@pytest.fixture(scope="module")
def nights(template: str, tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Nights]:
    folder, said = tmp_path_factory.mktemp("canary"), io.StringIO()
    listener = logging.StreamHandler(said)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        with warehouse_like(template, folder / "home", catalogue) as store:
            with redirect_stdout(said), redirect_stderr(said):
                sent = [send(store, folder, form) for form in FORMS]
                with nightly.clock_set(NOW):
                    assert nightly.run(NOW.date()).failed == ()
                    for path in sent:
                        on_the_command_line(path, said)
                for form in PERSONS:
                    correct(store, folder, form)
                with nightly.clock_set(NOW + timedelta(days=1)):
                    assert nightly.run(NOW.date() + timedelta(days=1)).failed == ()
            yield Nights(store, said.getvalue())
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


def test_the_canaries_went_through_every_stage(nights: Nights) -> None:
    """Otherwise the search below would prove nothing."""
    store = nights.store
    for form, (name, *_) in PERSONS.items():
        versions = store.query(f"select action from raw.{form} where {name} = %s order by submission_seq, line", IIN)
        assert versions[:2] == ["I", "I"], form
        assert versions[-2:] == ["M", "D"], form
    verdicts = store.query("select form, verdict from quality.submissions")
    assert {form for form, verdict in verdicts if verdict == "partly_accepted"} == set(FORMS)
    assert len([form for form, verdict in verdicts if verdict == "refused"]) == 3 * len(FORMS)
    corrected = store.query("select form from quality.submissions where sequence = 2 and verdict <> 'refused'")
    assert sorted(corrected) == sorted(PERSONS)
    assert store.one("select count(*) from raw.unreadable") == len(CANARIES) * len(FORMS)
    # Both protocols stand: the annulment of one has a live decision, so it does not count (GEN-603).
    assert store.one("select count(*) from administrative.offences where has_iin") == 2
    assert "GEN-301" in nights.said
    assert "partly_accepted" in nights.said


def test_no_file_but_the_archive_holds_a_canary(nights: Nights) -> None:
    home = nights.store.home
    written = {path.relative_to(home).parts[0] for path in home.rglob("*") if path.is_file()}
    assert written >= {"archive", "checkpoints", "dagster", "data_docs", "dbt", "outbox"}
    assert list(home.glob("dagster/**/*.db"))
    assert list(home.glob("outbox/*/*.receipt.html"))
    assert in_files(home) == set()


def test_nothing_printed_or_logged_holds_a_canary(nights: Nights) -> None:
    assert in_text(nights.said) == set()


def test_no_table_or_view_outside_the_restricted_schemas_holds_a_canary(nights: Nights) -> None:
    assert in_database(nights.store) == set()


def test_nobody_but_the_owner_reads_the_restricted_schemas(nights: Nights) -> None:
    for schema in (*RESTRICTED, "ledger", "staging", "intermediate"):
        assert not nights.store.one("select has_schema_privilege('analyst', %s, 'usage')", schema), schema


def test_a_leak_is_found_wherever_it_is(nights: Nights, tmp_path: Path) -> None:
    """Each canary, planted in a copy of a file of every kind and in a table, is found."""
    home = nights.store.home
    for n, (what, canary) in enumerate(CANARIES.items()):
        for pattern in (
            "outbox/*/*.json",
            "outbox/*/*.html",
            "dagster/**/*.db",
            "checkpoints/*",
            "data_docs/**/*.html",
        ):
            source = next(path for path in home.glob(pattern) if path.is_file())
            copy = tmp_path / str(n) / source.relative_to(home)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            with copy.open("ab") as stream:
                stream.write(json.dumps(canary).encode() if n % 2 else canary.encode())
        assert len([leak for leak in in_files(tmp_path / str(n)) if leak[0] == what]) == 5
        assert what in in_text(f"DEBUG: {canary}!")
    with nights.store.connection.transaction(force_rollback=True):
        nights.store.connection.execute("create table quality.leak as select * from raw.suspect")
        nights.store.connection.execute("create view criminal.leak as select content from raw.unreadable")
        leaks = in_database(nights.store)
    assert {what for what, relation in leaks if relation == "quality.leak"} >= {"IIN", "birth date", "name"}
