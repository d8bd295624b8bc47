"""HTTP: a thin shell over the panel."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from smmplus.sandbox import pages
from smmplus.sandbox.control import control_routes
from smmplus.sandbox.faults import Ending, Outcome, Surplus
from smmplus.sandbox.panel import Panel
from smmplus.sandbox.wire import Reply, as_bytes, dump, json_reply

API_PATH = "/api/v2"
_LARGEST_BODY = 16 * 2**20
# Linger for no time: the connection is reset, what is unsent is thrown away. Windows has shorts in this structure.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def create_app(panel: Panel, latency: float = 0.0) -> web.Application:
    """Give the application; every call of the API takes `latency` real seconds longer."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.router.add_post(API_PATH, _api(panel, latency))
    app.router.add_get(API_PATH, _only_post)
    app.router.add_route("*", f"{API_PATH}/", _without_slash)
    app.router.add_get("/", _home)
    app.router.add_get("/ledger", _ledger(panel))
    app.router.add_get("/order/{order}", _order_page(panel))
    app.router.add_get("/orders", _orders_page(panel))
    app.add_routes(control_routes(panel))
    return app


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _api(panel: Panel, latency: float) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.query_string:
            return respond(json_reply({"error": "Incorrect request"}))
        outcome = panel.receive(request.headers.get("Content-Type", ""), body)
        if outcome.delay or latency:
            await asyncio.sleep(outcome.delay + latency)
        if outcome.ending is not Ending.ANSWER:
            _hang_up(request, outcome)
        if outcome.surplus:
            return await _with_surplus(request, respond(outcome.reply), outcome.surplus)
        return respond(outcome.reply)

    return handle


async def _with_surplus(request: web.Request, right: web.Response, surplus: Surplus) -> web.StreamResponse:
    """Answer, and say something else on the same connection."""
    if surplus.before:
        _write(request, surplus.reply)
        await asyncio.sleep(surplus.seconds)
        return right
    await right.prepare(request)
    await right.write_eof()
    await asyncio.sleep(surplus.seconds)
    _write(request, surplus.reply)
    return right


def _write(request: web.Request, reply: Reply) -> None:
    # aiohttp answers each request once: this goes past it.
    if request.transport is not None:
        request.transport.write(as_bytes(reply))


def _hang_up(request: web.Request, outcome: Outcome) -> None:
    if request.transport is None:
        return
    if outcome.ending is Ending.RESET:
        peer: socket.socket = request.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    request.transport.abort()


def respond(reply: Reply) -> web.Response:
    """Give the HTTP response of a reply."""
    headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
    return web.Response(body=reply.body, status=reply.status, headers=headers)


async def _only_post(_: web.Request) -> web.StreamResponse:
    return respond(Reply(dump({"error": "Incorrect request"}), 405, headers=(("Allow", "POST"),)))


async def _without_slash(_: web.Request) -> web.StreamResponse:
    return web.Response(status=308, headers={"Location": API_PATH})


async def _home(_: web.Request) -> web.StreamResponse:
    return web.Response(text=pages.home(), content_type="text/html")


def _ledger(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(panel.ledger(with_orders=request.query.get("orders") != "no"))

    return handle


def _order_page(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        order = panel.state.orders.get(request.match_info["order"])
        if order is None:
            return web.Response(text=pages.page("No such order", ""), status=404, content_type="text/html")
        return web.Response(text=pages.order(panel.order_facts(order)), content_type="text/html")

    return handle


def _orders_page(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        search = request.query.get("search", "")
        found = [
            order for order in panel.ledger()["orders"] if search in {"", order["order"]} or search in order["link"]
        ]
        return web.Response(text=pages.orders(found[::-1], search), content_type="text/html")

    return handle
