"""Surfaces: where a message is read, on the command line, in Python or in Airflow. Each sets options in its own way.

The remedy in a message is data: options, and the values that they need. The surface phrases it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from smmplus.commands import Value, options_of_command
from smmplus.texts import _, joined, marked


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

ANSWERS: Mapping[str, str] = {
    "skip_bad": marked("Leave out the rows with problems"),
    "adopt": marked("They are the same orders"),
    "campaign": marked("Place them again, under another campaign"),
    "ignore_missing": marked("The rows are gone on purpose"),
    "allow_duplicates": marked("Identical rows are separate orders"),
    "not_placed_since_backup": marked("They were not placed since the backup"),
    "retry_refused": marked("Send the rejected rows again"),
    "use_hyperlinks": marked("Order the addresses behind the links"),
    "hidden": marked("Hidden rows"),
    "headers": marked("Columns"),
    "sheet": marked("Worksheet"),
    "encoding": marked("Encoding"),
    "locale": marked("Number format"),
    "max_spend": marked("Budget"),
}
"""Option -> what it is called on the page."""


class Page(Surface):
    """Phrases remedies as the answers that the page offers."""

    __slots__ = ()

    def name(self, option: str) -> str:
        """Return the name of an option."""
        return self.names.get(option) or f"“{_(ANSWERS.get(option, option))}”"

    def phrase(self, **remedy: Value) -> str:
        """Return the answers that the page offers; an option with a value has a field of its own there."""
        names = joined(map(self.name, remedy))
        return _("the answer {answer}", answer=names) if all(value is True for value in remedy.values()) else names


PAGE = Page({"journal": "SMMPLUS_JOURNAL"})
