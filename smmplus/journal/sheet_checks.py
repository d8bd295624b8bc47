"""Checks of sheets that a person may approve, by their fingerprints. A later run is compared with them."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from smmplus.journal.journal import Journal
from smmplus.journal.schema import campaigns, checks

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
