"""Reads CSV: text, and nothing but text."""

from pathlib import Path

from bulk.formats.cells import Flaw, strip_text
from bulk.formats.csv_records import Record, take_apart
from bulk.formats.numerals import NUMBER_FIELDS, plain_digits
from bulk.formats.text_files import decode
from bulk.reading.contents import Contents
from bulk.reading.draft import Draft, digest_of
from bulk.reading.how import How
from bulk.sheet import RESULT_FIELDS, Problem

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes spreadsheet programs take a cell of CSV for a formula, the wide forms in some languages."""


def parse_csv(path: Path, data: bytes, how: How) -> Contents:
    """Read a CSV file; see :func:`bulk.reading.read_sheet`."""
    text, encoding = decode(path, data, how.encoding)
    file = take_apart(path, text, how.headers)
    draft = Draft(path, "csv", "", file.header)
    width = len(file.header_record.cells)
    for record in file.records:
        if len(record.cells) == width:
            draft.add_row(record.line, _field_cells(draft, record, how.locale))
        elif any(map(strip_text, record.cells)):
            draft.problems.append(_wrong_width(record, width))
    return draft.finish(digest_of(data), encoding)


def _field_cells(draft: Draft, record: Record, locale: str | None) -> list[str | Flaw]:
    return [_field_text(name, record.cells[column.index], locale) for name, column in draft.header.columns.items()]


def _field_text(name: str, cell: str, locale: str | None) -> str:
    if name in RESULT_FIELDS:
        return plain_result(cell)
    text = strip_text(cell)
    return plain_digits(text, locale) if locale and name in NUMBER_FIELDS else text


def plain_result(cell: str) -> str:
    """Take away the apostrophe that keeps a written result from being a formula."""
    text = strip_text(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA_STARTS, "'")) else text


def _wrong_width(record: Record, width: int) -> Problem:
    return Problem(
        where=f"line {record.line}",
        field="",
        value=record.raw.strip()[:200],
        message=f"has {len(record.cells)} columns where the header has {width}",
        remedy="Write a value (or nothing) for every column, and quote values that hold the delimiter.",
        row=record.line,
    )
