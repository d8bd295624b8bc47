"""The hook: every action of the API, and orders through the journal.

Heavy modules are imported where they are used: DAG files import this module when they are parsed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_smmplus.utils.arguments import name_of
from airflow_provider_smmplus.utils.connection import CONN_TYPE, DEFAULT_CONN_ID, Settings, journal_url, settings_of
from airflow_provider_smmplus.utils.event_loop import run_in_event_loop
from airflow_provider_smmplus.utils.settings import airflow_home, executors
from airflow_provider_smmplus.utils.task_identity import quoted

if TYPE_CHECKING:
    import requests

    from smmplus.api.async_client import AsyncClient
    from smmplus.api.client import Client
    from smmplus.errors import FollowUpError
    from smmplus.journal.entry import Entry
    from smmplus.journal.journal import Journal
    from smmplus.journal.refills_and_cancels import FollowUp
    from smmplus.orders.models import Balance, OrderStatus, Service


class SmmPlusHook(BaseHook):
    """Every action of the smm.plus API, through a connection of the type `smmplus`.

    Reads are retried after transient errors. An order is placed under a key, through the journal: in a retry or a
    cleared task, the same key is the same order. The methods whose names begin with `a` are asynchronous.

    :param smmplus_conn_id: the id of the connection
    """

    conn_name_attr = "smmplus_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = "smm.plus"

    def __init__(self, smmplus_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smmplus_conn_id = smmplus_conn_id

    @cached_property
    def settings(self) -> Settings:
        """The settings of the connection. Raise ConfigurationError with the field that is wrong."""
        return settings_of(self.get_connection(self.smmplus_conn_id))

    async def asettings(self) -> Settings:
        """Return the settings in an event loop: the synchronous way would block every other trigger."""
        if "settings" not in self.__dict__:
            self.__dict__["settings"] = settings_of(await self.aget_connection(self.smmplus_conn_id))
        return self.settings

    def get_conn(self) -> "requests.Session":
        """Return a session for other calls. It uses the proxies and certificates of the environment."""
        from smmplus.api.requests_session import session  # noqa: PLC0415

        return session(self.settings.panel.url, connections=4)

    def test_connection(self) -> tuple[bool, str]:
        """Test the API key with a call for the balance, which costs nothing."""
        from smmplus.errors import SmmPlusError  # noqa: PLC0415

        try:
            held = self.balance()
        except SmmPlusError as error:
            return False, str(error)
        return True, f"connected: the balance is {held.amount} {held.currency}"

    @contextmanager
    def client(self) -> "Iterator[Client]":
        """Open a synchronous client."""
        from smmplus.api.client import Client  # noqa: PLC0415

        with Client(self.settings.panel, rate=self.settings.rate) as client:
            yield client

    @asynccontextmanager
    async def async_client(self) -> "AsyncIterator[AsyncClient]":
        """Open an asynchronous client."""
        settings = await self.asettings()
        async with (await asyncio.to_thread(_client_class))(settings.panel, rate=settings.rate) as client:
            yield client

    def journal(self) -> "Journal":
        """Open the journal of all orders. It is a context manager."""
        from smmplus.journal.journal import Journal  # noqa: PLC0415

        return Journal(
            journal_url(
                self.settings.journal_conn_id,
                connection=self.get_connection,
                executors=executors(),
                home=airflow_home(),
            )
        )

    def services(self) -> "list[Service]":
        """Return the price list."""
        with self.client() as client:
            return client.services()

    async def aservices(self) -> "list[Service]":
        """Return the price list."""
        async with self.async_client() as client:
            return await client.services()

    def balance(self) -> "Balance":
        """Return the balance."""
        with self.client() as client:
            return client.balance()

    async def abalance(self) -> "Balance":
        """Return the balance."""
        async with self.async_client() as client:
            return await client.balance()

    def order_status(self, order_id: str) -> "OrderStatus":
        """Return the status of an order."""
        with self.client() as client:
            return client.order_status(order_id)

    async def aorder_status(self, order_id: str) -> "OrderStatus":
        """Return the status of an order."""
        async with self.async_client() as client:
            return await client.order_status(order_id)

    def order_statuses(self, order_ids: Iterable[str]) -> "dict[str, OrderStatus | FollowUpError]":
        """Return the statuses of many orders, 100 per call, without the IDs that the panel leaves out."""
        with self.client() as client:
            return client.order_statuses(order_ids)

    async def aorder_statuses(self, order_ids: Iterable[str]) -> "dict[str, OrderStatus | FollowUpError]":
        """Return the statuses of many orders, 100 per call, without the IDs that the panel leaves out."""
        from smmplus.api.protocol import hundreds, merged  # noqa: PLC0415
        from smmplus.placing.tracking import ask_hundred  # noqa: PLC0415

        async with self.async_client() as client:
            return merged(await asyncio.gather(*(ask_hundred(client, ids) for ids in hundreds(order_ids))))

    def refill_status(self, refill_id: str) -> str:
        """Return the status word of a refill."""
        with self.client() as client:
            return client.refill_status(refill_id)

    async def arefill_status(self, refill_id: str) -> str:
        """Return the status word of a refill."""
        async with self.async_client() as client:
            return await client.refill_status(refill_id)

    def refill_statuses(self, refill_ids: Iterable[str]) -> "dict[str, str | FollowUpError]":
        """Return the status words of many refills, 100 per call."""
        with self.client() as client:
            return client.refill_statuses(refill_ids)

    async def arefill_statuses(self, refill_ids: Iterable[str]) -> "dict[str, str | FollowUpError]":
        """Return the status words of many refills, 100 per call."""
        async with self.async_client() as client:
            return await client.refill_statuses(refill_ids)

    def refills(self, order_ids: Iterable[str], *, key: str) -> "dict[str, FollowUp]":
        """Request refills of orders, each once per key. See `smmplus.placing.refills_and_cancels.ask_for`."""
        return run_in_event_loop(self.arefills(order_ids, key=key))

    async def arefills(self, order_ids: Iterable[str], *, key: str) -> "dict[str, FollowUp]":
        """Request refills as `refills` does."""
        return await self._aask_for("refill", order_ids, key)

    def cancel(self, order_ids: Iterable[str], *, key: str) -> "dict[str, FollowUp]":
        """Request to cancel orders, each once per key. See `smmplus.placing.refills_and_cancels.ask_for`."""
        return run_in_event_loop(self.acancel(order_ids, key=key))

    async def acancel(self, order_ids: Iterable[str], *, key: str) -> "dict[str, FollowUp]":
        """Request to cancel orders as `cancel` does."""
        return await self._aask_for("cancel", order_ids, key)

    async def _aask_for(self, kind: str, order_ids: Iterable[str], key: str) -> "dict[str, FollowUp]":
        from smmplus.journal.refills_and_cancels import RequestKind  # noqa: PLC0415
        from smmplus.placing.refills_and_cancels import Asking, ask_for  # noqa: PLC0415

        async with self.async_client() as client:
            asking = Asking(self.settings.account, RequestKind(kind), name_of(key, "key"))
            with await asyncio.to_thread(self.journal) as journal:
                return await ask_for(client, journal, asking, order_ids)

    def place_order(
        self,
        *,
        key: str,
        campaign: str,
        service: str | int,
        max_spend: Decimal | None = None,
        retry_refused: bool = False,
        **fields: str | int | None,
    ) -> "Entry":
        """Place an order, or find it in the journal if it was placed. The entry has the `order_id`.

        Raise as :func:`smmplus.place_order` does: OrderRefusedError, OrderInDoubtError, OrderHeldBackError …

        :param key: identifies the order in the campaign: the same key is the same order, in every try and every run
        :param campaign: the campaign whose budget it counts against
        :param service: ID of the service
        :param max_spend: the total budget of the campaign
        :param retry_refused: send it again if the panel refused it for an unrecognized reason
        :param fields: link, quantity, and the form fields of other order types
        """
        placing = self.aplace_order(
            key=key, campaign=campaign, service=service, max_spend=max_spend, retry_refused=retry_refused, **fields
        )
        return run_in_event_loop(placing)

    async def aplace_order(
        self,
        *,
        key: str,
        campaign: str,
        service: str | int,
        max_spend: Decimal | None = None,
        retry_refused: bool = False,
        **fields: str | int | None,
    ) -> "Entry":
        """Place an order as `place_order` does."""
        from smmplus.orders.models import OrderRequest  # noqa: PLC0415
        from smmplus.placing.place_order import place_request  # noqa: PLC0415 (not while a DAG file is parsed)

        account = (await self.asettings()).account
        campaign, key = name_of(campaign, "campaign"), quoted(name_of(key, "key"))
        async with self.async_client() as client:
            with await asyncio.to_thread(self.journal) as journal:
                return await place_request(
                    client,
                    journal,
                    OrderRequest.of(service, fields),
                    key=key,
                    account=account,
                    campaign=campaign,
                    source="a task of one's own",
                    max_spend=max_spend,
                    retry_refused=retry_refused,
                )


def _client_class() -> "type[AsyncClient]":
    """Import in a thread: aiohttp and SQLAlchemy (used by `tracking`) take longer than an event loop may be blocked."""
    import smmplus.placing.tracking  # noqa: F401, PLC0415 (the pollers use it)
    from smmplus.api.async_client import AsyncClient  # noqa: PLC0415
    from smmplus.api.panel import tls_context  # noqa: PLC0415

    tls_context()
    return AsyncClient
