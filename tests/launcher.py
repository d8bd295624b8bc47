"""Starts the real command in processes that are forked from one which has loaded its modules.

A start of `smmplus` takes one to two seconds of processor time, nearly all of it imports, and tests start it some
thousand times. `python -m tests.launcher` loads the modules once and waits for jobs. For each, a process is forked that
becomes `smmplus`, with the arguments, environment, folder, input and output of the job; from there on it is a process
like any other, to be killed, stopped or waited for.

What Python itself reads at its start (`PYTHONPATH`, `PYTHONIOENCODING` …) must be tested with a new interpreter.
"""

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import bulk.cli.app
import smmplus
from smmplus.api.panel import tls_context

_LONGEST_JOB = 1 << 17


class LaunchedProcess:
    """A command under way, with the part of :class:`subprocess.Popen` that tests use. Its output goes to files."""

    def __init__(self, control: socket.socket, job: Mapping[str, Any], *, answers: bool) -> None:
        self.returncode: int | None = None
        self._written: tuple[str, str] | None = None
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 (closed at the end)
        status, told = os.pipe()
        if answers:
            given, self._input = os.pipe()
        else:
            given, self._input = os.open(os.devnull, os.O_RDONLY), -1
        handles = [given, self._out.fileno(), self._err.fileno(), told]
        socket.send_fds(control, [json.dumps(job).encode()], handles)
        os.close(given)
        os.close(told)
        self._status = os.fdopen(status, "rb", buffering=0)
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.returncode = int(self._status.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        :raises subprocess.TimeoutExpired: if it does not end in time.
        """
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(["smmplus"], timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def communicate(self, answer: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Give it its input, wait for its end, and return what it wrote to its output and as errors."""
        if self._written is None:
            if self._input >= 0:
                with suppress(BrokenPipeError), os.fdopen(self._input, "w", encoding="utf-8") as given:
                    given.write(answer or "")
                self._input = -1
            self.wait(timeout)
            self._status.close()
            self._written = _text_of(self._out), _text_of(self._err)
        return self._written


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    with io.TextIOWrapper(file, encoding="utf-8") as text:
        return text.read()


@cache
def _control() -> socket.socket:
    """Start the launcher of this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SMMPLUS_", "COV"))}
    # Threads of a library would not come along into a forked process.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.launcher", str(theirs.fileno())]
    process = subprocess.Popen(
        command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=Path(__file__).parents[1]
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def launch(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    answers: bool = False,
    first: str = "",
    **more: object,
) -> LaunchedProcess:
    """Start `smmplus` with these arguments.

    :param answers: whether it has an input; without, its input is empty.
    :param first: a program that runs in the process before the command; it sees all of this as `job`.
    """
    job = {
        "arguments": list(arguments),
        "environment": dict(environment),
        "folder": str(folder),
        "first": first,
        **more,
    }
    return LaunchedProcess(_control(), job, answers=answers)


def _serve(control: socket.socket) -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, handles, _, _ = socket.recv_fds(control, _LONGEST_JOB, 4)
        if not message:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            if (pid := os.fork()) == 0:
                _become(json.loads(message), handles)
                bulk.cli.app.main()
            _report(pid, handles)
        for handle in handles:
            os.close(handle)


def _load() -> None:
    """Import what a command imports as late as it needs it, and what those imports import as late as they can."""
    for package in (smmplus, bulk):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
        bulk.cli.app.app(["run", __file__, "--yes", "--json"])  # ends for want of a key
    tls_context()
    gc.freeze()


def _report(pid: int, handles: list[int]) -> None:
    """Tell the number of a process, and when it has ended, how."""
    *others, told = handles
    for handle in others:
        os.close(handle)
    os.write(told, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(job: dict[str, Any], handles: list[int]) -> None:
    # A shell that starts the tests in the background has Ctrl-C ignored, and so would every process after it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, handle in enumerate(handles[:3]):
        os.dup2(handle, number)
    for handle in handles:
        os.close(handle)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = ["smmplus", *job["arguments"]]
    exec(job["first"], {"job": job})  # noqa: S102 (a test's own program)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)
