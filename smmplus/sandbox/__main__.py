"""`python -m smmplus.sandbox`: a simulated panel."""

import argparse
import json
import math
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from smmplus.sandbox import money, storage
from smmplus.sandbox.app import API_PATH, NOT_SIMULATED, create_app
from smmplus.sandbox.catalogue import CatalogueError, default_catalogue, parse_catalogue
from smmplus.sandbox.faults import ScriptError, parse_rules
from smmplus.sandbox.lifecycle import apply
from smmplus.sandbox.panel import Panel
from smmplus.sandbox.records import Event, State
from smmplus.sandbox.storage import Clock, LineFile, StorageError, parse_entry

DEFAULT_HOST = "127.0.0.1"
DEFAULT_KEY = ("sandbox", "sandbox-key")
_FAILED = 2
_BACKLOG = 1024


class UsageError(Exception):
    """The sandbox cannot start. The text is the reason, on one line."""


def _amount(text: str) -> Decimal:
    try:
        return money.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _named_key(text: str) -> tuple[str, str]:
    name, found, key = text.partition("=")
    if not (found and name and key):
        raise argparse.ArgumentTypeError("a key is given as NAME=KEY")
    return name, key


def _from_zero(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError("must be a number from 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smmplus.sandbox",
        description="A simulated SMM panel over real HTTP, to develop and test against. No money moves.",
        epilog="Faults, the ledger and control calls are described in docs/sandbox.md.",
    )
    add = parser.add_argument
    add("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s, this machine alone)")
    add("--port", type=int, default=8089, help="port to listen on, 0 for a free one (default: %(default)s)")
    add("--key", type=_named_key, action="append", metavar="NAME=KEY", help="an account's name and API key; repeatable")
    add("--balance", type=_amount, default=Decimal(1000), help="opening balance of a new account (default: 1000)")
    add("--currency", help="currency of all accounts (default: USD)")
    add("--speed", type=_from_zero, default=1.0, help="sandbox seconds per real second (default: 1)")
    add("--state", type=Path, metavar="FILE", help="keep everything in FILE, and go on from it")
    add("--ledger", type=Path, metavar="FILE", help="append every accepted order to FILE, as JSON lines")
    add("--faults", type=Path, metavar="FILE.json", help="fault script to start with")
    add("--seed", type=int, default=0, help="seed of the faults that strike at a rate (default: %(default)s)")
    add("--duplicate-guard", action="store_true", help="refuse an order while one for its service and link is active")
    add("--latency", type=_from_zero, default=0.0, metavar="SECONDS", help="answer every API call this much later")
    add("--catalogue", type=Path, metavar="FILE.json", help="offer the services of FILE")
    add("--json", action="store_true", help="say address and keys as one object on the first line")
    add("--until-eof", action="store_true", help="end when standard input ends, because the program behind it has")
    return parser


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error


def _keys(given: list[tuple[str, str]] | None) -> dict[str, str]:
    named = given or [DEFAULT_KEY]
    keys = {key: name for name, key in named}
    if len(keys) < len(named) or len(set(keys.values())) < len(named):
        raise UsageError("Every --key needs a name and a key of its own.")
    return keys


def _restore(file: LineFile | None, state: State, clock: Clock) -> Clock:
    """Apply the events of a state file. Return its clock, not before its last event."""
    latest = 0.0
    for line in file.read() if file else ():
        if line.get("event") == "currency":
            state.currency = line["currency"]
        elif isinstance(entry := parse_entry(line), Clock):
            clock = entry
        else:
            _apply(state, entry)
            latest = entry.at
    return clock.not_before(latest)


def _apply(state: State, event: Event) -> None:
    try:
        apply(state, event)
    except KeyError as error:
        raise UsageError(f"The state file refers to {error}, which is neither in it nor in the catalogue.") from error


def _steady_time() -> Callable[[], float]:
    """Return Unix seconds that increase steadily, even if the machine's clock is set."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


def _panel(options: argparse.Namespace) -> Panel:
    catalogue = parse_catalogue(_read_json(options.catalogue)) if options.catalogue else default_catalogue()
    rules = parse_rules(_read_json(options.faults)) if options.faults else []
    real_time = _steady_time()
    started = real_time()
    state = State(catalogue, currency="", duplicate_guard=options.duplicate_guard)
    state_file = LineFile(options.state) if options.state else None
    clock = _restore(state_file, state, Clock(started, started, options.speed))
    source = random.Random(options.seed)  # noqa: S311 - a repeatable one is wanted
    panel = Panel(state, _keys(options.key), clock, source, real_time, state_file)
    _settle_currency(panel, options)
    if options.ledger:
        panel.ledger_file = LineFile(options.ledger)
        storage.catch_up(panel.ledger_file, state.orders)
    panel.start(options.speed, options.balance)
    panel.set_faults(rules)
    return panel


def _settle_currency(panel: Panel, options: argparse.Namespace) -> None:
    kept, wanted = panel.state.currency, options.currency
    if kept and wanted not in {None, kept}:
        raise UsageError(f"{options.state} was kept in {kept}, not in {wanted}.")
    panel.state.currency = kept or wanted or "USD"
    if panel.state_file and not kept:
        panel.state_file.append([{"event": "currency", "currency": panel.state.currency}])


def _reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    # The text of the error repeats the address, and name look-ups have negative error numbers.
    return os.strerror(number) if number and number > 0 else str(error)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise UsageError(f"Cannot listen on {host} port {port}: {_reason(error)}. Choose another --port.") from error


def _first_words(listening: socket.socket, keys: dict[str, str], *, as_json: bool) -> str:
    """Return the panel's address, its keys and what it does not simulate: as lines, or as one JSON object."""
    host, port = listening.getsockname()[:2]
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if as_json:
        names = {name: key for key, name in keys.items()}
        told = {
            "version": 1,
            "address": base + API_PATH,
            "keys": names,
            "ledger": f"{base}/ledger",
            "not_simulated": NOT_SIMULATED,
        }
        return json.dumps(told)
    lines = [f"address: {base}{API_PATH}"]
    lines += [f"key: {name} {key}" for key, name in keys.items()]
    lines += [f"ledger: {base}/ledger", "not simulated:", *(f"  - {item}" for item in NOT_SIMULATED)]
    return "\n".join(lines)


def _announce(text: str) -> Callable[[web.Application], Awaitable[None]]:
    """Print the lines at start-up, after the signal handlers are set: a reader may send a signal at once."""

    async def announce(_: web.Application) -> None:
        print(text, flush=True)  # noqa: T201 - the output of the program

    return announce


async def _end_with_input(_: web.Application) -> None:
    """End when standard input does: a parent that was killed can pass on no signal."""

    def wait() -> None:
        # Not through sys.stdin, whose lock would be held when the interpreter ends: that is a fatal error.
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox until a signal ends it. Return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        listening = _listen(options.host, options.port)
        panel = _panel(options)
    except (UsageError, ScriptError, CatalogueError, StorageError) as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - the output of the program
        return _FAILED
    app = create_app(panel, options.latency)
    app.on_startup.append(_announce(_first_words(listening, panel.keys, as_json=options.json)))
    if options.until_eof:
        app.on_startup.append(_end_with_input)
    web.run_app(app, sock=listening, access_log=None, print=None, shutdown_timeout=0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
