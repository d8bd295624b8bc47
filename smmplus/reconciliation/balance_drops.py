"""Find balances that fell by more than the journal explains: orders may have been placed elsewhere.

A balance falls by what is debited and rises by refunds and payments. So the difference of two observations is the least
that was debited. The journal knows the most that its own orders can have cost meanwhile. What exceeds that is
unexplained. A payment can hide a debit; that cannot be detected.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from smmplus.journal import metadata
from smmplus.journal.balances import Observation, from_time, last_before
from smmplus.journal.journal import Journal
from smmplus.journal.schema import campaigns, entries
from smmplus.journal.state_machine import SPENT
from smmplus.orders.decimals import EXACT, minus, total

LOOK_BACK = timedelta(days=1)
"""A fall is reported for so long, because the person who saw it first may not be the one who orders next."""

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Fall:
    """A balance that fell by more than the journal explains, between two observations."""

    since: str
    at: str
    fell: Decimal
    known: Decimal
    """The most that the journal's own orders can have cost in between."""
    currency: str

    @property
    def unexplained(self) -> Decimal:
        """The least that was debited for anything else."""
        return minus(self.fell, self.known)


def fall_between(
    then: Observation, now: Observation, *, unit: Decimal = CENT, orders: int = 0, later: Decimal = Decimal(0)
) -> Fall | None:
    """Compare two observations of an account; None if the journal explains the difference.

    Panels round charges and balances. So one `unit` (see `unit_of`) is tolerated, and one for each order in between
    that may have been rounded (`orders`, see `may_be_rounded`). `later` is what may be debited for orders that were
    accepted before: a subscription is charged post by post.
    """
    if then.currency != now.currency:
        return None
    known = total((now.spent, then.accepted.copy_negate(), later))
    fall = Fall(then.asked_at, now.at, minus(then.amount, now.amount), known, now.currency)
    return fall if fall.unexplained > EXACT.multiply(unit, Decimal(orders + 1)) else None


def unit_of(amounts: Sequence[Decimal]) -> Decimal:
    """Return the unit to which a panel rounds, from its balances in turn: a cent, or the finest step between two.

    The digits of one balance do not show it: a payment may have had more digits than charges have.
    """
    steps = (minus(earlier, later) for earlier, later in pairwise(amounts))
    return min((CENT, *(_finest(step) for step in steps)))


def latest_fall(journal: Journal, account_id: int, now: Observation) -> Fall | None:
    """Compare an observation with those of the day before it and the last earlier one, and return the greatest fall.

    It is compared with several, because one that was made while orders were under way hides falls from its neighbours.
    None also if an order of the account may cost any amount: then a balance proves nothing.
    """
    with journal.reading() as connection:
        earlier = _earlier(connection, account_id, now)
        unit = unit_of([seen.amount for seen in (*earlier, now)])
        falls = [fall_between(then, now, unit=unit) for then in earlier]
        return _greatest_fall(connection, account_id, earlier, now, unit) if any(falls) else None


def acknowledge(journal: Journal, account_id: int, now: Observation) -> None:
    """Record that a person can explain all falls up to an observation. Later ones are not compared with older ones."""
    with journal.transaction() as connection:
        metadata.put(connection, metadata.acknowledged(account_id), str(now.id))


def _earlier(connection: Connection, account_id: int, now: Observation) -> list[Observation]:
    start = datetime.fromisoformat(now.at) - LOOK_BACK
    day = from_time(connection, account_id, start.isoformat(timespec="milliseconds"), now.currency)
    older = last_before(connection, account_id, start.isoformat(timespec="milliseconds"), now.currency)
    before = [then for then in day if then.id < now.id and then.at <= now.asked_at]
    explained = int(metadata.read(connection).get(metadata.acknowledged(account_id), 0))
    return [then for then in ([] if older is None else [older]) + before if then.id >= explained]


def _greatest_fall(
    connection: Connection, account_id: int, earlier: Sequence[Observation], now: Observation, unit: Decimal
) -> Fall | None:
    """Compare again with roundings and subscriptions, after a simple comparison found a fall."""
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
    """Return one unit of an amount's last digit, a cent at most: 0.001 for 1.249."""
    return min(CENT, _finest(amount))


def may_be_rounded(cost: Decimal, unit: Decimal) -> bool:
    """Return whether a panel that rounds to this unit may charge something other than the cost."""
    return _finest(cost) < unit


def _finest(amount: Decimal) -> Decimal:
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return Decimal(1).scaleb(int(exponent))


def _may_be_debited_later(account_id: int, time: str) -> Select[tuple[object, ...]]:
    """Select the costs of subscriptions that had not ended at a time: they are charged post by post."""
    subscription = or_(entries.c.cost.is_(None), entries.c.content.contains('["delay","', autoescape=True))
    not_over = or_(entries.c.final == 0, entries.c.polled_at >= time)
    return (
        select(entries.c.cost)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(campaigns.c.account_id == account_id, _is_spent, subscription, not_over)
    )


def _settled_since(account_id: int, time: str) -> Select[tuple[object, ...]]:
    """Select when orders that may have been debited since a time got their outcome, and their costs."""
    when = func.coalesce(entries.c.settled_at, "9")
    return (
        select(when.label("time"), entries.c.cost)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(campaigns.c.account_id == account_id, _is_spent, when >= time, entries.c.cost.is_not(None))
        .order_by(when)
    )


_is_spent: ColumnElement[bool] = entries.c.state.in_([state.value for state in SPENT])
