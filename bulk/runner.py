"""The whole job: read, check, plan, place, track, write back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from bulk.approval import with_fingerprint
from bulk.changes import stopping_change
from bulk.job import Job
from bulk.obstacles import obstacle
from bulk.options import Options
from bulk.outcome import Outcome
from bulk.plan import Place, Plan, Prices, make_plan
from bulk.reading import read_as
from bulk.sheet import Sheet
from bulk.watching import Watcher
from bulk.writing.kept_headers import keep_headers
from smmplus.client import Client
from smmplus.journal import budgets, checks, falls, restored
from smmplus.journal.names import normal_url
from smmplus.journal.store import Journal
from smmplus.models import Balance
from smmplus.numbers import plain
from smmplus.panel import Panel
from smmplus.placing import Stop
from smmplus.reconciling import observe

FRESH_SECONDS = 5.0
"""Prices and balance that are older than this, because the sheet is long, are read again before the first order."""


def check(options: Options, panel: Panel, journal: Journal, *, sheet: Sheet | None = None) -> Plan:
    """Tell what a run would do. Sends nothing, and writes nothing into the sheet.

    The journal keeps what would be sent under the plan's fingerprint: a run that expects it names what differs. `sheet`
    is one that is in no file.
    """
    plan, content = with_fingerprint(look(options, panel, journal, sheet=sheet))
    checks.keep(journal, plan.place.campaign_id, plan.fingerprint, content)
    return plan


def look(options: Options, panel: Panel, journal: Journal, *, sheet: Sheet | None = None) -> Plan:
    """Tell what a run would do, for no one to approve."""
    journal.recover_crashed_runs()
    sheet = sheet or read(options)
    place = find_place(options, panel, journal)
    prices = ask_prices(options, panel, journal)
    budgets.must_be_in(budgets.standing(journal, place.campaign_id), prices.balance.currency)
    return make_plan(sheet, prices, place, journal, options)


def run(
    options: Options,
    panel: Panel,
    journal: Journal,
    watcher: Watcher,
    *,
    clock: Callable[[], float] = time.monotonic,
    sheet: Sheet | None = None,
) -> Outcome:
    """Place every row of a sheet once, follow the orders, and write what is known into the sheet.

    `sheet` is one that is in no file: its results are nowhere but in the outcome.

    Raises SheetError where the file cannot be used, CallError where the panel does not answer before anything was
    sent, JournalError where the journal cannot be used or another run is in the campaign.
    """
    hold(options, panel, journal)
    sheet = sheet or read(options)
    asked = clock()
    plan = plan_held(options, panel, journal, sheet)
    watcher.planned(plan)
    if blocked := obstacle(plan, options, asks=not watcher.agreed):
        return _nothing_sent(plan, blocked=blocked)
    if plan.short_by:
        return _nothing_sent(plan, stop=Stop.FUNDS, reason=f"it is short by {plain(plan.short_by)}")
    if plan.sending and not watcher.confirm(plan):
        return _nothing_sent(plan, stop=Stop.ASKED, reason="not confirmed")
    job = Job(options, panel, journal, watcher, plan)
    job.prepare()
    # A person may have thought for long, or for a second: what they said yes to is looked at once more.
    is_fresh = watcher.agreed and clock() - asked <= FRESH_SECONDS
    if plan.sending and not is_fresh and (change := stopping_change(plan, ask_prices(options, panel, journal))):
        stop, reason = change
        return _nothing_sent(plan, stop=stop, reason=reason)
    asyncio.run(job.place_and_follow())
    return job.finish()


def status(
    options: Options, panel: Panel, journal: Journal, watcher: Watcher, *, sheet: Sheet | None = None
) -> Outcome:
    """Ask once where the open orders of a sheet stand, and write it into the sheet. Places nothing."""
    hold(options, panel, journal)
    plan = look(options, panel, journal, sheet=sheet)
    # Rows that would be sent, and what is wrong with them, are not this command's affair.
    seen = replace(plan, sending=(), problems=tuple(plan.binding.problems), warnings=())
    job = Job(options, panel, journal, watcher, seen)
    asyncio.run(job.ask_once())
    return job.finish()


def plan_held(options: Options, panel: Panel, journal: Journal, sheet: Sheet) -> Plan:
    """Plan a campaign that is held.

    A budget that a person gives is the campaign's from here on: later runs hold to it without being told.
    """
    prices = ask_prices(options, panel, journal)
    campaign_id = find_place(options, panel, journal).campaign_id
    budgets.hold_to_currency(journal, campaign_id, prices.balance.currency)
    if options.max_spend is not None:
        budgets.set_budget(journal, campaign_id, options.max_spend)
    return make_plan(sheet, prices, find_place(options, panel, journal), journal, options)


def read(options: Options) -> Sheet:
    """Read the sheet, and keep what its headers mean beside it if a person says so: only then they are all there."""
    sheet = read_as(options.path, options.how)
    if options.remember_map and sheet.headers:
        return replace(sheet, headers_from=keep_headers(options.path, sheet.headers))
    return sheet


def ask_prices(options: Options, panel: Panel, journal: Journal) -> Prices:
    """Ask for the price list and the balance, which is written down. It comes first: it is the surest test of a key."""
    account_id = journal.ensure_account(panel.url, options.account)
    with Client(panel, rate=options.rate) as client:
        seen = observe(client, journal, account_id)
        services = {service.id: service for service in client.services()}
    balance = Balance(seen.amount, seen.currency)
    return Prices(services, balance, falls.latest_fall(journal, account_id, seen))


def find_place(options: Options, panel: Panel, journal: Journal) -> Place:
    """Find a sheet's account, campaign and unfinished batch in the journal."""
    account_id = journal.ensure_account(panel.url, options.account, key=panel.key)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    batch_id = journal.latest_batch(campaign_id, options.source, finished=options.batch is not None)
    stands = budgets.standing(journal, campaign_id)
    backup = restored.unsettled(journal, campaign_id)
    return Place(
        account_id, campaign_id, stands.name, batch_id, stands.spent, stands.budget, backup, normal_url(panel.url)
    )


def hold(options: Options, panel: Panel, journal: Journal) -> None:
    """Keep others out of the campaign, and recover what crashed runs left, before anything is decided."""
    campaign_id = find_place(options, panel, journal).campaign_id
    journal.hold_campaign(campaign_id, wait=options.lock_wait)
    journal.recover_crashed_runs()


def _nothing_sent(plan: Plan, *, blocked: str = "", stop: Stop | None = None, reason: str = "") -> Outcome:
    return Outcome(plan, plan.binding.entries, blocked=blocked, stop=stop, reason=reason)
