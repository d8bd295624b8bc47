"""Waiting: in the triggerer if the task is deferrable, otherwise in the worker."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.utils.arguments import seconds_of
from airflow_provider_smmplus.utils.event_loop import run_in_event_loop
from airflow_provider_smmplus.utils.pollers import UNKNOWN_ROUNDS, Seen, Watch
from airflow_provider_smmplus.utils.trigger_events import EventError, TriggerResult, TriggerStatus

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

UNSURE_PAUSE = 5.0
"""Seconds before an ID that the panel did not know is asked for again."""

SPARE = timedelta(minutes=5)
"""The trigger ends a wait at its deadline. Airflow's time-out is later by this, for a triggerer that is gone."""


def must_survive(trigger: "BaseTrigger") -> None:
    """Send a trigger's arguments through Airflow's serialization and back.

    This happens before money is spent: a task that fails when it defers cannot wait for the order that it placed. Raise
    ValueError if the arguments differ afterwards.
    """
    from airflow.sdk.serde import deserialize, serialize  # noqa: PLC0415

    _, arguments = trigger.serialize()
    back = deserialize(serialize(arguments))
    if back != arguments or type(trigger)(**arguments).serialize() != trigger.serialize():
        raise ValueError(f"the arguments of {type(trigger).__name__} do not survive serialization")


def deadline_after(timeout: float | timedelta | None, now: Callable[[], float] = time.time) -> float | None:
    """Return the time at which a time-out ends, in seconds since 1970."""
    return None if timeout is None else now() + seconds_of(timeout, "timeout")


def airflow_timeout(timeout: float | timedelta | None) -> timedelta | None:
    """Return the time-out for Airflow."""
    return None if timeout is None else timedelta(seconds=seconds_of(timeout, "timeout")) + SPARE


def look_once(hook: SmmPlusHook, watch: Watch, *, until_sure: bool = False) -> Seen:
    """Ask once, in the worker; with `until_sure` again until an unknown ID counts as unknown. Raise CallError."""

    async def look() -> Seen:
        async with hook.async_client() as client:
            seen = await watch.look(client)
            for _ in range(UNKNOWN_ROUNDS - 1):
                if not (until_sure and seen.unsure):
                    break
                await asyncio.sleep(UNSURE_PAUSE)
                seen = await watch.look(client)
            return seen

    return run_in_event_loop(look())


def checked(payload: Any, *, out_of_time: type[AirflowException] = AirflowException) -> TriggerResult:  # noqa: ANN401
    """Parse a trigger's event. Fail the task if the wait did not succeed.

    After a time-out, a retry continues to wait for the same orders. What can never be done fails without retries.
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
