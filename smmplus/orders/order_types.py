"""The types of orders: the fields and the billed units of each.

https://smm.plus/api documents the fields of Default and shows a Custom Comments service. The others are documented by
panels with the same API.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from smmplus.orders.decimals import EXACT
from smmplus.orders.models import OrderRequest, Service


class Units(Enum):
    """The units by which orders of a type are billed."""

    QUANTITY = "quantity"
    RUNS = "quantity, times the runs if there are any"
    PACKAGE = "one package, at the rate itself"
    COMMENTS = "lines of comments"
    USERNAMES = "lines of usernames"
    POSTS = "between min and max for every post, unknown in advance"


@dataclass(frozen=True, slots=True)
class OrderType:
    """One type: its fields without the service, and its units."""

    name: str
    required: tuple[str, ...]
    units: Units
    optional: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that an order of this type may have."""
        return (*self.required, *self.optional)


ORDER_TYPES = (
    OrderType("Default", ("link", "quantity"), Units.RUNS, ("runs", "interval")),
    OrderType("Package", ("link",), Units.PACKAGE),
    OrderType("Custom Comments", ("link", "comments"), Units.COMMENTS),
    OrderType("Custom Comments Package", ("link", "comments"), Units.PACKAGE),
    OrderType("Mentions", ("link", "quantity", "usernames"), Units.QUANTITY),
    OrderType("Mentions with Hashtags", ("link", "quantity", "usernames", "hashtags"), Units.QUANTITY),
    OrderType("Mentions Custom List", ("link", "usernames"), Units.USERNAMES),
    OrderType("Mentions Hashtag", ("link", "quantity", "hashtag"), Units.QUANTITY),
    OrderType("Mentions User Followers", ("link", "quantity", "username"), Units.QUANTITY),
    OrderType("Mentions Media Likers", ("link", "quantity", "media"), Units.QUANTITY),
    OrderType("Comment Likes", ("link", "quantity", "username"), Units.QUANTITY),
    OrderType("Comment Replies", ("link", "username", "comments"), Units.COMMENTS),
    OrderType("Poll", ("link", "quantity", "answer_number"), Units.QUANTITY),
    OrderType("Invites from Groups", ("link", "quantity", "groups"), Units.QUANTITY),
    OrderType("SEO", ("link", "quantity", "keywords"), Units.QUANTITY),
    OrderType(
        "Web Traffic",
        ("link", "quantity", "country", "device", "type_of_traffic"),
        Units.RUNS,
        ("runs", "interval", "google_keyword", "referring_url"),
    ),
    OrderType("Subscriptions", ("username", "min", "max", "delay"), Units.POSTS, ("posts", "old_posts", "expiry")),
)
"""Every supported type."""

_BY_NAME = {order_type.name.lower(): order_type for order_type in ORDER_TYPES}

FIELDS = tuple(dict.fromkeys(field for order_type in ORDER_TYPES for field in order_type.fields))
"""Every form field of an order except the service, each once."""


def order_type(name: str) -> OrderType | None:
    """Return a type by its name in any case, also written as `custom_comments`; None if it is not known."""
    return _BY_NAME.get(" ".join(name.lower().replace("_", " ").split()))


def units(request: OrderRequest, service: Service) -> int | None:
    """Return the units that will be billed, for a request without `validation.problems`.

    For Subscriptions it is the most that can be billed: max × (posts + old posts), or None if posts are unlimited.
    """
    kind = order_type(service.type)
    return _COUNT[kind.units](request) if kind else None


def cost(request: OrderRequest, service: Service) -> Decimal | None:
    """Return what a request costs in the account's currency: at most, for Subscriptions; None if there is no limit."""
    kind = order_type(service.type)
    if kind is not None and kind.units is Units.PACKAGE:
        return service.rate
    billed = units(request, service)
    return (
        None
        if billed is None or service.rate is None
        else EXACT.multiply(service.rate, Decimal(billed)).scaleb(-3, EXACT)
    )


def is_upper_bound(service: Service) -> bool:
    """Return whether `cost` is the most that an order of a service can cost, and not its exact cost."""
    kind = order_type(service.type)
    return kind is not None and kind.units is Units.POSTS


def _lines(request: OrderRequest, field: str) -> int:
    return len(request.values.get(field, "").splitlines())


def _quantity(request: OrderRequest) -> int:
    return int(request.values["quantity"])


def _posts(request: OrderRequest) -> int | None:
    values = request.values
    if values.get("posts", "0") == "0":  # for a panel in PHP, "0" is empty: no limit
        return None
    return int(values["max"]) * (int(values["posts"]) + int(values.get("old_posts", "0")))


_COUNT = {
    Units.QUANTITY: _quantity,
    Units.RUNS: lambda request: _quantity(request) * int(request.values.get("runs", "1")),
    Units.PACKAGE: lambda _: 1,
    Units.COMMENTS: lambda request: _lines(request, "comments"),
    Units.USERNAMES: lambda request: _lines(request, "usernames"),
    Units.POSTS: _posts,
}
