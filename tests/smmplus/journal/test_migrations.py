"""A journal of an earlier version is brought up to date as it is opened. The next version is invented here."""

import threading

import pytest

from smmplus.errors import JournalError
from smmplus.journal import schema
from smmplus.journal.backends.open import snapshot
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.integrity import audit
from smmplus.journal.state_machine import Event, Outcome, State
from tests.databases import DATABASES, rows_of
from tests.smmplus.batches import Batch, request_for

RUNS_ON = DATABASES

NEXT = schema.VERSION + 1
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
        monkeypatch.setattr(schema, "VERSION", NEXT)
        monkeypatch.setattr(schema, "_STEPS", {NEXT - 1: step})

    return updated


def test_an_older_journal_is_brought_up_to_date_and_knows_its_orders(old, update):
    update(add_table)
    for _ in range(2):
        with Journal(old) as journal:
            account = journal.ensure_account("https://smm.plus/api/v2", "main")
            assert journal.with_order_ids(account, ["501"])["501"].state is State.PLACED
    assert rows_of(old, "SELECT id FROM coupons") == []
    assert rows_of(old, VERSION) == [{"value": str(NEXT)}]


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
    assert rows_of(old, VERSION) == [{"value": str(NEXT - 1)}]
    update(add_table)  # it would fail if the table were there
    with Journal(old):
        assert rows_of(old, VERSION) == [{"value": str(NEXT)}]


def test_a_journal_of_a_newer_program_is_refused_and_left_as_it_is(old):
    rows_of(old, "UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(JournalError, match="version 99"):
        Journal(old)
    assert rows_of(old, VERSION) == [{"value": "99"}]


OF_VERSION_1 = [
    "DROP INDEX ix_entries_unsettled",
    "DROP INDEX ix_follow_ups_sending",
    "DROP INDEX ix_follow_ups_order",
    "DROP TABLE status_changes",
    "ALTER TABLE follow_ups DROP COLUMN status",
    "ALTER TABLE follow_ups DROP COLUMN polled_at",
    "UPDATE entries SET state = 'planned' WHERE state = 'not_sent'",
    "UPDATE entries SET state = 'submitting' WHERE state = 'sending'",
    "UPDATE entries SET state = 'accepted' WHERE state = 'placed'",
    "CREATE INDEX ix_entries_unsettled ON entries (state) WHERE state IN ('submitting', 'in_doubt')",
    "CREATE INDEX ix_follow_ups_submitting ON follow_ups (state) WHERE state = 'submitting'",
    "UPDATE meta SET value = '1' WHERE name = 'version'",
]


def test_a_journal_of_version_1_has_its_orders_in_the_same_states(journal_url):
    """Version 1 had other words for them."""
    with Journal(journal_url) as journal:
        batch = Batch(journal)
        batch.accepted("501")
        (waiting,) = batch.plan(request=request_for("https://example.com/waiting"))
        (doubtful,) = batch.plan(request=request_for("https://example.com/doubtful"))
        (attempt,) = journal.commit([Intent(doubtful.id)])
        journal.commit([Outcome(doubtful.id, attempt.number, Event.DOUBT)])
        (sending,) = batch.plan(request=request_for("https://example.com/sending"))
        journal.commit([Intent(sending.id)])
    for statement in OF_VERSION_1:
        rows_of(journal_url, statement)
    with Journal(journal_url) as journal:
        states = {each.id: each.state for each in journal.with_ids([waiting.id, doubtful.id, sending.id]).values()}
        assert states == {waiting.id: State.NOT_SENT, doubtful.id: State.IN_DOUBT, sending.id: State.SENDING}
        journal.recover_crashed_runs()
        assert [each.id for each in journal.in_doubt()] == [doubtful.id, sending.id]
        assert list(audit_of(journal_url)) == []


COLUMNS = (
    "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = 'smmplus' ORDER BY table_name, column_name"
)


def test_an_updated_journal_has_the_columns_of_a_new_one(journal_url):
    if not journal_url.startswith("postgresql"):
        columns = (
            "SELECT m.name, p.name, p.type, p.[notnull] FROM sqlite_master m, pragma_table_info(m.name) p ORDER BY 1, 2"
        )
    else:
        columns = COLUMNS
    with Journal(journal_url):
        new = rows_of(journal_url, columns)
    for statement in OF_VERSION_1:
        rows_of(journal_url, statement)
    assert rows_of(journal_url, columns) != new
    with Journal(journal_url):
        assert rows_of(journal_url, columns) == new


def audit_of(url):
    with snapshot(url) as connection:
        yield from audit(connection)
