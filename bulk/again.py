"""PURE: the commands that a person gives once more, or next, with what they asked for this time."""

from decimal import Decimal
from typing import Any

from bulk.options import DEFAULTS, OF_COMMANDS, Options
from bulk.surfaces import as_command
from smmplus.commands import Value, command


def again(name: str, options: Options, **changed: Value) -> str:
    """Write `smmplus run`, `check` or `status` on the same sheet as it was asked for, with changes."""
    asked = {option: getattr(options, option) for option in OF_COMMANDS[name] if option not in _OF_ONCE}
    said = {option: _written(value) for option, value in asked.items() if value != DEFAULTS[option]}
    if "colours" in said:
        said["no_colours"] = not said.pop("colours")
    words: Any = as_command(**said | changed)  # not `windows`, which is not an option
    return command(name, str(options.path), account=options.account, **words)


_OF_ONCE = {"account", "remember_map"}
"""The account is always named, and headers that were remembered are."""


def _written(value: object) -> Value:
    match value:
        case bool() | str() | None:
            return value
        case Decimal():
            return format(value, "f")
        case float():
            return f"{value:g}"
        case tuple():
            return [f"{header}={field}" for header, field in value]
    return str(value)
