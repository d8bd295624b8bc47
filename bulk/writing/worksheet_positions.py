"""Finds with a parser where result cells are, or belong, in a worksheet's XML. Positions are byte offsets."""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from bulk.files.xlsx_parts import feed, local_name, make_parser
from bulk.model.cell_address import Cursor, column_letter, parse_range
from bulk.model.errors import CannotSpliceError
from bulk.model.fields import field_of
from bulk.model.sheet import RESULT_FIELDS, Sheet
from smmplus.texts import _

# The elements of CT_Worksheet (ECMA-376, 18.3.1.99) between the rows and the validations, formatting last.
_UP_TO_FORMATTING = frozenset({
    "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate",
    "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting",
})  # fmt: skip
_TEXTS = frozenset({"formula", "sqref"})

_REST_OF_TAG = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")

Range = tuple[int, int, int, int]
"""First row, first column, last row, last column."""


def tag_end(data: bytes, start: int) -> int:
    """Return the offset after the tag that begins at `start`. A ">" inside an attribute does not end it."""
    match = _REST_OF_TAG.match(data, start)
    if match is None:
        raise ValueError("a tag without end")
    return match.end()


def behind_element(data: bytes, start: int, end_event: int) -> int:
    """Return the offset after an element, from the offsets at which expat reports its start and its end.

    expat reports an end where the end tag begins; for ``<c/>``, which has none, after the tag.
    """
    is_empty = data.startswith(b"/>", end_event - 2) and tag_end(data, start) == end_event
    return end_event if is_empty else tag_end(data, end_event)


@dataclass(slots=True)
class WorksheetTail:
    """What follows the rows of a worksheet."""

    formatting_at: int = 0
    """Where conditional formatting may be added: after any that exists."""
    priority: int = 0
    """The highest number of any rule, which is the lowest priority."""
    formulas: list[tuple[tuple[Range, ...], str]] = field(default_factory=list)
    """The cells of each conditional formatting, and a formula of its rules."""
    merged: list[Range] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    """Cells in use, with or without a value: merged, filtered, with a sparkline."""

    def follow(self, parser: expat.XMLParserType, data: bytes) -> None:
        """Follow a parser that has reached the end of the rows."""
        self.formatting_at = tag_end(data, parser.CurrentByteIndex)
        _TailScan(self, parser, data)


class _TailScan:
    """Follows the elements between the rows and the worksheet's end."""

    def __init__(self, tail: WorksheetTail, parser: expat.XMLParserType, data: bytes) -> None:
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
            self._add("".join(self._text), local)
        elif not self._open and local in _UP_TO_FORMATTING:
            self._tail.formatting_at = behind_element(self._data, start, self._parser.CurrentByteIndex)

    def _add(self, text: str, local: str) -> None:
        if local == "formula":
            self._tail.formulas.append((self._cells, text))
        elif self._open[-1][0] == "sparkline":
            self._tail.ranges.extend(_ranges(text))


def _ranges(text: str) -> tuple[Range, ...]:
    """Return the ranges in a list. Anything else in it is ignored."""
    found = []
    for each in text.split():
        with suppress(ValueError):
            found.append(parse_range(each))
    return tuple(found)


_FILLING = frozenset({"array", "dataTable"})
"""Kinds of formulas in one cell that fill others."""


class CellPosition(NamedTuple):
    """A cell in or right of the first result column."""

    column: int
    start: int
    end: int
    """The offset after the cell."""
    style: str | None
    is_formula: bool


class CellPositions:
    """The cells of one row, stored as an array of numbers: as objects, 100,000 rows of eight cells take 140 MB."""

    __slots__ = ("_numbers", "_origin")

    def __init__(self, origin: int) -> None:
        """`origin` is the offset at which the row begins."""
        self._origin = origin
        self._numbers = array("I")

    def append(self, mark: CellPosition) -> None:
        """Append a cell. A style is a number (ECMA-376, 18.3.1.4), stored plus one; 0 is no style."""
        style = 0 if mark.style is None else _style_number(mark.style) + 1
        positions = (mark.start - self._origin, mark.end - self._origin)
        self._numbers.extend((mark.column, *positions, style, mark.is_formula))

    def __iter__(self) -> Iterator[CellPosition]:
        numbers = iter(self._numbers)
        for column, start, end, style, is_formula in zip(*[numbers] * 5, strict=True):
            name = str(style - 1) if style else None
            yield CellPosition(column, self._origin + start, self._origin + end, name, bool(is_formula))


def _style_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text!r} is not a style")
    return int(text)


def refuse_formulas(row: int | str, cells: Iterable[CellPosition], wanted: AbstractSet[int]) -> None:
    """Raise CannotSpliceError if a cell in the wanted columns holds a formula."""
    for cell in cells:
        if cell.is_formula and cell.column in wanted:
            # Other formulas, and the workbook's calculation chain, may depend on it.
            address = f"{column_letter(cell.column)}{row}"
            raise CannotSpliceError(_("cell {cell} holds a formula", cell=address))


def with_cells(xml: bytes, start: int, end: int, cells: Iterable[CellPosition], new: Mapping[int, bytes]) -> bytes:
    """Return a row's XML with new cells (column -> XML, from left to right) in their positions among its own."""
    waiting = dict(new)
    pieces: list[bytes] = []
    for cell in cells:
        for column in [column for column in waiting if column < cell.column]:
            pieces.extend((xml[start : cell.start], waiting.pop(column)))
            start = cell.start
        if cell.column in waiting:
            pieces.extend((xml[start : cell.start], waiting.pop(cell.column)))
            start = cell.end
    return b"".join([*pieces, xml[start:end], *waiting.values()])


@dataclass(slots=True)
class RowPosition:
    """A row that gets results."""

    number: int
    start: int
    cells: CellPositions
    end: int = 0
    """Where its end tag begins; for a row without one (``<row/>``) the offset after it."""


@dataclass(slots=True)
class WorksheetPositions:
    """What the scan of a worksheet finds."""

    columns: dict[str, int]
    """Result field -> column. Columns that an earlier call appended are found in the header."""
    rows: list[RowPosition] = field(default_factory=list)
    last_column: int = 0
    """The last column in use, formatted cells, merged cells and filters included."""
    header_style: str | None = None
    """The style of the last cell of the header."""
    has_formula: bool = False
    arrays: list[Range] = field(default_factory=list)
    """The ranges that single formulas fill."""
    dimension: int | None = None
    """Where the dimension tag begins."""
    tail: WorksheetTail = field(default_factory=WorksheetTail)
    """What follows the rows."""

    def reach(self, ranges: Iterable[Range], header_row: int) -> None:
        """Count ranges as in use, except those above the header, which are titles."""
        for _top, _left, bottom, right in ranges:
            if bottom >= header_row:
                self.last_column = max(self.last_column, right)


def find_positions(data: bytes, sheet: Sheet, rows: Iterable[int]) -> WorksheetPositions:
    """Parse the XML of a sheet once, and return the positions.

    :param rows: the numbers of the rows that get results.
    :raises ValueError: if the XML cannot be understood.
    """
    scan = _Scan(data, sheet, frozenset(rows))
    feed(scan.parser, [data])
    scan.positions.reach(scan.positions.tail.ranges, sheet.header_row)
    scan.positions.reach(scan.positions.arrays, sheet.header_row)
    return scan.positions


class _Scan:
    """Follows rows and cells. Positions are recorded only in rows that get results."""

    def __init__(self, data: bytes, sheet: Sheet, rows: frozenset[int]) -> None:
        self._data = data
        known = {field: column.index for field, column in sheet.columns.items() if field in RESULT_FIELDS}
        self.positions = WorksheetPositions(known)
        self._header_row = sheet.header_row
        self._mapped = sheet.headers
        self._wanted = rows
        # Every cell of the header is recorded; below it, those from the first result column on.
        self._first_marked = 0
        self._cursor = Cursor()
        self._row = self._cell = self._formula = self._table = ""
        self._mark: RowPosition | None = None
        self._open: tuple[int, str | None] | None = None
        self._is_formula = self._is_inline = False
        self._inline: list[str] = []
        self.parser = make_parser()
        self.parser.StartElementHandler = self._outside

    def _outside(self, name: str, _attributes: dict[str, str]) -> None:
        match local_name(name):
            case "sheetData":
                namespace = name.removesuffix("sheetData")
                self._row, self._cell, self._table = f"{namespace}row", f"{namespace}c", name
                self._formula = f"{namespace}f"
                self.parser.StartElementHandler = self._start
                self.parser.EndElementHandler = self._end
            case "dimension":
                self.positions.dimension = self.parser.CurrentByteIndex

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            column = self._cursor.enter_cell(attributes.get("r"))
            self.positions.last_column = max(self.positions.last_column, column)
            if column >= self._first_marked and self._mark is not None:
                self._start_cell(attributes)
        elif name == self._row:
            self._start_row(self._cursor.enter_row(attributes.get("r")))
        elif name == self._formula:
            self.positions.has_formula = self._is_formula = True
            if attributes.get("t") in _FILLING and "ref" in attributes:
                self.positions.arrays.append(parse_range(attributes["ref"]))

    def _start_row(self, number: int) -> None:
        if number in self._wanted or number == self._header_row:
            start = self.parser.CurrentByteIndex
            self._mark = RowPosition(number, start, CellPositions(start))
            self.positions.rows.append(self._mark)
            if number == self._header_row:
                self.parser.CharacterDataHandler = self._inline.append

    def _start_cell(self, attributes: dict[str, str]) -> None:
        style = attributes.get("s")
        self._open, self._is_formula = (self.parser.CurrentByteIndex, style), False
        if self._cursor.row == self._header_row:
            self.positions.header_style = style
            self._is_inline = attributes.get("t") == "inlineStr"
            self._inline.clear()

    def _end(self, name: str) -> None:
        if name == self._cell:
            if self._open is not None and self._mark is not None:
                self._end_cell(self._mark, *self._open)
        elif name == self._row:
            if self._mark is not None:
                self._end_row(self._mark)
        elif name == self._table:
            self.positions.tail.follow(self.parser, self._data)

    def _end_cell(self, mark: RowPosition, start: int, style: str | None) -> None:
        end = behind_element(self._data, start, self.parser.CurrentByteIndex)
        mark.cells.append(CellPosition(self._cursor.column, start, end, style, self._is_formula))
        self._open = None
        if mark.number == self._header_row and self._is_inline:
            self._record_column("".join(self._inline))

    def _end_row(self, mark: RowPosition) -> None:
        mark.end = self.parser.CurrentByteIndex
        self._mark = None
        if mark.number == self._header_row:
            self.parser.CharacterDataHandler = None
            self._first_marked = min(self.positions.columns.values(), default=1 << 20)

    def _record_column(self, header: str) -> None:
        name = field_of(header, self._mapped)
        if name in RESULT_FIELDS:
            self.positions.columns.setdefault(name, self._cursor.column)
