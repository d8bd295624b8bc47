"""Budgets: what a campaign may spend over all its runs. They are kept in the journal, so that every run obeys them.

Whether an intent is within the budget is decided in `group_commit`, in the transaction that commits it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, select, update

from smmplus.errors import JournalConflictError
from smmplus.journal import queries
from smmplus.journal.entry import Entry, decimal_or_none, text_or_none
from smmplus.journal.journal import Journal
from smmplus.journal.schema import accounts, balances, campaigns
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import code_of, minus, plain, total
from smmplus.texts import _


@dataclass(frozen=True, slots=True)
class Standing:
    """What a campaign has spent and may spend, at the prices that were read."""

    name: str
    """The name as it was first written."""
    spent: Decimal
    """Orders that are being sent, accepted or in doubt."""
    budget: Decimal | None
    """What it may spend over all its runs; None for no limit."""
    currency: str
    """The currency of both; "" if it is not known yet."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign may spend and has spent, in its currency, at the prices that were read."""

    account: str
    url: str
    """The panel's address. Together with the name it identifies the account."""
    campaign: str
    campaign_id: int
    amount: Decimal | None
    """What it may spend; None for no limit."""
    spent: Decimal
    """The cost of orders that are being sent, accepted or in doubt. A refund does not lower it."""
    in_doubt: Decimal
    """The part of `spent` that is in doubt."""
    currency: str = ""
    """The currency of all amounts; "" if it is not known yet."""

    @property
    def left(self) -> Decimal | None:
        """What it may still spend; None for no limit, 0 if more is spent because the budget was lowered."""
        return None if self.amount is None else max(Decimal(0), minus(self.amount, self.spent))


def budget(journal: Journal, campaign_id: int) -> Decimal | None:
    """Return what a campaign may spend over all its runs; None for no limit."""
    with journal.reading() as connection:
        found = connection.execute(select(campaigns.c.budget).where(campaigns.c.id == campaign_id)).scalar_one()
    return decimal_or_none(found)


def set_budget(journal: Journal, campaign_id: int, amount: Decimal | None) -> None:
    """Set what a campaign may spend over all its runs, including those under way; None for no limit.

    The amount is in the campaign's currency; if that is not known yet, in the account's, as it was last read.
    """
    with journal.transaction() as connection:
        values = {"budget": text_or_none(amount)}
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(values))
        of_account = select(campaigns.c.account_id).where(campaigns.c.id == campaign_id).scalar_subquery()
        last = select(balances.c.currency).where(balances.c.account_id == of_account).order_by(balances.c.id.desc())
        _fix(connection, campaign_id, connection.execute(last.limit(1)).scalar() or "")


def standing(journal: Journal, campaign_id: int) -> Standing:
    """Return what a campaign has spent and may spend."""
    with journal.reading() as connection:
        return _standing(connection, campaign_id)


def hold_to_currency(journal: Journal, campaign_id: int, currency: str) -> None:
    """Set a campaign's currency with its first order; raise JournalConflictError if it has another one.

    Otherwise its spending would be a sum of two currencies. An unknown currency is "", and is not compared.
    """
    with journal.transaction() as connection:
        must_be_in(_standing(connection, campaign_id), currency)
        _fix(connection, campaign_id, currency)


def must_be_in(standing: Standing, currency: str) -> None:
    """Raise JournalConflictError if a campaign is in another currency."""
    if standing.currency and currency and code_of(standing.currency) != code_of(currency):
        spent = plain(standing.spent)
        if standing.budget is not None:
            spent = _("{spent} of {budget}", spent=spent, budget=plain(standing.budget))
        raise JournalConflictError(
            _(
                "campaign {campaign!r} is in {currency} ({spent} spent), and the account's balance is in {other} now. "
                "The two are never added up, so nothing was sent. Order under a new campaign name: its budget is then "
                "in the new currency",
                campaign=standing.name,
                currency=standing.currency,
                spent=spent,
                other=currency,
            )
        )


def _standing(connection: Connection, campaign_id: int) -> Standing:
    row = connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).one()
    return Standing(row.name, Decimal(row.spent), decimal_or_none(row.budget), row.currency)


def _fix(connection: Connection, campaign_id: int, currency: str) -> None:
    unknown = (campaigns.c.id == campaign_id) & (campaigns.c.currency == "")
    connection.execute(update(campaigns).where(unknown).values(currency=currency))


def all_budgets(journal: Journal) -> list[Budget]:
    """Return the budgets of all campaigns of all accounts, also of those without a limit."""
    columns = (campaigns, accounts.c.name.label("account"), accounts.c.url)
    both = select(*columns).join(accounts, accounts.c.id == campaigns.c.account_id)
    statement = both.order_by(accounts.c.name, accounts.c.url, campaigns.c.name)
    with journal.reading() as connection:
        rows = connection.execute(statement).all()
        doubts = _costs(queries.unsettled(connection, None, State.IN_DOUBT))
    return [
        Budget(
            row.account,
            row.url,
            row.name,
            row.id,
            decimal_or_none(row.budget),
            Decimal(row.spent),
            total(doubts[row.id]),
            row.currency,
        )
        for row in rows
    ]


def find_campaign(journal: Journal, account_id: int, name: str) -> int | None:
    """Return a campaign's number; None if there is none. `Journal.ensure_campaign` would create it."""
    with journal.reading() as connection:
        return queries.find_campaign(connection, account_id, name)


def _costs(found: Iterable[Entry]) -> dict[int, list[Decimal]]:
    costs: dict[int, list[Decimal]] = defaultdict(list)
    for entry in found:
        if entry.cost is not None:
            costs[entry.campaign_id].append(entry.cost)
    return costs
