"""The part of a run that changes something: rows into the journal, orders placed and tracked, the sheet written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.planning.blockers import rows_in_backup_gap, service_change
from bulk.planning.plan import Plan, Prices
from bulk.running.events import GuardedListener, RunListener, time_in
from bulk.running.interrupts import Interrupts
from bulk.running.result import RunResult
from bulk.running.tracking import OrderTracking
from bulk.running.write_from_journal import WriteBack
from smmplus.api.panel import Panel
from smmplus.errors import AccountError, AddressError, CallError, JournalError
from smmplus.journal import balances, budgets
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance import restore
from smmplus.journal.queries import declare_final
from smmplus.journal.refills_and_cancels import FollowUp
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import minus, plain, total
from smmplus.orders.models import Balance, OrderRequest
from smmplus.placing.commit_queue import CommitQueue
from smmplus.placing.placer import Placer, Progress, Stop
from smmplus.placing.tracking import poll_refills
from smmplus.texts import _, counted

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

LOOK_SECONDS = 60.0
"""Seconds that prices and balance may take while orders are placed; the end of placing waits for them."""

LAST_LOOK_SECONDS = 5.0
"""Seconds that the balance after placing may take: a person who pressed Ctrl-C waits for it."""


@dataclass(slots=True)
class RunSession:
    """Carries out a plan. The journal is the truth; a session only knows which rows it is about."""

    options: Options
    panel: Panel
    journal: Journal
    listener: RunListener
    plan: Plan
    batch_id: int | None = None
    orders: list[tuple[int, OrderRequest]] = field(default_factory=list)
    watched: dict[int, int] = field(default_factory=dict)
    """Row -> entry."""
    progress: Progress = field(default_factory=Progress)
    unfollowed: str = ""
    unwritten: str = ""
    balance: Balance | None = None
    results: WriteBack = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the rows that the journal knows."""
        self.listener = GuardedListener(self.listener)
        self.watched = {row: entry.id for row, entry in self.plan.matching.entries.items()}
        plan, colours = self.plan, self.options.colours
        self.results = WriteBack(plan.sheet, plan.problems, self.journal, self.watched, colours=colours)

    def prepare(self) -> None:
        """Write the plan into the journal: from here on the rows to send have entries."""
        campaign, sending = self.plan.campaign, self.plan.to_send
        self.batch_id = campaign.batch_id
        if not sending:
            return
        if rows_in_backup_gap(self.plan):  # a person confirmed them, or the run had ended before
            restore.confirm_restored(self.journal, campaign.campaign_id)
        if self.batch_id is None:
            self.batch_id = self.journal.open_batch(campaign.campaign_id, self.options.source)
        new = [item.planned for item in sending if item.entry is None]
        again: dict[int, Planned] = {item.entry.id: item.planned for item in sending if item.entry is not None}
        self.journal.plan(campaign.campaign_id, self.batch_id, new, again)
        numbers = self.journal.numbers_of(campaign.campaign_id, (item.planned.key for item in sending))
        self.watched.update({item.row.number: numbers[item.planned.key] for item in sending})
        self.orders = [(numbers[item.planned.key], item.row.request) for item in sending]

    async def place_and_track(self) -> None:
        """Place, then track, and write results every few minutes. Ctrl-C ends both in good order."""
        with Interrupts() as stopping:
            async with self._client(stopping) as client, self._meanwhile(self.options.write_every, self._write_aside):
                stopping.on_impatience(
                    lambda: self.listener.note(_still_waited_for(self.progress, client.max_call_seconds))
                )
                if self.orders:
                    await self._place(client, stopping)
                if self.progress.stop is None and self.options.wait != 0:
                    await self._follow(client, stopping, self.options.wait)

    async def track(self) -> None:
        """Ask for the statuses of the open orders, at least once."""
        with Interrupts() as stopping:
            async with self._client(stopping) as client, self._meanwhile(self.options.write_every, self._write_aside):
                await self._follow(client, stopping, self.options.wait)

    def finish(self) -> RunResult:
        """Write the results for the last time, and finish the batch if nothing of it is open."""
        self._write()
        entries, refills = dict(self.plan.matching.entries), dict[int, FollowUp]()
        try:
            entries = self.results.entries()
            refills = self.results.refills()
            self._close_batch(entries)
        except JournalError as error:
            # Order ids that the journal could not take must still be reported.
            self.progress.stop_for(Stop.JOURNAL, str(error))
        rows = {entry: row for row, entry in self.watched.items()}
        return RunResult(
            self.plan,
            entries,
            stop=self.progress.stop,
            reason=self.progress.reason,
            sent=self.progress.sent,
            written=self.results.last,
            unrecorded={rows[entry]: order_id for entry, order_id in self.progress.unrecorded.items()},
            rescued={rows[entry]: path for entry, path in self.progress.rescued.items()},
            alarms=tuple(self.progress.alarms),
            held={rows[entry]: words for entry, words in self.progress.held_back.items()},
            unfollowed=self.unfollowed,
            unwritten=self.unwritten,
            refills=refills,
            balance=self.balance,
        )

    def _close_batch(self, entries: Mapping[int, Entry]) -> None:
        # Orders without a row count, too: the next run of the sheet must find an order in doubt again.
        known = [*entries.values(), *self.plan.matching.missing]
        settled = all(entry.state in {State.PLACED, State.REJECTED} for entry in known)
        done = settled and not self.plan.deferred and self.results.in_place and not self.unwritten
        if self.batch_id is not None and done:
            self.journal.finish_batch(self.batch_id)

    def _client(self, stopping: Interrupts) -> "AsyncClient":
        from smmplus.api.async_client import AsyncClient  # noqa: PLC0415 -- a check needs no aiohttp

        options = self.options
        return AsyncClient(self.panel, rate=options.rate, in_flight=options.in_flight, sleep=stopping.sleep)

    async def _place(self, client: "AsyncClient", stopping: Interrupts) -> None:
        self.listener.placing(len(self.orders))
        rows = {entry: row for row, entry in self.watched.items()}
        async with CommitQueue(self.journal) as commits:
            placer = Placer(
                client,
                commits,
                # A campaign that a person named is placed whatever other campaigns have.
                twins=frozenset(self.watched.values()) if self.options.campaign is None else None,
                on_placed=lambda placed: self.listener.placed(rows[placed.entry], placed),
                on_wait=lambda words, seconds: self.listener.waiting(words, time_in(seconds)),
            )
            self.progress = placer.progress
            stopping.on_stop(lambda: placer.progress.stop_for(Stop.ASKED, _("interrupted")))
            async with self._meanwhile(self.options.prices_every, lambda: self._look_again(client)):
                await placer.place_all(self.orders)
        if self.progress.sent:
            await self._look_at_the_end(client)

    async def _look_again(self, client: "AsyncClient") -> None:
        """Stop if the panel charges more than was shown; report if the balance will not last, and continue."""
        with suppress(CallError, JournalError, TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                services = {service.id: service for service in await client.services()}
                held = await self._read_balance(client)
            # In a thread: every row of a large sheet may be checked again, and answers are waiting.
            if change := await asyncio.to_thread(service_change, self.plan, Prices(services, held)):
                self.progress.stop_for(*change)
            left = await asyncio.to_thread(self._left_to_send)
            if left > held.amount:
                words = _(
                    "the balance is {balance} {currency}, but the orders still to send cost {cost}: orders are placed "
                    "until the panel rejects one for lack of funds",
                    balance=plain(held.amount),
                    currency=held.currency,
                    cost=plain(left),
                )
                self.listener.note(words)

    async def _look_at_the_end(self, client: "AsyncClient") -> None:
        """Read the balance after placing: it is evidence for orders in doubt.

        It is added to a refusal of the account: a reseller may pass on that its account at the supplier is empty.
        """
        try:
            async with asyncio.timeout(LAST_LOOK_SECONDS):
                self.balance = held = await self._read_balance(client)
        except (CallError, JournalError, TimeoutError) as error:
            reason = str(error) or _("no answer in time")
            self.listener.note(_("the balance after placing could not be read: {reason}", reason=reason))
            return
        if self.progress.stop is Stop.ACCOUNT:
            amount, currency = plain(held.amount), held.currency
            self.progress.reason += _("; the balance is {balance} {currency}", balance=amount, currency=currency)

    async def _read_balance(self, client: "AsyncClient") -> Balance:
        account_id = self.plan.campaign.account_id
        before = await asyncio.to_thread(balances.accepted, self.journal, account_id)
        held = await client.balance()
        await asyncio.to_thread(balances.record, self.journal, account_id, held, before)
        return held

    def _left_to_send(self) -> Decimal:
        """Return the cost of what is still to be sent, as far as the budget allows."""
        entries = self.journal.with_ids(entry for entry, _request in self.orders).values()
        left = total(entry.cost or Decimal(0) for entry in entries if entry.state is State.NOT_SENT)
        campaign_id = self.plan.campaign.campaign_id
        budget = budgets.budget(self.journal, campaign_id)
        return left if budget is None else min(left, minus(budget, self.journal.spent(campaign_id)))

    async def _follow(self, client: "AsyncClient", stopping: Interrupts, wait: float | None) -> None:
        try:
            if self.options.final:
                await asyncio.to_thread(self._declare_final)
            if fault := await poll_refills(client, self.journal, self.watched.values()):
                self.listener.note(_("the statuses of refills could not be read: {error}", error=fault))
            following = OrderTracking.of(self.results, self.journal, client, self.listener)
            await following.until(stopping, wait=wait, pause=self.options.poll)
            self.unfollowed = following.unread if following.fault is None else str(following.fault)
        except AccountError as error:
            self.progress.stop_for(Stop.ACCOUNT, str(error))
        except AddressError as error:
            self.progress.stop_for(Stop.ADDRESS, str(error))
        except JournalError as error:  # what was placed must still be written into the sheet
            self.progress.stop_for(Stop.JOURNAL, str(error))
        if stopping.asked:
            self.unfollowed = _("interrupted")

    def _declare_final(self) -> None:
        with self.journal.transaction() as connection:
            declare_final(connection, self.plan.campaign.account_id, self.options.final)

    @asynccontextmanager
    async def _meanwhile(self, every: float, do: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Do something every so many seconds while the body runs."""
        done = asyncio.Event()
        task = asyncio.create_task(repeat(every, do, done))
        try:
            yield
        finally:
            done.set()
            await task

    async def _write_aside(self) -> None:
        await asyncio.to_thread(self._write)

    def _write(self) -> None:
        try:
            written = self.results.write(self.progress.unrecorded)
        except (SheetError, JournalError) as error:
            self.unwritten = str(error)
            self.listener.note(_("the results could not be written: {error}", error=error))
        else:
            self.unwritten = ""
            if written is not None:
                self.listener.wrote(written)


def _still_waited_for(progress: Progress, longest: float) -> str:
    """Return what a run that was asked to stop still waits for."""
    if not progress.under_way:
        return _("No order is being sent; results are being written. Press Ctrl-C again to end at once")
    return _(
        "Waiting up to {seconds:.0f} seconds for the panel's answer to {orders} that it may have placed. Press Ctrl-C "
        "again to end at once and leave them in doubt",
        seconds=longest,
        orders=counted(progress.under_way, "order"),
    )


async def repeat(every: float, do: Callable[[], Awaitable[None]], done: asyncio.Event) -> None:
    """Do something every so many seconds until `done` is set; the one under way is waited for."""
    while True:
        try:
            await asyncio.wait_for(done.wait(), every)
        except TimeoutError:
            await do()
        else:
            return
