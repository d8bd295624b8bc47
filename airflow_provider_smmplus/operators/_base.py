"""The bases of the operators: connection and errors, requests of refills and cancels, tracking of a campaign."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import NEVER_EXPIRE, BaseOperator, Context, conf  # type: ignore[attr-defined]  # its stub lacks the name
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.operators._deferral import airflow_timeout, checked, deadline_after, must_survive
from airflow_provider_smmplus.utils.arguments import ids_of, name_of, seconds_of
from airflow_provider_smmplus.utils.connection import DEFAULT_CONN_ID, remember
from airflow_provider_smmplus.utils.event_loop import run_in_event_loop
from airflow_provider_smmplus.utils.task_identity import UNMAPPED, TaskName, order_key, prefix_of
from airflow_provider_smmplus.utils.trigger_events import TriggerResult, TriggerStatus
from airflow_provider_smmplus.utils.xcom import MOST_LISTED, Json, counted, left_out_object
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from smmplus.journal.entry import Entry
    from smmplus.journal.journal import Journal
    from smmplus.journal.refills_and_cancels import FollowUp, RequestKind
    from smmplus.placing.refills_and_cancels import Asking


class SmmPlusOperator(BaseOperator):
    """The base of all operators: it has a connection of the type `smmplus`.

    :param smmplus_conn_id: the id of the connection
    """

    template_fields: Sequence[str] = ("smmplus_conn_id",)
    ui_color = "#e8f3ec"

    def __init__(self, *, smmplus_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smmplus_conn_id = smmplus_conn_id

    @cached_property
    def hook(self) -> SmmPlusHook:
        """The hook of the task's connection."""
        return SmmPlusHook(self.smmplus_conn_id)

    @contextmanager
    def journal(self, context: Context) -> "Iterator[Journal]":
        """Open the journal. Raise JournalConflictError if an earlier try of this task had another."""
        with self.hook.journal() as journal:
            self.log.info("the journal is %s", journal.where)
            remember(journal.uuid, journal.where, context["task_state_store"], for_ever=NEVER_EXPIRE)
            yield journal

    def known_campaign(self, journal: "Journal", campaign: str) -> int:
        """Return a campaign's ID in the journal. Raise ConfigurationError if it is not there: it is misspelt."""
        from smmplus.journal.budgets import find_campaign  # noqa: PLC0415 (not while a DAG file is parsed)

        panel, account = self.hook.settings.panel, self.hook.settings.account
        found = find_campaign(journal, journal.ensure_account(panel.url, account), name_of(campaign, "campaign"))
        if found is None:
            raise ConfigurationError(
                f"the journal has no campaign {campaign!r} of account {account!r}. Check the spelling"
            )
        return found


def task_name(context: Context) -> TaskName:
    """Return the task instance, without its try number."""
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    return TaskName(instance.dag_id, instance.run_id, instance.task_id, map_index)


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Convert this project's errors into Airflow's: with a retry only if it may help.

    An order in doubt, a refusal, a wrong setting or another journal fails without retries: a retry would change
    nothing, and a person must look. Errors that may pass (panel out of reach or busy, no funds) fail with retries.
    """
    from bulk.model.errors import SheetError  # noqa: PLC0415
    from smmplus.errors import (  # noqa: PLC0415
        AddressError,
        ConfigurationError,
        InvalidOrderError,
        JournalConflictError,
        MalformedCallError,
        OrderInDoubtError,
        OrderRefusedError,
        SmmPlusError,
    )

    for_good = (
        AddressError,
        ConfigurationError,
        InvalidOrderError,
        JournalConflictError,
        MalformedCallError,
        OrderRefusedError,
        SheetError,
    )
    try:
        yield
    except OrderInDoubtError as error:
        raise AirflowFailException(f"{error}; then clear the task to continue") from error
    except for_good as error:
        raise AirflowFailException(str(error)) from error
    except SmmPlusError as error:
        raise AirflowException(str(error)) from error


class AskingOperator(SmmPlusOperator):
    """The base of operators that request refills or cancels, once per order and key.

    With `campaign`, the orders are chosen by the rules of `smmplus refill` and `smmplus cancel`, after the statuses of
    its open orders were asked for. The result then also has `left_out`, which are the first orders that are not
    requested with the reasons, and `left_out_total`, their number. A retry chooses again. What the task requested
    before stays in its result.

    :param order_ids: the orders: one ID, a list, or a string of IDs with commas
    :param campaign: the campaign whose orders are chosen by rule, instead of `order_ids`
    :param key: replaces run_id: the same key never requests twice, in any run
    :param fail_on_refused: fail if the panel refuses any; otherwise the result has what it refused, and why
    """

    template_fields: Sequence[str] = (*SmmPlusOperator.template_fields, "order_ids", "campaign", "key")

    def __init__(
        self,
        *,
        order_ids: str | Sequence[str | int] | None = None,
        campaign: str | None = None,
        key: str | None = None,
        fail_on_refused: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.order_ids = order_ids
        self.campaign = campaign
        self.key = key
        self.fail_on_refused = fail_on_refused

    def ask(
        self, context: Context, kind: "RequestKind", stuck_for: timedelta | None = None
    ) -> "tuple[dict[str, FollowUp], Json]":
        """Request, and return the result of each order, and what is left out. Fail if an answer is unknown."""
        with airflow_errors(), self.journal(context) as journal:
            asking = self._asking(context, kind)
            if self._is_by_rule():
                found, left_out = run_in_event_loop(self._ask_by_rule(journal, asking, stuck_for))
            else:
                found = run_in_event_loop(self._ask_in_loop(journal, asking, ids_of(self.order_ids, "order_ids")))
                left_out = {}
        self._log_results(kind, found)
        return found, left_out

    def known(self, context: Context, kind: "RequestKind") -> "dict[str, FollowUp]":
        """Return the results in the journal, and request nothing."""
        from smmplus.placing.refills_and_cancels import known, requested  # noqa: PLC0415

        with airflow_errors(), self.journal(context) as journal:
            asking, url = self._asking(context, kind), self.hook.settings.panel.url
            if self._is_by_rule():
                return requested(journal, url, asking, _ids(self._entries(journal)))
            return known(journal, url, asking, ids_of(self.order_ids, "order_ids"))

    def _is_by_rule(self) -> bool:
        if (self.order_ids is None) == (self.campaign is None):
            raise ConfigurationError("pass either order_ids or campaign")
        return self.campaign is not None

    def _entries(self, journal: "Journal") -> "list[Entry]":
        """Return the orders of the campaign, as the journal knows them now."""
        return journal.of_campaign(self.known_campaign(journal, name_of(self.campaign, "campaign")))

    async def _ask_by_rule(
        self, journal: "Journal", asking: "Asking", stuck_for: timedelta | None
    ) -> "tuple[dict[str, FollowUp], Json]":
        """Choose and request. What an earlier try of this task requested is found again, whatever the rules say now."""
        from smmplus.placing.refills_and_cancels import ask_for, requested, select_orders  # noqa: PLC0415

        url, again = self.hook.settings.panel.url, "To request it again, pass order_ids and another key"
        journal.recover_crashed_runs()
        entries = self._entries(journal)
        account_id = journal.ensure_account(url, asking.account)
        async with self.hook.async_client() as client:
            selected = await select_orders(
                client, journal, account_id, asking.kind, entries, stuck_for=stuck_for, how_again=again
            )
            asked = await ask_for(client, journal, asking, _ids(selected.to_request))
        asked |= requested(journal, url, asking, _ids(entries))
        left_out = [(entry, why) for entry, why in selected.left_out if entry.order_id not in asked]
        self._log_left_out(asking.kind, left_out)
        return {number: asked[number] for number in _ids(entries) if number in asked}, left_out_object(left_out)

    def _log_left_out(self, kind: "RequestKind", left_out: "Sequence[tuple[Entry, str]]") -> None:
        for entry, why in left_out[:MOST_LISTED]:
            self.log.info("no %s of order %s: %s", kind.value, entry.order_id or entry.name, why)
        if len(left_out) > MOST_LISTED:
            self.log.info("no %s of %d more orders", kind.value, len(left_out) - MOST_LISTED)

    def _asking(self, context: Context, kind: "RequestKind") -> "Asking":
        from smmplus.placing.refills_and_cancels import Asking  # noqa: PLC0415

        # Without the map_index: if the list is expanded again, another element may request for the same order.
        task = replace(task_name(context), map_index=UNMAPPED)
        former = prefix_of(task) if self.key is None else ""
        return Asking(self.hook.settings.account, kind, order_key(task, self.key), former)

    async def _ask_in_loop(self, journal: "Journal", asking: "Asking", ids: Sequence[str]) -> "dict[str, FollowUp]":
        from smmplus.placing.refills_and_cancels import ask_for  # noqa: PLC0415

        async with self.hook.async_client() as client:
            return await ask_for(client, journal, asking, ids)

    def _log_results(self, kind: "RequestKind", found: "dict[str, FollowUp]") -> None:
        doubtful = [number for number, item in found.items() if item.state.value == "in_doubt"]
        elsewhere = [number for number, item in found.items() if item.state.value in {"sending", "not_sent"}]
        refused = {number: item.error for number, item in found.items() if item.state.value == "rejected"}
        accepted = len(found) - len(refused) - len(doubtful) - len(elsewhere)
        self.log.info("%s: %d accepted, %d refused", kind.value, accepted, len(refused))
        for number, error in refused.items():
            self.log.warning("%s of order %s was refused: %s", kind.value, number, error)
        if doubtful:
            again = "give the task another key" if self.campaign is None else "pass order_ids and another key"
            raise AirflowFailException(
                f"it is unknown whether the panel accepted the {kind.value} of {', '.join(doubtful)}. It is not "
                f"requested again. Look at the panel's page; to request it again, {again}"
            )
        if elsewhere:
            raise AirflowException(f"another process is requesting the {kind.value} of {', '.join(elsewhere)}")
        if refused and self.fail_on_refused:
            raise AirflowFailException(f"the panel refused the {kind.value} of {', '.join(refused)}")


def _ids(entries: "Iterable[Entry]") -> list[str]:
    return [entry.order_id for entry in entries if entry.order_id]


class FollowingOperator(SmmPlusOperator):
    """The base of operators that track the orders of a campaign and write their statuses into the journal.

    :param poll_interval: seconds between two status checks
    :param timeout: the most seconds to wait; the task then fails, and a retry continues to wait
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
        """Continue after the wait."""

    def must_survive(self) -> None:
        """Check before money is spent that the trigger's arguments survive serialization."""
        must_survive(self._trigger(["0"]))

    def wait_for(self, context: Context, campaign: str) -> Json:
        """Wait until every order of the campaign is final, here or in the triggerer."""
        with airflow_errors(), self.journal(context) as journal:
            order_ids = list(self._open(journal, campaign))
            trigger = self._trigger(order_ids)
        self.log.info("campaign %r: %d orders to track", campaign, len(order_ids))
        if not order_ids:
            return self.execute_complete(context, TriggerResult(TriggerStatus.DONE).payload())
        if self.deferrable:
            self.defer(trigger=trigger, method_name="execute_complete", timeout=airflow_timeout(self.timeout))
        return self.execute_complete(context, run_in_event_loop(trigger.wait()).payload())

    def ask_once(self, context: Context, campaign: str) -> dict[str, int]:
        """Ask for the statuses of the open orders, record them, and count the campaign's status words."""
        with airflow_errors(), self.journal(context) as journal:
            run_in_event_loop(self._poll(journal, self._open(journal, campaign)))
            return counted(
                entry.order_status or "Placed" for entry in journal.of_campaign(self.known_campaign(journal, campaign))
            )

    def ended(self, campaign: str, counts: dict[str, int], event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Return the statuses of the orders. Fail if the wait did not succeed."""
        self.log.info("campaign %r: %s", campaign, counts)
        checked(event)
        return {"campaign": campaign, "statuses": counts}

    def _open(self, journal: "Journal", campaign: str) -> dict[str, int]:
        from smmplus.placing.tracking import open_orders  # noqa: PLC0415

        return open_orders(journal.of_campaign(self.known_campaign(journal, campaign)))

    async def _poll(self, journal: "Journal", orders: dict[str, int]) -> None:
        from smmplus.placing.tracking import not_understood, poll  # noqa: PLC0415

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
