"""Writes results back into the sheet they belong to, or beside it when that is not safe."""

import csv
import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bulk.files.atomic_write import digest_of, store
from bulk.model.errors import CannotSpliceError
from bulk.model.sheet import RESULT_FIELDS, Sheet
from bulk.writing.csv_editor import guarded, splice_csv
from bulk.writing.result_cells import Changes, clean_results
from bulk.writing.xlsx_editor import splice_xlsx

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell


def _table(sheet: Sheet, changes: Changes) -> Iterator[list[str]]:
    """Give the header, then each row: its order fields as read, its results as read or as changed."""
    order_fields = [field for field in sheet.columns if field not in RESULT_FIELDS]
    yield [*order_fields, *RESULT_FIELDS]
    known = [field for field in RESULT_FIELDS if field in sheet.columns]
    for at, number in enumerate(sheet.rows):
        texts = {field: sheet.texts[field][at] for field in known} | dict(changes.get(number, {}))
        yield [*(sheet.texts[field][at] for field in order_fields), *(texts.get(field, "") for field in RESULT_FIELDS)]


def write_fresh_csv(sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write CSV in UTF-8 with a byte-order mark, which Excel needs to read it as such."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in _table(sheet, changes):
        orders = len(row) - len(RESULT_FIELDS)
        writer.writerow([*row[:orders], *map(guarded, row[orders:])])
    out.write(text.getvalue().encode("utf-8-sig"))


def write_fresh_xlsx(sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write a workbook in which every cell is text."""
    import openpyxl  # noqa: PLC0415 -- few results go into a new workbook
    from openpyxl.cell.cell import WriteOnlyCell  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet.name)

    def text_cell(text: str) -> "Cell":
        cell = WriteOnlyCell(page, text)
        # openpyxl takes what begins with = for a formula.
        cell.data_type = "s"
        return cell

    for row in _table(sheet, changes):
        page.append([text_cell(text) for text in row])
    book.save(out)


_CHANGED = "somebody saved the file since it was read"


@dataclass(frozen=True, slots=True)
class Written:
    """Where the results are."""

    path: Path
    digest: str
    """SHA-256 of the file written: what the next call expects."""
    in_place: bool
    reason: str
    """Why not in place; "" if in place."""


def write_results(sheet: Sheet, results: Changes, *, expected_digest: str, colours: bool = True) -> Written:
    """Write results into their rows' cells and leave everything else of the file as it is.

    A field that a row's mapping lacks leaves its cell as it is; "" empties the cell. Columns that are spoken of
    and missing are appended to the right. Rows keep their numbers, so that one :class:`Sheet` serves for
    any number of calls, each expecting the digest that the one before returned.

    The results go to ``name.results.xlsx`` or ``name.results.csv`` beside the sheet if the file is open in Excel or
    LibreOffice, is write-protected, was changed, cannot be changed faithfully, or is mass-order text. An earlier file
    of that name is replaced, but for one that is open itself: then it is ``name.results-2.xlsx``. What earlier calls
    wrote is not repeated in it: pass all that is known of the rows.

    :param results: row number -> result field -> text.
    :param expected_digest: of the file as it is believed to be: ``sheet.digest``, or that of the last `Written`.
    :param colours: give the words of ``order_status`` colours, in a workbook that has none for them yet.
    :raises SheetError: if nothing could be written; no file has changed.
    :raises ValueError: if a row or a field is unknown.
    """
    changes = clean_results(sheet, results)
    target = Path(os.path.realpath(sheet.path))
    data = _current(target, expected_digest)
    reason = _open_elsewhere(sheet.path, target) or _protected(target) if data is not None else _CHANGED
    if sheet.kind == "mass_order":
        return _write_fresh(sheet, changes, "mass-order text has no place for results")
    if data is None:
        return _write_fresh(sheet, changes, reason)
    try:
        return _write_spliced(sheet, changes, data, target, reason, colours=colours)
    except CannotSpliceError as error:
        return _write_fresh(sheet, changes, str(error))


def _write_spliced(sheet: Sheet, changes: Changes, data: bytes, target: Path, reason: str, *, colours: bool) -> Written:
    splice = _splicer(sheet, changes, data, colours=colours)
    if not reason:
        digest = store(target, splice, mode_of=target, still=lambda: _current(target, digest_of(data)) is not None)
        if digest is None:
            return _write_fresh(sheet, changes, _CHANGED)
        return Written(sheet.path, digest, in_place=True, reason="")
    return _write_beside(sheet, splice, reason)


def _splicer(sheet: Sheet, changes: Changes, data: bytes, *, colours: bool) -> Callable[[BinaryIO], None]:
    if sheet.kind == "xlsx":
        return lambda out: splice_xlsx(data, sheet, changes, out, colours=colours)
    return lambda out: splice_csv(data, sheet, changes, out)


def _write_fresh(sheet: Sheet, changes: Changes, reason: str) -> Written:
    write = write_fresh_xlsx if sheet.kind == "xlsx" else write_fresh_csv
    return _write_beside(sheet, lambda out: write(sheet, changes, out), reason)


def _write_beside(sheet: Sheet, write: Callable[[BinaryIO], None], reason: str) -> Written:
    path = _closed(results_path(sheet))
    digest = store(path, write, mode_of=sheet.path)
    return Written(path, digest or "", in_place=False, reason=reason)


def results_path(sheet: Sheet) -> Path:
    """Name the file that takes the results when the sheet itself cannot."""
    return sheet.path.with_name(f"{sheet.path.stem}.results{'.xlsx' if sheet.kind == 'xlsx' else '.csv'}")


def _closed(path: Path) -> Path:
    """Choose a file that is not open elsewhere: whoever looks at earlier results loses none, and sees the new ones."""
    others = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, 10))
    return next((each for each in (path, *others) if not _open_elsewhere(each)), path)


def _current(target: Path, digest: str) -> bytes | None:
    """Give the file's bytes if they are the expected ones."""
    try:
        data = target.read_bytes()
    except OSError:
        return None
    return data if digest_of(data) == digest else None


def _open_elsewhere(*paths: Path) -> str:
    for path in paths:
        for program, lock in (("Excel", f"~${path.name}"), ("LibreOffice", f".~lock.{path.name}#")):
            if path.with_name(lock).exists():
                return f"{program} has it open (if not, delete {lock!r} beside it)"
    return ""


def _protected(target: Path) -> str:
    """Say that a file is not meant to be written: where its folder is writable, it could be replaced all the same."""
    writable = os.access(target, os.W_OK) and target.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    return "" if writable else "it is write-protected"
