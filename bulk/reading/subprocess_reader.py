"""Has a file read in a process of its own: a file that kills its reader, or never lets go of it, is merely refused."""

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

START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
"""How a program for :func:`run_apart` begins."""
_PROGRAM = f"{START}from bulk.reading.reader_worker import main; main()"
_KEPT_BACK = ("SMMPLUS", "AIRFLOW")
"""Variables that begin so stay here: keys and passwords are none of a reader's business."""

_SENT = {(each.__module__, each.__name__) for each in (ReadResult, ReadFailure, Sheet, Column, Problem, type(Path()))}
"""All that an answer is made of, beside text and numbers."""

_SAVE_AGAIN = "Open it in Excel or LibreOffice and save it again, or split it into several files."


def allowance_for(size: int) -> ResourceLimits:
    """Tell what a file of so many bytes may take: several times what it takes to read an honest one."""
    mebibytes = size / (1 << 20)
    return ResourceLimits(
        memory_bytes=(400 << 20) + 24 * size,
        processor_seconds=4 + int(3 * mebibytes),
        seconds=120 + 60 * mebibytes,
    )


def read_apart(path: Path, how: ReadOptions) -> Sheet:
    """Read a file in a process of its own.

    :raises RefusedFileError: if it is refused, or if reading it takes too much, or ends the process.
    :raises SheetError: as :func:`bulk.reading.read_sheet` does.
    """
    answer = _ask(Task(path, how, allowance_for(_size(path))))
    if isinstance(answer, ReadFailure):
        raise (RefusedFileError if answer.is_refused else SheetError)(answer.text)
    texts = {name: unpack_column(packed) for name, packed in answer.texts.items()}
    return replace(answer.sheet, rows=memoryview(answer.rows).cast("I").tolist(), texts=texts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # The reader says what is wrong with it.
        return 0


def run_apart(program: str, task: object, allowance: ResourceLimits) -> bytes:
    """Run a program in a process of its own, without secrets; it reads the task from its input, and limits itself.

    :returns: what it writes to its output.
    :raises ChildProcessError: if it takes too much, or ends in another way than it should; the message says how.
    """
    command = [sys.executable, "-I", "-X", f"utf8={sys.flags.utf8_mode}", "-c", program]
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(_KEPT_BACK)}
    question = pickle.dumps(sys.path) + pickle.dumps(task)
    try:
        done = subprocess.run(  # noqa: S603 -- this very Python, with a fixed program
            command, input=question, capture_output=True, timeout=allowance.seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ChildProcessError(f"took more than {allowance.seconds:.0f} seconds") from error
    if done.returncode != 0:
        raise ChildProcessError(_how_it_ended(allowance, done.returncode, done.stderr)) from ChildProcessError(
            done.stderr.decode(errors="replace")
        )
    return done.stdout


def _ask(task: Task) -> ReadResult | ReadFailure:
    try:
        answer: ReadResult | ReadFailure = _Answers(io.BytesIO(run_apart(_PROGRAM, task, task.allowance))).load()
    except ChildProcessError as error:
        raise _refused(task, str(error)) from error
    except OSError as error:
        raise SheetError(f"{task.path}: the process that is to read it cannot be started: {error}") from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise _refused(task, f"gave no answer ({error})") from error
    return answer


def _how_it_ended(allowance: ResourceLimits, status: int, said: bytes) -> str:
    if b"MemoryError" in said or b"memory allocation" in said:
        return f"needed more than {allowance.memory_bytes >> 20} MiB of memory"
    if status == -getattr(signal, "SIGXCPU", 0):
        return f"took more than {allowance.processor_seconds} seconds of processor time"
    last = said.decode(errors="replace").strip().rpartition("\n")[2][:200]
    ended = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    return f"{ended} ({last})" if last else ended


def _refused(task: Task, what: str) -> RefusedFileError:
    return RefusedFileError(f"{task.path}: reading it {what}, so it is not read. {_SAVE_AGAIN}")


class _Answers(pickle.Unpickler):
    """Takes nothing from a process that read a stranger's file but what an answer is made of."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _SENT:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an answer")
        return super().find_class(module, name)
