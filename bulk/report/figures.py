"""The figures of a report: pure sums over the orders of the journal, exact, and never over two currencies.

Each order is in one place of its currency's sums, so they always add up:
ordered = charged + refunded + not reported + in doubt + being sent - difference.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from bulk.report.orders import ReportedOrder, local_day
from smmplus.journal.refills_and_cancels import RequestKind, RequestState
from smmplus.journal.state_machine import SPENT, State
from smmplus.orders.decimals import code_of, minus, total
from smmplus.orders.models import COMPLETE, OrderRequest, Phase, phase

NOTHING = Decimal(0)


class Standing(StrEnum):
    """How far an order is: what orders are filtered and counted by. A report lists them in this order."""

    IN_DOUBT = "in_doubt"
    REJECTED = "rejected"
    CUT_SHORT = "cut_short"
    """Final, and not delivered in full: Partial, Canceled, Failed and the like."""
    SENDING = "sending"
    WAITING = "waiting"
    """Placed, and not begun, as far as the panel said."""
    RUNNING = "running"
    COMPLETED = "completed"
    NOT_SENT = "not_sent"


_OF_STATE = {
    State.NOT_SENT: Standing.NOT_SENT,
    State.SENDING: Standing.SENDING,
    State.REJECTED: Standing.REJECTED,
    State.IN_DOUBT: Standing.IN_DOUBT,
}


def standing_of(order: ReportedOrder) -> Standing:
    """Return how far an order is, by its state, and by the panel's status if it is placed."""
    entry = order.entry
    if entry.state is not State.PLACED:
        return _OF_STATE[entry.state]
    now = phase(entry.order_status)
    if entry.final:
        return Standing.COMPLETED if _is_complete(order) else Standing.CUT_SHORT
    return Standing.WAITING if now is Phase.WAITING or not entry.order_status else Standing.RUNNING


def _is_complete(order: ReportedOrder) -> bool:
    """Return whether a finished order was delivered in full.

    Of a status that only a person declared final, nothing is known but what remains.
    """
    entry = order.entry
    if phase(entry.order_status) is Phase.FINAL:
        return entry.order_status.lower() in COMPLETE
    return (_whole(entry.remains or "") or 0) <= 0


@dataclass(frozen=True, slots=True)
class Money:
    """What orders cost, in one currency."""

    currency: str
    ordered: Decimal = NOTHING
    """The expected cost of all orders that are placed, in doubt or being sent: what the journal counts as spent."""
    charged: Decimal = NOTHING
    """What the panel reports as the charge of placed orders, after its refunds."""
    refunded: Decimal = NOTHING
    """What it charged less than expected for orders that it canceled or delivered in part."""
    unreported: Decimal = NOTHING
    """The expected cost of placed orders whose charge it has not reported yet."""
    in_doubt: Decimal = NOTHING
    """The expected cost of orders in doubt."""
    sending: Decimal = NOTHING
    """The expected cost of orders that another process is sending now."""

    @property
    def difference(self) -> Decimal:
        """What the panel charged more than expected, apart from refunds; negative if it charged less."""
        return minus(total((self.charged, self.refunded, self.unreported, self.in_doubt, self.sending)), self.ordered)


_SUMS = tuple(each.name for each in fields(Money) if each.name != "currency")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The units of orders that are placed or in doubt: likes, followers, comments.

    Orders whose units are not known (packages, subscriptions), or whose delivery the panel has not reported, are only
    counted.
    """

    ordered: int = 0
    delivered: int = 0
    """Of the ordered units; what was delivered beyond them is `surplus`."""
    open: int = 0
    """Still to be delivered."""
    missing: int = 0
    """Not delivered by orders that are finished."""
    in_doubt: int = 0
    """Units of orders in doubt, or being sent."""
    surplus: int = 0
    """Delivered beyond what was ordered."""
    unknown: int = 0
    """The number of orders that are in none of these."""


@dataclass(frozen=True, slots=True)
class Group:
    """Orders that have something in common: a service, or a campaign."""

    name: str
    account: str
    """"" for a service."""
    orders: int
    money: tuple[Money, ...]
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a week or a month of the timeline."""

    begins: date
    ends: date
    """Its last day."""
    sent: int
    """Orders that were sent, without rejected ones."""
    finished: int
    """Orders whose last status was seen."""
    ordered: Mapping[str, Decimal]
    """Currency -> the expected cost of the orders that were sent."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a report adds up."""

    standings: Mapping[Standing, int]
    statuses: Mapping[str, int]
    """The panel's words, of placed orders -> the number of orders."""
    money: tuple[Money, ...]
    """By currency."""
    delivery: Delivery
    services: tuple[Group, ...]
    campaigns: tuple[Group, ...]
    timeline: tuple[Period, ...]
    requests: Mapping[RequestKind, Mapping[RequestState, int]]
    checked_at: str | None
    """When the oldest of the statuses of unfinished orders was read; None if there are none, or one was never read."""


def figures_of(orders: Sequence[ReportedOrder]) -> Figures:
    """Add up orders."""
    standings = Counter(map(standing_of, orders))
    of_placed = (each.entry.order_status or each.entry.state.words for each in orders if each.entry.order_id)
    requests: dict[RequestKind, Counter[RequestState]] = defaultdict(Counter)
    for kind, request in (pair for each in orders for pair in each.requests):
        requests[kind][request.state] += 1
    return Figures(
        {each: standings[each] for each in Standing if standings[each]},
        dict(Counter(of_placed).most_common()),
        money_of(orders),
        delivery_of(orders),
        _groups(orders, lambda each: ("", each.request.service)),
        _groups(orders, lambda each: (each.entry.account, each.entry.campaign)),
        timeline_of(orders),
        requests,
        _checked_at(orders),
    )


def money_of(orders: Iterable[ReportedOrder]) -> tuple[Money, ...]:
    """Add up what orders cost, by currency."""
    amounts: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    names: dict[str, str] = {}
    for order in orders:
        for name, currency, amount in _amounts(order):
            names.setdefault(code_of(currency), currency)
            amounts[code_of(currency)][name].append(amount)
    return tuple(Money(names[code], **{name: total(amounts[code][name]) for name in _SUMS}) for code in sorted(amounts))


def _amounts(order: ReportedOrder) -> Iterable[tuple[str, str, Decimal]]:
    """Yield each sum that an order is a part of, with its currency and the amount."""
    entry, cost = order.entry, order.entry.cost or NOTHING
    if entry.state in SPENT:
        yield "ordered", order.currency, cost
    if entry.state is State.IN_DOUBT or entry.state is State.SENDING:
        yield entry.state.value, order.currency, cost
    if entry.state is State.PLACED and entry.charge is None:
        yield "unreported", order.currency, cost
    elif entry.state is State.PLACED and entry.charge is not None:
        yield "charged", order.charge_currency, entry.charge
        yield "refunded", order.currency, refund_of(order)


def expected_of(order: ReportedOrder) -> Decimal | None:
    """Return what an order was expected to cost, if it counts as ordered: a list adds up to the sums."""
    return order.entry.cost if order.entry.state in SPENT else None


def refund_of(order: ReportedOrder) -> Decimal:
    """Return what an order was refunded; nothing if it was charged in another currency than expected."""
    same = code_of(order.currency) == code_of(order.charge_currency)
    return order.entry.refunded if same else NOTHING


def units_of(request: OrderRequest) -> int | None:
    """Return how many units an order is for; None if the order alone does not say, as with packages."""
    values = request.values
    if "quantity" in values:
        quantity, runs = _whole(values["quantity"]), _whole(values.get("runs", "1"))
        return None if quantity is None or runs is None else quantity * runs
    for name in ("comments", "usernames"):
        if name in values:
            return len(values[name].splitlines())
    return None


_WHOLE = re.compile(r"-?[0-9]{1,18}")


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def delivered_of(order: ReportedOrder) -> int | None:
    """Return how many units of a placed order are delivered, as the panel reports it; None if that is not known.

    It may be more than was ordered. Panels report 0 as what remains of orders that have not begun or were canceled.
    """
    units, remains, standing = units_of(order.request), _whole(order.entry.remains or ""), standing_of(order)
    if units is None or order.entry.state is not State.PLACED or (remains is not None and remains > units):
        return None
    if standing is Standing.WAITING or (standing is Standing.CUT_SHORT and remains == 0):
        return 0
    if remains is None:
        return units if standing is Standing.COMPLETED else None
    return units - remains


def delivery_of(orders: Iterable[ReportedOrder]) -> Delivery:
    """Add up the units of orders."""
    found: Counter[str] = Counter()
    for order in orders:
        if order.entry.state in SPENT:
            found.update(_units(order))
    return Delivery(**found)


def _units(order: ReportedOrder) -> dict[str, int]:
    units, delivered = units_of(order.request), delivered_of(order)
    if units is None:
        return {"unknown": 1}
    if order.entry.state is not State.PLACED:
        return {"ordered": units, "in_doubt": units}
    if delivered is None:
        return {"unknown": 1}
    left, is_over = max(0, units - delivered), order.entry.final
    return {
        "ordered": units,
        "delivered": min(units, delivered),
        "missing" if is_over else "open": left,
        "surplus": max(0, delivered - units),
    }


Key = TypeVar("Key", bound=Hashable)


def _split(orders: Iterable[ReportedOrder], key: Callable[[ReportedOrder], Key]) -> dict[Key, list[ReportedOrder]]:
    parts: dict[Key, list[ReportedOrder]] = defaultdict(list)
    for order in orders:
        parts[key(order)].append(order)
    return parts


def _groups(orders: Iterable[ReportedOrder], key: Callable[[ReportedOrder], tuple[str, str]]) -> tuple[Group, ...]:
    """Return groups of orders, those with the most orders first."""
    parts = sorted(_split(orders, key).items(), key=lambda part: (-len(part[1]), part[0]))
    return tuple(Group(name, account, len(part), money_of(part), delivery_of(part)) for (account, name), part in parts)


MOST_DAYS, MOST_WEEKS = 45, 400
"""A timeline of more days has weeks; of more than this, months."""


def timeline_of(orders: Iterable[ReportedOrder]) -> tuple[Period, ...]:
    """Return the days on which orders were sent and finished, or weeks or months, without gaps."""
    sent = [(local_day(each.entry.sent_at), each) for each in orders if each.entry.sent_at and _is_spent(each)]
    ended = [local_day(each.entry.polled_at) for _day, each in sent if each.entry.final and each.entry.polled_at]
    days = [*(day for day, _each in sent), *ended]
    if not days:
        return ()
    begin = _beginning(max(days) - min(days))
    sent_in = _split((each for _day, each in sent), lambda each: begin(local_day(each.entry.sent_at or "")))
    ended_in = Counter(map(begin, ended))
    periods, at = [], begin(min(days))
    while at <= max(days):
        following = begin(at + timedelta(days=_STEP[begin]))
        ordered = {money.currency: money.ordered for money in money_of(sent_in.get(at, ())) if money.ordered}
        last = following - timedelta(days=1)
        periods.append(Period(at, last, len(sent_in.get(at, ())), ended_in[at], ordered))
        at = following
    return tuple(periods)


def _is_spent(order: ReportedOrder) -> bool:
    return order.entry.state in SPENT


def _day(day: date) -> date:
    return day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first(day: date) -> date:
    return day.replace(day=1)


_STEP: Mapping[Callable[[date], date], int] = {_day: 1, _monday: 7, _first: 31}
"""How many days after its beginning the next period has begun."""


def _beginning(span: timedelta) -> Callable[[date], date]:
    return _day if span.days <= MOST_DAYS else _monday if span.days <= MOST_WEEKS else _first


def _checked_at(orders: Iterable[ReportedOrder]) -> str | None:
    times = [each.entry.polled_at for each in orders if each.entry.state is State.PLACED and not each.entry.final]
    return min((at or "" for at in times), default=None) or None
