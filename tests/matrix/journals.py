"""A case's journal in either database: how the program reaches it, how a test does, and how it is harmed."""

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, Self

import psycopg

from smmplus.journal.backends import postgres
from tests import postgres as servers
from tests.matrix.relay import Relay

MOMENT = 0.3
"""Seconds for which a journal is locked briefly."""

SILENCE = 1.5
"""Seconds after which a silent server is given up by the network. The program's own time-outs are longer."""

SERVER_DISK = "160m"
"""Size of the disk of a server that is to be filled."""


class Kept(Protocol):
    """A journal of one case."""

    url: str
    """As the program knows it."""
    direct: str
    """Past all faults."""

    def lock(self, seconds: float | None, undo: ExitStack) -> None:
        """Let another process hold it, for a time or until it is undone."""

    def fill(self, undo: ExitStack) -> None:
        """Fill the disk that it lies on."""

    def network(self, mode: str, undo: ExitStack) -> None:
        """Change what the way to its server does."""


@dataclass(frozen=True, slots=True)
class InFile:
    """A journal in a SQLite file."""

    folder: Path

    @property
    def url(self) -> str:
        """Its URL."""
        return f"sqlite:///{self.folder}/journal.sqlite3"

    direct = url

    def lock(self, seconds: float | None, undo: ExitStack) -> None:
        """Hold it as another program would that writes."""
        path = self.folder / "journal.sqlite3"
        other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        _until(other.rollback, other.close, seconds, undo)

    def fill(self, undo: ExitStack) -> None:
        """Fill its folder, a disk of its own."""
        fill(self.folder, undo)

    def network(self, mode: str, undo: ExitStack) -> None:  # noqa: ARG002 (a server's)
        """Refuse: a file has none."""
        raise ValueError(f"a file has no network that could {mode}")


@dataclass(frozen=True, slots=True)
class AtServer:
    """A journal in a database of a server behind a relay."""

    server: servers.Server
    relay: Relay
    database: str
    full: "FullServer | None" = None

    @property
    def url(self) -> str:
        """Its URL, through the relay."""
        return self.server.url(self.database, port=self.relay.port)

    @property
    def direct(self) -> str:
        """Its URL at the server itself."""
        return self.server.url(self.database)

    def lock(self, seconds: float | None, undo: ExitStack) -> None:
        """Hold the lock of the one writer, as another run in the middle of a transaction would."""
        other = psycopg.connect(self.direct, autocommit=True)
        other.execute("SELECT pg_advisory_lock(%s)", [postgres.key("smmplus writer")])
        _until(partial(other.execute, "SELECT pg_advisory_unlock_all()"), other.close, seconds, undo)

    def fill(self, undo: ExitStack) -> None:
        """Fill the server's disk, and let the server find that out."""
        assert self.full is not None
        self.full.fill(undo)

    def network(self, mode: str, undo: ExitStack) -> None:
        """Change what the relay does; what hangs is broken after a while, as a network's time-out does."""
        self.relay.set(mode)
        if mode == "hang":
            later = threading.Timer(SILENCE, self.relay.set, ["refuse"])
            later.start()
            undo.callback(later.join)
            undo.callback(later.cancel)


class FullServer:
    """A server whose data lie on a small disk; use it with `with`. It is started anew after each fall."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="smmplus-full-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._disk = self._folder / "disk"
        self._disk.mkdir()
        self._stack.enter_context(small_disk(self._disk, SERVER_DISK))
        self._user = servers._user()
        for path in (self._folder, self._disk):
            os.chown(path, self._user if self._user is not None else -1, -1)
        self._programs = servers._programs(self._folder, self._user)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"]
        command = [self._programs / "initdb", "-D", self._disk / "data", *options]
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd=self._folder)
        self.server = servers.Server(self._folder, servers._free_port())
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._stack.close()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        log = (self._folder / "log").open("ab")
        command = [self._programs / "postgres", "-D", self._disk / "data", "-h", "127.0.0.1"]
        command += ["-p", str(self.server.port), "-k", self._folder, "-c", "shared_buffers=16MB"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user, cwd=self._folder,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        servers._wait_for(self.server)

    def stop(self) -> None:
        """Stop the server at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(servers.PATIENCE)

    def fill(self, undo: ExitStack) -> None:
        """Fill the disk, and write until the server falls: what it has set aside for itself would last for a while."""
        undo.callback(self._recover)
        fill(self._disk, undo)
        with suppress(psycopg.Error), psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            while True:
                connection.execute("SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 500000), true)")

    def _recover(self) -> None:
        """Start anew, once there is room again."""
        self.stop()
        self.start()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Put a small disk on a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, undo: ExitStack) -> None:
    """Fill a disk to its last byte; undone it has room again."""
    assert disk.is_mount(), f"{disk} is no disk of its own, and everybody's would be filled"
    ballast = disk / "ballast"
    undo.callback(ballast.unlink)
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def _until(free: Callable[[], object], close: Callable[[], None], seconds: float | None, undo: ExitStack) -> None:
    undo.callback(close)
    if seconds is None:
        undo.callback(free)
        return
    timer = threading.Timer(seconds, free)
    timer.start()
    undo.callback(timer.join)
