"""What the panel said an account holds, and what the journal knew around it: evidence of what was really debited.

An observation is made in two steps, around the question to the panel::

    before = balances.accepted(journal, account_id)
    balance = client.balance()
    balances.record(journal, account_id, balance, before)

Runs may be sending meanwhile. What was accepted before is surely debited from what the panel says; more than what is
being sent, accepted or in doubt after cannot be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Row, Select, insert, literal, select, union_all

from smmplus.journal import schema
from smmplus.journal.schema import campaigns, entries
from smmplus.journal.states import State
from smmplus.journal.store import Journal
from smmplus.models import Balance
from smmplus.numbers import total


@dataclass(frozen=True, slots=True)
class Before:
    """What the journal knew just before the panel was asked."""

    at: str
    accepted: Decimal
    """Costs of accepted orders."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A balance that the panel told, and what the journal knew around it. Times are UTC in ISO 8601."""

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
        return Before(at, _sum(rows))


def record(journal: Journal, account_id: int, balance: Balance, before: Before) -> Observation:
    """Write down a balance that was asked for after `before`, and give it as it stands in the journal."""
    with journal.transaction() as connection:
        spent = _sum(connection.execute(_spent(account_id)))
        seen = Observation(before.at, journal.time(), balance.amount, balance.currency, before.accepted, spent)
        row = {"account_id": account_id, "asked_at": seen.asked_at, "at": seen.at, "currency": seen.currency}
        amounts = {"amount": str(seen.amount), "accepted": str(seen.accepted), "spent": str(seen.spent)}
        connection.execute(insert(schema.balances), {**row, **amounts})
    return seen


def _spent(account_id: int) -> Select[tuple[str, int]]:
    return select(campaigns.c.spent.label("amount"), literal(1).label("sign")).where(
        campaigns.c.account_id == account_id
    )


def _accepted(account_id: int) -> Select[tuple[str, int]]:
    """Select what is spent, less what is not settled: of 100,000 orders that is one number and a few.

    In one statement: between two, where the database lets others write meanwhile, an order could be given up.
    """
    unsettled = (
        select(entries.c.cost.label("amount"), literal(-1).label("sign"))
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .where(
            entries.c.state.in_([State.SUBMITTING.value, State.IN_DOUBT.value]),
            entries.c.cost.is_not(None),
            campaigns.c.account_id == account_id,
        )
    )
    both = union_all(_spent(account_id), unsettled).subquery()
    return select(both.c.amount, both.c.sign)


def _sum(rows: Iterable[Row[tuple[str, int]]]) -> Decimal:
    # Not `-amount`: that would round to the context's digits.
    return total(Decimal(row.amount) if row.sign > 0 else Decimal(row.amount).copy_negate() for row in rows)
