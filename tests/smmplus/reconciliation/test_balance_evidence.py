"""What the balance says of an order in doubt."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.journal import balances
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event
from smmplus.orders.models import Balance
from smmplus.reconciliation.balance_drops import unit_of
from smmplus.reconciliation.balance_evidence import Between, Verdict, assess, evidence
from tests.smmplus.batches import Batch


class Clock:
    def __init__(self):
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(milliseconds=1)
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(tmp_path, clock):
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}", now=clock) as opened:
        yield opened


@pytest.fixture
def later(clock):
    def pass_by(minutes=3):
        clock.time += timedelta(minutes=minutes)

    return pass_by


def look(batch, amount, currency="USD"):
    before = balances.accepted(batch.journal, batch.account)
    return balances.record(batch.journal, batch.account, Balance(Decimal(amount), currency), before)


def weigh(batch, doubt):
    return evidence(batch.journal, [doubt])[doubt.id]


def verdict(batch, doubt):
    return weigh(batch, doubt).verdict


def test_a_balance_that_fell_by_the_charge_says_that_it_was_placed(batch):
    before = look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    after = look(batch, "8.5")
    found = weigh(batch, doubt)
    assert (found.verdict, found.before, found.after) == (Verdict.DEBITED, before, after)
    assert (found.fell, found.left, found.orders, found.others) == (Decimal("1.5"), Decimal("1.5"), 0, 0)


def test_a_balance_that_did_not_fall_says_that_it_was_not(batch, later):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    later()
    look(batch, "10")
    assert verdict(batch, doubt) is Verdict.NOT_DEBITED


def test_a_balance_read_at_once_does_not_say_that_it_was_not_placed(batch, later):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "10")
    assert verdict(batch, doubt) is Verdict.TOO_EARLY
    later()
    look(batch, "10")
    assert verdict(batch, doubt) is Verdict.NOT_DEBITED


def test_a_fall_that_came_after_the_first_look_may_be_another_orders(batch, later):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "10")
    later()
    look(batch, "8.5")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


def test_orders_accepted_in_between_are_taken_off(batch):
    batch.accepted("500", cost="4")
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    batch.accepted("501", cost="2")
    batch.accepted("502", cost="0.5")
    look(batch, "6")
    found = weigh(batch, doubt)
    assert (found.verdict, found.orders, found.accepted, found.left) == (
        Verdict.DEBITED,
        2,
        Decimal("2.5"),
        Decimal("1.5"),
    )


def test_what_is_left_and_does_not_fit_proves_nothing(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "8")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


def test_more_than_all_that_was_sent_fits_nothing(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    batch.in_doubt(cost="1.5")
    look(batch, "6")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


def test_of_two_in_doubt_one_that_was_debited_is_not_told_from_the_other(batch):
    look(batch, "10")
    doubts = [batch.in_doubt(cost="1.5"), batch.in_doubt(cost="1")]
    look(batch, "9")
    assert [verdict(batch, doubt) for doubt in doubts] == [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]
    assert weigh(batch, doubts[0]).others == 1


def test_a_fall_by_both_of_two_in_doubt_says_that_both_were_placed(batch):
    look(batch, "10")
    doubts = [batch.in_doubt(cost="1.5"), batch.in_doubt(cost="1")]
    look(batch, "7.5")
    assert [verdict(batch, doubt) for doubt in doubts] == [Verdict.DEBITED, Verdict.DEBITED]


def test_no_fall_says_that_neither_of_two_was_placed(batch, later):
    look(batch, "10")
    doubts = [batch.in_doubt(cost="1.5"), batch.in_doubt(cost="1")]
    later()
    look(batch, "10")
    assert [verdict(batch, doubt) for doubt in doubts] == [Verdict.NOT_DEBITED, Verdict.NOT_DEBITED]


def test_money_that_came_in_tells_nothing(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "18.5")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("looks", [[], ["before"], ["after"]])
def test_without_a_balance_on_either_side_nothing_is_told(batch, looks):
    if "before" in looks:
        look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    if "after" in looks:
        look(batch, "8.5")
    found = weigh(batch, doubt)
    assert (found.verdict, found.fell, found.left) == (Verdict.INCONCLUSIVE, None, None)
    assert [found.before is not None, found.after is not None] == ["before" in looks, "after" in looks]


def test_balances_in_two_currencies_are_no_pair(batch):
    look(batch, "10", "IDR")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "8.5", "USD")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


def test_a_balance_that_was_asked_for_during_the_sending_is_not_one_before(batch):
    look(batch, "10")
    (entry,) = batch.plan(cost="1.5")
    before = balances.accepted(batch.journal, batch.account)
    attempt = batch.intend(entry)
    balances.record(batch.journal, batch.account, Balance(Decimal("8.5"), "USD"), before)
    batch.settle(attempt, Event.DOUBT, error="no answer")
    look(batch, "8.5")
    assert verdict(batch, batch.now(entry)) is Verdict.DEBITED


def test_a_balance_read_with_nothing_under_way_is_preferred_to_a_nearer_one(batch):
    look(batch, "10")
    (other,) = batch.plan(cost="1")
    sending = batch.intend(other)
    look(batch, "9")
    doubt = batch.in_doubt(cost="1.5")
    batch.settle(sending, Event.ORDER_ID, "501")
    look(batch, "7.5")
    found = weigh(batch, doubt)
    assert (found.verdict, found.before.amount, found.orders) == (Verdict.DEBITED, 10, 1)


def test_an_order_under_way_at_the_only_balance_may_be_what_was_debited(batch):
    (other,) = batch.plan(cost="1.5")
    sending = batch.intend(other)
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    batch.settle(sending, Event.ORDER_ID, "501")
    look(batch, "8.5")
    found = weigh(batch, doubt)
    assert (found.verdict, found.others) == (Verdict.INCONCLUSIVE, 1)


def test_older_doubts_are_not_suspected_of_a_later_fall(batch, later):
    batch.in_doubt(cost="7")
    later()
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "8.5")
    found = weigh(batch, doubt)
    assert (found.verdict, found.others) == (Verdict.DEBITED, 0)


def test_a_doubt_of_just_before_may_still_be_debited(batch):
    batch.in_doubt(cost="1.5")
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    look(batch, "8.5")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("cost", "other"), [(None, "1"), ("1", None)])
def test_where_a_cost_is_not_known_nothing_is_told(batch, cost, other):
    look(batch, "10")
    doubt = batch.in_doubt(cost=cost)
    batch.in_doubt(cost=other)
    look(batch, "9")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


def test_roundings_of_the_panel_are_forgiven(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="0.085")
    look(batch, "9.91")
    assert verdict(batch, doubt) is Verdict.DEBITED


def test_many_orders_whose_charges_need_no_rounding_hide_nothing(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="0.15")
    for number in range(20):
        batch.accepted(f"5{number}", cost="0.15")
    look(batch, "6.85")
    assert verdict(batch, doubt) is Verdict.DEBITED


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        ("9.86", Verdict.DEBITED),  # charged exactly, 4 × 0.035
        ("9.84", Verdict.DEBITED),  # rounded up, 4 × 0.04
        ("9.88", Verdict.INCONCLUSIVE),  # 4 rounded down, or 3 rounded up
        ("9.50", Verdict.INCONCLUSIVE),
    ],
)
def test_a_panel_rounds_all_charges_in_one_way(batch, later, after, wanted):
    look(batch, "10")
    doubt = batch.in_doubt(cost="0.035")
    for number in range(3):
        batch.accepted(f"5{number}", cost="0.035")
    later()
    look(batch, after)
    assert verdict(batch, doubt) is wanted


def test_a_balance_that_was_seen_to_move_in_finer_steps_is_not_rounded_to_cents(batch):
    look(batch, "10.001")
    look(batch, "10")
    doubt = batch.in_doubt(cost="0.01")
    look(batch, "9.99")
    assert verdict(batch, doubt) is Verdict.DEBITED


def test_a_charge_that_roundings_would_hide_is_told_as_such(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="0.01")
    look(batch, "9.99")
    assert verdict(batch, doubt) is Verdict.INCONCLUSIVE


COST = st.decimals("0.03", "5", places=4)


@given(
    COST,
    st.lists(COST, max_size=12),
    st.booleans(),
    st.sampled_from([None, ROUND_UP, ROUND_HALF_UP, ROUND_DOWN]),
)
def test_whatever_way_a_panel_rounds_the_opposite_of_the_truth_is_never_told(cost, accepted, placed, rounding):
    charges = [each if rounding is None else each.quantize(Decimal("0.01"), rounding) for each in [cost, *accepted]]
    fell = sum(charges if placed else charges[1:], Decimal(0))
    unit = unit_of([Decimal(100), Decimal(100) - fell])
    wrong = Verdict.NOT_DEBITED if placed else Verdict.DEBITED
    assert assess(fell, cost, Between(Counter(accepted), {}), unit) is not wrong


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ({"url": "https://other.example/api/v2"}, Verdict.DEBITED),
        ({"account": "shop"}, Verdict.INCONCLUSIVE),
    ],
)
def test_orders_of_another_panel_are_no_part_of_it_and_those_of_another_name_at_the_panel_may_be(
    journal, batch, other, verdict
):
    """One API key may be used under two names."""
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    shop = Batch(journal, **other)
    shop.accepted("1", cost="5")
    look(batch, "8.5")
    found = evidence(journal, [doubt, shop.in_doubt()])
    assert (found[doubt.id].verdict, found[doubt.id].orders) == (verdict, 0)


def test_orders_of_an_account_in_another_currency_are_never_added_to_a_balance(journal, batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="1.5")
    shop = Batch(journal, account="shop")
    look(shop, "500000", currency="IDR")
    shop.accepted("1", cost="5")
    look(batch, "8.5")
    assert evidence(journal, [doubt])[doubt.id].verdict is Verdict.DEBITED
