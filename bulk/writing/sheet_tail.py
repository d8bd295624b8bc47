"""What a worksheet's XML says behind its rows, and where one may add to it, as byte offsets."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

from bulk.formats.grid import parse_range
from bulk.formats.xml_parts import local_name

# What CT_Worksheet (ECMA-376, 18.3.1.99) has between its rows and the validations, formatting last.
_UP_TO_FORMATTING = frozenset({
    "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate",
    "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting",
})  # fmt: skip
_TEXTS = frozenset({"formula", "sqref"})

_REST_OF_TAG = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")

Range = tuple[int, int, int, int]
"""First row, first column, last row, last column."""


def tag_end(data: bytes, start: int) -> int:
    """Give the offset behind the tag that begins at `start`; a ">" inside an attribute does not end it."""
    match = _REST_OF_TAG.match(data, start)
    if match is None:
        raise ValueError("a tag without end")
    return match.end()


def behind_element(data: bytes, start: int, end_event: int) -> int:
    """Give the offset behind an element from where expat reports its start and its end.

    An end is reported where its tag begins; but for ``<c/>``, which has none, behind that one tag.
    """
    is_empty = data.startswith(b"/>", end_event - 2) and tag_end(data, start) == end_event
    return end_event if is_empty else tag_end(data, end_event)


@dataclass(slots=True)
class Tail:
    """What stands behind the rows."""

    formatting_at: int = 0
    """Where conditional formatting may be added: behind what there is of it."""
    priority: int = 0
    """The highest of any rule: the one that gives way to all others."""
    formulas: list[tuple[tuple[Range, ...], str]] = field(default_factory=list)
    """The cells of each conditional formatting, and a formula of its rules."""
    merged: list[Range] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    """Cells that are in use though they may hold nothing: merged, filtered, with a sparkline."""

    def follow(self, parser: expat.XMLParserType, data: bytes) -> None:
        """Listen to a parser that has come to the end of the rows."""
        self.formatting_at = tag_end(data, parser.CurrentByteIndex)
        _Scan(self, parser, data)


class _Scan:
    """Follows the elements between the rows and the worksheet's end."""

    def __init__(self, tail: Tail, parser: expat.XMLParserType, data: bytes) -> None:
        self._tail = tail
        self._parser = parser
        self._data = data
        self._open: list[tuple[str, int]] = []
        self._text: list[str] = []
        self._cells: tuple[Range, ...] = ()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        self._open.append((local, self._parser.CurrentByteIndex))
        match local:
            case "mergeCell":
                self._tail.merged.append(parse_range(attributes["ref"]))
                self._tail.ranges.append(self._tail.merged[-1])
            case "autoFilter" if "ref" in attributes:
                self._tail.ranges.append(parse_range(attributes["ref"]))
            case "conditionalFormatting":
                self._cells = _ranges(attributes.get("sqref", ""))
            case "cfRule":
                self._tail.priority = max(self._tail.priority, int(attributes.get("priority", "0")))
            case _ if local in _TEXTS:
                self._text.clear()
                self._parser.CharacterDataHandler = self._text.append

    def _end(self, _name: str) -> None:
        if not self._open:
            return
        local, start = self._open.pop()
        if local in _TEXTS:
            self._parser.CharacterDataHandler = None
            self._take("".join(self._text), local)
        elif not self._open and local in _UP_TO_FORMATTING:
            self._tail.formatting_at = behind_element(self._data, start, self._parser.CurrentByteIndex)

    def _take(self, text: str, local: str) -> None:
        if local == "formula":
            self._tail.formulas.append((self._cells, text))
        elif self._open[-1][0] == "sparkline":
            self._tail.ranges.extend(_ranges(text))


def _ranges(text: str) -> tuple[Range, ...]:
    """Read a list of ranges; what is none says nothing of cells."""
    found = []
    for each in text.split():
        with suppress(ValueError):
            found.append(parse_range(each))
    return tuple(found)
