"""The process in which a file is read, with limits on memory and processor time. It returns one result and ends.

:mod:`bulk.reading.subprocess_reader` starts it. It imports little, because a person waits until it has started.
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


def parse(path: Path, options: ReadOptions) -> Sheet:
    """Read a file as :func:`bulk.reading.read_sheet` does, in this process."""
    if options.locale:
        check_locale(options.locale)
    data = load(path)
    ending = path.suffix.casefold()
    if ending == ".xlsx":
        return parse_xlsx(path, data, options, check_workbook(path, data))
    check_text(path, data)
    if ending == ".txt":
        return parse_mass_order(path, data, options)
    return parse_csv(path, data, options)


Packed = str | tuple[Sequence[str], bytes] | Sequence[str]
"""A column's texts: as the lines of one text; or the distinct texts and each row's index in them; or as they are."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """The limits of one process."""

    memory_bytes: int
    """Address space, if the platform limits it."""
    processor_seconds: int
    """Processor time, if the platform limits it."""
    seconds: float
    """Elapsed time, for a computer that is busy or has no other limits."""


@dataclass(frozen=True, slots=True)
class Task:
    """The file to read."""

    path: Path
    options: ReadOptions
    limits: ResourceLimits


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """An error's text and headers, and whether it was a RefusedFileError."""

    text: str
    is_refused: bool
    headers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A sheet without rows and texts, and these in packed form."""

    sheet: Sheet
    rows: bytes
    texts: dict[str, Packed]


def main() -> None:
    """Read a :class:`Task` from standard input, and write its result to standard output."""
    # Ctrl-C reaches every process of the terminal. The one that started this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worksheet is a million objects without cycles: looking for cycles takes a third of the time.
    gc.disable()
    task = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the process that started this one
    limit(task.limits)
    answer = read(task.path, task.options)
    pickle.dump(answer, sys.stdout.buffer, protocol=5)
    sys.stdout.buffer.flush()


def read(path: Path, options: ReadOptions) -> ReadFailure | ReadResult:
    """Read a file. Return the result or the failure in the form in which it is sent."""
    try:
        sheet = parse(path, options)
    except SheetError as error:
        return ReadFailure(str(error), isinstance(error, RefusedFileError), error.headers)
    texts = {name: pack_column(column) for name, column in sheet.texts.items()}
    return ReadResult(replace(sheet, rows=(), texts={}), array("I", sheet.rows).tobytes(), texts)


def pack_column(texts: Sequence[str]) -> Packed:
    """Return a column in a form that is small to send: services and quantities repeat, links are one line each."""
    if len(set(texts[:1000])) * 2 < len(texts[:1000]):
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return tuple(numbers), array("I", map(numbers.__getitem__, texts)).tobytes()
    lines = "\n".join(texts)
    return lines if texts and lines.count("\n") == len(texts) - 1 else list(texts)


def unpack_column(packed: Packed) -> Sequence[str]:
    """Return a column as it was before it was packed. A text that repeats is one object."""
    if isinstance(packed, str):
        return packed.split("\n")
    if isinstance(packed, tuple):
        occurring, numbers = packed
        return list(map(occurring.__getitem__, memoryview(numbers).cast("I")))
    return packed


def limit(limits: ResourceLimits) -> None:
    """Limit this process, if the platform can."""
    try:
        import resource  # noqa: PLC0415 -- POSIX alone has it
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.processor_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        # A platform may define a limit and refuse to set it: the checks and the elapsed time are left.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
