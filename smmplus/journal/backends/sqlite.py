"""A journal in a SQLite file: one machine's, durable through a crash of it."""

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from smmplus.errors import ConfigurationError, JournalError
from smmplus.texts import _

BUSY_SECONDS = 30.0
"""How long a transaction waits for another process's; a wave of commits takes milliseconds."""

READING = "smmplus_reading"
"""The execution option of a connection that only reads."""


def path_of(url: str) -> Path:
    """Take the file's path out of a database URL. No message repeats the URL: it may hold a password all the same."""
    rule = _("write sqlite:////folder/journal.sqlite3, or postgresql://user@host/database")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(_("SMMPLUS_JOURNAL is not a valid address of a database: {rule}", rule=rule)) from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError(_("SMMPLUS_JOURNAL must name a SQLite file: {rule}", rule=rule))
    # A slash too few, and the folder is read as a server's name: the file would be another one in every folder.
    if parsed.host or parsed.username or parsed.query:
        raise ConfigurationError(
            _("SMMPLUS_JOURNAL names a file with a server or options, of which it has none: {rule}", rule=rule)
        )
    try:
        return Path(parsed.database).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigurationError(
            _("SMMPLUS_JOURNAL names {path}, but there is no such user", path=parsed.database)
        ) from error


def url_of(path: Path) -> str:
    """Give the URL that `path_of` takes apart."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


class InPlace:
    """Whether an open journal still is the file at its path: SQLite would go on in one that was deleted.

    Asked in each transaction that writes, it costs some microseconds. One that only reads may go on: what was committed
    can still be read from a file that was deleted, and written into the sheet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._logs = [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]
        self._known: dict[Path, tuple[int, int]] = {}
        self._size = 0
        self._connections = 0
        self._one_at_a_time = threading.Lock()

    def opened(self, *_event: object) -> None:
        """Count a new connection, which must be to the same file as those before."""
        self.confirm()
        with self._one_at_a_time:
            self._connections += 1

    def closed(self, *_event: object) -> None:
        """Count a connection less: SQLite removes the logs with the last one."""
        with self._one_at_a_time:
            self._connections -= 1
            if self._connections == 0:
                for log in self._logs:
                    self._known.pop(log, None)

    def confirm(self) -> None:
        """Raise JournalError where the file or a log was deleted, moved or replaced, or the file was written over."""
        with self._one_at_a_time:
            for path in (self._path, *self._logs):
                found = self._found(path)
                if path in self._known:
                    if found != self._known[path]:
                        raise JournalError(self._words(path))
                elif found is not None:
                    self._known[path] = found

    def _found(self, path: Path) -> tuple[int, int] | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            about = path.stat()
            if path == self._path:
                if about.st_size < self._size:  # it only grows
                    raise JournalError(self._words(path))
                self._size = about.st_size
            return about.st_dev, about.st_ino
        return None

    def _words(self, path: Path) -> str:
        return _(
            "the journal {journal} was deleted, moved or replaced while this process had it open (look for "
            "{file}). Nothing more is sent. Stop every run that uses it, bring back the file with all that "
            "begins with its name, and run again; an earlier copy does not know what was placed since",
            journal=self._path,
            file=path.name,
        )


def engine_of(path: Path, place: InPlace | None = None) -> Engine:
    """Open a file. Transactions that write fail with JournalError as soon as it is no longer the file at its path."""
    engine = create_engine(url_of(path), connect_args={"timeout": BUSY_SECONDS})
    place = place or InPlace(path)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "connect", place.opened)
    event.listen(engine, "close", place.closed)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "begin", lambda connection: None if _is_reading(connection) else place.confirm())
    return engine


def reading_engine_of(path: Path) -> Engine:
    """Open a file in such a way that nothing of it can be changed."""
    engine = create_engine(url_of(path), creator=lambda: _read_only(path), poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


def put_into_file(engine: Engine) -> None:
    """Move commits from the write-ahead log into the file, as far as no reader prevents it."""
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()


def make_single(path: Path) -> None:
    """Make a file that is complete without any other file next to it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").close()


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise JournalError(
            _(
                "SQLite keeps its journal_mode {mode!r} here, and this program needs 'wal': commits could be lost. "
                "Name a file on another disk in SMMPLUS_JOURNAL",
                mode=mode,
            )
        )
    for pragma in ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that read first could not become a writer safely; one that only reads must keep no writer waiting.
    connection.exec_driver_sql("BEGIN" if _is_reading(connection) else "BEGIN IMMEDIATE")


def _is_reading(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(READING))
