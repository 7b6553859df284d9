"""The server all tests share, and for each test a database of its own made from a prepared template.

By default the embedded PostgreSQL; with ``ZANSTAT_TEST_SERVER=debian`` the system's own, from
``/usr/lib/postgresql``. Here belong fixtures that most modules need. Keep out records (``packages``).
"""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from expectations import (
    completeness,
    judgement,
    links,
    notice,
    plausibility,
    receipt,
    reconciliation,
    verification,
)
from expectations.completeness import Watched
from expectations.judgement import Judged
from expectations.links import Linked
from expectations.plausibility import Measured
from expectations.reconciliation import Reconciled
from ingestion import intake, load, package, warehouse
from ingestion.contract import Catalogue, load_catalogue
from ingestion.intake import Received
from ingestion.load import Loaded
from orchestration.setup import prepare
from tests.packages import NOW

ROOT = "ZANSTAT_TEST_ROOT"
TEMPLATE = "zanstat_template"
SURROUNDINGS = (
    "ZANSTAT_DATABASE_URL",
    "ZANSTAT_HOME",
    "ZANSTAT_CATALOGUE",
    "ZANSTAT_CLOCK",
    "ZANSTAT_ANALYST_URL",
)
DEBIAN_PROGRAMS = "/usr/lib/postgresql/*/bin/pg_ctl"
NUMBERS = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder of the server; the workers of xdist inherit its name."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="zanstat-tests-")
        Path(folder).chmod(0o755)
        os.environ[ROOT] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """The workers have ended: stop the server and remove its folder."""
    root = Path(os.environ.get(ROOT, "/nonexistent"))
    if hasattr(config, "workerinput") or not root.is_dir():
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZANSTAT_DATABASE_URL", raising=False)
        patch.setenv("ZANSTAT_HOME", str(root))
        if (root / "debian").is_dir():
            _as_postgres(root, "pg_ctl", "stop", "-D", root / "debian", "-m", "immediate", "-w")
        warehouse.remove()
    shutil.rmtree(root, ignore_errors=True)


@dataclass
class Store:
    """A warehouse of one test: database, home and catalogue, and the verbs of a night."""

    url: str
    home: Path
    catalogue: Catalogue
    connection: psycopg.Connection[Any] = field(repr=False)

    @property
    def sqlalchemy_url(self) -> str:
        return warehouse.sqlalchemy_url()

    def submit(self, path: Path, sender: str | None = None) -> Path:
        return package.submit(path, self.home / "inbox", sender or package.read_manifest(path).subject)

    def drop(self, path: Path, sender: str) -> None:
        """Put a package into the inbox just as it is, links included: not everybody uses our own verb."""
        target = self.home / "inbox" / sender / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target, symlinks=True) if path.is_dir() else shutil.copyfile(path, target)

    def receive(self, at: datetime = NOW) -> Received:
        return intake.receive(self.connection, self.catalogue, self.home, lambda: at, simulated=True)

    def load(self, form: str, day: date | None = None, at: datetime = NOW) -> Loaded:
        day = day or at.date()
        return load.load(self.connection, self.catalogue, self.catalogue.forms[form], self.home, day, at)

    def judge(self, form: str, day: date | None = None, at: datetime = NOW) -> Judged:
        declared, day = self.catalogue.forms[form], day or at.date()
        docs = self.home / "data_docs"
        return judgement.judge(self.connection, self.sqlalchemy_url, self.catalogue, declared, day, at, docs)

    def quarantine(self, form: str, at: datetime = NOW) -> Judged:
        """Receive, load and judge one form."""
        self.receive(at)
        self.load(form, at=at)
        return self.judge(form, at=at)

    def link(self, at: datetime = NOW) -> Linked:
        return links.judge(self.connection, self.sqlalchemy_url, self.catalogue, at, self.home / "data_docs")

    def reconcile(self, at: datetime = NOW, day: date | None = None) -> Reconciled:
        docs = self.home / "data_docs"
        return reconciliation.reconcile(
            self.connection, self.sqlalchemy_url, self.catalogue, day or at.date(), at, docs
        )

    def watch(self, at: datetime = NOW) -> Watched:
        return completeness.watch(self.connection, self.sqlalchemy_url, self.catalogue, at, self.home / "data_docs")

    def measure(self, at: datetime = NOW) -> Measured:
        docs = self.home / "data_docs"
        return plausibility.measure(self.connection, self.sqlalchemy_url, self.catalogue, at, docs)

    def night(self, at: datetime = NOW, forms: Sequence[str] | None = None) -> None:
        """Everything of a night but the marts."""
        self.receive(at)
        for form in forms or self.catalogue.forms:
            self.load(form, at=at)
            self.judge(form, at=at)
        self.link(at)
        self.reconcile(at)
        self.watch(at)
        self.measure(at)
        self.receipts()
        self.notices()
        intake.clear(self.connection, self.home)

    def receipts(self) -> int:
        return receipt.issue_due(self.connection, self.catalogue, self.home)

    def notices(self) -> int:
        return notice.issue_due(self.connection, self.catalogue, self.home)

    def verify(self) -> list[str]:
        return verification.verify(self.connection, self.home)

    def query(self, question: str, *values: Any) -> list[Any]:
        """Rows; a bare value where there is one column."""
        rows = self.connection.execute(question, values or None).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def one(self, question: str, *values: Any) -> Any:
        (row,) = self.query(question, *values)
        return row

    def codes(self) -> list[str | None]:
        """Rejection codes of all submissions in the order of their arrival."""
        return self.query("select rejection_code from ledger.submissions order by seq")

    def verdicts(self) -> list[str]:
        return self.query("select verdict from quality.submissions order by submission_seq")

    def violations(self) -> set[tuple[Any, ...]]:
        """Open ones: (submission, line, rule, field)."""
        return set(
            self.query("select submission_seq, line, rule, field from quality.violations where cleared_seq is null")
        )


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def template(catalogue: Catalogue) -> str:
    """The URL of a database with tables, code lists and views, made once for all workers."""
    root = Path(os.environ[ROOT])
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = root / "template"
        if not known.exists():
            server = _start_debian(root) if os.environ.get("ZANSTAT_TEST_SERVER") == "debian" else _start(root)
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"create database {TEMPLATE}")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("ZANSTAT_DATABASE_URL", _named(server, TEMPLATE))
                patch.setenv("ZANSTAT_HOME", str(root))
                with warehouse.connect(autocommit=True) as connection:
                    prepare(connection, catalogue, root)
            known.write_text(_named(server, TEMPLATE))
        return known.read_text()


@contextmanager
def warehouse_like(template: str, home: Path, catalogue: Catalogue) -> Iterator[Store]:
    """A database of its own, and an empty home; the environment names both while it lasts."""
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    admin = _named(template, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template {TEMPLATE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZANSTAT_HOME", str(home))
        patch.setenv("ZANSTAT_DATABASE_URL", _named(template, name))
        try:
            with warehouse.connect(autocommit=True) as connection:
                yield Store(_named(template, name), home, catalogue, connection)
        finally:
            with psycopg.connect(admin, autocommit=True) as connection:
                # Not "with (force)": that asks for the right to end a worker of autovacuum, which only a superuser has.
                connection.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                    "where datname = %s and usename = current_user",
                    [name],
                )
                connection.execute(f"drop database {name}")


@pytest.fixture
def store(template: str, tmp_path: Path, catalogue: Catalogue) -> Iterator[Store]:
    with warehouse_like(template, tmp_path / "home", catalogue) as made:
        yield made


@pytest.fixture
def another_store(template: str, tmp_path: Path, catalogue: Catalogue) -> Iterator[Store]:
    with warehouse_like(template, tmp_path / "another", catalogue) as made:
        yield made


def days(first: datetime, number: int) -> list[datetime]:
    return [first + timedelta(days=n) for n in range(number)]


def _named(url: str, database: str) -> str:
    before, _, _ = url.rpartition("/")
    return f"{before}/{database}"


def _start(root: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZANSTAT_DATABASE_URL", raising=False)
        patch.setenv("ZANSTAT_HOME", str(root))
        return warehouse.start()


def _start_debian(root: Path) -> str:
    """A private cluster of the system's PostgreSQL; its owner role is no superuser, as in the embedded one."""
    data = root / "debian"
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, *_account())
    login = ("--username", "postgres", "--auth", "trust")
    _as_postgres(root, "initdb", "-D", data, *login, "--locale", "C.UTF-8", "--encoding", "UTF8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    _as_postgres(root, "pg_ctl", "start", "-D", data, "-w", "-l", data / "server.log", "-o", settings)
    address = f"127.0.0.1:{port}/postgres"
    with psycopg.connect(f"postgresql://postgres@{address}", autocommit=True) as connection:
        connection.execute("create role zanstat login createdb")
        connection.execute("create role analyst login")
    return f"postgresql://zanstat@{address}"


def _as_postgres(root: Path, program: str, *arguments: object) -> None:
    programs = max(Path("/").glob(DEBIAN_PROGRAMS.lstrip("/")), key=lambda path: int(path.parts[-3])).parent
    user, group = _account()
    account: dict[str, Any] = {"user": user, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(
        [programs / program, *map(str, arguments)],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL,
        **account,
    )


def _account() -> tuple[int, int]:
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
