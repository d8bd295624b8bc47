"""The command line: `smmplus …`."""

import io
import os
import sys
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import smmplus
from bulk.cli.texts import PROGRAM, SUMMARIES
from bulk.model.errors import ExitStatus
from smmplus.texts import _, choose_language, marked

_MODULES = {
    **dict.fromkeys(("check", "run", "status"), "sheets"),
    **dict.fromkeys(("refill", "cancel"), "refills"),
    **dict.fromkeys(("account", "budget", "login", "logout"), "accounts"),
    **dict.fromkeys(("demo", "sandbox"), "demo"),
    **dict.fromkeys(("balance", "template"), "panel_commands"),
}
"""Where the commands are that are not in a module of their own name."""

_HELP = {"help_option_names": ["-h", "--help"]}

PANELS = (
    marked("Arguments"), marked("Input"), marked("Safety"), marked("Budget"), marked("Recovery"), marked("Output"),
    marked("Options"),
)  # fmt: skip
_OF_CLICK = (marked("Show this message and exit."), marked("Show the version and exit."))
"""Texts that are collected for the catalogue here."""


def written(argument: Any) -> str:  # noqa: ANN401 (click's, which typer carries)
    """Return how an argument is written in a usage: `FILE`, or `[FILE]` if it may be left out."""
    name = (argument.metavar or argument.name).strip("[]").upper()
    return name if argument.required else f"[{name}]"


class Panels(TyperCommand):
    """A command whose help lists its options in panels."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (click's, which typer carries)
        """Return the usage. Versions of typer write arguments differently."""
        return ["[OPTIONS]", *(written(each) for each in self.params if each.param_type_name == "argument")]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
        """Write the text in the person's language."""
        text, self.help = self.help, _(self.help or "")
        super().format_help_text(ctx, formatter)
        self.help = text

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
        """Write them, panel by panel."""
        _write_panels(self, ctx, formatter)


class Subcommands(TyperGroup):
    """A group of commands whose help is in the person's language."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
        """Write the text in the person's language."""
        text, self.help = self.help, _(self.help or "")
        super().format_help_text(ctx, formatter)
        self.help = text

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
        """Write the options, and then the commands."""
        _write_panels(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
        """List the commands with the first line of their texts."""
        texts = {name: getattr(self.get_command(ctx, name), "help", None) or "" for name in self.list_commands(ctx)}
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(text).partition("\n")[0]) for name, text in texts.items()])


def _write_panels(command: Any, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's, which typer carries)
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        if record := parameter.get_help_record(ctx):
            text = getattr(parameter, "help", None) or ""
            is_argument = parameter.param_type_name == "argument"
            name, other = (written(parameter), "Arguments") if is_argument else (record[0], "Options")
            record = (name, record[1].replace(text, _(text), 1))
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or other, []).append(record)
    for name in sorted(panels, key=PANELS.index):
        with formatter.section(_(name)):
            formatter.write_dl(panels[name])


class Commands(Subcommands):
    """Imports a command when it is called, or its own help is asked for: all of them at once take a second."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in SUMMARIES:
            self.add_command(TyperCommand(name))  # in place of one that is not imported yet

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 (click's, which typer carries)
        """Import a command."""
        return _imported(cmd_name) if cmd_name in SUMMARIES else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 (click's, which typer carries)
        """List the commands, none of which is imported for it."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(summary)) for name, summary in SUMMARIES.items()])


@cache
def _imported(name: str) -> Any:  # noqa: ANN401 (click's, which typer carries)
    made = getattr(import_module(f"bulk.cli.{_MODULES.get(name, name)}"), name)
    if not isinstance(made, typer.Typer):
        command, made = made, typer.Typer(add_completion=False, rich_markup_mode=None)
        made.command(name, cls=Panels, context_settings=_HELP)(command)
    elif made.registered_callback:
        made.info.cls = made.registered_callback.cls = Subcommands
        for each in made.registered_commands:
            each.cls = Panels
    return typer.main.get_command(made)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings=_HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show the values of variables, an API key among them
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"smmplus {smmplus.__version__}")
        raise typer.Exit


@app.callback(help=PROGRAM)
def _program(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Take the options that come before a command; each is done when it is read."""


def main() -> None:
    """Run the command line. Usage errors are shown like all others, with `--json` as one object."""
    choose_language(os.environ)
    _spell_out()
    try:
        sys.exit(app(standalone_mode=False))
    except Exception as error:
        # typer carries click's errors under names that have changed; all have this method.
        message_of = getattr(error, "format_message", None)
        if message_of is None:
            raise
        if {"--json", "--json-lines"} & {*sys.argv}:
            from bulk.cli.json_output import error_object, print_json  # noqa: PLC0415 (takes half a second)

            print_json(error_object(message_of(), ExitStatus.USAGE))
        elif message_of().startswith("Usage:"):  # no command: it is the help
            typer.echo(message_of())
        else:
            where = getattr(error, "ctx", None)
            typer.echo(
                f"Error: {message_of()}\nFor help: {where.command_path if where else 'smmplus'} --help", err=True
            )
        sys.exit(int(ExitStatus.USAGE))


def _spell_out() -> None:
    """Let signs that the output's encoding lacks be escaped: a link in Cyrillic must not end a command halfway."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
