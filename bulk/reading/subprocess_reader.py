"""Reads a file in a subprocess with limits on memory and time. A file that crashes or blocks its reader is refused."""

import io
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.options import ReadOptions
from bulk.model.sheet import Column, Problem, Sheet
from bulk.reading.reader_worker import ReadFailure, ReadResult, ResourceLimits, Task, unpack_column
from smmplus.texts import VARIABLE, _, language

START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
"""The beginning of every program for :func:`run_in_subprocess`."""
_PROGRAM = f"{START}from bulk.reading.reader_worker import main; main()"
_SECRET_PREFIXES = ("SMMPLUS", "AIRFLOW")
"""Environment variables that begin with these are not passed on: they hold keys and passwords. The language is none."""

_RESULT_CLASSES = {
    (each.__module__, each.__name__) for each in (ReadResult, ReadFailure, Sheet, Column, Problem, type(Path()))
}
"""The classes of a result. No others are unpickled."""


def limits_for_size(size: int) -> ResourceLimits:
    """Return the limits for a file of this size: far more than an ordinary one needs, also on a slow machine."""
    mebibytes = size / (1 << 20)
    return ResourceLimits(
        memory_bytes=(400 << 20) + 24 * size,
        processor_seconds=60 + int(10 * mebibytes),
        seconds=120 + 60 * mebibytes,
    )


def read_in_subprocess(path: Path, options: ReadOptions) -> Sheet:
    """Read a file in a subprocess.

    :raises RefusedFileError: if the file is refused, or reading it exceeds the limits or ends the process.
    :raises SheetError: as :func:`bulk.reading.read_sheet` does.
    """
    result = _run(Task(path, options, limits_for_size(_size(path))))
    if isinstance(result, ReadFailure):
        raise (RefusedFileError if result.is_refused else SheetError)(result.text, result.headers)
    texts = {name: unpack_column(packed) for name, packed in result.texts.items()}
    return replace(result.sheet, rows=memoryview(result.rows).cast("I").tolist(), texts=texts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # The reader reports what is wrong with the file.
        return 0


def _is_secret(name: str) -> bool:
    return name.upper().startswith(_SECRET_PREFIXES)


def run_in_subprocess(program: str, task: object, limits: ResourceLimits) -> bytes:
    """Run a program in a subprocess, without secrets. It reads the task from its input, and limits itself.

    :returns: the program's output.
    :raises ChildProcessError: if it exceeds its limits or does not end with status 0; the message says how it ended.
    """
    command = [sys.executable, "-I", "-X", f"utf8={sys.flags.utf8_mode}", "-c", program]
    environment = {name: value for name, value in os.environ.items() if not _is_secret(name)} | {VARIABLE: language()}
    payload = pickle.dumps(sys.path) + pickle.dumps(task)
    try:
        done = subprocess.run(  # noqa: S603 -- this very Python, with a fixed program
            command, input=payload, capture_output=True, timeout=limits.seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ChildProcessError(_("took more than {limit:.0f} seconds", limit=limits.seconds)) from error
    if done.returncode != 0:
        raise ChildProcessError(_how_it_ended(limits, done.returncode, done.stderr)) from ChildProcessError(
            done.stderr.decode(errors="replace")
        )
    return done.stdout


def _run(task: Task) -> ReadResult | ReadFailure:
    try:
        result: ReadResult | ReadFailure = _ResultUnpickler(
            io.BytesIO(run_in_subprocess(_PROGRAM, task, task.limits))
        ).load()
    except ChildProcessError as error:
        raise _refused(task, str(error)) from error
    except OSError as error:
        raise SheetError(
            _("{path}: the process that reads it cannot be started: {error}. Try again.", path=task.path, error=error)
        ) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise _refused(task, _("returned no result")) from error
    return result


def _how_it_ended(limits: ResourceLimits, status: int, stderr: bytes) -> str:
    if b"MemoryError" in stderr or b"memory allocation" in stderr:
        return _("needed more than {limit} MiB of memory", limit=limits.memory_bytes >> 20)
    if status == -getattr(signal, "SIGXCPU", 0):
        return _("took more than {limit} seconds of processor time", limit=limits.processor_seconds)
    return (
        _("ended with status {status}", status=status)
        if status > 0
        else _("was ended by signal {signal}", signal=-status)
    )


def _refused(task: Task, what: str) -> RefusedFileError:
    return RefusedFileError(
        _(
            "{path}: reading it {what}, so it was refused. Open it in Excel or LibreOffice and save it again, or split "
            "it into several files.",
            path=task.path,
            what=what,
        )
    )


class _ResultUnpickler(pickle.Unpickler):
    """Unpickles nothing but the classes of a result: the process has read a file of unknown origin."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _RESULT_CLASSES:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a result")
        return super().find_class(module, name)
