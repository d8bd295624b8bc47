"""The ledger: what was really ordered, for people and tests to count."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from smmplus.sandbox import lifecycle, money
from smmplus.sandbox.records import Order, State
from smmplus.sandbox.storage import LineFile, StorageError


def entry(order: Order) -> dict[str, Any]:
    """Give what is known of an order from its acceptance on; `charge` is what was debited then."""
    return {
        "order": order.order,
        "key": order.account,
        "service": order.service,
        "type": order.type,
        "link": order.link,
        "quantity": order.units,
        "fields": order.fields,
        "charge": money.plain(order.charge),
        "time": dt.datetime.fromtimestamp(order.accepted_at, dt.UTC).isoformat(),
    }


def live_entry(state: State, order: Order, now: float) -> dict[str, Any]:
    """Give an order with what became of it, for a state settled up to now."""
    refunded = state.refunds.get(order.order)
    return {
        **entry(order),
        "status": lifecycle.status(order, now),
        "remains": lifecycle.remains(order, now),
        "refunded": money.plain(refunded) if refunded else "0",
    }


def catch_up(file: LineFile, orders: dict[str, Order]) -> None:
    """Bring a ledger file up to the orders known.

    Raises StorageError when it is no ledger, or holds orders that are not known: it belongs to another state.
    """
    lines = list(file.read())
    written = {line.get("order") for line in lines}
    if not written <= orders.keys():
        raise StorageError("The ledger file holds orders that this sandbox does not know: give its --state with it")
    file.append(entry(order) for order in orders.values() if order.order not in written)


def append(file: LineFile, orders: Iterable[Order]) -> None:
    """Write orders that were accepted just now."""
    file.append([entry(order) for order in orders])
