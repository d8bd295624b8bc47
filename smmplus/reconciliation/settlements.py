"""Resolve many orders in doubt as a person says: all of them or none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from smmplus.errors import JournalConflictError
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.recovery import resolution
from smmplus.journal.run_presence import user_name
from smmplus.journal.schema import campaigns

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person says about one order in doubt, and how they know."""

    entry: Entry
    order_id: str | None
    """None if it was not placed: the next run may send it."""
    why: str


def settle_all(journal: Journal, settlements: Sequence[Settlement]) -> None:
    """Resolve orders in one transaction. Raises JournalConflictError, with the orders that prevent it."""
    in_the_way: list[str] = []
    with journal.transaction() as connection:
        rows = connection.execute(select(campaigns.c.id, campaigns.c.account_id))
        accounts = {row.id: row.account_id for row in rows}
        for settlement in settlements:
            try:
                _settle(journal, connection, settlement, accounts[settlement.entry.campaign_id])
            except JournalConflictError as error:
                in_the_way.append(str(error))
        if in_the_way:
            raise JournalConflictError(f"nothing was recorded: {listed(in_the_way)}")


def _settle(journal: Journal, connection: Connection, settlement: Settlement, account_id: int) -> None:
    entry, order_id, why, now = settlement.entry, settlement.order_id, settlement.why, journal.time()
    if order_id is None:
        resolution.resolve_as_not_placed(
            connection, entry, user_name(), why, datetime.fromisoformat(now), journal.is_run_alive
        )
    else:
        resolution.resolve_as_placed(connection, entry, account_id, order_id, user_name(), why, now)


def listed(words: Iterable[str]) -> str:
    """Join the first messages, and count the others."""
    found = list(words)
    more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return "; ".join(found[:MOST_NAMED]) + more
