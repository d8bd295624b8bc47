"""Checks that the journal keeps for those who approve them."""

import pytest

from smmplus.journal import lookup
from smmplus.journal.journal import Journal
from tests.databases import DATABASES, rows_of

RUNS_ON = DATABASES


@pytest.fixture
def campaign(journal):
    return journal.ensure_campaign(journal.ensure_account("https://smm.plus/api/v2", "default"), "week")


def test_a_check_is_found_by_its_fingerprint_in_its_account_alone(journal, campaign):
    lookup.keep(journal, campaign, "f" * 24, b"\x00rows")
    account = journal.ensure_account("https://smm.plus/api/v2", "default")
    found = lookup.find(journal, account, "f" * 24)
    assert (found.campaign_id, found.campaign, found.content) == (campaign, "week", b"\x00rows")
    assert lookup.find(journal, account, "e" * 24) is None
    assert lookup.find(journal, journal.ensure_account("https://smm.plus/api/v2", "shop"), "f" * 24) is None


def test_the_same_check_again_is_kept_once_and_is_the_latest(journal, journal_url, campaign):
    for number in (1, 2, 1):
        lookup.keep(journal, campaign, f"{number:024}", b"rows")
    assert len(rows_of(journal_url, "SELECT id FROM checks")) == 2


def test_old_checks_are_forgotten_those_of_other_campaigns_are_not(journal, journal_url, campaign):
    account = journal.ensure_account("https://smm.plus/api/v2", "default")
    lookup.keep(journal, journal.ensure_campaign(account, "other"), "a" * 24, b"rows")
    for number in range(lookup.MOST_KEPT + 3):
        lookup.keep(journal, campaign, f"{number:024}", b"rows")
    assert len(rows_of(journal_url, "SELECT id FROM checks")) == lookup.MOST_KEPT + 1
    assert lookup.find(journal, account, f"{2:024}") is None
    assert lookup.find(journal, account, f"{3:024}") is not None
    assert lookup.find(journal, account, "a" * 24) is not None


def test_a_check_survives_the_journal_being_closed(journal, journal_url, campaign):
    lookup.keep(journal, campaign, "f" * 24, b"rows")
    with Journal(journal_url) as again:
        account = again.ensure_account("https://smm.plus/api/v2", "default")
        assert lookup.find(again, account, "f" * 24).content == b"rows"
