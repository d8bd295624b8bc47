"""Refills and cancels of chosen orders: first what would be requested, then the requests, each once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bulk.report.contents import REQUESTS
from bulk.web.context import account_id_of, batch_of, find, home_of
from bulk.web.home import Home
from bulk.web.rendering import page
from bulk.web.uploads import Upload
from smmplus.api.async_client import AsyncClient
from smmplus.journal.journal import Journal
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind
from smmplus.placing.refills_and_cancels import Asking, ask_for, select_orders, todays_key
from smmplus.placing.request_rules import Selection


async def select_requests(request: Request) -> Response:
    """Show what a refill or a cancel would be requested for."""
    kind, ids = await _asked(request)
    return await run_in_threadpool(_show_selection, request, kind, ids)


async def send_requests(request: Request) -> Response:
    """Request refills or cancels, each once."""
    kind, ids = await _asked(request)
    return await run_in_threadpool(_send, request, kind, ids)


async def _asked(request: Request) -> tuple[RequestKind, set[int]]:
    async with request.form(max_fields=10_000) as form:
        kind, ids = str(form.get("kind")), [str(value) for value in form.getlist("entry")]
    try:
        return RequestKind(kind), set(map(int, ids))
    except ValueError as error:
        raise HTTPException(404) from error


def _show_selection(request: Request, kind: RequestKind, ids: set[int]) -> Response:
    home, upload = home_of(request), find(request)
    with home.journal(upload.account) as journal:
        selected = _select(home, journal, upload, kind, ids)
    return page(request, "requests.html.j2", upload=upload, kind=kind.value, selected=selected, found=None, words_of={})


def _send(request: Request, kind: RequestKind, ids: set[int]) -> Response:
    home, upload = home_of(request), find(request)
    with home.journal(upload.account) as journal:
        selected = _select(home, journal, upload, kind, ids)
        wanted = [entry.order_id for entry in selected.to_request if entry.order_id]
        found = asyncio.run(_ask(home, journal, upload, kind, wanted))
    return page(
        request, "requests.html.j2", upload=upload, kind=kind.value, selected=selected, found=found, words_of=REQUESTS
    )


def _select(home: Home, journal: Journal, upload: Upload, kind: RequestKind, ids: set[int]) -> Selection:
    panel = home.panel(upload.account)
    account_id = account_id_of(home, journal, upload.account)
    batch_id = batch_of(home, journal, upload)
    entries = [entry for entry in journal.with_ids(ids).values() if entry.batch_id == batch_id]

    async def ask() -> Selection:
        async with AsyncClient(panel) as client:
            return await select_orders(client, journal, account_id, kind, entries)

    return asyncio.run(ask())


async def _ask(
    home: Home, journal: Journal, upload: Upload, kind: RequestKind, ids: Sequence[str]
) -> dict[str, FollowUp]:
    async with AsyncClient(home.panel(upload.account)) as client:
        asking = Asking(home.name_of(upload.account), kind, todays_key(kind, datetime.now(UTC)))
        return await ask_for(client, journal, asking, ids)
