"""Paid social-media orders on the smm.plus API: no order is placed twice and none is lost.

::

    import asyncio

    from smmplus import AsyncClient, Journal, Panel, place_order

    async def order(key):
        async with AsyncClient(Panel(key)) as client:
            with Journal() as journal:
                return await place_order(
                    client,
                    journal,
                    key="invoice 4711",
                    campaign="november",
                    service=1,
                    link="https://instagram.com/kopi.nusantara",
                    quantity=1000,
                )

    print(asyncio.run(order("an API key")).order_id)

Asked again with the same key, `place_order` returns the same order. `Client` and `AsyncClient` are the plain API: they
read services, balances and statuses, and their `add_order` leaves no record.

An order goes down through these packages: `placing` writes an intent into the `journal`, sends the `orders` request
with `api`, and writes the outcome; `reconciliation` collects evidence about orders whose outcome is not known.
`sandbox` is a simulated panel that shares no code with them.

These modules do no input or output, and read no clock: all of `orders`, `api.protocol`, `api.responses`,
`api.action_results`, `api.error_texts`, `journal.state_machine`, `journal.normal_forms`, `reconciliation.balance_drops`
and `commands`.
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
