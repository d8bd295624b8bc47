"""Orders in doubt: what is known of each, and the two buttons that settle it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bulk.running.doubts import Judge, balances_of, facts_of
from bulk.web.context import account_id_of, home_of, user_of
from bulk.web.home import Home
from bulk.web.rendering import page, redirect
from smmplus.errors import ConfigurationError, SmmPlusError
from smmplus.journal import budgets
from smmplus.journal.entry import Entry
from smmplus.reconciliation.balance_evidence import evidence
from smmplus.reconciliation.reconcile import Settlement, settle_all
from smmplus.texts import _


@dataclass(frozen=True, slots=True)
class Doubt:
    """An order in doubt."""

    entry: Entry
    account: str
    """The account to choose whose order it is."""
    link: str
    facts: Mapping[str, str]


def show(request: Request) -> Response:
    """List the orders in doubt."""
    return _page(request)


def _page(request: Request, message: str = "", status: int = 200) -> Response:
    home = home_of(request)
    found = [doubt for account in home.journals() for doubt in _doubts(home, account)]
    return page(request, "doubts.html.j2", status, doubts=found, message=message)


def _doubts(home: Home, account: str) -> list[Doubt]:
    with home.journal(account) as journal:
        journal.recover_crashed_runs()
        entries = journal.in_doubt()
        weighed = evidence(journal, entries)
        known = budgets.all_budgets(journal)
    accounts = {each.campaign_id: home.account_of(account, each.url, each.account) for each in known}
    return [
        Doubt(
            entry,
            accounts[entry.campaign_id],
            entry.request.values.get("link", ""),
            {**facts_of(entry, weighed.get(entry.id)), **dict(balances_of(entry, weighed.get(entry.id)))},
        )
        for entry in entries
    ]


async def settle(request: Request) -> Response:
    """Record whether an order was placed."""
    async with request.form(max_fields=10) as form:
        given = {key: str(value).strip() for key, value in form.items()}
    return await run_in_threadpool(_settle, request, given)


def _settle(request: Request, given: Mapping[str, Any]) -> Response:
    try:
        _record(home_of(request), given, user_of(request).name)
    except SmmPlusError as error:
        return _page(request, str(error), 409)
    return redirect(request, "doubts")


def _record(home: Home, given: Mapping[str, Any], who: str) -> None:
    account, order_id, why = given.get("account", ""), given.get("order_id", ""), given.get("why", "")
    if account not in home.accounts():
        raise HTTPException(404)
    if given.get("placed") == "yes" and not order_id:
        raise ConfigurationError(_("Write the number that the order has on the panel's order page"))
    if not why:
        raise ConfigurationError(_("Write how you know it: the journal keeps the reason"))
    panel = home.panel(account)
    with home.journal(account) as journal:
        account_id = account_id_of(home, journal, account)
        entry = journal.find(account_id, given.get("key", ""))
        placed_as = order_id if given.get("placed") == "yes" else None
        remarks = [] if placed_as is None else Judge(journal, panel, account_id).settle_one(entry, placed_as)
        settle_all(journal, [Settlement(entry, placed_as, "; ".join([why, *remarks]))], who)
