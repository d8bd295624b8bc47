"""A journal of its own for every test, and reading without a process of its own, where that is not the matter."""

import pytest

import bulk.reading
from bulk.reading.reader_worker import parse
from smmplus.journal.journal import Journal
from tests.bulk.plans import Ledger


@pytest.fixture
def journal(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal' / 'journal.sqlite3'}") as journal:
        yield journal


@pytest.fixture
def week(journal):
    """Give the campaign week an unfinished batch of week.csv."""
    return Ledger.of(journal)


@pytest.fixture
def read_here(monkeypatch):
    """Have files read in this process: a tenth of the time where a test reads many small ones."""
    monkeypatch.setattr(bulk.reading, "read_in_subprocess", parse)
