"""What the API is about, as frozen values. Money is Decimal, ids are text, as the panel wrote them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import MappingProxyType

CONTENT_VERSION = 1
"""Raised when the normal form of an order's content changes; older entries are then matched by their own form."""


@dataclass(frozen=True, slots=True)
class Service:
    """One line of the panel's price list."""

    id: str
    name: str
    type: str
    category: str
    rate: Decimal | None
    """Price of 1000 units; of the whole package for package types. None where it cannot be read."""
    min: int
    max: int | None
    """None for no limit."""
    refill: bool = False
    cancel: bool = False
    dripfeed: bool | None = None
    """None where the panel does not say (smm.plus documents no such field)."""
    unusable: str = ""
    """Why it cannot be ordered, such as "rate '1,234' cannot be read"; "" where it can."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What is to be ordered: the form fields of an `add`, in one normal form.

    Text is stripped; a list (comments, usernames …) is its non-empty lines; an empty field is no field.
    """

    service: str
    fields: tuple[tuple[str, str], ...]
    """Every other form field, sorted by name."""

    @classmethod
    def of(cls, service: str | int, fields: Mapping[str, str | int | None]) -> "OrderRequest":
        """Bring form fields into the normal form. The values are not judged here."""
        normal = {name: normal_text(value) for name, value in fields.items() if value is not None}
        return cls(normal_text(service), tuple(sorted((name, value) for name, value in normal.items() if value)))

    @property
    def values(self) -> Mapping[str, str]:
        """The fields by name, without the service."""
        return MappingProxyType(dict(self.fields))

    @property
    def content(self) -> str:
        """The canonical content as JSON: equal orders have equal text, on every machine."""
        return json.dumps(
            [CONTENT_VERSION, self.service, self.fields], ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical content, 64 hexadecimal digits."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    @classmethod
    def from_content(cls, content: str) -> "OrderRequest":
        """Read back what `content` wrote."""
        _, service, fields = json.loads(content)
        return cls(service, tuple((name, value) for name, value in fields))


def normal_text(value: str | int) -> str:
    """Bring one form field into its normal form: text is stripped, a list is its non-empty lines."""
    lines = (line.strip() for line in str(value).splitlines())
    return "\n".join(line for line in lines if line)


class Phase(Enum):
    """How far an order is, by its status word."""

    WAITING = "waiting"
    RUNNING = "running"
    FINAL = "final"
    UNKNOWN = "unknown"
    """A word that is in no list: kept as it is, never taken for final."""


_PHASES = {
    Phase.WAITING: "pending awaiting queued",
    Phase.RUNNING: "processing,in progress,inprogress,in_progress,running,active",
    Phase.FINAL: "completed,complete,success,done,finished,delivered,selesai,partial,canceled,cancelled,batal,refunded,"
    "fully refunded,fail,failed,error,rejected,expired",
}
COMPLETE = frozenset({"completed", "complete", "success", "done", "finished", "delivered", "selesai"})
"""The final words of an order that was carried out whole."""

_PHASE_OF = {
    word: phase for phase, words in _PHASES.items() for word in (words.split(",") if "," in words else words.split())
}


def phase(status: str) -> Phase:
    """Tell the phase from a status word in any case. Completion comes from the word alone, never from remains."""
    word = " ".join(status.lower().split())
    # "Cancelled by the provider", "Canceled by user": seen on panels.
    word = re.sub(r"^(cancell?ed) by .+", r"\1", word)
    return _PHASE_OF.get(word, Phase.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """Where an order stands."""

    status: str
    charge: Decimal | None
    """None where the panel sent nothing readable."""
    start_count: int | None
    """None until the order has started."""
    remains: int | None
    """Negative where more was delivered than ordered."""
    currency: str
    unread: str = ""
    """What is a number that cannot be read, with its text, such as "charge '1,234'"; "" for nothing."""

    @property
    def phase(self) -> Phase:
        """How far the order is."""
        return phase(self.status)


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds, in the account's own currency."""

    amount: Decimal
    currency: str
