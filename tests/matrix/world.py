"""The world around the program: panel, networks, disks and locks, and the command in it."""

import json
import os
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.matrix.relay import MODES, Relay
from tests.panel import SandboxProcess

PATIENCE = 60.0
"""Seconds that a run may take before the case fails; none waits that long by itself."""

DISK = "8m"
"""Size of a disk that is to be filled."""

MOMENT = 0.3
"""Seconds for which a journal is locked briefly."""


def can_mount() -> str:
    """Tell why no small disks can be made here; "" where they can."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], capture_output=True)
        if made.returncode:
            return f"only root may mount a small disk, or a user namespace: unshare -Urm make matrix ({made.stderr!r})"
        subprocess.run(["umount", folder], check=True)
    return ""


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
    url: str
    """The journal as the program knows it."""
    direct: str
    """The same journal past all faults."""
    disks: list[Path] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    """Who stood at the point when the fault struck."""
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.folder / "disk" / "journal"

    @property
    def sheets(self) -> Path:
        """The folder of the sheet."""
        return self.folder / "disk" / "sheets"

    def fault(self, name: str) -> None:
        """Let something happen that lasts until the run has ended."""
        kind, _, what = name.partition("-")
        if name in MODES:
            self.world.network.set(name)
        elif kind == "full":
            self._fill({"journal": self.journal, "sheet": self.sheets, "both": self.folder / "disk"}[what])
        elif kind == "locked":
            self._lock(MOMENT if what else None)
        else:
            raise ValueError(f"no such fault: {name}")

    def _fill(self, disk: Path) -> None:
        ballast = disk / "ballast"
        self.undo.callback(ballast.unlink)
        with ballast.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass

    def _lock(self, seconds: float | None) -> None:
        other = sqlite3.connect(self.journal / "journal.sqlite3", check_same_thread=False, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        if seconds is None:
            self.undo.callback(other.close)
            self.undo.callback(other.rollback)
        else:
            timer = threading.Timer(seconds, other.rollback)
            timer.start()
            self.undo.callback(other.close)
            self.undo.callback(timer.join)

    def over(self) -> None:
        """Let the world be right again."""
        self.world.network.clear()
        self.undo.close()

    def environment(self) -> dict[str, str]:
        """Give a command's environment: nothing of the project's settings but what is said here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMMPLUS_", "COVERAGE_"))}
        return kept | {
            "SMMPLUS_API_KEY": self.world.panel.key,
            "SMMPLUS_API_URL": self.world.address,
            "SMMPLUS_JOURNAL": self.url,
        }

    def run(self, *arguments: str | Path, **breaking: object) -> Ended:
        """Run the command to its end, whole or broken as told."""
        out, err, ids = (self.folder / name for name in ("out", "err", "ids"))
        for path in (out, err, ids):
            path.unlink(missing_ok=True)
        job = {
            "arguments": [str(argument) for argument in arguments],
            "environment": self.environment(),
            "folder": str(self.sheets),
            "world": self.world.socket,
            "out": str(out),
            "err": str(err),
            "ids": str(ids),
            **breaking,
        }
        self.world.scene = self
        try:
            status = self.world.launch(job)
        finally:
            self.over()
        read = ids.read_text("utf-8").split() if ids.exists() else []
        return Ended(status, out.read_text("utf-8"), err.read_text("utf-8"), tuple(read))


class World:
    """A panel behind a network, and a launcher of the command; use it with `with`. It serves one case after another."""

    def __init__(self) -> None:
        self.scene: Scene | None = None
        self._stack = ExitStack()
        self._number = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.folder = Path(enter(tempfile.TemporaryDirectory(prefix="smmplus-matrix-")))
        self.panel = enter(SandboxProcess("--speed", "0", "--balance", "100000"))
        parts = urlsplit(self.panel.address)
        assert parts.port is not None
        self.network = enter(Relay(parts.port))
        self.address = f"http://127.0.0.1:{self.network.port}{parts.path}"
        self.socket = str(self.folder / "world")
        self._listen()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        # Threads of a library would not come along into a forked process.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.matrix.launcher"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(self._stop_launcher)
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

    def _stop_launcher(self) -> None:
        for pipe in (self._launcher.stdin, self._launcher.stdout):
            assert pipe is not None
            pipe.close()
        self._launcher.wait(10)

    def launch(self, job: dict[str, Any]) -> int:
        """Run a job in a forked process, and give its exit status."""
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(json.dumps(job) + "\n")
        self._launcher.stdin.flush()
        pid = int(self._launcher.stdout.readline())
        late = threading.Timer(PATIENCE, os.kill, (pid, signal.SIGKILL))
        late.start()
        began = time.monotonic()
        status = int(self._launcher.stdout.readline())
        late.cancel()
        assert time.monotonic() - began < PATIENCE, f"a run did not end: {job['arguments']}"
        return status

    @contextmanager
    def scene_for(self, url: Callable[[Path], tuple[str, str]], disks: tuple[str, ...]) -> Iterator[Scene]:
        """Set a scene for a case; `url` gives the journal's two addresses, `disks` are small disks of their own."""
        self._number += 1
        folder = self.folder / f"case-{self._number}"
        with ExitStack() as stack:
            for name in ("", "journal", "sheets"):
                path = folder / "disk" / name
                path.mkdir(parents=True, exist_ok=True)
                if (name or "both") in disks:
                    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", path], check=True)
                    stack.callback(subprocess.run, ["umount", "-l", path], check=True)
            scene = Scene(self, folder, *url(folder / "disk" / "journal"))
            try:
                yield scene
            finally:
                scene.over()

    def obey(self, words: list[str]) -> None:
        """Do what the program under way asks for."""
        scene = self.scene
        assert scene is not None
        match words:
            case ["struck", *who]:
                scene.struck.append(" ".join(who))
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
