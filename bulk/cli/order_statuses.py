"""`smmplus status` without a sheet: ask what became of orders, and show it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.json_output import entry_object, print_json
from bulk.cli.tables import MOST_PROBLEMS, console, show_warnings, table
from bulk.model.errors import ExitStatus
from bulk.model.options import must_be_unknown
from bulk.running.result import refill_cells
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.commands import command
from smmplus.errors import ConfigurationError, FollowUpError, JournalConflictError
from smmplus.journal.budgets import find_campaign
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.queries import declare_final, open_of_account, with_ids
from smmplus.journal.refills_and_cancels import FollowUp, open_refills, refills_of
from smmplus.orders.decimals import money
from smmplus.placing.tracking import open_orders, poll, poll_refills
from smmplus.texts import _, counted

OrderIds = Annotated[
    list[str] | None,
    typer.Option("--order-id", help="Only this order; may be repeated.", metavar="ID", rich_help_panel="Input"),
]


def show_statuses(
    account: str, campaign: str | None, order_ids: Sequence[str], final: Sequence[str], *, every: bool, as_json: bool
) -> None:
    """Ask for the statuses of orders of the journal that are not finished, record them, and show all."""
    if sum(map(bool, (campaign, order_ids, every))) != 1:
        raise ConfigurationError(_("Pass a sheet, --campaign, --order-id or --all"))
    for word in final:
        must_be_unknown(word)
    panel = given.panel_for(account)
    with given.open_journal() as journal:
        account_id = journal.ensure_account(panel.url, account, key=panel.key)
        if final:
            with journal.transaction() as connection:
                declare_final(connection, account_id, final)
        entries = _entries(journal, account_id, account, campaign, order_ids)
        notes = asyncio.run(_ask(panel, journal, entries))
        found = list(journal.with_ids(entry.id for entry in entries).values())
        with journal.reading() as connection:
            refills = refills_of(connection, [entry.id for entry in entries])
    status = ExitStatus.UNFINISHED if notes else ExitStatus.DONE
    if as_json:
        orders = [{"account": account, **entry_object(entry, refills.get(entry.id))} for entry in found]
        print_json({"orders": orders, "notes": notes, "exit_status": int(status)})
    else:
        _show(console(), found, refills)
        show_warnings(console(stderr=True), notes)
    raise typer.Exit(int(status))


def campaign_of(journal: Journal, account_id: int, name: str) -> int:
    """Find a campaign that a person named."""
    found = find_campaign(journal, account_id, name)
    if found is None:
        raise no_campaign(name)
    return found


def no_campaign(name: str) -> JournalConflictError:
    """Return the error about a campaign that is not in the journal."""
    every = command("budget")
    return JournalConflictError(
        _("There is no campaign {campaign!r}. To list all: {command}", campaign=name, command=every)
    )


def entries_of_ids(journal: Journal, account_id: int, account: str, order_ids: Sequence[str]) -> list[Entry]:
    """Find orders by their IDs; JournalConflictError names one that the journal does not have."""
    known = journal.with_order_ids(account_id, order_ids)
    if unknown := [each for each in order_ids if each not in known]:
        words = _("The journal has no order {order} of account {account!r}.", order=unknown[0], account=account)
        raise JournalConflictError(words)
    return [known[each] for each in dict.fromkeys(order_ids)]


def _entries(
    journal: Journal, account_id: int, account: str, campaign: str | None, order_ids: Sequence[str]
) -> list[Entry]:
    if order_ids:
        return entries_of_ids(journal, account_id, account, order_ids)
    if campaign is not None:
        return journal.of_campaign(campaign_of(journal, account_id, campaign))
    with journal.reading() as connection:
        found = {entry.id: entry for entry in open_of_account(connection, account_id)}
        return list((found | with_ids(connection, open_refills(connection, account_id))).values())


async def _ask(panel: Panel, journal: Journal, entries: Sequence[Entry]) -> list[str]:
    """Ask for the open ones; return what could not be asked for."""
    watched = open_orders(entries)
    async with AsyncClient(panel) as client:
        found, fault = await poll(client, journal, watched)
        refill_fault = await poll_refills(client, journal, [entry.id for entry in entries])
    ids = {entry: order_id for order_id, entry in watched.items()}
    refused = (
        _("order {order}: the panel says {text!r}", order=ids[entry], text=answer.text)
        for entry, answer in found.items()
        if isinstance(answer, FollowUpError)
    )
    return [*refused, *(str(each) for each in (fault, refill_fault) if each is not None)]


def _show(out: Console, entries: Sequence[Entry], refills: Mapping[int, FollowUp]) -> None:
    heads = (_("order"), _("campaign"), _("service"), _("status"), _("charge"), _("start count"), _("remains"))
    shown = table(*heads, *([_("refill")] if refills else []), right=heads[4:], wrap=heads[1:2])
    for entry in entries[:MOST_PROBLEMS]:
        charge = "" if entry.charge is None else money(entry.charge, entry.currency)
        status = entry.order_status or entry.state.words
        cells = [entry.order_id or "", entry.campaign, entry.request.service, status, charge, entry.start_count or ""]
        refill = " ".join(refill_cells(refills[entry.id]).values()) if entry.id in refills else ""
        shown.add_row(*map(Text, [*cells, _remains(entry), *([refill] if refills else [])]))
    out.print(shown if entries else _("No orders."))
    if len(entries) > MOST_PROBLEMS:
        out.print(_("… and {count} more (--json shows all)", count=len(entries) - MOST_PROBLEMS))
    is_open = sum(not entry.final for entry in entries)
    if entries:
        out.print(_("{open} of {all} not finished.", open=is_open, all=counted(len(entries), "order")))


def _remains(entry: Entry) -> str:
    """Return what remains; less than nothing was delivered beyond what was ordered."""
    remains = entry.remains or ""
    return _("{count} too many", count=remains[1:]) if remains.startswith("-") else remains
