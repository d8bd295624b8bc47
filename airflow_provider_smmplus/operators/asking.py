"""What the operators for refills and cancels share: asking for many orders, each once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.given import ids_of
from airflow_provider_smmplus.keys import UNMAPPED, order_key, prefix_of
from airflow_provider_smmplus.operators.base import SmmPlusOperator, airflow_errors, task_name

if TYPE_CHECKING:
    from smmplus.follow_ups import Asking
    from smmplus.journal.follow_ups import FollowUp, Kind
    from smmplus.journal.store import Journal


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

    def ask(self, context: Context, kind: "Kind") -> "dict[str, FollowUp]":
        """Ask, and tell what came of each; fails where the answer for any is unknown."""
        with airflow_errors(), self.journal(context) as journal:
            ids = ids_of(self.order_ids, "order_ids")
            found = asyncio.run(self._ask_in_loop(journal, self._asking(context, kind), ids))
        self._tell(kind, found)
        return found

    def known(self, context: Context, kind: "Kind") -> "dict[str, FollowUp]":
        """Give what the journal knows of it, and ask for nothing."""
        from smmplus.follow_ups import known  # noqa: PLC0415

        with airflow_errors(), self.journal(context) as journal:
            ids = ids_of(self.order_ids, "order_ids")
            return known(journal, self.hook.settings.panel.url, self._asking(context, kind), ids)

    def _asking(self, context: Context, kind: "Kind") -> "Asking":
        from smmplus.follow_ups import Asking  # noqa: PLC0415

        # Not by its place: where a list is expanded anew, another element of a mapped task asks for the same order.
        task = replace(task_name(context), map_index=UNMAPPED)
        former = prefix_of(task) if self.key is None else ""
        return Asking(self.hook.settings.account, kind, order_key(task, self.key), former)

    async def _ask_in_loop(self, journal: "Journal", asking: "Asking", ids: Sequence[str]) -> "dict[str, FollowUp]":
        from smmplus.follow_ups import ask_for  # noqa: PLC0415

        async with self.hook.async_client() as client:
            return await ask_for(client, journal, asking, ids)

    def _tell(self, kind: "Kind", found: "dict[str, FollowUp]") -> None:
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
