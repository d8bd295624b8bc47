"""Journals of earlier versions: opened, brought up to date, and what they know is still known."""

import sqlite3
import threading
from contextlib import closing

import pytest

from smmplus.errors import JournalConflictError, JournalError
from smmplus.journal import budgets, schema
from smmplus.journal.states import Event, State
from smmplus.journal.store import Journal
from tests.databases import DATABASES, rows_of
from tests.smmplus.desk import Desk

RUNS_ON = DATABASES

# What version 1 of the program made, word for word, with one order accepted and one that a dead run was sending.
VERSION_1 = """
CREATE TABLE accounts (id INTEGER NOT NULL, url TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (id), UNIQUE
    (url, name));
CREATE TABLE batches (id INTEGER NOT NULL, campaign_id INTEGER NOT NULL, source TEXT NOT NULL, created_at TEXT
    NOT NULL, finished_at TEXT, PRIMARY KEY (id), FOREIGN KEY(campaign_id) REFERENCES campaigns (id));
CREATE TABLE campaigns (id INTEGER NOT NULL, account_id INTEGER NOT NULL, name TEXT NOT NULL, spent TEXT DEFAULT
    '0' NOT NULL, holder TEXT, PRIMARY KEY (id), UNIQUE (account_id, name), FOREIGN KEY(account_id) REFERENCES
    accounts (id), FOREIGN KEY(holder) REFERENCES runs (id));
CREATE TABLE entries (id INTEGER NOT NULL, campaign_id INTEGER NOT NULL, batch_id INTEGER NOT NULL, "key" TEXT
    NOT NULL, fingerprint TEXT NOT NULL, content TEXT NOT NULL, cost TEXT, state TEXT NOT NULL, attempt INTEGER
    DEFAULT '0' NOT NULL, run_id TEXT, sent_at TEXT, settled_at TEXT, order_id TEXT, error TEXT DEFAULT '' NOT NULL,
    meaning TEXT DEFAULT '' NOT NULL, order_status TEXT DEFAULT '' NOT NULL, final INTEGER DEFAULT '0' NOT NULL,
    charge TEXT, start_count TEXT, remains TEXT, currency TEXT DEFAULT '' NOT NULL, polled_at TEXT, PRIMARY KEY
    (id), UNIQUE (campaign_id, "key"), FOREIGN KEY(campaign_id) REFERENCES campaigns (id), FOREIGN KEY(batch_id)
    REFERENCES batches (id), FOREIGN KEY(run_id) REFERENCES runs (id));
CREATE TABLE meta (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE notes (id INTEGER NOT NULL, entry_id INTEGER NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL, what
    TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (id), FOREIGN KEY(entry_id) REFERENCES entries (id));
CREATE TABLE order_ids (account_id INTEGER NOT NULL, order_id TEXT NOT NULL, entry_id INTEGER NOT NULL, attempt
    INTEGER NOT NULL, recorded_at TEXT NOT NULL, PRIMARY KEY (account_id, order_id), FOREIGN KEY(account_id)
    REFERENCES accounts (id), FOREIGN KEY(entry_id) REFERENCES entries (id));
CREATE TABLE runs (id TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL, user TEXT NOT NULL, started_at
    TEXT NOT NULL, ended_at TEXT, PRIMARY KEY (id));
CREATE INDEX ix_batches_campaign ON batches (campaign_id, source);
CREATE INDEX ix_entries_fingerprint ON entries (fingerprint);
CREATE INDEX ix_entries_batch ON entries (batch_id);
CREATE INDEX ix_entries_unsettled ON entries (state) WHERE state IN ('submitting', 'in_doubt');
CREATE INDEX ix_order_ids_entry ON order_ids (entry_id);
INSERT INTO meta VALUES ('uuid', 'ce826e46-db7b-4300-b8f0-66346cfe4403'), ('version', '1');
INSERT INTO accounts VALUES (1, 'https://smm.plus/api/v2', 'main');
INSERT INTO runs VALUES ('19e2', 5465, 'desk', 'ani', '2026-01-01T12:00:00.000+00:00', NULL);
INSERT INTO campaigns VALUES (1, 1, 'spring', '2', '19e2');
INSERT INTO batches VALUES (1, 1, 'sheet.xlsx', '2026-01-01T12:00:00.000+00:00', NULL);
INSERT INTO entries VALUES (1, 1, 1, 'aab59ff2cb14bdc0-1',
    'aab59ff2cb14bdc054d8087197f5397037114cd53a24685c43311229fa737c71',
    '[1,"1",[["link","https://example.com/post"],["quantity","1000"]]]', '1', 'accepted', 1, '19e2',
    '2026-01-01T12:00:00.000+00:00', '2026-01-01T12:00:01.000+00:00', '501', '', '', '', 0, NULL, NULL, NULL, '', NULL);
INSERT INTO entries VALUES (2, 1, 1, 'aab59ff2cb14bdc0-2',
    'aab59ff2cb14bdc054d8087197f5397037114cd53a24685c43311229fa737c71',
    '[1,"1",[["link","https://example.com/post"],["quantity","1000"]]]', '1', 'submitting', 1, '19e2',
    '2026-01-01T12:00:00.000+00:00', NULL, NULL, '', '', '', 0, NULL, NULL, NULL, '', NULL);
INSERT INTO order_ids VALUES (1, '501', 1, 1, '2026-01-01T12:00:01.000+00:00');
"""


@pytest.fixture
def old(tmp_path):
    """Give the URL of a journal of version 1."""
    path = tmp_path / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
    return f"sqlite:///{path}"


def test_the_orders_of_an_old_journal_are_still_known(old):
    with Journal(old) as journal:
        account = journal.account("https://smm.plus/api/v2", "main")
        assert journal.uuid == "ce826e46-db7b-4300-b8f0-66346cfe4403"
        assert journal.with_order_ids(account, ["501"])["501"].state is State.ACCEPTED
        assert [entry.key for entry in journal.bury_the_dead()] == ["aab59ff2cb14bdc0-2"]
        assert journal.spent(journal.campaign(account, "spring")) == 2


ALIKE = """
INSERT INTO accounts VALUES (2, 'https://smm.plus//api/v2', 'main'), (3, 'https://smm.plus/api/v2', 'Main'),
    (4, 'https://smm.plus/api/%762', 'shop');
INSERT INTO campaigns VALUES (2, 1, 'Spring', '0', NULL), (3, 1, ' spring', '0', NULL), (4, 2, 'spring', '0', NULL),
    (5, 3, 'spring', '0', NULL);
"""


def test_accounts_and_campaigns_that_look_alike_stay_apart_and_within_reach(old):
    with closing(sqlite3.connect(old.removeprefix("sqlite:///"))) as database:
        database.executescript(ALIKE)
    with Journal(old) as journal:
        known = [("https://smm.plus/api/v2", "main"), ("https://smm.plus//api/v2", "main"),
                 ("https://smm.plus/api/v2", "Main"), ("https://smm.plus/api/v2", "shop")]  # fmt: skip
        assert [journal.account(url, name) for url, name in known] == [1, 2, 3, 4]
        assert journal.account("https://smm.plus/api/./v2", "MAIN") == 1
        assert [journal.campaign(1, name) for name in ("spring", "Spring", " spring", "SPRING")] == [1, 2, 3, 1]
        assert [journal.campaign(account, "Spring ") for account in (2, 3)] == [4, 5]


@pytest.mark.parametrize(
    ("charged", "wanted"), [((), ""), (("IDR",), "IDR"), (("IDR", "USD"), ""), (("", "EUR"), "EUR")]
)
def test_a_campaign_of_an_old_journal_has_the_currency_that_its_orders_were_charged_in(old, charged, wanted):
    with closing(sqlite3.connect(old.removeprefix("sqlite:///"))) as database:
        for number, currency in enumerate(charged, start=1):
            database.execute("UPDATE entries SET charge = '1', currency = ? WHERE id = ?", (currency, number))
        database.commit()
    with Journal(old) as journal:
        assert budgets.standing(journal, 1).currency == wanted


def test_an_old_journal_knows_keys_from_now_on(old):
    with Journal(old) as journal:
        journal.account("https://smm.plus/api/v2", "main", key="key")
    with Journal(old) as journal, pytest.raises(JournalConflictError, match="account 'main'"):
        journal.account("https://smm.plus/api/v2", "other", key="key")


def test_an_old_journal_takes_new_orders(old):
    with Journal(old) as journal:
        desk = Desk(journal, campaign="autumn")
        (entry,) = desk.plan()
        desk.settle(desk.intend(entry), Event.ORDER_ID, "502")
    with Journal(old) as journal:
        assert set(journal.with_order_ids(desk.account, ["501", "502"])) == {"501", "502"}


def test_an_old_journal_becomes_what_a_new_one_is(old, tmp_path):
    new = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    for url in (old, new):
        with Journal(url):
            pass
    assert shape(old) == shape(new)
    assert rows_of(old, "SELECT value FROM meta WHERE name = 'version'") == [{"value": str(schema.VERSION)}]


def shape(url):
    columns = (
        "SELECT m.name AS of, p.name, p.type, p.\"notnull\", coalesce(p.dflt_value, '') AS preset, p.pk "
        "FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'"
    )
    indexes = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index'"
    return [sorted(tuple(map(str, row.values())) for row in rows_of(url, question)) for question in (columns, indexes)]


def test_many_that_open_an_old_journal_at_once_bring_it_up_to_date_once(old):
    failed, together = [], threading.Barrier(4)

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


def test_a_step_that_fails_leaves_the_old_journal_as_it_was(old, monkeypatch):
    def fail(connection):
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise JournalError("the disk is full")

    before = shape(old)
    monkeypatch.setattr("smmplus.journal.migrations._STEPS", {1: fail})
    with pytest.raises(JournalError, match="the disk is full"):
        Journal(old)
    assert shape(old) == before


def test_a_journal_of_a_newer_program_is_refused_and_left_as_it_is(journal, journal_url):
    rows_of(journal_url, "UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(JournalError, match="version 99"):
        Journal(journal_url)
    assert rows_of(journal_url, "SELECT value FROM meta WHERE name = 'version'") == [{"value": "99"}]
