"""`smmplus history`: the life of one order."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import entry_object, print_json
from bulk.cli.tables import console, table
from bulk.files.account_settings import url_of
from smmplus.commands import command, local_time
from smmplus.errors import JournalConflictError
from smmplus.journal.entry import Entry
from smmplus.journal.history import LifeEvent, history_of
from smmplus.journal.journal import Journal
from smmplus.texts import _, marked


@failing
def history(
    order: Annotated[
        str, typer.Argument(help="Its ID at the panel, or its key, as `smmplus doubts` shows it.", show_default=False)
    ],
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Show the life of one order.

    When it was sent, what the panel answered, how it was resolved and by whom, its statuses, refills and cancels. The
    panel is not asked.
    """
    with given.open_journal() as journal:
        entry = _find(journal, account, order.strip())
        with journal.reading() as connection:
            events = history_of(connection, entry)
    if as_json:
        told = [{"at": event.at, "event": event.kind, **event.about} for event in events]
        print_json({"order": {"account": entry.account, **entry_object(entry)}, "history": told})
    else:
        _show(console(), entry, events)


def _find(journal: Journal, account: str, order: str) -> Entry:
    """Find an order by its ID, also one that was taken back, or by its key."""
    account_id = journal.ensure_account(url_of(account, os.environ), account)
    if found := journal.with_order_ids(account_id, [order]).get(order):
        return found
    if former := journal.taken_back(account_id, [order]).get(order):
        return former[0]
    if "/" in order:
        return journal.find(account_id, order)
    words = _(
        "The journal has no order {order} of account {account!r}. To see all orders: {command}",
        order=order,
        account=account,
        command=command("journal export", "orders.csv"),
    )
    raise JournalConflictError(words)


_WORDS = {
    "planned": marked("planned"),
    "sent": marked("sent"),
    "answered": marked("the panel placed it"),
    "in_doubt": marked("in doubt"),
    "rejected": marked("the panel rejected it"),
    "resolved": marked("resolved"),
    "taken_back": marked("resolution undone"),
    "alarm": marked("ALARM"),
    "status": marked("status"),
    "refill": marked("refill requested"),
    "cancel": marked("cancel requested"),
}
_NAMES = {
    "source": marked("sheet"),
    "attempt": marked("attempt"),
    "user": marked("user"),
    "host": marked("computer"),
    "order_id": marked("order"),
    "error": marked("error"),
    "who": marked("by"),
    "why": marked("why"),
    "status": marked("status"),
    "charge": marked("charge"),
    "start_count": marked("start count"),
    "remains": marked("remains"),
    "refill_id": marked("refill"),
    "state": marked("state"),
}


def _show(out: Console, entry: Entry, events: Sequence[LifeEvent]) -> None:
    now = entry.order_status or _(entry.state.words)
    about = {"order": entry.order_id or entry.name, "state": now, "account": entry.account, "campaign": entry.campaign}
    words = _("Order {order}: {state} (account {account}, campaign {campaign!r})", **about)
    out.print(Text(words, "bold"), soft_wrap=True)
    fields = [f"{name}={value}" for name, value in entry.request.fields]
    out.print(Text(" ".join([_("service {service}", service=entry.request.service), *fields])), soft_wrap=True)
    heads = (_("time"), _("event"), _("details"))
    shown = table(*heads, wrap=heads[2:])
    for event in events:
        shown.add_row(local_time(event.at, seconds=True), Text(_(_WORDS[event.kind])), Text(_details(event)))
    out.print(shown)


def _details(event: LifeEvent) -> str:
    if event.kind in {"resolved", "taken_back"} and "order_id" not in event.about:
        return "; ".join([_("not placed"), *_named(event)])
    return "; ".join(_named(event))


def _named(event: LifeEvent) -> list[str]:
    return [value if name == event.kind else f"{_(_NAMES[name])} {value}" for name, value in event.about.items()]
