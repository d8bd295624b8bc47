"""`smmplus budget`: what campaigns may spend over all their runs."""

import json
import os
from typing import Annotated

import typer
from rich.text import Text

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.machine import budget_object
from bulk.cli.show import console, show_budgets
from bulk.settings import url_of
from smmplus.commands import command
from smmplus.errors import ConfigurationError, JournalConflictError
from smmplus.journal import budgets
from smmplus.journal.store import Journal


@failing
def budget(
    campaign: Annotated[
        str | None, typer.Argument(help="The campaign; by default it is its sheet's name without the ending.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--set", help="What it may spend, over all its runs.", metavar="AMOUNT")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Lift its budget.")] = False,
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Show what campaigns may spend and have spent; set or lift a budget, also while orders are placed."""
    if amount is not None and none:
        raise ConfigurationError("say either --set AMOUNT or --none")
    if campaign is None and (amount is not None or none):
        change = command("budget", "CAMPAIGN", account=account, set=amount, none=none)
        raise ConfigurationError(f"say which campaign: {change}")
    limit = given.money(amount, "--set")
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        campaign_id = None if campaign is None else _campaign(journal, account, campaign, make=limit is not None)
        if campaign_id is not None and (limit is not None or none):
            budgets.set_budget(journal, campaign_id, limit)
        found = [each for each in budgets.all_budgets(journal) if campaign_id in {None, each.campaign_id}]
    if as_json:
        typer.echo(json.dumps({"budgets": [budget_object(each) for each in found]}))
        return
    show_budgets(console(), found)
    if limit is not None and not found[0].spent:
        console().print(Text(f"nothing of campaign {campaign!r} is placed yet: its budget waits for it", "yellow"))


def _campaign(journal: Journal, account: str, name: str, *, make: bool) -> int:
    """Find a campaign; a budget may be set before its first run."""
    account_id = journal.ensure_account(url_of(account, os.environ), account)
    found = budgets.find_campaign(journal, account_id, name)
    if found is not None:
        return found
    if not make:
        raise JournalConflictError(
            f"the journal knows no campaign {name!r} of account {account!r}: `{command('budget')}` shows all campaigns"
        )
    return journal.ensure_campaign(account_id, name)
