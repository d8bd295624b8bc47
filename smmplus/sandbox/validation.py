"""The validation of an `add`: its form fields become an order, or a refusal.

The order of the checks is part of the behaviour: service, link, fields, quantity, limits. The key comes before them;
duplicate guard and funds come after, where the state is.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from smmplus.sandbox import money
from smmplus.sandbox.calls import refuse_fields
from smmplus.sandbox.catalogue import KNOWN, TYPES, Billing, Service
from smmplus.sandbox.records import Refusal

_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_URL = re.compile(r"https?://[^\s/?#@:.]+(\.[^\s/?#@:.]+)+(:[0-9]{1,5})?([/?#]\S*)?", re.IGNORECASE)
_USERNAME_LINK = re.compile(r"@[A-Za-z0-9._-]{1,64}")
_TOKEN = re.compile(r"\S{1,255}")
_DATE = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_LONGEST_LINK = 2048

# API documentation of smm.plus, action add, Subscriptions: 0, 5, 10, 15, then every half hour up to ten hours.
_DELAYS = frozenset({0, 5, 10, 15, *range(30, 601, 30)})


def whole(name: str, text: str) -> int:
    """Read plain digits, at most 15; "1e3", "1000abc", " 1000" and "+5" are refused."""
    if not _WHOLE.fullmatch(text):
        raise Refusal(f"Incorrect {name}")
    return int(text)


def lines(text: str) -> list[str]:
    """Return the items of a list, one per line, without empty lines."""
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def names(text: str) -> list[str]:
    """Return the items of a list of names, one per line or separated by commas: published clients send either."""
    return [name.strip() for line in lines(text) for name in line.split(",") if name.strip()]


def check_link(text: str) -> str:
    """Check a link: an http(s) URL with a dotted host, or an @username."""
    if len(text) > _LONGEST_LINK or not (_URL.fullmatch(text) or _USERNAME_LINK.fullmatch(text)):
        raise Refusal("Bad link")
    return text


def _require(fine: object, name: str) -> None:
    if not fine:
        raise Refusal(f"Incorrect {name}")


def _whole_from(low: int, high: int = 10**15) -> Callable[[str, str], None]:
    return lambda name, text: _require(low <= whole(name, text) <= high, name)


def _some_text(name: str, text: str) -> None:
    _require(text.strip(), name)


def _some_lines(name: str, text: str) -> None:
    _require(lines(text), name)


def _token(name: str, text: str) -> None:
    _require(_TOKEN.fullmatch(text), name)


def _tokens(name: str, text: str) -> None:
    _require(names(text) and all(_TOKEN.fullmatch(item) for item in names(text)), name)


def _url(name: str, text: str) -> None:
    _require(_URL.fullmatch(text), name)


def _delay(name: str, text: str) -> None:
    _require(whole(name, text) in _DELAYS, name)


def _date(name: str, text: str) -> dt.datetime:
    _require(_DATE.fullmatch(text), name)
    day, month, year = (int(part) for part in text.split("/"))
    try:
        return dt.datetime(year, month, day, tzinfo=dt.UTC)
    except ValueError as error:
        raise Refusal(f"Incorrect {name}") from error


# `quantity` is not here: the panel checks it after all other fields.
_CHECKS: Mapping[str, Callable[[str, str], object]] = {
    "runs": _whole_from(1),
    "interval": _whole_from(1),
    "comments": _some_lines,
    "usernames": _tokens,
    "hashtags": _tokens,
    "hashtag": _token,
    "username": _token,
    "media": _url,
    "answer_number": _whole_from(1),
    "groups": _some_lines,
    "keywords": _some_lines,
    "country": _some_text,
    "device": _whole_from(1, 5),
    "type_of_traffic": _whole_from(1, 3),
    "google_keyword": _some_text,
    "referring_url": _url,
    "min": _whole_from(1),
    "max": _whole_from(1),
    "delay": _delay,
    "posts": _whole_from(0),
    "old_posts": _whole_from(0),
    "expiry": _date,
}


def check(name: str, text: str) -> None:
    """Check one field other than `quantity`. An empty one is always wrong."""
    _CHECKS[name](name, text)


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


def validate(services: Mapping[str, Service], sent: Mapping[str, str], now: float) -> Request:
    """Check the fields of an `add`, key and action taken out. `now` is in Unix seconds.

    Raises Refusal with the panel's words.
    """
    service = _service(services, sent)
    link = check_link(sent.get("link", "")) if TYPES[service.type].link else ""
    _check_fields(service, sent)
    _check_expiry(sent, now)
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
    refuse_fields(sent.keys() - KNOWN[service.type])
    kind = TYPES[service.type]
    for name in kind.required:
        if name != "quantity":
            check(name, sent.get(name, ""))
    for name in kind.optional:
        if name in sent and name != "quantity":
            check(name, sent[name])
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


def _check_expiry(sent: Mapping[str, str], now: float) -> None:
    """Refuse a day that is over, in UTC."""
    if "expiry" in sent:
        _require(now < _date("expiry", sent["expiry"]).timestamp() + _DAY, "expiry")


_DAY = 24 * 60 * 60
_NEEDED_BY_TRAFFIC = {"1": "google_keyword", "2": "referring_url"}


def _check_traffic(sent: Mapping[str, str]) -> None:
    needed = _NEEDED_BY_TRAFFIC.get(sent.get("type_of_traffic", ""))
    if needed and needed not in sent:
        raise Refusal(f"Incorrect {needed}")


_ITEMS = {Billing.COMMENTS: lines, Billing.USERNAMES: names}


def _quantity(service: Service, sent: Mapping[str, str]) -> int:
    billing = TYPES[service.type].billing
    if billing is Billing.QUANTITY or "quantity" in sent:
        quantity = whole("quantity", sent.get("quantity", ""))
        if billing is Billing.QUANTITY:
            return quantity
    if billing in _ITEMS:
        return len(_ITEMS[billing](sent[billing]))
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
