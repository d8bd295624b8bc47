"""Reads the "mass order" text that marketers paste: one order a line, in either of the two ways that panels use."""

import re
from pathlib import Path

from bulk.formats.cells import strip_text
from bulk.formats.text_files import decode, physical_lines
from bulk.reading.columns import Header
from bulk.reading.contents import Contents
from bulk.reading.draft import Draft, digest_of
from bulk.sheet import Column, Problem

_HEADER = Header(0, {name: Column(i, "ABC"[i], name) for i, name in enumerate(("service", "link", "quantity"))}, ())
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]*")
_REMEDY = "Write it as: service | link | quantity"


def parse_mass_order(path: Path, data: bytes, *, encoding: str | None) -> Contents:
    """Read ``service | link | quantity``, one order a line, or with the last two swapped; empty lines do not count."""
    text, encoding = decode(path, data, encoding)
    draft = Draft(path, "mass_order", "", _HEADER)
    for number, line in enumerate(physical_lines(text.removeprefix("\ufeff")), start=1):
        if strip_text(line):
            _add_line(draft, number, strip_text(line))
    return draft.finish(digest_of(data), encoding)


def _add_line(draft: Draft, number: int, line: str) -> None:
    parts = [strip_text(part) for part in line.split("|")]
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
