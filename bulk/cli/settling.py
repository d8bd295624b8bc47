"""What a person's word on orders in doubt is held against: the journal and the panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulk.cli import arguments as given
from bulk.doubt_sheet import read_answers
from smmplus.client import Client
from smmplus.errors import CallError, FollowUpError, JournalConflictError, UnknownRefusalError
from smmplus.journal import balances
from smmplus.journal.budgets import find_campaign
from smmplus.journal.doubts import must_be_free
from smmplus.journal.entries import with_order_id_at_panel
from smmplus.journal.entry import Entry
from smmplus.journal.settling import Settlement, listed
from smmplus.journal.siblings import unsettled
from smmplus.journal.states import State
from smmplus.journal.store import Journal
from smmplus.models import OrderStatus
from smmplus.panel import Panel
from smmplus.reconcile import claimants, misfit
from smmplus.reconciling import ask


def campaign_of(journal: Journal, account: str, campaign: str, why: str) -> list[Settlement]:
    """Take a person's word that no order in doubt of a campaign was placed."""
    account_id = journal.ensure_account(given.panel_for(account).url, account)
    campaign_id = find_campaign(journal, account_id, campaign)
    if campaign_id is None:
        raise JournalConflictError(f"the journal knows no campaign {campaign!r} of account {account!r}")
    return [Settlement(entry, None, why) for entry in journal.in_doubt(account_id) if entry.campaign_id == campaign_id]


def answers_of(journal: Journal, path: Path, encoding: str | None, why: str, *, anyway: bool) -> list[Settlement]:
    """Read the answers of a sheet, and compare each order with the panel; JournalConflictError names what is wrong."""
    answers = read_answers(path, journal.uuid, journal.in_doubt(), encoding)
    remarks: dict[int, list[str]] = {}
    wrong: list[str] = []
    for account in dict.fromkeys(answer.entry.account for answer in answers if answer.order_id is not None):
        placed = [(answer, answer.order_id) for answer in answers if answer.entry.account == account]
        answered = frozenset(answer.entry.id for answer, _ in placed)
        judge = Judge.of(journal, account, anyway=anyway, answered=answered)
        statuses = judge.ask([order_id for _, order_id in placed if order_id is not None])
        for answer, order_id in placed:
            try:
                if order_id is not None:
                    remarks[answer.line] = judge.compare(answer.entry, order_id, statuses.get(order_id))
            except JournalConflictError as error:
                wrong.append(f"line {answer.line}: {error}")
    if wrong:
        raise JournalConflictError(f"{path}: nothing is settled: {listed(wrong)}")
    return [
        Settlement(answer.entry, answer.order_id, "; ".join([why, *remarks.get(answer.line, ())])) for answer in answers
    ]


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares orders of a panel with orders in doubt of one account."""

    journal: Journal
    panel: Panel
    account_id: int
    anyway: bool
    """A person insists on an order whose charge does not fit."""
    answered: frozenset[int] = frozenset()
    """Entries in doubt that are about to be settled, too."""

    @classmethod
    def of(cls, journal: Journal, account: str, *, anyway: bool, answered: frozenset[int] = frozenset()) -> "Judge":
        """Find the account and its panel."""
        panel = given.panel_for(account)
        return cls(journal, panel, journal.ensure_account(panel.url, account), anyway, answered)

    def ask(self, ids: Sequence[str]) -> Mapping[str, OrderStatus]:
        """Ask the panel where orders stand, 100 a call; without those that it does not know."""
        with Client(self.panel) as client:
            return ask(client, ids, 2 * len(ids)).answers

    def settle_one(self, entry: Entry, order_id: str) -> list[str]:
        """Ask for one order, and compare it."""
        self._must_be_free(entry, order_id)
        return self.compare(entry, order_id, _status_of(self.panel, order_id))

    def compare(self, entry: Entry, order_id: str, status: OrderStatus | None) -> list[str]:
        """Give remarks on an order that is to be one in doubt; JournalConflictError where it cannot be."""
        if status is None:
            raise JournalConflictError(f"the panel knows no order {order_id} of account {entry.account!r}")
        self._must_be_free(entry, order_id)
        seen = balances.latest(self.journal, self.account_id)
        difference = misfit(entry, order_id, status, "" if seen is None else seen.currency)
        if difference and not self.anyway:
            raise JournalConflictError(f"{difference}; nothing is settled: look once more, or say --anyway")
        if difference:
            return [f"taken anyway: {difference}"]
        if entry.cost is None or status.charge is None:
            return ["what it should cost, or did, is not known: its charge could not be compared"]
        return self._shared(entry, order_id, status)

    def _must_be_free(self, entry: Entry, order_id: str) -> None:
        with self.journal.reading() as connection:
            must_be_free(order_id, with_order_id_at_panel(connection, self.account_id, order_id), entry)

    def _shared(self, entry: Entry, order_id: str, status: OrderStatus) -> list[str]:
        """Name the other orders in doubt that an order may be, for all that its charge tells."""
        with self.journal.reading() as connection:
            doubts = unsettled(connection, self.account_id, State.IN_DOUBT)
        others = [other for other in doubts if other.id not in {entry.id, *self.answered}]
        found = listed(other.name for other in claimants(others, order_id, status))
        return [f"by its charge, order {order_id} may also be {found}: its link must tell"] if found else []


def _status_of(panel: Panel, order_id: str) -> OrderStatus:
    with Client(panel) as client:
        try:
            return client.order_status(order_id)
        except (FollowUpError, UnknownRefusalError) as error:
            raise JournalConflictError(f"the panel knows no order {order_id} of this account ({error.text})") from error
        except CallError as error:
            if not error.passing:
                raise
            raise CallError(
                f"nothing is settled: the panel cannot be asked about order {order_id} ({error})"
            ) from error
