"""Paid social-media orders on the smm.plus API: no order is placed twice and none is lost.

::

    from smmplus import AsyncClient, Journal, Panel, place_order

    async with AsyncClient(Panel(url, key)) as client:
        with Journal.open(path) as journal:
            entry = await place_order(client, journal, ...)
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient
    from smmplus.api.client import Client
    from smmplus.api.panel import Panel
    from smmplus.journal.journal import Journal
    from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Phase, Service
    from smmplus.placing.place_order import place_order

    __version__: str

__all__ = [
    "AsyncClient",
    "Balance",
    "Client",
    "Journal",
    "OrderRequest",
    "OrderStatus",
    "Panel",
    "Phase",
    "Service",
    "__version__",
    "errors",
    "place_order",
]

_MODULES = {
    "AsyncClient": "api.async_client",
    "Client": "api.client",
    "Journal": "journal.journal",
    "Panel": "api.panel",
    **dict.fromkeys(("Balance", "OrderRequest", "OrderStatus", "Phase", "Service"), "orders.models"),
    "place_order": "placing.place_order",
}


def __getattr__(name: str) -> object:
    """Import on first use: a DAG file that names an error does not load a database and two HTTP clients."""
    if name == "__version__":
        return version("airflow-provider-smmplus")
    if name == "errors":
        return import_module("smmplus.errors")
    if name in _MODULES:
        return getattr(import_module(f"smmplus.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
