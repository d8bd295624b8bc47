"""Reading: a file, or a DataFrame, becomes a :class:`bulk.model.sheet.Sheet` of text cells with their problems.

`subprocess_reader` starts a process with limits on memory and time. In it, `reader_worker` calls `file_checks` (and
for each worksheet `worksheet_scan`) before `csv_reader` or `xlsx_reader` reads the file. Both add their rows to a
`sheet_builder`, as does `dataframe`, which needs no process. `saved_headers` keeps headers that the user mapped.
"""

from dataclasses import replace
from pathlib import Path

from bulk.model.options import Hidden, ReadOptions
from bulk.model.sheet import Sheet
from bulk.reading.saved_headers import load_headers, map_path, merge_headers
from bulk.reading.subprocess_reader import read_in_subprocess


def read_sheet(
    path: Path, *, sheet: str | None = None, encoding: str | None = None, hidden: Hidden = "refuse"
) -> Sheet:
    """Read the rows of a sheet as text. Doubtful cells are among the sheet's problems.

    A row's number is that of a spreadsheet's row, or in a text file of the line on which the row begins.

    :param sheet: the worksheet; required if several visible ones hold orders.
    :param encoding: the encoding of a text file that has no byte-order mark and is not UTF-8.
    :param hidden: whether hidden and filtered rows are problems, rows like any other, or left out.
    :raises RefusedFileError: if the file is not safe to open, or of a kind that cannot be written back.
    :raises SheetError: if the file as a whole cannot be read: no header, two columns of one field, several sheets.
    """
    return read_as(path, ReadOptions(sheet, encoding, hidden))


def read_as(path: Path, options: ReadOptions) -> Sheet:
    """Read the rows of a sheet as :func:`read_sheet` does, in a process with limits on memory and time.

    Mapped headers that are saved next to the sheet are used too.
    """
    saved = load_headers(path)
    options = replace(options, headers=merge_headers(options.headers, saved))
    sheet = read_in_subprocess(path, options)
    return replace(sheet, headers=options.headers, headers_from=map_path(path) if saved else None)
