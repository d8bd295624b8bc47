from decimal import Decimal

from smmplus.journal import balances
from smmplus.journal.state_machine import Event
from smmplus.orders.models import Balance
from tests.smmplus.batches import Batch


def observe(batch, amount, currency="USD"):
    before = balances.accepted(batch.journal, batch.account)
    return balances.record(batch.journal, batch.account, Balance(Decimal(amount), currency), before)


def test_a_journal_without_orders_knows_of_nothing_debited(batch):
    seen = observe(batch, "10")
    assert (seen.accepted, seen.spent) == (0, 0)


def test_accepted_orders_are_surely_debited_and_the_others_may_be(batch):
    batch.accepted("501", cost="1.5")
    batch.in_doubt(cost="0.25")
    sending, refused, _ = batch.plan(3, cost="4")
    batch.intend(sending)
    batch.settle(batch.intend(refused), Event.REFUSAL, error="Bad link")
    seen = observe(batch, "10")
    assert (seen.accepted, seen.spent) == (Decimal("1.5"), Decimal("5.75"))


def test_an_order_without_a_known_cost_is_in_no_sum(batch):
    (entry,) = batch.plan(cost=None)
    batch.intend(entry)
    seen = observe(batch, "10")
    assert (seen.accepted, seen.spent) == (0, 0)


def test_all_campaigns_of_the_account_count_and_no_other_account(journal):
    for campaign, account in (("spring", "main"), ("summer", "main"), ("spring", "shop")):
        batch = Batch(journal, campaign=campaign, account=account)
        batch.accepted(f"{campaign}-1", cost="2")
        batch.in_doubt(cost="1")
    seen = observe(Batch(journal), "10")
    assert (seen.accepted, seen.spent) == (4, 6)


def test_what_is_accepted_while_the_panel_is_asked_is_not_sure_to_be_debited(batch):
    before = balances.accepted(batch.journal, batch.account)
    batch.accepted("501", cost="2")
    seen = balances.record(batch.journal, batch.account, Balance(Decimal(10), "USD"), before)
    assert (seen.accepted, seen.spent) == (0, 2)


def test_sums_are_exact_beyond_the_digits_that_decimals_have_by_themselves(journal):
    Batch(journal, campaign="spring").accepted("501", cost="12345678901234567890")
    Batch(journal, campaign="summer").in_doubt(cost="0.00000000000000000003")
    batch = Batch(journal, campaign="autumn")
    batch.accepted("502", cost="0.00000000000000000001")
    seen = observe(batch, "10")
    assert seen.accepted == Decimal("12345678901234567890.00000000000000000001")
    assert seen.spent == Decimal("12345678901234567890.00000000000000000004")


def test_an_observation_stands_in_the_journal_as_it_was_told(batch):
    seen = observe(batch, "100.84292", "IDR")
    ((asked, at, amount, currency, accepted, spent),) = batch.rows(
        "SELECT asked_at, at, amount, currency, accepted, spent FROM balances"
    )
    assert (asked, at, amount, currency, accepted, spent) == (seen.asked_at, seen.at, "100.84292", "IDR", "0", "0")
