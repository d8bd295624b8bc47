"""Signs that this is not the journal a sheet was ordered with: the one thing that could order everything twice."""

from collections.abc import Collection
from dataclasses import dataclass

from bulk.surfaces import COMMAND_LINE, Surface
from smmplus.journal import entries
from smmplus.journal.falls import Fall
from smmplus.journal.store import Journal
from smmplus.numbers import plain


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for a wrong journal. None of it stops a run: a person decides."""

    where: str
    """The journal's place, without any password."""
    uuid: str
    account: str
    is_new: bool
    """Whether the journal knows no order of the account."""
    unknown_ids: int
    """How many order ids the sheet carries, where the journal knows none of them; else 0."""
    fall: Fall | None
    """By how much the balance fell for reasons that the journal does not know."""
    surface: Surface = COMMAND_LINE

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what speaks for it, and what to do."""
        words = (self._of_ids() or self._of_newness(), "" if self.fall is None else of_fall(self.fall))
        return tuple(text for text in words if text)

    def _of_ids(self) -> str:
        if not self.unknown_ids:
            return ""
        ids = "1 order id" if self.unknown_ids == 1 else f"{self.unknown_ids} order ids"
        journal, account = self.surface.name("journal"), self.surface.name("account")
        return (
            f"this looks like the wrong journal: the sheet carries {ids}, and {self.where} (uuid {self.uuid}) knows "
            f"none of them; {journal} and {account} must name those that it was ordered with"
        )

    def _of_newness(self) -> str:
        if not self.is_new:
            return ""
        return (
            f"this journal is new to account {self.account!r} ({self.where}): if you have ordered from sheets before, "
            f"{self.surface.name('journal')} must name the journal that you ordered with"
        )


def of_fall(fall: Fall) -> str:
    """PURE: say what a fall of the balance may mean, and what to do."""
    since, currency = fall.since[:19].replace("T", " "), f" {fall.currency}" if fall.currency else ""
    return (
        f"since {since} UTC the balance fell by {plain(fall.unexplained)}{currency} more than this journal knows "
        f"(by {plain(fall.fell)}, its own orders come to {plain(fall.known)} at the most): orders may have been placed "
        "elsewhere (another computer, another journal, by hand on the site), or were charged at a higher price; "
        "compare the panel's order page before ordering"
    )


def signs_of(
    journal: Journal,
    account_id: int,
    account: str,
    *,
    ids: Collection[str],
    known: Collection[str],
    fall: Fall | None,
    surface: Surface = COMMAND_LINE,
) -> Signs:
    """Look for signs: `ids` are the order ids that a sheet carries, `known` those that the journal knows."""
    with journal.reading() as connection:
        is_new = not entries.has_sent(connection, account_id)
    return Signs(journal.where, journal.uuid, account, is_new, 0 if known else len(ids), fall, surface)
