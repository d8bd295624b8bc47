"""Exact money: a result that would need rounding raises instead."""

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, Clamped])
THOUSAND = 3


def per_thousand(rate: Decimal) -> Decimal:
    """Return the price of one unit at a rate for 1000 units."""
    return EXACT.scaleb(rate, -THOUSAND)


def times(price: Decimal, units: int) -> Decimal:
    """Multiply a price by a number of units."""
    return EXACT.multiply(price, units)


def plus(one: Decimal, other: Decimal) -> Decimal:
    """Add two amounts."""
    return EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    """Subtract the second amount from the first."""
    return EXACT.subtract(one, other)


def plain(amount: Decimal) -> str:
    """Return an amount without exponent and trailing zeros: "0.9" for `0.90000`."""
    return format(amount.normalize(EXACT), "f")


def parse(text: str) -> Decimal:
    """Parse a plain, finite amount, for example "12.50".

    Raises ValueError for anything else, exponents and signs of infinity included.
    """
    whole, _, fraction = text.removeprefix("-").partition(".")
    digits = whole + fraction
    if not (whole and digits.isascii() and digits.isdigit() and len(digits) <= 40):
        raise ValueError("An amount is written like 12.50.")
    return Decimal(text)
