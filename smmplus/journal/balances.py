"""What the panel said an account holds, and what the journal knew around it: evidence of what was really debited.

An observation is made in two steps, around the question to the panel::

    before = balances.accepted(journal, account_id)
    balance = client.balance()
    balances.record(journal, account_id, balance, before)

Runs may be sending meanwhile. What was accepted before is surely debited from what the panel says; more than what is
being sent, accepted or in doubt after cannot be.
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
    """What the journal knew just before the panel was asked."""

    at: str
    accepted: Mapping[str, Decimal]
    """Costs of accepted orders, by currency; "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A balance that the panel told, and what the journal knew around it. Times are UTC in ISO 8601."""

    id: int
    """The journal's own number: observations stand in the order in which they were written down."""
    asked_at: str
    at: str
    amount: Decimal
    currency: str
    accepted: Decimal
    """Costs of orders that were accepted before the panel was asked: surely debited."""
    spent: Decimal
    """Costs of orders that were being sent, accepted or in doubt after it had answered: the most that is debited."""


def accepted(journal: Journal, account_id: int) -> Before:
    """Sum what an account's accepted orders cost, just before its balance is asked for."""
    at = journal.time()
    with journal.reading() as connection:
        rows = connection.execute(_accepted(account_id))
        return Before(at, _sums(rows))


def record(journal: Journal, account_id: int, balance: Balance, before: Before) -> Observation:
    """Write down a balance that was asked for after `before`, and give it as it stands in the journal."""
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
    """Give what was written down last of an account's balance; None before the first."""
    with journal.reading() as connection:
        found = connection.execute(_of(account_id, None).order_by(balances.c.id.desc()).limit(1)).first()
    return None if found is None else _read(found)


def last_before(connection: Connection, account_id: int, time: str, currency: str) -> Observation | None:
    """Find the last observation that was complete at a time."""
    columns = balances.c
    statement = _of(account_id, currency).where(columns.at <= time).order_by(columns.at.desc(), columns.id.desc())
    found = connection.execute(statement.limit(1)).first()
    return None if found is None else _read(found)


def from_time(connection: Connection, account_id: int, time: str, currency: str) -> list[Observation]:
    """Give the observations that were complete at a time or later, in the order in which they were written down."""
    columns = balances.c
    found = connection.execute(_of(account_id, currency).where(columns.at >= time).order_by(columns.id))
    return [_read(row) for row in found]


def all_of(connection: Connection, account_id: int) -> list[Observation]:
    """Give all observations of an account, in the order in which they were written down."""
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
    """Select what is spent, less what is not settled: of 100,000 orders that is one number and a few.

    In one statement: between two, where the database lets others write meanwhile, an order could be given up.
    """
    unsettled = (
        select(entries.c.cost.label("amount"), literal(-1).label("sign"), campaigns.c.currency)
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(
            entries.c.state.in_([State.SUBMITTING.value, State.IN_DOUBT.value]),
            entries.c.cost.is_not(None),
            campaigns.c.account_id == account_id,
        )
    )
    both = union_all(_spent(account_id), unsettled).subquery()
    return select(both.c.amount, both.c.sign, both.c.currency)


def _sums(rows: Iterable[Row[tuple[str, int, str]]]) -> dict[str, Decimal]:
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        # Not `-amount`: that would round to the context's digits.
        amount = Decimal(row.amount) if row.sign > 0 else Decimal(row.amount).copy_negate()
        amounts[code_of(row.currency)].append(amount)
    return {currency: total(several) for currency, several in amounts.items()}


def _in(currency: str, sums: Mapping[str, Decimal]) -> Decimal:
    """Sum what is in a currency, and what is in an unknown one."""
    return total(sums.get(code, Decimal(0)) for code in {code_of(currency), ""})
