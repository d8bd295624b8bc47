"""PURE: amounts of money as DAG authors write them: strings, for a float is no amount."""

from decimal import Decimal, InvalidOperation

from smmplus.errors import ConfigurationError


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
