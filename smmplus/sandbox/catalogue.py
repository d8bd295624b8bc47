"""The catalogue of services: built in, or read from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from smmplus.sandbox import money


class Billing(StrEnum):
    """What the units of an order are."""

    QUANTITY = "quantity"
    COMMENTS = "comments"
    USERNAMES = "usernames"
    PACKAGE = "package"
    POSTS = "posts"


@dataclass(frozen=True, slots=True)
class OrderType:
    """The fields of a type besides `service` and `link`, and what its units are."""

    required: tuple[str, ...]
    billing: Billing = Billing.QUANTITY
    optional: tuple[str, ...] = ()
    link: bool = True

    @property
    def known(self) -> frozenset[str]:
        """Every field that an order of this type may carry, `service` and `link` included."""
        return frozenset((*self.required, *self.optional, "service", *(["link"] if self.link else [])))


_QUANTITY = ("quantity",)
"""Published clients send it with comments as well. The panel checks it, and counts the comments."""
_DRIP_FEED = ("runs", "interval")
_TRAFFIC = ("google_keyword", "referring_url")

TYPES: Mapping[str, OrderType] = {
    "Default": OrderType(("quantity",), optional=_DRIP_FEED),
    "Package": OrderType((), Billing.PACKAGE),
    "Custom Comments": OrderType(("comments",), Billing.COMMENTS, _QUANTITY),
    "Custom Comments Package": OrderType(("comments",), Billing.PACKAGE, _QUANTITY),
    "Mentions": OrderType(("quantity", "usernames")),
    "Mentions with Hashtags": OrderType(("quantity", "usernames", "hashtags")),
    "Mentions Custom List": OrderType(("usernames",), Billing.USERNAMES),
    "Mentions Hashtag": OrderType(("quantity", "hashtag")),
    "Mentions User Followers": OrderType(("quantity", "username")),
    "Mentions Media Likers": OrderType(("quantity", "media")),
    "Comment Likes": OrderType(("quantity", "username")),
    "Comment Replies": OrderType(("username", "comments"), Billing.COMMENTS, _QUANTITY),
    "Poll": OrderType(("quantity", "answer_number")),
    "Invites from Groups": OrderType(("quantity", "groups")),
    "SEO": OrderType(("quantity", "keywords")),
    "Web Traffic": OrderType(("quantity", "country", "device", "type_of_traffic"), optional=(*_DRIP_FEED, *_TRAFFIC)),
    "Subscriptions": OrderType(
        ("username", "min", "max", "delay"), Billing.POSTS, optional=("posts", "old_posts", "expiry"), link=False
    ),
}
KNOWN: Mapping[str, frozenset[str]] = {name: kind.known for name, kind in TYPES.items()}


T = TypeVar("T")


class Fate(StrEnum):
    """What becomes of a service's orders."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELED = "canceled"
    OVERDELIVERED = "overdelivered"
    STALLED = "stalled"


class CatalogueError(ValueError):
    """A service in a catalogue is wrong. The text says which and why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service. `rate` is the price of 1000 units, or of the package."""

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
        if self.type not in TYPES:
            raise CatalogueError(f"Service {self.service}: there is no order type {self.type!r}.")
        if not 1 <= self.min <= self.max:
            raise CatalogueError(f"Service {self.service}: min and max must be 1 <= min <= max.")
        if self.rate < 0:
            raise CatalogueError(f"Service {self.service}: the rate is negative.")

    def listed(self) -> dict[str, object]:
        """Return the entry in the answer of `services`, with exactly the fields of smm.plus's API documentation."""
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
    # bool is a subclass of int, but a flag is not a number here.
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
    # A JSON number was parsed as a float: only text is exact.
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
    """Return the service with some fields changed.

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
        raise CatalogueError("A catalogue must be a list of services that is not empty.")
    services: dict[str, Service] = {}
    for number, entry in enumerate(entries, start=1):
        service = _parse_service(entry, f"Service number {number}")
        if service.service in services:
            raise CatalogueError(f"Service {service.service} is listed twice.")
        services[service.service] = service
    return services


def _parse_service(entry: object, where: str) -> Service:
    if not isinstance(entry, dict):
        raise CatalogueError(f"{where} is not an object.")
    missing = [name for name in _REQUIRED if name not in entry]
    if missing:
        raise CatalogueError(f"{where} lacks {', '.join(missing)}.")
    # The list in the API's documentation says nothing of drip-feed, and its action `add` has `runs` and `interval`.
    return Service(**{"dripfeed": True, **_read_fields(entry, where)})


_INSTAGRAM = "Instagram"
_FOLLOWERS = "Instagram Followers"
_COMMENTS = "Instagram Comments"
_MENTIONS = "Instagram Mentions"
_YOUTUBE = "YouTube"
_TIKTOK = "TikTok"
_TELEGRAM = "Telegram"
_WEB = "Websites"
_TEST = "Orders that end otherwise"

# fmt: off
SERVICES: tuple[Service, ...] = (
    Service("1", "Instagram Followers [refill 30 days]", "Default", _FOLLOWERS, Decimal("0.90"), 50, 100_000,
            refill=True, cancel=True, dripfeed=True),
    Service("2", "Instagram Likes [instant]", "Default", _INSTAGRAM, Decimal("0.35"), 10, 50_000, dripfeed=True),
    Service("3", "YouTube Views [high retention, cancel button]", "Default", _YOUTUBE, Decimal("2.50"), 100, 1_000_000,
            cancel=True, dripfeed=True),
    Service("4", "TikTok Views [no drip-feed]", "Default", _TIKTOK, Decimal("0.0125"), 100, 10_000_000),
    Service("5", "Telegram Members [refill 7 days, no drip-feed]", "Default", _TELEGRAM, Decimal("1.2345"), 10, 20_000,
            refill=True, refill_days=7),
    Service("6", "TikTok Starter Package [1000 views, 100 likes]", "Package", _TIKTOK, Decimal("2.50"), 1, 1),
    Service("7", "Instagram Custom Comments", "Custom Comments", _COMMENTS, Decimal("12.00"), 1, 500, cancel=True),
    Service("8", "Instagram Custom Comments Package [10 comments]", "Custom Comments Package", _COMMENTS,
            Decimal("0.75"), 1, 1),
    Service("9", "Instagram Mentions", "Mentions", _MENTIONS, Decimal("3.10"), 10, 10_000),
    Service("10", "Instagram Mentions with Hashtags", "Mentions with Hashtags", _MENTIONS, Decimal("3.40"), 10, 10_000),
    Service("11", "Instagram Mentions [your list]", "Mentions Custom List", _MENTIONS, Decimal("4.00"), 1, 10_000),
    Service("12", "Instagram Mentions [users of a hashtag]", "Mentions Hashtag", _MENTIONS,
            Decimal("3.20"), 10, 10_000),
    Service("13", "Instagram Mentions [followers of a user]", "Mentions User Followers", _MENTIONS,
            Decimal("3.30"), 10, 10_000),
    Service("14", "Instagram Mentions [likers of a post]", "Mentions Media Likers", _MENTIONS,
            Decimal("3.30"), 10, 10_000),
    Service("15", "Instagram Comment Likes", "Comment Likes", _COMMENTS, Decimal("0.80"), 10, 5_000),
    Service("16", "Instagram Comment Replies", "Comment Replies", _COMMENTS, Decimal("15.00"), 1, 200),
    Service("17", "Telegram Poll Votes", "Poll", _TELEGRAM, Decimal("0.60"), 10, 50_000),
    Service("18", "Telegram Invites from Groups", "Invites from Groups", _TELEGRAM, Decimal("5.75"), 50, 5_000),
    Service("19", "Google Search Positions", "SEO", _WEB, Decimal("8.00"), 10, 10_000),
    Service("20", "Website Traffic [by country and device]", "Web Traffic", _WEB, Decimal("0.45"), 100, 1_000_000,
            dripfeed=True),
    Service("21", "Instagram Automatic Likes [subscription]", "Subscriptions", _INSTAGRAM, Decimal("0.40"), 10, 10_000,
            cancel=True),
    Service("22", "Instagram Story Views [always ends Partial]", "Default", _TEST, Decimal("0.50"), 10, 100_000,
            cancel=True, dripfeed=True, fate=Fate.PARTIAL),
    Service("23", "Instagram Reel Saves [always ends Canceled]", "Default", _TEST, Decimal("0.70"), 10, 100_000,
            fate=Fate.CANCELED),
    Service("24", "TikTok Shares [always over-delivers 5 %]", "Default", _TEST, Decimal("0.20"), 20, 100_000,
            fate=Fate.OVERDELIVERED),
    Service("25", "YouTube Subscribers [stalls halfway, cancel button]", "Default", _TEST, Decimal("9.99"), 10, 10_000,
            cancel=True, fate=Fate.STALLED),
    Service("26", "Telegram Reactions [every refill is Rejected]", "Default", _TEST, Decimal("0.15"), 10, 100_000,
            refill=True, refill_rejected=True),
    Service("27", "Instagram Custom Comments [always ends Partial]", "Custom Comments", _TEST,
            Decimal("11.1111"), 1, 500, fate=Fate.PARTIAL),
    Service("28", "Instagram Profile Visits [disabled]", "Default", _TEST, Decimal("0.10"), 10, 100_000, disabled=True),
)
# fmt: on


def default_catalogue() -> dict[str, Service]:
    """Return the built-in services by their id, at least one of every order type."""
    return {service.service: service for service in SERVICES}
