"""A run of a sheet: read, build the plan, confirm, place, track, write."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from bulk.model.options import Options
from bulk.model.sheet import Sheet
from bulk.planning.approval import with_fingerprint
from bulk.planning.blockers import blocking_change
from bulk.planning.build_plan import build_plan
from bulk.planning.plan import CampaignContext, Plan, Prices
from bulk.reading import read_as
from bulk.reading.saved_headers import save_headers
from bulk.running.events import RunListener
from bulk.running.result import DECLINED, RunResult
from bulk.running.session import RunSession
from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.journal import budgets, lookup
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance import restore
from smmplus.journal.normal_forms import normal_url
from smmplus.orders.decimals import plain
from smmplus.orders.models import Balance
from smmplus.placing.placer import Stop
from smmplus.reconciliation import balance_drops
from smmplus.reconciliation.reconcile import observe
from smmplus.texts import _

FRESH_SECONDS = 5.0
"""Prices and balance that are older than this, because the sheet is long, are read again before the first order."""


def check(options: Options, panel: Panel, journal: Journal, *, sheet: Sheet | None = None) -> Plan:
    """Return what a run would do. Sends nothing, and writes nothing into the sheet.

    The journal keeps what would be sent under the plan's fingerprint, so that a run that expects the fingerprint can
    name what differs. `sheet` is one that is not in a file.
    """
    journal.recover_crashed_runs()
    sheet = sheet or read(options)
    campaign = load_campaign(options, panel, journal)
    plan, content = with_fingerprint(plan_sheet(options, panel, journal, campaign, sheet))
    lookup.keep(journal, campaign.campaign_id, plan.fingerprint, content)
    return plan


def run(
    options: Options,
    panel: Panel,
    journal: Journal,
    listener: RunListener,
    *,
    clock: Callable[[], float] = time.monotonic,
    sheet: Sheet | None = None,
) -> RunResult:
    """Place every row of a sheet once, track the orders, and write what is known into the sheet.

    `sheet` is one that is not in a file: its results are only in what is returned.

    Raises SheetError if the file cannot be used, CallError if the panel does not answer before anything was sent,
    JournalError if the journal cannot be used or another run is in the campaign.
    """
    campaign = load_campaign(options, panel, journal, lock=True)
    sheet = sheet or read(options)
    priced_at = clock()
    plan = plan_sheet(options, panel, journal, campaign, sheet, to_place=True)
    if declined := _confirm(plan, listener):
        return declined
    session = RunSession(options, panel, journal, listener, plan)
    session.prepare()
    # A person may have thought for long, or for a second: prices may have changed since they were shown.
    is_fresh = listener.agreed and clock() - priced_at <= FRESH_SECONDS
    if plan.to_send and not is_fresh:
        now = ask_prices(options, panel, journal, campaign.account_id)
        if change := blocking_change(plan, now):
            return _nothing_sent(plan, stop=change[0], reason=change[1])
    asyncio.run(session.place_and_track())
    return session.finish()


def status(
    options: Options, panel: Panel, journal: Journal, listener: RunListener, *, sheet: Sheet | None = None
) -> RunResult:
    """Ask for the statuses of a sheet's open orders, and write them into the sheet. Places nothing.

    It asks once, and again until the time of `wait` is over.
    """
    campaign = load_campaign(options, panel, journal, lock=True)
    plan = plan_sheet(options, panel, journal, campaign, sheet or read(options))
    # Rows that would be sent, and what is wrong with them, do not concern this command.
    tracked = replace(plan, to_send=(), problems=tuple(plan.matching.problems), warnings=(), blocker=None)
    session = RunSession(options, panel, journal, listener, tracked)
    asyncio.run(session.track())
    return session.finish()


def load_campaign(options: Options, panel: Panel, journal: Journal, *, lock: bool = False) -> CampaignContext:
    """Return a sheet's campaign as the journal knows it: its unfinished batch, what it spent and may spend.

    With `lock`, other runs are kept out of it and crashed runs are recovered first. A plan that is placed is made under
    the lock: what it takes for not placed stays so until its own orders are sent.
    """
    account_id = journal.ensure_account(panel.url, options.account, key=panel.key)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    if lock:
        journal.hold_campaign(campaign_id, wait=options.lock_wait)
        journal.recover_crashed_runs()
    batch_id = journal.latest_batch(campaign_id, options.source, finished=options.batch is not None)
    standing = budgets.standing(journal, campaign_id)
    backup = restore.unconfirmed_backup(journal, campaign_id)
    return CampaignContext(
        account_id,
        campaign_id,
        standing.name,
        batch_id,
        standing.spent,
        standing.budget,
        backup,
        normal_url(panel.url),
    )


def read(options: Options) -> Sheet:
    """Read the sheet, and save the mapped headers next to it if asked: only a sheet that was read has all of them."""
    sheet = read_as(options.path, options.read_options)
    if options.remember_map and sheet.headers:
        return replace(sheet, headers_from=save_headers(options.path, sheet.headers))
    return sheet


def plan_sheet(
    options: Options, panel: Panel, journal: Journal, campaign: CampaignContext, sheet: Sheet, *, to_place: bool = False
) -> Plan:
    """Ask for prices, and build the plan of a sheet with them. Sends nothing.

    With `to_place`, the campaign is held to the currency of these prices and to the budget that was passed: later runs,
    and parts that are placed elsewhere, keep to both.
    """
    prices = ask_prices(options, panel, journal, campaign.account_id)
    if not to_place:
        budgets.must_be_in(budgets.standing(journal, campaign.campaign_id), prices.balance.currency)
        return build_plan(sheet, prices, campaign, journal, options)
    budgets.hold_to_currency(journal, campaign.campaign_id, prices.balance.currency)
    if options.max_spend is not None:
        budgets.set_budget(journal, campaign.campaign_id, options.max_spend)
    return build_plan(sheet, prices, campaign, journal, options)


def ask_prices(options: Options, panel: Panel, journal: Journal, account_id: int) -> Prices:
    """Ask for the balance and the price list. The balance is recorded; it comes first as the surest test of a key."""
    with Client(panel, rate=options.rate) as client:
        seen = observe(client, journal, account_id)
        services = {service.id: service for service in client.services()}
    # Only now the account counts as used: of two names of one account at once, the later one stops here.
    journal.ensure_account(panel.url, options.account, key=panel.key)
    balance = Balance(seen.amount, seen.currency)
    return Prices(services, balance, balance_drops.latest_fall(journal, account_id, seen))


def _confirm(plan: Plan, listener: RunListener) -> RunResult | None:
    """Show a plan and have it confirmed. Return the result of a run that sends nothing; None if orders may be sent."""
    listener.planned(plan)
    if plan.blocker and (listener.agreed or not plan.blocker.is_confirmable):
        return _nothing_sent(plan, blocked=_("Nothing was placed. {reason}", reason=plan.blocker.message))
    if plan.short_by:
        return _nothing_sent(plan, stop=Stop.FUNDS, reason=_("short by {amount}", amount=plain(plan.short_by)))
    if plan.to_send and not listener.confirm(plan):
        return _nothing_sent(plan, stop=Stop.ASKED, reason=DECLINED)
    return None


def _nothing_sent(plan: Plan, *, blocked: str = "", stop: Stop | None = None, reason: str = "") -> RunResult:
    return RunResult(plan, plan.matching.entries, blocked=blocked, stop=stop, reason=reason)
