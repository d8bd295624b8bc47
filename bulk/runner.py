"""The whole job: read, check, plan, place, track, write back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bulk.following import Following
from bulk.obstacles import obstacle
from bulk.options import Options
from bulk.outcome import Outcome
from bulk.plan import Place, Plan, Prices, make_plan
from bulk.reading import read_sheet
from bulk.stopping import Stopping
from bulk.watching import Watcher
from bulk.write_back import WriteBack
from smmplus.async_client import AsyncClient
from smmplus.client import Client
from smmplus.commits import Commits
from smmplus.errors import AccountError
from smmplus.journal import Journal, Planned, State
from smmplus.panel import Panel
from smmplus.placing import Order, Placer, Progress, Stop


def check(options: Options, panel: Panel, journal: Journal) -> Plan:
    """Tell what a run would do. Sends nothing, and writes nothing into the sheet."""
    sheet = read_sheet(options.path, sheet=options.sheet, encoding=options.encoding)
    return make_plan(sheet, ask_prices(options, panel), find_place(options, panel, journal), journal, options)


def run(options: Options, panel: Panel, journal: Journal, watcher: Watcher) -> Outcome:
    """Place every row of a sheet once, follow the orders, and write what is known into the sheet.

    Raises SheetError where the file cannot be used, CallError where the panel does not answer before anything was
    sent, JournalError where the journal cannot be used or another run is in the campaign.
    """
    place = _hold(options, panel, journal)
    sheet = read_sheet(options.path, sheet=options.sheet, encoding=options.encoding)
    plan = make_plan(sheet, ask_prices(options, panel), place, journal, options)
    watcher.planned(plan)
    if blocked := obstacle(plan, options):
        return _nothing_sent(plan, blocked=blocked)
    if plan.short_by:
        return _nothing_sent(plan, stop=Stop.ACCOUNT, reason=f"the balance is short by {plan.short_by}")
    if plan.sending and not watcher.confirm(plan):
        return _nothing_sent(plan, stop=Stop.ASKED, reason="not confirmed")
    job = _Job(options, panel, journal, watcher, plan)
    job.prepare()
    asyncio.run(job.place_and_follow())
    return job.finish()


def status(options: Options, panel: Panel, journal: Journal, watcher: Watcher) -> Outcome:
    """Ask once where the open orders of a sheet stand, and write it into the sheet. Places nothing."""
    plan = check(options, panel, journal)
    job = _Job(options, panel, journal, watcher, plan)
    job.watch(plan.binding.entries)
    asyncio.run(job.ask_once())
    return job.finish()


def ask_prices(options: Options, panel: Panel) -> Prices:
    """Ask for the price list and the balance. The balance comes first: it is the surest test of a key."""
    with Client(panel, rate=options.rate) as client:
        balance = client.balance()
        return Prices({service.id: service for service in client.services()}, balance)


def find_place(options: Options, panel: Panel, journal: Journal) -> Place:
    """Find a sheet's account, campaign and unfinished batch in the journal."""
    account_id = journal.account(panel.url, options.account)
    campaign_id = journal.campaign(account_id, options.campaign_name)
    batch_id = journal.unfinished_batch(campaign_id, options.source)
    return Place(account_id, campaign_id, options.campaign_name, batch_id, journal.spent(campaign_id))


def _hold(options: Options, panel: Panel, journal: Journal) -> Place:
    """Keep others out of the campaign, and bury what dead processes left, before anything is decided."""
    campaign_id = find_place(options, panel, journal).campaign_id
    journal.hold_campaign(campaign_id, wait=options.lock_wait)
    journal.bury_the_dead()
    return find_place(options, panel, journal)


def _nothing_sent(plan: Plan, *, blocked: str = "", stop: Stop | None = None, reason: str = "") -> Outcome:
    return Outcome(plan, plan.binding.entries, blocked=blocked, stop=stop, reason=reason)


@dataclass(slots=True)
class _Job:
    """A run under way. The journal is the truth; this only knows which rows it is about."""

    options: Options
    panel: Panel
    journal: Journal
    watcher: Watcher
    plan: Plan
    batch_id: int | None = None
    orders: list[Order] = field(default_factory=list)
    watched: dict[int, int] = field(default_factory=dict)
    """Row -> entry."""
    progress: Progress = field(default_factory=Progress)
    unfollowed: str = ""
    sheet_results: WriteBack | None = None

    @property
    def results(self) -> WriteBack:
        if self.sheet_results is None:
            self.sheet_results = WriteBack(self.plan, self.journal, self.watched)
        return self.sheet_results

    def watch(self, entries: Mapping[int, object]) -> None:
        bound = self.plan.binding.entries
        self.watched = {row: bound[row].id for row in entries if row in bound}

    def prepare(self) -> None:
        """Write the plan into the journal: from here on the rows to send have entries."""
        place, sending = self.plan.place, self.plan.sending
        self.watch(self.plan.binding.entries)
        self.batch_id = place.batch_id
        if not sending:
            return
        if self.batch_id is None:
            self.batch_id = self.journal.open_batch(place.campaign_id, self.options.source)
        new = [item.planned for item in sending if item.entry is None]
        again: dict[int, Planned] = {item.entry.id: item.planned for item in sending if item.entry is not None}
        self.journal.plan(place.campaign_id, self.batch_id, new, again)
        entries = self.journal.with_keys(place.campaign_id, (item.planned.key for item in sending))
        self.watched |= {item.row.number: entries[item.planned.key].id for item in sending}
        self.orders = [Order(entries[item.planned.key].id, item.row.request) for item in sending]

    async def place_and_follow(self) -> None:
        """Place, then follow, writing back every few minutes; Ctrl-C ends both in good order."""
        with Stopping() as stopping:
            async with self._client(stopping) as client, self._writing_back():
                if self.orders:
                    await self._place(client, stopping)
                if self.progress.stop is None and self.options.wait != 0:
                    await self._follow(client, stopping, self.options.wait)

    async def ask_once(self) -> None:
        with Stopping() as stopping:
            async with self._client(stopping) as client:
                await self._follow(client, stopping, 0)

    def finish(self) -> Outcome:
        """Write back for the last time, and close the batch if nothing of it is open."""
        self._write()
        entries = self.results.entries()
        settled = all(entry.state in {State.ACCEPTED, State.REJECTED} for entry in entries.values())
        if self.batch_id is not None and settled and self.results.in_place:
            self.journal.finish_batch(self.batch_id)
        rows = {entry: row for row, entry in self.watched.items()}
        return Outcome(
            self.plan,
            entries,
            stop=self.progress.stop,
            reason=self.progress.reason,
            sent=self.progress.sent,
            written=self.results.last,
            unrecorded={rows[entry]: order_id for entry, order_id in self.progress.unrecorded.items()},
            alarms=tuple(self.progress.alarms),
            unfollowed=self.unfollowed,
        )

    def _client(self, stopping: Stopping) -> AsyncClient:
        options = self.options
        return AsyncClient(self.panel, rate=options.rate, in_flight=options.in_flight, sleep=stopping.sleep)

    async def _place(self, client: AsyncClient, stopping: Stopping) -> None:
        self.watcher.placing(len(self.orders))
        async with Commits(self.journal) as commits:
            placer = Placer(client, commits, max_spend=self.options.max_spend, on_placed=self.watcher.placed)
            self.progress = placer.progress
            stopping.on_stop(lambda: placer.progress.stop_for(Stop.ASKED, "interrupted"))
            await placer.place_all(self.orders)

    async def _follow(self, client: AsyncClient, stopping: Stopping, wait: float | None) -> None:
        try:
            following = Following.of(self.results, self.journal, client, self.watcher)
            await following.until(stopping, wait=wait, pause=self.options.poll)
        except AccountError as error:
            self.progress.stop_for(Stop.ACCOUNT, str(error))
        if stopping.asked:
            self.unfollowed = "interrupted"

    @asynccontextmanager
    async def _writing_back(self) -> AsyncIterator[None]:
        done = asyncio.Event()
        task = asyncio.create_task(self._write_until(done))
        try:
            yield
        finally:
            done.set()
            await task

    async def _write_until(self, done: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(done.wait(), self.options.write_every)
            except TimeoutError:
                await asyncio.to_thread(self._write)
            else:
                return

    def _write(self) -> None:
        if (written := self.results.write(self.progress.unrecorded)) is not None:
            self.watcher.wrote(written)
