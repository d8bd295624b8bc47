"""Opening the journal's database so that what it has committed survives a crash of the machine."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from smmplus.errors import ConfigurationError, JournalError, JournalInUseError
from smmplus.journal import schema

BUSY_SECONDS = 30.0
"""How long a transaction waits for another process's; a wave of commits takes milliseconds."""


READING = "smmplus_reading"
"""The execution option of a connection that only reads."""


def default_url() -> str:
    """Name the one journal of this user, in the platform's data folder, the same from whichever folder one works."""
    return f"sqlite:///{user_data_path('smmplus') / 'journal.sqlite3'}"


def open_engine(url: str) -> Engine:
    """Open a SQLite journal, made if it is not there yet. ConfigurationError or JournalError say what is wrong."""
    path = sqlite_path(url)
    with translated(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        _make_tables(engine)
    return engine


def sqlite_path(url: str) -> Path:
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


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the database's and the file system's errors into JournalError, without their SQL."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        if "locked" in str(reason):
            raise JournalInUseError(f"another program holds the journal {where}: close it, and try again") from error
        raise JournalError(f"the journal {where} cannot be used: {reason}") from error
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"the journal {where} cannot be used: {error}") from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that read first could not become a writer safely; one that only reads must keep no writer waiting.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")


def _make_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        tables = set(inspect(connection).get_table_names())
        if tables and schema.meta.name not in tables:
            raise JournalError(
                "this is another program's database, and no journal: name another file in SMMPLUS_JOURNAL"
            )
        schema.metadata.create_all(connection)
        found = {row.name: row.value for row in connection.execute(select(schema.meta.c.name, schema.meta.c.value))}
        if not found:
            rows = [{"name": "uuid", "value": str(uuid.uuid4())}, {"name": "version", "value": str(schema.VERSION)}]
            connection.execute(insert(schema.meta), rows)
        elif found.get("version") != str(schema.VERSION):
            version = found.get("version")
            raise JournalError(f"the journal has version {version}, and this program reads {schema.VERSION}: update it")
