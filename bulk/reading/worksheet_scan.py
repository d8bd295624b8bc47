"""Scans a worksheet's XML once, before it is read.

The scan raises if the sheet is too large, and collects what a reader of values does not report: hidden rows and
columns, merged cells, errors, and formulas without a value.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bulk.files.xlsx_parts import RefusedXmlError, feed, local_name, make_parser, relationship_id
from bulk.files.zip_archive import ArchiveError
from bulk.model.cell_address import Cursor, column_letter, parse_range
from bulk.model.cell_values import CellError
from bulk.reading.worksheet_rows import PROBE, PlainRowSkipper
from smmplus.texts import _


@dataclass(frozen=True, slots=True)
class WorksheetFacts:
    """What the scan found. Rows count from 1, columns from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First row, first column, last row, last column of each."""
    errors: dict[tuple[int, int], CellError] = field(default_factory=dict)
    """(row, column) -> why this cell, which a reader of values reports as empty, cannot be read faithfully."""
    hyperlinks: list[tuple[tuple[int, int, int, int], str, str]] = field(default_factory=list)
    """Cells that lead to an address: the range, the id of the reference, and the place on that page."""
    formula_links: dict[tuple[int, int], str] = field(default_factory=dict)
    """(row, column) -> the address that the formula =HYPERLINK("address", "text") of this cell leads to."""
    empty_rows: list[range] = field(default_factory=list, compare=False)
    """The bytes of rows that hold nothing but formats, as far as they are plainly written."""
    is_unusual: bool = False
    """Whether it has what readers disagree about: comments, processing instructions, CDATA, a dimension of no range."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How large a file may be: far more than any sheet of orders, far less than what brings a machine down."""

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
    cells: int = 3_000_000
    """Rows times columns of a worksheet; and cells in the XML of rows that have a value."""
    odd_cells: int = 2_000_000
    """Cells that are not written plainly: a parser reads them one by one."""
    errors: int = 300_000
    """Cells of a worksheet with an error, or a formula without a value."""
    lines: int = 3_000_000
    """The lines of a text file."""
    marks: int = 20_000_000
    """The delimiters of one kind in a text file."""


def scan(pieces: Iterable[bytes], limits: FileLimits) -> WorksheetFacts:
    """Scan a part of XML, a worksheet or another.

    :raises RefusedXmlError: if it is damaged or too large, or if readers would disagree about it.
    """
    listener = _CellListener(limits)
    try:
        feed(listener.parser, PlainRowSkipper(listener).remaining(pieces))
    except (RefusedXmlError, ArchiveError):
        raise
    except (ValueError, KeyError) as error:
        raise RefusedXmlError(_("a number or an address in its XML is not valid")) from error
    return listener.finish()


_LINK = re.compile(r'=\s*HYPERLINK\(\s*"((?:[^"]|"")*)"\s*(?:,\s*"(?:[^"]|"")*"\s*)?\)\s*', re.IGNORECASE)
"""A formula whose address and text are written in it."""

_RANGE = re.compile(r"[A-Z]{1,3}[1-9][0-9]*(:[A-Z]{1,3}[1-9][0-9]*)?")


class _CellListener:
    """Follows every cell. It reads the value only of a formula or an error; of others, only whether there is one."""

    def __init__(self, limits: FileLimits) -> None:
        self.facts = WorksheetFacts()
        self.wants_probe = False
        self.clear_at = ""
        self._limits = limits
        self._cursor = Cursor()
        self._row = self._cell = self._formula = self._data = self._probe = ""
        self._depth = self._cells = self._odd_cells = self._last_row = self._empty_cells = 0
        self._has_value = self._is_unusual = False
        self._last_column = -1
        self._outer: Callable[[str, dict[str, str]], None] = self._find_data
        self._type = ""
        self._text: list[str] = []
        self._formula_text: str | None = None
        self.parser = make_parser()
        self.parser.StartElementHandler = self._root
        self.parser.CommentHandler = self.parser.ProcessingInstructionHandler = self._note_unusual
        self.parser.StartCdataSectionHandler = self._note_unusual

    @property
    def row(self) -> int:
        return self._cursor.row

    @property
    def column(self) -> int:
        return self._cursor.column

    @property
    def hidden_rows(self) -> set[int]:
        return self.facts.hidden_rows

    def skip_row(self, row: int, column: int, cells: int) -> None:
        self._cursor.skip_to(row)
        self._count(cells)
        self._extend(row, column)

    def skip_empty_rows(self, last: int, start: int, end: int) -> None:
        self._cursor.skip_to(last)
        ranges = self.facts.empty_rows
        if ranges and ranges[-1].stop == start:
            start = ranges.pop().start
        ranges.append(range(start, end))

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        # Other parts of a workbook may have elements of these names that mean something else.
        if local_name(name) == "worksheet":
            self._outer = self._outside
        self.parser.StartElementHandler = self._outer
        self._find_data(name, attributes)

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        match local_name(name):
            case "col" if _is_true(attributes.get("hidden")) or _is_zero(attributes.get("width")):
                self.facts.hidden_columns.append(range(int(attributes["min"]) - 1, int(attributes["max"])))
            case "dimension" if not _RANGE.fullmatch(attributes.get("ref", "")):
                self._note_unusual()  # calamine reads it, and needs a range
            case "hyperlink" if (reference := relationship_id(attributes)) and _RANGE.fullmatch(
                attributes.get("ref", "")
            ):
                self.facts.hyperlinks.append(
                    (parse_range(attributes["ref"]), reference, attributes.get("location", ""))
                )
            case "mergeCell":
                self.facts.merged.append(parse_range(attributes["ref"]))
            case _:
                self._find_data(name, attributes)

    def _find_data(self, name: str, _attributes: dict[str, str]) -> None:
        if not name.endswith("sheetData") or local_name(name) != "sheetData":
            return
        if self._data:
            raise RefusedXmlError(_("it has two tables of cells"))
        namespace = name.removesuffix("sheetData")
        self._row, self._cell, self._formula = f"{namespace}row", f"{namespace}c", f"{namespace}f"
        self._probe, self._data = f"{namespace}{PROBE}", name
        self._listen()
        self.wants_probe = True

    def _note_unusual(self, *_args: object) -> None:
        self._is_unusual = True

    def _listen(self) -> None:
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._enter, self._leave
        self.parser.CharacterDataHandler = None

    def _leave(self, _name: str) -> None:
        if self._depth:
            self._depth -= 1
            return
        self.wants_probe = False
        self.parser.StartElementHandler = self._outer
        self.parser.EndElementHandler = None

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name == self._cell:
            self._enter_cell(attributes)
        elif name == self._row:
            self._enter_row(attributes)
        elif name == self._probe:
            self.clear_at = attributes["n"]
        elif name == self._data:
            raise RefusedXmlError(_("it has two tables of cells"))
        else:
            # Any element inside a cell may be a value. A cell that is only formatted has none.
            self._enter_value()
            if name == self._formula:
                self._watch()

    def _enter_row(self, attributes: dict[str, str]) -> None:
        try:
            row = self._cursor.enter_row(attributes.get("r"))
        except ValueError as error:
            raise RefusedXmlError(_("its cells are out of order: {error}", error=error)) from error
        self._empty_cells, self._has_value = 0, False
        if _is_true(attributes.get("hidden")) or _is_zero(attributes.get("ht")):
            self.facts.hidden_rows.add(row)

    def _enter_cell(self, attributes: dict[str, str]) -> None:
        try:
            self._cursor.enter_cell(attributes.get("r"))
        except ValueError as error:
            raise RefusedXmlError(_("its cells are out of order: {error}", error=error)) from error
        self._odd_cells += 1
        if self._odd_cells > self._limits.odd_cells:
            most = self._limits.odd_cells
            raise RefusedXmlError(_("it has more than {limit:,} cells that are written unusually", limit=most))
        if self._has_value:
            self._count(1)
        else:
            self._empty_cells += 1
        self._type = attributes.get("t", "")
        if self._type == "e":
            self._watch()

    def _enter_value(self) -> None:
        if not self._has_value:
            # Rows that are only formatted do not count: formats may reach down to the last row.
            self._has_value = True
            self._count(self._empty_cells)
        self._extend(self._cursor.row, self._cursor.column)

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > self._limits.cells:
            raise RefusedXmlError(_("it has more than {limit:,} cells", limit=self._limits.cells))

    def _extend(self, row: int, column: int) -> None:
        if row <= self._last_row and column <= self._last_column:
            return
        limits = self._limits
        self._last_row, self._last_column = max(self._last_row, row), max(self._last_column, column)
        if row > limits.rows or column >= limits.columns:
            cell = f"{column_letter(column)}{row}"
            raise RefusedXmlError(_("cell {cell} is used, far outside any table. Delete its content", cell=cell))
        if self._last_row * (self._last_column + 1) > limits.cells:
            cell = f"{column_letter(self._last_column)}{self._last_row}"
            raise RefusedXmlError(_("its table reaches {cell}: too large", cell=cell))

    def _watch(self) -> None:
        """Read the rest of this cell."""
        self._text, self._formula_text = [], None
        self.parser.StartElementHandler = self._forget_text
        self.parser.CharacterDataHandler = self._text.append
        self.parser.EndElementHandler = self._settle

    def _forget_text(self, _name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._text.clear()
        self._enter_value()

    def _settle(self, name: str) -> None:
        self._depth -= 1
        if name == self._cell:
            if self._formula_text and (link := _LINK.fullmatch(self._formula_text)):
                self.facts.formula_links[self._cursor.row, self._cursor.column] = link[1].replace('""', '"')
            error = _cell_error(self._type, self._formula_text, "".join(self._text))
            if error is not None:
                self._add_error(error)
            self._listen()
        elif name == self._formula:
            self._formula_text = "=" + "".join(self._text)
            self._text.clear()

    def _add_error(self, error: CellError) -> None:
        self.facts.errors[self._cursor.row, self._cursor.column] = error
        if len(self.facts.errors) > self._limits.errors:
            raise RefusedXmlError(
                _(
                    "more than {limit:,} cells hold an error, or a formula without a value",
                    limit=self._limits.errors,
                )
            )

    def finish(self) -> WorksheetFacts:
        """Return what was found. Raise if merged ranges overlap: each would add a problem for the same cells."""
        covered = sum(
            max(0, min(bottom, self._last_row) - top + 1) * max(0, min(right, self._last_column) - left + 1)
            for top, left, bottom, right in self.facts.merged
        )
        if covered > self._last_row * (self._last_column + 1):
            raise RefusedXmlError(_("its merged cells cover each other"))
        return replace(self.facts, is_unusual=self._is_unusual)


@lru_cache(maxsize=256)
def _cell_error(kind: str, formula: str | None, value: str) -> CellError | None:
    if kind == "e":
        remedy = _("Fix the formula, or type the value.")
        return CellError(value or "#ERROR", _("is an error of the spreadsheet"), remedy)
    # An empty cell of the kind "str" is a formula whose result is an empty text: that is a value.
    if formula is not None and not value and kind != "str":
        remedy = _("Open the file in Excel and save it there.")
        return CellError(formula[:200], _("is a formula without a stored value"), remedy)
    return None


def _is_true(text: str | None) -> bool:
    return text in {"1", "true", "on"}


def _is_zero(text: str | None) -> bool:
    return text is not None and float(text) == 0
