"""Finds the rows of a plainly written worksheet by their bytes, several times as fast as a parser.

Nearly all worksheets are plain. Any doubt raises :class:`NotPlainError`, and the positions are found by a parser
instead: :mod:`bulk.writing.worksheet_positions`. Without comments and CDATA, every "<" begins a tag.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile
from typing import NamedTuple

from bulk.model.cell_address import column_index, column_letter, parse_range
from bulk.writing.result_cells import CellWriter, Changes
from bulk.writing.worksheet_positions import CellPosition, Range, WorksheetPositions, refuse_formulas, with_cells

_TABLE = re.compile(rb"<((?:[A-Za-z_]\w*:)?)sheetData>")
_SPANS = re.compile(rb'\sspans="[^"]*"')
_FILLING = re.compile(rb"""\bt\s*=\s*["'](?:array|dataTable)["']""")
_REF = re.compile(rb"""\bref\s*=\s*["']([^"']*)""")
# Rows and cells whose attributes are in double quotes and do not contain ">".
_ROW = rb'<%brow r="([0-9]+)"([^<>"\']*(?:"[^<>"]*"[^<>"\']*)*)>'
_CELL = rb'<%bc r="([A-Z]{1,3})[0-9]+"((?:\s[\w:]+="[^<>"]*")*)\s*(?:/>|>(.*?)</%bc>)'
_STYLE = re.compile(rb'\ss="([0-9]{1,9})"')
# A cell as results are written, by this module or by a spreadsheet program.
_RESULT_CELL = (
    rb'(?:<P:c r="COLUMN[0-9]+"((?: s="[0-9]{1,9}")?)(?: t="[A-Za-z]+")?'
    rb'(?:/>|>(?:<P:v>[^<]*</P:v>|<P:is><P:t(?: xml:space="preserve")?>[^<]*</P:t></P:is>)?</P:c>))?'
)
_ROW_STYLE = re.compile(rb'(?=[^>]*\scustomFormat="(?:1|true)")[^>]*\ss="([0-9]+)"')
_PIECES_AT_ONCE = 1_500


class NotPlainError(ValueError):
    """A worksheet is written in another way than these patterns know."""


def _letters_beyond(letters: str) -> bytes:
    """Return a pattern for the columns right of one."""
    patterns = [f"[A-Z]{{{len(letters) + 1},3}}"] if len(letters) < 3 else []
    for at, letter in enumerate(letters):
        if letter < "Z":
            patterns.append(f"{letters[:at]}[{chr(ord(letter) + 1)}-Z]{'[A-Z]' * (len(letters) - at - 1)}")
    return "|".join(patterns).encode()


@dataclass(frozen=True)
class PlainRows:
    """The rows of a worksheet. All offsets are in bytes."""

    xml: bytes
    prefix: bytes
    """The prefix of the namespace, with its colon."""
    start: int
    """Where the first row begins."""
    end: int
    """Where the end tag of all rows begins."""
    header: int
    """Where the header's row begins."""
    below: int
    """The offset after the header's row."""

    @classmethod
    def of(cls, xml: bytes, header_row: int) -> "PlainRows":
        """Find the rows. Raise NotPlainError if the XML is written in an unusual way."""
        table = _TABLE.search(xml)
        # Twice: the start tag and the end tag. Any other could be in a comment, or in a cell's text.
        if table is None or xml.count(b"sheetData") != 2:
            raise NotPlainError("no usual table of cells")
        if xml.find(b"<!", table.end()) >= 0 or xml.find(b"<?", table.end()) >= 0:
            raise NotPlainError("comments among the cells")
        prefix, start, end = table[1], table.end(), xml.rfind(b"</" + table[1] + b"sheetData")
        header = xml.find(b'<%brow r="%d"' % (prefix, header_row), start, end)
        behind = b"</" + prefix + b"row>"
        below = xml.find(behind, header, end) + len(behind)
        rows = cls(xml, prefix, start, end, header, below)
        # Every cell begins with its address, and no other element begins with the same letter.
        cell = b"<" + prefix + b"c"
        if header < 0 or below < len(behind) or rows._count(cell) != rows._count(cell + b' r="'):
            raise NotPlainError("no usual rows")
        return rows

    def _count(self, text: bytes) -> int:
        return self.xml.count(text, self.start, self.end)

    @property
    def frame(self) -> bytes:
        """The worksheet without its rows, except the header."""
        return self.xml[: self.start] + self.xml[self.header : self.below] + self.xml[self.end :]

    @property
    def has_formula(self) -> bool:
        """Whether any cell holds a formula."""
        return re.search(rb"<%bf[\s/>]" % self.prefix, self.xml) is not None

    def arrays(self) -> list[Range]:
        """Return the ranges that single formulas fill."""
        tags = re.compile(rb"<%bf\s([^<>]*)" % self.prefix).finditer(self.xml, self.start, self.end)
        filling = (_REF.search(tag[1]) for tag in tags if _FILLING.search(tag[1]))
        return [parse_range(ref[1].decode()) for ref in filling if ref]

    def last_column(self, known: int) -> int:
        """Return the last column with a cell, at least the known one."""
        beyond = re.compile(rb'<%bc r="(%b)[0-9]' % (self.prefix, _letters_beyond(column_letter(known))))
        letters = {found[1] for found in beyond.finditer(self.xml, self.start, self.end)}
        return max((column_index(each.decode()) for each in letters), default=known)

    def spliced(self, changes: Changes, splicer: "RowSplicer") -> Iterator[bytes]:
        """Yield the rows below the header with their result cells, some hundred at a time."""
        if self._count(b"extLst"):
            raise NotPlainError("elements of other programs among the cells")
        if splicer.only_renews(changes) and not self._count(b" spans="):
            yield from self._renewed(changes, splicer)
        else:
            yield from self._one_by_one(changes, splicer, self.below, self.end)
        if splicer.count < len(changes):
            raise NotPlainError("a row was not found")

    def _renewed(self, changes: Changes, splicer: "RowSplicer") -> Iterator[bytes]:
        """Replace results at the end of rows. Other rows that get results are edited one by one."""
        gathered: list[bytes] = []
        xml, done, expected = self.xml, self.below, iter(sorted(changes))
        row_tag = b"<" + self.prefix + b"row "
        for found in splicer.results.finditer(xml, self.below, self.end):
            number = int(found[1])
            fields = changes.get(number)
            if fields is None:
                continue
            if next(expected) != number:
                row = xml.rfind(row_tag, done, found.start())
                yield b"".join(gathered)
                gathered.clear()
                yield from self._one_by_one(changes, splicer, done, row)
                done, expected = row, dropwhile(number.__ge__, expected)
            gathered += (xml[done : found.start()], splicer.renewed(found, fields))
            done = found.end()
            if len(gathered) >= _PIECES_AT_ONCE:
                yield b"".join(gathered)
                gathered.clear()
        yield b"".join(gathered)
        yield from self._one_by_one(changes, splicer, done, self.end)

    def _one_by_one(self, changes: Changes, splicer: "RowSplicer", start: int, stop: int) -> Iterator[bytes]:
        xml, done, gathered = self.xml, start, []
        row_end = b"</" + self.prefix + b"row>"
        for found in re.compile(_ROW % self.prefix).finditer(xml, start, stop):
            fields = changes.get(int(found[1]))
            if fields is None:
                continue
            tag, end = found[2], xml.find(row_end, found.end(), stop)
            if end < 0 or tag.endswith(b"/"):
                raise NotPlainError("a row without cells")
            if b"spans" in tag:
                gathered.append(xml[done : found.start(2)] + _SPANS.sub(b"", tag))
                done = found.end() - 1
            row = Row(xml, found[1].decode(), found.end(), end, tag)
            gathered += (xml[done : found.end()], splicer.row(row, fields))
            done = end
            if len(gathered) >= _PIECES_AT_ONCE:
                yield b"".join(gathered)
                gathered.clear()
        gathered.append(xml[done:stop])
        yield b"".join(gathered)


class Row(NamedTuple):
    """A row that gets results."""

    xml: bytes
    number: str
    start: int
    """Where its first cell begins."""
    end: int
    """Where its end tag begins."""
    tag: bytes
    """Its attributes, except the first."""

    @property
    def style(self) -> str | None:
        """The style that cells without one get from the row."""
        found = _ROW_STYLE.match(self.tag) if b"customFormat" in self.tag else None
        return found[1].decode() if found else None

    def cells(self, prefix: bytes) -> list[CellPosition]:
        """Return its cells. Raise NotPlainError if one is written in an unusual way."""
        found = list(re.compile(_CELL % (prefix, prefix), re.DOTALL).finditer(self.xml, self.start, self.end))
        if len(found) != self.xml.count(b"<" + prefix + b"c ", self.start, self.end):
            raise NotPlainError("a cell that is written in an unusual way")
        formula = b"<" + prefix + b"f"
        return [_mark(each, formula) for each in found]


def _mark(found: re.Match[bytes], formula: bytes) -> CellPosition:
    style = _STYLE.search(found[2])
    column, is_formula = column_index(found[1].decode()), formula in (found[3] or b"")
    return CellPosition(column, found.start(), found.end(), style[1].decode() if style else None, is_formula)


class RowSplicer:
    """Writes result cells into rows."""

    def __init__(
        self, prefix: bytes, positions: WorksheetPositions, columns: Mapping[str, int], styles: Mapping[str, str]
    ) -> None:
        """`columns` has all result fields, also new ones; `styles` are those that cells get from their columns."""
        self._prefix = prefix
        self._columns = columns
        self._lent = styles
        self._writer = CellWriter(prefix.decode(), columns)
        self._present = [field for field in self._writer.order if field in positions.columns]
        self._all_present = frozenset(self._present)
        self._last = positions.last_column
        self.count = 0
        """How many rows were written so far."""
        self._first = self._usual = self.results = re.compile(b"")
        if self._present:
            self._compile([columns[field] for field in self._present])

    def _compile(self, present: list[int]) -> None:
        letters = [column_letter(column).encode() for column in present]
        prefix = self._prefix
        self._first = re.compile(rb'<%bc r="(?:%b)[0-9]|</%brow>' % (prefix, b"|".join(letters), prefix))
        cells = b"".join(_RESULT_CELL.replace(b"P:", prefix).replace(b"COLUMN", letter) for letter in letters)
        row_end = b"(?=</" + prefix + b"row>)"
        self._usual = re.compile(cells + row_end)
        written = [_RESULT_CELL.replace(b"P:", prefix).replace(b"COLUMN", letter)[3:-2] for letter in letters]
        written[0] = written[0].replace(b"[0-9]+", b"([0-9]+)", 1)
        self.results = re.compile(b"".join(written) + row_end)

    @cached_property
    def _is_last(self) -> bool:
        """Whether the existing result columns are adjacent, with nothing right of them."""
        present = [self._columns[field] for field in self._present]
        return self._last <= present[-1] and present == [*range(present[0], present[-1] + 1)]

    def only_renews(self, changes: Changes) -> bool:
        """Return whether every row gets all results that have a column, at the end of the row."""
        every = len(self._present)
        complete = every == len(self._columns) > 0 and all(len(fields) == every for fields in changes.values())
        return complete and self._is_last

    def renewed(self, found: re.Match[bytes], fields: Mapping[str, str]) -> bytes:
        """Return new results for those that :attr:`results` matched."""
        self.count += 1
        number, *own = found.groups()
        styles = {field: style[4:-1].decode() for field, style in zip(self._present, own, strict=True) if style}
        return self._writer.cells(number.decode(), fields, styles)

    def row(self, row: Row, fields: Mapping[str, str]) -> bytes:
        """Return a row's cells with its results."""
        self.count += 1
        if not self._present:
            made = self._writer.cells(row.number, fields, self._styles(row))
            return row.xml[row.start : row.end] + made
        if self._is_last and fields.keys() >= self._all_present:
            first = self._first.search(row.xml, row.start)
            usual = first and self._usual.match(row.xml, first.start())
            if first and usual:
                made = self._writer.cells(row.number, fields, self._kept(row, usual.groups()))
                return row.xml[row.start : first.start()] + made
        return self._merged(row, fields)

    def _styles(self, row: Row) -> Mapping[str, str]:
        """Return the styles of cells without XML of their own. Others keep their style, or the lack of one."""
        style = row.style
        return self._lent if style is None else dict.fromkeys(self._columns, style)

    def _kept(self, row: Row, own: tuple[bytes | None, ...]) -> Mapping[str, str]:
        """Return the styles of existing results; None in `own` is a cell without XML of its own."""
        styles = self._styles(row)
        if not styles and not any(own):
            return styles
        found = zip(self._present, own, strict=True)
        return {**styles, **{field: style[4:-1].decode() for field, style in found if style is not None}}

    def _merged(self, row: Row, fields: Mapping[str, str]) -> bytes:
        marks = row.cells(self._prefix)
        refuse_formulas(row.number, marks, {self._columns[field] for field in fields})
        own = {mark.column: mark.style for mark in marks}
        found = {field: own[at] for field, at in self._columns.items() if at in own}
        styles, wanted = {**self._styles(row), **found}, [field for field in self._writer.order if field in fields]
        write = self._writer.cells
        new = {self._columns[field]: write(row.number, {field: fields[field]}, styles) for field in wanted}
        return with_cells(row.xml, row.start, row.end, marks, new)
