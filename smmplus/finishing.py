"""Work that is brought to its end though somebody is in a hurry."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


async def finished(work: Awaitable[Result]) -> Result:
    """Wait for work that a cancellation of this task must not break off; the cancellation is passed on after its end.

    What the work itself raises is lost where this task was cancelled: the work must have seen to its own affairs.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at: asyncio would call it forgotten
    raise cancelled
