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
    wait_exponential_jitter,
)

from smmplus.errors import BusyError, CallError, NeverSentError
from smmplus.texts import _

_log = logging.getLogger(__name__)

ATTEMPTS = 6
"""With waits that double from one second, that is about half a minute in all."""

PATIENCE = 180.0
"""Seconds that "not now" is waited out: many panels limit calls per minute, and do not say when the minute is over."""

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
    error, pause = _error(state), _backoff(state)
    if not isinstance(error, BusyError):
        return pause
    return max(error.retry_after or 0.0, min(pause, PATIENCE - state.idle_for))


def _is_over(state: RetryCallState, patience: float | None) -> bool:
    """Return whether patience is over, with the next pause or now."""
    if patience is not None:
        return state.idle_for + state.upcoming_sleep > patience
    if isinstance(_error(state), BusyError):
        return state.idle_for >= PATIENCE or state.idle_for + state.upcoming_sleep > PATIENCE
    return state.attempt_number >= ATTEMPTS


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_pause(state: RetryCallState, told: tuple[type[CallError], ...]) -> None:
    """Log why nothing seems to happen, as a warning from the second pause on: the first is short."""
    error = _error(state)
    level = logging.WARNING if state.attempt_number > 1 and not isinstance(error, told) else logging.INFO
    seconds = state.upcoming_sleep
    _log.log(level, _("{error}; asking again in {seconds:.0f} s", error=error, seconds=seconds))


def _policy(*, effect: bool, told: tuple[type[CallError], ...] = (), patience: float | None = None) -> dict[str, Any]:
    return {
        "retry": retry_if_exception(lambda error: may_repeat(error, effect=effect)),
        "wait": _wait,
        "stop": lambda state: _is_over(state, patience),
        "reraise": True,
        "before_sleep": lambda state: _log_pause(state, told),
    }


def retrying(*, effect: bool, sleep: Callable[[float], None], patience: float | None = None) -> Retrying:
    """Return what repeats a blocking call, with jitter, and waits as `Retry-After` says.

    With `patience`, all pauses together take no more than that many seconds.
    """
    return Retrying(**_policy(effect=effect, patience=patience), sleep=sleep)


def async_retrying(
    *, effect: bool, sleep: Callable[[float], Awaitable[None]], told: tuple[type[CallError], ...] = ()
) -> AsyncRetrying:
    """Return what repeats an asynchronous call, with jitter, and waits as `Retry-After` says.

    The caller tells people of the pauses after the errors `told`: they are not logged as warnings.
    """
    return AsyncRetrying(**_policy(effect=effect, told=told), sleep=sleep)
