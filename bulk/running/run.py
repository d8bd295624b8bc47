"""The whole job: read, check, plan, place, track, write back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from bulk.model.options import Options
from bulk.model.sheet import Sheet
from bulk.planning.approval import with_fingerprint
from bulk.planning.blockers import blocker, blocking_change
from bulk.planning.plan import CampaignContext, Plan, Prices, build_plan
from bulk.reading import read_as
from bulk.reading.saved_headers import keep_headers
from bulk.running.events import RunListener
from bulk.running.result import RunResult
from bulk.running.session import RunSession
from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.journal import budgets, sheet_checks
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance import restore
from smmplus.journal.normal_forms import normal_url
from smmplus.orders.decimals import plain
from smmplus.orders.models import Balance
from smmplus.placing.placer import Stop
from smmplus.reconciliation import balance_drops
from smmplus.reconciliation.reconcile import observe

FRESH_SECONDS = 5.0
"""Prices and balance that are older than this, because the sheet is long, are read again before the first order."""


def check(options: Options, panel: Panel, journal: Journal, *, sheet: Sheet | None = None) -> Plan:
    """Tell what a run would do. Sends nothing, and writes nothing into the sheet.

    The journal keeps what would be sent under the plan's fingerprint: a run that expects it names what differs. `sheet`
    is one that is in no file.
    """
    plan, content = with_fingerprint(look(options, panel, journal, sheet=sheet))
    sheet_checks.keep(journal, plan.campaign.campaign_id, plan.fingerprint, content)
    return plan


def look(options: Options, panel: Panel, journal: Journal, *, sheet: Sheet | None = None) -> Plan:
    """Tell what a run would do, for no one to approve."""
    journal.recover_crashed_runs()
    sheet = sheet or read(options)
    campaign = load_campaign(options, panel, journal)
    prices = ask_prices(options, panel, journal)
    budgets.must_be_in(budgets.standing(journal, campaign.campaign_id), prices.balance.currency)
    return build_plan(sheet, prices, campaign, journal, options)


def run(
    options: Options,
    panel: Panel,
    journal: Journal,
    watcher: RunListener,
    *,
    clock: Callable[[], float] = time.monotonic,
    sheet: Sheet | None = None,
) -> RunResult:
    """Place every row of a sheet once, follow the orders, and write what is known into the sheet.

    `sheet` is one that is in no file: its results are nowhere but in the outcome.

    Raises SheetError where the file cannot be used, CallError where the panel does not answer before anything was
    sent, JournalError where the journal cannot be used or another run is in the campaign.
    """
    lock_campaign(options, panel, journal)
    sheet = sheet or read(options)
    asked = clock()
    plan = plan_held(options, panel, journal, sheet)
    watcher.planned(plan)
    if blocked := blocker(plan, options, asks=not watcher.agreed):
        return _nothing_sent(plan, blocked=blocked)
    if plan.short_by:
        return _nothing_sent(plan, stop=Stop.FUNDS, reason=f"it is short by {plain(plan.short_by)}")
    if plan.to_send and not watcher.confirm(plan):
        return _nothing_sent(plan, stop=Stop.ASKED, reason="not confirmed")
    job = RunSession(options, panel, journal, watcher, plan)
    job.prepare()
    # A person may have thought for long, or for a second: what they said yes to is looked at once more.
    is_fresh = watcher.agreed and clock() - asked <= FRESH_SECONDS
    if plan.to_send and not is_fresh and (change := blocking_change(plan, ask_prices(options, panel, journal))):
        stop, reason = change
        return _nothing_sent(plan, stop=stop, reason=reason)
    asyncio.run(job.place_and_follow())
    return job.finish()


def status(
    options: Options, panel: Panel, journal: Journal, watcher: RunListener, *, sheet: Sheet | None = None
) -> RunResult:
    """Ask once where the open orders of a sheet stand, and write it into the sheet. Places nothing."""
    lock_campaign(options, panel, journal)
    plan = look(options, panel, journal, sheet=sheet)
    # Rows that would be sent, and what is wrong with them, are not this command's affair.
    seen = replace(plan, to_send=(), problems=tuple(plan.matching.problems), warnings=())
    job = RunSession(options, panel, journal, watcher, seen)
    asyncio.run(job.ask_once())
    return job.finish()


def plan_held(options: Options, panel: Panel, journal: Journal, sheet: Sheet) -> Plan:
    """Plan a campaign that is held.

    A budget that a person gives is the campaign's from here on: later runs hold to it without being told.
    """
    prices = ask_prices(options, panel, journal)
    campaign_id = load_campaign(options, panel, journal).campaign_id
    budgets.hold_to_currency(journal, campaign_id, prices.balance.currency)
    if options.max_spend is not None:
        budgets.set_budget(journal, campaign_id, options.max_spend)
    return build_plan(sheet, prices, load_campaign(options, panel, journal), journal, options)


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
    return Prices(services, balance, balance_drops.latest_fall(journal, account_id, seen))


def load_campaign(options: Options, panel: Panel, journal: Journal) -> CampaignContext:
    """Find a sheet's account, campaign and unfinished batch in the journal."""
    account_id = journal.ensure_account(panel.url, options.account, key=panel.key)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    batch_id = journal.latest_batch(campaign_id, options.source, finished=options.batch is not None)
    stands = budgets.standing(journal, campaign_id)
    backup = restore.unsettled(journal, campaign_id)
    return CampaignContext(
        account_id, campaign_id, stands.name, batch_id, stands.spent, stands.budget, backup, normal_url(panel.url)
    )


def lock_campaign(options: Options, panel: Panel, journal: Journal) -> None:
    """Keep others out of the campaign, and recover what crashed runs left, before anything is decided."""
    campaign_id = load_campaign(options, panel, journal).campaign_id
    journal.hold_campaign(campaign_id, wait=options.lock_wait)
    journal.recover_crashed_runs()


def _nothing_sent(plan: Plan, *, blocked: str = "", stop: Stop | None = None, reason: str = "") -> RunResult:
    return RunResult(plan, plan.matching.entries, blocked=blocked, stop=stop, reason=reason)
