"""The process in which a file is read: limited in memory and processor time, it answers once and ends.

Started by :mod:`bulk.reading.subprocess_reader`; what it needs is kept small, for a person waits until it has started.
"""

import gc
import pickle
import signal
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bulk.model.cell_values import check_locale
from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.options import ReadOptions
from bulk.model.sheet import Sheet
from bulk.reading.csv_reader import parse_csv, parse_mass_order
from bulk.reading.file_checks import check_text, check_workbook, load
from bulk.reading.xlsx_reader import parse_xlsx


def parse(path: Path, how: ReadOptions) -> Sheet:
    """Read what :func:`bulk.reading.read_sheet` promises, here and now; raises what it raises."""
    if how.locale:
        check_locale(how.locale)
    data = load(path)
    ending = path.suffix.casefold()
    if ending == ".xlsx":
        return parse_xlsx(path, data, how, check_workbook(path, data))
    check_text(path, data)
    if ending == ".txt":
        return parse_mass_order(path, data, how)
    return parse_csv(path, data, how)


Packed = str | tuple[Sequence[str], bytes] | Sequence[str]
"""A column's text: one text, a line each; or what occurs and each row's number in it; or as it is."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
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
    how: ReadOptions
    allowance: ResourceLimits


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why there is no sheet: an error's text, and whether it is a RefusedFileError."""

    text: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What was read: a sheet without rows and texts, and these, packed."""

    sheet: Sheet
    rows: bytes
    texts: dict[str, Packed]


def main() -> None:
    """Read a :class:`Task` from standard input, and write its result to standard output."""
    # Ctrl-C reaches every process of the terminal: the one that started this ends it, when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worksheet is a million objects in no circle: looking for circles among them takes a third of the time.
    gc.disable()
    task = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the process that started this one
    limit(task.allowance)
    answer = read(task.path, task.how)
    pickle.dump(answer, sys.stdout.buffer, protocol=5)
    sys.stdout.buffer.flush()


def read(path: Path, how: ReadOptions) -> ReadFailure | ReadResult:
    """Read a file, as an answer to send."""
    try:
        sheet = parse(path, how)
    except SheetError as error:
        return ReadFailure(str(error), isinstance(error, RefusedFileError))
    texts = {name: pack_column(column) for name, column in sheet.texts.items()}
    return ReadResult(replace(sheet, rows=(), texts={}), array("I", sheet.rows).tobytes(), texts)


def pack_column(texts: Sequence[str]) -> Packed:
    """Make a column small and quick to send: services and quantities repeat, links are one line each."""
    if len(set(texts[:1000])) * 2 < len(texts[:1000]):
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return tuple(numbers), array("I", map(numbers.__getitem__, texts)).tobytes()
    lines = "\n".join(texts)
    return lines if texts and lines.count("\n") == len(texts) - 1 else list(texts)


def unpack_column(packed: Packed) -> Sequence[str]:
    """Give a column as it was before it was packed; a text that repeats is one object."""
    if isinstance(packed, str):
        return packed.split("\n")
    if isinstance(packed, tuple):
        occurring, numbers = packed
        return list(map(occurring.__getitem__, memoryview(numbers).cast("I")))
    return packed


def limit(allowance: ResourceLimits) -> None:
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
