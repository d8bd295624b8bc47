"""Files of JSON lines: the state as the events that made it, and the ledger.

A line is handed to the operating system in one write before the answer goes out, so a killed sandbox loses no order it
has answered. It is not synced to disk: a power cut may lose the last ones.
"""

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from smmplus.sandbox import lifecycle, money
from smmplus.sandbox.records import (
    BalanceSet,
    CancelRequested,
    Event,
    Order,
    OrderAccepted,
    Refill,
    RefillRequested,
    ServiceChanged,
    State,
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A point in real and in sandbox time, and the speed since. Times are seconds since 1970."""

    real: float
    sandbox: float
    speed: float

    def now(self, real: float) -> float:
        """Return the sandbox time at a real time, which is never before its anchor."""
        return self.sandbox + max(0.0, real - self.real) * self.speed

    def advanced(self, real: float, seconds: float) -> "Clock":
        """Return the clock advanced by some sandbox seconds."""
        return Clock(real, self.now(real) + seconds, self.speed)

    def not_before(self, sandbox: float) -> "Clock":
        """Return the clock with its anchor not before a sandbox time."""
        return Clock(self.real, max(self.sandbox, sandbox), self.speed) if self.now(self.real) < sandbox else self

    def at_speed(self, real: float, speed: float) -> "Clock":
        """Return the clock that continues from here at another speed."""
        return Clock(real, self.now(real), speed)


Entry = Event | Clock


class StorageError(Exception):
    """A file cannot be used. The text says which and why."""


class LineFile:
    """A file that is read once and then only appended to, by one process at a time.

    A lock beside it, `FILE.lock`, is dropped by the system with the process. Raises StorageError when the file cannot
    be opened or another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock")
        try:
            self._lock.acquire(timeout=0)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        except Timeout as error:
            raise StorageError(f"{path} is in use by another sandbox") from error
        except OSError as error:
            raise StorageError(f"{path}: {os.strerror(error.errno or 0)}") from error

    def read(self) -> Iterator[dict[str, Any]]:
        """Read all entries.

        A last line without its end was never answered: once all others were read, it is cut off the file. Raises
        StorageError for any other line that is no JSON object.
        """
        *lines, torn = self._path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            yield _entry(self._path, number, line)
        if torn:
            self._cut(torn)

    def _cut(self, torn: bytes) -> None:
        if not torn.startswith(b'{"'):
            raise StorageError(f"{self._path} is not a file of this sandbox")
        os.ftruncate(self._file, self._path.stat().st_size - len(torn))

    def append(self, entries: Iterable[dict[str, Any]]) -> None:
        """Write entries, one JSON line each, in one piece."""
        text = b"".join(_line(entry) for entry in entries)
        while text:
            text = text[os.write(self._file, text) :]

    def close(self) -> None:
        """Close the file and release its lock."""
        os.close(self._file)
        self._lock.release()


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":"), default=_text_of_money).encode() + b"\n"


def _text_of_money(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _entry(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise StorageError(f"{path}, line {number}: not JSON") from error
    if not isinstance(entry, dict):
        raise StorageError(f"{path}, line {number}: not an object")
    return entry


def entry_of(event: Entry) -> dict[str, Any]:
    """Return the JSON object of an event or of the clock."""
    match event:
        case OrderAccepted(order):
            return {"event": "order", **{name: getattr(order, name) for name in Order.__slots__}}
        case RefillRequested(refill):
            return {"event": "refill", **asdict(refill)}
        case _:
            return {"event": _NAMES[type(event)], **asdict(event)}


_NAMES: dict[type, str] = {
    CancelRequested: "cancel",
    BalanceSet: "balance",
    ServiceChanged: "service",
    Clock: "clock",
}


def parse_entry(entry: dict[str, Any]) -> Entry:
    """Read the JSON object of an event or of the clock.

    Raises StorageError for any other.
    """
    values = dict(entry)
    kind = values.pop("event", None)
    try:
        parsed: Entry = _PARSERS[kind](values)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise StorageError(f"An entry of kind {kind!r} cannot be read") from error
    return parsed


def _order_accepted(values: dict[str, Any]) -> Entry:
    charge, unit_price = Decimal(values.pop("charge")), Decimal(values.pop("unit_price"))
    return OrderAccepted(Order(**values, charge=charge, unit_price=unit_price))


_PARSERS: dict[object, Any] = {
    "order": _order_accepted,
    "refill": lambda values: RefillRequested(Refill(**values)),
    "cancel": lambda values: CancelRequested(**values),
    "balance": lambda values: BalanceSet(values["account"], Decimal(values["balance"]), values["at"]),
    "service": lambda values: ServiceChanged(**values),
    "clock": lambda values: Clock(**values),
}


def entry(order: Order) -> dict[str, Any]:
    """Return what is known of an order from its acceptance on; `charge` is what was debited then."""
    return {
        "order": order.order,
        "key": order.account,
        "service": order.service,
        "type": order.type,
        "link": order.link,
        "quantity": order.units,
        "fields": order.fields,
        "charge": money.plain(order.charge),
        "time": dt.datetime.fromtimestamp(order.accepted_at, dt.UTC).isoformat(),
    }


def live_entry(state: State, order: Order, now: float) -> dict[str, Any]:
    """Return an order with its current status, for a state settled up to now."""
    refunded = state.refunds.get(order.order)
    return {
        **entry(order),
        "status": lifecycle.status(order, now),
        "remains": lifecycle.remains(order, now),
        "refunded": money.plain(refunded) if refunded else "0",
    }


def catch_up(file: LineFile, orders: dict[str, Order]) -> None:
    """Append the orders that a ledger file lacks.

    Raises StorageError when it is no ledger, or holds orders that are not known: it belongs to another state.
    """
    lines = list(file.read())
    written = {line.get("order") for line in lines}
    if not written <= orders.keys():
        raise StorageError("The ledger file has orders that this sandbox does not know: use it with its --state")
    file.append(entry(order) for order in orders.values() if order.order not in written)


def append(file: LineFile, orders: Iterable[Order]) -> None:
    """Write orders that were accepted just now."""
    file.append([entry(order) for order in orders])
