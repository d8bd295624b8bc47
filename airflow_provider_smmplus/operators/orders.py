"""Operators for single orders: place, ask where they stand, cancel."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, conf

from airflow_provider_smmplus.amounts import amount
from airflow_provider_smmplus.keys import order_key
from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators.base import SmmPlusOperator, airflow_errors, task_name
from airflow_provider_smmplus.results import Json, entry_object, status_object
from airflow_provider_smmplus.waiting import airflow_timeout, checked, deadline_after, must_survive

if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from smmplus import Entry, Journal
    from smmplus.ordering import Ticket

DELIVERED = ("Completed", "Success", "Partial")
"""Status words of an order that brought something."""


class SmmPlusAddOrderOperator(SmmPlusOperator):
    """Place one order, exactly once, and wait for it if asked to.

    A retry, a clear or a killed worker never orders again: the order's key is made of dag_id, run_id, task_id and
    map_index, and the journal knows what became of it. In doubt the task fails without retries, and says what to do. To
    order again on purpose, run the DAG again, or give another `order_key`.

    :param service: id of the service
    :param link: what is to be promoted
    :param quantity: how many
    :param runs: of a drip-feed order
    :param interval: minutes between two runs
    :param fields: further form fields, for other order types (comments, usernames, answer_number …)
    :param campaign: the campaign whose budget it counts against; the DAG's id by default
    :param order_key: a key of one's own, in place of run_id and map_index: the same key is the same order in every run
    :param max_spend: what the campaign may spend in all, as a string
    :param retry_refused: order again what was refused with a text that is in no list
    :param wait_for_completion: wait until the order is final
    :param expected_statuses: how it may end; with another status the task fails
    :param poll_interval: seconds between two looks
    :param timeout: seconds to wait at most; the task then fails, and a retry goes on waiting
    :param cancel_on_kill: ask the panel to cancel the order when somebody ends the waiting task by hand. Off by
        default: when a task is cleared, Airflow starts its next try before it ends the old one, which would then cancel
        what the new one has just taken up.
    :param deferrable: wait in the triggerer
    """

    template_fields: Sequence[str] = (
        *SmmPlusOperator.template_fields,
        "service", "link", "quantity", "runs", "interval", "fields", "campaign", "order_key", "max_spend",
        "expected_statuses",
    )  # fmt: skip
    operator_extra_links = (SmmPlusOrdersLink(),)

    def __init__(
        self,
        *,
        service: str | int,
        link: str | None = None,
        quantity: str | int | None = None,
        runs: str | int | None = None,
        interval: str | int | None = None,
        fields: Mapping[str, str | int] | None = None,
        campaign: str | None = None,
        order_key: str | None = None,
        max_spend: str | None = None,
        retry_refused: bool = False,
        wait_for_completion: bool = False,
        expected_statuses: Sequence[str] = DELIVERED,
        poll_interval: float = 60.0,
        timeout: float | None = None,
        cancel_on_kill: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.service = service
        self.link = link
        self.quantity = quantity
        self.runs = runs
        self.interval = interval
        self.fields = fields
        self.campaign = campaign
        self.order_key = order_key
        self.max_spend = max_spend
        self.retry_refused = retry_refused
        self.wait_for_completion = wait_for_completion
        self.expected_statuses = expected_statuses
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.cancel_on_kill = cancel_on_kill
        self.deferrable = deferrable

    def execute(self, context: Context) -> Json:
        """Place the order or take it up, and wait for it."""
        if self.wait_for_completion:
            must_survive(self._trigger("0"))
        with airflow_errors(), self.journal(context) as journal:
            placed = entry_object(self._place(journal, self._ticket(context)))
        SmmPlusOrdersLink.persist(context, self.hook.settings.panel.url, placed["order_id"])
        self.log.info("order %(order_id)s is placed; expected charge %(expected_charge)s, key %(key)s", placed)
        if not self.wait_for_completion:
            return placed
        trigger = self._trigger(placed["order_id"])
        if self.deferrable:
            self.defer(
                trigger=trigger,
                method_name="execute_complete",
                kwargs={"placed": placed},
                timeout=airflow_timeout(self.timeout),
            )
        return self.execute_complete(context, asyncio.run(trigger.wait()).payload(), placed)

    def execute_complete(self, context: Context, event: Any, placed: Json) -> Json:  # noqa: ANN401 (a trigger's)
        """Give where the order stands, as the panel says it now."""
        checked(event)
        with airflow_errors(), self.journal(context) as journal:
            status = self.hook.order_status(placed["order_id"])
            entry = journal.with_order_ids(
                journal.account(self.hook.settings.panel.url, self.hook.settings.account), [placed["order_id"]]
            )[placed["order_id"]]
            journal.record_statuses({entry.id: status})
        result = placed | status_object(placed["order_id"], status)
        self.log.info("order %(order_id)s: %(status)s, charge %(charge)s %(currency)s, %(remains)s remain", result)
        return result

    def _ticket(self, context: Context) -> "Ticket":
        from smmplus import OrderRequest  # noqa: PLC0415
        from smmplus.ordering import Ticket  # noqa: PLC0415

        task = task_name(context)
        fields = {"link": self.link, "quantity": self.quantity, "runs": self.runs, "interval": self.interval}
        return Ticket(
            account=self.hook.settings.account,
            campaign=self.campaign or task.dag_id,
            source=task.source,
            key=order_key(task, self.order_key),
            request=OrderRequest.of(self.service, {**fields, **(self.fields or {})}),
        )

    def _place(self, journal: "Journal", ticket: "Ticket") -> "Entry":
        return asyncio.run(self._place_in_loop(journal, ticket))

    async def _place_in_loop(self, journal: "Journal", ticket: "Ticket") -> "Entry":
        from smmplus.ordering import place_once  # noqa: PLC0415

        async with self.hook.async_client() as client:
            return await place_once(
                client, journal, ticket, max_spend=amount(self.max_spend, "max_spend"), retry_refused=self.retry_refused
            )

    def _trigger(self, order_id: str) -> "SmmPlusOrdersTrigger":
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger  # noqa: PLC0415

        return SmmPlusOrdersTrigger(
            smmplus_conn_id=self.smmplus_conn_id,
            order_ids=[order_id],
            statuses=list(self.expected_statuses),
            poll_interval=self.poll_interval,
            deadline=deadline_after(self.timeout),
            cancel_on_kill=self.cancel_on_kill,
        )
