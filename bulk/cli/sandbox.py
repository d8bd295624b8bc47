"""`smmplus sandbox`: the simulated panel."""

import subprocess
import sys

import typer

sandbox = typer.Typer(rich_markup_mode=None, add_completion=False)


@sandbox.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def _sandbox(context: typer.Context) -> None:
    """Start a simulated panel."""
    # A program of its own: nothing of the client may share code with the panel that tests it.
    try:
        raise typer.Exit(subprocess.call([sys.executable, "-m", "smmplus.sandbox", *context.args]))  # noqa: S603
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
