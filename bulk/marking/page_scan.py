"""Finds the places in a worksheet's XML where cells get another look, as byte offsets."""

from collections.abc import Collection
from dataclasses import dataclass, field

from bulk.formats.grid import Cursor
from bulk.formats.xml_parts import feed, local_name, make_parser
from bulk.marking.xml_edit import Element
from bulk.writing.sheet_tail import behind_element

Address = tuple[int, int]
"""Row, from 1, and column, from 0."""

_BEHIND_NOTES = frozenset(
    {
        "legacyDrawingHF",
        "drawingHF",
        "picture",
        "oleObjects",
        "controls",
        "webPublishItems",
        "tableParts",
        "extLst",
        "AlternateContent",
    }
)
"""What CT_Worksheet (ECMA-376, 18.3.1.99) has behind legacyDrawing; the last of them wraps the controls."""


@dataclass(slots=True)
class CellAt:
    """A cell that is there."""

    start: int
    """Where its tag begins."""
    style: str | None


@dataclass(slots=True)
class RowAt:
    """A row that holds cells that are wanted."""

    start: int
    style: str | None
    """The style of cells that are not written out."""
    element: Element | None = None
    """Known once the row is over."""
    missing: dict[int, int] = field(default_factory=dict)
    """Columns that are wanted and have no cell, and where one belongs; -1 at the row's end."""


@dataclass(slots=True)
class Page:
    """What the scan finds."""

    cells: dict[Address, CellAt] = field(default_factory=dict)
    rows: dict[int, RowAt] = field(default_factory=dict)
    column_styles: list[tuple[range, str]] = field(default_factory=list)
    notes_id: str | None = None
    """The id by which the worksheet refers to the drawing of its comments."""
    notes_at: int = 0
    """Where such a reference belongs."""
    prefix: str = ""
    """What stands before the names of elements: "" or such as "x:"."""
    namespace: str = ""

    def style_of_missing(self, row: int, column: int) -> str | None:
        """Give the style that a cell has as long as it is not written out."""
        found = (style for columns, style in self.column_styles if column in columns)
        return self.rows[row].style or next(found, None)


def scan_page(xml: bytes, wanted: Collection[Address]) -> Page:
    """Go through the XML once; ValueError if it cannot be understood."""
    scan = _Scan(xml, wanted)
    feed(scan.parser, [xml])
    return scan.page


class _Scan:
    """Hears the ends of rows that hold wanted cells, and of nothing else below the root."""

    def __init__(self, xml: bytes, wanted: Collection[Address]) -> None:
        self.page = Page()
        self._xml = xml
        self._wanted: dict[int, list[int]] = {}
        for row, column in sorted(wanted):
            self._wanted.setdefault(row, []).append(column)
        self._cursor = Cursor()
        self._root = self._row = self._cell = ""
        self._waiting: list[int] = []
        self._at: RowAt | None = None
        self.parser = make_parser()
        self.parser.StartElementHandler = self._start_root

    def _start_root(self, name: str, _attributes: dict[str, str]) -> None:
        self._root, namespace = name, name.removesuffix(local_name(name))
        self.page.namespace = namespace.strip()
        qualified = self._xml[self.parser.CurrentByteIndex + 1 :].split(None, 1)[0].split(b">", 1)[0].decode()
        self.page.prefix = f"{qualified.partition(':')[0]}:" if ":" in qualified else ""
        self._row, self._cell = f"{namespace}row", f"{namespace}c"
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._cell:
            self._start_cell(self._cursor.enter_cell(attributes.get("r")), attributes)
        elif name == self._row:
            self._start_row(self._cursor.enter_row(attributes.get("r")), attributes)
        elif self._at is None:
            self._start_other(local_name(name), attributes)

    def _start_row(self, number: int, attributes: dict[str, str]) -> None:
        self._waiting = list(self._wanted.get(number, ()))
        if self._waiting:
            style = attributes.get("s") if attributes.get("customFormat") in {"1", "true"} else None
            self._at = self.page.rows[number] = RowAt(self.parser.CurrentByteIndex, style)

    def _start_cell(self, column: int, attributes: dict[str, str]) -> None:
        while self._at is not None and self._waiting and self._waiting[0] <= column:
            wanted = self._waiting.pop(0)
            if wanted == column:
                at = CellAt(self.parser.CurrentByteIndex, attributes.get("s"))
                self.page.cells[self._cursor.row, column] = at
            else:
                self._at.missing[wanted] = self.parser.CurrentByteIndex

    def _start_other(self, name: str, attributes: dict[str, str]) -> None:
        if name == "legacyDrawing":
            self.page.notes_id = next((value for key, value in attributes.items() if local_name(key) == "id"), None)
        elif name in _BEHIND_NOTES and not self.page.notes_at:
            self.page.notes_at = self.parser.CurrentByteIndex
        elif name == "col" and "style" in attributes:
            columns = range(int(attributes["min"]) - 1, int(attributes["max"]))
            self.page.column_styles.append((columns, attributes["style"]))

    def _end(self, name: str) -> None:
        if name == self._row and self._at is not None:
            at, inner_end = self._at, self.parser.CurrentByteIndex
            end = behind_element(self._xml, at.start, inner_end)
            at.element = Element("row", self.page.namespace, {}, at.start, inner_end, end)
            at.missing |= dict.fromkeys(self._waiting, -1)
            self._at = None
        elif name == self._root and not self.page.notes_at:
            self.page.notes_at = self.parser.CurrentByteIndex
