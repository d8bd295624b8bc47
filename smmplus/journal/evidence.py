"""What the balance says of an order in doubt: how far it fell around the sending, less what other orders explain."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from enum import Enum

from sqlalchemy import Connection, select

from smmplus.journal.balances import Observation, all_of
from smmplus.journal.doubts import STILL_UNDER_WAY
from smmplus.journal.entry import Entry, decimal_or_none
from smmplus.journal.falls import unit_of
from smmplus.journal.schema import campaigns, entries
from smmplus.journal.states import SPENT, State
from smmplus.journal.store import Journal
from smmplus.numbers import minus, total

_ROUNDING = Context(prec=120)
"""Rounds, where all other sums of money are exact."""


class Verdict(Enum):
    """What the balance says of an order."""

    DEBITED = "it fell by what was to be charged: this order was probably placed"
    NOT_DEBITED = "it did not fall for this order: probably not placed, unless money came in meanwhile"
    TOO_EARLY = "it has not fallen for this order yet, but was read while the panel could still be at it: read it again"
    OTHERS = "other orders may have been debited in between as well: it does not tell for which it fell"
    MISFIT = "what is left does not fit this order's charge"
    ROSE = "money came in meanwhile: it tells nothing"
    TOO_SMALL = "roundings of the panel may hide this order's charge: it tells nothing"
    NO_COST = "what an order in between costs is not known: it tells nothing"
    NO_BALANCE = "it was not read both before and after the sending: it tells nothing"


@dataclass(frozen=True, slots=True)
class Sent:
    """An order of the journal that was sent, as far as it bears on balances."""

    entry: int
    cost: Decimal | None
    accepted: bool
    sent_at: str
    over_at: str
    """From when on the panel can no longer be at it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known around an order in doubt. Amounts are in the account's currency."""

    before: Observation | None
    """The nearest balance from before the sending, if possible one with no other order under way."""
    after: Observation | None
    verdict: Verdict
    fell: Decimal | None = None
    orders: int = 0
    """Orders that were accepted in between."""
    accepted: Decimal = Decimal(0)
    """What those cost."""
    others: int = 0
    """Orders besides this one that may have been debited in between."""

    @property
    def left(self) -> Decimal | None:
        """What fell beyond the accepted orders."""
        return None if self.fell is None else minus(self.fell, self.accepted)


class Books:
    """PURE: an account's orders and balances, to look up what was going on at a time."""

    def __init__(self, orders: Iterable[Sent], observations: Iterable[Observation]) -> None:
        self._orders = sorted(orders, key=lambda order: order.sent_at)
        self._sent = [order.sent_at for order in self._orders]
        self._over = sorted(order.over_at for order in self._orders)
        self._observations = sorted(observations, key=lambda seen: (seen.at, seen.id))

    def weigh(self, doubt: Entry) -> Evidence:
        """Tell what the balances around an order's sending say of it."""
        settled_at = doubt.settled_at or doubt.sent_at or ""
        first = self._weigh(doubt, settled_at)
        if first.verdict is not Verdict.TOO_EARLY:
            return first
        later = self._weigh(doubt, max(settled_at, _end_of(doubt.sent_at)))
        return first if later.verdict is Verdict.NO_BALANCE else later

    def _weigh(self, doubt: Entry, start: str) -> Evidence:
        """Compare the nearest balance before the sending with the nearest that was asked for from a time on."""
        after = self._best(doubt, [seen for seen in self._observations if seen.asked_at >= start])
        currency = None if after is None else after.currency
        earlier = [
            seen for seen in self._observations if seen.at <= (doubt.sent_at or "") and seen.currency == currency
        ]
        before = self._best(doubt, earlier[::-1])
        if before is None or after is None:
            return Evidence(before, after, Verdict.NO_BALANCE)
        unit = unit_of([seen.amount for seen in self._observations if seen.currency == currency])
        return _weighed(doubt, before, after, self._between(doubt, before, after), unit)

    def _best(self, doubt: Entry, nearest_first: Sequence[Observation]) -> Observation | None:
        quiet = (seen for seen in nearest_first if self._is_quiet(doubt, seen))
        return next(quiet, nearest_first[0] if nearest_first else None)

    def _is_quiet(self, doubt: Entry, seen: Observation) -> bool:
        """Tell whether no other order was under way while the panel was asked."""
        own = (doubt.sent_at or "") <= seen.at and _over_at(
            doubt.state, doubt.sent_at, doubt.settled_at
        ) >= seen.asked_at
        return bisect_right(self._sent, seen.at) - own <= bisect_left(self._over, seen.asked_at)

    def _between(self, doubt: Entry, before: Observation, after: Observation) -> list[Sent]:
        """Give the other orders that may have been debited between two balances."""
        until = bisect_right(self._sent, after.at)
        since = bisect_right(self._sent, before.at) if self._is_quiet(doubt, before) else 0
        orders = self._orders[since:until]
        return [order for order in orders if order.over_at >= before.asked_at and order.entry != doubt.id]


def _weighed(doubt: Entry, before: Observation, after: Observation, between: Sequence[Sent], unit: Decimal) -> Evidence:
    surely = [
        order
        for order in between
        if order.accepted and order.sent_at > before.at and order.over_at < after.asked_at and order.cost is not None
    ]
    accepted = total(order.cost or Decimal(0) for order in surely)
    fell, others = minus(before.amount, after.amount), len(between) - len(surely)
    costs = [order.cost for order in between if order.cost is not None]
    verdict = Verdict.NO_COST
    if doubt.cost is not None and len(costs) == len(between):
        sure = [order.cost for order in surely if order.cost is not None]
        verdict = judge(fell, doubt.cost, sure, costs, unit)
    if verdict is Verdict.NOT_DEBITED and after.asked_at < _end_of(doubt.sent_at):
        verdict = Verdict.TOO_EARLY
    return Evidence(before, after, verdict, fell, len(surely), accepted, others)


def judge(
    fell: Decimal, cost: Decimal, surely: Sequence[Decimal], possibly: Sequence[Decimal], unit: Decimal
) -> Verdict:
    """PURE: tell what a fall says of an order, beside the costs of others that were surely or possibly debited.

    Panels charge exactly, or round each charge to a unit in one of several ways: where one way says that the order was
    debited and another that it was not, nothing is known. One unit is forgiven: the balances may be rounded as well.
    """
    if cost <= 2 * unit:
        return Verdict.TOO_SMALL
    verdicts = []
    for rounding in (None, ROUND_UP, ROUND_HALF_UP, ROUND_DOWN):
        known, may_be = (total(_charge(each, unit, rounding) for each in costs) for costs in (surely, possibly))
        own = _charge(cost, unit, rounding)
        verdicts.append(_verdict(minus(fell, known), own, total((minus(may_be, known), own)), unit))
    telling = {verdict for verdict in verdicts if verdict in {Verdict.DEBITED, Verdict.NOT_DEBITED}}
    if len(telling) > 1:
        return Verdict.TOO_SMALL
    return telling.pop() if telling else verdicts[0]


def _charge(cost: Decimal, unit: Decimal, rounding: str | None) -> Decimal:
    return cost if rounding is None else cost.quantize(unit, rounding, _ROUNDING)


def _verdict(left: Decimal, cost: Decimal, every: Decimal, unit: Decimal) -> Verdict:
    """Judge what is left of a fall; `every` is what it would be if all that is not known had been debited."""
    if left < unit.copy_negate():
        return Verdict.ROSE
    if left <= unit:
        return Verdict.NOT_DEBITED
    if minus(left, every).copy_abs() <= unit:
        return Verdict.DEBITED
    return Verdict.OTHERS if every > cost and left < every else Verdict.MISFIT


def evidence(journal: Journal, found: Sequence[Entry]) -> dict[int, Evidence]:
    """Gather what the journal's balances say of orders in doubt, by entry."""
    with journal.reading() as connection:
        accounts = _accounts_of(connection, {entry.campaign_id for entry in found})
        books = {account: _books(connection, account) for account in set(accounts.values())}
    return {entry.id: books[accounts[entry.campaign_id]].weigh(entry) for entry in found}


def _accounts_of(connection: Connection, ids: Iterable[int]) -> Mapping[int, int]:
    rows = connection.execute(select(campaigns.c.id, campaigns.c.account_id).where(campaigns.c.id.in_(sorted(ids))))
    return {row.id: row.account_id for row in rows}


def _books(connection: Connection, account_id: int) -> Books:
    columns = entries.c
    rows = connection.execute(
        select(columns.id, columns.cost, columns.state, columns.sent_at, columns.settled_at)
        .join(campaigns, campaigns.c.id == columns.campaign_id)
        .where(campaigns.c.account_id == account_id, columns.state.in_([state.value for state in SPENT]))
    )
    orders = [
        Sent(
            row.id,
            decimal_or_none(row.cost),
            row.state == State.ACCEPTED.value,
            row.sent_at or "",
            _over_at(State(row.state), row.sent_at, row.settled_at),
        )
        for row in rows
    ]
    return Books(orders, all_of(connection, account_id))


def _over_at(state: State, sent_at: str | None, settled_at: str | None) -> str:
    if settled_at is None:
        return "9"  # after every time: it is being sent
    return settled_at if state is State.ACCEPTED else max(settled_at, _end_of(sent_at))


def _end_of(sent_at: str | None) -> str:
    """Tell from when on a panel is no longer at an order that it may have taken."""
    if sent_at is None:
        return ""
    return (datetime.fromisoformat(sent_at) + STILL_UNDER_WAY).isoformat(timespec="milliseconds")
