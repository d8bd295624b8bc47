"""The order types: one table of which fields each takes and what it bills. Source: API.md section 2."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


_DRIP_FEED = ("runs", "interval")
_TRAFFIC = ("google_keyword", "referring_url")

TYPES: Mapping[str, OrderType] = {
    "Default": OrderType(("quantity",), optional=_DRIP_FEED),
    "Package": OrderType((), Billing.PACKAGE),
    "Custom Comments": OrderType(("comments",), Billing.COMMENTS),
    "Custom Comments Package": OrderType(("comments",), Billing.PACKAGE),
    "Mentions": OrderType(("quantity", "usernames")),
    "Mentions with Hashtags": OrderType(("quantity", "usernames", "hashtags")),
    "Mentions Custom List": OrderType(("usernames",), Billing.USERNAMES),
    "Mentions Hashtag": OrderType(("quantity", "hashtag")),
    "Mentions User Followers": OrderType(("quantity", "username")),
    "Mentions Media Likers": OrderType(("quantity", "media")),
    "Comment Likes": OrderType(("quantity", "username")),
    "Comment Replies": OrderType(("username", "comments"), Billing.COMMENTS),
    "Poll": OrderType(("quantity", "answer_number")),
    "Invites from Groups": OrderType(("quantity", "groups")),
    "SEO": OrderType(("quantity", "keywords")),
    "Web Traffic": OrderType(("quantity", "country", "device", "type_of_traffic"), optional=(*_DRIP_FEED, *_TRAFFIC)),
    "Subscriptions": OrderType(
        ("username", "min", "max", "delay"), Billing.POSTS, optional=("posts", "old_posts", "expiry"), link=False
    ),
}
KNOWN: Mapping[str, frozenset[str]] = {name: kind.known for name, kind in TYPES.items()}
