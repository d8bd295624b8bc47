"""Every rule of the journal, broken in turn in a real database; and journals that keep them all."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from smmplus.errors import JournalError
from smmplus.journal.backends.open import snapshot
from smmplus.journal.maintenance.integrity import audit, entry_flaws
from tests.databases import on_both, url_of
from tests.smmplus.batches import Batch
from tests.smmplus.full_journal import fill_journal

pytestmark = pytest.mark.slow


@pytest.fixture
def busy(journal):
    fill_journal(journal)
    return journal


def findings(journal):
    with journal.reading() as connection:
        return [f"{finding.where}: {finding.what}" for finding in audit(connection)]


def spoil(journal, *statements):
    with journal._engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@on_both
def test_a_journal_that_was_used_in_every_way_is_sound(busy):
    assert findings(busy) == []


@on_both
def test_an_empty_journal_is_sound(journal):
    assert findings(journal) == []


BROKEN = [
    ("UPDATE entries SET state = 'paid' WHERE id = 4", "state is 'paid', which is not a state"),
    ("UPDATE entries SET content = '[' WHERE id = 4", "its content cannot be read"),
    ("UPDATE entries SET content = 'null' WHERE id = 4", "its content cannot be read"),
    ("UPDATE entries SET content = replace(content, '1000', '9999') WHERE id = 4", "does not match its fingerprint"),
    ("UPDATE entries SET content = replace(content, ',', ', ') WHERE id = 4", "not in its normal form"),
    ("UPDATE entries SET key = '0123456789abcdef-1' WHERE id = 4", "key '0123456789abcdef-1' does not match"),
    ("UPDATE entries SET key = substr(key, 1, 17) || '0' WHERE id = 4", "does not match its fingerprint"),
    ("UPDATE entries SET key = '' WHERE id = 4", "key '' does not match"),
    ("UPDATE entries SET cost = '1.2.3' WHERE id = 1", "cost is '1.2.3', which is not an amount"),
    ("UPDATE entries SET charge = 'NaN' WHERE id = 4", "charge is 'NaN', which is not an amount"),
    ("UPDATE entries SET sent_at = 'noon' WHERE id = 4", "sent_at is 'noon', which is not a time"),
    ("UPDATE entries SET polled_at = '2026-01-01T00:00:00' WHERE id = 4", "which is not a time"),
    ("UPDATE entries SET order_id = NULL WHERE id = 4", "it is placed, and has no order_id"),
    ("UPDATE entries SET order_id = NULL WHERE id = 4", "the list says that it is order 101"),
    ("UPDATE entries SET order_id = '101' WHERE id = 1", "it is not_sent, and has order id 101"),
    ("UPDATE entries SET order_id = '101' WHERE id = 5", "its order id 101 is order number 4's in the list"),
    ("UPDATE entries SET order_id = '777' WHERE id = 4", "its order id 777 is in no list"),
    ("DELETE FROM order_ids WHERE order_id = '101' AND account_id = 1", "its order id 101 is in no list"),
    ("UPDATE order_ids SET account_id = 2 WHERE order_id = '201'", "the list says that it is order 201"),
    ("UPDATE order_ids SET attempt = 7 WHERE order_id = '201'", "the list says that it is order 201"),
    ("UPDATE entries SET run_id = NULL WHERE id = 9", "it is sending, and has no run_id"),
    ("UPDATE entries SET sent_at = NULL WHERE id = 9", "it is sending, and has no sent_at"),
    ("UPDATE entries SET settled_at = NULL WHERE id = 6", "it is rejected, and has no settled_at"),
    ("UPDATE entries SET attempt = 0 WHERE id = 4", "it is placed, and its attempt is 0"),
    ("UPDATE entries SET attempt = -1 WHERE id = 1", "it is not_sent, and its attempt is -1"),
    ("UPDATE campaigns SET spent = spent || '1' WHERE id = 1", "campaign 'spring': it says that"),
    ("UPDATE campaigns SET spent = 'much' WHERE id = 1", "it says that much is spent"),
    ("UPDATE campaigns SET budget = 'much' WHERE id = 1", "its budget is 'much', which is not an amount"),
    ("UPDATE entries SET state = 'not_sent' WHERE id = 9", "campaign 'spring': it says that"),
    ("UPDATE entries SET cost = '2' WHERE id = 4", "and its orders come to"),
    ("DELETE FROM meta WHERE name = 'uuid'", "meta: it has no uuid"),
    ("UPDATE meta SET value = '99' WHERE name = 'version'", "its version is 99, and this program checks version"),
    ("DROP INDEX ix_entries_fingerprint", "entries: has no index ix_entries_fingerprint"),
    ("DROP TABLE notes", "notes: the table is not there"),
    ("ALTER TABLE campaigns DROP COLUMN budget", "campaigns: has no column budget"),
]


@on_both
def test_every_rule_is_held(busy, database):
    """One journal for all of them: each is broken in a transaction that is then taken back."""
    for statement, words in BROKEN:
        with busy._engine.connect() as connection:
            connection.execute(text(statement))
            found = [f"{finding.where}: {finding.what}" for finding in audit(connection)]
            connection.rollback()
        assert any(words in line for line in found), (database, statement, found)
    assert findings(busy) == []


def test_an_order_of_nobody_s_campaign_is_found(busy):
    with closing(sqlite3.connect(busy.path)) as past_the_journal:
        past_the_journal.execute("DELETE FROM campaigns WHERE id = 3")
        past_the_journal.commit()
    assert "the file: row 21 of entries refers to a row of campaigns that does not exist" in findings(busy)


def test_text_that_is_none_is_told_and_no_traceback(busy):
    spoil(busy, "UPDATE entries SET content = x'00ff' WHERE id = 4", "UPDATE entries SET charge = x'00' WHERE id = 5")
    found = findings(busy)
    assert any("content: no text" in line for line in found)
    assert any("charge is b'\\x00', which is not an amount" in line for line in found)


def test_text_that_is_no_unicode_is_told(busy):
    spoil(busy, "UPDATE entries SET error = CAST(x'ff' AS TEXT) WHERE id = 4")
    assert any("cannot be read to its end" in line for line in findings(busy))


@pytest.mark.parametrize("page", range(1, 24, 3))
def test_a_torn_file_is_told_line_by_line_but_not_without_end(busy, tmp_path, page):
    busy.close()
    data = bytearray(busy.path.read_bytes())
    data[page * 4096 : (page + 1) * 4096] = bytes(4096)
    torn = tmp_path / "torn.sqlite3"
    torn.write_bytes(data)
    with snapshot(f"sqlite:///{torn}") as connection:
        found = list(audit(connection))
    assert {finding.where for finding in found} <= {"the file", "the database"}
    assert 1 <= len(found) <= 41


def test_another_program_s_database_is_called_so(tmp_path):
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
        other.commit()
    with snapshot(f"sqlite:///{path}") as connection:
        assert [finding.what for finding in audit(connection)] == ["is another program's, and no journal"]


@on_both
def test_a_snapshot_is_one_state_throughout_and_changes_nothing(busy):
    with snapshot(url_of(busy)) as connection:
        before = connection.execute(text("SELECT count(*) FROM entries")).scalar_one()
        Batch(busy, campaign="winter").plan(3)
        assert connection.execute(text("SELECT count(*) FROM entries")).scalar_one() == before
    with pytest.raises(JournalError, match=r"read-?only"), snapshot(url_of(busy)) as connection:
        connection.execute(text("DELETE FROM entries"))


def test_a_snapshot_of_nothing_makes_nothing(tmp_path):
    with pytest.raises(JournalError, match="there is no journal"), snapshot(f"sqlite:///{tmp_path / 'a'}"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_author_s_own_key_fits_any_content(busy):
    with busy.reading() as connection:
        row = dict(connection.execute(text("SELECT * FROM entries WHERE id = 4")).one()._mapping)
    assert list(entry_flaws(row | {"key": "dag/task/order-1"})) == []
