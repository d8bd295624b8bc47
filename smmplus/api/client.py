"""The synchronous client, on requests."""

import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import requests

import smmplus.api.protocol as protocol  # noqa: PLR0402 (`from smmplus` would import what imports this module)
from smmplus.api.panel import Panel
from smmplus.api.protocol import Call, Result
from smmplus.api.rate_limit import RateLimit
from smmplus.api.requests_session import WatchedBody, session
from smmplus.api.responses import Response, unreachable, worded
from smmplus.api.retry import retrying
from smmplus.errors import BusyError, CallError, FollowUpError, LostAnswerError, NeverSentError, UnreadableAnswerError
from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Service
from smmplus.texts import marked


class Client:
    """Every action of the API. Threads may share a client: the rate and the number of calls under way apply to all.

    Reads are repeated after transient errors. `add_order`, `refill` and `cancel` are repeated only if the request never
    reached the panel, or the panel said "not now". `add_order` is the bare call, for programs with a record of their
    own: nothing remembers the order if the process dies. `smmplus.place_order` places an order with a record of it.
    """

    def __init__(
        self,
        panel: Panel,
        *,
        rate: float = 1.0,
        in_flight: int = 16,
        sleep: Callable[[float], None] = time.sleep,
        patience: float | None = None,
    ) -> None:
        """Begin; with `patience`, a call is given up after pauses of that many seconds in all."""
        self._panel = panel
        self._pace = RateLimit(rate)
        self._pace_lock = threading.Lock()
        self._in_flight = threading.BoundedSemaphore(in_flight)
        self._sleep = sleep
        self._patience = patience
        self._alone = session(panel.url, connections=in_flight, alone=True)
        self._pooled = session(panel.url, connections=in_flight, alone=False)

    def services(self) -> list[Service]:
        """Return the services, with their prices."""
        return self._settled(protocol.services(), protocol.balance())

    def add_order(self, request: OrderRequest) -> str:
        """Place an order without any record of it, and return its id. `smmplus.place_order` is the safe way."""
        return self._run(protocol.add(request))

    def order_status(self, order_id: str) -> OrderStatus:
        """Return the status of one order."""
        return self._run(protocol.status(order_id))

    def order_statuses(self, order_ids: Iterable[str]) -> dict[str, OrderStatus | FollowUpError]:
        """Return the statuses of many orders, 100 a call. An id that the panel does not answer is left out."""
        return protocol.merged(self._run(call) for call in protocol.statuses(order_ids))

    def refill(self, order_id: str) -> str:
        """Ask for a refill of one order, and return the refill's id."""
        return self._run(protocol.refill(order_id))

    def refills(self, order_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Ask for refills of many orders. Returns order id -> refill id, or the error of that order."""
        return protocol.merged(self._run(call) for call in protocol.refills(order_ids))

    def refill_status(self, refill_id: str) -> str:
        """Return the status of one refill."""
        return self._run(protocol.refill_status(refill_id))

    def refill_statuses(self, refill_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Return the statuses of many refills."""
        return protocol.merged(self._run(call) for call in protocol.refill_statuses(refill_ids))

    def cancel(self, order_ids: Iterable[str]) -> dict[str, str | FollowUpError]:
        """Ask to cancel orders. Returns order id -> the panel's answer, or the error of that order."""
        return protocol.merged(self._run(call) for call in protocol.cancel(order_ids))

    def balance(self) -> Balance:
        """Return the account's balance."""
        return self._settled(protocol.balance(), protocol.services())

    def close(self) -> None:
        """Close the connections."""
        self._alone.close()
        self._pooled.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, call: Call[Result]) -> Result:
        result: Result = retrying(effect=call.effect, sleep=self._sleep, patience=self._patience)(self._ask, call)
        return result

    def _settled(self, call: Call[Result], other: Call[Any]) -> Result:
        """Make a call. If a number in its answer has two readings, make another call that may tell which is right."""
        try:
            result = self._run(call)
        except UnreadableAnswerError:
            if not self._settles(other):
                raise
        else:
            if not self._settles(other):
                return result
        return self._run(call)

    def _settles(self, other: Call[Any]) -> bool:
        if not self._panel.notation.is_wanted:
            return False
        with suppress(CallError):
            self._run(other)
        return self._panel.notation.is_known

    def _ask(self, call: Call[Result]) -> Result:
        with self._in_flight:
            with self._pace_lock:
                pause = self._pace.reserve(time.monotonic())
            if pause > 0:
                self._sleep(pause)
            try:
                return protocol.read_answer(call, self._panel.redact(self._exchange(call)))
            except BusyError as error:
                with self._pace_lock:
                    self._pace.slow_down(time.monotonic(), error.retry_after)
                raise

    def _exchange(self, call: Call[Result]) -> Response:
        chosen = self._alone if call.alone else self._pooled
        body = WatchedBody(urlencode(call.form(self._panel.key)).encode(), effect=call.effect)
        request = requests.Request("POST", self._panel.url, data=body, headers=_HEADERS)
        try:
            answer = chosen.send(
                chosen.prepare_request(request),
                timeout=(self._panel.connect_timeout, self._panel.read_timeout),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            fault = _translated(error, sent=body.was_read, effect=call.effect)
        else:
            return Response(answer.status_code, answer.headers, answer.content, closed=body.closed_after)
        raise fault  # outside `except`: its cause may show a proxy's password


_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def _translated(error: requests.RequestException, *, sent: bool, effect: bool) -> CallError:
    if sent:
        text = worded(marked("no answer from the panel ({error})"), effect=effect, error=type(error).__name__)
        return LostAnswerError(text, may_have_taken_effect=effect)
    reason = _innermost(error, effect=effect)
    return NeverSentError(worded(marked("the panel could not be reached: {reason}"), effect=effect, reason=reason))


def _innermost(error: BaseException, *, effect: bool) -> str:
    """Find the reason inside the errors of requests and urllib3: "Connection refused", not five names of classes."""
    within = (getattr(error, "reason", None), *error.args)
    if inner := next((found for found in within if isinstance(found, BaseException)), None):
        return _innermost(inner, effect=effect)
    # A proxy's own words may repeat the password.
    if refused := re.match(r"Tunnel connection failed: ([0-9]+)", str(error)):
        return worded(marked("the proxy opens no way to it (HTTP {status})"), effect=effect, status=refused[1])
    if isinstance(error, HTTPException):
        text = marked("the server there does not answer with HTTP ({error})")
        return worded(text, effect=effect, error=type(error).__name__)
    cause = error if isinstance(error, OSError) else error.__cause__
    return (unreachable(cause) if isinstance(cause, OSError) else str(error)) or type(error).__name__
