"""Writes a copy of a sheet that shows its problems where they are: bad cells are coloured, a comment explains each."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bulk.errors import CannotSpliceError, SheetError
from bulk.formats.grid import parse_range
from bulk.marking.in_workbook import is_untouched, mark_cells
from bulk.marking.page_scan import Address
from bulk.marking.text_book import NAME, as_workbook, plain_workbook
from bulk.naming import names_of_copies
from bulk.reading.columns import ORDER_FIELDS
from bulk.reading.draft import digest_of
from bulk.sheet import Problem, Sheet
from bulk.writing.storing import store


@dataclass(frozen=True, slots=True)
class Marked:
    """Where the copy is."""

    path: Path
    unexplained: int
    """How many cells are coloured and have no comment, because there are too many, or a conversation stands there."""
    lost: str
    """Why the copy holds the texts of the orders and nothing else of the sheet; "" if it holds everything."""


def mark_problems(sheet: Sheet, problems: Iterable[Problem]) -> Marked:
    """Write ``name.problems.xlsx`` beside a sheet: the sheet itself, or a workbook of its rows, with marked cells.

    The sheet is not touched. A copy that is there already is replaced as long as nobody has saved anything in it;
    otherwise this one is ``name.problems-2.xlsx``, and so on.

    :raises SheetError: if the sheet was saved since it was read, or the copy cannot be written.
    """
    copy, unexplained, lost = _marked(sheet, _bytes_of(sheet), tuple(problems))
    path = _free_path(sheet.path)
    store(path, lambda file: _write(file, copy), mode_of=sheet.path)
    return Marked(path, unexplained, lost)


def _write(file: BinaryIO, copy: bytes) -> None:
    file.write(copy)


def _bytes_of(sheet: Sheet) -> bytes:
    try:
        data = sheet.path.read_bytes()
    except OSError as error:
        raise SheetError(f"{sheet.path}: cannot be opened: {error.strerror}. Check your permissions.") from error
    if digest_of(data) != sheet.digest:
        raise SheetError(f"{sheet.path}: somebody saved the file since it was read. Check it again.")
    return data


def _marked(sheet: Sheet, data: bytes, problems: tuple[Problem, ...]) -> tuple[bytes, int, str]:
    out = io.BytesIO()
    if sheet.kind != "xlsx":
        made = as_workbook(sheet, data)
        left = mark_cells(made.data, NAME, notes_of(sheet, problems, made.rows), out)
        return out.getvalue(), left, ""
    try:
        left = mark_cells(data, sheet.name, notes_of(sheet, problems), out)
    except CannotSpliceError as error:
        made, out = plain_workbook(sheet), io.BytesIO()
        left = mark_cells(made.data, NAME, notes_of(sheet, problems, made.rows), out)
        return out.getvalue(), left, str(error)
    return out.getvalue(), left, ""


def notes_of(sheet: Sheet, problems: Iterable[Problem], rows: Mapping[int, int] | None = None) -> dict[Address, str]:
    """PURE: say what is wrong with each cell. What is wrong with a whole row stands in its first cell of an order.

    :param rows: where the rows of the sheet are in the copy; None where they are where they were.
    """
    words: dict[Address, dict[str, None]] = {}
    for problem in problems:
        row, column = _address(sheet, problem)
        moved = row if rows is None else rows.get(row)
        if moved is not None:
            words.setdefault((moved, column), {})[f"{_sentence(problem.message)}\n{_sentence(problem.remedy)}"] = None
    return {at: "\n\n".join(texts) for at, texts in sorted(words.items())}


def _address(sheet: Sheet, problem: Problem) -> Address:
    if sheet.kind == "xlsx" and ":" in problem.where:
        # Of merged cells, only the first can be seen.
        return parse_range(problem.where)[:2]
    first = min((column.index for name, column in sheet.columns.items() if name in ORDER_FIELDS), default=0)
    column = sheet.columns.get(problem.field)
    return sheet.header_row if problem.row is None else problem.row, first if column is None else column.index


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _free_path(sheet: Path) -> Path:
    return next(path for path in names_of_copies(sheet) if path != sheet and (not path.exists() or is_untouched(path)))
