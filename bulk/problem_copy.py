"""A problem copy: a copy of a sheet with its bad cells coloured, and a comment on each that explains the problem.

openpyxl copies a workbook, in a subprocess with limits: it keeps every cell as an object, and its memory grows with
what a worksheet declares, for example a merged range down to the last cell. The values of the copy are compared with
those of the sheet. If one differs, or openpyxl fails, the copy holds the orders as text, as it does for CSV and
mass-order text.
"""

import io
import json
import pickle
import re
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import openpyxl
import python_calamine as calamine
from openpyxl.cell.cell import Cell, MergedCell, WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles import PatternFill
from openpyxl.workbook.properties import CalcProperties
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.worksheet import Worksheet

from bulk.files.atomic_write import digest_of, write_atomically
from bulk.files.csv_text import decode, physical_lines, split_csv, surplus
from bulk.model.cell_address import column_letter, parse_range
from bulk.model.errors import SheetError
from bulk.model.fields import ORDER_FIELDS
from bulk.model.options import problem_copy_paths
from bulk.model.sheet import RESULT_FIELDS, Problem, Sheet
from bulk.reading.csv_reader import plain_result
from bulk.reading.reader_worker import ResourceLimits, limit
from bulk.reading.subprocess_reader import START, run_in_subprocess
from bulk.reading.worksheet_scan import FileLimits
from bulk.writing.result_cells import CELL_LIMIT
from smmplus.texts import _, marked

GROUND = "FFFFC7CE"
"""The background of bad cells, as ARGB: the red that Excel has for them."""

AUTHOR = "smmplus"

_FILL = PatternFill("solid", fgColor=GROUND)

MOST_NOTES = 10_000
"""With more comments, spreadsheet programs are slow. Further cells get only the colour."""

MOST_ROWS = FileLimits().rows

_ALLOWANCE = ResourceLimits(memory_bytes=2 << 30, processor_seconds=300, seconds=600)
"""The limits of the process that copies a workbook: 100,000 rows of 8 cells take 1 GiB and half a minute."""

_UNTOUCHED = b"as smmplus wrote it"
"""The comment on a part in the directory of the zip file. Any program that saves the file drops it."""

_NAME = "Orders"
_WIDTHS = {"link": 50, "comments": 40, "error": 40}
_USUAL_WIDTH = 14

_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

_NOT_KEPT = {
    marked("images"): rb'/image"',
    marked("shapes"): rb":(?:sp|cxnSp|grpSp)[ >]",
    marked("details of charts"): rb"<c:chartSpace",  # openpyxl writes new charts, without a prefix
    marked("SmartArt"): rb'/diagramData"',
    marked("sparklines"): rb":sparklineGroups",
    marked("slicers"): rb'/slicer"',
    marked("timelines"): rb'/timeline"',
    marked("threaded comments"): rb'/threadedComment"',
    marked("embedded objects"): rb'/(?:oleObject|package)"',
    marked("form controls"): rb'/(?:ctrlProp|control)"',
    marked("data connections"): rb'/(?:connections|queryTable)"',
    marked("dynamic arrays"): rb'/sheetMetadata"',
    marked("newer conditional formats"): rb":conditionalFormattings",
    marked("validations that refer to other worksheets"): rb"<x14:dataValidations",
    marked("pictures in page headers"): rb"<(?:\w+:)?legacyDrawingHF",
    marked("printer settings"): rb'/printerSettings"',
    marked("data of other programs"): rb'/customXml"',
}
"""What openpyxl may not copy -> how it looks in a workbook's XML. After a slash is the type of a relationship."""
_ANY_OF_THEM = re.compile(b"|".join(b"(%s)" % pattern for pattern in _NOT_KEPT.values()))

Address = tuple[int, int]
"""Row, from 1, and column, from 0."""


@dataclass(frozen=True, slots=True)
class ProblemCopy:
    """Where the copy is."""

    path: Path
    unexplained: int
    """The number of coloured cells without a comment, because there are too many."""
    lost: str
    """A sentence that says what of the sheet the copy does not hold; "" if it holds everything."""


def write_problem_copy(sheet: Sheet, problems: Iterable[Problem], *, folder: Path | None = None) -> ProblemCopy:
    """Write ``name.problems.xlsx`` next to a sheet, or into a folder: a copy of it with marked cells.

    The sheet is not changed. An earlier copy is replaced if no program has saved it since; otherwise this one is
    ``name.problems-2.xlsx``, and so on.

    :raises SheetError: if the sheet was saved since it was read, or the copy cannot be written.
    """
    data = _bytes_of(sheet)
    made, unexplained, lost = _copied(sheet, data, comments_by_cell(sheet, problems))
    path = _free_path((folder or sheet.path.parent) / sheet.path.name)
    write_atomically(path, lambda file: _write(file, made), mode_of=sheet.path)
    return ProblemCopy(path, unexplained, lost)


def _bytes_of(sheet: Sheet) -> bytes:
    try:
        data = sheet.path.read_bytes()
    except OSError as error:
        raise SheetError(
            _("{path}: cannot be opened: {error}. Check your permissions.", path=sheet.path, error=error.strerror)
        ) from error
    if digest_of(data) != sheet.digest:
        raise SheetError(_("{path}: the file was changed since it was read. Check it again.", path=sheet.path))
    return data


def _free_path(sheet: Path) -> Path:
    return next(
        path for path in problem_copy_paths(sheet) if path != sheet and (not path.exists() or _is_untouched(path))
    )


def _is_untouched(path: Path) -> bool:
    """Return whether a file is a problem copy that no program has saved since it was written."""
    try:
        with zipfile.ZipFile(path) as file:
            return any(entry.comment == _UNTOUCHED for entry in file.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _write(file: BinaryIO, made: bytes) -> None:
    file.write(made)
    with zipfile.ZipFile(file, "a") as archive:
        archive.infolist()[0].comment = _UNTOUCHED
        archive.comment = b""  # makes zipfile write the directory again


def comments_by_cell(sheet: Sheet, problems: Iterable[Problem]) -> dict[Address, str]:
    """Return the comment of each cell. Problems of a whole row are in its first cell of an order."""
    words: dict[Address, dict[str, None]] = {}
    for problem in problems:
        text = f"{_sentence(problem.message)}\n{_sentence(problem.remedy)}"
        words.setdefault(_address(sheet, problem), {})[text] = None
    return {at: _UNWRITABLE.sub("", "\n\n".join(texts)) for at, texts in sorted(words.items())}


def _address(sheet: Sheet, problem: Problem) -> Address:
    if sheet.kind == "xlsx" and ":" in problem.where:
        # Of merged cells, only the first is visible.
        return parse_range(problem.where)[:2]
    first = min((column.index for name, column in sheet.columns.items() if name in ORDER_FIELDS), default=0)
    column = sheet.columns.get(problem.field)
    return sheet.header_row if problem.row is None else problem.row, first if column is None else column.index


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _copied(sheet: Sheet, data: bytes, notes: Mapping[Address, str]) -> tuple[bytes, int, str]:
    """Return the copy, the number of its cells without a comment, and what it does not hold."""
    if sheet.kind != "xlsx":
        text = decode(sheet.path, data, sheet.encoding)[0]
        rows = _lines_of(sheet, text) if sheet.kind == "mass_order" else _records_of(sheet, text)
        return *_as_text(sheet, rows, notes), ""
    program = f"{START}import bulk.reading; from bulk.problem_copy import main; main()"
    try:
        answer = run_in_subprocess(program, (_ALLOWANCE, data, sheet.name, notes), _ALLOWANCE)
    except OSError as error:
        lost = _(
            "the copy holds the orders as text, without formats and other worksheets: copying the workbook {error}",
            error=error,
        )
        return *_as_text(sheet, _orders_of(sheet), notes), lost
    head, _line_end, made = answer.partition(b"\n")
    unexplained, lacking = json.loads(head)
    lost = _("the copy does not hold everything of the sheet: {parts}", parts=lacking) if lacking else ""
    return made, unexplained, lost


def main() -> None:
    """Copy the workbook of standard input to standard output, after a line about it."""
    allowance, *task = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the process that started this one
    limit(allowance)
    try:
        sys.stdout.buffer.write(copy_workbook(*task))
        sys.stdout.buffer.flush()
    except Exception as error:  # noqa: BLE001 -- openpyxl raises errors of every kind
        sys.exit(f"{type(error).__name__}: {error}".partition("\n")[0])


class _Reader(ExcelReader):
    """Keeps numbers formatted as dates as numbers: as a date, one may be rounded, or become an error."""

    def read_worksheets(self) -> None:
        vars(self.wb).update(_date_formats=set(), _timedelta_formats=set())
        super().read_worksheets()


def copy_workbook(data: bytes, name: str, notes: Mapping[Address, str]) -> bytes:
    """Return a workbook with marked cells, after a line with the number without a comment, and what the copy lacks.

    :raises ValueError: if a value would not be the same.
    """
    with warnings.catch_warnings(action="ignore"):
        reader = _Reader(io.BytesIO(data), rich_text=True)
        reader.read()
    book = reader.wb
    formulas = {page.title: _prepare(page, _values(data, page.title)) for page in book.worksheets}
    unexplained = _mark(book[name], notes)
    if any(formulas.values()):
        book.calculation = book.calculation or CalcProperties()
        book.calculation.fullCalcOnLoad = True
    out = io.BytesIO()
    book.save(out)
    made = out.getvalue()
    for title, without in formulas.items():
        before = {at: value for at, value in _values(data, title).items() if at not in without}
        if _values(made, title) != before:
            raise ValueError(f"values of the worksheet {title!r} would not be the same")
    there, kept = _what_is_in(data), _what_is_in(made)
    lacking = [_(what) for what in _NOT_KEPT if there[what] > kept[what]]
    if any(formulas.values()):
        lacking.append(_("the results of formulas (the next program that saves it computes them)"))
    return json.dumps([unexplained, ", ".join(lacking)]).encode() + b"\n" + made


def _values(data: bytes, name: str) -> dict[Address, object]:
    with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return {(row, at): value for row, cells in enumerate(rows, 1) for at, value in enumerate(cells) if value != ""}


def _what_is_in(data: bytes) -> Counter[str]:
    names, found = list(_NOT_KEPT), Counter[str]()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.namelist():
            if part.endswith((".xml", ".rels")):
                found.update(names[(match.lastindex or 1) - 1] for match in _ANY_OF_THEM.finditer(archive.read(part)))
    return found


def _prepare(page: Worksheet, values: Mapping[Address, object]) -> set[Address]:
    """Undo what openpyxl changes when it reads and writes. Return the cells with formulas."""
    formulas = set()
    for (row, column), cell in page._cells.items():  # noqa: SLF001 -- iter_rows makes cells up to the farthest one
        if cell.data_type == "f":
            formulas.add((row, column - 1))
        elif cell.data_type == "n" and cell.value is not None:
            # As text, a number keeps all of its digits: openpyxl writes 16.
            cell.value, cell.data_type = str(cell.value), "n"
        elif cell.hyperlink and (row, column - 1) not in values:
            # openpyxl writes a link's address into an empty cell.
            cell.value = None
    for row_line in page.row_dimensions.values():
        row_line.hidden = row_line.hidden or row_line.height == 0  # a height of 0 is not written
    for column_line in page.column_dimensions.values():
        column_line.hidden = column_line.hidden or column_line.width == 0
    return formulas


def _mark(page: Worksheet, notes: Mapping[Address, str]) -> int:
    """Mark cells of a worksheet. Return the number of cells without a comment."""
    unexplained = 0
    for number, ((row, column), words) in enumerate(notes.items()):
        cell = page.cell(row, column + 1)
        if cell.value is None and not cell.has_style:
            _take_style(page, cell, row, column + 1)
        cell.fill = _FILL
        if number < MOST_NOTES and not isinstance(cell, MergedCell):
            _explain(cell, words)
        else:
            unexplained += 1
    return unexplained


def _take_style(page: Worksheet, cell: Cell | MergedCell, row: int, column: int) -> None:
    """Copy the style of its row or column to a cell that had no XML."""
    columns = (each for each in page.column_dimensions.values() if (each.min or 0) <= column <= (each.max or 0))
    styled = (each for each in (page.row_dimensions.get(row), *columns) if each is not None and each.has_style)
    if (line := next(styled, None)) is not None:
        for name in ("font", "border", "alignment", "protection", "number_format"):
            setattr(cell, name, copy(getattr(line, name)))


def _explain(cell: Cell, words: str) -> None:
    """Write a comment. A comment of the user keeps its text, and ours follows it."""
    if cell.comment is not None and cell.comment.author != AUTHOR:
        own = cell.comment.text.partition(f"\n{AUTHOR}: ")[0]
        cell.comment = Comment(f"{own}\n{AUTHOR}: {words}", cell.comment.author, 120, 320)
    else:
        cell.comment = Comment(words, AUTHOR, 120, 320)


Rows = Sequence[tuple[int, Sequence[str]]]
"""The header and the rows of a sheet, each with its number there."""


def _as_text(sheet: Sheet, rows: Rows, notes: Mapping[Address, str]) -> tuple[bytes, int]:
    """Return a workbook in which every cell is text, and the number of its marked cells without a comment.

    :raises SheetError: if it has more rows, or a longer text, than a workbook that can be read again.
    """
    if len(rows) > MOST_ROWS:
        raise SheetError(
            _(
                "{path}: {count:,} rows are too many for a problem copy. Fix the sheet with the list that "
                "`check` prints.",
                path=sheet.path,
                count=len(rows),
            )
        )
    for _number, texts in rows:
        for text in texts:
            _check_length(sheet, text)
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(_NAME)
    page.freeze_panes = "A2"
    for name, column in sheet.columns.items():
        page.column_dimensions[column_letter(column.index)].width = _WIDTHS.get(name, _USUAL_WIDTH)
    explained = set(list(notes)[:MOST_NOTES])
    last = max(column.index for column in sheet.columns.values())
    for number, texts in rows:
        cells: list[Cell | None] = []
        for at, text in enumerate([*texts, *[""] * (last + 1 - len(texts))]):
            words = notes.get((number, at))
            cells.append(_text_cell(page, text) if text or words else None)
            if words and (cell := cells[-1]):
                cell.fill = _FILL
                if (number, at) in explained:
                    _explain(cell, words)
        page.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), len(notes) - len(explained)


def _check_length(sheet: Sheet, text: str) -> None:
    if 2 * len(text) > CELL_LIMIT and len(text.encode("utf-16-le", errors="replace")) > 2 * CELL_LIMIT:
        raise SheetError(
            _(
                "{path}: the value that begins with {value!r} is too long for a cell of a workbook. Fix the sheet with "
                "the list that `check` prints.",
                path=sheet.path,
                value=text[:40],
            )
        )


def _text_cell(page: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(page, _UNWRITABLE.sub(_escaped, _ESCAPE_LIKE.sub("_x005F_", text)) or None)
    # openpyxl makes a formula of text that begins with "=". What is typed into a cell of the format "@" stays text.
    cell.data_type, cell.number_format = "s", "@"
    return cell


def _escaped(match: re.Match[str]) -> str:
    """Return a character that XML cannot hold in the escaped form of workbooks (ECMA-376, 22.4.2.4)."""
    return f"_x{ord(match[0]):04X}_"


def _orders_of(sheet: Sheet) -> Rows:
    """Return the orders as they were read, each value in its own column."""
    width = 1 + max(column.index for column in sheet.columns.values())
    places = [column.index for column in sheet.columns.values()]
    headers = [column.header for column in sheet.columns.values()]
    rows = [headers, *sheet.frame[list(sheet.columns)].itertuples(index=False, name=None)]
    spread = [[dict(zip(places, row, strict=True)).get(at, "") for at in range(width)] for row in rows]
    return list(zip([sheet.header_row, *map(int, sheet.frame.index)], spread, strict=True))


def _lines_of(sheet: Sheet, text: str) -> Rows:
    """Return the orders of mass-order text below a header. A line that is not an order is in one cell."""
    fields = list(sheet.columns)
    orders = dict(zip(sheet.frame.index, sheet.frame[fields].itertuples(index=False, name=None), strict=True))
    lines = enumerate(physical_lines(text.removeprefix("\ufeff")), start=1)
    return [(0, fields), *((at, orders.get(at, [line.strip()])) for at, line in lines if line.strip())]


def _records_of(sheet: Sheet, text: str) -> Rows:
    """Return the records of a CSV.

    A record with values beyond the last column is in one cell, for a person to split: spread over the columns it could
    be taken for another order.
    """
    file = split_csv(sheet.path, text, sheet.headers)
    results = {column.index for name, column in sheet.columns.items() if name in RESULT_FIELDS}
    first = min(column.index for name, column in sheet.columns.items() if name not in RESULT_FIELDS)
    rows: list[tuple[int, Sequence[str]]] = [(file.header_record.line, file.header_record.cells)]
    for record in file.records:
        if not surplus(file.header_record.cells, record.cells):
            cells = [plain_result(cell) if at in results else cell for at, cell in enumerate(record.cells)]
        else:
            cells = [*[""] * first, record.raw.strip()]
        rows.append((record.line, cells))
    return rows
