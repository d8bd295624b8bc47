"""Whether a restored journal may be asked for orders that it does not know."""

import pytest

from smmplus.journal import accounts
from smmplus.journal.backends import sqlite
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.backup_and_move import back_up
from smmplus.journal.maintenance.restore import Backup, backup_of, confirm_restored, restore, unconfirmed_backup
from tests.databases import url_of
from tests.smmplus.batches import Batch

pytestmark = pytest.mark.slow

MADE, LATER = "2026-01-01T12:00:00.000+00:00", "2026-01-02T12:00:00.000+00:00"


def restored_from(journal, folder, made=MADE):
    """Back a journal up and restore it into a folder."""
    back_up(url_of(journal), folder / "backup.sqlite3", made)
    url = sqlite.url_of(folder / "restored" / "journal.sqlite3")
    restore(folder / "backup.sqlite3", url, LATER)
    return Journal(url)


@pytest.fixture
def restored(journal, tmp_path):
    with restored_from(journal, tmp_path) as restored:
        yield restored


def test_a_journal_that_was_never_lost_has_nothing_to_settle(journal):
    assert backup_of(journal) is None
    assert unconfirmed_backup(journal, 1) is None


def test_a_restored_journal_tells_its_backup_and_when_it_was_restored(restored):
    assert backup_of(restored) == unconfirmed_backup(restored, 1) == Backup(MADE, LATER)


def test_one_campaign_is_settled_by_itself(restored):
    confirm_restored(restored, 1)
    assert (unconfirmed_backup(restored, 1), unconfirmed_backup(restored, 2), backup_of(restored)) == (
        None,
        Backup(MADE, LATER),
        Backup(MADE, LATER),
    )
    confirm_restored(restored, 1)
    confirm_restored(restored, 11)
    assert unconfirmed_backup(restored, 1) is None


def test_the_whole_journal_is_settled_at_once(restored):
    confirm_restored(restored)
    assert unconfirmed_backup(restored, 1) is unconfirmed_backup(restored, 2) is None


@pytest.mark.parametrize(("said_of", "is_settled"), [((1,), False), ((2,), False), ((1, 2), True)])
def test_of_campaigns_that_become_one_both_must_have_been_settled(restored, said_of, is_settled):
    into, joined = (Batch(restored, account=name).campaign for name in ("default", "shop"))
    for campaign in said_of:
        confirm_restored(restored, campaign)
    with restored.transaction() as connection:
        other, account = accounts.named(connection, "default"), accounts.named(connection, "shop")
        accounts.merge(connection, account, other, restored.is_run_alive)
    assert (unconfirmed_backup(restored, into) is None) is is_settled
    assert unconfirmed_backup(restored, joined) == Backup(
        MADE, LATER
    )  # the database may give its number to another campaign


@pytest.mark.parametrize("campaign", [None, 1])
def test_what_was_settled_counts_no_more_when_it_is_restored_once_more(restored, tmp_path, campaign):
    confirm_restored(restored, campaign)
    (tmp_path / "again").mkdir()
    with restored_from(restored, tmp_path / "again", made=LATER) as again:
        assert unconfirmed_backup(again, 1) == Backup(LATER, LATER)
