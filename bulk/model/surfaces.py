"""Surfaces: where a message is read, on the command line, in Python or in Airflow. Each sets options in its own way.

The remedy in a message is data: options, and the values that they need. The surface phrases it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from smmplus.commands import Value, options_of_command


@dataclass(frozen=True, slots=True)
class Surface:
    """Phrases remedies as arguments in Python. It holds plain values, so that it can be sent to another process."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Option or setting -> its name on this surface, if it differs."""

    def name(self, option: str) -> str:
        """Return the name of an option."""
        return self.names.get(option, option)

    def phrase(self, **remedy: Value) -> str:
        """Return options with their values, as the user writes them."""
        return ", ".join(f"{self.name(option)}={_literal(option, value)}" for option, value in remedy.items())


class CommandLine(Surface):
    """Phrases remedies as options of commands."""

    __slots__ = ()

    def name(self, option: str) -> str:
        """Return the name of an option."""
        return self.names.get(option) or options_of_command({option: True})

    def phrase(self, **remedy: Value) -> str:
        """Return options with their values, as the user writes them."""
        return options_of_command(as_command(**remedy))


def as_command(**options: Value) -> dict[str, Value]:
    """Return the options of a run under the names that they have in commands."""
    hidden, headers, colours = (options.pop(name, None) for name in ("hidden", "headers", "colours"))
    return options | {
        "map": headers,
        "no_colours": colours is False,
        "include_hidden": hidden == "include",
        "visible_only": hidden == "skip",
    }


def _literal(option: str, value: Value) -> str:
    if option == "headers" and isinstance(value, list | tuple):
        return repr({header: field for header, _, field in (pair.rpartition("=") for pair in value)})
    return repr(value)


COMMAND_LINE = CommandLine({"headers": "--map", "journal": "SMMPLUS_JOURNAL"})
PYTHON = Surface({"journal": "journal (or SMMPLUS_JOURNAL)"})
