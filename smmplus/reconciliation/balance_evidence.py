"""Evidence from balances: how much the balance fell around an order in doubt, less what other orders explain."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from enum import Enum

from sqlalchemy import Connection, select

from smmplus.journal import queries as entry_queries
from smmplus.journal.balances import Observation, all_of
from smmplus.journal.entry import Entry, decimal_or_none
from smmplus.journal.journal import Journal
from smmplus.journal.resolution import STILL_UNDER_WAY
from smmplus.journal.schema import accounts, balances, campaigns, entries
from smmplus.journal.state_machine import SPENT, State
from smmplus.orders.decimals import EXACT, minus, total
from smmplus.reconciliation.balance_drops import unit_of
from smmplus.texts import marked


def siblings(connection: Connection, account_id: int) -> list[int]:
    """Return all accounts at the panel of an account, including itself."""
    url = select(accounts.c.url).where(accounts.c.id == account_id).scalar_subquery()
    return list(connection.execute(select(accounts.c.id).where(accounts.c.url == url)).scalars())


def in_one_currency(connection: Connection, account_id: int) -> list[int]:
    """Return the siblings whose orders may have been debited from an account's balance: none in another currency."""
    found = connection.execute(select(balances.c.account_id, balances.c.currency).distinct()).all()
    own = _currencies(found, account_id)
    same = siblings(connection, account_id)
    return [each for each in same if each == account_id or not (other := _currencies(found, each)) or own & other]


def unsettled_of_siblings(connection: Connection, account_id: int, state: State) -> list[Entry]:
    """Return the entries of an account and its siblings in a state, sending or in doubt."""
    return [
        entry for each in siblings(connection, account_id) for entry in entry_queries.unsettled(connection, each, state)
    ]


def _currencies(found: Iterable[tuple[int, str]], account_id: int) -> set[str]:
    return {currency for account, currency in found if account == account_id}


_ROUNDING = Context(prec=120)
"""Rounds charges as a panel may do. All other sums of money are exact."""


class Verdict(Enum):
    """What the balance shows about an order. The text is translated where it is shown."""

    DEBITED = marked("it dropped by this order's charge: the order was probably placed")
    NOT_DEBITED = marked("it did not drop for this order: probably not placed, unless money was added since")
    TOO_EARLY = marked(
        "it has not dropped for this order yet, but the panel could still be processing it: read it again"
    )
    INCONCLUSIVE = marked("it does not show whether this order was placed")


@dataclass(frozen=True, slots=True)
class Sent:
    """An order that was sent, as far as it matters for balances."""

    entry: int
    cost: Decimal | None
    accepted: bool
    """Whether it was accepted, and certainly for this account."""
    sent_at: str
    over_at: str
    """From when on the panel can no longer be working on it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The balances around an order in doubt, and what they show. Amounts are in the account's currency."""

    before: Observation | None
    """The nearest balance before it was sent, if possible one with no other order under way."""
    after: Observation | None
    verdict: Verdict
    fell: Decimal | None = None
    orders: int = 0
    """Orders that were accepted in between."""
    accepted: Decimal = Decimal(0)
    """The cost of those."""
    others: int = 0
    """Other orders that may have been debited in between."""

    @property
    def left(self) -> Decimal | None:
        """How much the balance fell beyond the accepted orders."""
        return None if self.fell is None else minus(self.fell, self.accepted)


class BalanceHistory:
    """An account's orders and balances, to find what happened around a time."""

    def __init__(self, orders: Iterable[Sent], observations: Iterable[Observation]) -> None:
        self._orders = sorted(orders, key=lambda order: order.sent_at)
        self._sent = [order.sent_at for order in self._orders]
        self._over = sorted(order.over_at for order in self._orders)
        self._observations = sorted(observations, key=lambda seen: (seen.at, seen.id))
        self._counted: dict[tuple[int, int], Between] = {}
        self._units: dict[str, Decimal] = {}

    def weigh(self, doubt: Entry) -> Evidence:
        """Return what the balances around an order show."""
        settled_at = doubt.settled_at or doubt.sent_at or ""
        first = self._weigh(doubt, settled_at)
        if first.verdict is not Verdict.TOO_EARLY:
            return first
        later = self._weigh(doubt, max(settled_at, _end_of(doubt.sent_at)))
        if later.fell is None:
            return first
        # A debit that came later may be that of another order.
        return replace(later, verdict=Verdict.INCONCLUSIVE) if later.verdict is Verdict.DEBITED else later

    def _weigh(self, doubt: Entry, start: str) -> Evidence:
        """Compare the nearest balance before it was sent with the nearest that was read from `start` on."""
        after = self._best(doubt, [seen for seen in self._observations if seen.asked_at >= start])
        currency = None if after is None else after.currency
        earlier = [
            seen
            for seen in self._observations
            if seen.at <= (doubt.sent_at or "") and currency in {None, seen.currency}
        ]
        before = self._best(doubt, earlier[::-1])
        if before is None or after is None:
            return Evidence(before, after, Verdict.INCONCLUSIVE)
        return _weighed(doubt, before, after, self._between(before, after).without(doubt), self._unit(after.currency))

    def _unit(self, currency: str) -> Decimal:
        if currency not in self._units:
            amounts = [seen.amount for seen in self._observations if seen.currency == currency]
            self._units[currency] = unit_of(amounts)
        return self._units[currency]

    def _best(self, doubt: Entry, nearest_first: Sequence[Observation]) -> Observation | None:
        quiet = (seen for seen in nearest_first if self._is_quiet(doubt, seen))
        return next(quiet, nearest_first[0] if nearest_first else None)

    def _is_quiet(self, doubt: Entry, seen: Observation) -> bool:
        """Return whether no other order was under way while the balance was read."""
        over_at = _over_at(doubt.state, doubt.sent_at, doubt.settled_at)
        own = (doubt.sent_at or "") <= seen.at and over_at >= seen.asked_at
        return bisect_right(self._sent, seen.at) - own <= bisect_left(self._over, seen.asked_at)

    def _between(self, before: Observation, after: Observation) -> "Between":
        """Count the orders between two balances. The count is kept for all orders in doubt between the two."""
        pair = before.id, after.id
        if pair not in self._counted:
            sent = self._orders[: bisect_right(self._sent, after.at)]
            self._counted[pair] = Between.of(
                [order for order in sent if order.over_at >= before.asked_at], before, after
            )
        return self._counted[pair]


@dataclass(frozen=True, slots=True)
class Between:
    """Numbers of orders by cost, None for a cost that is not known: 100,000 orders have few different costs."""

    surely: Mapping[Decimal | None, int]
    """Sent and accepted between two balances."""
    others: Mapping[Decimal | None, int]
    """Orders that may have been debited in between."""

    @classmethod
    def of(cls, orders: Iterable[Sent], before: Observation, after: Observation) -> "Between":
        """Count those that were certainly debited in between, and those that may have been."""
        surely: Counter[Decimal | None] = Counter()
        others: Counter[Decimal | None] = Counter()
        for order in orders:
            inside = order.accepted and order.sent_at > before.at and order.over_at < after.asked_at
            (surely if inside and order.cost is not None else others)[order.cost] += 1
        return cls(surely, others)

    def without(self, doubt: Entry) -> "Between":
        """Return the counts without the order in doubt itself."""
        others = Counter(self.others)
        others[doubt.cost] -= 1
        return Between(self.surely, +others)


def _weighed(doubt: Entry, before: Observation, after: Observation, between: Between, unit: Decimal) -> Evidence:
    fell, verdict = minus(before.amount, after.amount), Verdict.INCONCLUSIVE
    if doubt.cost is not None and None not in between.others:
        verdict = assess(fell, doubt.cost, between, unit)
    if verdict is Verdict.NOT_DEBITED and after.asked_at < _end_of(doubt.sent_at):
        verdict = Verdict.TOO_EARLY
    accepted = _sum(between.surely, unit, None)
    return Evidence(before, after, verdict, fell, sum(between.surely.values()), accepted, sum(between.others.values()))


def assess(fell: Decimal, cost: Decimal, between: Between, unit: Decimal) -> Verdict:
    """Return what a fall of the balance shows about an order, next to others that were or may have been debited.

    Panels charge exactly, or round each charge to a unit in one of several ways. If one way says that the order was
    debited and another that it was not, nothing is known. One unit is tolerated: balances may be rounded as well.
    """
    if cost <= 2 * unit:
        return Verdict.INCONCLUSIVE  # rounding may hide its charge
    verdicts = set()
    for rounding in (None, ROUND_UP, ROUND_HALF_UP, ROUND_DOWN):
        own = _charge(cost, unit, rounding)
        every = total((_sum(between.others, unit, rounding), own))
        verdicts.add(_verdict(minus(fell, _sum(between.surely, unit, rounding)), every, unit))
    verdicts.discard(Verdict.INCONCLUSIVE)
    return verdicts.pop() if len(verdicts) == 1 else Verdict.INCONCLUSIVE


def _sum(costs: Mapping[Decimal | None, int], unit: Decimal, rounding: str | None) -> Decimal:
    charges = ((_charge(cost, unit, rounding), count) for cost, count in costs.items() if cost is not None)
    return total(EXACT.multiply(charge, Decimal(count)) for charge, count in charges)


def _charge(cost: Decimal, unit: Decimal, rounding: str | None) -> Decimal:
    return cost if rounding is None else cost.quantize(unit, rounding, _ROUNDING)


def _verdict(left: Decimal, every: Decimal, unit: Decimal) -> Verdict:
    """Return the verdict on what is left of a fall; `every` is the sum if all uncertain orders had been debited."""
    if left.copy_abs() <= unit:
        return Verdict.NOT_DEBITED
    # Less than that may be the charge of another order, or of several.
    return Verdict.DEBITED if minus(left, every).copy_abs() <= unit else Verdict.INCONCLUSIVE


def evidence(journal: Journal, found: Sequence[Entry]) -> dict[int, Evidence]:
    """Return what the journal's balances show about orders in doubt, by entry."""
    with journal.reading() as connection:
        accounts = _accounts_of(connection, {entry.campaign_id for entry in found})
        histories = {account: _history_of(connection, account) for account in set(accounts.values())}
    return {entry.id: histories[accounts[entry.campaign_id]].weigh(entry) for entry in found}


def _accounts_of(connection: Connection, ids: Iterable[int]) -> Mapping[int, int]:
    rows = connection.execute(select(campaigns.c.id, campaigns.c.account_id).where(campaigns.c.id.in_(sorted(ids))))
    return {row.id: row.account_id for row in rows}


def _history_of(connection: Connection, account_id: int) -> BalanceHistory:
    columns = entries.c
    rows = connection.execute(
        select(columns.id, columns.cost, columns.state, columns.sent_at, columns.settled_at, campaigns.c.account_id)
        .join(campaigns, campaigns.c.id == columns.campaign_id)
        .where(
            campaigns.c.account_id.in_(in_one_currency(connection, account_id)),
            columns.state.in_([state.value for state in SPENT]),
        )
    )
    orders = [
        Sent(
            row.id,
            decimal_or_none(row.cost),
            # An order of another account name may have been debited from another balance.
            row.state == State.PLACED.value and row.account_id == account_id,
            row.sent_at or "",
            _over_at(State(row.state), row.sent_at, row.settled_at),
        )
        for row in rows
    ]
    return BalanceHistory(orders, all_of(connection, account_id))


def _over_at(state: State, sent_at: str | None, settled_at: str | None) -> str:
    if settled_at is None:
        return "9"  # after every time: it is being sent
    return settled_at if state is State.PLACED else max(settled_at, _end_of(sent_at))


def _end_of(sent_at: str | None) -> str:
    """Return from when on a panel can no longer be working on an order."""
    if sent_at is None:
        return ""
    return (datetime.fromisoformat(sent_at) + STILL_UNDER_WAY).isoformat(timespec="milliseconds")
