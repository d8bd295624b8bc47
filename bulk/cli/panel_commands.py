"""`smmplus services`, `balance`, `template` and `sandbox`: the commands about a panel."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import balance_object, fall_object, service_object
from bulk.cli.tables import console, money, show_warnings, table
from bulk.planning.warnings import balance_drop_warning
from bulk.template import write_template
from bulk.template.words import Language
from smmplus.api.client import Client
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from smmplus.orders.decimals import plain
from smmplus.orders.models import Balance, Service
from smmplus.reconciliation import balance_drops
from smmplus.reconciliation.reconcile import observe


@failing
def services(
    word: Annotated[str, typer.Argument(help="Only services with this word in id, name, category or type.")] = "",
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Show what the panel offers, with prices for 1000."""
    with given.client_for(account) as client:
        found = [service for service in client.services() if _speaks_of(service, word)]
    if as_json:
        typer.echo(json.dumps({"services": [service_object(service) for service in found]}))
        return
    shown = table(
        "id",
        "name",
        "category",
        "type",
        "rate",
        "min",
        "max",
        "refill",
        "cancel",
        right=("rate", "min", "max"),
        wrap=("name", "category", "type"),
    )
    for service in found:
        flags = ("yes" if flag else "" for flag in (service.refill, service.cancel))
        texts = (service.id, service.name, service.category, service.type)
        rate = "?" if service.rate is None else plain(service.rate)
        most = "" if service.max is None else str(service.max)
        shown.add_row(*map(Text, texts), rate, str(service.min), most, *flags)
    console().print(shown if found else Text(f"no service speaks of {word!r}"))
    unusable = [service for service in found if service.unusable]
    show_warnings(console(), (f"service {each.id} cannot be ordered: {each.unusable}" for each in unusable))


@failing
def balance(account: given.Account = given.DEFAULT, as_json: given.AsJson = False) -> None:
    """Show what the account holds, and whether it fell by more than the journal knows. It is written down there."""
    panel = given.panel_for(account)
    with given.open_journal() as journal, Client(panel) as client:
        account_id = journal.ensure_account(panel.url, account)
        seen = observe(client, journal, account_id)
        fall = balance_drops.latest_fall(journal, account_id, seen)
    if as_json:
        fallen = None if fall is None else fall_object(fall)
        typer.echo(json.dumps(balance_object(Balance(seen.amount, seen.currency)) | {"fall": fallen}))
        return
    console().print(money(seen.amount, seen.currency), markup=False, soft_wrap=True)
    show_warnings(console(stderr=True), [] if fall is None else [balance_drop_warning(fall)])


@failing
def template(
    file: Annotated[Path, typer.Argument(help="Where to write it; must end in .xlsx and not exist yet.")],
    account: given.Account = given.DEFAULT,
    language: Annotated[
        Language, typer.Option("--language", help="Of its hints and instructions: English or Indonesian.")
    ] = Language.ENGLISH,
    only: Annotated[
        str, typer.Option("--only", help="Only services with this word in id, name, category or type.", metavar="WORD")
    ] = "",
    plain_sheet: Annotated[bool, typer.Option("--plain", help="Without the panel's services; needs no key.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Write an empty sheet to fill in, with the panel's services to choose from."""
    if plain_sheet and only:
        raise ConfigurationError("--plain is without services, and --only chooses some: say one of them")
    offered = []
    if not plain_sheet:
        with given.client_for(account) as client:
            found = [service for service in client.services() if _speaks_of(service, only)]
        offered = [service for service in found if not service.unusable]
        if not offered:
            raise ConfigurationError(f"no service speaks of {only!r}" if only else "the panel offers no service")
    write_template(file, offered, language)
    words = f"{file}: fill it in, then `{command('check', str(file), account=account)}`"
    typer.echo(json.dumps({"file": str(file), "services": len(offered)}) if as_json else words)


def sandbox(context: typer.Context) -> None:
    """Start a simulated panel to try things on; `smmplus sandbox --help` shows its options."""
    # A program of its own: nothing of the client may share code with the panel that tests it.
    try:
        raise typer.Exit(subprocess.call([sys.executable, "-m", "smmplus.sandbox", *context.args]))  # noqa: S603
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _speaks_of(service: Service, word: str) -> bool:
    texts = (service.id, service.name, service.category, service.type)
    return any(word.casefold() in text.casefold() for text in texts)
