"""Arguments of operators: values, or the text that a template renders.

Each function raises ConfigurationError with the name of the argument if it cannot be read.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite

from bulk.model.options import seconds_in
from bulk.model.surfaces import Surface
from smmplus.errors import ConfigurationError

AIRFLOW = Surface(
    {
        "sheet": "worksheet",
        "account": "its account",
        "journal": "the connection's journal_conn_id",
    }
)
"""How operators name options in messages that they share with the command line."""


def texts_of(given: object, name: str) -> list[str]:
    """Return one value, several values, or those in a text with commas, as texts: each once, in their order.

    Several values may be any sequence, for example the XComs of mapped tasks. None among them is left out.
    """
    if isinstance(given, str):
        given = given.strip().strip("[](){}").split(",")
    several = given if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes) else [given]
    values = [value for value in several if value is not None]
    if wrong := [value for value in values if isinstance(value, bool) or not isinstance(value, str | int)]:
        raise ConfigurationError(f"{name} contains {wrong[0]!r}: pass texts or whole numbers")
    texts = [str(value).strip().strip("'\"") for value in values]
    return list(dict.fromkeys(text for text in texts if text))


def ids_of(given: object, name: str) -> list[str]:
    """Return one ID, several, or those in a text with commas. Raise if there is none: mostly an XCom is missing."""
    ids = texts_of(given, name)
    if not ids:
        raise ConfigurationError(f"{name} is {given!r}: it contains no ID")
    # A template renders a missing XCom as the text "None".
    if wrong := [number for number in ids if not any(sign.isdigit() for sign in number)]:
        raise ConfigurationError(f"{name} contains {wrong[0]!r}, which is not an ID")
    return ids


def name_of(given: object, name: str) -> str:
    """Return a name, for example of a campaign. Raise for "" and the text "None", which empty templates render."""
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if text.strip() in {"", "None"}:
        raise ConfigurationError(f"{name} is {given!r}: its template rendered no value")
    return text


def seconds_of(given: object, name: str) -> float:
    """Return a duration in seconds, from seconds or a timedelta."""
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds) or seconds < 0:
        raise ConfigurationError(f"{name} is {given!r}: pass seconds, for example 60")
    return seconds


def age_of(given: object, name: str) -> timedelta | None:
    """Return a duration, from a timedelta or a text such as 12h or 3d; None for None.

    Raise for "", which an empty template renders: orders of any age would be meant.
    """
    if given is None:
        return None
    # Without a unit, a number could be days or seconds.
    seconds = seconds_in(given) if isinstance(given, str) and given.strip()[-1:].isalpha() else None
    age = given if isinstance(given, timedelta) else None if seconds is None else timedelta(seconds=seconds)
    if age is None or age < timedelta(0):
        raise ConfigurationError(f'{name} is {given!r}: pass a duration, for example "12h" or "3d"')
    return age


def day_of(given: object, name: str) -> date | None:
    """Return a day, from a date or a text; None for None. Raise for "", which an empty template renders."""
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    try:
        return date.fromisoformat(str(given).strip())
    except ValueError:
        raise ConfigurationError(f"{name} is {given!r}: pass a day, for example 2026-11-30") from None


def whole_of(given: object, name: str) -> int | None:
    """Return a whole number, or None for None. Raise for "", which an empty template renders."""
    if given is None:
        return None
    text = str(given).strip()
    if isinstance(given, bool) or not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{name} is {given!r}: pass a whole number")
    return int(text)


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def truth_of(given: object, name: str) -> bool:
    """Return a boolean, also from the text that a template renders."""
    word = str(given).strip().casefold()
    if word not in _TRUTHS:
        raise ConfigurationError(f"{name} is {given!r}: pass True or False")
    return _TRUTHS[word]


def amount(text: object, name: str) -> Decimal | None:
    """Return an amount, or None for None.

    Raise for "", which an empty template renders: it must not remove a limit.
    """
    if text is None:
        return None
    try:
        value = Decimal(text) if isinstance(text, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if isinstance(text, bool) or not value.is_finite() or value < 0:
        raise ConfigurationError(f'{name} is {text!r}: pass an amount as a string, for example "12.50"')
    return value
