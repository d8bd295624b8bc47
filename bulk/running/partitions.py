"""One sheet placed in parts at the same time: split once, each part placed by any process, results written by one.

A part is a list of journal keys that the split fixes. However often and wherever it is placed, each order is placed
once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bulk.model.options import Options
from bulk.planning.plan import Plan
from bulk.running.advice import unrecorded_words
from bulk.running.events import GuardedListener, RunListener, time_in
from bulk.running.interrupts import Interrupts
from bulk.running.run import load_campaign, plan_sheet, read
from bulk.running.session import RunSession, repeat
from smmplus.api.panel import Panel
from smmplus.commands import command
from smmplus.errors import CallError, ConfigurationError, JournalConflictError
from smmplus.journal import budgets
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain
from smmplus.orders.models import Service
from smmplus.orders.order_types import cost
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Placer, Progress, Stop
from smmplus.texts import _

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient


@dataclass(frozen=True, slots=True)
class Split:
    """A sheet whose rows are in the journal, and the keys of its parts; no parts if the plan was blocked."""

    plan: Plan
    blocked: str
    parts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """The result of a part."""

    entries: tuple[Entry, ...]
    progress: Progress


def split(options: Options, panel: Panel, journal: Journal, listener: RunListener, *, size: int) -> Split:
    """Check a sheet as a run does, write its rows into the journal, and give their keys in parts of `size`.

    Asked again, by a retry, the same sheet gives the same parts: they are cut from its batch in the journal. Sends
    nothing. Raises what `bulk.running.run.run` raises before it sends anything.
    """
    if size < 1:
        raise ConfigurationError(_("a part must have at least 1 order, not {size}", size=size))
    campaign = load_campaign(options, panel, journal, lock=True)
    plan = plan_sheet(options, panel, journal, campaign, read(options), to_place=True)
    listener.planned(plan)
    if blocked := plan.blocker.message if plan.blocker else _short(plan):
        return Split(plan, blocked, ())
    session = RunSession(options, panel, journal, listener, plan)
    session.prepare()
    keys = [] if session.batch_id is None else [entry.key for entry in journal.of_batch(session.batch_id)]
    return Split(plan, "", tuple(tuple(keys[start : start + size]) for start in range(0, len(keys), size)))


def _short(plan: Plan) -> str:
    return _("the balance is short by {amount}", amount=plain(plan.short_by)) if plan.short_by else ""


def place_part(
    options: Options, panel: Panel, journal: Journal, keys: Sequence[str], listener: RunListener
) -> PlacedPart:
    """Place the orders of a part that are planned, and give all of the part as the journal has it then.

    Parts of a campaign may be placed at the same time, here and on other machines: the journal lets each order through
    once, and the campaign's budget holds for all. Raises JournalConflictError where the journal does not know a key.
    """
    account_id = journal.ensure_account(panel.url, options.account, key=panel.key)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    journal.recover_crashed_runs()
    planned = [entry for entry in _entries(journal, campaign_id, keys) if entry.state is State.NOT_SENT]
    progress = Progress()
    if planned:
        progress = asyncio.run(_place(options, panel, journal, campaign_id, planned, GuardedListener(listener)))
    return PlacedPart(tuple(_entries(journal, campaign_id, keys)), progress)


def _entries(journal: Journal, campaign_id: int, keys: Sequence[str]) -> list[Entry]:
    known = journal.with_keys(campaign_id, keys)
    if unknown := [key for key in keys if key not in known]:
        raise JournalConflictError(
            _(
                "the journal {journal} does not have {count} of the part's orders, for example {order}: the sheet was "
                "split with another journal or for another campaign",
                journal=journal.where,
                count=len(unknown),
                order=unknown[0],
            )
        )
    return [known[key] for key in keys]


async def _place(
    options: Options, panel: Panel, journal: Journal, campaign_id: int, planned: Sequence[Entry], listener: RunListener
) -> Progress:
    from smmplus.api.async_client import AsyncClient  # noqa: PLC0415 -- a check needs no aiohttp

    with Interrupts() as stopping:
        client = AsyncClient(panel, rate=options.rate, in_flight=options.in_flight, sleep=stopping.sleep)
        async with client, CommitQueue(journal) as commits:
            placer = Placer(
                client,
                commits,
                on_placed=lambda placed: listener.placed(None, placed),
                on_wait=lambda words, seconds: listener.waiting(words, time_in(seconds)),
            )
            stopping.on_stop(lambda: placer.progress.stop_for(Stop.ASKED, _("interrupted")))
            held = await client.balance()
            await asyncio.to_thread(budgets.hold_to_currency, journal, campaign_id, held.currency)
            await _stop_if_dearer(client, planned, placer.progress)
            listener.placing(len(planned))
            done = asyncio.Event()
            look = lambda: _look_again(client, planned, placer.progress)  # noqa: E731
            looking = asyncio.create_task(repeat(options.prices_every, look, done))
            try:
                await placer.place_all([(entry.id, entry.request) for entry in planned])
            finally:
                done.set()
                await looking
                _tell_unrecorded(planned, placer.progress, listener)
    return placer.progress


def _tell_unrecorded(planned: Iterable[Entry], progress: Progress, listener: RunListener) -> None:
    """Tell the order IDs that the journal could not take now: a part has no sheet, and its machine may be gone soon."""
    for entry in planned:
        if order_id := progress.unrecorded.get(entry.id):
            settled = command("resolve", entry.name, account=entry.account, order_id=order_id)
            listener.note(unrecorded_words(entry.name, order_id, progress.rescued.get(entry.id), settled))


async def _look_again(client: "AsyncClient", planned: Iterable[Entry], progress: Progress) -> None:
    with suppress(CallError):
        await _stop_if_dearer(client, planned, progress)


async def _stop_if_dearer(client: "AsyncClient", planned: Iterable[Entry], progress: Progress) -> None:
    """Stop if a price rose since the split: a budget counts with those prices."""
    services = {service.id: service for service in await client.services()}
    if words := price_increase(planned, services):
        progress.stop_for(Stop.PRICE, words)


def price_increase(planned: Iterable[Entry], services: Mapping[str, Service]) -> str:
    """Return the first order that costs more than the journal expects, or whose service is gone; "" for none."""
    for entry in planned:
        service = services.get(entry.request.service)
        if service is None:
            return _("service {service} no longer exists", service=entry.request.service)
        if service.unusable:
            return _("service {service} cannot be ordered: {reason}", service=service.id, reason=service.unusable)
        price = cost(entry.request, service)
        if entry.cost is not None and (price is None or price > entry.cost):
            return _(
                "the cost of {order} (service {service}) changed from {before} to {now}",
                order=entry.name,
                service=service.id,
                before=plain(entry.cost),
                now=_("without a bound") if price is None else plain(price),
            )
    return ""
