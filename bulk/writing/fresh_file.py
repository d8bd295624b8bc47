"""Results in a file of their own: the rows as they were read, with what came of them."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

import openpyxl
from openpyxl.cell.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from bulk.sheet import RESULT_FIELDS, Sheet
from bulk.writing.result_text import Changes
from bulk.writing.to_csv import guarded


def _table(sheet: Sheet, changes: Changes) -> Iterator[list[str]]:
    """Give the header, then each row: its order fields as read, its results as read or as changed."""
    order_fields = [field for field in sheet.columns if field not in RESULT_FIELDS]
    yield [*order_fields, *RESULT_FIELDS]
    known = [field for field in RESULT_FIELDS if field in sheet.columns]
    orders = sheet.frame[order_fields].itertuples(index=True, name=None)
    results = sheet.frame[known].itertuples(index=False, name=None)
    for (number, *order), as_read in zip(orders, results, strict=True):
        texts = dict(zip(known, as_read, strict=True)) | dict(changes.get(number, {}))
        yield [*order, *(texts.get(field, "") for field in RESULT_FIELDS)]


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
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet.name)
    for row in _table(sheet, changes):
        page.append([_text_cell(page, text) for text in row])
    book.save(out)


def _text_cell(page: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(page, text)
    # openpyxl takes what begins with = for a formula.
    cell.data_type = "s"
    return cell
