"""`smmplus account`: which accounts the journal knows, and whether two names are one account."""

import os
from typing import Annotated

import typer
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import budget_object, print_json
from bulk.cli.tables import WARNING, console, show_budgets, table
from bulk.model.options import url_of
from smmplus.commands import command
from smmplus.errors import ConfigurationError, JournalConflictError
from smmplus.journal import accounts, budgets
from smmplus.journal.accounts import Account
from smmplus.journal.journal import Journal


@failing
def account(
    name: Annotated[str | None, typer.Argument(help="An account's name or number.", show_default=False)] = None,
    same_as: Annotated[
        str | None,
        typer.Option("--same-as", help="Merge NAME into this account: its orders move there.", metavar="OTHER"),
    ] = None,
    separate: Annotated[
        bool,
        typer.Option("--separate", help="Keep NAME apart, although another account has its API key."),
    ] = False,
    as_json: given.AsJson = False,
) -> None:
    """Show accounts, merge them or keep them apart.

    Two names that were used with one API key are either one account, or two.
    """
    if (same_as is not None) and separate:
        raise ConfigurationError("--same-as and --separate cannot be used together")
    if name is None and (same_as is not None or separate):
        raise ConfigurationError("--same-as and --separate need an account: smmplus account NAME --same-as OTHER")
    with given.open_journal() as journal, journal.transaction() as connection:
        found = None if name is None else accounts.named(connection, name)
        if found is not None and separate:
            accounts.separate(connection, found)
        if found is not None and same_as is not None:
            accounts.merge(connection, found, accounts.named(connection, same_as), journal.is_run_alive)
        known = accounts.all_of(connection)
    shown = [each for each in known if found is None or each.id == found.id]
    if as_json:
        print_json({"accounts": [account_object(each) for each in shown]})
    else:
        _show(shown, {each.id: each.name for each in known})


def account_object(account: Account) -> dict[str, object]:
    """Describe an account."""
    return {
        "number": account.id,
        "account": account.name,
        "url": account.url,
        "campaigns": account.campaigns,
        "orders": account.orders,
        "same_as": account.same_as if account.same_as != account.id else None,
        "separate": account.same_as == account.id,
    }


def _show(known: list[Account], names: dict[int, str]) -> None:
    if not known:
        console().print("No accounts yet.")
        return
    numbers = ("number", "campaigns", "orders")
    shown = table("number", "account", "panel", "campaigns", "orders", "is", right=numbers, wrap=("panel", "is"))
    for each in known:
        counts = (str(each.campaigns), str(each.orders))
        shown.add_row(str(each.id), Text(each.name), Text(each.url), *counts, Text(_is(each, names)))
    console().print(shown)


def _is(account: Account, names: dict[int, str]) -> str:
    if account.same_as is None:
        return ""
    return "its own" if account.same_as == account.id else f"{names[account.same_as]} ({account.same_as})"


@failing
def budget(
    campaign: Annotated[
        str | None, typer.Argument(help="Campaign. By default, a sheet's campaign is its file name without the ending.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--set", help="Set what the campaign may spend, over all its runs.", metavar="AMOUNT")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the campaign's budget.")] = False,
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Show, set or remove campaign budgets.

    A budget can be changed while orders are placed.
    """
    if amount is not None and remove:
        raise ConfigurationError("--set and --remove cannot be used together")
    if campaign is None and (amount is not None or remove):
        change = command("budget", "CAMPAIGN", account=account, set=amount, remove=remove)
        raise ConfigurationError(f"{'--remove' if remove else '--set'} needs a campaign: {change}")
    limit = given.money(amount, "--set")
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        campaign_id = None if campaign is None else _campaign(journal, account, campaign, make=limit is not None)
        if campaign_id is not None and (limit is not None or remove):
            budgets.set_budget(journal, campaign_id, limit)
        found = [each for each in budgets.all_budgets(journal) if campaign_id in {None, each.campaign_id}]
    if campaign is None:  # a campaign that was only checked has neither orders nor a budget
        found = [each for each in found if each.spent or each.in_doubt or each.amount is not None]
    if as_json:
        print_json({"budgets": [budget_object(each) for each in found]})
        return
    show_budgets(console(), found)
    if limit is not None and not found[0].spent:
        console().print(
            Text(f"No order of campaign {campaign!r} is placed yet. Its first run uses this budget.", WARNING)
        )


def _campaign(journal: Journal, account: str, name: str, *, make: bool) -> int:
    """Find a campaign; a budget may be set before its first run."""
    account_id = journal.ensure_account(url_of(account, os.environ), account)
    found = budgets.find_campaign(journal, account_id, name)
    if found is not None:
        return found
    if not make:
        raise JournalConflictError(
            f"there is no campaign {name!r} of account {account!r} yet. To list all: {command('budget')}"
        )
    return journal.ensure_campaign(account_id, name)
