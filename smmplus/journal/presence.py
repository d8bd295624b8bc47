"""One process's run in a journal: on record in it, with a lock that shows that it lives, and traces outside of it."""

import getpass
import os
import platform
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, update

from smmplus.errors import JournalError
from smmplus.journal import losses, marks, sqlite
from smmplus.journal.database import Database, translated
from smmplus.journal.schema import runs
from smmplus.journal.traces import Traces

if TYPE_CHECKING:
    from smmplus.journal.store import Journal


class Presence:
    """The run begins with the first thing that it is needed for, and ends with the journal's closing."""

    def __init__(self, journal: "Journal", database: Database) -> None:
        self._journal, self._database, self._locks = journal, database, database.locks
        self.traces = Traces(database.path, database.uuid)
        self.run_id: str | None = None
        self._commits = 0
        self._one_at_a_time = threading.RLock()

    def begin(self) -> str:
        """Let others see that this process is alive, and return its run's id."""
        with self._one_at_a_time:
            if self.run_id is None:
                run_id = uuid.uuid4().hex
                try:
                    self._begin(run_id)
                except BaseException:
                    self.traces.end()
                    self._locks.drop(f"run-{run_id}", forever=True)
                    raise
                self.run_id = run_id
            return self.run_id

    def _begin(self, run_id: str) -> None:
        journal, found = self._journal, self.traces.found()
        pid, host, user, started_at = os.getpid(), platform.node(), user_name(), journal.time()
        self._locks.take(f"run-{run_id}")
        self.traces.begin(run_id, pid=pid, host=host, user=user, started_at=started_at)
        earlier = {trace.run for trace in found if not self.may_live(trace.run)}
        with journal.transaction() as connection:
            marks.must_be_in_use(connection, journal.where)  # it may have moved since it was opened
            losses.must_be_whole(connection, found, self.may_live, journal)
            connection.execute(insert(runs).values(id=run_id, pid=pid, host=host, user=user, started_at=started_at))
            marks.put(connection, f"{marks.OPEN}{run_id}", started_at)
            losses.bury(connection, earlier)
            self._commits = marks.raise_commits(connection)
        if journal.path is not None:
            with translated(journal.where):
                sqlite.put_into_file(self._database.engine)  # the file alone then shows that a run has it open
        self.traces.note(self._commits, sync=True)
        self.traces.remove(earlier)

    @contextmanager
    def transaction(self) -> Iterator[tuple[Connection, str]]:
        """Open a transaction of the run; its number is on record outside the database when it is left."""
        run_id = self.begin()
        with self._journal.transaction() as connection:
            number = marks.raise_commits(connection)
            if number <= self._commits:
                raise JournalError(
                    f"the journal {self._journal.where} was replaced by an older copy while this process had it open. "
                    "Nothing more is sent. Stop every run that uses it, and bring the file back"
                )
            yield connection, run_id
        with self._one_at_a_time:
            if number > self._commits:  # threads may come here in another order than they committed
                self._commits = number
                self.traces.note(number)

    def confirm(self) -> None:
        """Raise JournalError where what was just committed is in a file that is gone from its place."""
        self._database.confirm()

    def is_alive(self, run_id: str) -> bool:
        """Tell whether the process of a run lives."""
        if run_id == self.run_id:
            return True
        name = f"run-{run_id}"
        dead = self._locks.take(name)
        if dead:
            self._locks.drop(name, forever=True)
        return not dead

    def may_live(self, run_id: str) -> bool:
        """Tell whether the process of a run shows anywhere that it lives: next to the journal, or in the user's folder.

        Who lost its lock next to the journal counts as dead for what it left; its file is its own all the same.
        """
        return self.is_alive(run_id) or self.traces.is_alive(run_id)

    def end(self) -> None:
        """End the run, if one began."""
        if self.run_id is None:
            return
        closed = False
        with suppress(JournalError):  # it must not hide what the run has to say
            with self._journal.transaction() as connection:
                connection.execute(update(runs).where(runs.c.id == self.run_id).values(ended_at=self._journal.time()))
                losses.bury(connection, [self.run_id])
            closed = True
        self.traces.end(closed=closed)
        self._locks.drop(f"run-{self.run_id}", forever=True)
        self.run_id = None


def user_name() -> str:
    """Name the user of this machine who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
