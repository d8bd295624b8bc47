"""What a cell says as text, and why it may not be taken at its word."""

import datetime as dt
import math
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal

from bulk.choices import is_example
from bulk.formats.dates import DATE_FIELD, panel_date
from bulk.reading.columns import LIST_FIELDS

_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
_AROUND = _SPACE + _INVISIBLE
_STRICT_FIELDS = frozenset({"service", "link", "quantity"})

_AS_TEXT = "Format the cell as text and type the value again."
_AS_DATE = "Format the cell as text and write the date as 2026-12-31."


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a cell cannot be taken as it is."""

    value: str
    """What stands there, as text."""
    message: str
    remedy: str


def strip_text(text: str) -> str:
    """Strip white space, non-breaking spaces and zero-width characters around a value."""
    return text.strip(_AROUND)


def number_text(value: float) -> str | None:
    """Write a number in plain digits: 123.0 is "123", 10.5 is "10.5".

    None for whole numbers of more than 15 digits, which spreadsheets round, and for what is no number.
    """
    if not math.isfinite(value) or abs(value) >= 1e15:
        return None
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def value_text(value: object) -> str | Flaw:
    """Turn a cell's value as the reader gives it into text, or say why it is not to be trusted."""
    if isinstance(value, str):
        return strip_text(value)
    if isinstance(value, bool):
        return Flaw(str(value).upper(), "is a truth value, not a number or text", _AS_TEXT)
    if isinstance(value, int | float):
        text = number_text(value)
        return (
            Flaw(repr(value), "has more than 15 digits, which spreadsheets round", _AS_TEXT) if text is None else text
        )
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return Flaw(str(value), "is a date or a time", _AS_TEXT)
    return Flaw(str(value), "cannot be read faithfully", _AS_TEXT)


def switch_text(value: object) -> str | Flaw:
    """Turn the value of a cell that says yes or no into text: here a truth value is what it seems."""
    return str(value).upper() if isinstance(value, bool) else value_text(value)


def date_text(value: object) -> str | Flaw:
    """Turn the value of a cell that is to hold a date into text; how it should be written is said with any flaw."""
    text = value_text(value)
    return text if isinstance(text, str) else replace(text, remedy=_AS_DATE)


def order_text(field: str, text: str) -> str | Flaw:
    """Settle the text of an order field: line breaks as LF; nothing unseen in a service, link or quantity.

    A date must be an ISO date, and stays one.
    """
    if field in LIST_FIELDS or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if field == DATE_FIELD and text and panel_date(text) is None and not is_example(text):
        return Flaw(text, "is no date written as year-month-day", _AS_DATE)
    if field not in _STRICT_FIELDS or (text.isascii() and text.isprintable()):
        return text
    if "\n" in text:
        return Flaw(text, "has a line break inside", "Write one order a row, the value on one line.")
    if any(map(_unseen, text)):
        return Flaw(text, "has an invisible character or an unusual space inside", "Type the value again by hand.")
    return text


def _unseen(character: str) -> bool:
    return character != " " and unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def result_text(value: object) -> str:
    """Give a result cell's text; nothing is ordered by it, so that whatever stands there is good enough."""
    text = value_text(value)
    return text if isinstance(text, str) else text.value
