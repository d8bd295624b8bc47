"""Reads CSV: text, and nothing but text."""

from collections.abc import Callable
from pathlib import Path

from bulk.formats.cells import Flaw, strip_text
from bulk.formats.csv_records import Record, find_head, records_below
from bulk.formats.numerals import NUMBER_FIELDS, plain_digits
from bulk.formats.text_files import decode
from bulk.reading.draft import Draft, digest_of
from bulk.reading.how import How
from bulk.sheet import RESULT_FIELDS, Problem, Sheet

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes spreadsheet programs take a cell of CSV for a formula, the wide forms in some languages."""


def parse_csv(path: Path, data: bytes, how: How) -> Sheet:
    """Read a CSV file; see :func:`bulk.reading.read_sheet`."""
    text, encoding = decode(path, data, how.encoding, how.surface)
    head = find_head(path, text, how.headers, how.surface)
    draft = Draft(path, "csv", "", head.header)
    readers = [(column.index, _reader(name, how.locale)) for name, column in head.header.columns.items()]
    for record in records_below(path, text, head):
        cells = record.cells
        if len(cells) == head.width:
            draft.add_row(record.line, [read(cells[index]) for index, read in readers])
        elif any(map(strip_text, cells)):
            draft.problems.append(_wrong_width(record, head.width))
    return draft.finish(digest_of(data), encoding)


def _reader(name: str, locale: str | None) -> Callable[[str], str | Flaw]:
    """Make the function that reads a column's cells."""
    if name in RESULT_FIELDS:
        return plain_result
    if locale and name in NUMBER_FIELDS:
        return lambda cell: plain_digits(strip_text(cell), locale)
    return strip_text


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
