"""Numbers as panels write them, read without guessing. Money is Decimal, never float."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact

EXACT = Context(prec=120, traps=[Inexact])
"""Money is computed exactly or it is an error; 120 digits hold any rate that `amount` reads times any quantity.

Python's own context rounds at 28 digits without a word, and so do the operators, `sum` and even a minus sign.
"""

# Twenty digits before and after the point hold every price. A panel's 1E+999999999 would be computed with for minutes.
_PLAIN = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[01]?[0-9])?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3}){1,6}(\.[0-9]{1,20})?")


def amount(value: object) -> Decimal | None:
    """Read an amount: "0.27819", 1.5, "1,234.50000" (seen on panels). None where it is not clearly one.

    A comma counts only as a separator of thousands: "0,09" is None, never nine cents and never nine.
    """
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    return Decimal(text.replace(",", "")) if _THOUSANDS.fullmatch(text) else None


def count(value: object) -> int | None:
    """Read a whole number: 3572, "3572", "1,000", "-12" (over-delivery). None for null, "" and words."""
    number = amount(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def plain(number: Decimal) -> str:
    """Write a Decimal without exponent and without trailing zeros: "12.5", "0.00027"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts of one currency exactly."""
    result = Decimal(0)
    for number in amounts:
        result = EXACT.add(result, number)
    return result


def minus(number: Decimal, other: Decimal) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(number, other)
