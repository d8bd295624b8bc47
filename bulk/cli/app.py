"""The command line: `smmplus …`."""

import io
import json
import sys

import typer

from bulk.cli.accounts import account, budget
from bulk.cli.demo import demo
from bulk.cli.doubts import doubts, resolve
from bulk.cli.journal import group as journal
from bulk.cli.options import Panels
from bulk.cli.panel_commands import balance, sandbox, services, template
from bulk.cli.reconcile import reconcile
from bulk.cli.sheets import check, run, status
from bulk.model.errors import ExitStatus

app = typer.Typer(
    help="Sheets of paid social-media orders: checked, priced, placed once, tracked and written back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show the values of variables, an API key among them
)
for command in (check, run, status, doubts, resolve, reconcile, budget, account, services, balance, template, demo):
    app.command(cls=Panels)(command)
app.add_typer(journal, name="journal")
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)(sandbox)


def main() -> None:
    """Run the command line. What the command line itself refuses is one object, too, where `--json` is asked for."""
    _spell_out()
    if "--json" not in sys.argv:
        app()
        return
    try:
        sys.exit(app(standalone_mode=False))
    except Exception as error:
        # typer carries click's errors under names that have changed; they all tell their message in this way.
        tell = getattr(error, "format_message", None)
        if tell is None:
            raise
        typer.echo(json.dumps({"error": tell(), "exit_status": int(ExitStatus.USAGE)}))
        sys.exit(int(ExitStatus.USAGE))


def _spell_out() -> None:
    """Let signs that the output's encoding lacks be escaped: a link in Cyrillic must not end a command halfway."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
