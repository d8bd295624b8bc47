"""Reads the "mass order" text that marketers paste: one order a line, in either of the two ways that panels use."""

import re
from pathlib import Path

from bulk.errors import SheetError
from bulk.formats.cells import strip_text
from bulk.formats.numerals import plain_digits
from bulk.formats.text_files import decode, physical_lines
from bulk.reading.columns import Header
from bulk.reading.draft import Draft, digest_of
from bulk.reading.how import How
from bulk.sheet import Column, Problem, Sheet

_HEADER = Header(0, {name: Column(i, "ABC"[i], name) for i, name in enumerate(("service", "link", "quantity"))}, ())
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]*")
_REMEDY = "Write it as: service | link | quantity"


def parse_mass_order(path: Path, data: bytes, how: How) -> Sheet:
    """Read ``service | link | quantity``, one order a line, or with the last two swapped; empty lines do not count."""
    if how.headers:
        option = how.surface.name("headers")
        raise SheetError(f"{path}: mass-order text has no headers to map. Leave {option} out.")
    text, encoding = decode(path, data, how.encoding, how.surface)
    draft = Draft(path, "mass_order", "", _HEADER)
    for number, line in enumerate(physical_lines(text.removeprefix("\ufeff")), start=1):
        if strip_text(line):
            _add_line(draft, number, strip_text(line), how.locale)
    return draft.finish(digest_of(data), encoding)


def _add_line(draft: Draft, number: int, line: str, locale: str | None) -> None:
    parts = [strip_text(part) for part in line.split("|")]
    parts[1:] = [plain_digits(part, locale) for part in parts[1:]]
    ordered = _in_order(parts)
    if isinstance(ordered, str):
        draft.problems.append(Problem(f"line {number}", "", line[:200], ordered, _REMEDY, number))
    else:
        draft.add_row(number, ordered)


def _in_order(parts: list[str]) -> list[str] | str:
    """Give service, link and quantity, told apart by which of the last two is a whole number; or what is wrong."""
    if len(parts) != 3:
        return "an order has three parts: service | link | quantity"
    service, second, third = parts
    match _WHOLE_NUMBER.fullmatch(second) is not None, _WHOLE_NUMBER.fullmatch(third) is not None:
        case False, True:
            return [service, second, third]
        case True, False:
            return [service, third, second]
        case True, True:
            return "has a whole number in both places: which one is the quantity cannot be told"
    return "has no whole number for its quantity"
