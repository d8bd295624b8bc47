"""The state of the panel: plain data, changed only by `changes.apply`."""

from dataclasses import dataclass, field
from decimal import Decimal

from smmplus.sandbox.catalogue import Service


class Refusal(Exception):  # noqa: N818 - a panel's answer, not a fault of the program
    """The panel refuses a call. The text is the `error` of its answer."""


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted order.

    `quantity` is that of one run (lines of a list, 1 for a package, 0 for a subscription); `unit_price` is the
    price of one of them; `interval` is in minutes; times are sandbox seconds. `fields` are the form fields as sent,
    without key and action.
    """

    order: str
    account: str
    service: str
    type: str
    link: str
    quantity: int
    runs: int
    interval: int
    unit_price: Decimal
    charge: Decimal
    fate: str
    accepted_at: float
    fields: dict[str, str]
    cancel_at: float | None = None

    @property
    def units(self) -> int:
        """All units of all runs: what is delivered and what the charge is for."""
        return self.quantity * self.runs

    @property
    def place(self) -> tuple[str, str, str]:
        """What the duplicate guard compares: account, service and link, or the username of a subscription."""
        return self.account, self.service, self.link or self.fields.get("username", "")


@dataclass(frozen=True, slots=True)
class Refill:
    """An accepted refill; `ends` is the status word it will end with."""

    refill: str
    order: str
    account: str
    ends: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """An `add` was accepted: the charge leaves the balance."""

    order: Order

    @property
    def at(self) -> float:
        """When, in sandbox seconds."""
        return self.order.accepted_at


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A cancel was accepted; it takes effect at `cancel_at`, unless the order ends before."""

    order: str
    cancel_at: float
    at: float


@dataclass(frozen=True, slots=True)
class RefillRequested:
    """A refill was accepted."""

    refill: Refill

    @property
    def at(self) -> float:
        """When, in sandbox seconds."""
        return self.refill.asked_at


@dataclass(frozen=True, slots=True)
class BalanceSet:
    """The balance of an account was opened or set."""

    account: str
    balance: Decimal
    at: float


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """A service was changed; `changes` are fields of the catalogue as JSON gives them."""

    service: str
    changes: dict[str, object]
    at: float


Event = OrderAccepted | CancelRequested | RefillRequested | BalanceSet | ServiceChanged


@dataclass(slots=True)
class State:
    """All that the panel knows. Orders and refills are keyed by their id as text, accounts by their name.

    `due` is a heap of (time, order) at which a refund may fall due; `refunds` are those booked, so that none is booked
    twice. `active` lists the orders of an account, service and link that may still be under way.
    """

    services: dict[str, Service]
    currency: str = "USD"
    duplicate_guard: bool = False
    balances: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    refills: dict[str, Refill] = field(default_factory=dict)
    latest_refill: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, Decimal] = field(default_factory=dict)
    due: list[tuple[float, str]] = field(default_factory=list)
    active: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    next_order: int = 23501
    next_refill: int = 1
