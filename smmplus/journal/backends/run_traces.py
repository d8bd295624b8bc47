"""Traces of runs outside the database: one small file for each run, with the number of its last commit.

A journal that lacks a run or a commit of which there is a trace has lost its tail, or is an older copy of itself. The
traces are next to a journal's file, and once more in the user's own folder, where they outlive the journal's folder.
There a lock goes with each, so that a new journal in the place of a deleted one is not taken for the only one.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from platformdirs import user_state_path

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal.backends import sqlite_file
from smmplus.journal.backends.file_locks import FileLocks, is_free, process_words
from smmplus.texts import _

_DIGITS = 20
_OPEN, _CLOSED = b" open  ", b" closed"
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run left."""

    journal: str
    """The journal's uuid."""
    run: str
    path: str
    """The journal's file, "" in PostgreSQL."""
    file: str
    """Which file was at that path, see `file_at`."""
    pid: int
    host: str
    user: str
    started_at: str
    commits: int = 0
    """The number of the run's last commit; 0 as long as it can have sent nothing."""
    closed: bool = False
    """Whether it ended in good order, with the journal in its place."""

    def __str__(self) -> str:
        """Name the run for the journal, which is in English."""
        return f"process {self.pid} on {self.host} ({self.user}) since {self.started_at}"

    @property
    def words(self) -> str:
        """The run, named for people."""
        return process_words(self.pid, self.host, self.user, self.started_at)


class TraceFile:
    """The trace of one live run in one folder. OSError where it cannot be written."""

    def __init__(self, folder: Path, trace: Trace) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / trace.run
        self._file = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o644)
        about = json.dumps(asdict(trace)).encode()
        sqlite_file.write_at(self._file, 0, b"%0*d%s\n%s\n" % (_DIGITS, 0, _OPEN, about))
        os.fsync(self._file)
        sqlite_file.sync_folder(folder)

    def note(self, commits: int) -> None:
        """Write the number of a commit over the last one. It outlives the process."""
        sqlite_file.write_at(self._file, 0, b"%0*d" % (_DIGITS, commits))

    def note_closed(self) -> None:
        """Write down that the run ended in good order."""
        sqlite_file.write_at(self._file, _DIGITS, _CLOSED)

    def sync(self) -> None:
        """Bring the number to the disk: it then outlives the machine's end, too."""
        os.fsync(self._file)

    def close(self) -> None:
        """Leave the file as it is: it says which commits the journal must have."""
        os.close(self._file)


class Traces:
    """The traces of one journal. `path` is its file; None in PostgreSQL, where there is the user's own folder alone."""

    def __init__(self, path: Path | None, journal_uuid: str) -> None:
        self._path, self._journal_uuid = path, journal_uuid
        self._beside = None if path is None else beside(path)
        self._apart = apart(journal_uuid if path is None else str(path))
        self._locks = FileLocks(self._apart)
        self._files: list[TraceFile] = []
        self._run = ""

    def found(self) -> list[Trace]:
        """Read the traces of this journal.

        Next to a journal's file, all are. In the user's folder the path may have been another journal's before.
        """
        own = [trace for trace in read(self._apart) if trace.journal == self._journal_uuid]
        return [*(read(self._beside) if self._beside else ()), *own]

    def begin(self, run: str, *, pid: int, host: str, user: str, started_at: str) -> None:
        """Write the trace of a run that has sent nothing yet.

        Raises JournalError if it cannot be written next to the journal.
        """
        path = "" if self._path is None else str(self._path)
        trace = Trace(self._journal_uuid, run, path, file_at(self._path), pid, host, user, started_at)
        self._run = run
        try:
            if self._beside is not None:
                self._files.append(TraceFile(self._beside, trace))
        except OSError as error:
            raise JournalError(
                _(
                    "cannot write to {folder} ({error}). Nothing is sent: without that file, nobody would notice "
                    "that the journal lost its latest orders",
                    folder=self._beside,
                    error=error,
                )
            ) from error
        with suppress(OSError, JournalError):  # a user without a folder of their own has the one trace
            if self._locks.take(_lock(run)):
                self._files.append(TraceFile(self._apart, trace))

    def note(self, commits: int, *, sync: bool = False) -> None:
        """Note the number of a commit that is on disk; JournalError where that fails."""
        try:
            for file in self._files:
                file.note(commits)
                if sync:
                    file.sync()
        except OSError as error:
            raise JournalError(_("cannot write the number of the last commit: {error}", error=error)) from error

    def end(self, *, closed: bool = False) -> None:
        """Leave the traces for later, and give back the lock."""
        for file in self._files:
            with suppress(OSError):
                if closed:
                    file.note_closed()
                file.sync()
            file.close()
        self._files.clear()
        self._locks.drop(_lock(self._run), forever=True)

    def is_alive(self, run: str) -> bool:
        """Return whether a run holds the lock in the user's folder."""
        if not self._apart.exists():
            return False
        with suppress(JournalError):
            return not is_free(self._locks, _lock(run))
        return False

    def remove(self, runs: Iterable[str]) -> None:
        """Remove the traces of runs that a later run's trace covers."""
        for run in runs:
            for folder in filter(None, (self._beside, self._apart)):
                _remove(folder / run)


def beside(path: Path) -> Path:
    """Name the folder for traces next to a journal's file."""
    return path.with_name(path.name + ".runs")


def apart(what: str) -> Path:
    """Name the folder for traces in the user's own folder. It is never the one that the default journal is in."""
    return _root() / hashlib.sha256(what.encode()).hexdigest()[:32]


def _root() -> Path:
    return user_state_path("smmplus-runs")


def forget(path: Path) -> None:
    """Remove every trace next to a journal's file: a person has put another journal there."""
    for trace in read(beside(path)):
        _remove(beside(path) / trace.run)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a trace that stays does no harm
        path.unlink()


def read(folder: Path) -> list[Trace]:
    """Read the traces in a folder. One that is torn is of a run that had sent nothing, and counts for nothing."""
    return list(_read(folder))


def _read(folder: Path) -> Iterator[Trace]:
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if _NAME.fullmatch(path.name):
                with suppress(OSError, ValueError, TypeError):
                    standing, _end, about = path.read_bytes().partition(b"\n")
                    commits, closed = int(standing[:_DIGITS]), standing[_DIGITS:] == _CLOSED
                    yield replace(Trace(**json.loads(about)), commits=commits, closed=closed)


def file_at(path: Path | None) -> str:
    """Name the file that is at a path now, whatever it holds; "" where there is none."""
    with suppress(OSError):
        if path is not None:
            about = path.stat()
            return f"{about.st_dev}:{about.st_ino}"
    return ""


def must_not_be_gone(path: Path) -> None:
    """Refuse to make a new journal where the last run of the one before did not end in good order."""
    for trace in read(apart(str(path))):
        if trace.commits and not trace.closed:
            raise JournalError(
                _(
                    "the journal {journal} is gone: {process} placed orders with it, and did not end in good order. "
                    "Bring it back with all that begins with its name, or use a backup: `smmplus journal restore "
                    "BACKUP`. A new journal would know none of its orders: if that is meant, delete {trace}",
                    journal=path,
                    process=trace.words,
                    trace=apart(str(path)) / trace.run,
                )
            )


def must_be_free(path: Path) -> None:
    """Refuse a path while a live run has another file open that was there before, or this file under another name."""
    for folder in _folders(path):
        locks = FileLocks(folder)
        for trace in read(folder):
            same = (trace.path == str(path), trace.file == file_at(path))
            if same in {(True, False), (False, True)} and not is_free(locks, _lock(trace.run)):
                raise JournalInUseError(_of_another(path, trace))


def _folders(path: Path) -> list[Path]:
    with suppress(OSError):
        if path.stat().st_nlink > 1:  # through the other name it has another -wal, and other locks
            return [folder for folder in _root().iterdir() if folder.is_dir()]
    return [apart(str(path))]


def _of_another(path: Path, trace: Trace) -> str:
    same = trace.path == str(path)
    what = _("the file that was here before") if same else _("the same file as {path}", path=trace.path)
    return _(
        "the journal {journal} cannot be used now: {process} is still placing orders with {file}. Nothing was sent. "
        "Stop that process; then bring back the file that it used, with all that begins with its name",
        journal=path,
        process=trace.words,
        file=what,
    )


def _lock(run: str) -> str:
    return f"run-{run}"
