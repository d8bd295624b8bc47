"""The whole job: read, check, plan, place, track, write back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from bulk.job import Job
from bulk.obstacles import obstacle
from bulk.options import Options
from bulk.outcome import Outcome
from bulk.plan import Place, Plan, Prices, dearer, make_plan
from bulk.reading import read_sheet
from bulk.watching import Watcher
from smmplus.client import Client
from smmplus.journal import Journal
from smmplus.numbers import plain
from smmplus.panel import Panel
from smmplus.placing import Stop

FRESH_SECONDS = 60.0
"""Prices older than this, because a person took time to decide, are read again before money is spent."""


def check(options: Options, panel: Panel, journal: Journal) -> Plan:
    """Tell what a run would do. Sends nothing, and writes nothing into the sheet."""
    journal.bury_the_dead()
    sheet = read_sheet(options.path, sheet=options.sheet, encoding=options.encoding)
    return make_plan(sheet, ask_prices(options, panel), find_place(options, panel, journal), journal, options)


def run(
    options: Options, panel: Panel, journal: Journal, watcher: Watcher, *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
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
        return _nothing_sent(plan, stop=Stop.FUNDS, reason=f"it is short by {plain(plan.short_by)}")
    shown = clock()
    if plan.sending and not watcher.confirm(plan):
        return _nothing_sent(plan, stop=Stop.ASKED, reason="not confirmed")
    if clock() - shown > FRESH_SECONDS and (rose := dearer(plan, ask_prices(options, panel).services)):
        return _nothing_sent(plan, stop=Stop.PRICE, reason=rose)
    job = Job(options, panel, journal, watcher, plan)
    job.prepare()
    asyncio.run(job.place_and_follow())
    return job.finish()


def status(options: Options, panel: Panel, journal: Journal, watcher: Watcher) -> Outcome:
    """Ask once where the open orders of a sheet stand, and write it into the sheet. Places nothing."""
    _hold(options, panel, journal)
    plan = check(options, panel, journal)
    # Rows that would be sent, and what is wrong with them, are not this command's affair.
    seen = replace(plan, sending=(), problems=tuple(plan.binding.problems))
    job = Job(options, panel, journal, watcher, seen)
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
