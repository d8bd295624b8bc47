"""The life of an order: its status, what is delivered and what is refunded at a time. Times are sandbox seconds.

Everything that happens is an event. Applying the same events in the same order to a fresh state gives the same state.
"""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from smmplus.sandbox import catalogue, money
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

ACTIVE_LIFE = ((0.0, "Pending"), (60.0, "Processing"), (180.0, "In progress"))
SUBSCRIPTION_LIFE = ((0.0, "Pending"), (60.0, "Active"))
LIVES: Mapping[str, tuple[tuple[float, str], ...]] = {"Subscriptions": SUBSCRIPTION_LIFE}

# A cancel is a request: the order continues for this long.
CANCEL_SECONDS = 60.0
CANCELED = "Canceled"
COMPLETED = "Completed"
REFUNDED = frozenset({"Partial", CANCELED})


@dataclass(frozen=True, slots=True)
class Ending:
    """How orders of a fate end: the last word, the percentage delivered, how long one run is under delivery."""

    status: str
    percent: int
    seconds: float


# By `catalogue.Fate`. A completed order without drip-feed takes 180 + 1020 seconds: 20 minutes.
ENDINGS: Mapping[str, Ending] = {
    "completed": Ending(COMPLETED, 100, 1020.0),
    "partial": Ending("Partial", 60, 1020.0),
    "canceled": Ending(CANCELED, 0, 0.0),
    "overdelivered": Ending(COMPLETED, 105, 1020.0),
    "stalled": Ending("In progress", 50, math.inf),
}
# How long a stalled order delivers before it stalls.
_DELIVERY_SECONDS = 1020.0


def starts_at(order: Order) -> float:
    """Return when delivery starts, if the order is not cancelled before."""
    return order.accepted_at + LIVES.get(order.type, ACTIVE_LIFE)[-1][0]


def _fated_end(order: Order) -> float:
    ending = ENDINGS[order.fate]
    if not ending.percent:
        return starts_at(order)
    return starts_at(order) + (order.runs - 1) * order.interval * 60.0 + ending.seconds


def ends_at(order: Order) -> float:
    """Return when the order reaches its last status; infinity if never."""
    return min(_fated_end(order), math.inf if order.cancel_at is None else order.cancel_at)


def is_final(order: Order, now: float) -> bool:
    """Return whether the order has ended."""
    return now >= ends_at(order)


def status(order: Order, now: float) -> str:
    """Return the order's status word."""
    if not is_final(order, now):
        return phase(LIVES.get(order.type, ACTIVE_LIFE), now - order.accepted_at)
    is_canceled = order.cancel_at is not None and order.cancel_at < _fated_end(order)
    return CANCELED if is_canceled else ENDINGS[order.fate].status


def phase(life: tuple[tuple[float, str], ...], age: float) -> str:
    """Return the word at an age, from a table of (from which age, word)."""
    return next(word for begins, word in reversed(life) if age >= begins or not begins)


def has_started(order: Order, now: float) -> bool:
    """Return whether delivery has started: before, there is no start count."""
    return starts_at(order) <= min(now, ends_at(order)) and ENDINGS[order.fate].percent > 0


def remains(order: Order, now: float) -> int:
    """Return the undelivered units of all runs; negative if more was delivered than ordered."""
    return order.units - _delivered(order, min(now, ends_at(order)))


def _delivered(order: Order, moment: float) -> int:
    run_target = order.quantity * ENDINGS[order.fate].percent // 100
    # The end is exact by this comparison; a quotient of floats might miss the last unit.
    if moment >= _fated_end(order):
        return run_target * order.runs
    elapsed = moment - starts_at(order)
    if elapsed < 0:
        return 0
    begun, done = _runs_begun_and_done(order, elapsed)
    under_way = (elapsed - run * order.interval * 60.0 for run in range(done, begun))
    return run_target * done + sum(int(run_target * min(1.0, age / _DELIVERY_SECONDS)) for age in under_way)


def _runs_begun_and_done(order: Order, elapsed: float) -> tuple[int, int]:
    spacing = order.interval * 60.0
    if not spacing:
        return order.runs, 0
    begun = min(order.runs, int(elapsed // spacing) + 1)
    done = min(begun, max(0, int((elapsed - _DELIVERY_SECONDS) // spacing) + 1))
    return begun, done


def refund(order: Order) -> Decimal:
    """Return what comes back at the order's end: the unit price times what remains, which is never rounded.

    The same as charge x remains / quantity, without the division.
    """
    end = ends_at(order)
    if math.isinf(end) or status(order, end) not in REFUNDED:
        return Decimal(0)
    return money.times(order.unit_price, max(0, remains(order, end)))


def settle(state: State, now: float) -> None:
    """Book every refund that is due, each once."""
    while state.due and state.due[0][0] <= now:
        _, order_id = heapq.heappop(state.due)
        if order_id not in state.refunds:
            order = state.orders[order_id]
            state.refunds[order_id] = refund(order)
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
    if refund(order):
        heapq.heappush(state.due, (ends_at(order), order.order))


def _credit(state: State, account: str, amount: Decimal) -> None:
    state.balances[account] = money.plus(state.balances[account], amount)


def net_charge(state: State, order: Order) -> Decimal:
    """Return what the order has cost so far: the charge less what was refunded."""
    return money.minus(order.charge, state.refunds.get(order.order, Decimal(0)))
