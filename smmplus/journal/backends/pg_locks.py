"""Telling a live process from a dead one on any machine: locks of a session with PostgreSQL, which end with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from smmplus.errors import JournalError
from smmplus.journal.backends.postgres import key
from smmplus.texts import _

_POLL_SECONDS = 0.2
"""How often a lock that is waited for is tried. Waiting at the server could not be ended with Ctrl-C."""


class AdvisoryLocks:
    """The locks of one journal: of one connection, which does nothing else and is never opened a second time.

    A connection that was lost took its locks with it: others then believe this process dead, and so it must send
    nothing more.
    """

    def __init__(self, engine: Engine, uuid: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._engine = engine
        self._uuid = uuid
        self._sleep = sleep
        self._connection: psycopg.Connection[Any] | None = None
        self._held: set[str] = set()

    def take(self, name: str, *, wait: float = 0.0) -> bool:
        """Take a lock, or keep it, waiting at most `wait` seconds; False where another process holds it."""
        until = time.monotonic() + wait
        # The server would give a lock that this session holds a second time, and want it back twice.
        while name not in self._held:
            if self._ask("SELECT pg_try_advisory_lock(%s)", name):
                self._held.add(name)
            elif time.monotonic() < until:
                self._sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
            else:
                return False
        return True

    def drop(self, name: str, *, forever: bool = False) -> None:  # noqa: ARG002 (there is no file to remove)
        """Give a lock back."""
        if name in self._held:
            self._held.discard(name)
            with suppress(JournalError):  # a connection that is gone holds nothing
                self._ask("SELECT pg_advisory_unlock(%s)", name)

    def drop_all(self) -> None:
        """Give every lock back, with the connection that holds them."""
        self._held.clear()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(psycopg.Error):  # a connection that is gone holds nothing
            # The server notices a closed connection a moment later, and would keep the locks until then.
            connection.execute("SELECT pg_advisory_unlock_all()")
        connection.close()

    def confirm(self) -> None:
        """Raise JournalError where the connection is lost, and the locks with it."""
        if self._connection is not None:
            with _translated():
                self._connection.execute("SELECT 1")

    def _ask(self, question: str, name: str) -> bool:
        with _translated():
            if self._connection is None:
                self._connection = self._open()
            row = self._connection.execute(question, [key(f"{self._uuid} {name}")]).fetchone()
        return bool(row and row[0])

    def _open(self) -> psycopg.Connection[Any]:
        pooled = self._engine.raw_connection()
        connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()
        connection.autocommit = True
        return connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, SQLAlchemyError) as error:
        raise JournalError(
            _("the connection that shows others that this run is alive is lost: {error}", error=error)
        ) from error
