"""The asynchronous client, on aiohttp. Orders are placed and tracked with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter

import smmplus.api.protocol as protocol  # noqa: PLR0402 (`from smmplus` would import what imports this module)
from smmplus.api.async_connection import Listener, silent
from smmplus.api.panel import Panel, proxy_of, tls_context
from smmplus.api.protocol import Call, Result
from smmplus.api.rate_limit import RateLimit
from smmplus.api.responses import Response, unreachable, worded
from smmplus.api.retry import async_retrying
from smmplus.api.single_answer import SPOKE_FIRST
from smmplus.errors import (
    BusyError,
    CallError,
    FollowUpError,
    LostAnswerError,
    NeverSentError,
    UnclearAnswerError,
    UnreadableAnswerError,
)
from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Service
from smmplus.texts import marked

TRICKLE = 3
"""An answer may come in pieces, each within the read time-out. After so many time-outs in all it counts as lost."""


class AsyncClient:
    """Every action of the API, asynchronously; use it with `async with`.

    The rate and the number of calls under way apply to all calls of one client. Calls are repeated as by
    `smmplus.api.client.Client`, and its warning about `add_order` applies here.
    """

    def __init__(
        self,
        panel: Panel,
        *,
        rate: float = 1.0,
        in_flight: int = 16,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.panel = panel
        self.in_flight = in_flight
        self.sleep = sleep
        self._pace = RateLimit(rate)
        self._turns = asyncio.Semaphore(in_flight)
        self._alone: aiohttp.ClientSession | None = None
        self._pooled: aiohttp.ClientSession | None = None

    @property
    def max_call_seconds(self) -> float:
        """How many seconds a call can take."""
        return self.panel.connect_timeout + TRICKLE * self.panel.read_timeout

    async def services(self) -> list[Service]:
        """Return the services, with their prices."""
        return await self._settled(protocol.services(), protocol.balance())

    async def add_order(self, request: OrderRequest) -> str:
        """Place an order without any record of it, and return its id. `smmplus.place_order` is the safe way."""
        return await self._run(protocol.add(request))

    async def order_status(self, order_id: str) -> OrderStatus:
        """Return the status of one order."""
        return await self._run(protocol.status(order_id))

    async def order_statuses(self, order_ids: Iterable[str]) -> dict[str, OrderStatus | FollowUpError]:
        """Return the statuses of many orders, 100 a call. An id that the panel does not answer is left out."""
        return await self._run_all(protocol.statuses(order_ids))

    async def refill(self, order_id: str) -> str:
        """Ask for a refill of one order, and return the refill's id."""
        return await self._run(protocol.refill(order_id))

    async def refills(self, order_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Ask for refills of many orders. Returns order id -> refill id, or the error of that order."""
        return await self._run_all(protocol.refills(order_ids))

    async def refill_status(self, refill_id: str) -> str:
        """Return the status of one refill."""
        return await self._run(protocol.refill_status(refill_id))

    async def refill_statuses(self, refill_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Return the statuses of many refills."""
        return await self._run_all(protocol.refill_statuses(refill_ids))

    async def cancel(self, order_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Ask to cancel orders. Returns order id -> the panel's answer, or the error of that order."""
        return await self._run_all(protocol.cancel(order_ids))

    async def balance(self) -> Balance:
        """Return the account's balance."""
        return await self._settled(protocol.balance(), protocol.services())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more call may be under way and the rate allows it."""
        async with self._turns:
            pause = self._pace.reserve(time.monotonic())
            if pause > 0:
                await self.sleep(pause)
            yield

    async def ask(self, call: Call[Result], *, before_body: Callable[[], None] = lambda: None) -> Result:
        """Send a call once, within a turn, and read its answer.

        `before_body` is called when the connection stands and the body is about to leave. If it raises, the request is
        not sent.
        """
        try:
            return protocol.read_answer(call, self.panel.redact(await self._exchange(call, before_body)))
        except BusyError as error:
            self._pace.slow_down(time.monotonic(), error.retry_after)
            raise

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(
            total=self.max_call_seconds,
            connect=None,
            sock_connect=self.panel.connect_timeout,
            sock_read=self.panel.read_timeout,
        )
        # Looked up once: aiohttp would ask a thread twice a request, half of the processor time (measured).
        proxy = proxy_of(self.panel.url)

        def session(*, alone: bool) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(ssl=tls_context(), limit=self.in_flight, force_close=alone)
            return aiohttp.ClientSession(connector=connector, timeout=timeout, proxy=proxy, headers=_HEADERS)

        self._alone, self._pooled = session(alone=True), session(alone=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._alone, self._pooled):
            if session is not None:
                await session.close()

    async def _run(self, call: Call[Result]) -> Result:
        return await async_retrying(effect=call.effect, sleep=self.sleep)(self._ask_in_turn, call)

    async def _run_all(self, calls: list[Call[dict[str, Result]]]) -> dict[str, Result]:
        return protocol.merged(await asyncio.gather(*(self._run(call) for call in calls)))

    async def _settled(self, call: Call[Result], other: Call[Any]) -> Result:
        """Make a call. If a number in its answer has two readings, make another call that may tell which is right."""
        try:
            result = await self._run(call)
        except UnreadableAnswerError:
            if not await self._settles(other):
                raise
        else:
            if not await self._settles(other):
                return result
        return await self._run(call)

    async def _settles(self, other: Call[Any]) -> bool:
        if not self.panel.notation.is_wanted:
            return False
        with suppress(CallError):
            await self._run(other)
        return self.panel.notation.is_known

    async def _ask_in_turn(self, call: Call[Result]) -> Result:
        async with self.turn():
            return await self.ask(call)

    async def _exchange(self, call: Call[Result], before_body: Callable[[], None]) -> Response:
        session = self._alone if call.alone else self._pooled
        if session is None:
            raise RuntimeError("the client is used outside `async with`")
        form = urlencode(call.form(self.panel.key)).encode()
        body = _WatchedBody(form, before_body, self.panel.read_timeout if call.alone else None)
        try:
            async with session.post(self.panel.url, data=body, allow_redirects=False) as answer:
                whole = await answer.read()
                if body.left:
                    return Response(answer.status, answer.headers, whole, closed=body.closed)
                fault: CallError = NeverSentError(SPOKE_FIRST)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = _translated(error, body, effect=call.effect)
        raise fault  # outside `except`: its cause would show the proxy's password


_HEADERS = {"Accept": "application/json"}


class _WatchedBody(aiohttp.BytesPayload):
    """A form body that records whether it began to leave: the line between "never sent" and "lost".

    aiohttp writes it once the connection stands, and a panel cannot carry out a POST whose body never came. With
    `patience`, in seconds of silence, it also waits until the server has closed, and refuses more than one answer.
    """

    def __init__(self, form: bytes, before: Callable[[], None], patience: float | None) -> None:
        super().__init__(form, content_type="application/x-www-form-urlencoded")
        self._before = before
        self._patience = patience
        self.left = False
        self.closed = True
        self.held_back: NeverSentError | None = None
        self.not_believed = ""

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        try:
            transport = await silent(cast("StreamWriter", writer).transport)
            self._before()
        except NeverSentError as error:
            self.held_back = error
            raise
        self.left = True
        if self._patience is None:
            await super().write_with_length(writer, content_length)
            return
        listener = Listener(transport)
        await super().write_with_length(writer, content_length)
        await listener.listen(self._patience)
        self.closed, self.not_believed = listener.received.closed, listener.received.fault
        if self.not_believed:
            raise aiohttp.ClientPayloadError(self.not_believed)
        listener.hand_on()


def _translated(error: Exception, body: _WatchedBody, *, effect: bool) -> CallError:
    if body.held_back is not None:
        return body.held_back
    if body.not_believed:
        return UnclearAnswerError(body.not_believed, may_have_taken_effect=effect)
    if body.left:
        text = worded(marked("no answer from the panel ({error})"), effect=effect, error=type(error).__name__)
        return LostAnswerError(text, may_have_taken_effect=effect)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        # Its text has the proxy's address with user and password, and the proxy's own words.
        text = marked("the proxy opens no way to the panel (HTTP {status})")
        return NeverSentError(worded(text, effect=effect, status=error.status))
    if isinstance(error, aiohttp.ClientResponseError):
        return NeverSentError(SPOKE_FIRST)
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)  # aiohttp's own names
    reason = (unreachable(cause) if isinstance(cause, OSError) else str(error)) or type(error).__name__
    return NeverSentError(worded(marked("the panel could not be reached: {reason}"), effect=effect, reason=reason))
