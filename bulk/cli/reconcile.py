"""`smmplus reconcile`: looks for evidence of what became of orders in doubt."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.doubt_tables import resolve_command, show_doubt, show_finding
from bulk.cli.error_handling import failing
from bulk.cli.json_output import Json, doubt_object, fall_object, print_json
from bulk.cli.tables import console, show_warnings
from bulk.model.errors import ExitStatus
from bulk.planning.warnings import balance_drop_warning
from smmplus.api.client import Client
from smmplus.commands import command
from smmplus.orders.decimals import money, plain
from smmplus.reconciliation import reconcile as reconciling
from smmplus.reconciliation.doubt_matching import Finding, Probe
from smmplus.reconciliation.reconcile import MOST_CALLS, Reconciled
from smmplus.texts import _, counted


@failing
def reconcile(
    probe: Annotated[
        bool, typer.Option("--probe", help="Search the panel for orders that are not in the journal.")
    ] = False,
    most_calls: Annotated[
        int, typer.Option("--max-calls", help="Maximum number of calls, of 100 order IDs each.", min=1, metavar="N")
    ] = MOST_CALLS,
    account: given.Account = given.DEFAULT,
    rate: given.Rate = 1.0,
    as_json: given.AsJson = False,
) -> None:
    """Search for evidence about orders in doubt.

    With --probe, orders whose evidence is conclusive are recorded as placed. Never places orders.
    """
    panel = given.panel_for(account)
    with given.open_journal() as journal, Client(panel, rate=rate) as client:
        journal.recover_crashed_runs()
        account_id = journal.ensure_account(panel.url, account, key=panel.key)
        if probe:
            found = reconciling.probe(client, journal, account_id, most_calls=most_calls)
        else:
            found = reconciling.look(client, journal, account_id)
    status = ExitStatus.IN_DOUBT if found.open else ExitStatus.DONE
    if as_json:
        print_json({"account": account} | reconciled_object(found) | {"exit_status": int(status)})
    else:
        show_reconciled(console(), found, account)
    raise typer.Exit(int(status))


def show_reconciled(console: Console, found: Reconciled, account: str) -> None:
    """Show what was found out, and how to settle the rest."""
    seen = found.observation
    console.print(Text(_("balance: {balance}", balance=money(seen.amount, seen.currency))))
    show_warnings(console, [] if found.fall is None else [balance_drop_warning(found.fall, account)])
    if found.probe is not None and found.findings:
        console.print(Text(_asked(found.probe)))
    for finding in found.findings:
        show_doubt(console, finding.doubt, found.evidence.get(finding.doubt.id))
        show_finding(console, finding)
    if not found.findings:
        console.print(_("No orders of this account are in doubt."))
    if found.open and found.probe is None:
        probe = command("reconcile", account=account, probe=True)
        words = _("To search the panel for the missing orders: {command}", command=probe)
        console.print(Text(words), soft_wrap=True)


def _asked(probe: Probe) -> str:
    """Say what was asked for: no id at all is not evidence of anything."""
    if not probe.asked:
        return _("No order IDs could be checked: this is no evidence of whether an order was placed.")
    return _(
        "Checked {ids} in {calls}: {orders} of this account not in the journal.",
        ids=counted(probe.asked, "order ID"),
        calls=counted(probe.calls, "call"),
        orders=counted(len(probe.answers), "order"),
    )


def reconciled_object(found: Reconciled) -> Json:
    """Describe what was found out."""
    seen, probe = found.observation, found.probe
    asked = None if probe is None else {"ids": probe.asked, "calls": probe.calls, "cut": probe.cut}
    return {
        "balance": plain(seen.amount),
        "currency": seen.currency,
        "fall": None if found.fall is None else fall_object(found.fall),
        "asked": asked,
        "unknown_orders": [] if probe is None else list(probe.answers),
        "doubts": [_finding_object(found, finding) for finding in found.findings],
    }


def _finding_object(found: Reconciled, finding: Finding) -> Json:
    commands = [resolve_command(finding.doubt, order_id=order_id) for order_id in finding.candidates]
    return doubt_object(finding.doubt, found.evidence[finding.doubt.id]) | {
        "candidates": list(finding.candidates),
        "recorded_as": finding.order_id,
        "why": finding.why,
        "commands": [] if finding.order_id else commands,
    }
