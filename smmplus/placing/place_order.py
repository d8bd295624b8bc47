"""Place one order under a key of the caller's own: the same key is the same order, however often it is asked for.

A call goes through these steps:

1. The journal is asked for the key. If it has an order under it, that order is the answer, and nothing is sent. The
   same key for something else is an error: one of the two would be lost, or ordered twice.
2. A key that is new to a journal restored from a backup is not sent before a person confirms that it was not placed.
3. The request is checked against the panel's services, and the balance is read. It is evidence if the order comes into
   doubt.
4. The order is written into the journal as planned, and placed by `smmplus.placing.placer`.
5. The outcome is read from the journal: an accepted order is returned, everything else is an error that says what to
   do.

After a crash, a retry or a restart, the caller calls again with the same key.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal

from smmplus.api.async_client import AsyncClient
from smmplus.api.error_texts import Meaning
from smmplus.commands import command, local_time
from smmplus.errors import (
    CallError,
    ConfigurationError,
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
from smmplus.journal.maintenance.restore import unconfirmed_backup
from smmplus.journal.state_machine import State
from smmplus.orders.models import Balance, OrderRequest, Service
from smmplus.orders.order_types import cost
from smmplus.orders.validation import problems
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Placer
from smmplus.texts import _, marked

BALANCE_SECONDS = 5.0
"""How long to wait for the balance after an order came into doubt."""


async def place_order(
    client: AsyncClient,
    journal: Journal,
    *,
    key: str,
    campaign: str,
    service: str | int,
    account: str = "default",
    max_spend: Decimal | None = None,
    retry_refused: bool = False,
    **fields: str | int | None,
) -> Entry:
    """Place an order once, and return its entry in the journal; the entry has the `order_id`.

    `key` identifies the order among those of its campaign, such as "invoice 4711": a call with a key that was ordered
    returns that order. `campaign` is the name whose budget the order counts against, `account` the name that the
    journal has for the client's API key. `service`, `link`, `quantity` and the other `fields` are those of the API.

    `max_spend` limits what the campaign may spend in all. An order that the panel refused is sent again; with
    `retry_refused` also one that was refused for a reason that is not known.

    Raises:
        OrderRefusedError: the order is not valid, or the panel refused it.
        OrderInDoubtError: it is not known whether it was placed. It is not sent again before a person resolves it.
        OrderHeldBackError: it was not sent. A later call may place it.
        JournalConflictError: the key belongs to another order, or the API key to another account.
        JournalInUseError: another process is sending it.
        JournalError: the journal cannot be used. Nothing was sent.
        ConfigurationError: `key` or `campaign` is not a valid name.

    """
    if not _is_amount(max_spend):
        raise ConfigurationError(f"max_spend is {max_spend!r}: pass a Decimal, such as Decimal('25.00')")
    if not key.strip() or "/" in key or not campaign.strip():
        raise ConfigurationError(
            _(
                "campaign {campaign!r}, key {key!r}: neither may be blank, nor the key have a slash",
                campaign=campaign,
                key=key,
            )
        )
    return await place_request(
        client,
        journal,
        OrderRequest.of(service, fields),
        key=key,
        account=account,
        campaign=campaign,
        source="Python",
        max_spend=max_spend,
        retry_refused=retry_refused,
    )


async def place_request(
    client: AsyncClient,
    journal: Journal,
    request: OrderRequest,
    *,
    key: str,
    account: str,
    campaign: str,
    source: str,
    max_spend: Decimal | None = None,
    retry_refused: bool = False,
    check_cost: Callable[[Decimal | None], None] = lambda _: None,
) -> Entry:
    """Place an order as `place_order` does; `source` names the place that it comes from, such as a task.

    `check_cost` is called with the cost before anything is written, and raises to send nothing.
    """
    account_id = journal.ensure_account(client.panel.url, account, key=client.panel.key)
    journal.recover_crashed_runs()
    campaign_id = journal.ensure_campaign(account_id, campaign)
    entry = find_order(journal, campaign_id, key, request)
    if entry is None:
        _must_be_new(journal, campaign_id, f"{campaign}/{key}", request)
    if entry is None or _is_sent_again(entry, retry_refused=retry_refused):
        price = _cost(request, {service.id: service for service in await client.services()})
        check_cost(price)
        held = await _read_balance(client, journal, account_id)
        # Only now the account counts as used: of two names of one account at once, the later one stops here.
        journal.ensure_account(client.panel.url, account, key=client.panel.key)
        budgets.hold_to_currency(journal, campaign_id, held.currency)
        entry = _plan(journal, campaign_id, source, Planned(key, request, price), entry)
    reason = ""
    if entry.state is State.NOT_SENT:
        reason = await _place(client, journal, entry, max_spend)
        entry = journal.with_ids([entry.id])[entry.id]
        if entry.state is State.IN_DOUBT:
            await _read_balance_after_doubt(client, journal, account_id)
    return _accepted(entry, reason)


def find_order(journal: Journal, campaign_id: int, key: str, request: OrderRequest) -> Entry | None:
    """Find an order by its key; None if it is new. JournalConflictError if the key is that of another order."""
    found = journal.with_keys(campaign_id, [key]).get(key)
    if found is not None and found.fingerprint != request.fingerprint:
        raise JournalConflictError(
            _(
                "The key {order} belongs to another order: service {service}, {fields}. This call asks for service "
                "{new_service}, {new_fields}. Nothing was sent. Use another key for the changed order",
                order=found.name,
                service=found.request.service,
                fields=_fields(found.request),
                new_service=request.service,
                new_fields=_fields(request),
            )
        )
    return found


async def _read_balance(client: AsyncClient, journal: Journal, account_id: int) -> Balance:
    """Read and record the balance: it is evidence if the order comes into doubt."""
    before = balances.accepted(journal, account_id)
    held = await client.balance()
    balances.record(journal, account_id, held, before)
    return held


async def _read_balance_after_doubt(client: AsyncClient, journal: Journal, account_id: int) -> None:
    # The doubt must be reported even if this fails.
    with suppress(CallError, JournalError, TimeoutError):
        async with asyncio.timeout(BALANCE_SECONDS):
            await _read_balance(client, journal, account_id)


def _must_be_new(journal: Journal, campaign_id: int, name: str, request: OrderRequest) -> None:
    """Refuse an order that is new to a restored journal, before a person confirms that it was not placed."""
    backup = unconfirmed_backup(journal, campaign_id)
    if backup is not None:
        raise OrderInDoubtError(
            _(
                "{order} (service {service}, {fields}) is new to this journal, which {backup}. The order may have been "
                "placed since that backup. It was not sent. Check the panel's order page. If no order placed since "
                "then will be asked for again, run `{command}`",
                order=name,
                service=request.service,
                fields=_fields(request),
                backup=backup.words,
                command=command("journal settle"),
            )
        )


def _plan(journal: Journal, campaign_id: int, source: str, planned: Planned, entry: Entry | None) -> Entry:
    """Write the order into the journal as planned, and return its entry."""
    if entry is None:
        batch_id = journal.latest_batch(campaign_id, source)
        batch_id = journal.open_batch(campaign_id, source) if batch_id is None else batch_id
        new, again = [planned], {}
    else:
        batch_id, new, again = entry.batch_id, [], {entry.id: planned}
    try:
        journal.plan(campaign_id, batch_id, new, again)
    except JournalError:
        # Another caller planned the same key first: the outcome of its order is the answer to both.
        if (other := find_order(journal, campaign_id, planned.key, planned.request)) in {None, entry}:
            raise
        return other
    return journal.with_keys(campaign_id, [planned.key])[planned.key]


def _is_sent_again(entry: Entry, *, retry_refused: bool) -> bool:
    if entry.state is State.REJECTED:
        return retry_refused or entry.meaning != Meaning.UNKNOWN.name
    return entry.state is State.NOT_SENT


def _cost(request: OrderRequest, services: Mapping[str, Service]) -> Decimal | None:
    service = services.get(request.service)
    wrong = problems(request, service)
    if wrong or service is None:
        words = "; ".join(f"{problem.field}: {problem.message} ({problem.remedy})" for problem in wrong)
        text = marked("Nothing was sent. Service {service}, {fields}: {problems}")
        raise OrderRefusedError(_(text, service=request.service, fields=_fields(request), problems=words))
    return cost(request, service)


async def _place(client: AsyncClient, journal: Journal, entry: Entry, max_spend: Decimal | None) -> str:
    """Place a planned order; return why it was held back, or "" if it was not."""
    async with CommitQueue(journal) as commits:
        placer = Placer(client, commits, max_spend=max_spend)
        placed = await placer.place(entry.id, entry.request)
    return placer.progress.reason or (placed.error if placed is not None else "")


def _accepted(entry: Entry, reason: str) -> Entry:
    """Return an accepted entry; raise the error of every other one."""
    about = _(
        "{order} (service {service}, {fields})",
        order=entry.name,
        service=entry.request.service,
        fields=_fields(entry.request),
    )
    match entry.state:
        case State.PLACED:
            return entry
        case State.REJECTED:
            unknown = entry.meaning == Meaning.UNKNOWN.name
            text = marked("{order} was rejected by the panel: {error}")
            if unknown:
                text = marked(
                    "{order} was rejected by the panel: {error}. This reason is not known. If it was not ordered, "
                    "retry_refused=True sends it again"
                )
            raise OrderRefusedError(_(text, order=about, error=entry.error))
        case State.IN_DOUBT:
            raise OrderInDoubtError(
                _(
                    "{order} is in doubt since {time}: {error}. It is not sent again. `{doubts}` shows the evidence. "
                    "If it was placed: `{placed}`. If it was not: `{not_placed}`",
                    order=about,
                    time=local_time(entry.sent_at),
                    error=entry.error,
                    doubts=command("doubts"),
                    placed=_resolve(entry, order_id="NUMBER"),
                    not_placed=_resolve(entry, not_placed=True),
                )
            )
        case State.SENDING:
            raise JournalInUseError(_("{order} is being sent by another process. Wait until it has ended", order=about))
        case State.NOT_SENT:
            reason = reason or _("the run has ended")
            raise OrderHeldBackError(_("{order} was not sent: {reason}", order=about, reason=reason))


def _is_amount(value: object) -> bool:
    return value is None or (isinstance(value, Decimal) and value.is_finite())


def _resolve(entry: Entry, *, order_id: str | None = None, not_placed: bool = False) -> str:
    return command("resolve", entry.name, account=entry.account, order_id=order_id, not_placed=not_placed)


def _fields(request: OrderRequest) -> str:
    return ", ".join(f"{name} {value}" for name, value in request.fields)
