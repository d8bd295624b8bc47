"""The ledger: what was really ordered, for people and tests to count."""

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from smmplus.sandbox import lifecycle, money
from smmplus.sandbox.records import Order, State
from smmplus.sandbox.storage import LineFile, StorageError, read_lines


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


def open_file(path: Path, orders: dict[str, Order]) -> LineFile:
    """Open a ledger file and bring it up to the orders known.

    Raises StorageError when it holds orders that are not known: it belongs to another state.
    """
    written = set(_written(path))
    if not written <= orders.keys():
        raise StorageError(f"{path} holds orders that this sandbox does not know: give its --state, or another file")
    file = LineFile(path)
    file.append(entry(order) for order in orders.values() if order.order not in written)
    return file


def _written(path: Path) -> Iterator[str]:
    for line in read_lines(path):
        if "order" not in line:
            raise StorageError(f"{path} is no ledger")
        yield str(line["order"])


def append(file: LineFile, orders: Iterable[Order]) -> None:
    """Write orders that were accepted just now."""
    file.append([entry(order) for order in orders])
