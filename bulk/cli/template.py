"""`smmplus template`: an empty sheet to fill in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.panel_commands import matches
from bulk.cli.texts import counted
from bulk.template import write_template
from bulk.template.words import Language
from smmplus.commands import command
from smmplus.errors import ConfigurationError


@failing
def template(
    file: Annotated[Path, typer.Argument(help="Where to write it; must end in .xlsx and not exist yet.")],
    account: given.Account = given.DEFAULT,
    language: Annotated[
        Language, typer.Option("--language", help="Language of hints and instructions.")
    ] = Language.ENGLISH,
    only: Annotated[
        str, typer.Option("--only", help="Only services with this word in id, name, category or type.", metavar="WORD")
    ] = "",
    plain_sheet: Annotated[bool, typer.Option("--plain", help="Leave out services; needs no API key.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Create an empty sheet to fill in.

    The panel's services can be chosen from lists in it.
    """
    if plain_sheet and only:
        raise ConfigurationError("--plain and --only cannot be used together")
    offered = []
    if not plain_sheet:
        with given.client_for(account) as client:
            found = [service for service in client.services() if matches(service, only)]
        offered = [service for service in found if not service.unusable]
        if not offered:
            raise ConfigurationError(f"No services match {only!r}." if only else "the panel offers no services")
    write_template(file, offered, language)
    offers = f" ({counted(len(offered), 'service')})" if offered else ""
    words = f"Created {file}{offers}. Fill it in, then run:\n  {command('check', str(file), account=account)}"
    typer.echo(json.dumps({"file": str(file), "services": len(offered)}) if as_json else words)
