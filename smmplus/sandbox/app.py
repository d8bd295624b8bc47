"""The HTTP server: the API, the ledger, the pages and the control calls."""

import asyncio
import json
import math
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from typing import Any

from aiohttp import web

from smmplus.sandbox import money
from smmplus.sandbox.calls import Reply, as_bytes, dump, json_reply
from smmplus.sandbox.catalogue import CatalogueError
from smmplus.sandbox.faults import Ending, Outcome, ScriptError, Surplus, parse_rules
from smmplus.sandbox.panel import Panel

NOT_SIMULATED = (
    "live delivery: nothing is ordered anywhere, and links are not visited",
    "the rate limits of smm.plus: only those that the fault script sets",
    "moderation of comments and links",
    "posts of subscriptions: they are accepted at charge 0 and bill nothing",
    "prices, services and error texts of smm.plus: they are made up after its public documentation",
    "start counts: they are made up from the link, and earlier orders do not raise them",
    "a panel's staff: what becomes of an order is decided by its service alone",
)
_PAGE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}</html>"


def html_page(title: str, body: str) -> str:
    """Return a page. `body` is HTML, the title is text."""
    return _PAGE.format(title=escape(title), body=body)


def home_page() -> str:
    """Return the page about the sandbox."""
    items = "".join(f"<li>{escape(item)}</li>" for item in NOT_SIMULATED)
    text = "<p>A simulated SMM panel for development and tests. No money moves here.</p>"
    links = "<p>API: POST /api/v2. <a href=/orders>Orders</a>, <a href=/ledger>ledger</a>.</p>"
    return html_page("Sandbox panel", f"{text}{links}<p>Not simulated:</p><ul>{items}</ul>")


def order_page(facts: Mapping[str, object]) -> str:
    """Return the page of an order."""
    rows = "".join(f"<tr><th align=left>{escape(name)}<td>{escape(_text(value))}" for name, value in facts.items())
    return html_page(f"Order {facts['order']}", f"<table>{rows}</table>")


def orders_page(found: Sequence[Mapping[str, object]], search: str) -> str:
    """Return the page of orders: the first hundred of those that were found."""
    head = "".join(f"<th align=left>{name}" for name in _COLUMNS)
    rows = "".join(
        f"<tr><td><a href=/order/{order_page['order']}>{order_page['order']}</a>"
        + "".join(f"<td>{escape(str(order_page[name]))}" for name in _COLUMNS[1:])
        for order_page in found[:100]
    )
    form = (
        f'<form><input name=search value="{escape(search)}" placeholder="order or link"> <button>Search</button></form>'
    )
    return html_page("Orders", f"{form}<table><tr>{head}{rows}</table>")


_COLUMNS = ("order", "service", "link", "quantity", "charge", "status", "remains", "time")


def _text(value: object) -> str:
    return ", ".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)


_ControlHandler = Callable[[web.Request], Awaitable[web.Response]]
Action = Callable[[Panel, object], dict[str, object]]


class ControlError(ValueError):
    """A control call is wrong. The text is the reason."""


def control_routes(panel: Panel) -> list[web.RouteDef]:
    """Return the routes under /control."""
    actions: dict[str, Action] = {
        "faults": _faults,
        "advance": _advance,
        "balance": _balance,
        "services": _services,
    }
    routes = [web.post(f"/control/{name}", _handler(panel, action)) for name, action in actions.items()]
    return [*routes, web.get("/control/faults", _faults_applied(panel))]


def _handler(panel: Panel, action: Action) -> _ControlHandler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(action(panel, json.loads(await request.read())))
        except json.JSONDecodeError as error:
            return web.json_response({"error": f"No JSON: {error}"}, status=400)
        except (ControlError, ScriptError, CatalogueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


def _faults_applied(panel: Panel) -> _ControlHandler:
    async def handle(_: web.Request) -> web.Response:
        script = panel.script
        return web.json_response(
            [{"fault": rule.fault, "applied": count} for rule, count in zip(script.rules, script.applied, strict=True)]
        )

    return handle


def _faults(panel: Panel, script: object) -> dict[str, object]:
    rules = parse_rules(script)
    panel.set_faults(rules)
    return {"rules": len(rules)}


def _only(sent: object, *names: str) -> dict[str, Any]:
    if not isinstance(sent, dict) or sent.keys() != set(names):
        raise ControlError(f"Send an object with exactly {' and '.join(names)}.")
    return sent


def _advance(panel: Panel, sent: object) -> dict[str, object]:
    seconds = _only(sent, "seconds")["seconds"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise ControlError("seconds must be a number from 0.")
    return {"clock": panel.advance(seconds)}


def _balance(panel: Panel, sent: object) -> dict[str, object]:
    values = _only(sent, "key", "balance")
    if values["key"] not in panel.state.balances:
        raise ControlError("There is no key of this name.")
    try:
        balance = money.parse(values["balance"])
    except (ValueError, AttributeError) as error:
        raise ControlError("balance must be text, for example 12.50.") from error
    panel.set_balance(values["key"], balance)
    return {"balance": money.plain(balance)}


def _services(panel: Panel, sent: object) -> dict[str, object]:
    if not isinstance(sent, dict) or str(sent.get("service")) not in panel.state.services:
        raise ControlError("There is no service with this id.")
    changes = {name: value for name, value in sent.items() if name != "service"}
    panel.change_service(str(sent["service"]), changes)
    return {"service": str(sent["service"]), "changed": sorted(changes)}


API_PATH = "/api/v2"
_LARGEST_BODY = 16 * 2**20
# A linger time of 0 resets the connection and discards unsent data. On Windows the structure has shorts.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def create_app(panel: Panel, latency: float = 0.0) -> web.Application:
    """Return the application. Every call of the API takes `latency` real seconds longer."""
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
            return respond(json_reply({"error": "Incorrect request: fields in the URL"}))
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
    """Answer, and send another answer on the same connection."""
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
    # aiohttp answers each request once, so this writes to the transport.
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
    """Return the HTTP response of a reply."""
    headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
    return web.Response(body=reply.body, status=reply.status, headers=headers)


async def _only_post(_: web.Request) -> web.StreamResponse:
    return respond(Reply(dump({"error": "Incorrect request"}), 405, headers=(("Allow", "POST"),)))


async def _without_slash(_: web.Request) -> web.StreamResponse:
    return web.Response(status=308, headers={"Location": API_PATH})


async def _home(_: web.Request) -> web.StreamResponse:
    return web.Response(text=home_page(), content_type="text/html")


def _ledger(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(panel.ledger(with_orders=request.query.get("orders") != "no"))

    return handle


def _order_page(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        order = panel.state.orders.get(request.match_info["order"])
        if order is None:
            return web.Response(text=html_page("No such order", ""), status=404, content_type="text/html")
        return web.Response(text=order_page(panel.order_facts(order)), content_type="text/html")

    return handle


def _orders_page(panel: Panel) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        search = request.query.get("search", "")
        found = [
            order for order in panel.ledger()["orders"] if search in {"", order["order"]} or search in order["link"]
        ]
        return web.Response(text=orders_page(found[::-1], search), content_type="text/html")

    return handle
