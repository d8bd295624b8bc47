"""A journal of its own for every test."""

import pytest

from smmplus.journal import Journal
from tests.bulk.jobs import Ledger


@pytest.fixture
def journal(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal' / 'journal.sqlite3'}") as journal:
        yield journal


@pytest.fixture
def week(journal):
    """Give the campaign week an unfinished batch of week.csv."""
    return Ledger.of(journal)
