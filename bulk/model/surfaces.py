"""Where a message is read: on the command line, in Python or in Airflow. Each sets an option in its own way.

A remedy in a message is data, options with the values that they need, and the surface phrases it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from smmplus.commands import Value, options_of_command


@dataclass(frozen=True, slots=True)
class Surface:
    """Phrases remedies for arguments in Python. Holds plain values: it goes to another process as it is."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Options, and settings outside of a job, that have another name here."""

    def name(self, option: str) -> str:
        """Name an option without a value."""
        return self.names.get(option, option)

    def phrase(self, **remedy: Value) -> str:
        """Write options with their values."""
        return ", ".join(f"{self.name(option)}={_literal(option, value)}" for option, value in remedy.items())


class CommandLine(Surface):
    """Phrases remedies for options of commands."""

    __slots__ = ()

    def name(self, option: str) -> str:
        """Name an option without a value."""
        return self.names.get(option) or options_of_command({option: True})

    def phrase(self, **remedy: Value) -> str:
        """Write options with their values."""
        return options_of_command(as_command(**remedy))


def as_command(**options: Value) -> dict[str, Value]:
    """Give options of a job the names that they have in commands."""
    hidden, headers = options.pop("hidden", None), options.pop("headers", None)
    return options | {"map": headers, "include_hidden": hidden == "include", "visible_only": hidden == "skip"}


def _literal(option: str, value: Value) -> str:
    if option == "headers" and isinstance(value, list | tuple):
        return repr({header: field for header, _, field in (pair.rpartition("=") for pair in value)})
    return repr(value)


COMMAND_LINE = CommandLine({"headers": "--map", "journal": "SMMPLUS_JOURNAL"})
PYTHON = Surface({"journal": "journal (or SMMPLUS_JOURNAL)"})
