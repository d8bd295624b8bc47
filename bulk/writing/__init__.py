"""Writing: results go back into the sheet, or into a file next to it if that is not safe.

`write_results` cleans the texts (`result_cells`) and edits the file: `csv_editor` inserts cells into lines,
`xlsx_editor` splices them into the XML of the worksheet. `worksheet_rows` finds rows by their bytes; if it cannot,
`worksheet_positions` finds them with a parser. `column_style` makes new columns readable.
A file that cannot be edited faithfully raises CannotSpliceError, and a new file with orders and results is written.
"""

import csv
import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bulk.files.atomic_write import digest_of, write_atomically
from bulk.model.errors import CannotSpliceError
from bulk.model.sheet import ORDER_RESULTS, REFILL_RESULTS, RESULT_FIELDS, Sheet
from bulk.writing.csv_editor import escape_formula, splice_csv
from bulk.writing.result_cells import Changes, clean_results, new_fields
from bulk.writing.xlsx_editor import splice_xlsx
from smmplus.texts import _, marked

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

_CHANGED = marked("the file was changed since it was read")


@dataclass(frozen=True, slots=True)
class Written:
    """Where the results were written."""

    path: Path
    digest: str
    """SHA-256 of the file written. The next call expects it."""
    in_place: bool
    reason: str
    """Why the sheet itself was not written; "" if it was."""


def write_results(sheet: Sheet, results: Changes, *, expected_digest: str, colours: bool = True) -> Written:
    """Write results into the cells of their rows, and leave everything else in the file as it is.

    A field that a row's mapping lacks leaves its cell as it is; "" empties the cell. Missing columns of fields in
    `results` are appended at the right. Rows keep their numbers, so one :class:`Sheet` serves for any number of calls.
    Each call expects the digest that the one before returned.

    The results go to ``name.results.xlsx`` or ``name.results.csv`` next to the sheet if the file is open in Excel or
    LibreOffice, is write-protected, was changed, cannot be changed faithfully, or is mass-order text. An earlier file
    of that name is replaced, unless it is open itself: then ``name.results-2.xlsx`` is written. It does not contain
    what earlier calls wrote: pass everything that is known about the rows.

    :param results: row number -> result field -> text.
    :param expected_digest: the digest of the unchanged file: ``sheet.digest``, or that of the last `Written`.
    :param colours: whether to add colours for ``order_status`` to a workbook that has none for it yet.
    :raises SheetError: if nothing could be written. No file has changed.
    :raises ValueError: if a row or a field is unknown.
    """
    changes = clean_results(sheet, results)
    target = Path(os.path.realpath(sheet.path))
    data = _current(target, expected_digest)
    reason = open_elsewhere(sheet.path, target) or _protected(target) if data is not None else _(_CHANGED)
    if sheet.kind == "mass_order":
        return _write_new_file(sheet, changes, _("mass-order text has no place for results"))
    if data is None:
        return _write_new_file(sheet, changes, reason)
    try:
        return _write_spliced(sheet, changes, data, target, reason, colours=colours)
    except CannotSpliceError as error:
        return _write_new_file(sheet, changes, str(error))


def _write_spliced(sheet: Sheet, changes: Changes, data: bytes, target: Path, reason: str, *, colours: bool) -> Written:
    splice = _splicer(sheet, changes, data, colours=colours)
    if not reason:
        digest = write_atomically(
            target, splice, mode_of=target, still=lambda: _current(target, digest_of(data)) is not None
        )
        if digest is None:
            return _write_new_file(sheet, changes, _(_CHANGED))
        return Written(sheet.path, digest, in_place=True, reason="")
    return _write_next_to(sheet, splice, reason)


def _splicer(sheet: Sheet, changes: Changes, data: bytes, *, colours: bool) -> Callable[[BinaryIO], None]:
    if sheet.kind == "xlsx":
        return lambda out: splice_xlsx(data, sheet, changes, out, colours=colours)
    return lambda out: splice_csv(data, sheet, changes, out)


def _write_new_file(sheet: Sheet, changes: Changes, reason: str) -> Written:
    write = write_new_xlsx if sheet.kind == "xlsx" else write_new_csv
    return _write_next_to(sheet, lambda out: write(sheet, changes, out), reason)


def _write_next_to(sheet: Sheet, write: Callable[[BinaryIO], None], reason: str) -> Written:
    path = _closed(results_path(sheet))
    digest = write_atomically(path, write, mode_of=sheet.path)
    return Written(path, digest or "", in_place=False, reason=reason)


def _table(sheet: Sheet, changes: Changes) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the header, then each row: its order fields as read, its results as read or as changed."""
    order_fields = [field for field in sheet.columns if field not in RESULT_FIELDS]
    present = {*sheet.columns, *new_fields(changes, sheet.columns)}
    results = [*ORDER_RESULTS, *(field for field in REFILL_RESULTS if field in present)]
    yield order_fields, results
    known = [field for field in results if field in sheet.columns]
    for at, number in enumerate(sheet.rows):
        texts = {field: sheet.texts[field][at] for field in known} | dict(changes.get(number, {}))
        yield [sheet.texts[field][at] for field in order_fields], [texts.get(field, "") for field in results]


def write_new_csv(sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write CSV in UTF-8 with a byte-order mark, without which Excel assumes another encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for orders, results in _table(sheet, changes):
        writer.writerow([*orders, *map(escape_formula, results)])
    out.write(text.getvalue().encode("utf-8-sig"))


def write_new_xlsx(sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write a workbook in which every cell is text."""
    import openpyxl  # noqa: PLC0415 -- few results go into a new workbook
    from openpyxl.cell.cell import WriteOnlyCell  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet.name)

    def text_cell(text: str) -> "Cell":
        cell = WriteOnlyCell(page, text)
        # openpyxl makes a formula of text that begins with "=".
        cell.data_type = "s"
        return cell

    for orders, results in _table(sheet, changes):
        page.append([text_cell(text) for text in (*orders, *results)])
    book.save(out)


def results_path(sheet: Sheet) -> Path:
    """Return the path of the file for results that cannot go into the sheet."""
    return sheet.path.with_name(f"{sheet.path.stem}.results{'.xlsx' if sheet.kind == 'xlsx' else '.csv'}")


def _closed(path: Path) -> Path:
    """Return a path that is not open in another program, so that earlier results on a screen are not lost."""
    others = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, 10))
    return next((each for each in (path, *others) if not open_elsewhere(each)), path)


def _current(target: Path, digest: str) -> bytes | None:
    """Return the file's bytes if they have the expected digest."""
    try:
        data = target.read_bytes()
    except OSError:
        return None
    return data if digest_of(data) == digest else None


def open_elsewhere(*paths: Path) -> str:
    """Return that a file is open in a spreadsheet program, which keeps a file next to it; "" if none is."""
    for path in paths:
        for program, lock in (("Excel", f"~${path.name}"), ("LibreOffice", f".~lock.{path.name}#")):
            if path.with_name(lock).exists():
                return _("it is open in {program} (if not, delete {lock!r} next to it)", program=program, lock=lock)
    return ""


def _protected(target: Path) -> str:
    """Return a reason if a file is write-protected: in a writable folder, it could be replaced in spite of that."""
    writable = os.access(target, os.W_OK) and target.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    return "" if writable else _("it is write-protected")
