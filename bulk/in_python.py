"""PURE: what commands and functions both say, in the words of a caller in Python."""

import re

from smmplus.commands import Value

_SWITCHES = re.compile(r"--(skip-bad|allow-duplicates|adopt|ignore-missing|retry-refused)\b")
_VALUES = re.compile(r"--(campaign|max-spend|first|expect-rows|expect-total|expect-fingerprint|locale)\b")


def in_python(text: str) -> str:
    """Name options of the command as the arguments that they are here."""
    text = _SWITCHES.sub(lambda option: f"{option[1].replace('-', '_')}=True", text)
    return _VALUES.sub(lambda option: f"{option[1].replace('-', '_')}=…", text)


def once_more(**changed: Value) -> str:
    """Say how a function is called once more."""
    named = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    return f"call it again with {named}" if named else "call it again to go on, what is placed is not placed again"
