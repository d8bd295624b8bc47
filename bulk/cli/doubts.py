"""`smmplus doubts`: list orders in doubt on the screen, or export them as a sheet."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bulk.cli import options as given
from bulk.cli.doubt_sheet import write_doubts
from bulk.cli.doubt_tables import show_doubts
from bulk.cli.error_handling import failing
from bulk.cli.json_output import doubt_object, print_json
from bulk.cli.tables import console
from smmplus.commands import command
from smmplus.reconciliation.balance_evidence import evidence
from smmplus.texts import _


@failing
def doubts(
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write a CSV sheet, to be answered in its last column.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """List orders in doubt, with balance evidence.

    An order is in doubt if it was sent and the answer was lost: it may or may not have been placed.
    """
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        found = journal.in_doubt()
        weighed = evidence(journal, found)
        if export is not None:
            write_doubts(export, journal.uuid, found, weighed, force=force)
    if as_json:
        exported = {} if export is None else {"exported": str(export)}
        print_json({"doubts": [doubt_object(entry, weighed[entry.id]) for entry in found]} | exported)
    elif export is None:
        show_doubts(console(), found, weighed)
    else:
        options: dict[str, Any] = {"from": str(export)}
        words = _(
            'Wrote {path}. Write an order ID or "not placed" into the column answer, then run:\n  {command}',
            path=export,
            command=command("resolve", **options),
        )
        console().print(words, markup=False, soft_wrap=True)
