"""Look for evidence about orders in doubt: the balance, and the statuses of ids that no journal knows.

What a person says of many orders at once is recorded here too, all of it or nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from smmplus.api.client import Client
from smmplus.api.protocol import MOST_IDS, hundreds
from smmplus.errors import CallError, FollowUpError, JournalConflictError, UnknownRefusalError, UnreadableAnswerError
from smmplus.journal import balances, resolution
from smmplus.journal.balances import Observation
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.run_presence import user_name
from smmplus.journal.schema import campaigns, entries, order_ids
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderStatus
from smmplus.reconciliation.balance_drops import Fall, latest_fall
from smmplus.reconciliation.balance_evidence import Evidence, evidence, siblings, unsettled_of_siblings
from smmplus.reconciliation.doubt_matching import Finding, KnownId, Probe, all_ids, decide, why_unasked
from smmplus.texts import _

MOST_CALLS = 20
"""The most calls, of 100 ids each. At one a second that is a third of a minute."""

WHO = "reconcile"
"""The name in the journal's notes for orders that were resolved by evidence."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found about an account's orders in doubt."""

    observation: Observation
    fall: Fall | None
    evidence: dict[int, Evidence]
    """By entry."""
    findings: tuple[Finding, ...]
    probe: Probe | None = None
    """None if ids were not asked for."""

    @property
    def open(self) -> list[Finding]:
        """The orders that are still in doubt."""
        return [finding for finding in self.findings if finding.order_id is None]


def observe(client: Client, journal: Journal, account_id: int) -> Observation:
    """Read and record the balance of an account."""
    before = balances.accepted(journal, account_id)
    return balances.record(journal, account_id, client.balance(), before)


def look(client: Client, journal: Journal, account_id: int) -> Reconciled:
    """Read the balance, and return what it shows about each order in doubt. Resolves nothing."""
    seen = observe(client, journal, account_id)
    doubts = journal.in_doubt(account_id)
    findings = tuple(Finding(doubt) for doubt in doubts)
    return Reconciled(seen, latest_fall(journal, account_id, seen), evidence(journal, doubts), findings)


def probe(client: Client, journal: Journal, account_id: int, *, most_calls: int = MOST_CALLS) -> Reconciled:
    """Ask for the ids that lost orders can have, and resolve an order in doubt if all evidence agrees.

    The journal is read again after the panel has answered, because an id may have been recorded meanwhile.
    """
    looked = look(client, journal, account_id)
    known = _known_ids(journal, account_id)
    wanted = journal.in_doubt(account_id)
    most = most_calls * MOST_IDS + 1  # one more tells that there are more
    asked = ask(client, all_ids(wanted, known, most), most_calls)
    with journal.reading() as connection:
        sending = unsettled_of_siblings(connection, account_id, State.SENDING)
        all_doubts = unsettled_of_siblings(connection, account_id, State.IN_DOUBT)
    own = {entry.id for entry in journal.in_doubt(account_id)}
    doubts = [entry for entry in all_doubts if entry.id in own]
    rivals = [entry for entry in all_doubts if entry.id not in own]
    asked = _without(asked, _of_panel(journal, account_id), _unasked(doubts, wanted, known))
    weighed = evidence(journal, all_doubts)
    findings = decide(doubts, weighed, asked, [entry.name for entry in sending], rivals)
    for finding in findings:
        if finding.order_id is not None:
            journal.resolve_as_placed(account_id, finding.doubt, finding.order_id, why=finding.why, who=WHO)
    return replace(looked, evidence=weighed, findings=tuple(findings), probe=asked)


def _unasked(doubts: Iterable[Entry], wanted: Iterable[Entry], known: Sequence[KnownId]) -> dict[int, str]:
    """Return the orders in doubt for which no id was asked, with the reason."""
    reasons = {entry.id: why_unasked(entry, known) for entry in wanted}
    late = _("it came into doubt while the panel was asked: run this again")
    return {entry.id: why for entry in doubts if (why := reasons.get(entry.id, late))}


def _without(asked: Probe, known: set[str], unasked: dict[int, str]) -> Probe:
    """Remove the orders that the journal knows."""
    answers = {number: status for number, status in asked.answers.items() if number not in known}
    return replace(asked, answers=answers, unasked=unasked)


def _known_ids(journal: Journal, account_id: int) -> list[KnownId]:
    statement = (
        select(order_ids.c.order_id, order_ids.c.recorded_at, entries.c.sent_at)
        .join(entries, entries.c.id == order_ids.c.entry_id)
        .where(order_ids.c.account_id == account_id)
    )
    with journal.reading() as connection:
        return [KnownId(row.order_id, row.sent_at or "", row.recorded_at) for row in connection.execute(statement)]


def _of_panel(journal: Journal, account_id: int) -> set[str]:
    """Return the order ids of all accounts at the panel: one key may have two names."""
    with journal.reading() as connection:
        same = siblings(connection, account_id)
        found = connection.execute(select(order_ids.c.order_id).where(order_ids.c.account_id.in_(same)))
        return {row.order_id for row in found}


def ask(client: Client, ids: Iterable[str], most_calls: int) -> Probe:
    """Ask for statuses, 100 ids a call, and in halves if the panel answers one bad id with an error for all."""
    waiting = [*hundreds(ids)][::-1]
    answers: dict[str, OrderStatus] = {}
    calls = asked = 0
    while waiting and calls < most_calls:
        part = waiting.pop()
        calls += 1
        try:
            found = client.order_statuses(part)
        except (FollowUpError, UnknownRefusalError):
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                continue
            found = {}
        except UnreadableAnswerError:
            found = {}  # none of these ids is in the answer
        except CallError as error:
            if not error.transient:
                raise
            raise CallError(
                _("nothing was recorded, because the panel cannot be asked ({error})", error=error)
            ) from error
        asked += len(part)
        answers.update({number: status for number, status in found.items() if isinstance(status, OrderStatus)})
    return Probe(answers, asked, calls, bool(waiting))


MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person says about one order in doubt, and how they know."""

    entry: Entry
    order_id: str | None
    """None if it was not placed: the next run may send it."""
    why: str


def settle_all(journal: Journal, settlements: Sequence[Settlement], who: str = "") -> None:
    """Resolve orders in one transaction. Raises JournalConflictError, with the orders that prevent it.

    :param who: who says so; by default the user of the process.
    """
    in_the_way: list[str] = []
    with journal.transaction() as connection:
        rows = connection.execute(select(campaigns.c.id, campaigns.c.account_id))
        accounts = {row.id: row.account_id for row in rows}
        for settlement in settlements:
            try:
                _settle(journal, connection, settlement, accounts[settlement.entry.campaign_id], who or user_name())
            except JournalConflictError as error:
                in_the_way.append(str(error))
        if in_the_way:
            raise JournalConflictError(_("nothing was recorded: {reasons}", reasons=listed(in_the_way)))


def _settle(journal: Journal, connection: Connection, settlement: Settlement, account_id: int, who: str) -> None:
    entry, order_id, why, now = settlement.entry, settlement.order_id, settlement.why, journal.time()
    if order_id is None:
        resolution.resolve_as_not_placed(connection, entry, who, why, now, journal.is_run_alive)
    else:
        resolution.resolve_as_placed(connection, entry, account_id, order_id, who, why, now)


def listed(words: Iterable[str]) -> str:
    """Join the first messages, and count the others."""
    found = list(words)
    if (more := len(found) - MOST_NAMED) > 0:
        return _("{reasons}; and {count} more", reasons="; ".join(found[:MOST_NAMED]), count=more)
    return "; ".join(found)
