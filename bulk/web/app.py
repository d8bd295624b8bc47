"""The application: its routes, and what stands before all of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hmac import compare_digest
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bulk.model.errors import SheetError
from bulk.web import checks, doubts, follow_ups, pages, progress, sheets
from bulk.web.home import Home
from bulk.web.local_home import LocalHome
from bulk.web.login import login_routes, logout_route
from bulk.web.rendering import language_of, message_page
from smmplus.errors import SmmPlusError
from smmplus.texts import LANGUAGE, _

TOKEN_HEADER = "x-smmplus-token"  # noqa: S105 (a header's name)

_ALLOWED = "script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'"
_HEADERS = {
    "content-security-policy": f"default-src 'none'; {_ALLOWED}; base-uri 'none'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
"""No script or style stands in a page itself, and none is from elsewhere."""


def create_app(
    home: Home,
    *,
    open_routes: Sequence[Route] = (),
    routes: Sequence[Route] = (),
    lifespan: Callable[[Starlette], Any] | None = None,
) -> Starlette:
    """Make the application. `open_routes` are open to strangers, and `routes` are further ones for users."""
    here = Path(__file__).parent
    app = Starlette(
        routes=[
            *open_routes,
            *routes,
            Mount("/static", StaticFiles(directory=here / "static"), name="static"),
            Route("/", pages.campaigns, name="campaigns"),
            Route("/upload", pages.upload, methods=["GET"], name="upload"),
            Route("/upload", sheets.add, methods=["POST"]),
            Route("/template", pages.template, name="template"),
            Route("/language", pages.choose_language, methods=["POST"], name="language"),
            Route("/report", pages.report, name="report"),
            Route("/doubts", doubts.show, name="doubts"),
            Route("/doubts", doubts.settle, methods=["POST"], name="settle"),
            Route("/sheets/{id}", sheets.show, name="sheet"),
            Route("/sheets/{id}/answers", checks.answer, methods=["POST"], name="answers"),
            Route("/sheets/{id}/headers", checks.assign_headers, methods=["POST"], name="headers"),
            Route("/sheets/{id}/approve", checks.approve, methods=["POST"], name="approve"),
            Route("/sheets/{id}/continue", sheets.go_on, methods=["POST"], name="continue"),
            Route("/sheets/{id}/stop", sheets.stop, methods=["POST"], name="stop"),
            Route("/sheets/{id}/statuses", sheets.ask_for_statuses, methods=["POST"], name="statuses"),
            Route("/sheets/{id}/file", sheets.download, name="file"),
            Route("/sheets/{id}/marked", checks.download_marked, name="marked"),
            Route("/sheets/{id}/request", follow_ups.select_requests, methods=["POST"], name="select"),
            Route("/sheets/{id}/requested", follow_ups.send_requests, methods=["POST"], name="request"),
            Route("/sheets/{id}/progress", progress.stream, name="progress"),
        ],
        middleware=[Middleware(_Gate, home=home, open_paths=("/static/", *(route.path for route in open_routes)))],
        lifespan=lifespan,
        exception_handlers={SmmPlusError: _explain, SheetError: _explain, 404: _not_found, 500: _fail},
    )
    app.state.home = home
    return app


def create_local_app(home: LocalHome, *, ended: Callable[[], None]) -> Starlette:
    """Make the application of `smmplus serve`. When the server ends, `ended` is called, and jobs are waited for."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        ended()
        await run_in_threadpool(home.close)

    app = create_app(home, open_routes=login_routes(home.access), routes=[logout_route(home.access)], lifespan=lifespan)
    app.state.can_log_out = bool(home.access.passwords)
    if not home.access.passwords:  # a name of another site that leads here must not get in with the browser's cookie
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return app


class _Gate:
    """Lets nobody in but users, and nothing change without the token of their session."""

    def __init__(self, app: ASGIApp, home: Home, open_paths: tuple[str, ...]) -> None:
        self._app, self._home, self._open_paths = app, home, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        LANGUAGE.set(language_of(request))
        send = partial(_with_headers, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(self._open_paths):
            await self._app(scope, receive, send)
            return
        user = self._home.user_of(request)
        if user is None:
            await self._home.refuse(request)(scope, receive, send)
            return
        scope["user"] = user
        if request.method not in {"GET", "HEAD"}:
            given = request.headers.get(TOKEN_HEADER, "")
            if not compare_digest(given.encode(), user.token.encode()):
                await _forbid(request, _("This form is from an earlier session. Load the page again."))(
                    scope, receive, send
                )
                return
            if not user.may_change:
                await _forbid(request, _("You may look at this, and not change it."))(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _with_headers(send: Send, message: Message) -> None:
    if message["type"] == "http.response.start":
        given = {name.lower() for name, _value in message["headers"]}
        more = [(name.encode(), value.encode()) for name, value in _HEADERS.items() if name.encode() not in given]
        message["headers"] = [*message["headers"], *more]
    await send(message)


def _forbid(request: Request, words: str) -> Response:
    return message_page(request, _("Not allowed"), words, status=403)


async def _explain(request: Request, error: Exception) -> Response:
    return message_page(request, _("This did not work"), str(error), status=409)


async def _fail(request: Request, _error: Exception) -> Response:
    """Answer where the program has a fault: this answer does not pass the gate."""
    answer = message_page(request, _("This did not work"), "", status=500)
    answer.headers.update(_HEADERS)
    return answer


async def _not_found(request: Request, _error: Exception) -> Response:
    return message_page(request, _("There is no such page"), "", status=404)
