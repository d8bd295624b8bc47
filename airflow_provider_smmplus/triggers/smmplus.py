"""Triggers: they wait in the triggerer, each for many orders or refills, and never hold up its event loop.

They get the connection's id, never its key. Their deadline is a moment, which a restarted triggerer keeps.
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
"""Seconds between two rounds at the most, while the panel does not answer."""

LAST_LOOK = 60.0
"""Seconds that a look may take at the least, even if the time is over while it goes on, or was before it began."""


class WatchTrigger(BaseTrigger):
    """Looks in rounds until what it watches is done, can never be done, or the time is over.

    :param smmplus_conn_id: the id of the connection
    :param poll_interval: seconds between two rounds
    :param deadline: when it is over, in seconds since 1970; None for never
    """

    def __init__(self, *, smmplus_conn_id: str, poll_interval: float, deadline: float | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.smmplus_conn_id = smmplus_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline

    @abstractmethod
    def watch(self) -> Watch:
        """Say what is watched."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Give the arguments of the subclass, as plain JSON."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the trigger is made of anew with, elsewhere or after a restart."""
        common = {
            "smmplus_conn_id": self.smmplus_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }
        return f"{__name__}.{type(self).__name__}", self.arguments() | common

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and tell how it ended. A panel that does not answer is asked again in the next round."""
        yield TriggerEvent((await self.wait()).payload())

    async def wait(self) -> TriggerResult:
        """Wait to the end, whichever it is."""
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
                        return TriggerResult(
                            TriggerStatus.TIMEOUT, f"the time is over; {seen.words}", dict(seen.counts)
                        )
                    await asyncio.sleep(self._until_next(pause))
        except (AccountError, AddressError, ConfigurationError) as error:
            return TriggerResult(TriggerStatus.FAILED, str(error), dict(seen.counts))

    def _until_end(self) -> float | None:
        """Bound a look, for reads are repeated for minutes; the last one, after a restart, gets its chance as well."""
        return None if self.deadline is None else max(LAST_LOOK, self.deadline - time.time())

    def _until_next(self, pause: float) -> float:
        return pause if self.deadline is None else max(0.0, min(pause, self.deadline - time.time()))


class SmmPlusOrdersTrigger(WatchTrigger):
    """Waits for orders, thousands if need be, in calls of 100.

    :param order_ids: the orders
    :param statuses: until each has one of these; until each is final where there are none
    :param cancel_on_kill: ask the panel to cancel the orders when somebody ends the waiting task by hand
    """

    def __init__(
        self, *, order_ids: Sequence[str], statuses: Sequence[str] = (), cancel_on_kill: bool = False, **common: Any
    ) -> None:
        super().__init__(**common)
        self.order_ids = list(order_ids)
        self.statuses = list(statuses)
        self.cancel_on_kill = cancel_on_kill

    def watch(self) -> Watch:
        """Watch the orders."""
        return OrdersWatch(self.order_ids, self.statuses)

    def arguments(self) -> dict[str, Any]:
        """Give the orders and the statuses."""
        return {"order_ids": self.order_ids, "statuses": self.statuses, "cancel_on_kill": self.cancel_on_kill}

    async def on_kill(self) -> None:
        """Ask the panel to cancel the orders, if the author wanted that."""
        if not self.cancel_on_kill:
            return
        async with SmmPlusHook(self.smmplus_conn_id).async_client() as client:
            answers = await client.cancel(self.order_ids)
        self.log.warning("the waiting task was ended: asked to cancel %d orders: %s", len(answers), answers)


class SmmPlusRefillsTrigger(WatchTrigger):
    """Waits for refills to be over.

    :param refill_ids: the refills
    """

    def __init__(self, *, refill_ids: Sequence[str], **common: Any) -> None:
        super().__init__(**common)
        self.refill_ids = list(refill_ids)

    def watch(self) -> Watch:
        """Watch the refills."""
        return RefillsWatch(self.refill_ids)

    def arguments(self) -> dict[str, Any]:
        """Give the refills."""
        return {"refill_ids": self.refill_ids}


class SmmPlusBalanceTrigger(WatchTrigger):
    """Waits for the balance to be at least so much.

    :param at_least: the amount, as a string
    """

    def __init__(self, *, at_least: str, **common: Any) -> None:
        super().__init__(**common)
        self.at_least = at_least

    def watch(self) -> Watch:
        """Watch the balance."""
        return BalanceWatch(Decimal(self.at_least))

    def arguments(self) -> dict[str, Any]:
        """Give the amount."""
        return {"at_least": self.at_least}


class SmmPlusServiceTrigger(WatchTrigger):
    """Waits for a service to be offered.

    :param service: its id
    :param max_rate: at most at this rate, as a string; None for any
    """

    def __init__(self, *, service: str, max_rate: str | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.service = service
        self.max_rate = max_rate

    def watch(self) -> Watch:
        """Watch the service."""
        return ServiceWatch(self.service, None if self.max_rate is None else Decimal(self.max_rate))

    def arguments(self) -> dict[str, Any]:
        """Give the service and the rate."""
        return {"service": self.service, "max_rate": self.max_rate}
