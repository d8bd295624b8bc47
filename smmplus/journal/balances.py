"""Balances of an account, and what the journal knew when they were read: evidence of what was really debited.

An observation is made in two steps, around the question to the panel::

    before = balances.accepted(journal, account_id)
    balance = client.balance()
    balances.record(journal, account_id, balance, before)

Runs may send orders meanwhile. An order that was accepted before is certainly debited in the balance. The most that can
be debited are all orders that are being sent, accepted or in doubt after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Row, Select, insert, literal, select, union_all

from smmplus.journal.journal import Journal
from smmplus.journal.schema import balances, campaigns, entries
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import code_of, total
from smmplus.orders.models import Balance


@dataclass(frozen=True, slots=True)
class Before:
    """What the journal knew just before the balance was read."""

    at: str
    accepted: Mapping[str, Decimal]
    """Costs of accepted orders, by currency; "" if it is not known."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A balance, and what the journal knew before and after it was read. Times are UTC in ISO 8601."""

    id: int
    """Its number in the journal: observations are numbered in the order in which they were recorded."""
    asked_at: str
    at: str
    amount: Decimal
    currency: str
    accepted: Decimal
    """Costs of orders that were accepted before the balance was read: certainly debited."""
    spent: Decimal
    """Costs of orders that were being sent, accepted or in doubt after that: the most that can be debited."""


def accepted(journal: Journal, account_id: int) -> Before:
    """Return what an account's accepted orders cost, just before its balance is read."""
    at = journal.time()
    with journal.reading() as connection:
        rows = connection.execute(_accepted(account_id))
        return Before(at, _sums(rows))


def record(journal: Journal, account_id: int, balance: Balance, before: Before) -> Observation:
    """Record a balance that was read after `before`, and return it as an observation."""
    with journal.transaction() as connection:
        row = {
            "account_id": account_id,
            "asked_at": before.at,
            "at": journal.time(),
            "amount": str(balance.amount),
            "currency": balance.currency,
            "accepted": str(_in(balance.currency, before.accepted)),
            "spent": str(_in(balance.currency, _sums(connection.execute(_spent(account_id))))),
        }
        found = connection.execute(insert(balances).values(row).returning(*balances.c)).one()
    return _read(found)


def latest(journal: Journal, account_id: int) -> Observation | None:
    """Return the latest observation of an account's balance; None before the first."""
    with journal.reading() as connection:
        found = connection.execute(_of(account_id, None).order_by(balances.c.id.desc()).limit(1)).first()
    return None if found is None else _read(found)


def last_before(connection: Connection, account_id: int, time: str, currency: str) -> Observation | None:
    """Return the last observation that was complete at a time."""
    columns = balances.c
    statement = _of(account_id, currency).where(columns.at <= time).order_by(columns.at.desc(), columns.id.desc())
    found = connection.execute(statement.limit(1)).first()
    return None if found is None else _read(found)


def from_time(connection: Connection, account_id: int, time: str, currency: str) -> list[Observation]:
    """Return the observations that were complete at a time or later, in the order in which they were recorded."""
    columns = balances.c
    found = connection.execute(_of(account_id, currency).where(columns.at >= time).order_by(columns.id))
    return [_read(row) for row in found]


def all_of(connection: Connection, account_id: int) -> list[Observation]:
    """Return all observations of an account, in the order in which they were recorded."""
    return [_read(row) for row in connection.execute(_of(account_id, None).order_by(balances.c.id))]


def _of(account_id: int, currency: str | None) -> Select[tuple[object, ...]]:
    wanted = select(balances).where(balances.c.account_id == account_id)
    return wanted if currency is None else wanted.where(balances.c.currency == currency)


def _read(row: Row[tuple[object, ...]]) -> Observation:
    values = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
    del values["account_id"]
    amounts = {name: Decimal(values[name]) for name in ("amount", "accepted", "spent")}
    return Observation(**values | amounts)


def _spent(account_id: int) -> Select[tuple[str, int, str]]:
    return select(campaigns.c.spent.label("amount"), literal(1).label("sign"), campaigns.c.currency).where(
        campaigns.c.account_id == account_id
    )


def _accepted(account_id: int) -> Select[tuple[str, int, str]]:
    """Select what is spent, less what has no outcome: for 100,000 orders that is one number and a few.

    It is one statement, because an order could change its state between two.
    """
    unsettled = (
        select(entries.c.cost.label("amount"), literal(-1).label("sign"), campaigns.c.currency)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(
            entries.c.state.in_([State.SENDING.value, State.IN_DOUBT.value]),
            entries.c.cost.is_not(None),
            campaigns.c.account_id == account_id,
        )
    )
    both = union_all(_spent(account_id), unsettled).subquery()
    return select(both.c.amount, both.c.sign, both.c.currency)


def _sums(rows: Iterable[Row[tuple[str, int, str]]]) -> dict[str, Decimal]:
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        # Not `-amount`: decimal rounds that to 28 digits.
        amount = Decimal(row.amount) if row.sign > 0 else Decimal(row.amount).copy_negate()
        amounts[code_of(row.currency)].append(amount)
    return {currency: total(several) for currency, several in amounts.items()}


def _in(currency: str, sums: Mapping[str, Decimal]) -> Decimal:
    """Return the sum in a currency, together with what is in an unknown one."""
    return total(sums.get(code, Decimal(0)) for code in {code_of(currency), ""})
