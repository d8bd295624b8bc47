"""`smmplus doubts` and `resolve`: a person has the last word on what nobody can know."""

import json
from typing import Annotated

import typer

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.machine import doubt_object, entry_object
from bulk.cli.show import console
from bulk.cli.show_doubts import show_doubts
from smmplus.client import Client
from smmplus.errors import (
    CallError,
    ConfigurationError,
    FollowUpError,
    JournalConflictError,
    UnknownRefusalError,
)
from smmplus.journal import Entry, Journal, balances
from smmplus.journal.evidence import evidence
from smmplus.models import OrderStatus
from smmplus.panel import Panel
from smmplus.reconcile import misfit


@failing
def doubts(as_json: given.AsJson = False) -> None:
    """Show the orders of which nobody knows whether they were placed, of all accounts, and what the balance says."""
    with given.open_journal() as journal:
        journal.bury_the_dead()
        found = journal.in_doubt()
        weighed = evidence(journal, found)
    if as_json:
        typer.echo(json.dumps({"doubts": [doubt_object(entry, weighed[entry.id]) for entry in found]}))
    else:
        show_doubts(console(), found, weighed)


@failing
def resolve(
    key: Annotated[str, typer.Argument(help="The order's key, as `smmplus doubts` shows it.")],
    order_id: Annotated[str | None, typer.Option("--order-id", help="It was placed: this is its number.")] = None,
    not_placed: Annotated[bool, typer.Option("--not-placed", help="It was not placed: the next run sends it.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="It is this order, though its charge does not fit.")] = False,
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
            remark = _checked(panel, journal, account_id, entry, order_id, anyway=anyway)
            journal.is_placed(account_id, entry, order_id, why=f"{why}; {remark}" if remark else why)
            if remark and not as_json:
                console(stderr=True).print(remark, style="yellow", markup=False, soft_wrap=True)
        settled = journal.find(account_id, key)
    words = f"{settled.name} is {f'order {settled.order_id}' if order_id else 'to be sent'}: run its sheet again"
    typer.echo(json.dumps(entry_object(settled)) if as_json else words)


def _checked(panel: Panel, journal: Journal, account_id: int, entry: Entry, order_id: str, *, anyway: bool) -> str:
    """Hold an order against the one in doubt, and give a remark on it; JournalConflictError where it does not fit."""
    owner = journal.with_order_ids(account_id, [order_id]).get(order_id)
    if owner is not None and owner.id != entry.id:
        raise JournalConflictError(f"order {order_id} is {owner.name} already")
    status = _status_of(panel, order_id)
    seen = balances.latest(journal, account_id)
    difference = misfit(entry, order_id, status, "" if seen is None else seen.currency)
    if difference and not anyway:
        raise JournalConflictError(f"{difference}; nothing is settled: look once more, or say --anyway")
    if difference:
        return f"taken anyway: {difference}"
    if entry.cost is None or status.charge is None:
        return "what it should cost, or did, is not known: its charge could not be compared"
    return ""


def _status_of(panel: Panel, order_id: str) -> OrderStatus:
    with Client(panel) as client:
        try:
            return client.order_status(order_id)
        except (FollowUpError, UnknownRefusalError) as error:
            raise JournalConflictError(f"the panel knows no order {order_id} of this account ({error.text})") from error
        except CallError as error:
            if not error.passing:
                raise
            raise CallError(
                f"nothing is settled: the panel cannot be asked about order {order_id} ({error})"
            ) from error
