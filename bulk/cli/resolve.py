"""`smmplus resolve`: record what orders in doubt are, one, a campaign or a sheet of them, or take that back."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bulk.cli import options as given
from bulk.cli.doubt_sheet import read_answers
from bulk.cli.doubt_tables import resolve_command, show_settlements, undo_command
from bulk.cli.error_handling import failing
from bulk.cli.json_output import entry_object, print_json
from bulk.cli.order_statuses import campaign_of
from bulk.cli.progress import asked
from bulk.cli.tables import WARNING, console
from bulk.files.account_settings import url_of
from bulk.running.doubts import Judge
from smmplus.commands import command
from smmplus.errors import ConfigurationError, JournalConflictError
from smmplus.journal.budgets import standing
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.resolution import latest_resolution
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import money
from smmplus.reconciliation.reconcile import Settlement, listed, settle_all
from smmplus.texts import _


def not_placed_of(journal: Journal, account: str, campaign: str, why: str) -> list[Settlement]:
    """Record that no order in doubt of a campaign was placed."""
    account_id = journal.ensure_account(given.panel_for(account).url, account)
    campaign_id = campaign_of(journal, account_id, campaign)
    return [Settlement(entry, None, why) for entry in journal.in_doubt(account_id) if entry.campaign_id == campaign_id]


def answers_of(journal: Journal, path: Path, encoding: str | None, why: str, *, force: bool) -> list[Settlement]:
    """Read the answers of a sheet, and compare each order with the panel; JournalConflictError names what is wrong."""
    answers = read_answers(path, journal.uuid, journal.in_doubt(), encoding)
    remarks: dict[int, list[str]] = {}
    wrong: list[str] = []
    for account in dict.fromkeys(answer.entry.account for answer in answers if answer.order_id is not None):
        placed = [(answer, answer.order_id) for answer in answers if answer.entry.account == account]
        answered = frozenset(answer.entry.id for answer, order_id in placed)
        judge = judge_of(journal, account, force=force, answered=answered)
        statuses = judge.ask([order_id for answer, order_id in placed if order_id is not None])
        for answer, order_id in placed:
            try:
                if order_id is not None:
                    remarks[answer.line] = judge.compare(answer.entry, order_id, statuses.get(order_id))
            except JournalConflictError as error:
                wrong.append(_("line {line}: {message}", line=answer.line, message=error))
    if wrong:
        raise JournalConflictError(_("{path}: nothing was recorded: {problems}", path=path, problems=listed(wrong)))
    return [
        Settlement(answer.entry, answer.order_id, "; ".join([why, *remarks.get(answer.line, ())])) for answer in answers
    ]


def judge_of(journal: Journal, account: str, *, force: bool, answered: frozenset[int] = frozenset()) -> Judge:
    """Return the judge of an account's orders in doubt."""
    panel = given.panel_for(account)
    return Judge(journal, panel, journal.ensure_account(panel.url, account), force, answered)


@failing
def resolve(  # noqa: PLR0917 (typer gives them by name)
    key: Annotated[
        str | None, typer.Argument(help="The order's key, as `smmplus doubts` shows it.", show_default=False)
    ] = None,
    order_id: Annotated[
        str | None, typer.Option("--order-id", help="It was placed; its ID on the panel.", metavar="ID")
    ] = None,
    not_placed: Annotated[bool, typer.Option("--not-placed", help="It was not placed; the next run sends it.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back how it was resolved; not if it was sent since.")
    ] = False,
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="Resolve all orders in doubt of a campaign.", metavar="NAME")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option("--from", help="Read answers from a sheet of `smmplus doubts --export`.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Accept the order ID although its charge differs.")] = False,
    why: Annotated[
        str, typer.Option("--why", help="Reason, kept in the journal.", metavar="TEXT")
    ] = "looked at the panel",
    encoding: given.Encoding = None,
    account: given.Account = given.DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Record whether orders in doubt were placed, or undo that.

    Look at the panel's order page first. The journal keeps who resolved an order, when and why, and who undid that.
    """
    order_id = _said(key, order_id, campaign, answers, not_placed=not_placed, undo=undo)
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        if key is not None and undo:
            _take_back(journal, account, key, why, as_json=as_json)
        elif key is not None:
            _one(journal, account, key, order_id, why, force=force, as_json=as_json)
        elif campaign is not None:
            _many(journal, not_placed_of(journal, account, campaign, why), yes=yes, as_json=as_json)
        elif answers is not None:
            settlements = answers_of(journal, answers, encoding, why, force=force)
            _many(journal, settlements, yes=yes, as_json=as_json)


def _said(
    key: str | None, order_id: str | None, campaign: str | None, answers: Path | None, *, not_placed: bool, undo: bool
) -> str | None:
    """Refuse what contradicts itself, and give the order id without blanks around it."""
    if [key, campaign, answers].count(None) != 2:
        raise ConfigurationError(
            _("pass exactly one of KEY, --campaign or --from. To list orders in doubt: smmplus doubts")
        )
    if undo and (key is None or order_id is not None or not_placed):
        raise ConfigurationError(_("--undo takes back one order: pass its KEY, without --order-id and --not-placed"))
    if answers is not None and (order_id is not None or not_placed):
        raise ConfigurationError(_("--from cannot be used with --order-id or --not-placed: its file has the answers"))
    if campaign is not None and (order_id is not None or not not_placed):
        raise ConfigurationError(_("--campaign needs --not-placed, and resolves all orders in doubt of the campaign"))
    if key is not None and [order_id is not None, not_placed, undo].count(True) != 1:
        raise ConfigurationError(_("pass exactly one of --order-id, --not-placed and --undo"))
    order_id = None if order_id is None else order_id.strip()
    if order_id == "":
        raise ConfigurationError(_("--order-id is empty: use the number that the panel shows"))
    return order_id


def _one(
    journal: Journal, account: str, key: str, order_id: str | None, why: str, *, force: bool, as_json: bool
) -> None:
    judge = judge_of(journal, account, force=force)
    entry = journal.find(judge.account_id, key)
    remarks = [] if order_id is None else judge.settle_one(entry, order_id)
    try:
        settle_all(journal, [Settlement(entry, order_id, "; ".join([why, *remarks]))])
    except JournalConflictError as error:
        if entry.state is not State.IN_DOUBT and _is_resolved(journal, entry):
            error.add_note(_("To take back how it was resolved: {command}", command=undo_command(entry)))
        raise
    for remark in [] if as_json else remarks:
        console(stderr=True).print(remark, style=WARNING, markup=False, soft_wrap=True)
    settled = journal.find(judge.account_id, key)
    if as_json:
        _print_resolved([settled])
    elif order_id:
        words = _(
            "Resolved: {order} is order {order_id}. Run its sheet again to update it.",
            order=settled.name,
            order_id=settled.order_id,
        )
        typer.echo(words)
    else:
        typer.echo(_("Resolved: {order} will be sent by the next run.", order=settled.name))
    if not as_json:
        typer.echo(_("To take it back: {command}", command=undo_command(settled)))


def _is_resolved(journal: Journal, entry: Entry) -> bool:
    with journal.reading() as connection:
        return latest_resolution(connection, entry.id) is not None


def _take_back(journal: Journal, account: str, key: str, why: str, *, as_json: bool) -> None:
    """Take back how an order was resolved; nothing is asked of the panel."""
    account_id = journal.ensure_account(url_of(account, os.environ), account)
    entry = journal.find(account_id, key)
    journal.take_back(entry, why=why)
    now = journal.find(account_id, key)
    if as_json:
        _print_resolved([now])
        return
    about = {"order": now.name, "order_id": now.order_id, "former": entry.order_id}
    if now.state is State.PLACED:
        typer.echo(_("Taken back: {order} is order {order_id}, as the panel answered.", **about))
    else:
        typer.echo(_("Taken back: {order} is in doubt again, and no run sends it.", **about))
        typer.echo(_("To resolve it: {command}", command=resolve_command(now, order_id="NUMBER")))
    if entry.order_id != now.order_id:
        typer.echo(_("Order {former} is not its order anymore. Run its sheet again to update it.", **about))
    _warn_of_budget(journal, now)


def _warn_of_budget(journal: Journal, entry: Entry) -> None:
    """Say that a campaign has spent more than it may, because an order in doubt counts as spent."""
    known = standing(journal, entry.campaign_id)
    if known.budget is None or known.spent <= known.budget:
        return
    words = _(
        "Orders in doubt count as spent: campaign {campaign!r} has spent {spent} of {budget}. To raise its budget: "
        "{command}",
        campaign=known.name,
        spent=money(known.spent, known.currency),
        budget=money(known.budget, known.currency),
        command=command("budget", known.name, account=entry.account, set="AMOUNT"),
    )
    console(stderr=True).print(words, style=WARNING, markup=False, soft_wrap=True)


def _many(journal: Journal, settlements: Sequence[Settlement], *, yes: bool, as_json: bool) -> None:
    if settlements and not as_json:
        show_settlements(console(), settlements)
    if settlements and not (yes or asked(_question(settlements))):
        raise ConfigurationError(_("not confirmed, nothing was recorded. To skip the question, add --yes"))
    settle_all(journal, settlements)
    if as_json:
        settled = journal.with_ids(settlement.entry.id for settlement in settlements)
        _print_resolved(settled[each.entry.id] for each in settlements)
    elif settlements:
        typer.echo(_("Resolved: {counts}. Run the sheets again.", counts=_counted(settlements)))
        typer.echo(_("To take one back: {command}", command=command("resolve", "KEY", undo=True)))
    else:
        typer.echo(_("No orders to resolve."))


def _print_resolved(entries: Iterable[Entry]) -> None:
    print_json({"resolved": [{"account": entry.account, **entry_object(entry)} for entry in entries]})


def _question(settlements: Sequence[Settlement]) -> str:
    return _("Record this ({counts})?", counts=_counted(settlements))


def _counted(settlements: Sequence[Settlement]) -> str:
    """Count both answers; what was not placed is sent by the next run."""
    to_send = sum(settlement.order_id is None for settlement in settlements)
    placed = len(settlements) - to_send
    parts = [_("{count} placed", count=placed)] if placed else []
    if to_send:
        parts.append(_("{count} not placed, to be sent by the next run", count=to_send))
    return ", ".join(parts)
