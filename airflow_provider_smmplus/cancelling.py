"""Cancelling the order of a task that somebody ended."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk.types import Logger

    from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook


def cancel_ended(hook: "SmmPlusHook", order_id: str, log: "Logger") -> None:
    """Ask the panel once to cancel an order, and log the answer. An error is logged: the task is at its end anyway.

    In a thread of its own: the signal that ends a task may arrive while its event loop runs.
    """
    from smmplus.errors import SmmPlusError  # noqa: PLC0415 (not while a DAG file is parsed)

    log.warning("the task was ended: asking the panel to cancel order %s", order_id)
    with ThreadPoolExecutor(1) as aside:
        try:
            asked = aside.submit(hook.cancel, [order_id], key=f"on_kill of {order_id}").result()[order_id]
        except SmmPlusError as error:
            log.error("order %s goes on, cancel it on the panel's page: %s", order_id, error)  # noqa: TRY400 (foreseen)
            return
    log.warning("cancel of order %s: %s %s", order_id, asked.state.value, asked.answer or asked.error)
