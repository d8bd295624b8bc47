"""The world around the program: panel, networks, disks and locks, and the command in it."""

import json
import os
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests import postgres as servers
from tests.end_to_end.command import SMMPLUS
from tests.launcher import launch
from tests.matrix.journals import MOMENT, AtServer, FullServer, InFile, Kept, fill, small_disk
from tests.matrix.relay import Relay
from tests.panel import SandboxProcess

PATIENCE = 60.0
"""Seconds that a run may take before the case fails; none waits that long by itself."""

BREAK = "from tests.matrix import breaking; breaking.install(job)"
"""What runs in the process of a command before it."""

DISK = "8m"
"""Size of a disk that is to be filled."""

SURPLUS = {
    status: f"HTTP/1.1 {status} Surplus\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    for status, body in (("200", '{"order": 999000001}'), ("408", ""), ("429", '{"error": "Rate limit exceeded"}'))
}
"""Answers that belong to no call."""

CASES = 50
"""Cases for which one panel serves."""


def can_mount() -> str:
    """Tell why no small disks can be made here; "" where they can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder), DISK):
                return ""
        except (OSError, subprocess.CalledProcessError) as error:
            return f"only root may make small disks, or a user namespace: unshare -Urm make matrix ({error})"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over."""

    status: int
    """Its exit status; the negative number of a signal that ended it."""
    out: str
    err: str
    ids: tuple[str, ...]
    """The order ids that it read."""

    @property
    def said(self) -> dict[str, Any]:
        """The object that it printed; empty where it did not get that far."""
        found: dict[str, Any] = json.loads(self.out) if self.out.strip() else {}
        return found


@dataclass(slots=True)
class Scene:
    """One case's folders, and what has happened to it."""

    world: "World"
    folder: Path
    kept: Kept
    """Its journal."""
    struck: list[str] = field(default_factory=list)
    """Who stood at the point when the fault struck."""
    sheet_then: bytes = b""
    """The sheet as it was at that moment."""
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def journal(self) -> Path:
        """The folder of a journal in a file."""
        return _places(self.folder)["journal"]

    @property
    def sheets(self) -> Path:
        """The folder of the sheet."""
        return _places(self.folder)["sheet"]

    def fault(self, name: str) -> None:
        """Let something happen that lasts until the run has ended."""
        match name.partition("-")[::2]:
            case ["full", "journal"]:
                self.kept.fill(self.undo)
            case ["full", what]:
                fill(_places(self.folder)[what], self.undo)
            case ["locked", what]:
                self.kept.lock(MOMENT if what else None, self.undo)
            case ["journal", mode]:
                self.kept.network(mode, self.undo)
            case ["surplus", status]:
                self.world.network.say(SURPLUS[status])
            case _:
                self.world.network.set(name)

    def over(self) -> None:
        """Let the world be right again."""
        self.undo.close()
        self.world.network.clear()
        self.world.to_server.clear()

    def environment(self) -> dict[str, str]:
        """Give a command's environment: nothing of the project's settings but what is said here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMMPLUS_", "COVERAGE_"))}
        return kept | {
            "SMMPLUS_API_KEY": self.world.panel.key,
            "SMMPLUS_API_URL": self.world.address,
            "SMMPLUS_JOURNAL": self.kept.url,
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def plain_run(self, *arguments: str | Path) -> Ended:
        """Run the command as a person would, from its start, to its end. Which ids it read nobody wrote down."""
        command = [SMMPLUS, *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment(), cwd=self.sheets, capture_output=True, text=True, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr, ())

    def run(self, *arguments: str | Path, **breaking: object) -> Ended:
        """Run the command to its end, whole or broken as told."""
        ids = self.folder / "ids"
        ids.unlink(missing_ok=True)
        self.world.scene = self
        process = launch(
            [str(argument) for argument in arguments],
            self.environment(),
            self.sheets,
            first=BREAK,
            world=self.world.socket,
            ids=str(ids),
            **breaking,
        )
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            self.over()
        read = ids.read_text("utf-8").split() if ids.exists() else []
        return Ended(process.wait(), out, err, tuple(read))


class World:
    """A panel behind a network; use it with `with`. It serves one case after another."""

    def __init__(self) -> None:
        self.scene: Scene | None = None
        self._full: FullServer | None = None
        self._stack = ExitStack()
        self._number = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.folder = Path(enter(tempfile.TemporaryDirectory(prefix="smmplus-matrix-")))
        self.network, self.to_server = enter(Relay()), enter(Relay())
        self._panels = enter(ExitStack())
        self._fresh_panel()
        self.address = f"http://127.0.0.1:{self.network.port}{urlsplit(self.panel.address).path}"
        self.socket = str(self.folder / "world")
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _listen(self) -> None:
        server = socketserver.ThreadingUnixStreamServer(self.socket, _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)

    @contextmanager
    def scene_for(self, database: str, disk: str) -> Iterator[Scene]:
        """Set a scene for a case; `disk` says under what is a small one: journal, sheet, both, or "" for none."""
        self._number += 1
        if self._number % CASES == 0:
            self._fresh_panel()
        folder = self.folder / f"case-{self._number}"
        with ExitStack() as stack:
            for what, path in _places(folder).items():
                path.mkdir(parents=True, exist_ok=True)
                if what == disk and (database == "sqlite" or what != "journal"):
                    stack.enter_context(small_disk(path, DISK))
            kept = stack.enter_context(self._journal(database, folder, full=disk == "journal"))
            scene = Scene(self, folder, kept)
            try:
                yield scene
            finally:
                scene.over()

    @contextmanager
    def _journal(self, database: str, folder: Path, *, full: bool) -> Iterator[Kept]:
        if database == "sqlite":
            yield InFile(_places(folder)["journal"])
            return
        if full and self._full is None:
            self._full = self._stack.enter_context(FullServer())
        small = self._full if full else None
        server = small.server if small else servers.server()
        self.to_server.target = server.port
        # One database for all: to make one takes longer than to play a case.
        server.execute("DROP SCHEMA IF EXISTS smmplus CASCADE")
        yield AtServer(server, self.to_server, "postgres", small)

    def _fresh_panel(self) -> None:
        """Begin a new ledger: it is read many times a case, and grows with each."""
        self._panels.close()
        self.panel = self._panels.enter_context(SandboxProcess("--speed", "0", "--balance", "100000"))
        port = urlsplit(self.panel.address).port
        assert port is not None
        self.network.target = port

    def obey(self, words: list[str]) -> None:
        """Do what the program under way asks for."""
        scene = self.scene
        assert scene is not None
        match words:
            case ["struck", *who]:
                scene.struck.append(" ".join(who))
                (sheet,) = scene.sheets.glob("campaign.*")
                scene.sheet_then = sheet.read_bytes()
            case ["fault", name]:
                scene.fault(name)
            case ["network", mode]:
                self.network.set(mode)
            case ["release"]:
                self.network.release()
            case ["await", "nothing", _]:
                pass
            case ["await", "order", link]:
                self._wait_for(link)
            case _:
                raise ValueError(f"nobody knows what {words} means")

    def _wait_for(self, link: str) -> None:
        ends = time.monotonic() + PATIENCE / 2
        while not any(order["link"] == link for order in self.panel.orders()):
            if time.monotonic() > ends:
                raise AssertionError(f"the panel never took the order for {link}")
            time.sleep(0.005)


def _places(folder: Path) -> dict[str, Path]:
    """Name the folders of a case that may lie on disks of their own, the outer one first."""
    disk = folder / "disk"
    return {"both": disk, "journal": disk / "journal", "sheet": disk / "sheets"}


def _handler(world: World) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                world.obey(self.rfile.readline().decode().split())
            except Exception as error:  # noqa: BLE001 (told to the one who asked)
                self.wfile.write(repr(error)[:900].encode())
            else:
                self.wfile.write(b"done")

    return Handler
