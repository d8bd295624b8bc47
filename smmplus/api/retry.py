"""Which calls are repeated after which errors, as tenacity policies.

Reads are repeated after any transient error. An `add`, `refill` or `cancel` is repeated only if it certainly never
reached the panel, or after a "not now": the API has no idempotency key, and a second `add` is a second order.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from smmplus.errors import BusyError, CallError, NeverSentError

_log = logging.getLogger(__name__)

ATTEMPTS = 6
"""With waits that double from one second, that is about half a minute in all."""

LONGEST_RETRY_AFTER = 120.0
"""If a panel asks for a longer pause, the run ends with that message, and the user runs it again later."""


def may_repeat(error: BaseException, *, effect: bool) -> bool:
    """Return whether a call may be sent again after this error."""
    if isinstance(error, BusyError):
        return (error.retry_after or 0) <= LONGEST_RETRY_AFTER
    if not isinstance(error, CallError) or not error.transient:
        return False
    return isinstance(error, NeverSentError) if effect else True


_backoff = wait_exponential_jitter(initial=1, max=30, jitter=1)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = (error.retry_after or 0.0) if isinstance(error, BusyError) else 0.0
    return max(asked, _backoff(state))


def _log_pause(state: RetryCallState) -> None:
    """Log why nothing seems to happen, as a warning from the second pause on: the first is short."""
    level = logging.WARNING if state.attempt_number > 1 else logging.INFO
    error, pause = state.outcome.exception() if state.outcome else None, state.upcoming_sleep
    _log.log(level, "%s; asking again in %.0f s", error, pause)


def _policy(*, effect: bool) -> dict[str, Any]:
    return {
        "retry": retry_if_exception(lambda error: may_repeat(error, effect=effect)),
        "wait": _wait,
        "stop": stop_after_attempt(ATTEMPTS),
        "reraise": True,
        "before_sleep": _log_pause,
    }


def retrying(*, effect: bool, sleep: Callable[[float], None]) -> Retrying:
    """Return what repeats a blocking call, with jitter, and waits as `Retry-After` says."""
    return Retrying(**_policy(effect=effect), sleep=sleep)


def async_retrying(*, effect: bool, sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
    """Return what repeats an asynchronous call, with jitter, and waits as `Retry-After` says."""
    return AsyncRetrying(**_policy(effect=effect), sleep=sleep)
