"""A restored journal knows no order placed since its backup: rows that are new to it may have been placed then.

So does one that lost its latest commits (`losses`): it is like a backup of the time up to which it knows all.

Only a person can know, and says so of one campaign or of the whole journal.
"""

from dataclasses import dataclass

from smmplus.journal import marks
from smmplus.journal.store import Journal


@dataclass(frozen=True, slots=True)
class Backup:
    """The backup that a journal was restored from. Times are UTC in ISO 8601."""

    made_at: str
    restored_at: str
    """"" where it was not written down."""
    lost: str = ""
    """How it was noticed that the journal lost its latest commits; "" where a person restored a backup."""

    @property
    def words(self) -> str:
        """PURE: say what happened to the journal, without a subject."""
        when = f" on {_told(self.restored_at)}" if self.restored_at else ""
        if self.lost:
            return f"has lost what was written into it after {_told(self.made_at)} (noticed{when}: {self.lost})"
        return f"was restored{when} from a backup of {_told(self.made_at)}"


def backup_of(journal: Journal) -> Backup | None:
    """Give the backup that a journal was restored from; None for one that was never lost."""
    made_at = (said := _said(journal)).get(marks.RESTORED)
    return None if made_at is None else Backup(made_at, said.get(marks.RESTORED_AT, ""), said.get(marks.LOST, ""))


def unsettled(journal: Journal, campaign_id: int) -> Backup | None:
    """Give the backup, as long as nobody has settled that no order placed since then is sent again; else None."""
    said = _said(journal)
    settled = {said.get(marks.SETTLED), said.get(marks.settled(campaign_id))}
    return None if said[marks.UUID_NAME] in settled else backup_of(journal)


def settle(journal: Journal, campaign_id: int | None = None) -> None:
    """Keep a person's word that no order placed since the backup will be sent again: of one campaign, or of all."""
    with journal.transaction() as connection:
        marks.put(connection, marks.settled(campaign_id), marks.read(connection)[marks.UUID_NAME])


def _said(journal: Journal) -> dict[str, str]:
    with journal.reading() as connection:
        return marks.read(connection)


def _told(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"
