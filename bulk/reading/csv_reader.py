"""Reads CSV and mass-order text. Every value is text."""

import re
from collections.abc import Callable
from pathlib import Path

from bulk.files.atomic_write import digest_of
from bulk.files.csv_text import CsvHead, Record, decode, find_head, named_width, physical_lines, records_below, surplus
from bulk.model.cell_values import NUMBER_FIELDS, CellError, plain_digits, strip_text
from bulk.model.errors import SheetError
from bulk.model.fields import Header
from bulk.model.options import ReadOptions
from bulk.model.sheet import RESULT_FIELDS, Column, Problem, Sheet
from bulk.reading.sheet_builder import SheetBuilder
from smmplus.texts import _, marked

FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A CSV cell that begins with one of these is a formula to spreadsheet programs, the wide forms in some languages."""

_MASS_ORDER_HEADER = Header(
    0, {name: Column(i, "ABC"[i], name) for i, name in enumerate(("service", "link", "quantity"))}, ()
)
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]*")
_MASS_ORDER_REMEDY = marked("Write it as: service | link | quantity")


def parse_csv(path: Path, data: bytes, options: ReadOptions) -> Sheet:
    """Read a CSV file; see :func:`bulk.reading.read_sheet`."""
    text, encoding = decode(path, data, options.encoding, options.surface)
    head = find_head(path, text, options.headers, options.surface)
    builder = SheetBuilder(path, "csv", "", head.header)
    readers = [(column.index, _reader(name, options.locale)) for name, column in head.header.columns.items()]
    names, width = head.header_record.cells, named_width(head.header_record.cells)
    missing = [""] * width
    for record in records_below(path, text, head):
        cells = record.cells
        if len(cells) < width:
            cells = [*cells, *missing]
        if len(cells) > width and (value := surplus(names, record.cells)):
            results = {name: read(cells[at]) for name, (at, read) in zip(head.header.columns, readers, strict=True)}
            builder.add_unreadable(_moved(head, record, value), results)
        else:
            builder.add_row(record.line, [read(cells[index]) for index, read in readers])
    return builder.finish(digest_of(data), encoding)


def _reader(name: str, locale: str | None) -> Callable[[str], str | CellError]:
    """Return the function that reads the cells of a column."""
    if name in RESULT_FIELDS:
        return plain_result
    if locale and name in NUMBER_FIELDS:
        return lambda cell: plain_digits(strip_text(cell), locale)
    return strip_text


def plain_result(cell: str) -> str:
    """Return a result without the apostrophe that keeps it from being a formula."""
    text = strip_text(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA_STARTS, "'")) else text


def _moved(head: CsvHead, record: Record, value: str) -> Problem:
    results = {column.index for name, column in head.header.columns.items() if name in RESULT_FIELDS}
    own = (cell for at, cell in enumerate(record.cells) if at not in results)
    return Problem(
        where=_("line {line}", line=record.line),
        field="",
        value=head.delimiter.join(own).strip()[:200],
        message=_("has {value!r} to the right of the last column, so its values may have moved", value=value[:80]),
        remedy=_("Empty that cell, or put a value that contains the delimiter in quotes."),
        row=record.line,
    )


def parse_mass_order(path: Path, data: bytes, options: ReadOptions) -> Sheet:
    """Read ``service | link | quantity``, one order per line, or with link and quantity swapped. Skip empty lines."""
    if options.headers:
        option = options.surface.name("headers")
        raise SheetError(
            _("{path}: mass-order text has no headers to map. Leave {option} out.", path=path, option=option)
        )
    text, encoding = decode(path, data, options.encoding, options.surface)
    builder = SheetBuilder(path, "mass_order", "", _MASS_ORDER_HEADER)
    for number, line in enumerate(physical_lines(text.removeprefix("\ufeff")), start=1):
        if strip_text(line):
            _add_line(builder, number, strip_text(line), options.locale)
    return builder.finish(digest_of(data), encoding)


def _add_line(builder: SheetBuilder, number: int, line: str, locale: str | None) -> None:
    parts = [strip_text(part) for part in line.split("|")]
    parts[1:] = [plain_digits(part, locale) for part in parts[1:]]
    ordered = _in_order(parts)
    if isinstance(ordered, str):
        where, remedy = _("line {line}", line=number), _(_MASS_ORDER_REMEDY)
        builder.add_unreadable(Problem(where, "", line[:200], ordered, remedy, number))
    else:
        builder.add_row(number, ordered)


def _in_order(parts: list[str]) -> list[str] | str:
    """Return service, link and quantity, which is the one whole number of the last two; or what is wrong."""
    if len(parts) != 3:
        return _("an order has three parts: service | link | quantity")
    service, second, third = parts
    match _WHOLE_NUMBER.fullmatch(second) is not None, _WHOLE_NUMBER.fullmatch(third) is not None:
        case False, True:
            return [service, second, third]
        case True, False:
            return [service, third, second]
        case True, True:
            return _("has two whole numbers: it is not clear which one is the quantity")
    return _("has no whole number for its quantity")
