"""Runs in processes of their own, which break at a chosen moment: killed, asked to stop, without a disk or a journal.

::

    (said,) = run_apart(Job(url, panel, options, Blow("commit", 2, after=True, how="kill")))
    assert said is None    # it died before it could say anything

A process is forked, so that a run costs milliseconds; at its end it is always killed, as by a power cut, so that
nothing is tidied up behind the program's back.
"""

import asyncio
import functools
import inspect
import os
import pickle
import resource
import select
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.running import run, write_from_journal
from bulk.running.events import RunListener
from smmplus.api import async_client, retry
from smmplus.api.panel import Panel
from smmplus.errors import SmmPlusError
from smmplus.journal import group_commit
from smmplus.journal.backends import sqlite
from smmplus.journal.journal import Journal

PATIENCE = 90.0
"""Seconds after which a run that says nothing counts as hanging."""

BUSY_SECONDS = 0.3
"""How long a run waits for its journal; half a minute of a real one would be spent waiting."""

POINTS: dict[str, tuple[Any, str]] = {
    "commit": (Journal, "commit"),
    "plan": (Journal, "plan"),
    "open_batch": (Journal, "open_batch"),
    "finish_batch": (Journal, "finish_batch"),
    "record_statuses": (Journal, "record_statuses"),
    "hold_campaign": (Journal, "hold_campaign"),
    "recover_crashed_runs": (Journal, "recover_crashed_runs"),
    "in_transaction": (group_commit, "apply"),
    "exchange": (async_client.AsyncClient, "_exchange"),
    "body": (aiohttp.BytesPayload, "write_with_length"),
    "write_results": (write_from_journal, "write_results"),
    "replace": (Path, "replace"),
}
"""Where a run can be struck, before the call or after it. `in_transaction`, after: decided, and not yet committed;
`body`, after: the request has left, and no answer is there."""

BLOWS = ("kill", "term", "interrupt", "interrupt_twice", "journal_taken", "disk_full")


@dataclass(frozen=True, slots=True)
class Blow:
    """What happens to a run at the nth passing of a point."""

    point: str
    nth: int
    after: bool
    how: str


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a sheet by a process of its own."""

    journal: str
    panel: Panel
    options: Options
    blow: Blow | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a run said at its end."""

    text: str
    fault: str = ""
    """The traceback of an error that no run may end with."""

    @property
    def kind(self) -> str:
        """How it ended, without the words."""
        return self.text.partition(":")[0]


def go(job: Job) -> Said:
    """Run a sheet in this process; foreseen errors are words."""
    try:
        with Journal(job.journal) as journal:
            outcome = run.run(job.options, job.panel, journal, RunListener(agreed=True))
    except (SmmPlusError, SheetError) as error:
        return Said(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        return Said("interrupted")
    except Exception:  # noqa: BLE001 - what it is is told
        return Said("", traceback.format_exc())
    return Said(f"{outcome.exit_status.name}: {outcome.blocked or outcome.reason or outcome.unwritten}")


def without_waiting() -> None:
    """Let retries follow each other at once in this process: what they decide does not hang on the pause."""
    retry._backoff = lambda _: 0.0  # type: ignore[assignment]


def run_apart(*jobs: Job) -> list[Said | None]:
    """Run jobs at the same time, each in a process of its own; None for those that died without a word."""
    pipes = [_fork(job) for job in jobs]
    return [_hear(number, pipe) for number, pipe in pipes]


def run_in_threads(*jobs: Job) -> list[Said | None]:
    """Run jobs at the same time in threads of one process, as a program with several workers would."""
    said: list[Said] = []

    def all_of_them() -> Said:
        threads = [threading.Thread(target=lambda job=job: said.append(go(job))) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Said("; ".join(each.text for each in said), "".join(each.fault for each in said))

    return [_hear(*_fork_for(all_of_them))]


def _fork(job: Job) -> tuple[int, int]:
    def strike_and_go() -> Said:
        if job.blow is not None:
            _arm(job.blow, job.journal)
        return go(job)

    return _fork_for(strike_and_go)


def _fork_for(work: Callable[[], Said]) -> tuple[int, int]:
    reading, writing = os.pipe()
    number = os.fork()
    if number:
        os.close(writing)
        return number, reading
    # From here on this is the child; whatever happens, it never returns into the test.
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.close(reading)
        sqlite.BUSY_SECONDS = BUSY_SECONDS
        os.write(writing, pickle.dumps(work()))
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _hear(number: int, pipe: int) -> Said | None:
    ends, heard = time.monotonic() + PATIENCE, b""
    while select.select([pipe], [], [], max(0.0, ends - time.monotonic()))[0]:
        part = os.read(pipe, 65536)
        if not part:
            break
        heard += part
    else:
        heard = pickle.dumps(Said("", "it hangs"))
    os.close(pipe)
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    said: Said | None = pickle.loads(heard) if heard else None  # noqa: S301 - from our own child
    return said


def _arm(blow: Blow, journal: str) -> None:
    owner, name = POINTS[blow.point]
    original = getattr(owner, name)
    passed = 0

    def is_it() -> bool:
        nonlocal passed
        passed += 1
        return passed == blow.nth

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def struck(*arguments: Any, **named: Any) -> Any:
            now = is_it()
            if now and not blow.after:
                _strike(blow.how, journal)
                await asyncio.sleep(0)
            result = await original(*arguments, **named)
            if now and blow.after:
                _strike(blow.how, journal)
            return result
    else:

        @functools.wraps(original)
        def struck(*arguments: Any, **named: Any) -> Any:
            now = is_it()
            if now and not blow.after:
                _strike(blow.how, journal)
            result = original(*arguments, **named)
            if now and blow.after:
                _strike(blow.how, journal)
            return result

    setattr(owner, name, struck)


_held: list[sqlite3.Connection] = []


def _strike(how: str, journal: str) -> None:
    _STRIKES[how](journal)


def _signal(number: signal.Signals) -> Callable[[str], None]:
    return lambda _: os.kill(os.getpid(), number)


def _interrupt_twice(_: str) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)


def _take_journal(journal: str) -> None:
    """Hold a SQLite journal until this process dies, as another program would; cut all connections to PostgreSQL."""
    if journal.startswith("postgresql"):
        with psycopg.connect(journal) as other:
            other.execute(_CUT)
        return
    path = journal.removeprefix("sqlite:///")
    holder = sqlite3.connect(path, timeout=0.1, check_same_thread=False, isolation_level=None)
    with suppress(sqlite3.OperationalError):  # within the run's own transaction nobody else can have it
        holder.execute("BEGIN IMMEDIATE")
    _held.append(holder)


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def _fill_disk(_: str) -> None:
    # Python ignores the signal that comes with it: the write fails instead of the process.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


_STRIKES: dict[str, Callable[[str], None]] = {
    "kill": _signal(signal.SIGKILL),
    "term": _signal(signal.SIGTERM),
    "interrupt": _signal(signal.SIGINT),
    "interrupt_twice": _interrupt_twice,
    "journal_taken": _take_journal,
    "disk_full": _fill_disk,
}
