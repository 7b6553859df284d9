"""Killed at any moment and run again: nothing lost, nothing doubled.

The seed of the moments is printed; ``ZANSTAT_CRASH_SEED`` replays it.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random, randrange
from threading import Event
from typing import Any

import psycopg
import pytest

from expectations import corrections, judgement, receipt, validation
from ingestion import intake, load
from tests.conftest import Store
from tests.packages import FORMS, NOW, pack, record, records

KILLS = 24
HANGS_AFTER = 600  # seconds; a crowded machine takes minutes for a night
WAVES = 6
ROOM = Path(__file__).parents[1]


class Nights:
    """The process that runs nights over one warehouse, each in a child that may be killed."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        assert process.stdout is not None
        self._answers = selectors.DefaultSelector()
        self._answers.register(process.stdout, selectors.EVENT_READ)

    def run(self, moment: datetime, seconds: float | None = None) -> int:
        """Run a night; after ``seconds`` its child is killed. Returns the exit status (-9: killed)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{moment.isoformat()}\n".encode())
        _, child = self._process.stdout.readline().split()
        if seconds is not None and not self._answers.select(seconds):
            os.kill(int(child), signal.SIGKILL)
        assert self._answers.select(HANGS_AFTER), "the night hangs"
        _, status = self._process.stdout.readline().split()
        return int(status)


@contextmanager
def nights_of(store: Store) -> Iterator[Nights]:
    environment = os.environ | {
        "ZANSTAT_DATABASE_URL": store.url,
        "ZANSTAT_HOME": str(store.home),
        "POLARS_MAX_THREADS": "1",
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.nights"]
    # Unbuffered: an answer that lay in a buffer of ours would not be seen by select.
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    with subprocess.Popen(command, cwd=ROOM, env=environment, **pipes) as process:
        try:
            yield Nights(process)
        finally:
            process.kill()


def waves(folder: Path, store: Store) -> list[list[Path]]:
    """Some thirty packages in waves: corrections of the wave before, a gap, a repetition, refused and nil ones."""
    made: list[list[Path]] = []
    for number in range(WAVES):
        form = FORMS[number % len(FORMS)]
        other = FORMS[(number + 1) % len(FORMS)]

        def made_of(name: str, form: str, rows: Any, **how: Any) -> Path:
            return pack(folder / str(number) / name, store.catalogue, form, rows, **how)  # noqa: B023

        sequence = 1 + number // len(FORMS) * 3
        start = 1000 * number + 1
        wave = [
            made_of("new", form, records(form, 20, start), sequence=sequence),
            made_of(
                "after",
                form,
                [record(form, n, action="M") for n in range(start, start + 5)],
                sequence=sequence + 2,
            ),
            made_of("zip", form, records(form, 5, start + 100, action="x"), sequence=sequence + 1, zipped=True),
            made_of("nil", other, (), day=NOW.date() - timedelta(days=number + 1)),
        ]
        bad = made_of("bad", form, records(form, 5, start + 200), sequence=sequence + 9)
        (bad / "records.csv").write_bytes(b"other bytes")
        made.append([*wave, bad])
    return made


def send(store: Store, wave: list[Path], number: int) -> None:
    for path in wave:
        store.submit(path)
    again = wave[0].rename(wave[0].with_name(f"again-{number}"))
    store.submit(again)
    again.rename(wave[0])


def state(store: Store) -> dict[str, Any]:
    """What must be the same however often it was interrupted; numbers of the ledger are named by their package."""
    named = "(s.subject, s.form, s.period_to, s.sequence, s.package_sha256)::text"
    facts: dict[str, Any] = {
        "submissions": store.query(
            f"select {named}, s.rejection_code, q.verdict, q.records_declared, q.records_unreadable, "
            "q.records_quarantined, q.records_accepted, q.warnings "
            "from ledger.submissions s join quality.submissions q on q.submission_seq = s.seq"
        ),
        "events": store.query(
            f"select {named}, e.kind from ledger.events e join ledger.submissions s on s.seq = e.submission_seq "
            "where e.kind not in ('restated')"
        ),
        "violations": store.query(
            f"select {named}, v.line, v.rule, v.field, v.cleared_seq is null from quality.violations v "
            "join ledger.submissions s on s.seq = v.submission_seq"
        ),
        "answered": store.query(
            f"select {named} from ledger.receipts r join ledger.submissions s on s.seq = r.submission_seq group by 1"
        ),
    }
    for form in FORMS:
        facts[form] = store.query(
            f"select {named}, to_jsonb(r) - 'submission_seq' - 'iin_token' - 'debtor_iin_token' from raw.{form} r "
            "join ledger.submissions s on s.seq = r.submission_seq"
        )
    return {name: sorted(rows, key=repr) for name, rows in facts.items()}


@pytest.mark.server
def test_killed_at_any_moment_nothing_is_lost_or_doubled(store: Store, another_store: Store, tmp_path: Path) -> None:
    seed = int(os.environ.get("ZANSTAT_CRASH_SEED", randrange(1 << 32)))
    print(f"ZANSTAT_CRASH_SEED={seed}")
    rng = Random(seed)
    sent = waves(tmp_path / "sent", store)
    durations = []
    with nights_of(another_store) as undisturbed:
        for number, wave in enumerate(sent):
            send(another_store, wave, number)
            start = time.monotonic()
            assert undisturbed.run(NOW + timedelta(days=number)) == 0
            durations.append(time.monotonic() - start)
    killed = 0
    with nights_of(store) as disturbed:
        for number, wave in enumerate(sent):
            send(store, wave, number)
            moment, rounds = NOW + timedelta(days=number), 0
            # Receiving and loading are short beside judging: two kills of three fall early in the night.
            while killed < KILLS * (number + 1) / WAVES and rounds < 4 * KILLS:
                share = (0.15, 0.4, 1.0)[rounds % 3]
                status = disturbed.run(moment, rng.uniform(0.01, share * durations[number]))
                killed += status == -signal.SIGKILL
                assert status in (0, -signal.SIGKILL)
                rounds += 1
            assert disturbed.run(moment) == 0
    assert killed >= 20
    expected, found = state(another_store), state(store)
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert store.verify() == []
    assert list((store.home / "inbox").glob("*/*")) == []
    assert list((store.home / "intake").glob("*/*")) == []
    assert list((store.home / "archive").glob(".part-*")) == []
    assert len(expected["submissions"]) == 5 * WAVES


class Cut(BaseException):
    """The end of a process at a chosen place: nothing of ours catches it."""


def cut(*_: Any, **__: Any) -> None:
    raise Cut


PLACES = {
    "archived, not registered": (intake, "_Book"),
    "registered, not cleared away": (intake, "clear"),
    "copied, not entered as loaded": (load, "Event"),
    "validated, not quarantined": (judgement, "quarantine"),
    "quarantined, not settled": (corrections, "correct"),
    "judged, not balanced": (judgement, "_counts"),
    "answered, not in the index": (receipt, "_index"),
}


@pytest.mark.server
@pytest.mark.parametrize("place", PLACES)
def test_cut_off_at_the_worst_place_the_night_is_as_if_it_had_not_been(
    store: Store, another_store: Store, tmp_path: Path, place: str
) -> None:
    """The narrow places a random kill seldom meets: each is left half done once, and finished by the next run."""
    form = "civil_case"
    rows = [*records(form, 3), record(form, 4, category="moon")]
    for warehouse, name in ((store, "cut"), (another_store, "whole")):
        path = pack(tmp_path / name / "package", store.catalogue, form, rows)
        path = path.rename(path.with_name("sent"))
        with at_home(warehouse):
            warehouse.submit(path)
            if name == "cut":
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(*PLACES[place], cut)
                    with pytest.raises(Cut):
                        warehouse.night(forms=[form])
            warehouse.night(forms=[form])
    assert state(store) == state(another_store)
    assert store.verify() == []
    assert list((store.home / "intake").glob("*")) == []


@pytest.mark.server
def test_claims_are_cleared_once_they_are_registered_and_no_sooner(store: Store) -> None:
    form = "civil_case"
    store.submit(pack(store.home / "first", store.catalogue, form, records(form, 1)))
    store.receive()
    again = pack(store.home / "second", store.catalogue, form, records(form, 1), sequence=2)
    store.submit(again.rename(again.with_name("again")))
    assert len(list(intake._claim_all(store.home))) == 1  # cut off after the claim
    assert intake.clear(store.connection, store.home) == 1
    assert [path.name for path in (store.home / "intake").glob("*/*")] == ["again"]
    assert store.receive().registered == 1
    assert store.receive().registered == 0
    assert store.query("select count(*) from ledger.submissions") == [2]
    assert intake.clear(store.connection, store.home) == 1
    assert list((store.home / "intake").iterdir()) == []


@contextmanager
def at_home(store: Store) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZANSTAT_HOME", str(store.home))
        patch.setenv("ZANSTAT_DATABASE_URL", store.url)
        yield


@pytest.mark.server
def test_of_two_nights_at_once_one_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody runs a night while the schedule runs one: the batch is counted by the first, and judged once."""
    form, at_it, go_on = "civil_case", Event(), Event()
    store.submit(pack(store.home / "sent", store.catalogue, form, records(form, 3)))
    store.receive()
    store.load(form)

    def slowly(*given: Any) -> Any:
        at_it.set()
        assert go_on.wait(60)
        return validate(*given)

    validate = validation.validate
    monkeypatch.setattr(validation, "validate", slowly)
    with ThreadPoolExecutor(2) as pool, psycopg.connect(store.url, autocommit=True) as another:
        first = pool.submit(store.judge, form)
        assert at_it.wait(60)
        next_night = replace(store, connection=another)
        second = pool.submit(next_night.judge, form)
        while not waits(store.url) and not second.done():
            time.sleep(0.05)
        go_on.set()
        assert (first.result().packages, second.result().packages) == (1, 0)
    assert store.verdicts() == ["accepted"]


@pytest.mark.server
def test_what_a_killed_night_left_behind_stops_no_other(store: Store) -> None:
    """The tables that Great Expectations reads are committed: a kill leaves them there."""
    store.submit(pack(store.home / "sent", store.catalogue, "criminal_offence", records("criminal_offence", 3)))
    for form in store.catalogue.forms:
        store.connection.execute(f"create table checked.{form}_linked as select 1 as left_behind")
    store.night()
    assert store.verdicts() == ["accepted"]
    assert store.query("select tablename from pg_tables where schemaname = 'checked'") == []


def waits(url: str) -> bool:
    """Whether some session waits for its turn."""
    with psycopg.connect(url) as connection:
        return (
            connection.execute("select from pg_locks where locktype = 'advisory' and not granted").fetchone()
            is not None
        )
