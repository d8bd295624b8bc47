"""Opening the journal's database: which one a URL names, its tables, and its errors in this package's words."""

import secrets
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import InvalidOperation
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, insert, inspect
from sqlalchemy.exc import SQLAlchemyError

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal import metadata, schema
from smmplus.journal.backends import location, postgres, run_traces, sqlite, sqlite_file
from smmplus.journal.backends.file_locks import FileLocks, Locks
from smmplus.journal.backends.sqlite import READING
from smmplus.texts import _

__all__ = [
    "READING",
    "Database",
    "default_url",
    "make_file",
    "make_tables",
    "new_engine",
    "open_database",
    "translated",
]


@dataclass(frozen=True, slots=True)
class Database:
    """An open database that holds a journal."""

    engine: Engine
    locks: Locks
    where: str
    """What people call it: the file, or the server and the database without the password."""
    uuid: str
    path: Path | None = None
    """The file; None in PostgreSQL."""
    confirm: Callable[[], None] = lambda: None
    """Raise JournalError where what is open is no longer the file at the path."""


def default_url() -> str:
    """Name the one journal of this user, in the platform's data folder, the same from whichever folder one works."""
    return sqlite.url_of(user_data_path("smmplus") / "journal.sqlite3")


def open_database(url: str) -> Database:
    """Open a journal, made if it is not there yet. ConfigurationError or JournalError say what is wrong."""
    if postgres.is_meant_by(url):
        return _open_postgres(url)
    path = sqlite.path_of(url)
    with translated(str(path)):
        location.must_hold(path)
        run_traces.must_be_free(location.real(path))
        if not sqlite_file.is_there(path):
            run_traces.must_not_be_gone(location.real(path))
            with suppress(FileExistsError):  # another process was as quick
                make_file(path)
        path = location.real(path)  # SQLite's logs are next to the file itself, and so must locks and traces be
        if why := metadata.unusable(sqlite_file.must_be_whole(path), str(path)):
            raise JournalError(why)
        where = sqlite.InPlace(path)
        engine = sqlite.engine_of(path, where)
        known = _prepare(engine, _tables_of_file, str(path))
    return Database(engine, FileLocks(path.with_name(path.name + ".locks")), str(path), known, path, where.confirm)


def make_file(path: Path) -> None:
    """Make an empty journal in a file; FileExistsError if the name is taken."""
    with sqlite_file.new_file(path) as made, new_engine(made):
        pass


@contextmanager
def new_engine(path: Path) -> Iterator[Engine]:
    """Make an empty journal in a file that is not there yet; it is closed when this is left."""
    engine = sqlite.engine_of(path)
    try:
        _prepare(engine, _tables_of_file, str(path))
        yield engine
    finally:
        engine.dispose()


def _tables_of_file(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _open_postgres(url: str) -> Database:
    parsed = postgres.parsed(url)
    where = postgres.where(parsed)
    with translated(where):
        engine = postgres.engine_of(parsed)
        known = _prepare(engine, postgres.tables, where)
    from smmplus.journal.backends.pg_locks import AdvisoryLocks  # noqa: PLC0415 (it needs the driver, which is an extra)

    return Database(engine, AdvisoryLocks(engine, known), where, known)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the database's and the file system's errors into JournalError, without their SQL."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        if sqlite_file.is_damage(reason):
            raise sqlite_file.damaged(where, reason) from error
        if is_busy(reason):
            raise _held(where) from error
        raise _unusable(where, " ".join(str(reason).split())) from error
    except InvalidOperation as error:
        raise sqlite_file.damaged(where, _("an amount in it cannot be read")) from error
    except (OSError, UnicodeError, sqlite3.Error) as error:
        if is_busy(error):
            raise _held(where) from error
        raise _unusable(where, error) from error


def _held(where: str) -> JournalInUseError:
    return JournalInUseError(_("another program holds the journal {journal}: close it, and try again", journal=where))


def _unusable(where: str, reason: object) -> JournalError:
    return JournalError(_("the journal {journal} cannot be used: {reason}", journal=where, reason=reason))


def is_busy(reason: BaseException) -> bool:
    """Tell whether a database's error says that another program holds it."""
    code = getattr(reason, "sqlite_errorcode", 0) & 0xFF  # the rest of it says why
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} or postgres.is_busy(reason)


def _prepare(engine: Engine, tables: Callable[[Connection], set[str]], where: str) -> str:
    """Make the tables, or bring them up to date, and give the journal's uuid."""
    try:
        with engine.begin() as connection:
            return _ready(connection, tables(connection), where)
    except BaseException:
        engine.dispose()
        raise


def _ready(connection: Connection, found: set[str], where: str) -> str:
    if found and schema.meta.name not in found:
        raise JournalError(_("this is another program's database, and no journal: name another one in SMMPLUS_JOURNAL"))
    if found:
        _must_be_placed_from(connection, where)
        schema.bring_up_to_date(connection)
    else:
        make_tables(connection)
    return metadata.read(connection)[metadata.UUID_NAME]


def _must_be_placed_from(connection: Connection, where: str) -> None:
    if flaw := metadata.flaw(metadata.read(connection)):
        raise sqlite_file.damaged(where, flaw)
    metadata.must_be_in_use(connection, where)


def make_tables(connection: Connection) -> None:
    """Make an empty journal."""
    schema.metadata.create_all(connection, checkfirst=False)
    said = {"uuid": str(uuid.uuid4()), "version": str(schema.VERSION), metadata.SALT: secrets.token_hex(32)}
    connection.execute(insert(schema.meta), [{"name": name, "value": value} for name, value in said.items()])


def where(url: str) -> str:
    """Name a journal for people, without a password."""
    return postgres.where(postgres.parsed(url)) if postgres.is_meant_by(url) else str(sqlite.path_of(url))


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """Open one transaction that reads a journal in one state throughout, while others write.

    Raises JournalError where it is not there or cannot be read.
    """
    with translated(where(url)):
        engine = _engine_of(url)
        try:
            with engine.execution_options(**{READING: True}).connect() as connection:
                yield connection
        finally:
            engine.dispose()


def _engine_of(url: str) -> Engine:
    if postgres.is_meant_by(url):
        return postgres.engine_of(postgres.parsed(url))
    path = sqlite.path_of(url)
    if not path.is_file():
        raise JournalError(_("there is no journal {journal}", journal=path))
    return sqlite.reading_engine_of(path)
