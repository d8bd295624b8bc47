"""PURE: a service as a template offers it, "12 – Followers", and rows that only show how to fill a template in."""

import re
import unicodedata

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
