"""From the form fields of an `add` to what is ordered, or to the panel's refusal.

The order of the checks is part of the behaviour: service, link, fields, quantity, limits. The key comes before them;
duplicate guard and funds come after, where the state is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from smmplus.sandbox import fields as form
from smmplus.sandbox import money
from smmplus.sandbox.catalogue import Service
from smmplus.sandbox.order_types import KNOWN, TYPES, Billing
from smmplus.sandbox.records import Refusal


@dataclass(frozen=True, slots=True)
class Request:
    """A valid order, priced; see `records.Order` for the meaning of the numbers."""

    service: Service
    link: str
    quantity: int
    runs: int
    interval: int
    unit_price: Decimal
    charge: Decimal


def validate(services: Mapping[str, Service], sent: Mapping[str, str]) -> Request:
    """Check the fields of an `add`, key and action taken out.

    Raises Refusal with the panel's words.
    """
    service = _service(services, sent)
    link = form.link(sent.get("link", "")) if TYPES[service.type].link else ""
    _check_fields(service, sent)
    quantity, runs = _quantity(service, sent), int(sent.get("runs", "1"))
    _check_limits(service, quantity, runs, sent)
    unit_price = _unit_price(service)
    charge = money.times(unit_price, quantity * runs)
    return Request(service, link, quantity, runs, int(sent.get("interval", "0")), unit_price, charge)


def _service(services: Mapping[str, Service], sent: Mapping[str, str]) -> Service:
    service = services.get(sent.get("service", ""))
    if service is None:
        raise Refusal("Incorrect service ID")
    if service.disabled:
        raise Refusal("Disabled service ID")
    return service


def _check_fields(service: Service, sent: Mapping[str, str]) -> None:
    if not sent.keys() <= KNOWN[service.type]:
        raise Refusal("Incorrect request")
    kind = TYPES[service.type]
    for name in kind.required:
        if name != "quantity":
            form.check(name, sent.get(name, ""))
    for name in kind.optional:
        if name in sent:
            form.check(name, sent[name])
    _check_drip_feed(service, sent)
    _check_traffic(sent)


def _check_drip_feed(service: Service, sent: Mapping[str, str]) -> None:
    if "runs" not in sent and "interval" not in sent:
        return
    if not service.dripfeed:
        raise Refusal("Dripfeed is not supported by this service")
    for name in ("runs", "interval"):
        if name not in sent:
            raise Refusal(f"Incorrect {name}")


_NEEDED_BY_TRAFFIC = {"1": "google_keyword", "2": "referring_url"}


def _check_traffic(sent: Mapping[str, str]) -> None:
    needed = _NEEDED_BY_TRAFFIC.get(sent.get("type_of_traffic", ""))
    if needed and needed not in sent:
        raise Refusal(f"Incorrect {needed}")


def _quantity(service: Service, sent: Mapping[str, str]) -> int:
    billing = TYPES[service.type].billing
    if billing is Billing.QUANTITY:
        return form.whole("quantity", sent.get("quantity", ""))
    if billing in {Billing.COMMENTS, Billing.USERNAMES}:
        return len(form.lines(sent[billing]))
    return 1 if billing is Billing.PACKAGE else 0


def _check_limits(service: Service, quantity: int, runs: int, sent: Mapping[str, str]) -> None:
    billing = TYPES[service.type].billing
    if billing is Billing.PACKAGE:
        return
    low, high = quantity, quantity * runs  # panels differ on what max binds; this one is as strict as the strictest
    if billing is Billing.POSTS:
        low, high = int(sent["min"]), int(sent["max"])
        if low > high:
            raise Refusal("Incorrect max")
    if low < service.min:
        raise Refusal(f"Quantity less than minimal {service.min}")
    if high > service.max:
        raise Refusal(f"Quantity more than maximum {service.max}")


def _unit_price(service: Service) -> Decimal:
    is_package = TYPES[service.type].billing is Billing.PACKAGE
    return service.rate if is_package else money.per_thousand(service.rate)
