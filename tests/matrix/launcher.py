"""Runs the real command many times, each in a process of its own, with its modules loaded once.

`python -m tests.matrix.launcher` reads a job on each line, forks, and the child becomes `smmplus` with the job's
arguments, environment and folder; a job may say where that run is broken. It answers with the child's process id, and
with its exit status once it is gone. A start of the command takes more than a second, nearly all of it imports.
"""

import gc
import io
import json
import os
import signal
import sys
from contextlib import redirect_stdout, suppress
from typing import Any

import bulk.cli.app
from smmplus.api.panel import tls_context
from tests.matrix import breaking


def serve() -> None:
    """Take jobs until nobody gives any more."""
    _warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(job)
            bulk.cli.app.main()
            return
        _answer(pid)
        _, status = os.waitpid(pid, 0)
        _answer(os.waitstatus_to_exitcode(status))


def _warm_up() -> None:
    """Load what a command loads as late as it needs it: by one that stops at its first step, for want of a key."""
    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        bulk.cli.app.app(["run", __file__, "--yes", "--json"])
    tls_context()
    gc.freeze()


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _become(job: dict[str, Any]) -> None:
    # Whoever starts the tests in the background has Ctrl-C ignored, and so would every process after it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    for number, (path, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), (job["out"], os.O_WRONLY | os.O_CREAT), (job["err"], os.O_WRONLY | os.O_CREAT))
    ):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (the child's own, to its end)
    sys.argv = ["smmplus", *job["arguments"]]
    breaking.install(job)


if __name__ == "__main__":
    serve()
