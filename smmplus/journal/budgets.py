"""What a campaign may spend over all its runs: kept in the journal, so that all who place its orders hold to it.

Whether an intent fits is decided in `wave`, in the transaction that takes it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update

from smmplus.journal import entries
from smmplus.journal.entry import Entry, decimal_or_none, text_or_none
from smmplus.journal.schema import accounts, campaigns
from smmplus.journal.states import State
from smmplus.journal.store import Journal
from smmplus.numbers import minus, total


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign may spend and has spent, in its account's currency, at the prices that were read."""

    account: str
    url: str
    """The panel's; with the name, it is the account."""
    campaign: str
    campaign_id: int
    amount: Decimal | None
    """What it may spend; None for no bound."""
    spent: Decimal
    """Orders that are being sent, accepted or in doubt. A refund frees nothing."""
    in_doubt: Decimal
    """How much of `spent` is in doubt."""

    @property
    def left(self) -> Decimal | None:
        """What it may still spend; None for no bound, 0 where the budget is passed because it was lowered."""
        return None if self.amount is None else max(Decimal(0), minus(self.amount, self.spent))


def budget(journal: Journal, campaign_id: int) -> Decimal | None:
    """Give what a campaign may spend over all its runs; None for no bound."""
    with journal.reading() as connection:
        found = connection.execute(select(campaigns.c.budget).where(campaigns.c.id == campaign_id)).scalar_one()
    return decimal_or_none(found)


def set_budget(journal: Journal, campaign_id: int, amount: Decimal | None) -> None:
    """Say what a campaign may spend over all its runs, those under way as well; None for no bound."""
    with journal.transaction() as connection:
        values = {"budget": text_or_none(amount)}
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(values))


def all_budgets(journal: Journal) -> list[Budget]:
    """Give all campaigns of all accounts, also those without a bound."""
    columns = (campaigns, accounts.c.name.label("account"), accounts.c.url)
    both = select(*columns).join(accounts, accounts.c.id == campaigns.c.account_id)
    statement = both.order_by(accounts.c.name, accounts.c.url, campaigns.c.name)
    with journal.reading() as connection:
        rows = connection.execute(statement).all()
        doubts = _costs(entries.unsettled(connection, None, State.IN_DOUBT))
    return [
        Budget(
            row.account,
            row.url,
            row.name,
            row.id,
            decimal_or_none(row.budget),
            Decimal(row.spent),
            total(doubts[row.id]),
        )
        for row in rows
    ]


def find_campaign(journal: Journal, account_id: int, name: str) -> int | None:
    """Give a campaign's number; None where the journal does not know it. `Journal.campaign` would make it."""
    where = (campaigns.c.account_id == account_id) & (campaigns.c.name == name)
    with journal.reading() as connection:
        found = connection.execute(select(campaigns.c.id).where(where)).scalar_one_or_none()
    return None if found is None else int(found)


def _costs(found: Iterable[Entry]) -> dict[int, list[Decimal]]:
    costs: dict[int, list[Decimal]] = defaultdict(list)
    for entry in found:
        if entry.cost is not None:
            costs[entry.campaign_id].append(entry.cost)
    return costs
