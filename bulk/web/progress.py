"""The progress of a job, sent to the browser as long as it looks."""

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from bulk.web.context import find, home_of, progress_of
from bulk.web.rendering import part
from bulk.web.uploads import Upload

LOOK_SECONDS = 0.5
MOST_SILENT_SECONDS = 15.0
"""After so long without news a line is sent all the same: it shows a closed browser, and keeps proxies from closing."""


async def stream(request: Request) -> StreamingResponse:
    """Send the progress of a sheet as server-sent events: `progress` with a part of the page, and `done` at the end."""
    upload = await run_in_threadpool(find, request)
    return StreamingResponse(_events(request, upload), media_type="text/event-stream")


async def _events(request: Request, upload: Upload) -> AsyncIterator[str]:
    home = home_of(request)
    journal = await run_in_threadpool(home.journal, upload.account)
    before, silent = "", 0.0
    try:
        while activity := await run_in_threadpool(home.activity, upload):
            orders = await run_in_threadpool(progress_of, home, upload, journal)
            now = part(request, "_progress.html.j2", upload=upload, activity=activity, orders=orders)
            if now != before:
                yield _event("progress", now)
                before, silent = now, 0.0
            elif silent >= MOST_SILENT_SECONDS:
                yield ": still there\n\n"
                silent = 0.0
            await asyncio.sleep(LOOK_SECONDS)
            silent += LOOK_SECONDS
        yield _event("done", "") + _event("end", "")
    finally:
        await run_in_threadpool(journal.close)


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
