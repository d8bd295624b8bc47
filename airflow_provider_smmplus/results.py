"""PURE: results as small plain JSON for XCom; amounts and ids are strings."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from smmplus.numbers import plain

if TYPE_CHECKING:
    from smmplus import Balance, Entry, OrderStatus, Service

Json = dict[str, Any]


def service_object(service: "Service") -> Json:
    """Describe a service."""
    return asdict(service) | {"rate": plain(service.rate)}


def balance_object(balance: "Balance") -> dict[str, str]:
    """Describe a balance."""
    return {"balance": plain(balance.amount), "currency": balance.currency}


def status_object(order_id: str, status: "OrderStatus") -> Json:
    """Describe where an order stands."""
    return {
        "order_id": order_id,
        "status": status.status,
        "final": status.phase.value == "final",
        "charge": None if status.charge is None else plain(status.charge),
        "start_count": status.start_count,
        "remains": status.remains,
        "currency": status.currency,
    }


def entry_object(entry: "Entry") -> Json:
    """Describe an order that the journal holds."""
    return {
        "order_id": entry.order_id,
        "key": entry.name,
        "state": entry.state.value,
        "service": entry.request.service,
        **entry.request.values,
        "expected_charge": None if entry.cost is None else plain(entry.cost),
        "sent_at": entry.sent_at,
    }


def counted(words: Iterable[str]) -> dict[str, int]:
    """Count words, the most frequent first."""
    return dict(Counter(words).most_common())
