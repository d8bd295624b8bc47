"""The simulated panel as a process of its own, for tests that speak real HTTP to it.

::

    with SandboxProcess() as panel:
        panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
        ...  # speak to panel.address with panel.key
        assert len(panel.orders()) == 1
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import ProxyHandler, Request, build_opener

START_SECONDS = 60.0
"""How long a busy machine may take to start a Python process."""

_PANEL_KEY = "sandbox-key-0123456789abcdef"
# The control calls go to loopback, whatever proxy the test under way has put into the environment.
_OPENER = build_opener(ProxyHandler({}))


class SandboxError(Exception):
    """The sandbox did not start; the text is what it said."""


class SandboxProcess:
    """A running `python -m smmplus.sandbox` on a free port of loopback; use it with `with`.

    `options` are further options of its command line. `key` is as long as a real one, so that it is searched for in
    what the tests see. After `with` has ended the process is gone, whatever it was doing.
    """

    def __init__(self, *options: str | Path, key: str = _PANEL_KEY, name: str = "test") -> None:
        self.key = key
        self.name = name
        self.address = ""
        """The address of the API, known once the process runs."""
        self._options = [str(option) for option in options]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--key", f"{self.name}={self.key}"]
        self._process = subprocess.Popen(
            [*command, *self._options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            self.address = self._read_address()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process: politely first, so that coverage is written, then by force."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def url(self, path: str) -> str:
        """Give the address of a path of the sandbox, such as "/ledger"."""
        return self.address.removesuffix("/api/v2") + path

    def ledger(self) -> dict[str, Any]:
        """Give the ledger: `orders`, `count`, `calls` by action, `balances` by key name, `currency`, `clock`."""
        answer: dict[str, Any] = self._ask("/ledger")
        return answer

    def orders(self) -> list[dict[str, Any]]:
        """Give every order that was really placed."""
        orders: list[dict[str, Any]] = self.ledger()["orders"]
        return orders

    def ledger_without_orders(self) -> dict[str, Any]:
        """Give the ledger with an empty list of orders: what it counts is told at once, however many there are."""
        answer: dict[str, Any] = self._ask("/ledger?orders=no")
        return answer

    def calls(self, action: str) -> int:
        """Tell how many calls of an action arrived, refused and unanswered ones among them."""
        return int(self.ledger()["calls"].get(action, 0))

    def faults(self, *rules: dict[str, object]) -> None:
        """Replace the fault script; no rules for none."""
        self._ask("/control/faults", list(rules))

    def faults_applied(self) -> list[int]:
        """Tell how often each rule of the fault script struck."""
        return [rule["applied"] for rule in self._ask("/control/faults")]

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock on."""
        self._ask("/control/advance", {"seconds": seconds})

    def balance(self, amount: str) -> None:
        """Set the account's balance."""
        self._ask("/control/balance", {"key": self.name, "balance": amount})

    def service(self, service: str, **changes: object) -> None:
        """Change fields of a service, such as its rate."""
        self._ask("/control/services", {"service": service, **changes})

    def _ask(self, path: str, sent: object = None) -> Any:
        body = None if sent is None else json.dumps(sent).encode()
        with _OPENER.open(Request(self.url(path), data=body), timeout=START_SECONDS) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def _read_address(self) -> str:
        # A process that neither speaks nor ends must not hang the tests.
        patience = threading.Timer(START_SECONDS, self.kill)
        patience.start()
        try:
            return _address(self._lines())
        finally:
            patience.cancel()
            patience.join()

    def _lines(self) -> Iterable[str]:
        if self._process is None or self._process.stdout is None:
            raise SandboxError("the sandbox is not running")
        return self._process.stdout


def _address(lines: Iterable[str]) -> str:
    said, address = [], ""
    for line in lines:
        said.append(line)
        address = line.partition(":")[2].strip() if line.startswith("address:") else address
        # What follows is the same every time, and short enough for the pipe.
        if line.startswith("ledger:"):
            return address
    raise SandboxError("".join(said) or "the sandbox ended without a word")
