"""Whole numbers as a locale writes them: nothing is taken for a separator of thousands unless a person says so."""

import re
from collections.abc import Callable
from functools import cache

from bulk.errors import SheetError

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
