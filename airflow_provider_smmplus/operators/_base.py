"""What the operators share: the connection, who the task is, and errors in Airflow's terms."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterator, Sequence
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
from airflow_provider_smmplus.utils.task_identity import UNMAPPED, TaskName, order_key, prefix_of
from airflow_provider_smmplus.utils.trigger_events import TriggerResult, TriggerStatus
from airflow_provider_smmplus.utils.xcom import Json, counted
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from smmplus.journal.journal import Journal


class SmmPlusOperator(BaseOperator):
    """An operator that works through a connection of the type `smmplus`.

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
        """Open the journal, and see to it that every try of this task has the same."""
        with self.hook.journal() as journal:
            self.log.info("the journal is %s", journal.where)
            remember(journal.uuid, journal.where, context["task_state_store"], for_ever=NEVER_EXPIRE)
            yield journal

    def known_campaign(self, journal: "Journal", campaign: str) -> int:
        """Give a campaign's number. ConfigurationError where the journal does not know it: it is misspelt."""
        from smmplus.journal.budgets import find_campaign  # noqa: PLC0415 (not while a DAG file is parsed)

        panel, account = self.hook.settings.panel, self.hook.settings.account
        found = find_campaign(journal, journal.ensure_account(panel.url, account), name_of(campaign, "campaign"))
        if found is None:
            raise ConfigurationError(
                f"the journal knows no campaign {campaign!r} of account {account!r}: give the one that was placed"
            )
        return found


def task_name(context: Context) -> TaskName:
    """Say who the task instance is, without the try."""
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    return TaskName(instance.dag_id, instance.run_id, instance.task_id, map_index)


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn this project's errors into Airflow's: a retry only where one may help.

    A doubt, a refusal, a wrong setting or another journal fails without retries: a retry could change nothing, and a
    person must look. What the panel may take later (out of reach, busy, no funds) fails so that Airflow tries again.
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
        raise AirflowFailException(f"{error}; then clear the task: it goes on") from error
    except for_good as error:
        raise AirflowFailException(str(error)) from error
    except SmmPlusError as error:
        raise AirflowException(str(error)) from error


if TYPE_CHECKING:
    from smmplus.journal.journal import Journal
    from smmplus.journal.refills_and_cancels import FollowUp, RequestKind
    from smmplus.placing.refills_and_cancels import Asking


class AskingOperator(SmmPlusOperator):
    """Asks the panel for something for one or many orders, each once under the task's key.

    :param order_ids: the orders: one id, a list, or a string of ids with commas
    :param key: a key of one's own, in place of run_id: the same key never asks twice, in any run
    :param fail_on_refused: fail where the panel refuses any; else the result tells what it refused, and why
    """

    template_fields: Sequence[str] = (*SmmPlusOperator.template_fields, "order_ids", "key")

    def __init__(
        self,
        *,
        order_ids: str | Sequence[str | int],
        key: str | None = None,
        fail_on_refused: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.order_ids = order_ids
        self.key = key
        self.fail_on_refused = fail_on_refused

    def ask(self, context: Context, kind: "RequestKind") -> "dict[str, FollowUp]":
        """Ask, and tell what came of each; fails where the answer for any is unknown."""
        with airflow_errors(), self.journal(context) as journal:
            ids = ids_of(self.order_ids, "order_ids")
            found = asyncio.run(self._ask_in_loop(journal, self._asking(context, kind), ids))
        self._tell(kind, found)
        return found

    def known(self, context: Context, kind: "RequestKind") -> "dict[str, FollowUp]":
        """Give what the journal knows of it, and ask for nothing."""
        from smmplus.placing.refills_and_cancels import known  # noqa: PLC0415

        with airflow_errors(), self.journal(context) as journal:
            ids = ids_of(self.order_ids, "order_ids")
            return known(journal, self.hook.settings.panel.url, self._asking(context, kind), ids)

    def _asking(self, context: Context, kind: "RequestKind") -> "Asking":
        from smmplus.placing.refills_and_cancels import Asking  # noqa: PLC0415

        # Not by its place: where a list is expanded anew, another element of a mapped task asks for the same order.
        task = replace(task_name(context), map_index=UNMAPPED)
        former = prefix_of(task) if self.key is None else ""
        return Asking(self.hook.settings.account, kind, order_key(task, self.key), former)

    async def _ask_in_loop(self, journal: "Journal", asking: "Asking", ids: Sequence[str]) -> "dict[str, FollowUp]":
        from smmplus.placing.refills_and_cancels import ask_for  # noqa: PLC0415

        async with self.hook.async_client() as client:
            return await ask_for(client, journal, asking, ids)

    def _tell(self, kind: "RequestKind", found: "dict[str, FollowUp]") -> None:
        doubtful = [number for number, item in found.items() if item.state.value == "in_doubt"]
        elsewhere = [number for number, item in found.items() if item.state.value in {"submitting", "planned"}]
        refused = {number: item.error for number, item in found.items() if item.state.value == "rejected"}
        taken = len(found) - len(refused) - len(doubtful) - len(elsewhere)
        self.log.info("%s: %d taken, %d refused", kind.value, taken, len(refused))
        for number, error in refused.items():
            self.log.warning("%s of order %s was refused: %s", kind.value, number, error)
        if doubtful:
            raise AirflowFailException(
                f"nobody knows whether the panel took the {kind.value} of {', '.join(doubtful)}; it is not asked for "
                "again. Look at the panel's page; to ask anew, give the task another key"
            )
        if elsewhere:
            raise AirflowException(f"another process is asking for the {kind.value} of {', '.join(elsewhere)}")
        if refused and self.fail_on_refused:
            raise AirflowFailException(f"the panel refused the {kind.value} of {', '.join(refused)}")


if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from smmplus.journal.journal import Journal


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
            return self.execute_complete(context, TriggerResult(TriggerStatus.DONE).payload())
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
