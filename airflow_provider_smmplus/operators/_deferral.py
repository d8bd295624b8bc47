"""Waiting for a watch: in the triggerer where the task is deferrable, else in the worker."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.utils.arguments import seconds_of
from airflow_provider_smmplus.utils.pollers import UNKNOWN_ROUNDS, Seen, Watch
from airflow_provider_smmplus.utils.trigger_events import EventError, TriggerResult, TriggerStatus

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

UNSURE_PAUSE = 5.0
"""Seconds before an id is asked for once more that the panel said it does not know."""

SPARE = timedelta(minutes=5)
"""The triggerer's own deadline ends a wait; Airflow's time-out stands behind it, for a triggerer that is gone."""


def must_survive(trigger: "BaseTrigger") -> None:
    """Send a trigger's arguments through Airflow's serialization and back.

    Done before money is spent: a task that fails as it defers has lost its way to the order that it placed. ValueError
    where the arguments do not come back as they were.
    """
    from airflow.sdk.serde import deserialize, serialize  # noqa: PLC0415

    _, arguments = trigger.serialize()
    back = deserialize(serialize(arguments))
    if back != arguments or type(trigger)(**arguments).serialize() != trigger.serialize():
        raise ValueError(f"the arguments of {type(trigger).__name__} do not survive the way to the triggerer")


def deadline_after(timeout: float | timedelta | None, now: Callable[[], float] = time.time) -> float | None:
    """Turn seconds from now into a moment."""
    return None if timeout is None else now() + seconds_of(timeout, "timeout")


def airflow_timeout(timeout: float | timedelta | None) -> timedelta | None:
    """Give the time-out for Airflow's own keeping."""
    return None if timeout is None else timedelta(seconds=seconds_of(timeout, "timeout")) + SPARE


def look_once(hook: SmmPlusHook, watch: Watch, *, until_sure: bool = False) -> Seen:
    """Look once, in the worker; `until_sure` looks again until an unknown id is believed. Raises CallError."""

    async def look() -> Seen:
        async with hook.async_client() as client:
            seen = await watch.look(client)
            for _ in range(UNKNOWN_ROUNDS - 1):
                if not (until_sure and seen.unsure):
                    break
                await asyncio.sleep(UNSURE_PAUSE)
                seen = await watch.look(client)
            return seen

    return asyncio.run(look())


def checked(payload: Any, *, out_of_time: type[AirflowException] = AirflowException) -> TriggerResult:  # noqa: ANN401
    """Read a trigger's event, and fail the task where the wait did not end well.

    A time-out may be tried again: the retry takes up the same orders and goes on waiting. What can never be done fails
    without retries.
    """
    try:
        event = TriggerResult.of(payload)
    except EventError as error:
        raise AirflowException(str(error)) from error
    if event.status is TriggerStatus.TIMEOUT:
        raise out_of_time(event.message)
    if event.status is TriggerStatus.FAILED:
        raise AirflowFailException(event.message)
    return event
