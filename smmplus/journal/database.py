"""Opening the journal's database: which one a URL names, its tables, and its errors in this package's words."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, insert, inspect
from sqlalchemy.exc import SQLAlchemyError

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal import migrations, schema, sqlite
from smmplus.journal.sqlite import READING

__all__ = ["READING", "default_url", "open_engine", "translated"]


def default_url() -> str:
    """Name the one journal of this user, in the platform's data folder, the same from whichever folder one works."""
    return f"sqlite:///{user_data_path('smmplus') / 'journal.sqlite3'}"


def open_engine(url: str) -> Engine:
    """Open a journal, made if it is not there yet. ConfigurationError or JournalError say what is wrong."""
    path = sqlite.path_of(url)
    with translated(str(path)):
        engine = sqlite.engine_of(path)
        with engine.begin() as connection:
            _make_tables(connection)
    return engine


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


def _make_tables(connection: Connection) -> None:
    tables = set(inspect(connection).get_table_names())
    if tables and schema.meta.name not in tables:
        raise JournalError("this is another program's database, and no journal: name another file in SMMPLUS_JOURNAL")
    if tables:
        migrations.bring_up_to_date(connection)
        return
    schema.metadata.create_all(connection)
    rows = [{"name": "uuid", "value": str(uuid.uuid4())}, {"name": "version", "value": str(schema.VERSION)}]
    connection.execute(insert(schema.meta), rows)
