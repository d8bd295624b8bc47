"""Money is conserved, and events alone make the state: whatever is asked in whatever order."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smmplus.sandbox import lifecycle
from smmplus.sandbox.catalogue import default_catalogue
from smmplus.sandbox.records import State
from smmplus.sandbox.storage import entry_of, parse_entry

ADDS = st.tuples(
    st.just("add"), st.sampled_from([1, 3, 5, 22, 23, 24, 25]), st.integers(100, 3000), st.sampled_from([1, 1, 3])
)
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 9))
WAITS = st.tuples(st.just("wait"), st.floats(0, 900))
STEPS = st.lists(st.one_of(ADDS, CANCELS, WAITS), max_size=25)


def walk(batch, steps):
    """Take the steps; give the moment of the last."""
    now = 0.0
    for step in steps:
        if step[0] == "wait":
            now += step[1]
        elif step[0] == "cancel":
            batch.call("cancel", now, orders=str(23501 + step[1]))
        else:
            drip_feed = {"runs": step[3], "interval": 7} if step[3] > 1 and step[1] != 5 else {}
            batch.add(now, service=step[1], quantity=step[2], **drip_feed)
    return now


def net_charges(batch, now):
    return sum(Decimal(batch.status(order, now)["charge"]) for order in batch.state.orders)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(steps=STEPS, later=st.sampled_from([0.0, 61.0, 10_000.0]))
def test_the_opening_balance_is_the_balance_and_all_net_charges(new_desk, steps, later):
    batch = new_desk(balance="25")
    now = walk(batch, steps) + later
    assert batch.balance(now) + net_charges(batch, now) == 25
    assert batch.balance(now) >= 0


@settings(max_examples=50, deadline=None)
@given(steps=STEPS)
def test_no_refund_is_more_than_the_charge_or_changes_once_booked(new_desk, steps):
    batch = new_desk()
    now = walk(batch, steps) + 10_000
    batch.balance(now)
    booked = dict(batch.state.refunds)
    assert all(0 <= amount <= batch.state.orders[order].charge for order, amount in booked.items())
    batch.balance(now + 10_000)
    assert {order: batch.state.refunds[order] for order in booked} == booked


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_the_events_as_they_are_stored_make_the_same_state(new_desk, steps):
    batch = new_desk()
    now = walk(batch, steps) + 100
    again = State(default_catalogue())
    for event in batch.events:
        lifecycle.apply(again, parse_entry(entry_of(event)))
    lifecycle.settle(again, now)
    lifecycle.settle(batch.state, now)
    assert again == batch.state
