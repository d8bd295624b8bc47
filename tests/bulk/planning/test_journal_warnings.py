"""Signs of a wrong journal, and what is said of them."""

from decimal import Decimal

import pytest

from bulk.planning.warnings import balance_drop_warning, journal_warnings
from smmplus.reconciliation.balance_drops import Fall
from tests.bulk.plans import LINK, request, row, sheet_of

FALL = Fall("2026-01-01T12:00:00.000+00:00", "2026-01-01T13:00", Decimal("3.50"), Decimal("1.00"), "USD")


def test_a_journal_that_knows_no_order_of_the_account_is_told_as_new(week):
    signs = week.plan(sheet_of(row())).journal_warnings
    (words,) = signs.warnings
    assert words == (
        f"First run for account 'default'. Order history: {week.journal.where}. If you ordered with another "
        "journal before, SMMPLUS_JOURNAL must name it"
    )


@pytest.mark.parametrize("way", ["accepted", "in_doubt"])
def test_one_order_of_the_account_is_enough(week, way):
    getattr(week, way)(*(("501",) if way == "accepted" else ()), request(LINK + "/0"))
    assert week.plan(sheet_of(row())).journal_warnings.warnings == ()


def test_order_ids_of_which_the_journal_knows_none_look_like_the_wrong_one(week):
    week.accepted("501", request(LINK + "/0"))
    sheet = sheet_of(row(order_id="900"), row(LINK + "/2", order_id="901"))
    (words,) = week.plan(sheet).journal_warnings.warnings
    assert words == (
        f"this looks like the wrong journal: the sheet carries 2 order ids, and {week.journal.where} "
        f"(uuid {week.journal.uuid}) knows none of them; SMMPLUS_JOURNAL and --account must name those that it was "
        "ordered with"
    )


def test_one_id_that_is_known_shows_the_right_journal(week):
    week.accepted("501")
    sheet = sheet_of(row(order_id="501"), row(LINK + "/2", order_id="901"))
    assert week.plan(sheet).journal_warnings.unknown_ids == 0


def test_of_a_new_journal_and_unknown_ids_the_graver_is_told(week):
    (words,) = week.plan(sheet_of(row(order_id="900"))).journal_warnings.warnings
    assert "the sheet carries 1 order id," in words


def test_a_fall_is_told_with_what_to_do(week):
    week.accepted("501")
    place = week.plan(sheet_of(row())).campaign
    signs = journal_warnings(week.journal, place.account_id, "default", ids=(), known=(), fall=FALL)
    assert signs.warnings == (balance_drop_warning(FALL, "default"),)
    assert balance_drop_warning(FALL, "default") == (
        "since 1 Jan 2026, 12:00 UTC the balance fell by 2.5 USD more than this journal knows. If that is explained, "
        "such as by orders by hand: `smmplus balance --acknowledge`. If not, compare the panel's order page before "
        "ordering"
    )
