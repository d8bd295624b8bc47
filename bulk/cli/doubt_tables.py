"""How orders in doubt look: what was sent, what the balance says of it, and the command that settles it."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bulk.cli.tables import WARNING, table
from bulk.files.account_settings import DEFAULT_ACCOUNT
from bulk.running.doubts import balances_of, facts_of
from smmplus.commands import command
from smmplus.journal.entry import Entry
from smmplus.reconciliation.balance_evidence import Evidence
from smmplus.reconciliation.doubt_matching import Finding
from smmplus.reconciliation.reconcile import Settlement
from smmplus.texts import _

MOST_CANDIDATES = 10
"""Orders that one in doubt may be, on a screen."""


def show_doubts(console: Console, entries: Sequence[Entry], evidence: Mapping[int, Evidence]) -> None:
    """Show orders in doubt, each with the evidence for or against it."""
    if not entries:
        console.print(_("No orders are in doubt."))
        return
    console.print(_table(entries, evidence))
    console.print(_("Look for each on the panel's order page. If it was placed, record its number:"))
    for number, entry in enumerate(entries, 1):
        console.print(Text(f"{number:>4}  {resolve_command(entry, order_id='NUMBER')}"), soft_wrap=True)
    console.print(_("If it was not placed, use --not-placed in place of --order-id NUMBER. The next run sends it."))
    for campaign, account in dict.fromkeys((entry.campaign, entry.account) for entry in entries):
        every = command("resolve", account=account, campaign=campaign, not_placed=True)
        words = _("If none of campaign {campaign!r} were placed: {command}", campaign=campaign, command=every)
        console.print(Text(words), soft_wrap=True)
    exported = command("doubts", export="doubts.csv")
    console.print(Text(_("To answer many in a spreadsheet: {command}", command=exported)), soft_wrap=True)
    for account in dict.fromkeys(entry.account for entry in entries):
        probe = command("reconcile", account=account, probe=True)
        console.print(Text(_("To search the panel for them: {command}", command=probe)), soft_wrap=True)


def _table(entries: Sequence[Entry], evidence: Mapping[int, Evidence]) -> Table:
    heads = (_("sent"), _("order"), _("charge"), _("balance"))
    shown = table("", *heads, right=("",), wrap=heads)
    for number, entry in enumerate(entries, 1):
        found = evidence.get(entry.id)
        facts = facts_of(entry, found)
        account = f"{_('account {account}', account=entry.account)}\n" if entry.account != DEFAULT_ACCOUNT else ""
        balances = "\n".join(
            f"{_(name)}: {words}" if name != "balance" else words for name, words in balances_of(entry, found)
        )
        order = f"{account}{facts['order']}\n{facts['error']}"
        shown.add_row(str(number), *map(Text, (facts["sent"], order, facts["charge"], balances)))
    return shown


def show_settlements(console: Console, settlements: Sequence[Settlement]) -> None:
    """Show what is about to be settled."""
    heads = (_("order"), _("link"), _("answer"), _("why"))
    shown = table(*heads, wrap=(heads[0], heads[1], heads[3]))
    for each in settlements:
        link = each.entry.request.values.get("link", "")
        answer = _("was not placed") if each.order_id is None else _("is order {order_id}", order_id=each.order_id)
        shown.add_row(*map(Text, (each.entry.name, link, answer, each.why)))
    console.print(shown)


def show_doubt(console: Console, entry: Entry, evidence: Evidence | None) -> None:
    """Show one of them. Nothing is cut that is needed to settle it."""
    console.print(Text(entry.name, "bold"), soft_wrap=True)
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, words in (*facts_of(entry, evidence).items(), *balances_of(entry, evidence)):
        shown.add_row(_(name), Text(words))
    console.print(Padding(shown, (0, 0, 1, 2)))


def show_finding(console: Console, finding: Finding) -> None:
    """Show what was found out about an order, and the command that settles it where it is not."""
    if finding.order_id is not None:
        words = _("matched to order {order_id}: {why}", order_id=finding.order_id, why=finding.why)
        console.print(Text(f"  {words}", "green"))
        taken_back = _("if that is wrong: {command}", command=undo_command(finding.doubt))
        console.print(Text(f"  {taken_back}"), soft_wrap=True)
        return
    if finding.why:
        console.print(Text(f"  {_('still in doubt: {why}', why=finding.why)}", WARNING))
    for order_id in finding.candidates[:MOST_CANDIDATES]:
        console.print(Text(f"  {resolve_command(finding.doubt, order_id=order_id)}"), soft_wrap=True)
    if len(finding.candidates) > MOST_CANDIDATES:
        more = len(finding.candidates) - MOST_CANDIDATES
        console.print("  " + _("… and {count} more (--json shows all)", count=more))
    if not finding.candidates:
        _show_commands(console, finding.doubt)


def resolve_command(entry: Entry, *, order_id: str | None = None, not_placed: bool = False) -> str:
    """Write the command that settles an order."""
    return command("resolve", entry.name, account=entry.account, order_id=order_id, not_placed=not_placed)


def undo_command(entry: Entry) -> str:
    """Write the command that takes back how an order was settled."""
    return command("resolve", entry.name, account=entry.account, undo=True)


def _show_commands(console: Console, entry: Entry) -> None:
    placed, not_placed = resolve_command(entry, order_id="NUMBER"), resolve_command(entry, not_placed=True)
    console.print(Text(f"  {placed}     {_('it was placed')}"), soft_wrap=True)
    console.print(Text(f"  {not_placed}          {_('it was not; the next run sends it')}"), soft_wrap=True)
