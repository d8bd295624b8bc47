"""`smmplus refill` and `cancel`: choose orders, show what is requested and why not, ask, and request each once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import Json, print_json
from bulk.cli.order_statuses import OrderIds, campaign_of, entries_of_ids
from bulk.cli.progress import asked
from bulk.cli.tables import MOST_PROBLEMS, WARNING, console, show_warnings, table
from bulk.model.errors import ExitStatus, SheetError
from bulk.model.options import Options, ReadOptions
from bulk.reading import read_as
from bulk.running.write_from_journal import write_back
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, RequestState
from smmplus.placing.refills_and_cancels import Asking, ask_for, select_orders, todays_key
from smmplus.placing.request_rules import Selection
from smmplus.texts import _, counted, marked

SheetFile = Annotated[
    Path | None,
    typer.Argument(
        help="A sheet with order IDs; only its orders.",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
Rows = Annotated[
    list[int] | None,
    typer.Option("--row", help="Only this row of the sheet; may be repeated.", metavar="N", rich_help_panel="Input"),
]
Campaign = Annotated[
    str | None,
    typer.Option("--campaign", help="Only the orders of this campaign.", metavar="NAME", rich_help_panel="Input"),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Request it although an earlier request is in doubt.", rich_help_panel="Recovery"),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.", rich_help_panel="Safety")]


@failing
def refill(
    file: SheetFile = None,
    row: Rows = None,
    sheet: given.Sheet = None,
    campaign: Campaign = None,
    order_id: OrderIds = None,
    account: given.Account = given.DEFAULT,
    again: Again = False,
    yes: Yes = False,
    as_json: given.AsJson = False,
) -> None:
    """Request refills of delivered orders.

    Only of orders whose service has refills, at most once in 24 hours, and never while another refill is open. Shows
    the statuses of earlier refills.
    """
    _run(
        RequestKind.REFILL,
        _chosen(file, row, sheet, campaign, order_id, account),
        None,
        again=again,
        yes=yes,
        as_json=as_json,
    )


@failing
def cancel(
    file: SheetFile = None,
    row: Rows = None,
    sheet: given.Sheet = None,
    campaign: Campaign = None,
    order_id: OrderIds = None,
    stuck_for: Annotated[
        str | None,
        typer.Option(
            "--stuck-for",
            help="Only orders without a change for so long: 12h, 3d.",
            metavar="DURATION",
            rich_help_panel="Input",
        ),
    ] = None,
    account: given.Account = given.DEFAULT,
    again: Again = False,
    yes: Yes = False,
    as_json: given.AsJson = False,
) -> None:
    """Request to cancel orders that are not finished.

    The panel may refuse, or not answer: only the order's later status shows whether it was canceled, and refunded.
    """
    seconds = None if stuck_for is None else given.duration(stuck_for, "--stuck-for")
    if stuck_for is not None and seconds is None:
        raise ConfigurationError(_("--stuck-for needs a duration, such as 12h or 3d"))
    age = None if seconds is None else timedelta(seconds=seconds)
    _run(
        RequestKind.CANCEL,
        _chosen(file, row, sheet, campaign, order_id, account),
        age,
        again=again,
        yes=yes,
        as_json=as_json,
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which orders a person named, in one of three ways."""

    account: str
    file: Path | None
    rows: frozenset[int]
    """Rows of the file; empty for all."""
    sheet: str | None
    """Its worksheet."""
    campaign: str | None
    order_ids: tuple[str, ...]

    def entries(self, journal: Journal, account_id: int) -> list[Entry]:
        """Return their entries; JournalConflictError names what the journal does not have."""
        if self.campaign is not None:
            return journal.of_campaign(campaign_of(journal, account_id, self.campaign))
        ids = self.order_ids if self.file is None else _ids_of(self.file, self.rows, self.sheet)
        return entries_of_ids(journal, account_id, self.account, ids)


def _chosen(
    file: Path | None,
    rows: Sequence[int] | None,
    sheet: str | None,
    campaign: str | None,
    order_ids: Sequence[str] | None,
    account: str,
) -> _Chosen:
    if sum(map(bool, (file, campaign, order_ids))) != 1:
        raise ConfigurationError(_("Pass a sheet, --campaign or --order-id"))
    for option, value in (("--row", rows), ("--sheet", sheet)):
        if value and file is None:
            raise ConfigurationError(_("{option} needs a sheet", option=option))
    return _Chosen(account, file, frozenset(rows or ()), sheet, campaign, tuple(dict.fromkeys(order_ids or ())))


def _ids_of(file: Path, rows: frozenset[int], worksheet: str | None) -> tuple[str, ...]:
    """Return the order IDs of a sheet, or of some of its rows."""
    sheet = read_as(file, ReadOptions(worksheet, hidden="include"))
    found = dict(zip(sheet.rows, sheet.texts.get("order_id", ()), strict=False))
    if missing := sorted(row for row in rows if not found.get(row)):
        raise ConfigurationError(_("{file} has no order in row {row}", file=file.name, row=missing[0]))
    return tuple(dict.fromkeys(order_id for row, order_id in found.items() if order_id and (not rows or row in rows)))


def _run(kind: RequestKind, chosen: _Chosen, age: timedelta | None, *, again: bool, yes: bool, as_json: bool) -> None:
    if as_json and not yes:
        raise ConfigurationError(_("--json needs --yes, because it cannot ask"))
    out, panel = console(quiet=as_json), given.panel_for(chosen.account)
    with given.open_journal() as journal:
        account_id = journal.ensure_account(panel.url, chosen.account, key=panel.key)
        journal.recover_crashed_runs()
        entries = chosen.entries(journal, account_id)
        selected = asyncio.run(_select(kind, journal, account_id, panel, entries, age, again=again))
        _show(out, kind, selected)
        found, declined = dict[str, FollowUp](), False
        if selected.to_request and (yes or asked(_question(kind, selected, chosen.account, panel))):
            asking = Asking(chosen.account, kind, _key(kind, selected, again=again))
            ids = [entry.order_id for entry in selected.to_request if entry.order_id]
            found = asyncio.run(_request(journal, panel, asking, ids))
            if kind is RequestKind.REFILL and chosen.file is not None:
                _write_into(Options(chosen.file, chosen.account, sheet=chosen.sheet), panel, journal)
        elif declined := bool(selected.to_request):
            out.print(_("Cancelled. Nothing was sent."))
    status = ExitStatus.UNFINISHED if declined else _status(found)
    if as_json:
        print_json(_object(kind, found, selected) | {"exit_status": int(status)})
    elif found:
        _show_found(out, kind, found)
    raise typer.Exit(int(status))


def _write_into(options: Options, panel: Panel, journal: Journal) -> None:
    """Write the refills into the sheet that their orders are from."""
    try:
        _entries, written = write_back(options, panel.url, journal)
    except SheetError as error:
        later = command("status", str(options.path), account=options.account)
        text = marked("The refills could not be written into the sheet ({reason}). Later: {command}")
        words = _(text, reason=error, command=later)
        show_warnings(console(stderr=True), [words])
    else:
        if written is not None:
            console(stderr=True).print(_("Wrote {path}", path=written.path), markup=False, soft_wrap=True)


def _key(kind: RequestKind, selected: Selection, *, again: bool) -> str:
    """Return the key of the request: two commands on one day are one request, unless a person wants it again."""
    today = todays_key(kind, datetime.now(UTC))
    if not again:
        return today
    return f"{today} {max(len(selected.earlier.get(entry.order_id or '', ())) for entry in selected.to_request) + 1}"


async def _select(
    kind: RequestKind,
    journal: Journal,
    account_id: int,
    panel: Panel,
    entries: Sequence[Entry],
    age: timedelta | None,
    *,
    again: bool,
) -> Selection:
    how_again = _("To request it again, add --again")
    async with AsyncClient(panel) as client:
        return await select_orders(
            client, journal, account_id, kind, entries, stuck_for=age, again=again, how_again=how_again
        )


async def _request(journal: Journal, panel: Panel, asking: Asking, ids: Sequence[str]) -> dict[str, FollowUp]:
    async with AsyncClient(panel) as client:
        return await ask_for(client, journal, asking, ids)


def _question(kind: RequestKind, selected: Selection, account: str, panel: Panel) -> str:
    about = {
        "count": counted(len(selected.to_request), "order"),
        "account": account,
        "panel": urlsplit(panel.url).netloc,
    }
    if kind is RequestKind.REFILL:
        return _("Request refills of {count} from account {account} at {panel}?", **about)
    return _("Request to cancel {count} of account {account} at {panel}?", **about)


def _show(out: Console, kind: RequestKind, selected: Selection) -> None:
    rows = [(entry, _("will be requested")) for entry in selected.to_request] + selected.left_out
    if not rows:
        out.print(_("No orders to refill.") if kind is RequestKind.REFILL else _("No orders to cancel."))
        return
    what = _("refill") if kind is RequestKind.REFILL else _("cancel")
    shown = table(_("order"), _("service"), _("status"), _("link"), what, wrap=(_("link"), what))
    for entry, words in rows[:MOST_PROBLEMS]:
        cells = (entry.order_id or "", entry.request.service, entry.order_status, entry.request.values.get("link", ""))
        shown.add_row(*map(Text, (*cells, words)))
    out.print(shown)
    if len(rows) > MOST_PROBLEMS:
        out.print(_("… and {count} more (--json shows all)", count=len(rows) - MOST_PROBLEMS))


def _show_found(out: Console, kind: RequestKind, found: Mapping[str, FollowUp]) -> None:
    of_state = {state: [item for item in found.values() if item.state is state] for state in RequestState}
    accepted = counted(len(of_state[RequestState.ACCEPTED]), "order")
    if kind is RequestKind.REFILL:
        out.print(_("The panel accepted refills of {count}.", count=accepted))
    else:
        out.print(_("The panel accepted to cancel {count}. The status shows whether it did.", count=accepted))
    for item in of_state[RequestState.REJECTED]:
        out.print(Text(_("Order {order}: rejected: {reason}", order=item.order_id, reason=item.error), WARNING))
    for item in [*of_state[RequestState.IN_DOUBT], *of_state[RequestState.SENDING]]:
        out.print(Text(_("Order {order}: in doubt: {reason}", order=item.order_id, reason=item.error), WARNING))


def _status(found: Mapping[str, FollowUp]) -> ExitStatus:
    states = {item.state for item in found.values()}
    if states & {RequestState.IN_DOUBT, RequestState.SENDING}:
        return ExitStatus.IN_DOUBT
    return ExitStatus.PROBLEMS if RequestState.REJECTED in states else ExitStatus.DONE


def _object(kind: RequestKind, found: Mapping[str, FollowUp], selected: Selection) -> Json:
    return {
        "kind": kind.value,
        "requested": [
            {"order_id": item.order_id, "state": item.state.value, "answer": item.answer, "error": item.error}
            for item in found.values()
        ],
        "left_out": [{"order_id": entry.order_id, "why": why} for entry, why in selected.left_out],
    }
