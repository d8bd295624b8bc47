"""Follows the cells of a worksheet's XML before any reader does, and stops where it grows beyond all measure."""

from dataclasses import dataclass

from bulk.formats.grid import Cursor, letter_of
from bulk.formats.xml_parts import RefusedXmlError, local_name, make_parser


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be; far beyond any sheet of orders, far below what brings a machine down."""

    file_bytes: int = 100 << 20
    unpacked_bytes: int = 400 << 20
    """All parts of a workbook together."""
    ratio: int = 120
    """Unpacked to packed bytes of one part; a usual sheet has 7."""
    ratio_from_bytes: int = 4 << 20
    """Parts that unpack to less are not judged by their ratio: a small part of equal rows packs very well."""
    parts: int = 5_000
    rows: int = 300_000
    """The last row that holds a value."""
    columns: int = 2_000
    """The last column that holds a value."""
    cells: int = 5_000_000
    """Rows times columns of a worksheet, and cells written out, with a value or without."""


class WorksheetCheck:
    """Counts the rows and columns of a worksheet by its values; any other XML passes through for its DOCTYPE alone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cursor = Cursor()
        self._row = self._cell = self._data = ""
        self._cells = self._last_row = self._last_column = 0
        self.parser = make_parser()
        self.parser.StartElementHandler = self._find_data

    def _find_data(self, name: str, _attributes: dict[str, str]) -> None:
        if local_name(name) != "sheetData":
            return
        if self._data:
            raise RefusedXmlError("it has two tables of cells")
        namespace = name.removesuffix("sheetData")
        self._row, self._cell, self._data = f"{namespace}row", f"{namespace}c", name
        self.parser.StartElementHandler = self._enter
        self.parser.EndElementHandler = self._leave
        # Readers disagree about numbers that a comment or a CDATA section interrupts.
        self.parser.CommentHandler = self.parser.ProcessingInstructionHandler = _refuse_interruption
        self.parser.StartCdataSectionHandler = _refuse_interruption

    def _leave(self, name: str) -> None:
        if name == self._data:
            self.parser.StartElementHandler = self._find_data
            self.parser.EndElementHandler = self.parser.StartCdataSectionHandler = None
            self.parser.CommentHandler = self.parser.ProcessingInstructionHandler = None

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        try:
            if name == self._cell:
                self._cursor.enter_cell(attributes.get("r"))
                self._cells += 1
            elif name == self._row:
                self._cursor.enter_row(attributes.get("r"))
            elif self._cursor.row > self._last_row or self._cursor.column > self._last_column:
                # Whatever stands inside a cell may be a value; a cell that is only formatted has nothing inside.
                self._extend()
        except ValueError as error:
            raise RefusedXmlError(f"its cells are out of order: {error}") from error
        if self._cells > self._limits.cells:
            raise RefusedXmlError(f"it has more than {self._limits.cells:,} cells")

    def _extend(self) -> None:
        limits, row, column = self._limits, self._cursor.row, self._cursor.column
        self._last_row = max(self._last_row, row)
        self._last_column = max(self._last_column, column)
        if row > limits.rows or column >= limits.columns:
            raise RefusedXmlError(f"cell {letter_of(column)}{row} is used, far outside any table. Delete its content")
        if self._last_row * (self._last_column + 1) > limits.cells:
            raise RefusedXmlError(f"its table reaches {letter_of(self._last_column)}{self._last_row}: too large")


def _refuse_interruption(*_: object) -> None:
    raise RefusedXmlError("a comment or a special section stands among its cells")
