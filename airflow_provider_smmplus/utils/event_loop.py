"""Running asynchronous work in a worker, whose signal handlers raise exceptions at any moment."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_in_event_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work in an event loop, as :func:`asyncio.run` does. Raise what a signal handler raised, wherever it did.

    If a handler, such as that of Airflow's `execution_timeout`, raises while the event loop runs a callback, asyncio
    only passes the exception to the loop's exception handler. The work would then go on for ever.
    """
    return asyncio.run(_ended_by_signals(work))


async def _ended_by_signals(work: Coroutine[Any, Any, Result]) -> Result:
    raised: list[BaseException] = []
    task = asyncio.ensure_future(work)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) or error is None:
            loop.default_exception_handler(context)
        else:
            raised.append(error)
            task.cancel()

    asyncio.get_running_loop().set_exception_handler(handle)
    try:
        return await task
    except asyncio.CancelledError:
        if raised:
            raise raised[0] from None
        raise
