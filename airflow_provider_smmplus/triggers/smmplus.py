"""Triggers for orders, refills, the balance and services. One waits for thousands, and never blocks the event loop.

Their arguments have the connection's ID, never its key. Their deadline is a point in time, which a restart keeps.
"""

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.utils.pollers import BalanceWatch, OrdersWatch, RefillsWatch, Seen, ServiceWatch, Watch
from airflow_provider_smmplus.utils.trigger_events import TriggerResult, TriggerStatus

LONGEST_PAUSE = 600.0
"""The most seconds between two rounds while the panel does not answer."""

LAST_LOOK = 60.0
"""Seconds that the last round may take, even if the deadline passes meanwhile, or had passed before."""


class WatchTrigger(BaseTrigger):
    """The base of the triggers: it asks in rounds until its watch is done, can never be done, or the deadline passes.

    :param smmplus_conn_id: the id of the connection
    :param poll_interval: seconds between two rounds
    :param deadline: when to stop, in seconds since 1970; None for never
    """

    def __init__(self, *, smmplus_conn_id: str, poll_interval: float, deadline: float | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.smmplus_conn_id = smmplus_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline

    @abstractmethod
    def watch(self) -> Watch:
        """Return what to wait for."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the subclass, as plain JSON."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments to create the trigger elsewhere, or after a restart."""
        common = {
            "smmplus_conn_id": self.smmplus_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }
        return f"{__name__}.{type(self).__name__}", self.arguments() | common

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield how it ended. If the panel does not answer, it is asked again in the next round."""
        yield TriggerEvent((await self.wait()).payload())

    async def wait(self) -> TriggerResult:
        """Wait, and return how it ended."""
        from smmplus.errors import AccountError, AddressError, CallError, ConfigurationError  # noqa: PLC0415 (not while DAGs are parsed)

        watch, seen, pause = self.watch(), Seen(done=False), self.poll_interval
        try:
            async with SmmPlusHook(self.smmplus_conn_id).async_client() as client:
                while True:
                    try:
                        async with asyncio.timeout(self._until_end()):
                            before, seen, pause = seen, await watch.look(client), self.poll_interval
                        is_news = seen.strange and seen.words != before.words
                        self.log.log(logging.WARNING if is_news else logging.INFO, seen.words)
                    except (AccountError, AddressError):
                        raise
                    except (CallError, TimeoutError) as error:
                        pause = min(pause * 1.5, max(LONGEST_PAUSE, self.poll_interval))
                        self.log.warning("%s; asking again in %.0f s", str(error) or "no answer in time", pause)
                    if seen.done or seen.failed:
                        return TriggerResult(
                            TriggerStatus.FAILED if seen.failed else TriggerStatus.DONE, seen.failed, dict(seen.counts)
                        )
                    if self.deadline is not None and time.time() >= self.deadline:
                        return TriggerResult(TriggerStatus.TIMEOUT, f"timed out; {seen.words}", dict(seen.counts))
                    await asyncio.sleep(self._until_next(pause))
        except (AccountError, AddressError, ConfigurationError) as error:
            return TriggerResult(TriggerStatus.FAILED, str(error), dict(seen.counts))

    def _until_end(self) -> float | None:
        """Return the time limit of a round, as reads are retried for minutes. The last round has at least LAST_LOOK."""
        return None if self.deadline is None else max(LAST_LOOK, self.deadline - time.time())

    def _until_next(self, pause: float) -> float:
        return pause if self.deadline is None else max(0.0, min(pause, self.deadline - time.time()))


class SmmPlusOrdersTrigger(WatchTrigger):
    """Waits for orders, 100 per call.

    :param order_ids: the orders
    :param statuses: wait until each has one of these; without any, until each is final
    :param cancel_on_kill: request to cancel the orders when a person ends the waiting task
    """

    def __init__(
        self, *, order_ids: Sequence[str], statuses: Sequence[str] = (), cancel_on_kill: bool = False, **common: Any
    ) -> None:
        super().__init__(**common)
        self.order_ids = list(order_ids)
        self.statuses = list(statuses)
        self.cancel_on_kill = cancel_on_kill

    def watch(self) -> Watch:
        """Return the watch of the orders."""
        return OrdersWatch(self.order_ids, self.statuses)

    def arguments(self) -> dict[str, Any]:
        """Return the orders, the statuses, and whether to cancel."""
        return {"order_ids": self.order_ids, "statuses": self.statuses, "cancel_on_kill": self.cancel_on_kill}

    async def on_kill(self) -> None:
        """Request to cancel the orders, if `cancel_on_kill` is set."""
        if not self.cancel_on_kill:
            return
        async with SmmPlusHook(self.smmplus_conn_id).async_client() as client:
            answers = await client.cancel(self.order_ids)
        self.log.warning("the waiting task was ended: requested to cancel %d orders: %s", len(answers), answers)


class SmmPlusRefillsTrigger(WatchTrigger):
    """Waits until refills are completed.

    :param refill_ids: the refills
    """

    def __init__(self, *, refill_ids: Sequence[str], **common: Any) -> None:
        super().__init__(**common)
        self.refill_ids = list(refill_ids)

    def watch(self) -> Watch:
        """Return the watch of the refills."""
        return RefillsWatch(self.refill_ids)

    def arguments(self) -> dict[str, Any]:
        """Return the refills."""
        return {"refill_ids": self.refill_ids}


class SmmPlusBalanceTrigger(WatchTrigger):
    """Waits until the balance is at least an amount.

    :param at_least: the amount, as a string
    """

    def __init__(self, *, at_least: str, **common: Any) -> None:
        super().__init__(**common)
        self.at_least = at_least

    def watch(self) -> Watch:
        """Return the watch of the balance."""
        return BalanceWatch(Decimal(self.at_least))

    def arguments(self) -> dict[str, Any]:
        """Return the amount."""
        return {"at_least": self.at_least}


class SmmPlusServiceTrigger(WatchTrigger):
    """Waits until a service is available.

    :param service: ID of the service
    :param max_rate: the highest price of 1000 units, as a string; None for any
    """

    def __init__(self, *, service: str, max_rate: str | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.service = service
        self.max_rate = max_rate

    def watch(self) -> Watch:
        """Return the watch of the service."""
        return ServiceWatch(self.service, None if self.max_rate is None else Decimal(self.max_rate))

    def arguments(self) -> dict[str, Any]:
        """Return the service and the rate."""
        return {"service": self.service, "max_rate": self.max_rate}
