"""PURE: arguments as DAG authors give them: values, or the text that a template makes of them.

Each function raises ConfigurationError where an argument cannot be read; the message names it.
"""

from collections.abc import Iterable, Mapping

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


def whole_of(given: object, name: str) -> int | None:
    """Read a whole number; None and "" are none."""
    if given is None or given == "":
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
