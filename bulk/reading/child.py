"""The process in which a file is read: limited in memory and processor time, it answers once and ends.

Started by :mod:`bulk.reading.apart`; what it needs is kept small, for a person waits until it has started.
"""

import gc
import pickle
import signal
import sys
from array import array
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bulk.errors import RefusedFileError, SheetError
from bulk.reading.contents import Contents, Packed, pack_column
from bulk.reading.how import How
from bulk.reading.parsing import parse


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the reading of one file may take."""

    memory_bytes: int
    """Address space, as far as the platform limits it."""
    processor_seconds: int
    """Processor time, as far as the platform limits it."""
    seconds: float
    """By the clock; for a computer that is busy, or has no limits."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the process is to do."""

    path: Path
    how: How
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no contents: an error's text, and whether it is a RefusedFileError."""

    text: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read: contents without rows and texts, and these, packed."""

    contents: Contents
    rows: bytes
    texts: dict[str, Packed]


def main() -> None:
    """Take a :class:`Task` from standard input; give a :class:`Refusal` or an :class:`Answer` to standard output."""
    # Ctrl-C reaches every process of the terminal: the one that started this ends it, when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worksheet is a million objects in no circle: looking for circles among them takes a third of the time.
    gc.disable()
    task = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the process that started this one
    limit(task.allowance)
    answer = read(task.path, task.how)
    pickle.dump(answer, sys.stdout.buffer, protocol=5)
    sys.stdout.buffer.flush()


def read(path: Path, how: How) -> Refusal | Answer:
    """Read a file, as an answer to send."""
    try:
        contents = parse(path, how)
    except SheetError as error:
        return Refusal(str(error), isinstance(error, RefusedFileError))
    texts = {name: pack_column(column) for name, column in contents.texts.items()}
    return Answer(replace(contents, rows=(), texts={}), array("I", contents.rows).tobytes(), texts)


def limit(allowance: Allowance) -> None:
    """Hold this process to its allowance, where the platform can."""
    try:
        import resource  # noqa: PLC0415 -- POSIX alone has it
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, allowance.memory_bytes),
        (resource.RLIMIT_CPU, allowance.processor_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        # A platform may know a limit by name alone, and refuse it: the guard and the clock are left.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
