"""Reading a journal as it is: backups, moved and damaged ones too. Nothing is changed, made or brought up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from smmplus.errors import JournalError
from smmplus.journal import postgres, sqlite
from smmplus.journal.database import READING, translated


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
        raise JournalError(f"there is no journal {path}")
    return sqlite.reading_engine_of(path)
