"""`smmplus doubts`: orders of which nobody knows whether they were placed, on the screen or as a sheet."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.machine import doubt_object
from bulk.cli.show import console
from bulk.cli.show_doubts import show_doubts
from bulk.doubt_sheet import write_doubts
from smmplus.commands import command
from smmplus.journal.evidence import evidence


@failing
def doubts(
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write them as a CSV sheet, to be answered in its last column.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Show the orders of which nobody knows whether they were placed, of all accounts, and what the balance says."""
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        found = journal.in_doubt()
        weighed = evidence(journal, found)
        if export is not None:
            write_doubts(export, journal.uuid, found, weighed, force=force)
    if as_json:
        exported = {} if export is None else {"exported": str(export)}
        typer.echo(json.dumps({"doubts": [doubt_object(entry, weighed[entry.id]) for entry in found]} | exported))
    elif export is None:
        show_doubts(console(), found, weighed)
    else:
        options: dict[str, Any] = {"from": str(export)}
        back = command("resolve", **options)
        words = (
            f'{len(found)} orders in doubt are in {export}: write an order id or "not placed" into the column answer'
        )
        console().print(f"{words}, then settle them with `{back}`", markup=False, soft_wrap=True)
