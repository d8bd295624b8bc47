"""CSV as records that know the lines they stand on, so that each can be written back where it was."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulk.errors import SheetError
from bulk.formats.cells import strip_text
from bulk.formats.text_files import physical_lines
from bulk.reading.columns import (
    HEADER_SEARCH_ROWS,
    Header,
    HeaderNames,
    field_of,
    find_header,
    no_header,
    understand_header,
)

_DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[\r\n]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file."""

    line: int
    """The number of the physical line on which it begins, from 1: what a text editor shows."""
    raw: str
    """Its text as it stands in the file, with its line end."""
    cells: Sequence[str]
    """Its values, unquoted; none for an empty line."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file, taken apart; the raw text of what stands above, the header and the records make up the file."""

    delimiter: str
    above: str
    """Everything above the header: a byte-order mark, a sep= line, a title."""
    header: Header
    """Its row is the physical line on which the header begins."""
    header_record: Record
    records: tuple[Record, ...]
    """What stands below the header."""


def take_apart(path: Path, text: str, given: HeaderNames = ()) -> CsvFile:
    """Find delimiter and header, and split the text into records.

    :param given: what headers mean by a person's word.

    :raises SheetError: if there is no header, if a quote is never closed, or if quotes stand in odd places.
    """
    lines = physical_lines(text)
    declared = _SEP_LINE.fullmatch(lines[0]) if lines else None
    skipped = 1 if declared else 0
    delimiter = declared[1] if declared else _find_delimiter(path, lines, given)
    records = list(_records(path, lines, delimiter, skipped))
    index = find_header([record.cells for record in records[:HEADER_SEARCH_ROWS]], given)
    if index is None:
        raise no_header(str(path), [record.cells for record in records[:HEADER_SEARCH_ROWS]], given)
    head = records[index]
    header = understand_header([strip_text(cell) for cell in head.cells], head.line, str(path), given)
    return CsvFile(delimiter, "".join(lines[: head.line - 1]), header, head, tuple(records[index + 1 :]))


def _find_delimiter(path: Path, lines: Sequence[str], given: HeaderNames) -> str:
    """Take the delimiter by which a header is found; of several the one that yields the most known names."""
    known = {delimiter: _known_names(path, lines, delimiter, given) for delimiter in _DELIMITERS}
    best = max(known, key=lambda delimiter: known[delimiter])
    if not known[best]:
        raise no_header(str(path), [[line.strip()] for line in lines[:HEADER_SEARCH_ROWS]], given)
    return best


def _known_names(path: Path, lines: Sequence[str], delimiter: str, given: HeaderNames) -> int:
    cells = []
    try:
        for _, record in zip(range(HEADER_SEARCH_ROWS), _records(path, lines, delimiter, 0), strict=False):
            cells.append(record.cells)
    except SheetError:
        # Quotes that make no sense with this delimiter may do so with another.
        pass
    index = find_header(cells, given)
    return 0 if index is None else sum(field_of(cell, given) is not None for cell in cells[index])


def _records(path: Path, lines: Sequence[str], delimiter: str, skipped: int) -> Iterator[Record]:
    without_mark = [line.removeprefix("\ufeff") for line in lines[:1]]
    reader = csv.reader(iter([*without_mark, *lines[1:]][skipped:]), delimiter=delimiter, strict=True)
    begin = skipped
    try:
        for cells in reader:
            end = reader.line_num + skipped
            yield Record(begin + 1, lines[begin] if end == begin + 1 else "".join(lines[begin:end]), cells)
            begin = end
    except csv.Error as error:
        raise SheetError(
            f"{path}, line {begin + 1}: {error}. A quote is opened and never closed, or stands inside a value: "
            f"mend the line, or save the sheet as CSV again."
        ) from error


def raw_cells(body: str, delimiter: str) -> list[str]:
    """Split a record's text, without its line end, into its cells as they are written, quotes included."""
    if '"' not in body:
        return body.split(delimiter)
    mark = re.escape(delimiter)
    return [match[1] for match in re.finditer(rf'(?:^|{mark})("(?:[^"]|"")*"|[^{mark}]*)', body)]
