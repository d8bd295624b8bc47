"""`smmplus balance` and `template`: what the account holds, and a sheet to order with."""

from pathlib import Path
from typing import Annotated

import typer

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import balance_object, fall_object, print_json
from bulk.cli.services import matches
from bulk.cli.tables import console, show_warnings
from bulk.planning.warnings import balance_drop_warning
from bulk.template import usual_services, write_template
from bulk.template.words import Language
from smmplus.api.client import Client
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from smmplus.orders.decimals import money
from smmplus.orders.models import Balance, Service
from smmplus.reconciliation import balance_drops
from smmplus.reconciliation.reconcile import observe
from smmplus.texts import _, counted


@failing
def balance(
    account: given.Account = given.DEFAULT,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Confirm that earlier drops of the balance are explained.")
    ] = False,
    as_json: given.AsJson = False,
) -> None:
    """Show the account balance.

    It is recorded in the journal. If it dropped by more than the journal's orders explain, a warning says so.
    """
    panel = given.panel_for(account)
    with given.open_journal() as journal, Client(panel, patience=given.PATIENCE) as client:
        account_id = journal.ensure_account(panel.url, account)
        seen = observe(client, journal, account_id)
        if acknowledge:
            balance_drops.acknowledge(journal, account_id, seen)
        fall = balance_drops.latest_fall(journal, account_id, seen)
    if as_json:
        fallen = None if fall is None else fall_object(fall)
        print_json(balance_object(Balance(seen.amount, seen.currency)) | {"fall": fallen})
        return
    console().print(money(seen.amount, seen.currency), markup=False, soft_wrap=True)
    show_warnings(console(stderr=True), [] if fall is None else [balance_drop_warning(fall, account)])


@failing
def template(
    file: Annotated[Path, typer.Argument(help="Where to write it; must end in .xlsx and not exist yet.")],
    account: given.Account = given.DEFAULT,
    language: Annotated[
        Language, typer.Option("--language", help="Language of headings, hints and instructions.", metavar="en|id")
    ] = Language.ENGLISH,
    only: Annotated[
        str, typer.Option("--only", help="Only services with this word in id, name, category or type.", metavar="WORD")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="All services, and all columns that they can use.")] = False,
    plain_sheet: Annotated[bool, typer.Option("--plain", help="Leave out services; needs no API key.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Create an empty sheet to fill in.

    The panel's services can be chosen from lists in it: those that need only a link and a quantity, those of --only, or
    all with --full. It has the columns that they need.
    """
    if plain_sheet and only:
        raise ConfigurationError(_("{one} and {other} cannot be used together", one="--plain", other="--only"))
    offered: list[Service] = []
    usable: list[Service] = []
    if not plain_sheet:
        with given.client_for(account) as client:
            found = [service for service in client.services() if matches(service, only)]
        usable = [service for service in found if not service.unusable]
        if not usable:
            none = _("No services match {word!r}.", word=only) if only else _("the panel offers no services")
            raise ConfigurationError(none)
        offered = usable if only or full else usual_services(usable)
    write_template(file, offered, language, full=full)
    left_out = len(usable) - len(offered)
    if as_json:
        print_json({"file": str(file), "services": len(offered), "services_left_out": left_out})
        return
    created = _("Created {path}.", path=file)
    if offered:
        created = _("Created {path} ({services}).", path=file, services=counted(len(offered), "service"))
    more = ""
    if left_out:
        services = counted(left_out, "service")
        more = _("Left out: {services} with more columns (--full, or --only WORD).", services=services)
    check = command("check", str(file), account=account)
    typer.echo(" ".join(filter(None, (created, more, _("Fill it in, then run:\n  {command}", command=check)))))
