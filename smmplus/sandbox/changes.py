"""Events change the state, and refunds fall due.

Applying the same events in the same order to a fresh state gives the same state.
"""

import heapq
from dataclasses import replace
from decimal import Decimal

from smmplus.sandbox import catalogue, lifecycle, money
from smmplus.sandbox.records import (
    BalanceSet,
    CancelRequested,
    Event,
    Order,
    OrderAccepted,
    RefillRequested,
    ServiceChanged,
    State,
)


def settle(state: State, now: float) -> None:
    """Book every refund that is due, each once."""
    while state.due and state.due[0][0] <= now:
        _, order_id = heapq.heappop(state.due)
        if order_id not in state.refunds:
            order = state.orders[order_id]
            state.refunds[order_id] = lifecycle.refund(order)
            _credit(state, order.account, state.refunds[order_id])


def apply(state: State, event: Event) -> None:
    """Change the state by an event, refunds due before it included.

    Raises catalogue.CatalogueError for a change of a service that does not fit, and KeyError for one of an unknown
    service; the state is then unchanged.
    """
    settle(state, event.at)
    match event:
        case OrderAccepted(order):
            _apply_order(state, order)
        case CancelRequested(order_id, cancel_at):
            state.orders[order_id] = replace(state.orders[order_id], cancel_at=cancel_at)
            heapq.heappush(state.due, (cancel_at, order_id))
        case RefillRequested(refill):
            state.refills[refill.refill] = refill
            state.latest_refill[refill.order] = refill.refill
            state.next_refill = int(refill.refill) + 1
        case BalanceSet(account, balance):
            state.balances[account] = balance
        case ServiceChanged(service, changes):
            state.services[service] = catalogue.changed(state.services[service], changes)


def _apply_order(state: State, order: Order) -> None:
    state.orders[order.order] = order
    state.next_order = int(order.order) + 1
    state.active.setdefault(order.place, []).append(order.order)
    _credit(state, order.account, order.charge.copy_negate())
    if lifecycle.refund(order):
        heapq.heappush(state.due, (lifecycle.ends_at(order), order.order))


def _credit(state: State, account: str, amount: Decimal) -> None:
    state.balances[account] = money.plus(state.balances[account], amount)


def net_charge(state: State, order: Order) -> Decimal:
    """Return what the order has cost so far: the charge less what was refunded."""
    return money.minus(order.charge, state.refunds.get(order.order, Decimal(0)))
