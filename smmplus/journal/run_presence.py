"""An open journal: its transactions, and the run of the process that opened it.

A run is recorded in the journal, has a lock that shows that its process lives, and leaves traces outside the database.
"""

import getpass
import os
import platform
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, insert, select, update

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal import lost_commits, metadata, rescue_file
from smmplus.journal.backends import file_locks, postgres, sqlite
from smmplus.journal.backends.open import READING, Database, open_database, translated
from smmplus.journal.backends.run_traces import Traces
from smmplus.journal.schema import meta, runs
from smmplus.texts import _


class OpenJournal:
    """The base of `Journal`. A run begins with the first call that needs one, and ends with `close`."""

    def __init__(self, url: str, *, now: Callable[[], datetime], rescues: Path | None) -> None:
        self._now = now
        self._rescues = rescues
        self._open(url)

    def _open(self, url: str) -> None:
        self._database = database = _opened(url)
        self.where, self.path = database.where, database.path
        self._engine, self._locks = database.engine, database.locks
        self.traces = Traces(database.path, database.uuid)
        self._run_id: str | None = None
        self._commits = 0
        self._one_at_a_time = threading.RLock()

    @property
    def uuid(self) -> str:
        """The id of this journal."""
        with self.reading() as connection:
            return str(connection.execute(select(meta.c.value).where(meta.c.name == "uuid")).scalar_one())

    @property
    def rescues(self) -> Path:
        """The folder for order ids that the database cannot take."""
        return self._rescues or rescue_file.folder_of(self.path, self.uuid)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and does not block writers."""
        engine = self._engine.execution_options(**{READING: True})
        with translated(self.where), engine.begin() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that writes: one at a time in all processes, durable at the end of the block."""
        try:
            with translated(self.where), self._engine.begin() as connection:
                yield connection
        except JournalInUseError as error:
            if error.__cause__ is None:  # it is about another lock, and names its holder
                raise
            raise JournalInUseError(f"{error}{self._others()}") from error

    def _others(self) -> str:
        with suppress(JournalError), self.reading() as connection:
            return file_locks.of_journal(connection, self.is_run_alive, self._run_id)
        return ""

    def time(self) -> str:
        """Return the present time as text, as in the journal."""
        return self._now().isoformat(timespec="milliseconds")

    def begin_run(self) -> str:
        """Begin the run of this process, if it has not begun, and return its id."""
        with self._one_at_a_time:
            if self._run_id is None:
                run_id = uuid.uuid4().hex
                try:
                    self._begin(run_id)
                except BaseException:
                    self.traces.end()
                    self._locks.drop(f"run-{run_id}", forever=True)
                    raise
                self._run_id = run_id
            return self._run_id

    def _begin(self, run_id: str) -> None:
        found = self.traces.found()
        pid, host, user, started_at = os.getpid(), platform.node(), user_name(), self.time()
        self._locks.take(f"run-{run_id}")
        self.traces.begin(run_id, pid=pid, host=host, user=user, started_at=started_at)
        earlier = {trace.run for trace in found if not self.may_live(trace.run)}
        with self.transaction() as connection:
            metadata.must_be_in_use(connection, self.where)  # it may have moved since it was opened
            lost_commits.must_be_whole(connection, found, self.may_live, self.where, beside=self.path is not None)
            connection.execute(insert(runs).values(id=run_id, pid=pid, host=host, user=user, started_at=started_at))
            metadata.put(connection, f"{metadata.OPEN}{run_id}", started_at)
            lost_commits.mark_closed(connection, earlier)
            self._commits = metadata.raise_commits(connection)
        if self.path is not None:
            with translated(self.where):
                sqlite.put_into_file(self._engine)  # then the file alone shows that a run has it open
        self.traces.note(self._commits, sync=True)
        self.traces.remove(earlier)

    @contextmanager
    def run_transaction(self) -> Iterator[tuple[Connection, str]]:
        """Open a transaction of this process's run, and yield it with the run's id.

        At the end of the block the number of the commit is written outside the database, so that its loss is detected.
        """
        run_id = self.begin_run()
        with self.transaction() as connection:
            number = metadata.raise_commits(connection)
            if number <= self._commits:
                raise JournalError(
                    _(
                        "the journal {journal} was replaced by an older copy while this process had it open. "
                        "Nothing more is sent. Stop every run that uses it, and bring the file back",
                        journal=self.where,
                    )
                )
            yield connection, run_id
        with self._one_at_a_time:
            if number > self._commits:  # threads may get here in another order than they committed
                self._commits = number
                self.traces.note(number)

    def is_run_alive(self, run_id: str) -> bool:
        """Return whether the process of a run is alive."""
        if run_id == self._run_id:
            return True
        return not file_locks.is_free(self._locks, f"run-{run_id}")

    def may_live(self, run_id: str) -> bool:
        """Return whether a run's process has a lock anywhere: next to the journal, or in the user's folder.

        If it only lost the lock next to the journal, its orders count as left by a dead run, but its file as used.
        """
        return self.is_run_alive(run_id) or self.traces.is_alive(run_id)

    def close(self) -> None:
        """End the run, and close the database."""
        self._end_run()
        self._locks.drop_all()
        self._engine.dispose()

    def _end_run(self) -> None:
        if self._run_id is None:
            return
        closed = False
        with suppress(JournalError):  # it must not hide the result of the run
            with self.transaction() as connection:
                connection.execute(update(runs).where(runs.c.id == self._run_id).values(ended_at=self.time()))
                lost_commits.mark_closed(connection, [self._run_id])
            closed = True
        self.traces.end(closed=closed)
        self._locks.drop(f"run-{self._run_id}", forever=True)
        self._run_id = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(url: str) -> Database:
    try:
        return open_database(url)
    except JournalInUseError as error:
        others = "" if postgres.is_meant_by(url) else file_locks.of_file(sqlite.path_of(url))
        raise JournalInUseError(f"{error}{others}") from error


def user_name() -> str:
    """Return the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
