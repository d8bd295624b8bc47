"""The values of the API: services, requests, statuses, balances. Money is Decimal, ids are text."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

CONTENT_VERSION = 1
"""The version of the normal form of an order's content. Entries of another version are matched by their own form."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service, as the panel lists it."""

    id: str
    """"" if the price list has none that can be read."""
    name: str
    type: str
    category: str
    rate: Decimal | None
    """The price of 1000 units, or of the whole package for package types. None if it cannot be read."""
    min: int
    max: int | None
    """None for no limit."""
    refill: bool = False
    cancel: bool = False
    dripfeed: bool | None = None
    """None if the panel does not say. https://smm.plus/api documents no such field."""
    unusable: str = ""
    """Why it cannot be ordered, such as "rate '1,234' cannot be read"; "" if it can."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What to order: the form fields of an `add`, in a normal form.

    Text is stripped, a list (comments, usernames …) is its non-empty lines, and an empty field is left out.
    """

    service: str
    fields: tuple[tuple[str, str], ...]
    """All other form fields, sorted by name."""

    @classmethod
    def of(cls, service: str | int, fields: Mapping[str, str | int | None]) -> "OrderRequest":
        """Return the request for form fields, in its normal form. The values are not validated here."""
        normal = {name: normal_text(value) for name, value in fields.items() if value is not None}
        return cls(normal_text(service), tuple(sorted((name, value) for name, value in normal.items() if value)))

    @property
    def values(self) -> Mapping[str, str]:
        """The fields by name, without the service."""
        return MappingProxyType(dict(self.fields))

    @property
    def content(self) -> str:
        """The request as JSON. Equal requests have equal text, on every machine."""
        return json.dumps(
            [CONTENT_VERSION, self.service, self.fields], ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of `content`, in 64 hexadecimal digits."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    @classmethod
    def from_content(cls, content: str) -> "OrderRequest":
        """Read what `content` wrote."""
        _, service, fields = json.loads(content)
        return cls(service, tuple((name, value) for name, value in fields))


def normal_text(value: str | int) -> str:
    """Return the normal form of one form field: text is stripped, a list is its non-empty lines."""
    lines = (line.strip() for line in str(value).splitlines())
    return "\n".join(line for line in lines if line)


class Phase(Enum):
    """How far an order is, by its status."""

    WAITING = "waiting"
    RUNNING = "running"
    FINAL = "final"
    UNKNOWN = "unknown"
    """A status that is not known. It is shown as it is, and the order counts as open."""


_PHASES = {
    Phase.WAITING: "pending awaiting queued",
    Phase.RUNNING: "processing,in progress,inprogress,in_progress,running,active",
    Phase.FINAL: "completed,complete,success,done,finished,delivered,selesai,partial,canceled,cancelled,batal,refunded,"
    "fully refunded,fail,failed,error,rejected,expired",
}
COMPLETE = frozenset({"completed", "complete", "success", "done", "finished", "delivered", "selesai"})
"""The final statuses of an order that was delivered in full."""

REFILLING = frozenset({"pending", "awaiting", "queued", "in progress", "inprogress", "in_progress", "processing"})
REFILLED = frozenset({"completed", "success"})
NOT_REFILLED = frozenset({"rejected", "error", "fail", "failed", "canceled", "cancelled"})
"""The statuses of refills. With any other word, a refill counts as open."""

_PHASE_OF = {
    word: phase for phase, words in _PHASES.items() for word in (words.split(",") if "," in words else words.split())
}


@lru_cache(maxsize=1024)
def phase(status: str) -> Phase:
    """Return the phase of a status in any case. Only the status makes an order final, never `remains`."""
    word = " ".join(status.lower().split())
    # "Cancelled by the provider", "Canceled by user": seen on panels.
    word = re.sub(r"^(cancell?ed) by .+", r"\1", word)
    return _PHASE_OF.get(word, Phase.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """The status of an order."""

    status: str
    charge: Decimal | None
    """None if the panel sent nothing readable."""
    start_count: int | None
    """None until the order has started."""
    remains: int | None
    """Negative if more was delivered than ordered."""
    currency: str
    unread: str = ""
    """Numbers that cannot be read, such as "charge '1,234'"; "" if there are none."""
    is_declared_final: bool = False
    """Whether a person said that orders of this account with such a status are finished."""

    @property
    def phase(self) -> Phase:
        """How far the order is."""
        return Phase.FINAL if self.is_declared_final else phase(self.status)


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of an account, in the account's currency."""

    amount: Decimal
    currency: str
