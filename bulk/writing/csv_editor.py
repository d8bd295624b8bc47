"""Writes results into CSV. Apart from the result cells, every line keeps its bytes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

from bulk.files.csv_text import CsvFile, Record, decode, line_end, named_width, physical_lines, raw_cells, split_csv
from bulk.model.errors import CannotSpliceError
from bulk.model.fields import result_headings
from bulk.model.sheet import RESULT_FIELDS, Sheet
from bulk.reading.csv_reader import FORMULA_STARTS
from bulk.writing.result_cells import Changes, new_fields
from smmplus.texts import _

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def splice_csv(data: bytes, sheet: Sheet, changes: Changes, out: BinaryIO) -> None:
    """Write the file with the changed cells. Delimiter, encoding, line ends and quoting stay as they are."""
    text, encoding = decode(sheet.path, data, sheet.encoding)
    if text.encode(encoding) != data:
        raise CannotSpliceError(_("its encoding {encoding} does not reproduce the same bytes", encoding=encoding))
    file = split_csv(sheet.path, text, sheet.headers)
    writer = _LineWriter(file, changes, encoding, result_headings(file.header.columns, sheet.headers))
    missing = changes.keys() - {record.line for record in file.records}
    if missing:
        raise CannotSpliceError(_("no row begins on line {line}", line=min(missing)))
    lines = [file.above, writer.header_line(), *map(writer.line, file.records)]
    out.write("".join(lines).encode(encoding))


class _LineWriter:
    def __init__(self, file: CsvFile, changes: Changes, encoding: str, headings: Mapping[str, str]) -> None:
        self._file = file
        self._changes = changes
        self._encoding = encoding
        self._places = {name: at.index for name, at in file.header.columns.items() if name in RESULT_FIELDS}
        self._new = new_fields(changes, self._places)
        self._headings = headings
        self._width = named_width(file.header_record.cells)
        """Where new columns begin: what a row has further right must not get under their names."""
        header = raw_cells(_body(file.header_record.raw).removeprefix("\ufeff"), file.delimiter)
        self._quote_all = all(cell.startswith('"') for cell in header[: self._width])

    def header_line(self) -> str:
        header = self._file.header_record
        mark = header.raw[: header.raw.startswith("\ufeff")]
        new = [self._written(self._headings[name], "") for name in self._new]
        return mark + self._with_cells(replace(header, raw=header.raw.removeprefix(mark)), {}, new)

    def line(self, record: Record) -> str:
        """Return a record's new text. Empty lines stay empty, and values beyond the last column stay beyond it."""
        if not record.cells:
            return record.raw
        changed = self._changes.get(record.line, {})
        return self._with_cells(record, changed, [self._written(changed.get(name, ""), "") for name in self._new])

    def _with_cells(self, record: Record, changed: Mapping[str, str], new: list[str]) -> str:
        """Return a record with changed cells, and with new ones behind those that have a name."""
        delimiter, width = self._file.delimiter, self._width
        if not self._places.keys() & changed.keys() and (not new or len(record.cells) == width):
            return delimiter.join([_body(record.raw), *new]) + line_end(record.raw)
        cells = raw_cells(_body(record.raw), delimiter)
        if len(cells) != len(record.cells):
            raise CannotSpliceError(_("line {line} cannot be split into cells", line=record.line))
        cells += [""] * (width - len(cells))
        for name, index in self._places.items():
            if name in changed:
                cells[index] = self._written(changed[name], cells[index])
        return delimiter.join([*cells[:width], *new, *cells[width:]]) + line_end(record.raw)

    def _written(self, text: str, old: str) -> str:
        """Return a value in the quoting of the file. It has as many lines as the old one, so that no row moves."""
        if not text.isascii():
            text = text.encode(self._encoding, errors="replace").decode(self._encoding)
        text = escape_formula(text) + "\n" * (len(physical_lines(old)) - 1 if old else 0)
        special = '"' in text or self._file.delimiter in text or "\n" in text
        if special or old.startswith('"') or (self._quote_all and text):
            return '"' + text.replace('"', '""') + '"'
        return text


def _body(raw: str) -> str:
    return raw[: len(raw) - len(line_end(raw))]


def escape_formula(text: str) -> str:
    """Return text with an apostrophe before it if spreadsheet programs would take it for a formula; not for numbers."""
    dangerous = text.startswith((*FORMULA_STARTS, "'")) and not _NUMBER.fullmatch(text)
    return f"'{text}" if dangerous else text
