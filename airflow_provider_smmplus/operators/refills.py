"""Operators for refills: request them, and ask for their statuses."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, conf

from airflow_provider_smmplus.operators._base import AskingOperator, SmmPlusOperator, airflow_errors
from airflow_provider_smmplus.operators._deferral import airflow_timeout, checked, deadline_after, must_survive
from airflow_provider_smmplus.utils.arguments import ids_of, seconds_of
from airflow_provider_smmplus.utils.event_loop import run_in_event_loop
from airflow_provider_smmplus.utils.xcom import Json, counted

if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusRefillsTrigger
    from smmplus.journal.refills_and_cancels import FollowUp


class SmmPlusRefillOperator(AskingOperator):
    """Request refills of one or many orders, or of those of a campaign that may be refilled, and wait if requested.

    A retry or a clear does not repeat a request that the panel accepted; refused ones are repeated. The result is
    `{"refills": {order: refill}, "refused": {order: why}}`.

    :param wait_for_completion: wait until every refill is completed; one that is rejected fails the task
    :param poll_interval: seconds between two status checks
    :param timeout: the most seconds to wait; the task then fails, and a retry continues to wait
    :param deferrable: wait in the triggerer
    """

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        poll_interval: float | timedelta = 60.0,
        timeout: float | timedelta | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.deferrable = deferrable

    def execute(self, context: Context) -> Json:
        """Request, and wait."""
        from smmplus.journal.refills_and_cancels import RequestKind  # noqa: PLC0415

        if self.wait_for_completion:
            with airflow_errors():
                must_survive(self._trigger(["0"]))
        found, left_out = self.ask(context, RequestKind.REFILL)
        result = _result(found) | left_out
        if not self.wait_for_completion or not result["refills"]:
            return result
        trigger = self._trigger(list(result["refills"].values()))
        if self.deferrable:
            kept, limit = {"left_out": left_out}, airflow_timeout(self.timeout)
            self.defer(trigger=trigger, method_name="execute_complete", kwargs=kept, timeout=limit)
        return self.execute_complete(context, run_in_event_loop(trigger.wait()).payload(), left_out)

    def execute_complete(self, context: Context, event: Any, left_out: Json | None = None) -> Json:  # noqa: ANN401 (a trigger's)
        """Return the result after the wait. The journal knows the refills."""
        from smmplus.journal.refills_and_cancels import RequestKind  # noqa: PLC0415

        statuses = dict(checked(event).counts)
        return _result(self.known(context, RequestKind.REFILL)) | {"statuses": statuses} | (left_out or {})

    def _trigger(self, refill_ids: list[str]) -> "SmmPlusRefillsTrigger":
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusRefillsTrigger  # noqa: PLC0415

        return SmmPlusRefillsTrigger(
            smmplus_conn_id=self.smmplus_conn_id,
            refill_ids=refill_ids,
            poll_interval=seconds_of(self.poll_interval, "poll_interval"),
            deadline=deadline_after(self.timeout),
        )


def _result(found: "dict[str, FollowUp]") -> Json:
    return {
        "refills": {number: item.answer for number, item in found.items() if item.answer},
        "refused": {number: item.error for number, item in found.items() if not item.answer},
    }


class SmmPlusRefillStatusOperator(SmmPlusOperator):
    """Ask for the statuses of refills.

    The result is `{"statuses": {refill: word}, "unknown": {refill: why}, "counts": {word: how many}}`.

    :param refill_ids: the refills: one ID, a list, or a string of IDs with commas
    """

    template_fields: Sequence[str] = (*SmmPlusOperator.template_fields, "refill_ids")

    def __init__(self, *, refill_ids: str | Sequence[str | int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refill_ids = refill_ids

    def execute(self, context: Context) -> Json:  # noqa: ARG002 (Airflow's)
        """Ask, 100 IDs per call."""
        with airflow_errors():
            answers = self.hook.refill_statuses(ids_of(self.refill_ids, "refill_ids"))
        words = {number: answer for number, answer in answers.items() if isinstance(answer, str)}
        unknown = {number: str(answer) for number, answer in answers.items() if not isinstance(answer, str)}
        counts = counted(words.values())
        self.log.info("refills: %s; %d unknown", counts, len(unknown))
        return {"statuses": words, "unknown": unknown, "counts": counts}
