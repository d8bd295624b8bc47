"""Ask for refills and cancels of many orders, each once: commit the intents, send one call, commit the outcomes.

Which orders they are may be chosen by rule: `select_orders` asks the panel, and `request_rules` decides.

They cost nothing, but a second refill or cancel was not asked for: a request that may have been accepted is not
repeated.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from smmplus.api.async_client import AsyncClient
from smmplus.api.protocol import Call, cancel, hundreds, refills
from smmplus.api.retry import async_retrying
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    FollowUpError,
    MalformedCallError,
    NeverSentError,
)
from smmplus.journal import refills_and_cancels as records
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.queries import last_changes
from smmplus.journal.refills_and_cancels import MOVES, FollowUp, RequestKind, RequestMove, RequestState, Settled
from smmplus.orders.models import Phase, phase
from smmplus.placing.commit_queue import finished
from smmplus.placing.placer import clock_readings, refuse_stale
from smmplus.placing.request_rules import Selection, is_stuck, select
from smmplus.placing.tracking import open_orders, poll, poll_refills

Answers = dict[str, str | FollowUpError]

_CALLS: dict[RequestKind, Callable[[Sequence[str]], list[Call[Answers]]]] = {
    RequestKind.REFILL: refills,
    RequestKind.CANCEL: cancel,
}

_HELD_BACK = (NeverSentError, BusyError, AccountError, AddressError, MalformedCallError)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for, and under which key. Under the same key each order is asked for once."""

    account: str
    kind: RequestKind
    key: str
    former: str = ""
    """The prefix of other keys of the same caller; "" for none."""


def todays_key(kind: RequestKind, now: datetime) -> str:
    """Return the key of what a person requests: two requests on one day, in UTC, are one."""
    return f"{kind.value} {now.date()}"


async def select_orders(
    client: AsyncClient,
    journal: Journal,
    account_id: int,
    kind: RequestKind,
    entries: Sequence[Entry],
    *,
    stuck_for: timedelta | None = None,
    again: bool = False,
    how_again: str = "",
) -> Selection:
    """Ask for the services and for the statuses of the orders and of their refills, and choose what is requested.

    An order that ended or moved meanwhile is not stuck. Raises CallError if a status could not be asked for.

    :param stuck_for: only orders without a change for so long; the others are not left out, but not looked at.
    :param again: a person says that requests in doubt did not reach the panel.
    :param how_again: a sentence on how to say that, for the reasons of orders with such requests.
    """
    services = {service.id: service for service in await client.services()}
    never_asked = {entry.id for entry in entries if entry.polled_at is None}
    entries = await _renewed(client, journal, entries)
    if kind is RequestKind.REFILL:
        await poll_refills(client, journal, [entry.id for entry in entries])
    with journal.reading() as connection:
        ids = [entry.order_id for entry in entries if entry.order_id]
        earlier = records.of_orders(connection, account_id, kind, ids)
        changes = last_changes(connection, [entry.id for entry in entries])
    now = datetime.now(UTC)
    if stuck_for is not None:
        for entry in entries:
            if entry.id in never_asked and phase(entry.order_status) is Phase.WAITING:
                changes.pop(entry.id, None)  # it has waited since it was placed, not since it was first asked for
        entries = [entry for entry in entries if is_stuck(entry, changes.get(entry.id), now, stuck_for)]
    return select(kind, entries, services, earlier, now, again=again, how_again=how_again)


async def _renewed(client: AsyncClient, journal: Journal, entries: Sequence[Entry]) -> list[Entry]:
    _found, fault = await poll(client, journal, open_orders(entries))
    if fault is not None:
        raise fault
    renewed = journal.with_ids(entry.id for entry in entries)
    return [renewed[entry.id] for entry in entries]


async def ask_for(
    client: AsyncClient, journal: Journal, asking: Asking, order_ids: Iterable[str]
) -> dict[str, FollowUp]:
    """Ask for refills or cancels of orders, each once. Returns what the journal knows of each, by order id.

    What the panel accepted before is returned, what it refused is asked for again, and what is in doubt is not: use
    another key to ask for it again. Raises CallError if the panel is out of reach, busy, or refuses the account, and
    JournalError if the journal cannot be used. The next call with the same key goes on.
    """
    ids = list(dict.fromkeys(order_ids))
    desk = _Desk(client, journal, asking)
    await asyncio.to_thread(journal.ensure_account, client.panel.url, asking.account, key=client.panel.key)
    await asyncio.to_thread(journal.recover_crashed_runs)
    for hundred in hundreds(ids):
        await async_retrying(effect=True, sleep=client.sleep)(desk.send, hundred)
    return await asyncio.to_thread(known, journal, client.panel.url, asking, ids)


def known(journal: Journal, url: str, asking: Asking, order_ids: Iterable[str]) -> dict[str, FollowUp]:
    """Return what the journal knows, by order id; what is new is planned."""
    account_id = journal.ensure_account(url, asking.account)
    with journal.transaction() as connection:
        found = records.asked(connection, account_id, asking.kind, asking.key, order_ids, former=asking.former)
    return {item.order_id: item for item in found}


def requested(journal: Journal, url: str, asking: Asking, order_ids: Iterable[str]) -> dict[str, FollowUp]:
    """Return what was sent for these orders under this key, by order id. Nothing is planned."""
    account_id, wanted = journal.ensure_account(url, asking.account), set(order_ids)
    with journal.reading() as connection:
        found = records.of_key(connection, account_id, asking.kind, asking.key, former=asking.former)
    return {
        item.order_id: item for item in found if item.order_id in wanted and item.state is not RequestState.NOT_SENT
    }


class _Desk:
    """Sends a part of an `Asking`, and records it in the journal."""

    def __init__(self, client: AsyncClient, journal: Journal, asking: Asking) -> None:
        self._client = client
        self._journal = journal
        self._asking = asking

    def intend(self, ids: Sequence[str]) -> list[FollowUp]:
        asked = known(self._journal, self._client.panel.url, self._asking, ids)
        wanted = [item for item in asked.values() if RequestMove.INTENT in MOVES[item.state]]
        with self._journal.run_transaction() as (connection, run_id):
            return records.intend(connection, wanted, run_id, self._journal.time())

    def settle(self, outcomes: Sequence[Settled]) -> None:
        with self._journal.transaction() as connection:
            records.record_outcomes(connection, outcomes, self._journal.time())

    async def send(self, ids: Sequence[str]) -> None:
        """Send up to 100 once. Raises the error behind what is planned again: the retry policy decides on it."""
        async with self._client.turn():
            # A cancelled task waits until the answer to what was sent is recorded.
            error = await finished(self._carry_out(ids))
        if isinstance(error, _HELD_BACK):
            raise error

    async def _carry_out(self, ids: Sequence[str]) -> CallError | None:
        """Commit the intents, send one call, and commit the outcomes."""
        began = clock_readings()
        sent = await asyncio.to_thread(self.intend, ids)
        if not sent:
            return None
        (call,) = _CALLS[self._asking.kind]([item.order_id for item in sent])
        error: CallError | None = None
        try:
            answers = await self._client.ask(call, before_body=lambda: refuse_stale(began, clock_readings()))
            outcomes = [answered(item, answers.get(item.order_id)) for item in sent]
        except CallError as failure:
            error, outcomes = failure, [failed(item, failure) for item in sent]
        await asyncio.to_thread(self.settle, outcomes)
        return error


def answered(item: FollowUp, answer: str | FollowUpError | None) -> Settled:
    """Return the outcome of a follow-up from the panel's answer for its order."""
    if isinstance(answer, str):
        return Settled(item, RequestMove.YES, answer)
    if isinstance(answer, FollowUpError):
        return Settled(item, RequestMove.NO, error=answer.text)
    return Settled(item, RequestMove.DOUBT, error="the panel's answer leaves this order out")


def failed(item: FollowUp, error: CallError) -> Settled:
    """Return the outcome of a follow-up whose call raised an error."""
    if error.may_have_taken_effect:
        return Settled(item, RequestMove.DOUBT, error=str(error))
    return Settled(item, RequestMove.HELD_BACK if isinstance(error, _HELD_BACK) else RequestMove.NO, error=str(error))
