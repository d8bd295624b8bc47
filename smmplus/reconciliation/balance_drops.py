"""Balances that fell by more than the journal knows: orders may have been placed elsewhere, which it could order twice.

What an account holds falls by what is debited and rises by what comes back or is paid in. So between two observations
the difference is a lower bound of what was debited, and the journal knows the most that its own orders can have come
to; only the rest is unexplained. What rises hides what falls: that cannot be helped.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from smmplus.journal.balances import Observation, from_time, last_before
from smmplus.journal.journal import Journal
from smmplus.journal.schema import campaigns, entries
from smmplus.journal.state_machine import SPENT
from smmplus.orders.decimals import EXACT, minus, total

LOOK_BACK = timedelta(days=1)
"""A fall is told for so long: whoever was told first may not be the one who orders next."""

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Fall:
    """A balance that fell by more than the journal knows, between two observations."""

    since: str
    at: str
    fell: Decimal
    known: Decimal
    """The most that the journal's own orders can have come to in between."""
    currency: str

    @property
    def unexplained(self) -> Decimal:
        """The least that was debited for something else."""
        return minus(self.fell, self.known)


def fall_between(
    then: Observation, now: Observation, *, unit: Decimal = CENT, orders: int = 0, later: Decimal = Decimal(0)
) -> Fall | None:
    """PURE: compare two observations of an account; None where the journal can explain the difference.

    Panels round charges and balances: one `unit` is forgiven (see `unit_of`), and one for each order in between that
    rounding may have changed (`orders`, see `may_be_rounded`). `later` is what may be debited for orders that were
    accepted before: a subscription is charged post by post.
    """
    if then.currency != now.currency:
        return None
    known = total((now.spent, then.accepted.copy_negate(), later))
    fall = Fall(then.asked_at, now.at, minus(then.amount, now.amount), known, now.currency)
    return fall if fall.unexplained > EXACT.multiply(unit, Decimal(orders + 1)) else None


def unit_of(amounts: Sequence[Decimal]) -> Decimal:
    """PURE: tell to which unit a panel rounds, from its balances in turn: a cent, or the finest step that was seen.

    A balance alone does not tell: what once came in may have more digits than what is charged.
    """
    steps = (minus(earlier, later) for earlier, later in pairwise(amounts))
    return min((CENT, *(_finest(step) for step in steps)))


def latest_fall(journal: Journal, account_id: int, now: Observation) -> Fall | None:
    """Compare an observation with those of a day before it, and the last one before that; give the greatest fall.

    With several, for one that was made while orders were under way proves little: it hides falls from its neighbours.
    None also where an order of the account may cost any amount: then a balance says nothing.
    """
    with journal.reading() as connection:
        earlier = _earlier(connection, account_id, now)
        unit = unit_of([seen.amount for seen in (*earlier, now)])
        falls = [fall_between(then, now, unit=unit) for then in earlier]
        return _told(connection, account_id, earlier, now, unit) if any(falls) else None


def _earlier(connection: Connection, account_id: int, now: Observation) -> list[Observation]:
    start = datetime.fromisoformat(now.at) - LOOK_BACK
    day = from_time(connection, account_id, start.isoformat(timespec="milliseconds"), now.currency)
    older = last_before(connection, account_id, start.isoformat(timespec="milliseconds"), now.currency)
    before = [then for then in day if then.id < now.id and then.at <= now.asked_at]
    return before if older is None else [older, *before]


def _told(
    connection: Connection, account_id: int, earlier: Sequence[Observation], now: Observation, unit: Decimal
) -> Fall | None:
    """Look more closely where a first look, without roundings and subscriptions, found a fall."""
    start = earlier[0].asked_at
    costs = [row.cost for row in connection.execute(_may_be_debited_later(account_id, start))]
    if None in costs:
        return None
    later = total(Decimal(cost) for cost in costs)
    settled = connection.execute(_settled_since(account_id, start))
    times = [row.time for row in settled if may_be_rounded(Decimal(row.cost), unit)]
    falls = [
        fall_between(then, now, unit=unit, orders=len(times) - bisect_left(times, then.asked_at), later=later)
        for then in earlier
    ]
    return max((fall for fall in falls if fall), key=lambda fall: fall.unexplained, default=None)


def last_digit(amount: Decimal) -> Decimal:
    """PURE: give one unit of an amount's last digit, a cent at the most: 0.001 for 1.250 less 0.001."""
    return min(CENT, _finest(amount))


def may_be_rounded(cost: Decimal, unit: Decimal) -> bool:
    """PURE: tell whether a panel that rounds to this unit charges anything else than the cost."""
    return _finest(cost) < unit


def _finest(amount: Decimal) -> Decimal:
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return Decimal(1).scaleb(int(exponent))


def _may_be_debited_later(account_id: int, time: str) -> Select[tuple[object, ...]]:
    """Select the costs of subscriptions that were not over at a time: they are charged post by post."""
    subscription = or_(entries.c.cost.is_(None), entries.c.content.contains('["delay","', autoescape=True))
    not_over = or_(entries.c.final == 0, entries.c.polled_at >= time)
    return (
        select(entries.c.cost)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(campaigns.c.account_id == account_id, _is_spent, subscription, not_over)
    )


def _settled_since(account_id: int, time: str) -> Select[tuple[object, ...]]:
    """Select the orders that may have been debited since a time: when they were settled (if not, last) and costs."""
    when = func.coalesce(entries.c.settled_at, "9")
    return (
        select(when.label("time"), entries.c.cost)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(campaigns.c.account_id == account_id, _is_spent, when >= time, entries.c.cost.is_not(None))
        .order_by(when)
    )


_is_spent: ColumnElement[bool] = entries.c.state.in_([state.value for state in SPENT])
