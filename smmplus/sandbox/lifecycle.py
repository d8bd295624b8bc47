"""The life of an order: which word stands when, what is delivered, what is refunded. Times are sandbox seconds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from smmplus.sandbox import money
from smmplus.sandbox.records import Order

ACTIVE_LIFE = ((0.0, "Pending"), (60.0, "Processing"), (180.0, "In progress"))
SUBSCRIPTION_LIFE = ((0.0, "Pending"), (60.0, "Active"))
LIVES: Mapping[str, tuple[tuple[float, str], ...]] = {"Subscriptions": SUBSCRIPTION_LIFE}

# A cancel is a request: the order goes on for this long.
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
    """Say when delivery starts, should the order live that long."""
    return order.accepted_at + LIVES.get(order.type, ACTIVE_LIFE)[-1][0]


def _fated_end(order: Order) -> float:
    ending = ENDINGS[order.fate]
    if not ending.percent:
        return starts_at(order)
    return starts_at(order) + (order.runs - 1) * order.interval * 60.0 + ending.seconds


def ends_at(order: Order) -> float:
    """Say when the order reaches its last word; infinity if never."""
    return min(_fated_end(order), math.inf if order.cancel_at is None else order.cancel_at)


def is_final(order: Order, now: float) -> bool:
    """Tell whether the order has ended."""
    return now >= ends_at(order)


def status(order: Order, now: float) -> str:
    """Give the order's status word."""
    if not is_final(order, now):
        return phase(LIVES.get(order.type, ACTIVE_LIFE), now - order.accepted_at)
    is_canceled = order.cancel_at is not None and order.cancel_at < _fated_end(order)
    return CANCELED if is_canceled else ENDINGS[order.fate].status


def phase(life: tuple[tuple[float, str], ...], age: float) -> str:
    """Look up the word that stands at an age, in a table of (from which age, word)."""
    return next(word for begins, word in reversed(life) if age >= begins or not begins)


def has_started(order: Order, now: float) -> bool:
    """Tell whether delivery has started: before, there is no start count."""
    return starts_at(order) <= min(now, ends_at(order)) and ENDINGS[order.fate].percent > 0


def remains(order: Order, now: float) -> int:
    """Give what is still to be delivered, of all runs; negative when more was delivered than ordered."""
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
    """Give what comes back at the order's end: the unit price times what remains, which is never rounded.

    The same as charge x remains / quantity, without the division.
    """
    end = ends_at(order)
    if math.isinf(end) or status(order, end) not in REFUNDED:
        return Decimal(0)
    return money.times(order.unit_price, max(0, remains(order, end)))
