"""How orders in doubt look: what was sent, what the balance says of it, and the command that settles it."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bulk.cli.show import money
from bulk.settings import DEFAULT_ACCOUNT
from smmplus.commands import command
from smmplus.journal import Entry
from smmplus.journal.balances import Observation
from smmplus.journal.evidence import Evidence
from smmplus.reconcile import Finding

MOST_CHARACTERS = 300
"""Of what was ordered; comments can be long, and whoever must know them finds them in the sheet."""

MOST_CANDIDATES = 10
"""Orders that one in doubt may be, on a screen."""


def show_doubts(console: Console, entries: Sequence[Entry], evidence: Mapping[int, Evidence]) -> None:
    """Show the orders of which nobody knows whether they were placed, with what speaks for either."""
    if not entries:
        console.print("no order is in doubt")
        return
    for entry in entries:
        show_doubt(console, entry, evidence.get(entry.id))
    console.print("Look for each on the panel's order page, then say what it is:")
    _show_commands(console, entries[0])
    console.print("`smmplus reconcile --probe` looks for evidence itself.")


def show_doubt(console: Console, entry: Entry, evidence: Evidence | None) -> None:
    """Show one of them. Nothing is cut that is needed to settle it."""
    console.print(Text(entry.name, "bold"), soft_wrap=True)
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for name, words in (*_facts(entry, evidence), *_balances(evidence)):
        shown.add_row(name, Text(words))
    console.print(Padding(shown, (0, 0, 1, 2)))


def show_finding(console: Console, finding: Finding) -> None:
    """Show what was found out about an order, and the command that settles it where it is not."""
    if finding.order_id is not None:
        console.print(Text(f"  taken up as order {finding.order_id}: {finding.why}", "green"))
        return
    if finding.why:
        console.print(Text(f"  not settled: {finding.why}", "yellow"))
    for order_id in finding.candidates[:MOST_CANDIDATES]:
        console.print(Text(f"  {resolve_command(finding.doubt, order_id=order_id)}"), soft_wrap=True)
    if len(finding.candidates) > MOST_CANDIDATES:
        console.print(f"  … and {len(finding.candidates) - MOST_CANDIDATES} more (--json shows all)")
    if not finding.candidates:
        _show_commands(console, finding.doubt)


def resolve_command(entry: Entry, *, order_id: str | None = None, not_placed: bool = False) -> str:
    """Write the command that settles an order."""
    return command("resolve", entry.name, account=entry.account, order_id=order_id, not_placed=not_placed)


def _show_commands(console: Console, entry: Entry) -> None:
    placed, not_placed = resolve_command(entry, order_id="NUMBER"), resolve_command(entry, not_placed=True)
    console.print(Text(f"  {placed}     it was placed"), soft_wrap=True)
    console.print(Text(f"  {not_placed}          it was not; the next run sends it"), soft_wrap=True)


def _facts(entry: Entry, evidence: Evidence | None) -> Iterator[tuple[str, str]]:
    seen = None if evidence is None else evidence.after or evidence.before
    what = " ".join(f"{name}={value}" for name, value in entry.request.fields)
    if entry.account != DEFAULT_ACCOUNT:
        yield "account", entry.account
    yield "sent", f"{moment(entry.sent_at)}, from {entry.source}"
    yield "what", f"service {entry.request.service} {what[:MOST_CHARACTERS]}{'…' * (len(what) > MOST_CHARACTERS)}"
    yield (
        "charge",
        "not known" if entry.cost is None else f"{money(entry.cost, seen.currency if seen else '')} expected",
    )
    yield "happened", entry.error


def _balances(evidence: Evidence | None) -> Iterator[tuple[str, str]]:
    if evidence is None:
        return
    for name, seen in (("before", evidence.before), ("after", evidence.after)):
        yield name, "no balance known" if seen is None else _observed(seen)
    if evidence.fell is not None and evidence.left is not None:
        others = f"; {evidence.others} more may be in it" if evidence.others else ""
        known = f"{money(evidence.accepted, '')} for {evidence.orders} accepted in between{others}"
        yield "fell", f"by {money(evidence.fell, '')}, known of it: {known}; left: {money(evidence.left, '')}"
    yield "balance", evidence.verdict.value


def _observed(seen: Observation) -> str:
    return f"{money(seen.amount, seen.currency)} at {moment(seen.at)}"


def moment(time: str | None) -> str:
    """Write a time of the journal for people."""
    return "at an unknown time" if time is None else f"{time[:19].replace('T', ' ')} UTC"
