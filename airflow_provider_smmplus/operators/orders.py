"""Operators for single orders: place, ask for statuses, cancel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

from airflow.sdk import NEVER_EXPIRE, Context, conf  # type: ignore[attr-defined]  # its stub lacks the name
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators._base import AskingOperator, SmmPlusOperator, airflow_errors, task_name
from airflow_provider_smmplus.operators._deferral import airflow_timeout, checked, deadline_after, must_survive
from airflow_provider_smmplus.utils.arguments import age_of, amount, ids_of, name_of, seconds_of, texts_of
from airflow_provider_smmplus.utils.event_loop import run_in_event_loop
from airflow_provider_smmplus.utils.task_identity import (
    UNMAPPED,
    key_of_element,
    must_order_the_same,
    nth,
    order_key,
    prefix_of,
)
from airflow_provider_smmplus.utils.xcom import Json, counted, entry_object, status_object
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk.types import Logger

    from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from smmplus.journal.entry import Entry
    from smmplus.journal.journal import Journal
    from smmplus.journal.refills_and_cancels import FollowUp
    from smmplus.orders.models import OrderRequest

DELIVERED = ("Completed", "Success", "Partial")
"""Status words of an order that delivered something."""

CANCEL_SECONDS = 30.0
"""Seconds that a task which was ended waits for its request to cancel. Airflow kills it after 60 (its default)."""


class SmmPlusAddOrderOperator(SmmPlusOperator):
    """Place one order exactly once, and wait for it if requested.

    A retry, a clear or a killed worker never orders again. The order's key is made of dag_id, run_id and task_id; that
    of a mapped task also of what it orders, and of its number among equal elements. The journal knows the order by this
    key. If an order is in doubt, the task fails without retries, and its message says what to do. To order again on
    purpose, run the DAG again, or use another `order_key`.

    :param service: ID of the service
    :param link: what to promote
    :param quantity: the number of units
    :param runs: the number of runs of a drip-feed order
    :param interval: minutes between two runs
    :param fields: further form fields, for other order types (comments, usernames, answer_number …)
    :param campaign: the campaign whose budget it counts against; by default the DAG's ID
    :param order_key: replaces run_id and element: the same key is the same order in every run
    :param max_spend: the total budget of the campaign, as a string
    :param retry_refused: send it again if the panel refused it for an unrecognized reason
    :param wait_for_completion: wait until the order is final
    :param expected_statuses: the final statuses with which the task succeeds; with another it fails
    :param poll_interval: seconds between two status checks
    :param timeout: the most seconds to wait; the task then fails, and a retry continues to wait
    :param cancel_on_kill: request to cancel the order when a person ends the task, in the worker or in the triggerer;
        also when `execution_timeout` or a worker that shuts down ends it. Off by default: when a task is cleared,
        Airflow starts its next try before it ends the old one, which would then cancel the order of the new try.
    :param deferrable: wait in the triggerer
    """

    template_fields: Sequence[str] = (
        *SmmPlusOperator.template_fields,
        "service", "link", "quantity", "runs", "interval", "fields", "campaign", "order_key", "max_spend",
        "expected_statuses",
    )  # fmt: skip
    operator_extra_links = (SmmPlusOrdersLink(),)
    _order_id: str | None = None
    """The order that this process has placed or waits for."""
    _is_ended = False

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
        poll_interval: float | timedelta = 60.0,
        timeout: float | timedelta | None = None,
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
        """Place the order, or find it in the journal, and wait for it."""
        with airflow_errors(), self.journal(context) as journal:
            if self.wait_for_completion:
                must_survive(self._trigger("0"))
            key = self._key(context, journal)
            self._must_order_the_same(context, journal, key)
            entry = run_in_event_loop(self._place(context, journal, key))
        SmmPlusOrdersLink.persist(context, self.hook.settings.panel.url, entry.order_id)
        placed = entry_object(entry)
        self._order_id = placed["order_id"]
        self._cancel_if_ended()
        self.log.info("order %(order_id)s is placed; expected charge %(expected_charge)s, key %(key)s", placed)
        if not self.wait_for_completion:
            return placed
        trigger = self._trigger(placed["order_id"])
        if self.deferrable:
            self.defer(trigger=trigger, method_name="execute_complete", timeout=airflow_timeout(self.timeout))
        return self.execute_complete(context, run_in_event_loop(trigger.wait()).payload())

    def on_kill(self) -> None:
        """Request to cancel the order, if `cancel_on_kill` is set: at once, or as soon as its ID is known."""
        self._is_ended = True
        self._cancel_if_ended()

    def _cancel_if_ended(self) -> None:
        if self.cancel_on_kill and self._is_ended and self._order_id is not None:
            cancel_ended(self.hook, self._order_id, self.log)

    def execute_complete(self, context: Context, event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Return the current status of the order, which the journal knows."""
        checked(event)
        with airflow_errors(), self.journal(context) as journal:
            entry = self._find(context, journal, self._key(context, journal))
            if entry is None or entry.order_id is None:
                raise AirflowFailException("the journal does not know the order that this task waited for")
            status = self.hook.order_status(entry.order_id)
            journal.record_statuses({entry.id: status}, {entry.id: entry.order_id})
        result = entry_object(entry) | status_object(entry.order_id, status)
        self.log.info("order %(order_id)s: %(status)s, charge %(charge)s %(currency)s, %(remains)s remain", result)
        return result

    def _key(self, context: Context, journal: "Journal") -> str:
        task = task_name(context)
        if task.map_index == UNMAPPED or self.order_key is not None:
            return order_key(task, self.order_key)
        return self._key_of_element(context, journal)

    def _find(self, context: Context, journal: "Journal", key: str) -> "Entry | None":
        from smmplus.placing.place_order import find_order  # noqa: PLC0415 (not while a DAG file is parsed)

        return find_order(journal, self._ids(context, journal)[1], key, self._request())

    def _ids(self, context: Context, journal: "Journal") -> tuple[int, int]:
        """Return the numbers of the account and the campaign in the journal."""
        settings = self.hook.settings
        account_id = journal.ensure_account(settings.panel.url, settings.account)
        return account_id, journal.ensure_campaign(account_id, self._campaign(context))

    def _campaign(self, context: Context) -> str:
        return task_name(context).dag_id if self.campaign is None else name_of(self.campaign, "campaign")

    def _request(self) -> "OrderRequest":
        from smmplus.orders.models import OrderRequest  # noqa: PLC0415

        if not isinstance(self.fields, Mapping | None):
            raise ConfigurationError(f"fields is {self.fields!r}: pass a dict. Its values may be templates")
        fields = {"link": self.link, "quantity": self.quantity, "runs": self.runs, "interval": self.interval}
        return OrderRequest.of(self.service, {**fields, **(self.fields or {})})

    def _key_of_element(self, context: Context, journal: "Journal") -> str:
        task, fingerprint = task_name(context), self._request().fingerprint
        account_id, campaign_id = self._ids(context, journal)
        equal = journal.with_fingerprints(account_id, [fingerprint])
        own, prefix = (account_id, campaign_id, fingerprint), prefix_of(task)
        known = [each.key for each in equal if each.campaign_id == campaign_id and each.key.startswith(prefix)]
        return key_of_element(
            task, fingerprint, known, lambda: nth(context, own, lambda other: self._orders(other, context, journal))
        )

    def _must_order_the_same(self, context: Context, journal: "Journal", key: str) -> None:
        if task_name(context).map_index == UNMAPPED or self.order_key is not None:
            return  # the journal compares what the key orders
        is_new = self._find(context, journal, key) is None
        store, tries = context["task_state_store"], context["ti"].max_tries
        must_order_the_same(store, tries, self._request().fingerprint, is_new=is_new, for_ever=NEVER_EXPIRE)

    def _orders(self, other: "SmmPlusAddOrderOperator", context: Context, journal: "Journal") -> object:
        """Return what another element of this mapped task orders; None if it has an order_key."""
        if other.order_key is not None:
            return None
        settings = (self if other.smmplus_conn_id == self.smmplus_conn_id else other).hook.settings
        account_id = journal.ensure_account(settings.panel.url, settings.account)
        campaign_id = journal.ensure_campaign(account_id, other._campaign(context))  # noqa: SLF001 (its own kind)
        return account_id, campaign_id, other._request().fingerprint  # noqa: SLF001

    async def _place(self, context: Context, journal: "Journal", key: str) -> "Entry":
        from smmplus.placing.place_order import place_request  # noqa: PLC0415 (not while a DAG file is parsed)

        async with self.hook.async_client() as client:
            return await place_request(
                client,
                journal,
                self._request(),
                key=key,
                account=self.hook.settings.account,
                campaign=self._campaign(context),
                source=task_name(context).source,
                max_spend=amount(self.max_spend, "max_spend"),
                retry_refused=self.retry_refused,
            )

    def _trigger(self, order_id: str) -> "SmmPlusOrdersTrigger":
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger  # noqa: PLC0415

        return SmmPlusOrdersTrigger(
            smmplus_conn_id=self.smmplus_conn_id,
            order_ids=[order_id],
            statuses=texts_of(self.expected_statuses, "expected_statuses"),
            poll_interval=seconds_of(self.poll_interval, "poll_interval"),
            deadline=deadline_after(self.timeout),
            cancel_on_kill=self.cancel_on_kill,
        )


def cancel_ended(hook: "SmmPlusHook", order_id: str, log: "Logger") -> None:
    """Request once that the panel cancels an order, and log the answer or the error.

    The signal that ends a task may arrive while its event loop runs, or while it holds a lock that the request needs.
    So the request has a thread of its own, and is only waited for as long as it may take.
    """
    from smmplus.errors import SmmPlusError  # noqa: PLC0415 (not while a DAG file is parsed)

    log.warning("the task was ended: requesting to cancel order %s", order_id)
    answers: Future[dict[str, FollowUp]] = Future()

    def request() -> None:
        try:
            answers.set_result(hook.cancel([order_id], key=f"on_kill of {order_id}"))
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            answers.set_exception(error)

    Thread(target=request, daemon=True).start()
    try:
        asked = answers.result(CANCEL_SECONDS)[order_id]
    except (SmmPlusError, TimeoutError) as error:
        why = str(error) or f"no answer within {CANCEL_SECONDS:.0f} seconds"
        log.error("order %s was not cancelled. Cancel it on the panel's page: %s", order_id, why)  # noqa: TRY400 (foreseen)
        return
    log.warning("cancel of order %s: %s %s", order_id, asked.state.value, asked.answer or asked.error)


class SmmPlusOrderStatusOperator(SmmPlusOperator):
    """Ask once for the statuses of orders.

    The result is `{"orders": {order: {status, final, charge, remains …}}, "unknown": {order: why}, "counts": {word: how
    many}}`; for more than `most` orders only the counts, because XCom is not made for thousands of statuses. The
    statuses of orders in the journal are recorded there.

    :param order_ids: the orders: one ID, a list, or a string of IDs with commas
    :param most: the most orders for which each status is returned
    """

    template_fields: Sequence[str] = (*SmmPlusOperator.template_fields, "order_ids")

    def __init__(self, *, order_ids: str | Sequence[str | int], most: int = 500, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order_ids = order_ids
        self.most = most

    def execute(self, context: Context) -> Json:
        """Ask, 100 IDs per call."""
        with airflow_errors():
            ids = ids_of(self.order_ids, "order_ids")
            answers = run_in_event_loop(self.hook.aorder_statuses(ids))
            known = {number: answer for number, answer in answers.items() if not isinstance(answer, Exception)}
            with self.journal(context) as journal:
                account_id = journal.ensure_account(self.hook.settings.panel.url, self.hook.settings.account)
                entries = journal.with_order_ids(account_id, known)
                # Of two order IDs of one order, the journal keeps the status of the first.
                asked = {entry.id: number for number, entry in entries.items() if number == entry.order_id}
                journal.record_statuses({entry: known[number] for entry, number in asked.items()}, asked)
        counts = counted(status.status for status in known.values())
        unknown = {
            number: str(answers.get(number, "the panel's answer leaves it out"))
            for number in ids
            if number not in known
        }
        self.log.info("orders: %s; %d unknown", counts, len(unknown))
        if len(ids) > self.most:
            return {"counts": counts, "unknown": len(unknown)}
        orders = {number: status_object(number, status) for number, status in known.items()}
        return {"orders": orders, "unknown": unknown, "counts": counts}


class SmmPlusCancelOperator(AskingOperator):
    """Request to cancel orders, each once: `{"asked": {order: answer}, "refused": {order: why}}`.

    The panel may refuse or ignore the request: the later status shows whether an order was cancelled, and refunded.

    :param stuck_for: with `campaign`: only orders without a change for so long, as a text such as "3d", or a timedelta
    """

    template_fields: Sequence[str] = (*AskingOperator.template_fields, "stuck_for")

    def __init__(self, *, stuck_for: str | timedelta | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stuck_for = stuck_for

    def execute(self, context: Context) -> Json:
        """Ask, 100 IDs per call."""
        from smmplus.journal.refills_and_cancels import RequestKind  # noqa: PLC0415

        with airflow_errors():
            age = age_of(self.stuck_for, "stuck_for")
            if age is not None and self.campaign is None:
                raise ConfigurationError("stuck_for needs campaign: it chooses among the orders of one")
        found, left_out = self.ask(context, RequestKind.CANCEL, age)
        asked = {number: item.answer for number, item in found.items() if item.state.value == "accepted"}
        refused = {number: found[number].error for number in found if number not in asked}
        return {"asked": asked, "refused": refused} | left_out
