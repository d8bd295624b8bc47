"""Cell values as text.

A value becomes text (`value_text` and its kin), or a :class:`CellError` if it cannot be read faithfully. The text of an
order field is then checked for what cannot be seen (`order_text`). Below that are the forms that text may have: a
service with its name, an example of a template, a number with separators of a locale.
"""

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
from smmplus.texts import _, marked

DATE_FIELD = "expiry"

NUMBER_FIELDS = frozenset({"quantity", "runs", "interval", "min", "max", "posts", "old_posts"})
"""Fields that hold a count. IDs, delays and the numbers of devices and answers are not counts."""

_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SPACE = "".join(filter(str.isspace, map(chr, range(0x3001))))
_AROUND = _SPACE + _INVISIBLE
_STRICT_FIELDS = frozenset({"service", "link", "quantity"})

_AS_TEXT = marked("Format the cell as text and type the value again.")
_AS_DATE = marked("Format the cell as text and write the date as 2026-12-31.")


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell cannot be read faithfully."""

    value: str
    """What the cell holds, as text."""
    message: str
    remedy: str


def strip_text(text: str) -> str:
    """Return text without the white space, non-breaking spaces and zero-width characters around it."""
    return text.strip(_AROUND)


def number_text(value: float) -> str | None:
    """Return a number in plain digits: "123" for 123.0, "10.5" for 10.5.

    Return None for whole numbers of more than 15 digits, which spreadsheets round, and for NaN and infinity.
    """
    if not math.isfinite(value) or abs(value) >= 1e15:
        return None
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def value_text(value: object) -> str | CellError:
    """Return the text of a cell's value."""
    if isinstance(value, str):
        return strip_text(value)
    if isinstance(value, bool):
        return CellError(str(value).upper(), _("is TRUE or FALSE, not a number or text"), _(_AS_TEXT))
    if isinstance(value, int | float):
        text = number_text(value)
        return (
            CellError(repr(value), _("has more than 15 digits, which spreadsheets round"), _(_AS_TEXT))
            if text is None
            else text
        )
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return CellError(str(value), _("is a date or a time"), _(_AS_TEXT))
    return CellError(str(value), _("cannot be read faithfully"), _(_AS_TEXT))


def switch_text(value: object) -> str | CellError:
    """Return the text of a cell that holds yes or no. Here a boolean can be read faithfully."""
    return str(value).upper() if isinstance(value, bool) else value_text(value)


def date_text(value: object) -> str | CellError:
    """Return the text of a cell that should hold a date. The remedy of an error shows how to write one."""
    text = value_text(value)
    return text if isinstance(text, str) else replace(text, remedy=_(_AS_DATE))


def order_text(field: str, text: str) -> str | CellError:
    """Return the text of an order field with LF as line breaks, or an error.

    A service, link or quantity must not contain what cannot be seen. A date must be an ISO date, and stays one.
    """
    if field in LIST_FIELDS or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if field == DATE_FIELD and text and panel_date(text) is None and not is_example(text):
        if _ISO.fullmatch(text):
            return CellError(
                text, _("does not exist in the calendar"), _("write a day that exists, such as 2026-12-31")
            )
        return CellError(text, _("is not a valid date written as year-month-day"), _(_AS_DATE))
    if field not in _STRICT_FIELDS or (text.isascii() and text.isprintable()):
        return text
    if "\n" in text:
        remedy = _("Write one order per row, with the value on one line.")
        return CellError(text, _("has a line break inside"), remedy)
    if any(map(_unseen, text)):
        remedy = _("Type the value again by hand.")
        return CellError(text, _("has an invisible character or an unusual space inside"), remedy)
    return text


def _unseen(character: str) -> bool:
    return character != " " and unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def result_text(value: object) -> str:
    """Return the text of a result cell, whatever it holds: nothing is ordered by it."""
    text = value_text(value)
    return text if isinstance(text, str) else text.value


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def panel_date(text: str) -> str | None:
    """Return an ISO date in the form that panels use: "31/12/2026" for "2026-12-31". None for any other text."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text).strftime("%d/%m/%Y")
    except ValueError:
        return None


LABEL_SEPARATOR = " – "
"""Separates a service's ID from its name."""

EXAMPLE_MARKS = ("e.g. ", "contoh: ")
"""Every cell of an example begins with one of these, in English or in Indonesian. No ID, link or number begins so: a
row in which one cell was filled in and another was forgotten is a problem, not an order."""

_LONGEST_NAME = 150
"""Characters of a name that are shown: a longer one is wider than a screen."""

_BLANKS = re.compile(r"\s+")


def service_label(service: str, name: str) -> str:
    """Return a service as a template lists it: "12 – Followers", or the ID alone if it has no name to show."""
    shown = printable_name(name)
    return f"{service}{LABEL_SEPARATOR}{shown}" if shown else service


def printable_name(name: str) -> str:
    """Return a service's name on one line, without invisible characters, and cut if it is too long."""
    blank = "".join(" " if unicodedata.category(letter) in {"Zs", "Zl", "Zp", "Cc"} else letter for letter in name)
    seen = "".join(letter for letter in blank if unicodedata.category(letter) not in {"Cf", "Cs", "Cn", "Co"})
    return _BLANKS.sub(" ", seen).strip()[:_LONGEST_NAME].strip()


def is_service_label(text: str) -> bool:
    """Return whether text names a service by its ID and its name."""
    service, separator, _name = text.partition(LABEL_SEPARATOR)
    return separator != "" and service != "" and not any(map(str.isspace, service))


def service_id_of(text: str) -> str:
    """Return the ID in a service label; any other text as it is."""
    return text.partition(LABEL_SEPARATOR)[0] if is_service_label(text) else text


def service_name_of(text: str) -> str:
    """Return the name in a service label; "" for any other text."""
    return text.partition(LABEL_SEPARATOR)[2].strip() if is_service_label(text) else ""


def is_example(text: str) -> bool:
    """Return whether a cell holds an example of a template."""
    return text.startswith(EXAMPLE_MARKS)


_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}([.,'\u2019\s][0-9]{2,3})*[.,'\u2019\s][0-9]{3}([.,][0-9]+)?")

_ALIKE = (" \u00a0\u202f\u2009", "'\u2019")
"""Separators that are typed for one another: the kinds of spaces, and the kinds of apostrophes."""


def is_ambiguous(text: str) -> bool:
    """Return whether some readers take a text for thousands, and others for a number with decimals."""
    return _AMBIGUOUS.fullmatch(text) is not None


def check_locale(locale: str) -> None:
    """Raise SheetError if a locale is not known."""
    plain_digits("", locale)


def plain_digits(text: str, locale: str | None) -> str:
    """Return text in plain digits if it is a whole number in a locale; any other text as it is.

    In Indonesian, "1.000" is "1000", and so is "1.000,00", which a spreadsheet shows. "1,000" stays as it is there: its
    author may have meant a thousand. Without a locale, every text stays as it is.
    """
    return _reader(locale)(text) if locale else text


@cache
def _reader(locale: str) -> Callable[[str], str]:
    thousands, decimal, last, other = _marks(locale)
    alike = next((kinds for kinds in _ALIKE if thousands in kinds), thousands)
    # The first separator is used throughout: nobody writes 1'000 000.
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
    """Return the separators of thousands and of decimals, and the digits of the last group and of the others."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 -- most runs need none of it
    from babel.numbers import get_decimal_symbol, get_group_symbol  # noqa: PLC0415

    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise SheetError(
            _(
                "{locale!r} is not a known locale. Use a language, or a language and a country, for example id, en or "
                "pt_BR.",
                locale=locale,
            )
        ) from error
    last, other = known.decimal_formats[None].grouping
    # Digits are ASCII digits here, also where a locale has digits of its own.
    symbols = get_group_symbol(known, numbering_system="latn"), get_decimal_symbol(known, numbering_system="latn")
    return *symbols, int(last), int(other)
