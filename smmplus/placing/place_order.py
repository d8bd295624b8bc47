"""One order under a key of the caller's own: placed once, and taken up whenever it is asked for again.

    entry = await place_once(client, journal, ticket)

Who asks again under the same key, after a crash, a retry or a restart, gets the same order. The same key for something
else is an error: it would be lost, or ordered twice.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from smmplus.api.async_client import AsyncClient
from smmplus.api.error_texts import Meaning
from smmplus.commands import command
from smmplus.errors import (
    CallError,
    JournalConflictError,
    JournalError,
    JournalInUseError,
    OrderHeldBackError,
    OrderInDoubtError,
    OrderRefusedError,
)
from smmplus.journal import balances, budgets
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.restore import unsettled
from smmplus.journal.state_machine import State
from smmplus.orders.models import Balance, OrderRequest, Service
from smmplus.orders.order_types import cost
from smmplus.orders.validation import problems
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Order, Placer

LOOK_SECONDS = 5.0
"""How long the balance after a doubt may take."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order that somebody wants exactly once, however often it is asked for."""

    account: str
    campaign: str
    source: str
    """Where it comes from, for people: a task's name."""
    key: str
    """Who it is, among the campaign's orders; without a slash."""
    request: OrderRequest


async def place_order(
    client: AsyncClient,
    journal: Journal,
    ticket: Ticket,
    *,
    max_spend: Decimal | None = None,
    retry_refused: bool = False,
) -> Entry:
    """Place an order, or take it up, and give its accepted entry.

    `max_spend` bounds what the campaign may spend in all. An order that was refused before is sent again: somebody asks
    for it anew; one refused with a text that is in no list only with `retry_refused`.

    Raises OrderRefusedError where the panel refused it, OrderInDoubtError where nobody knows whether it was placed (or
    the journal was restored since, and does not know the key),
    OrderHeldBackError where it was not sent and may be later, JournalConflictError where the key is another order's
    or the API key another account's, JournalInUseError where a live process is sending it, JournalError where the
    journal cannot be used.
    """
    journal.ensure_account(client.panel.url, ticket.account, key=client.panel.key)
    journal.recover_crashed_runs()
    entry = known(journal, client.panel.url, ticket)
    if entry is None:
        _must_be_new(journal, client.panel.url, ticket)
    if entry is None or _is_sent_again(entry, retry_refused=retry_refused):
        price = _cost(ticket.request, {service.id: service for service in await client.services()})
        held = await _read_balance(client, journal, ticket)
        budgets.hold_to_currency(journal, _campaign(client, journal, ticket), held.currency)
        entry = _plan(client, journal, ticket, price, entry)
    reason = ""
    if entry.state is State.PLANNED:
        reason = await _place(client, journal, Order(entry.id, ticket.request), max_spend)
        entry = journal.with_ids([entry.id])[entry.id]
        if entry.state is State.IN_DOUBT:
            await _look_after_a_doubt(client, journal, ticket)
    return _accepted(entry, reason)


async def _read_balance(client: AsyncClient, journal: Journal, ticket: Ticket) -> Balance:
    """Ask what the account holds, and write it down: it is evidence where the order comes into doubt."""
    account_id = journal.ensure_account(client.panel.url, ticket.account)
    before = balances.accepted(journal, account_id)
    held = await client.balance()
    balances.record(journal, account_id, held, before)
    return held


async def _look_after_a_doubt(client: AsyncClient, journal: Journal, ticket: Ticket) -> None:
    """Read the balance once more, bounded in time; the doubt is told, whatever comes of it."""
    with suppress(CallError, JournalError, TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            await _read_balance(client, journal, ticket)


def known(journal: Journal, url: str, ticket: Ticket) -> Entry | None:
    """Give what the journal knows of a ticket; None where it was never asked for. JournalConflictError as above."""
    account_id = journal.ensure_account(url, ticket.account)
    found = journal.with_keys(journal.ensure_campaign(account_id, ticket.campaign), [ticket.key]).get(ticket.key)
    if found is not None and found.fingerprint != ticket.request.fingerprint:
        raise JournalConflictError(
            f"{found.name} is an order for something else: service {found.request.service}, "
            f"{_fields(found.request)}; asked for now: service {ticket.request.service}, {_fields(ticket.request)}. "
            "Give the changed order a key of its own, or ask for what it was"
        )
    return found


def _must_be_new(journal: Journal, url: str, ticket: Ticket) -> None:
    """Refuse a ticket that is new to a restored journal, until a person has said that it was not placed before."""
    backup = unsettled(journal, journal.ensure_campaign(journal.ensure_account(url, ticket.account), ticket.campaign))
    if backup is not None:
        raise OrderInDoubtError(
            f"{ticket.campaign}/{ticket.key} (service {ticket.request.service}, {_fields(ticket.request)}) is new to "
            f"this journal, which {backup.words}: it may have been placed since, and was not sent. Look at the panel's "
            "order page; when nothing placed since then will be asked for again, say `smmplus journal settle`"
        )


def _plan(client: AsyncClient, journal: Journal, ticket: Ticket, price: Decimal | None, entry: Entry | None) -> Entry:
    """See to it that the ticket has a planned entry."""
    planned = Planned(ticket.key, ticket.request, price)
    campaign_id = _campaign(client, journal, ticket)
    if entry is None:
        batch_id = journal.latest_batch(campaign_id, ticket.source)
        batch_id = journal.open_batch(campaign_id, ticket.source) if batch_id is None else batch_id
        new, again = [planned], {}
    else:
        batch_id, new, again = entry.batch_id, [], {entry.id: planned}
    try:
        journal.plan(campaign_id, batch_id, new, again)
    except JournalError:
        # Somebody else who asks for the same was quicker: what became of theirs is what is asked for.
        if (theirs := known(journal, client.panel.url, ticket)) in {None, entry}:
            raise
        return theirs
    return journal.with_keys(campaign_id, [ticket.key])[ticket.key]


def _campaign(client: AsyncClient, journal: Journal, ticket: Ticket) -> int:
    return journal.ensure_campaign(journal.ensure_account(client.panel.url, ticket.account), ticket.campaign)


def _is_sent_again(entry: Entry, *, retry_refused: bool) -> bool:
    if entry.state is State.REJECTED:
        return retry_refused or entry.meaning != Meaning.UNKNOWN.name
    return entry.state is State.PLANNED


def _cost(request: OrderRequest, services: Mapping[str, Service]) -> Decimal | None:
    service = services.get(request.service)
    wrong = problems(request, service)
    if wrong or service is None:
        words = "; ".join(f"{problem.field}: {problem.message} ({problem.remedy})" for problem in wrong)
        raise OrderRefusedError(f"service {request.service}, {_fields(request)}: {words}. Nothing was sent")
    return cost(request, service)


async def _place(client: AsyncClient, journal: Journal, order: Order, max_spend: Decimal | None) -> str:
    """Place one order, and give the reason why it was held back, if it was."""
    async with CommitQueue(journal) as commits:
        placer = Placer(client, commits, max_spend=max_spend)
        placed = await placer.place(order)
    return placer.progress.reason or (placed.error if placed is not None else "")


def _accepted(entry: Entry, reason: str) -> Entry:
    about = f"{entry.name} (service {entry.request.service}, {_fields(entry.request)})"
    match entry.state:
        case State.ACCEPTED:
            return entry
        case State.REJECTED:
            unknown = entry.meaning == Meaning.UNKNOWN.name
            way = ". This text is not known: if it was not ordered, it is sent again with retry_refused=True only"
            raise OrderRefusedError(f"{about} was refused by the panel: {entry.error}{way if unknown else ''}")
        case State.IN_DOUBT:
            raise OrderInDoubtError(
                f"{about} is in doubt since {(entry.sent_at or '')[:19]} UTC: {entry.error}. It is not sent again; "
                f"`{command('doubts')}` shows the evidence. If it was placed: `{_resolve(entry, order_id='NUMBER')}`. "
                f"If it was not: `{_resolve(entry, not_placed=True)}`"
            )
        case State.SUBMITTING:
            raise JournalInUseError(f"{about} is being sent by another process: wait for it")
        case State.PLANNED:
            raise OrderHeldBackError(f"{about} was not sent: {reason or 'the run has ended'}")


def _resolve(entry: Entry, *, order_id: str | None = None, not_placed: bool = False) -> str:
    return command("resolve", entry.name, account=entry.account, order_id=order_id, not_placed=not_placed)


def _fields(request: OrderRequest) -> str:
    return ", ".join(f"{name} {value}" for name, value in request.fields)
