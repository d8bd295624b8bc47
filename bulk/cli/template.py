"""`smmplus template`: an empty sheet to fill in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.panel_commands import matches
from bulk.template import write_template
from bulk.template.words import Language
from smmplus.commands import command
from smmplus.errors import ConfigurationError


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
    """Create an empty sheet to fill in.

    The panel's services can be chosen from lists in it.
    """
    if plain_sheet and only:
        raise ConfigurationError("--plain is without services, and --only chooses some: say one of them")
    offered = []
    if not plain_sheet:
        with given.client_for(account) as client:
            found = [service for service in client.services() if matches(service, only)]
        offered = [service for service in found if not service.unusable]
        if not offered:
            raise ConfigurationError(f"no service speaks of {only!r}" if only else "the panel offers no service")
    write_template(file, offered, language)
    words = f"{file}: fill it in, then `{command('check', str(file), account=account)}`"
    typer.echo(json.dumps({"file": str(file), "services": len(offered)}) if as_json else words)
