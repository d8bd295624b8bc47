"""Reads a sheet of orders: CSV, XLSX or mass-order text."""

from dataclasses import replace
from pathlib import Path

from bulk.model.options import Hidden, ReadOptions
from bulk.model.sheet import Sheet
from bulk.reading.saved_headers import joined, kept_headers, map_path
from bulk.reading.subprocess_reader import read_apart


def read_sheet(
    path: Path, *, sheet: str | None = None, encoding: str | None = None, hidden: Hidden = "refuse"
) -> Sheet:
    """Read the rows of a sheet as text; what is doubtful about a cell is among the sheet's problems.

    Row numbers are those a person sees: a spreadsheet's row, or in a file of text the line on which the row begins.

    :param sheet: which worksheet; needed where several visible ones hold orders.
    :param encoding: of a file of text that neither has a byte-order mark nor is UTF-8.
    :param hidden: hidden and filtered rows are problems, or rows like any other, or left out.
    :raises RefusedFileError: if the file is not safe to open, or not of a kind that can be written back.
    :raises SheetError: if the file as a whole cannot be read: no header, a doubled column, several sheets.
    """
    return read_as(path, ReadOptions(sheet, encoding, hidden))


def read_as(path: Path, how: ReadOptions) -> Sheet:
    """Read the rows of a sheet as :func:`read_sheet` does. What its headers mean may be kept beside it.

    It happens in a process of its own, with a limit on its memory and its time.
    """
    kept = kept_headers(path)
    how = replace(how, headers=joined(how.headers, kept))
    return replace(read_apart(path, how), headers=how.headers, headers_from=map_path(path) if kept else None)
