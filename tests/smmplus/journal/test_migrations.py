"""A journal of an earlier version is brought up to date as it is opened. The next version is invented here."""

import threading

import pytest

from smmplus.errors import JournalError
from smmplus.journal import schema
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import State
from tests.databases import DATABASES, rows_of
from tests.smmplus.batches import Batch

RUNS_ON = DATABASES

VERSION = "SELECT value FROM meta WHERE name = 'version'"


def add_table(connection):
    connection.exec_driver_sql("CREATE TABLE coupons (id INTEGER NOT NULL PRIMARY KEY)")


@pytest.fixture
def old(journal_url):
    """Make a journal with an accepted order, and return its URL."""
    with Journal(journal_url) as journal:
        Batch(journal).accepted("501")
    return journal_url


@pytest.fixture
def update(monkeypatch):
    """Let the program be of the next version, which this step makes."""

    def updated(step):
        monkeypatch.setattr(schema, "VERSION", 2)
        monkeypatch.setattr(schema, "_STEPS", {1: step})

    return updated


def test_an_older_journal_is_brought_up_to_date_and_knows_its_orders(old, update):
    update(add_table)
    for _ in range(2):
        with Journal(old) as journal:
            account = journal.ensure_account("https://smm.plus/api/v2", "main")
            assert journal.with_order_ids(account, ["501"])["501"].state is State.PLACED
    assert rows_of(old, "SELECT id FROM coupons") == []
    assert rows_of(old, VERSION) == [{"value": "2"}]


def test_many_that_open_an_old_journal_at_once_bring_it_up_to_date_once(old, update):
    failed, together = [], threading.Barrier(4)
    update(add_table)

    def open_it():
        together.wait(30)
        try:
            with Journal(old) as journal:
                assert len(journal.in_doubt()) == 0
        except JournalError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_step_that_fails_leaves_the_old_journal_as_it_was(old, update):
    def fail(connection):
        add_table(connection)
        raise JournalError("the disk is full")

    update(fail)
    with pytest.raises(JournalError, match="the disk is full"):
        Journal(old)
    assert rows_of(old, VERSION) == [{"value": "1"}]
    update(add_table)  # it would fail if the table were there
    with Journal(old):
        assert rows_of(old, VERSION) == [{"value": "2"}]


def test_a_journal_of_a_newer_program_is_refused_and_left_as_it_is(old):
    rows_of(old, "UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(JournalError, match="version 99"):
        Journal(old)
    assert rows_of(old, VERSION) == [{"value": "99"}]
