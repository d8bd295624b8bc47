"""Paid social-media orders on the smm.plus API: no order is placed twice and none is lost."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smmplus.async_client import AsyncClient
    from smmplus.client import Client
    from smmplus.commits import Commits
    from smmplus.errors import (
        AccountError,
        AddressError,
        BadRowError,
        BusyError,
        CallError,
        ConfigurationError,
        DuplicateGuardError,
        FollowUpError,
        JournalConflictError,
        JournalError,
        JournalInUseError,
        LostAnswerError,
        MalformedCallError,
        NeverSentError,
        OrderError,
        OrderHeldBackError,
        OrderInDoubtError,
        OrderRefusedError,
        RedirectError,
        RefusedError,
        SmmPlusError,
        UnclearAnswerError,
        UnknownRefusalError,
        UnreadableAnswerError,
    )
    from smmplus.journal.entry import Entry, Planned, key_of
    from smmplus.journal.states import State
    from smmplus.journal.store import Journal
    from smmplus.models import Balance, OrderRequest, OrderStatus, Phase, Service
    from smmplus.panel import Panel
    from smmplus.placing import Order, Placed, Placer, Progress, Stop

__all__ = [
    "AccountError",
    "AddressError",
    "AsyncClient",
    "BadRowError",
    "Balance",
    "BusyError",
    "CallError",
    "Client",
    "Commits",
    "ConfigurationError",
    "DuplicateGuardError",
    "Entry",
    "FollowUpError",
    "Journal",
    "JournalConflictError",
    "JournalError",
    "JournalInUseError",
    "LostAnswerError",
    "MalformedCallError",
    "NeverSentError",
    "Order",
    "OrderError",
    "OrderHeldBackError",
    "OrderInDoubtError",
    "OrderRefusedError",
    "OrderRequest",
    "OrderStatus",
    "Panel",
    "Phase",
    "Placed",
    "Placer",
    "Planned",
    "Progress",
    "RedirectError",
    "RefusedError",
    "Service",
    "SmmPlusError",
    "State",
    "Stop",
    "UnclearAnswerError",
    "UnknownRefusalError",
    "UnreadableAnswerError",
    "key_of",
]

_HOMES = {
    "AsyncClient": "async_client",
    "Client": "client",
    "Commits": "commits",
    **dict.fromkeys(("Entry", "Planned", "key_of"), "journal.entry"),
    "Journal": "journal.store",
    "State": "journal.states",
    **dict.fromkeys(("Balance", "OrderRequest", "OrderStatus", "Phase", "Service"), "models"),
    "Panel": "panel",
    **dict.fromkeys(("Order", "Placed", "Placer", "Progress", "Stop"), "placing"),
}


def __getattr__(name: str) -> object:
    """Import on first use: a DAG file that names an error must not load a database and two HTTP clients."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
