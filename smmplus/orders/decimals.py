"""Read numbers as panels write them, without guessing. Money is Decimal, never float."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from functools import lru_cache

EXACT = Context(prec=120, traps=[Inexact])
"""Money is computed exactly, or it is an error. 120 digits suffice for any rate that `amount` reads times any quantity.

Python's default context silently rounds to 28 digits, and so do the operators, `sum` and even a minus sign.
"""

# Twenty digits before and after the point are enough for every price. 1E+999999999 would take minutes to compute with.
_PLAIN = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[01]?[0-9])?")
_EXPONENT = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?[eE][+-]?[01]?[0-9]")
_WRITTEN = {
    # Thousands are groups of three digits after one to three digits that do not begin with 0.
    sign: re.compile(
        rf"([+-]?)([0-9]{{1,20}}|[1-9][0-9]{{0,2}}(?:(?P<mark>[{other}' \u00a0\u2009\u202f])[0-9]{{3}})"
        rf"(?:(?P=mark)[0-9]{{3}}){{0,5}})(?:[{sign}]([0-9]{{1,20}}))?"
    )
    for sign, other in ((".", ","), (",", "."))
}
"""Decimal sign -> the pattern of amounts with it."""
_LONGEST = 100
"""The most characters of a number, with blanks and a currency."""
_CURRENCY = "|".join(
    [
        r"[$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u20a0-\u20c0]",
        *("US\\$", "R\\$", "[Rr][Pp]\\.?", "RM", "z\u0142", "[A-Z]{3}"),
    ]
)
_WITH_CURRENCY = re.compile(rf"([+-]?)\s*(?:{_CURRENCY})\s*(\S.*)|(.*\S)\s*(?:{_CURRENCY})")


def readings(value: object) -> dict[str, Decimal]:
    """Return every reading of a number: decimal sign -> number. Empty for what is not a number.

    A JSON number has one reading whatever it looks like.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return {}
    if isinstance(value, str):
        return _of_text(value.strip()) if len(value) <= _LONGEST else {}
    text = str(value)
    return dict.fromkeys(_WRITTEN, Decimal(text)) if _PLAIN.fullmatch(text) else {}


@lru_cache(maxsize=4096)
def _of_text(text: str) -> dict[str, Decimal]:
    """Read a text. It is cached: a price list repeats the same few limits and prices thousands of times."""
    if _EXPONENT.fullmatch(text):
        return dict.fromkeys(_WRITTEN, Decimal(text))
    if with_currency := _WITH_CURRENCY.fullmatch(text):
        sign, after, before = with_currency.groups()
        text = before or sign + after
    return {sign: read for sign, pattern in _WRITTEN.items() if (read := _read(pattern.fullmatch(text))) is not None}


def _read(found: re.Match[str] | None) -> Decimal | None:
    if found is None:
        return None
    sign, whole, _, fraction = found.groups()
    return Decimal(
        f"{sign}{re.sub('[^0-9]', '', whole)}.{fraction or 0}" if fraction else sign + re.sub("[^0-9]", "", whole)
    )


class Notation:
    """How a panel writes numbers, learnt from those that can be read in only one way.

    "1,234" and "1.000" can be read in two ways. They are read only if all other numbers of the panel agree on the
    decimal sign.
    """

    def __init__(self) -> None:
        self._signs: set[str] = set()
        self.was_missed = False
        """Whether a number with two readings was found while the decimal sign was not known."""

    @property
    def is_wanted(self) -> bool:
        """Whether such a number was found and no sign is known yet, so that another answer may help."""
        return self.was_missed and not self._signs

    @property
    def is_known(self) -> bool:
        """Whether all numbers so far agree on one decimal sign."""
        return len(self._signs) == 1

    def learn(self, values: Iterable[object]) -> None:
        """Learn the decimal sign from the numbers of an answer."""
        for value in values:
            found = readings(value)
            if len(found) == 1:
                self._signs |= set(found)

    def amount(self, value: object) -> Decimal | None:
        """Read an amount: "0.27819", 1.5, "1.234,50", "$0.35". None if it has no clear reading."""
        found = readings(value)
        if len(set(found.values())) > 1:
            self.was_missed |= not self._signs
            return found[next(iter(self._signs))] if self.is_known else None
        return next(iter(found.values()), None)

    def count(self, value: object) -> int | None:
        """Read a whole number: 3572, "3572", "-12" (over-delivery). None for null, "" and words."""
        number = self.amount(value)
        return int(number) if number is not None and number == number.to_integral_value() else None


def written(text: str) -> Decimal | None:
    """Read what `plain` wrote; None for any other text."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def plain(number: Decimal) -> str:
    """Return a Decimal as text without exponent and trailing zeros: "12.5", "0.00027"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency; at least two decimal places."""
    text = plain(amount)
    fraction = text.partition(".")[2]
    return f"{text if len(fraction) >= 2 else format(amount, '.2f')} {currency}".strip()


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of amounts of one currency."""
    result = Decimal(0)
    for number in amounts:
        result = EXACT.add(result, number)
    return result


def minus(number: Decimal, other: Decimal) -> Decimal:
    """Return the exact difference."""
    return EXACT.subtract(number, other)


def code_of(currency: str) -> str:
    """Return a currency's code for comparing: panels write it in any case."""
    return currency.strip().casefold()
