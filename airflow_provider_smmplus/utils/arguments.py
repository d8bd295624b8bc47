"""PURE: arguments as DAG authors give them: values, or the text that a template makes of them.

Each function raises ConfigurationError where an argument cannot be read; the message names it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite

from smmplus.errors import ConfigurationError


def texts_of(given: object, name: str) -> list[str]:
    """Read one value, several, or text with commas, such as a template gives; each once, in their order.

    Several may be any sequence, such as the XComs of mapped tasks. None among them is left out.
    """
    if isinstance(given, str):
        given = given.strip().strip("[](){}").split(",")
    several = given if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes) else [given]
    values = [value for value in several if value is not None]
    if wrong := [value for value in values if isinstance(value, bool) or not isinstance(value, str | int)]:
        raise ConfigurationError(f"{name} holds {wrong[0]!r}: give texts or whole numbers")
    texts = [str(value).strip().strip("'\"") for value in values]
    return list(dict.fromkeys(text for text in texts if text))


def ids_of(given: object, name: str) -> list[str]:
    """Read ids: one, several, or text with commas. There must be one: no id is mostly an XCom that is missing."""
    ids = texts_of(given, name)
    if not ids:
        raise ConfigurationError(f"{name} is {given!r}: there is no id in it")
    # A template makes the text "None" of an XCom that is missing.
    if wrong := [number for number in ids if not any(sign.isdigit() for sign in number)]:
        raise ConfigurationError(f"{name} holds {wrong[0]!r}, which is no id")
    return ids


def name_of(given: object, name: str) -> str:
    """Read a name, such as a campaign's. A template that came to nothing gives "" or the text "None": that is none."""
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if text.strip() in {"", "None"}:
        raise ConfigurationError(f"{name} is {given!r}: see to it that its template gives something")
    return text


def seconds_of(given: object, name: str) -> float:
    """Read how long something takes: seconds, or a timedelta."""
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds) or seconds < 0:
        raise ConfigurationError(f"{name} is {given!r}: write seconds, such as 60")
    return seconds


def whole_of(given: object, name: str) -> int | None:
    """Read a whole number; None is none. A template that came to nothing gives "", which is no number."""
    if given is None:
        return None
    text = str(given).strip()
    if isinstance(given, bool) or not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{name} is {given!r}: write a whole number")
    return int(text)


def truth_of(given: object, name: str) -> bool:
    """Read yes or no."""
    word = str(given).strip().casefold()
    if word not in _TRUTHS:
        raise ConfigurationError(f"{name} is {given!r}: write True or False")
    return _TRUTHS[word]


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def amount(text: object, name: str) -> Decimal | None:
    """Read an amount; None is none. ConfigurationError names the argument.

    A bound whose template came to nothing gives "": that must not lift it.
    """
    if text is None:
        return None
    try:
        value = Decimal(text) if isinstance(text, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if isinstance(text, bool) or not value.is_finite() or value < 0:
        raise ConfigurationError(f'{name} is {text!r}: write an amount as a string, such as "12.50"')
    return value
