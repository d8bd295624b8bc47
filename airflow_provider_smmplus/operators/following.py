"""What the operators share that wait for all orders of a campaign."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, conf

from airflow_provider_smmplus.events import Event, Status
from airflow_provider_smmplus.given import seconds_of
from airflow_provider_smmplus.operators.base import SmmPlusOperator, airflow_errors
from airflow_provider_smmplus.results import Json, counted
from airflow_provider_smmplus.waiting import airflow_timeout, checked, deadline_after, must_survive

if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from smmplus.journal.store import Journal


class FollowingOperator(SmmPlusOperator):
    """Waits for the orders of a campaign, in calls of 100, and writes their statuses into the journal.

    :param poll_interval: seconds between two looks
    :param timeout: seconds to wait at most; the task then fails, and a retry goes on waiting
    :param deferrable: wait in the triggerer
    """

    def __init__(
        self,
        *,
        poll_interval: float | timedelta = 60.0,
        timeout: float | timedelta | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.deferrable = deferrable

    @abstractmethod
    def execute_complete(self, context: Context, event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Go on when the wait is over."""

    def must_survive(self) -> None:
        """Try before money is spent whether the trigger's arguments reach the triggerer."""
        must_survive(self._trigger(["0"]))

    def wait_for(self, context: Context, campaign: str) -> Json:
        """Wait until every order of the campaign is final, here or in the triggerer."""
        with airflow_errors(), self.journal(context) as journal:
            order_ids = list(self._open(journal, campaign))
            trigger = self._trigger(order_ids)
        self.log.info("campaign %r: %d orders to follow", campaign, len(order_ids))
        if not order_ids:
            return self.execute_complete(context, Event(Status.DONE).payload())
        if self.deferrable:
            self.defer(trigger=trigger, method_name="execute_complete", timeout=airflow_timeout(self.timeout))
        return self.execute_complete(context, asyncio.run(trigger.wait()).payload())

    def ask_once(self, context: Context, campaign: str) -> dict[str, int]:
        """Ask where the open orders stand, write it into the journal, and count the campaign's status words."""
        with airflow_errors(), self.journal(context) as journal:
            asyncio.run(self._poll(journal, self._open(journal, campaign)))
            return counted(
                entry.order_status or "Placed" for entry in journal.of_campaign(self.known_campaign(journal, campaign))
            )

    def ended(self, campaign: str, counts: dict[str, int], event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Give how the orders stand, and fail where the wait did not end well."""
        self.log.info("campaign %r: %s", campaign, counts)
        checked(event)
        return {"campaign": campaign, "statuses": counts}

    def _open(self, journal: "Journal", campaign: str) -> dict[str, int]:
        from smmplus.tracking import open_orders  # noqa: PLC0415

        return open_orders(journal.of_campaign(self.known_campaign(journal, campaign)))

    async def _poll(self, journal: "Journal", orders: dict[str, int]) -> None:
        from smmplus.tracking import not_understood, poll  # noqa: PLC0415

        if orders:
            async with self.hook.async_client() as client:
                found, fault = await poll(client, journal, orders)
            for words in not_understood(found.values()):
                self.log.warning(words)
            if fault is not None:
                raise fault

    def _trigger(self, order_ids: Sequence[str]) -> "SmmPlusOrdersTrigger":
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger  # noqa: PLC0415

        return SmmPlusOrdersTrigger(
            smmplus_conn_id=self.smmplus_conn_id,
            order_ids=order_ids,
            poll_interval=seconds_of(self.poll_interval, "poll_interval"),
            deadline=deadline_after(self.timeout),
        )
