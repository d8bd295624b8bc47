"""The reference of commands, docs/reference.md: what the commands themselves say, in English.

`python -m tests.command_reference` writes the page anew.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from bulk.cli.app import PANELS, app, written
from bulk.cli.texts import SUMMARIES

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
BEGIN = "<!-- From here on: `python -m tests.command_reference` -->\n"
OF_TYPER = {"install_completion", "show_completion"}
"""Options that typer adds. Their texts differ between its versions."""


def page() -> str:
    """Describe every command."""
    return BEGIN + "\n".join(_lines())


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command and subcommand by name."""
    yield from _inside("", typer.main.get_command(app))


def _inside(name: str, group: Any) -> Iterator[tuple[str, Any]]:
    for each in group.list_commands(None):
        full, command = f"{name} {each}".strip(), group.get_command(None, each)
        yield full, command
        if hasattr(command, "list_commands"):
            yield from _inside(full, command)


def _lines() -> Iterator[str]:
    yield "\n## Commands\n\n| command | what it does |\n| --- | --- |"
    for name, summary in SUMMARIES.items():
        yield f"| [`{name}`](#smmplus-{name}) | {_cell(summary)} |"
    for name, command in commands():
        yield from _section(name, command)


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"\n## smmplus {name}\n"
    yield from (f"{' '.join(part.split())}\n" for part in command.help.split("\n\n"))
    if command.context_settings.get("allow_extra_args"):
        yield "[Its options](sandbox.md#options) are on a page of their own."
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = ["smmplus", name, "[OPTIONS]", *map(written, arguments)]
    yield f"```text\n{' '.join(usage)}\n```"
    if hasattr(command, "list_commands"):
        yield f"\nIts commands: {', '.join(f'`{each}`' for each in command.list_commands(None))}."
    groups: dict[str, list[Any]] = {"Arguments": arguments}
    for each in command.params:
        if each.param_type_name == "option" and each.name not in OF_TYPER:
            groups.setdefault(getattr(each, "rich_help_panel", None) or "Options", []).append(each)
    for group in PANELS:
        if groups.get(group):
            yield from _table(group, groups[group])


def _table(group: str, parameters: list[Any]) -> Iterator[str]:
    yield f"\n| {group.lower()} | meaning |\n| --- | --- |"
    for each in parameters:
        yield f"| {_names(each)} | {_cell(each.help)}{_default(each)} |"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_cell(written(parameter))}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(f"`{_cell(name + value)}`" for name in names)


def _default(parameter: Any) -> str:
    shown, default = parameter.show_default, parameter.default
    if isinstance(shown, str):
        return f" Default: {shown}."
    if isinstance(default, bool):
        default = parameter.opts[0] if default and parameter.secondary_opts else None
    if default is None or not shown or str(default) in {"", "()", "[]"}:
        return ""
    plain = default.value if isinstance(default, Enum) else f"{default:g}" if isinstance(default, float) else default
    return f" Default: `{plain}`."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text("utf-8").partition(BEGIN)[0] + page() + "\n", "utf-8")
