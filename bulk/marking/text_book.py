"""A sheet of text as a workbook: the same rows, every cell as it stands."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import openpyxl
from openpyxl.cell.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from bulk.errors import SheetError
from bulk.formats.csv_records import take_apart
from bulk.formats.grid import letter_of
from bulk.formats.text_files import decode, physical_lines
from bulk.reading.from_csv import plain_result
from bulk.reading.guard_cells import Limits
from bulk.sheet import RESULT_FIELDS, Sheet
from bulk.writing.result_text import CELL_LIMIT

NAME = "Orders"

MOST_ROWS = Limits().rows

_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS = {"link": 50, "comments": 40, "error": 40}
_USUAL_WIDTH = 14


@dataclass(frozen=True, slots=True)
class AsWorkbook:
    """A workbook made of a file of text."""

    data: bytes
    rows: dict[int, int]
    """Where a line's record went: line -> row of the worksheet; the header is there, too, under its own line."""


def as_workbook(sheet: Sheet, data: bytes) -> AsWorkbook:
    """Write the header and the rows of a file of text, which has these bytes, as a workbook in which all is text.

    A row with more or fewer cells than the header stands in one piece, for a person to take apart: spread over the
    columns it could pass for an order of something else.

    :raises SheetError: if it has more rows, or a longer text, than a workbook that could be read again.
    """
    text, _ = decode(sheet.path, data, sheet.encoding)
    lines = _lines_of(sheet, text) if sheet.kind == "mass_order" else _records_of(sheet, text)
    if len(lines) > MOST_ROWS:
        raise SheetError(
            f"{sheet.path}: {len(lines):,} rows are too many for a workbook with marks. Mend it by the list of `check`."
        )
    return AsWorkbook(
        _written(sheet, [cells for _, cells in lines]), {line: at for at, (line, _) in enumerate(lines, 1)}
    )


def plain_workbook(sheet: Sheet) -> AsWorkbook:
    """Write a sheet's orders, as they were read, as a workbook in which all is text; each in its own column."""
    width = 1 + max(column.index for column in sheet.columns.values())
    places = [column.index for column in sheet.columns.values()]
    headers = [column.header for column in sheet.columns.values()]
    rows = [headers, *sheet.frame[list(sheet.columns)].itertuples(index=False, name=None)]
    lines = [sheet.header_row, *map(int, sheet.frame.index)]
    spread = [[dict(zip(places, row, strict=True)).get(at, "") for at in range(width)] for row in rows]
    return AsWorkbook(_written(sheet, spread), {line: at for at, line in enumerate(lines, 1)})


def _lines_of(sheet: Sheet, text: str) -> list[tuple[int, Sequence[str]]]:
    """Give the orders of mass-order text below a header; a line that is no order stands in one piece."""
    fields = list(sheet.columns)
    orders = dict(zip(sheet.frame.index, sheet.frame[fields].itertuples(index=False, name=None), strict=True))
    lines: list[tuple[int, Sequence[str]]] = [(0, fields)]
    for number, line in enumerate(physical_lines(text.removeprefix("\ufeff")), start=1):
        if line.strip():
            lines.append((number, orders.get(number, [line.strip()])))
    return lines


def _records_of(sheet: Sheet, text: str) -> list[tuple[int, Sequence[str]]]:
    file = take_apart(sheet.path, text, sheet.headers)
    results = {column.index for name, column in sheet.columns.items() if name in RESULT_FIELDS}
    rows: list[tuple[int, Sequence[str]]] = [(file.header_record.line, file.header_record.cells)]
    first = min(column.index for name, column in sheet.columns.items() if name not in RESULT_FIELDS)
    for record in file.records:
        if len(record.cells) == len(file.header_record.cells):
            cells = [plain_result(cell) if at in results else cell for at, cell in enumerate(record.cells)]
        else:
            cells = [*[""] * first, record.raw.strip()]
        rows.append((record.line, cells))
    return rows


def _written(sheet: Sheet, rows: Sequence[Sequence[str]]) -> bytes:
    for cells in rows:
        for text in cells:
            _check_length(sheet, text)
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(NAME)
    page.freeze_panes = "A2"
    for name, column in sheet.columns.items():
        page.column_dimensions[letter_of(column.index)].width = _WIDTHS.get(name, _USUAL_WIDTH)
    for cells in rows:
        page.append([_text_cell(page, text) if text else None for text in cells])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _escaped(match: re.Match[str]) -> str:
    """Write a character that XML cannot hold as workbooks do (ECMA-376, 22.4.2.4)."""
    return f"_x{ord(match[0]):04X}_"


def _text_cell(page: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(page, _UNWRITABLE.sub(_escaped, _ESCAPE_LIKE.sub("_x005F_", text)))
    # openpyxl takes what begins with = for a formula; and what is typed over text stays text: no rounding, no dates.
    cell.data_type, cell.number_format = "s", "@"
    return cell


def _check_length(sheet: Sheet, text: str) -> None:
    if 2 * len(text) > CELL_LIMIT and len(text.encode("utf-16-le", errors="replace")) > 2 * CELL_LIMIT:
        raise SheetError(
            f"{sheet.path}: the value that begins with {text[:40]!r} is too long for a cell of a workbook. Mend the "
            "file by the list of `check`."
        )
