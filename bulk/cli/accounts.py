"""`smmplus account`: which accounts the journal knows, and whether two names are one account."""

import json
from typing import Annotated

import typer
from rich.text import Text

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.show import console, table
from smmplus.errors import ConfigurationError
from smmplus.journal import accounts
from smmplus.journal.accounts import Account


@failing
def account(
    name: Annotated[str | None, typer.Argument(help="An account's name or number.", show_default=False)] = None,
    same_as: Annotated[
        str | None,
        typer.Option("--same-as", help="NAME is this account: what it ordered moves there.", metavar="OTHER"),
    ] = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="NAME is an account of its own, though another has its API key.")
    ] = False,
    as_json: given.AsJson = False,
) -> None:
    """Show the journal's accounts; say whether two that were used with one API key are one account or two."""
    if (same_as is not None) and separate:
        raise ConfigurationError("say either --same-as OTHER or --separate")
    if name is None and (same_as is not None or separate):
        raise ConfigurationError("say which account: smmplus account NAME --same-as OTHER, or --separate")
    with given.open_journal() as journal, journal.transaction() as connection:
        found = None if name is None else accounts.named(connection, name)
        if found is not None and separate:
            accounts.separate(connection, found)
        if found is not None and same_as is not None:
            accounts.merge(connection, found, accounts.named(connection, same_as), journal.is_run_alive)
        known = accounts.all_of(connection)
    shown = [each for each in known if found is None or each.id == found.id]
    if as_json:
        typer.echo(json.dumps({"accounts": [account_object(each) for each in shown]}))
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
        console().print("the journal knows no account yet")
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
