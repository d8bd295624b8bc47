from decimal import Decimal

from smmplus.journal import balances
from smmplus.journal.states import Event
from smmplus.models import Balance
from tests.smmplus.desk import Desk


def observe(desk, amount, currency="USD"):
    before = balances.accepted(desk.journal, desk.account)
    return balances.record(desk.journal, desk.account, Balance(Decimal(amount), currency), before)


def test_a_journal_without_orders_knows_of_nothing_debited(desk):
    seen = observe(desk, "10")
    assert (seen.accepted, seen.spent) == (0, 0)


def test_accepted_orders_are_surely_debited_and_the_others_may_be(desk):
    desk.accepted("501", cost="1.5")
    desk.in_doubt(cost="0.25")
    sending, refused, _ = desk.plan(3, cost="4")
    desk.intend(sending)
    desk.settle(desk.intend(refused), Event.REFUSAL, error="Bad link")
    seen = observe(desk, "10")
    assert (seen.accepted, seen.spent) == (Decimal("1.5"), Decimal("5.75"))


def test_an_order_without_a_known_cost_is_in_no_sum(desk):
    (entry,) = desk.plan(cost=None)
    desk.intend(entry)
    seen = observe(desk, "10")
    assert (seen.accepted, seen.spent) == (0, 0)


def test_all_campaigns_of_the_account_count_and_no_other_account(journal):
    for campaign, account in (("spring", "main"), ("summer", "main"), ("spring", "shop")):
        desk = Desk(journal, campaign=campaign, account=account)
        desk.accepted(f"{campaign}-1", cost="2")
        desk.in_doubt(cost="1")
    seen = observe(Desk(journal), "10")
    assert (seen.accepted, seen.spent) == (4, 6)


def test_what_is_accepted_while_the_panel_is_asked_is_not_sure_to_be_debited(desk):
    before = balances.accepted(desk.journal, desk.account)
    desk.accepted("501", cost="2")
    seen = balances.record(desk.journal, desk.account, Balance(Decimal(10), "USD"), before)
    assert (seen.accepted, seen.spent) == (0, 2)


def test_sums_are_exact_beyond_the_digits_that_decimals_have_by_themselves(journal):
    Desk(journal, campaign="spring").accepted("501", cost="12345678901234567890")
    Desk(journal, campaign="summer").in_doubt(cost="0.00000000000000000003")
    desk = Desk(journal, campaign="autumn")
    desk.accepted("502", cost="0.00000000000000000001")
    seen = observe(desk, "10")
    assert seen.accepted == Decimal("12345678901234567890.00000000000000000001")
    assert seen.spent == Decimal("12345678901234567890.00000000000000000004")


def test_an_observation_stands_in_the_journal_as_it_was_told(desk):
    seen = observe(desk, "100.84292", "IDR")
    ((asked, at, amount, currency, accepted, spent),) = desk.rows(
        "SELECT asked_at, at, amount, currency, accepted, spent FROM balances"
    )
    assert (asked, at, amount, currency, accepted, spent) == (seen.asked_at, seen.at, "100.84292", "IDR", "0", "0")
