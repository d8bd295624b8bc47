"""A journal in a SQLite file: one machine's, durable through a crash of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from smmplus.errors import ConfigurationError, JournalError

BUSY_SECONDS = 30.0
"""How long a transaction waits for another process's; a wave of commits takes milliseconds."""

READING = "smmplus_reading"
"""The execution option of a connection that only reads."""


def path_of(url: str) -> Path:
    """Take the file's path out of a database URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(f"SMMPLUS_JOURNAL is {url!r}: write sqlite:////folder/journal.sqlite3") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("SMMPLUS_JOURNAL must name a SQLite file: sqlite:////folder/journal.sqlite3")
    try:
        return Path(parsed.database).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigurationError(f"SMMPLUS_JOURNAL names {parsed.database}, in the home folder of nobody") from error


def url_of(path: Path) -> str:
    """Give the URL that `path_of` takes apart."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string()


def engine_of(path: Path) -> Engine:
    """Open a file."""
    engine = create_engine(url_of(path), connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def reading_engine_of(path: Path) -> Engine:
    """Open a file in such a way that nothing of it can be changed."""
    engine = create_engine(url_of(path), creator=lambda: _read_only(path), poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


def make_single(path: Path) -> None:
    """Let a file that is written no more be all there is: it can be read without any other beside it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").close()


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise JournalError(
            f"SQLite keeps its journal_mode {mode!r} here, and this program needs 'wal': commits could be lost. "
            "Name a file on another disk in SMMPLUS_JOURNAL"
        )
    for pragma in ("synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that read first could not become a writer safely; one that only reads must keep no writer waiting.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")
