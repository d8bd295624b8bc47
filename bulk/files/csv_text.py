"""CSV text: its encoding, its lines, and records with their line numbers, so that each can be written back in place."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from bulk.model.cell_values import strip_text
from bulk.model.errors import RefusedFileError, SheetError
from bulk.model.fields import (
    HEADER_SEARCH_ROWS,
    Header,
    HeaderNames,
    fields_of,
    find_header,
    missing_header_error,
    parse_header,
)
from bulk.model.surfaces import COMMAND_LINE, Surface
from smmplus.texts import _

_PIECE = 1 << 16

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def decode(path: Path, data: bytes, encoding: str | None, surface: Surface = COMMAND_LINE) -> tuple[str, str]:
    """Return a file's text and its encoding: that of its byte-order mark, or the one passed, or UTF-8.

    The byte-order mark stays in the text, as its first character.

    :raises SheetError: if the encoding must be passed, or does not fit.
    """
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    chosen = marked or encoding
    text = _try_decode(data, chosen or "utf-8")
    if text is None and marked is None and encoding is not None:
        text, chosen = _try_decode(data, "utf-8"), None
    if text is None:
        raise SheetError(_undecodable(path, marked or encoding, surface))
    if "\0" in text:
        raise RefusedFileError(
            _("{path}: it contains NUL characters, so it is not text. Save it as CSV UTF-8.", path=path)
        )
    return text, chosen or "utf-8"


def _try_decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _undecodable(path: Path, encoding: str | None, surface: Surface) -> str:
    if encoding is None:
        named = surface.phrase(encoding="cp1252")
        return _(
            "{path}: not in UTF-8. Save it as 'CSV UTF-8', or pass its encoding, for example {option}.",
            path=path,
            option=named,
        )
    return _(
        "{path}: cannot be read as {encoding}. Save it as 'CSV UTF-8', or pass another encoding.",
        path=path,
        encoding=encoding,
    )


def physical_lines(text: str) -> list[str]:
    """Split text at LF, CR LF and CR, as text editors do. The lines keep their ends."""
    return list(io.StringIO(text, newline=""))


def pieces_from(text: str, begin: int = 0) -> Iterator[str]:
    """Yield text from an index on in pieces of whole lines; in one piece if no line ends with LF."""
    while begin < len(text):
        end = text.find("\n", begin + _PIECE) + 1 or len(text)
        yield text[begin:end]
        begin = end


def lines_from(text: str, begin: int = 0) -> Iterator[str]:
    """Yield the physical lines from an index on. All lines of a large file at once would take much memory."""
    return chain.from_iterable(map(physical_lines, pieces_from(text, begin)))


def line_end(line: str) -> str:
    """Return the line end of a physical line; "" if it has none."""
    return line[len(line.rstrip("\r\n")) :]


_DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?[\r\n]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file."""

    line: int
    """The number of the physical line on which it begins, from 1, as text editors show it."""
    raw: str
    """Its text as it is in the file, with its line end."""
    cells: Sequence[str]
    """Its values without quotes; none for an empty line."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file in parts. What is above the header, the header and the records make up the whole text."""

    delimiter: str
    above: str
    """Everything above the header: a byte-order mark, a sep= line, a title."""
    header: Header
    """Its row is the physical line on which the header begins."""
    header_record: Record
    records: tuple[Record, ...]
    """The records below the header."""


@dataclass(frozen=True, slots=True)
class CsvHead:
    """The beginning of a CSV file, down to its header."""

    delimiter: str
    header: Header
    """Its row is the physical line on which the header begins."""
    header_record: Record
    above: str
    """Everything above the header: a byte-order mark, a sep= line, a title."""


def named_width(header: Sequence[str]) -> int:
    """Return the number of a header's cells up to the last one with a name: a header may end in delimiters."""
    return next((at for at in range(len(header), 0, -1) if strip_text(header[at - 1])), 0)


def surplus(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return the first value that no column of the header explains; "" if there is none.

    Exporters add and drop empty cells at the end of a record, so only values count. A value directly behind the last
    name may have been moved there by a delimiter that is not quoted. One further right, in a column without a name, is
    a note next to the table.
    """
    beyond = [strip_text(cell) for cell in cells[named_width(header) :]]
    notes = len(header) - named_width(header)
    return next(filter(None, (*beyond[:1], *beyond[max(1, notes) :])), "")


def split_csv(path: Path, text: str, given: HeaderNames = ()) -> CsvFile:
    """Find delimiter and header, and split the text into records.

    :param given: headers that the user mapped.
    :raises SheetError: if there is no header, if a quote is never closed, or if a quote is inside a value.
    """
    head = find_head(path, text, given)
    return CsvFile(head.delimiter, head.above, head.header, head.header_record, tuple(records_below(path, text, head)))


def find_head(path: Path, text: str, given: HeaderNames = (), surface: Surface = COMMAND_LINE) -> CsvHead:
    """Find delimiter and header. Raise as :func:`split_csv` does."""
    declared = _SEP_LINE.fullmatch(next(lines_from(text), ""))
    delimiter = declared[1] if declared else _find_delimiter(path, text, given, surface)
    seen = list(_seen(path, text, delimiter, skipped=1 if declared else 0))
    index = find_header([record.cells for record in seen], given)
    if index is None:
        raise missing_header_error(str(path), [record.cells for record in seen], given, surface)
    head = seen[index]
    header = parse_header([strip_text(cell) for cell in head.cells], head.line, str(path), given)
    above = "".join(islice(lines_from(text), head.line - 1))
    return CsvHead(delimiter, header, head, above)


def records_below(path: Path, text: str, head: CsvHead) -> Iterator[Record]:
    """Yield the records below the header. Raise as :func:`records` does."""
    begin = len(head.above) + len(head.header_record.raw)
    line = head.header_record.line + len(physical_lines(head.header_record.raw))
    return records(path, lines_from(text, begin), head.delimiter, line)


def _find_delimiter(path: Path, text: str, given: HeaderNames, surface: Surface) -> str:
    """Return the delimiter with which a header is found; of several, the one with the most known names."""
    known = {delimiter: _known_names(path, text, delimiter, given) for delimiter in _DELIMITERS}
    best = max(known, key=lambda delimiter: known[delimiter])
    if not known[best]:
        lines = [line.strip() for line in islice(lines_from(text), HEADER_SEARCH_ROWS)]
        usual = max(_DELIMITERS, key="".join(lines).count)
        first = [line.split(usual) for line in lines]
        raise missing_header_error(str(path), first, given, surface)
    return best


def _known_names(path: Path, text: str, delimiter: str, given: HeaderNames) -> int:
    cells: list[Sequence[str]] = []
    # Quotes that are wrong with this delimiter may be right with another.
    with suppress(SheetError):
        cells.extend(record.cells for record in _seen(path, text, delimiter, skipped=0))
    index = find_header(cells, given)
    return 0 if index is None else sum(field is not None for field in fields_of(cells[index], given))


def _seen(path: Path, text: str, delimiter: str, *, skipped: int) -> Iterator[Record]:
    """Yield the records among which the header is. A byte-order mark is part of the text, and of no value."""
    mark = "" if skipped else text[: text.startswith("\ufeff")]
    lines = islice(lines_from(text.removeprefix(mark)), skipped, None)
    for record in islice(records(path, lines, delimiter, skipped + 1), HEADER_SEARCH_ROWS):
        yield replace(record, raw=mark + record.raw) if record.line == 1 else record


def records(path: Path, lines: Iterable[str], delimiter: str, line: int) -> Iterator[Record]:
    """Yield the records of some lines.

    :param line: the number of the first of these lines.
    :raises SheetError: if a quote is never closed, or is inside a value.
    """
    taken: list[str] = []
    reader = csv.reader(map(_noted(taken), lines), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield Record(line, taken[0] if len(taken) == 1 else "".join(taken), cells)
            line += len(taken)
            taken.clear()
    except csv.Error as error:
        raise SheetError(
            _(
                "{path}, line {line}: a quote is never closed or is inside a value, or a value is longer than "
                "{limit:,} characters. Fix the line, or save the sheet as CSV again.",
                path=path,
                line=line,
                limit=csv.field_size_limit(),
            )
        ) from error


def _noted(taken: list[str]) -> Callable[[str], str]:
    def note(line: str) -> str:
        taken.append(line)
        return line

    return note


def raw_cells(body: str, delimiter: str) -> list[str]:
    """Split a record's text, without its line end, into its cells as they are written, with their quotes."""
    if '"' not in body:
        return body.split(delimiter)
    mark = re.escape(delimiter)
    return [match[1] for match in re.finditer(rf'(?:^|{mark})("(?:[^"]|"")*"|[^{mark}]*)', body)]
