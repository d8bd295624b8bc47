"""`smmplus doubts` and `resolve`: a person has the last word on what nobody can know."""

import json
from typing import Annotated

import typer

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.machine import entry_object
from bulk.cli.show import console, show_doubts
from smmplus.client import Client
from smmplus.errors import ConfigurationError, FollowUpError, JournalConflictError


@failing
def doubts(as_json: given.AsJson = False) -> None:
    """Show the orders of which nobody knows whether they were placed, of all accounts."""
    with given.open_journal() as journal:
        journal.bury_the_dead()
        found = journal.in_doubt()
    if as_json:
        typer.echo(json.dumps({"doubts": [{"account": entry.account, **entry_object(entry)} for entry in found]}))
    else:
        show_doubts(console(), found)


@failing
def resolve(
    key: Annotated[str, typer.Argument(help="The order's key, as `smmplus doubts` shows it.")],
    order_id: Annotated[str | None, typer.Option("--order-id", help="It was placed: this is its number.")] = None,
    not_placed: Annotated[bool, typer.Option("--not-placed", help="It was not placed: the next run sends it.")] = False,
    why: Annotated[str, typer.Option("--why", help="How you know; kept in the journal.")] = "looked at the panel",
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Settle an order in doubt, after a look at the panel's own order page. Who, when and why are kept."""
    if (order_id is None) == (not not_placed):
        raise ConfigurationError("say either --order-id NUMBER or --not-placed")
    order_id = None if order_id is None else order_id.strip()
    if order_id == "":
        raise ConfigurationError("--order-id is empty: write the number that the panel shows")
    panel = given.panel_for(account)
    with given.open_journal() as journal:
        journal.bury_the_dead()
        account_id = journal.account(panel.url, account)
        entry = journal.find(account_id, key)
        if order_id is None:
            journal.is_not_placed(entry, why=why)
        else:
            _must_exist(Client(panel), order_id)
            journal.is_placed(account_id, entry, order_id, why=why)
        settled = journal.find(account_id, key)
    words = f"{settled.name} is {f'order {settled.order_id}' if order_id else 'to be sent'}: run its sheet again"
    typer.echo(json.dumps(entry_object(settled)) if as_json else words)


def _must_exist(client: Client, order_id: str) -> None:
    with client:
        try:
            client.order_status(order_id)
        except FollowUpError as error:
            raise JournalConflictError(f"the panel knows no order {order_id} of this account ({error.text})") from error
