"""The services on offer: built in, or read from a file."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from smmplus.sandbox import money, order_types

T = TypeVar("T")


class Fate(StrEnum):
    """What becomes of a service's orders."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELED = "canceled"
    OVERDELIVERED = "overdelivered"
    STALLED = "stalled"


class CatalogueError(ValueError):
    """A service is described wrongly; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service on offer. `rate` is the price of 1000 units, or of the package."""

    service: str
    name: str
    type: str
    category: str
    rate: Decimal
    min: int
    max: int
    refill: bool = False
    cancel: bool = False
    dripfeed: bool = False
    refill_days: int = 30
    refill_rejected: bool = False
    fate: Fate = Fate.COMPLETED
    disabled: bool = False

    def __post_init__(self) -> None:
        if self.type not in order_types.TYPES:
            raise CatalogueError(f"Service {self.service}: there is no order type {self.type!r}.")
        if not 1 <= self.min <= self.max:
            raise CatalogueError(f"Service {self.service}: min and max must be 1 <= min <= max.")
        if self.rate < 0:
            raise CatalogueError(f"Service {self.service}: the rate is negative.")

    def listed(self) -> dict[str, object]:
        """Give the entry of the `services` answer: API.md section 1, and no field more."""
        return {
            "service": int(self.service),
            "name": self.name,
            "type": self.type,
            "category": self.category,
            "rate": format(self.rate, "f"),
            "min": str(self.min),
            "max": str(self.max),
            "refill": self.refill,
            "cancel": self.cancel,
        }


def _exactly(kind: type[T], value: object) -> T:
    # bool is an int to isinstance; a flag is no number here.
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected")
    return value


def _text(value: object) -> str:
    return _exactly(str, value)


def _flag(value: object) -> bool:
    return _exactly(bool, value)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else _exactly(int, value)


def _service_id(value: object) -> str:
    return str(_whole(value))


def _rate(value: object) -> Decimal:
    # A JSON number has been through a float: only text is exact.
    return money.parse(_exactly(str, value))


_READERS: dict[str, Any] = {
    "service": _service_id,
    "name": _text,
    "type": _text,
    "category": _text,
    "rate": _rate,
    "min": _whole,
    "max": _whole,
    "refill": _flag,
    "cancel": _flag,
    "dripfeed": _flag,
    "refill_days": _whole,
    "refill_rejected": _flag,
    "fate": Fate,
    "disabled": _flag,
}
_REQUIRED = ("service", "name", "type", "category", "rate", "min", "max")


def _read_fields(entry: dict[str, object], where: str) -> dict[str, Any]:
    values = {}
    for name, value in entry.items():
        if name not in _READERS:
            raise CatalogueError(f"{where}: unknown field {name!r}. Known: {', '.join(_READERS)}.")
        try:
            values[name] = _READERS[name](value)
        except (ValueError, TypeError) as error:
            raise CatalogueError(f"{where}: {name} cannot be {value!r}: {error}.") from error
    return values


def changed(service: Service, changes: dict[str, object]) -> Service:
    """Give the service with some fields changed.

    Raises CatalogueError for an unknown field, a value that does not fit, and for the id, which is never changed.
    """
    if "service" in changes:
        raise CatalogueError("The id of a service cannot be changed.")
    return replace(service, **_read_fields(changes, f"Service {service.service}"))


def parse_catalogue(entries: object) -> dict[str, Service]:
    """Read a catalogue from JSON: a list of objects with the fields of `Service`; `rate` must be text.

    Raises CatalogueError, which names the entry.
    """
    if not isinstance(entries, list) or not entries:
        raise CatalogueError("A catalogue is a list of services, and not empty.")
    services: dict[str, Service] = {}
    for number, entry in enumerate(entries, start=1):
        service = _parse_service(entry, f"Service number {number}")
        if service.service in services:
            raise CatalogueError(f"Service {service.service} is listed twice.")
        services[service.service] = service
    return services


def _parse_service(entry: object, where: str) -> Service:
    if not isinstance(entry, dict):
        raise CatalogueError(f"{where} is no object.")
    missing = [name for name in _REQUIRED if name not in entry]
    if missing:
        raise CatalogueError(f"{where} lacks {', '.join(missing)}.")
    return Service(**_read_fields(entry, where))
