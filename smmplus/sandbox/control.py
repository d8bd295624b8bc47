"""Control over HTTP, for tests: faults, clock, balances, services."""

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from smmplus.sandbox import money
from smmplus.sandbox.catalogue import CatalogueError
from smmplus.sandbox.fault_rules import ScriptError, parse_rules
from smmplus.sandbox.panel import Panel

Handler = Callable[[web.Request], Awaitable[web.Response]]
Action = Callable[[Panel, object], dict[str, object]]


class ControlError(ValueError):
    """A control call is wrong; the text says how."""


def control_routes(panel: Panel) -> list[web.RouteDef]:
    """Give the routes under /control."""
    actions: dict[str, Action] = {
        "faults": _faults,
        "advance": _advance,
        "balance": _balance,
        "services": _services,
    }
    routes = [web.post(f"/control/{name}", _handler(panel, action)) for name, action in actions.items()]
    return [*routes, web.get("/control/faults", _faults_applied(panel))]


def _handler(panel: Panel, action: Action) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(action(panel, json.loads(await request.read())))
        except json.JSONDecodeError as error:
            return web.json_response({"error": f"No JSON: {error}"}, status=400)
        except (ControlError, ScriptError, CatalogueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


def _faults_applied(panel: Panel) -> Handler:
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
        raise ControlError(f"An object with {' and '.join(names)} is wanted, and nothing else.")
    return sent


def _advance(panel: Panel, sent: object) -> dict[str, object]:
    seconds = _only(sent, "seconds")["seconds"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise ControlError("seconds is a number from 0.")
    return {"clock": panel.advance(seconds)}


def _balance(panel: Panel, sent: object) -> dict[str, object]:
    values = _only(sent, "key", "balance")
    if values["key"] not in panel.state.balances:
        raise ControlError("key is the name of a key, and there is none of this name.")
    try:
        balance = money.parse(values["balance"])
    except (ValueError, AttributeError) as error:
        raise ControlError("balance is text such as 12.50.") from error
    panel.set_balance(values["key"], balance)
    return {"balance": money.plain(balance)}


def _services(panel: Panel, sent: object) -> dict[str, object]:
    if not isinstance(sent, dict) or str(sent.get("service")) not in panel.state.services:
        raise ControlError("service is the id of a service, and there is none of this id.")
    changes = {name: value for name, value in sent.items() if name != "service"}
    panel.change_service(str(sent["service"]), changes)
    return {"service": str(sent["service"]), "changed": sorted(changes)}
