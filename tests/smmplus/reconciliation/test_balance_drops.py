"""A fall of the balance that the journal cannot explain: never told without a reason, always told with one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.journal import balances
from smmplus.journal.balances import Observation
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event
from smmplus.orders.models import Balance, OrderStatus
from smmplus.reconciliation.balance_drops import LOOK_BACK, fall_between, latest_fall, may_be_rounded, unit_of
from tests.smmplus.batches import Batch, request_for


def seen(amount, accepted="0", spent="0", *, number=1, currency="USD"):
    amounts = (Decimal(text) for text in (amount, accepted, spent))
    return Observation(
        number, f"2026-01-0{number}T12:00", f"2026-01-0{number}T12:01", next(amounts), currency, *amounts
    )


def unexplained(then, now, **about):
    fall = fall_between(then, now, unit=unit_of([then.amount, now.amount]), **about)
    return None if fall is None else fall.unexplained


def test_a_fall_with_no_order_is_unexplained():
    fall = fall_between(seen("10"), seen("7.5", number=2))
    assert (fall.unexplained, fall.fell, fall.known, fall.currency) == (Decimal("2.5"), Decimal("2.5"), 0, "USD")
    assert (fall.since, fall.at) == ("2026-01-01T12:00", "2026-01-02T12:01")


def test_own_orders_explain_a_fall():
    assert unexplained(seen("10", "1", "1"), seen("7.5", "3.5", "3.5")) is None


def test_what_was_in_doubt_before_may_have_been_debited_after():
    assert unexplained(seen("10", "1", "3"), seen("8", "1", "3")) is None


def test_more_than_own_orders_is_told_as_what_is_more():
    assert unexplained(seen("10", "1", "1"), seen("7", "2", "2")) == 2


def test_a_rise_is_no_fall():
    assert unexplained(seen("10"), seen("12")) is None


def test_two_currencies_are_never_compared():
    assert unexplained(seen("10"), seen("1", currency="IDR")) is None


@pytest.mark.parametrize(
    ("now", "orders", "told"),
    [
        ("9.99", 0, None),  # one unit of the last digit that moved
        ("9.98", 0, "0.02"),
        ("9.97", 2, None),
        ("9.96", 2, "0.04"),
        ("9.9999", 0, None),
        ("9.9998", 0, "0.0002"),
        ("9.9", 0, "0.1"),  # never more than a cent
        ("9", 98, "1"),
        ("9", 99, None),
    ],
)
def test_roundings_of_the_panel_are_forgiven_and_no_more(now, orders, told):
    assert unexplained(seen("10"), seen(now), orders=orders) == (None if told is None else Decimal(told))


@pytest.mark.parametrize(
    ("amounts", "unit"),
    [
        ([], "0.01"),
        (["10.00001"], "0.01"),  # what once came in
        (["10.00001", "9.00001"], "0.01"),
        (["10", "9.5", "9.465"], "0.001"),
        (["10", "9.465", "9.43", "8"], "0.001"),
        (["1000", "900"], "0.01"),
    ],
)
def test_the_finest_step_of_a_balance_tells_how_a_panel_rounds(amounts, unit):
    assert unit_of([Decimal(amount) for amount in amounts]) == Decimal(unit)


def test_what_subscriptions_are_charged_later_explains_a_fall():
    assert unexplained(seen("10"), seen("7"), later=Decimal(3)) is None
    assert unexplained(seen("10"), seen("7"), later=Decimal(2)) == 1


def test_amounts_beyond_the_digits_of_decimals_are_compared_exactly():
    then, now = seen("12345678901234567890.00000000000000000002"), seen("12345678901234567889.00000000000000000000")
    assert unexplained(then, now) == Decimal("1.00000000000000000002")


class Truth:
    """An account at a panel and what a journal knows of it, driven step by step, with two observers at once."""

    def __init__(self, digits):
        self.digits = digits
        self.balance, self.clock = Decimal(1000), 0
        self.orders = []
        self.begun, self.asked = [None, None], [None, None]
        self.observations = []

    def sum_of(self, *states):
        return sum((order["cost"] for order in self.orders if order["state"] in states), Decimal(0))

    def pick(self, number, *states, debited=None):
        fit = [
            order
            for order in self.orders
            if order["state"] in states and debited in (None, order["debited"]) and not order["refunded"]
        ]
        return fit[number % len(fit)] if fit else None

    def step(self, kind, number, amount):
        self.clock += 1
        getattr(self, kind)(number, amount)

    def intend(self, _, amount):
        self.orders.append(
            {
                "cost": amount,
                "state": "sending",
                "debited": False,
                "refunded": False,
                "settled": None,
                "charge": None,
            }
        )

    def debit(self, number, _):
        if order := self.pick(number, "sending", "in_doubt", debited=False):
            order["debited"] = True
            order["charge"] = order["cost"].quantize(Decimal(1).scaleb(-self.digits), ROUND_UP)
            self.balance -= order["charge"]

    def settle(self, order, state):
        if order:
            order.update(state=state, settled=self.clock)

    def accept(self, number, _):
        self.settle(self.pick(number, "sending", "in_doubt", debited=True), "placed")

    def refuse(self, number, _):
        self.settle(self.pick(number, "sending", "in_doubt", debited=False), "given up")

    def lose(self, number, _):
        self.settle(self.pick(number, "sending"), "in_doubt")

    def refund(self, number, _):
        if order := self.pick(number, "sending", "in_doubt", "placed", debited=True):
            order["refunded"] = True
            self.balance += order["charge"]

    def pay_in(self, _, amount):
        self.balance += amount.quantize(Decimal("0.01"))

    def begin(self, number, _):
        self.begun[number % 2], self.asked[number % 2] = (self.clock, self.sum_of("placed")), None

    def ask(self, number, _):
        if self.begun[number % 2]:
            self.asked[number % 2] = self.balance

    def end(self, number, _):
        begun, asked = self.begun[number % 2], self.asked[number % 2]
        if asked is not None:
            spent = self.sum_of("sending", "placed", "in_doubt")
            seen_now = Observation(len(self.observations), begun[0], self.clock, asked, "USD", begun[1], spent)
            self.observations.append(seen_now)
            self.begun[number % 2] = self.asked[number % 2] = None

    def observe(self, number, amount):
        for step in (self.begin, self.ask, self.end):
            step(number, amount)

    def debited_since(self, then, unit):
        states = ("sending", "in_doubt", "placed")
        spent = [order for order in self.orders if order["state"] in states and may_be_rounded(order["cost"], unit)]
        return sum(order["settled"] is None or order["settled"] >= then.asked_at for order in spent)

    def falls(self):
        for now in self.observations:
            for then in self.observations:
                if then.at < now.asked_at:
                    unit = unit_of([seen.amount for seen in self.observations])
                    yield fall_between(then, now, unit=unit, orders=self.debited_since(then, unit))


KINDS = ("intend", "debit", "accept", "refuse", "lose", "refund", "pay_in", "begin", "ask", "end", "observe")
AMOUNTS = st.decimals("0.00001", "50", places=5)
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 7), AMOUNTS), max_size=60)


@given(STEPS, st.sampled_from([2, 5]))
def test_whatever_the_journal_did_itself_is_never_told(steps, digits):
    truth = Truth(digits)
    for step in steps:
        truth.step(*step)
    truth.step("observe", 0, Decimal(0))
    assert [fall for fall in truth.falls() if fall] == []


@pytest.mark.slow
@given(STEPS, st.decimals("0.02", "50", places=5))
def test_a_foreign_spending_with_nothing_else_going_on_is_always_told_in_its_amount(steps, foreign):
    truth = Truth(5)
    for step in steps:
        truth.step(*step)
    for order in truth.orders:
        if order["state"] in ("sending", "in_doubt"):
            truth.settle(order, "placed" if order["debited"] else "given up")
    truth.step("observe", 0, Decimal(0))
    truth.balance -= foreign
    truth.step("observe", 0, Decimal(0))
    then, now = truth.observations[-2:]
    assert unexplained(then, now) == foreign


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


def look(batch, amount, currency="USD"):
    before = balances.accepted(batch.journal, batch.account)
    now = balances.record(batch.journal, batch.account, Balance(Decimal(amount), currency), before)
    return latest_fall(batch.journal, batch.account, now)


def told(batch, amount, currency="USD"):
    fall = look(batch, amount, currency)
    return None if fall is None else fall.unexplained


def test_the_first_observation_tells_nothing(batch):
    assert look(batch, "10") is None


def test_a_foreign_order_is_told_with_the_time_since_when(batch, clock):
    look(batch, "10")
    since = clock.time
    assert look(batch, "9").unexplained == 1
    assert look(batch, "9").since < since.isoformat(timespec="milliseconds")


def test_it_is_told_for_a_day_to_whoever_asks_and_then_no_more(batch, clock):
    look(batch, "10")
    look(batch, "9")
    clock.time += LOOK_BACK / 2
    assert told(batch, "9") == 1
    clock.time += LOOK_BACK
    assert told(batch, "9") is None


def test_however_long_ago_the_last_look_was_a_fall_since_is_told(batch, clock):
    look(batch, "10")
    clock.time += 10 * LOOK_BACK
    assert told(batch, "9") == 1


def test_a_look_while_orders_are_under_way_hides_no_fall_from_the_next(batch):
    look(batch, "10")
    (entry,) = batch.plan(cost="2")
    attempt = batch.intend(entry)
    assert told(batch, "9") is None  # a foreign order, which could be the one under way
    batch.settle(attempt, Event.REFUSAL, error="Bad link")
    assert told(batch, "9") == 1


def test_orders_of_the_journal_are_no_fall(batch):
    batch.accepted("501", cost="1")
    look(batch, "10")
    batch.accepted("502", cost="2")
    batch.in_doubt(cost="3")
    assert told(batch, "5") is None


def test_an_order_that_a_person_says_was_not_placed_and_that_was_debited_is_told(batch):
    look(batch, "10")
    doubt = batch.in_doubt(cost="3")
    assert told(batch, "7") is None
    batch.journal._now.time += timedelta(minutes=5)
    batch.journal.resolve_as_not_placed(doubt, why="thought so")
    assert told(batch, "7") == 3


def test_another_account_and_another_currency_are_not_compared(journal, batch):
    look(batch, "10")
    look(Batch(journal, account="shop"), "5")
    assert told(batch, "3", "IDR") is None
    assert told(batch, "10") is None


def test_many_orders_may_each_be_rounded(batch):
    batch.accepted("500", cost="0.009")
    look(batch, "10")
    for number in range(4):
        batch.accepted(f"50{number + 1}", cost="0.001")
    assert told(batch, "9.95") is None
    assert told(batch, "9.94") == Decimal("0.056")


def test_charges_that_rounding_leaves_as_they_are_excuse_nothing(batch):
    look(batch, "10")
    for number in range(4):
        batch.accepted(f"50{number + 1}", cost="0.10")
    assert told(batch, "9.58") == Decimal("0.02")


def subscription(batch, cost):
    request = request_for(username="shop", min=10, max=20, delay=0)
    (entry,) = batch.plan(cost=cost, request=request)
    batch.settle(batch.intend(entry), Event.ORDER_ID, "900")
    return entry


def test_a_subscription_may_be_debited_long_after_it_was_accepted(batch):
    subscription(batch, "3")
    look(batch, "10")
    assert told(batch, "7") is None
    assert told(batch, "6") == 1


def test_a_subscription_that_was_over_before_explains_nothing(batch):
    entry = subscription(batch, "3")
    batch.journal.record_statuses({entry.id: OrderStatus("Completed", Decimal(3), 0, 0, "USD")})
    look(batch, "10")
    assert told(batch, "7") == 3


def test_where_an_order_may_cost_any_amount_nothing_is_concluded(batch):
    subscription(batch, None)
    look(batch, "10")
    assert look(batch, "7") is None


def test_observations_that_overlap_are_not_compared(batch):
    """The one that was answered later may have been asked earlier."""
    first = balances.accepted(batch.journal, batch.account)
    second = balances.accepted(batch.journal, batch.account)
    balances.record(batch.journal, batch.account, Balance(Decimal(10), "USD"), second)
    now = balances.record(batch.journal, batch.account, Balance(Decimal(9), "USD"), first)
    assert latest_fall(batch.journal, batch.account, now) is None


def test_an_observation_that_came_later_is_none_before(batch):
    look(batch, "10")
    before = balances.accepted(batch.journal, batch.account)
    now = balances.record(batch.journal, batch.account, Balance(Decimal(10), "USD"), before)
    look(batch, "20")
    assert latest_fall(batch.journal, batch.account, replace(now, amount=Decimal(10))) is None
