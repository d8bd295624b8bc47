"""What people read and paste: commands, quoted for the shell and with the account that they need, and local times."""

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from subprocess import list2cmdline

from smmplus.texts import _, marked

Value = str | bool | Sequence[str] | None
"""The value of an option. A sequence repeats the option."""


default_account: Callable[[], str] = lambda: "default"  # noqa: E731 (a setting: bulk replaces it with the user's choice)
"""Returns the account that commands use without `--account`."""


def command(name: str, *arguments: str, account: str = "", windows: bool = os.name == "nt", **options: Value) -> str:
    """Return a command of `smmplus` that can be pasted.

    `name` may be two words, such as "journal restore". The default account is left out. An option that is True is
    written without a value, and one that is False or None is left out. A value that begins with a dash is written after
    `=` or `--`, so that it is not taken for an option.
    """
    given = options | {"account": "" if account in {"", default_account()} else account}
    words = ["smmplus", *name.split(), *_options(given)]
    behind = any(argument.startswith("-") for argument in arguments)
    at = len(words) if behind else 1 + len(name.split())
    words[at:at] = ["--", *arguments] if behind else arguments
    return _joined(words, windows=windows)


def options_of_command(options: Mapping[str, Value], *, windows: bool = os.name == "nt") -> str:
    """Return options as they are written in a command."""
    return _joined(_options(options), windows=windows)


def _joined(words: Sequence[str], *, windows: bool) -> str:
    return " ".join(map(_quoted_on_windows, words)) if windows else shlex.join(words)


def _options(given: Mapping[str, Value]) -> list[str]:
    return [word for name, value in given.items() for word in _option(f"--{name.replace('_', '-')}", value)]


def _option(name: str, value: Value) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [word for each in value for word in _option(name, each)]
    if value is None or value is False or value == "":
        return []
    if value is True:
        return [name]
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


_PLAIN = re.compile(r"[\w@:./\\,=+-]+")


def _quoted_on_windows(word: str) -> str:
    """Quote what has a meaning for cmd.exe as well: `list2cmdline` only quotes blanks and quotation marks."""
    quoted = list2cmdline([word])
    return f'"{word}"' if quoted == word and not _PLAIN.fullmatch(word) else quoted


_MONTHS = marked("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")


def local_time(time: datetime | str | None, *, seconds: bool = False) -> str:
    """Return a time, or one of the journal in ISO 8601, in the local zone: "28 Nov 2026, 12:16 WIB"."""
    if not time:
        return _("an unknown time")
    local = (datetime.fromisoformat(time) if isinstance(time, str) else time).astimezone()
    clock = f"{local:%H:%M:%S %Z}" if seconds else f"{local:%H:%M %Z}"
    return f"{local.day} {_(_MONTHS).split()[local.month - 1]} {local.year}, {clock}"
