"""What a cell says as text, and why it may not be taken at its word."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from bulk.model.errors import SheetError
from bulk.model.fields import LIST_FIELDS

DATE_FIELD = "expiry"

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def panel_date(text: str) -> str | None:
    """Write an ISO date as panels want it: "2026-12-31" is "31/12/2026". None for any other text, and for no day."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text).strftime("%d/%m/%Y")
    except ValueError:
        return None


BETWEEN = " – "
"""Stands between a service's id and its name."""

EXAMPLE_MARKS = ("e.g. ", "contoh: ")
"""What every cell of an example begins with, in English and in Indonesian. None of the marks begins an id, a link or a
number: a row in which one cell was filled in and another was forgotten is a problem, not an order."""

_LONGEST_NAME = 150
"""Characters of a name that are shown: what is longer is wider than a screen."""

_BLANKS = re.compile(r"\s+")


def choice(service: str, name: str) -> str:
    """Write a service as a template offers it; the id alone where there is no name to show."""
    shown = shown_name(name)
    return f"{service}{BETWEEN}{shown}" if shown else service


def shown_name(name: str) -> str:
    """Give a service's name without characters that nobody sees, on one line, and cut where it is too long."""
    blank = "".join(" " if unicodedata.category(letter) in {"Zs", "Zl", "Zp", "Cc"} else letter for letter in name)
    seen = "".join(letter for letter in blank if unicodedata.category(letter) not in {"Cf", "Cs", "Cn", "Co"})
    return _BLANKS.sub(" ", seen).strip()[:_LONGEST_NAME].strip()


def is_choice(text: str) -> bool:
    """Tell whether a text names a service by its id and its name."""
    service, between, _ = text.partition(BETWEEN)
    return between != "" and service != "" and not any(map(str.isspace, service))


def service_of(text: str) -> str:
    """Give the id of a service that was chosen; any other text as it is."""
    return text.partition(BETWEEN)[0] if is_choice(text) else text


def name_of(text: str) -> str:
    """Give the name with which a service was chosen, "" where there is none."""
    return text.partition(BETWEEN)[2].strip() if is_choice(text) else ""


def is_example(text: str) -> bool:
    """Tell whether a cell holds an example."""
    return text.startswith(EXAMPLE_MARKS)


_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
_AROUND = _SPACE + _INVISIBLE
_STRICT_FIELDS = frozenset({"service", "link", "quantity"})

_AS_TEXT = "Format the cell as text and type the value again."
_AS_DATE = "Format the cell as text and write the date as 2026-12-31."


@dataclass(frozen=True, slots=True)
class CellError:
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


def value_text(value: object) -> str | CellError:
    """Turn a cell's value as the reader gives it into text, or say why it is not to be trusted."""
    if isinstance(value, str):
        return strip_text(value)
    if isinstance(value, bool):
        return CellError(str(value).upper(), "is a truth value, not a number or text", _AS_TEXT)
    if isinstance(value, int | float):
        text = number_text(value)
        return (
            CellError(repr(value), "has more than 15 digits, which spreadsheets round", _AS_TEXT)
            if text is None
            else text
        )
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return CellError(str(value), "is a date or a time", _AS_TEXT)
    return CellError(str(value), "cannot be read faithfully", _AS_TEXT)


def switch_text(value: object) -> str | CellError:
    """Turn the value of a cell that says yes or no into text: here a truth value is what it seems."""
    return str(value).upper() if isinstance(value, bool) else value_text(value)


def date_text(value: object) -> str | CellError:
    """Turn the value of a cell that is to hold a date into text; how it should be written is said with any flaw."""
    text = value_text(value)
    return text if isinstance(text, str) else replace(text, remedy=_AS_DATE)


def order_text(field: str, text: str) -> str | CellError:
    """Settle the text of an order field: line breaks as LF; nothing unseen in a service, link or quantity.

    A date must be an ISO date, and stays one.
    """
    if field in LIST_FIELDS or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if field == DATE_FIELD and text and panel_date(text) is None and not is_example(text):
        return CellError(text, "is no date written as year-month-day", _AS_DATE)
    if field not in _STRICT_FIELDS or (text.isascii() and text.isprintable()):
        return text
    if "\n" in text:
        return CellError(text, "has a line break inside", "Write one order a row, the value on one line.")
    if any(map(_unseen, text)):
        return CellError(text, "has an invisible character or an unusual space inside", "Type the value again by hand.")
    return text


def _unseen(character: str) -> bool:
    return character != " " and unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def result_text(value: object) -> str:
    """Give a result cell's text; nothing is ordered by it, so that whatever stands there is good enough."""
    text = value_text(value)
    return text if isinstance(text, str) else text.value


NUMBER_FIELDS = frozenset({"quantity", "runs", "interval", "min", "max", "posts", "old_posts"})
"""Fields that hold a number to count with. Ids, delays and the numbers of devices and answers are no such numbers."""

_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}([.,'\u2019\s][0-9]{2,3})*[.,'\u2019\s][0-9]{3}([.,][0-9]+)?")

_ALIKE = (" \u00a0\u202f\u2009", "'\u2019")
"""Marks that are typed for one another: the kinds of spaces, and the kinds of apostrophes."""


def is_ambiguous(text: str) -> bool:
    """Tell whether one reads a text as thousands, and another as a number with decimals."""
    return _AMBIGUOUS.fullmatch(text) is not None


def check_locale(locale: str) -> None:
    """Raise SheetError if a locale is not known."""
    plain_digits("", locale)


def plain_digits(text: str, locale: str | None) -> str:
    """Write a number in plain digits if that is what a text is in a locale; give any other text as it is.

    "1.000" is "1000" in Indonesian, and so is "1.000,00", which a spreadsheet shows. "1,000" stays as it is there:
    whoever wrote it may have meant a thousand. Without a locale, every text stays as it is.
    """
    return _reader(locale)(text) if locale else text


@cache
def _reader(locale: str) -> Callable[[str], str]:
    thousands, decimal, last, other = _marks(locale)
    alike = next((kinds for kinds in _ALIKE if thousands in kinds), thousands)
    # The first mark is the mark throughout: nobody writes 1'000 000.
    grouped = (
        rf"[1-9][0-9]{{0,{other - 1}}}(?=(?P<mark>[{re.escape(alike)}]))"
        rf"(?:(?P=mark)[0-9]{{{other}}})*(?P=mark)[0-9]{{{last}}}"
    )
    pattern = re.compile(rf"(?P<whole>[0-9]+|{grouped})(?:{re.escape(decimal)}0{{1,2}})?")

    def read(text: str) -> str:
        match = pattern.fullmatch(text)
        return text if match is None else re.sub("[^0-9]", "", match["whole"])

    return read


def _marks(locale: str) -> tuple[str, str, int, int]:
    """Give the mark of thousands, that of decimals, and how many digits stand in the last group and in the others."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 -- most runs need none of it
    from babel.numbers import get_decimal_symbol, get_group_symbol  # noqa: PLC0415

    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise SheetError(
            f"{locale!r} is no locale that is known: write a language, or a language and a country, such as id, en or "
            "pt_BR."
        ) from error
    last, other = known.decimal_formats[None].grouping
    # Digits are ASCII digits here, also where a locale has digits of its own.
    symbols = get_group_symbol(known, numbering_system="latn"), get_decimal_symbol(known, numbering_system="latn")
    return *symbols, int(last), int(other)
