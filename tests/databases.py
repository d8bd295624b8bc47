"""What tests need to run on both databases, and to look into a journal's database past the journal."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from smmplus.journal.journal import Journal

DATABASES = ("sqlite", pytest.param("postgresql", marks=[pytest.mark.e2e, pytest.mark.covers]))
"""A module of tests whose `RUNS_ON` is this runs on both. A server takes its time: the quick part leaves it out."""

on_both = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e)], indirect=True
)
"""Runs a test on both databases; without it a test has a journal in a file."""

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Runs a test of such a module on SQLite alone: it is about the file."""

PATIENCE = 60.0
"""Seconds that another's transaction may take on a busy machine."""


def url_of(journal: Journal) -> str:
    """Give the URL under which another process opens the same journal."""
    return journal._engine.url.set(drivername=journal._engine.dialect.name).render_as_string(hide_password=False)


def rows_of(url: str, statement: str) -> list[dict[str, Any]]:
    """Run a statement through a connection of its own, as another process would, commit it, and give its rows."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True, row_factory=dict_row, options="-c search_path=smmplus") as database:
            cursor = database.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=PATIENCE, isolation_level=None)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(statement)]
