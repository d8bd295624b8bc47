"""The command line: `smmplus …`."""

import typer

from bulk.cli.demo import demo
from bulk.cli.doubts import doubts, resolve
from bulk.cli.panels import balance, sandbox, services, template
from bulk.cli.sheets import check, run, status

app = typer.Typer(
    help="Sheets of paid social-media orders: checked, priced, placed once, tracked and written back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show the values of variables, an API key among them
)
for command in (check, run, status, doubts, resolve, services, balance, template, demo):
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)(sandbox)


def main() -> None:
    """Run the command line."""
    app()
