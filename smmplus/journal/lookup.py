"""What the journal knows of a sheet: its orders, each looked up once, and the checks that a person may approve.

A later run is compared with the check that it names by its fingerprint.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from smmplus.journal import queries, resolution
from smmplus.journal.entry import Entry, readable
from smmplus.journal.journal import Journal
from smmplus.journal.schema import campaigns, checks
from smmplus.orders.models import OrderRequest


@dataclass(frozen=True, slots=True)
class FoundEntries:
    """Entries of one account, read in one transaction."""

    by_order_id: dict[str, Entry]
    by_fingerprint: list[Entry]
    """Entries with one of the contents, in all campaigns."""
    of_batch: list[Entry]
    """In the order in which they were planned."""
    taken_back: dict[str, list[Entry]]
    """Order ids that were taken back, each with the entries that it was taken back from."""


def look_up(
    journal: Journal, account_id: int, order_ids: Iterable[str], fingerprints: Iterable[str], batch_id: int | None
) -> FoundEntries:
    """Look up a sheet's order ids, its contents and its unfinished batch, in one transaction.

    They are mostly the same entries. Read three times, those of 100,000 rows take 150 MB and 7 s more (measured).
    """
    ids = list(order_ids)
    with journal.reading() as connection:
        equal = queries.with_fingerprints(connection, account_id, fingerprints)
        owners = queries.owners_of(connection, account_id, ids)
        batch = [] if batch_id is None else queries.numbers_of_batch(connection, batch_id)
        taken_back = resolution.taken_back(connection, account_id, ids)
        known = {entry.id: entry for entry in equal}
        known |= queries.with_ids(connection, {*owners.values(), *batch} - known.keys())
    by_order_id = {order_id: known[number] for order_id, number in owners.items()}
    return FoundEntries(by_order_id, equal, [known[number] for number in batch], taken_back)


def find_spent(journal: Journal, campaign_id: int, is_meant: Callable[[OrderRequest], bool]) -> list[Entry]:
    """Return a campaign's orders that were paid for, or may have been, selected by their content; earliest first."""
    meant = []
    with journal.reading() as connection:
        for number, content in queries.spent_contents(connection, campaign_id):
            with readable(number):
                request = OrderRequest.from_content(content)
            if is_meant(request):
                meant.append(number)
        return sorted(queries.with_ids(connection, meant).values(), key=lambda entry: entry.id)


MOST_KEPT = 50
"""Checks that are kept for a campaign; older ones are deleted. A run with a deleted check is refused."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check, as it is recorded."""

    campaign_id: int
    campaign: str
    at: str
    content: bytes


def keep(journal: Journal, campaign_id: int, fingerprint: str, content: bytes) -> None:
    """Record a check. One that is on record becomes the campaign's latest."""
    same = (checks.c.campaign_id == campaign_id) & (checks.c.fingerprint == fingerprint)
    with journal.transaction() as connection:
        values = {"at": journal.time()}
        if connection.execute(update(checks).where(same).values(values)).rowcount:
            return
        about = {"campaign_id": campaign_id, "fingerprint": fingerprint, "content": content}
        connection.execute(insert(checks).values(values | about))
        latest_first = select(checks.c.id).where(checks.c.campaign_id == campaign_id)
        latest_first = latest_first.order_by(checks.c.at.desc(), checks.c.id.desc())
        old = connection.execute(latest_first.offset(MOST_KEPT)).scalars().all()
        connection.execute(delete(checks).where(checks.c.id.in_(old)))


def find(journal: Journal, account_id: int, fingerprint: str) -> Check | None:
    """Find an account's check by its fingerprint; None if the journal has none, or deleted it."""
    both = select(checks.c.campaign_id, campaigns.c.name, checks.c.at, checks.c.content).join(campaigns)
    where = (campaigns.c.account_id == account_id) & (checks.c.fingerprint == fingerprint)
    with journal.reading() as connection:
        found = connection.execute(both.where(where).order_by(checks.c.at.desc())).first()
    return None if found is None else Check(found.campaign_id, found.name, found.at, found.content)
