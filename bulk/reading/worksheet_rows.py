"""Skips the plainly written rows of a worksheet, several times as fast as a parser reads them.

Most rows of most sheets are plain. One regular expression proves that a row is well-formed XML, that its cells are in
order, and that nothing in them needs a closer look. The parser reads what remains. A skipped row is complete, so the
remaining XML is well-formed if and only if the whole is.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import compress, islice
from secrets import token_hex
from typing import Protocol

from bulk.model.cell_address import column_letter

PROBE = f"probe{token_hex(8)}"
"""An element that no file can contain: once the parser reports it, it has read everything before it."""

_SEGMENT = 1 << 18
_MOST_EMPTY_ROWS = 16**3
_FIRST_COLUMNS, _MOST_COLUMNS = 8, 512
_NO_VALUE = 2
"""The last group that matches in a row without values: its tag has two."""
_CHARACTERS = rb"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]*+"
_TEXT = _CHARACTERS + rb"(?:&(?:amp|lt|gt|quot|apos);" + _CHARACTERS + rb")*+"
_KIND, _STYLE = rb' t="(?:s|n|b|str|inlineStr)"', rb' s="[0-9]{1,6}"'
_ATTRIBUTES = rb"(?:%b%b|(?:%b)?+(?:%b)?+)" % (_KIND, _STYLE, _STYLE, _KIND)
_FORMULA_ATTRIBUTES = (
    rb'(?: aca="(?:true|false)")?+(?: t="shared")?+(?: ref="[A-Z0-9:]++")?+(?: si="[0-9]++")?+'  # in Excel's order
)
_NO_LINK = rb"(?!\s*(?i:HYPERLINK))"
"""The listener wants to know where formulas of links lead."""
_START = re.compile(rb"<([A-Za-z][A-Za-z0-9]*:|)sheetData[ />]")
_FORBIDDEN = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
"""U+FFFE and U+FFFF are no characters of XML."""


class CellListener(Protocol):
    """Receives a worksheet's cells from the parser."""

    @property
    def row(self) -> int:
        """The last row that was entered."""

    @property
    def column(self) -> int:
        """The last column that was entered in that row."""

    @property
    def hidden_rows(self) -> set[int]:
        """The hidden rows so far."""

    @property
    def wants_probe(self) -> bool:
        """Whether the parser is inside sheetData, as far as is known."""

    @property
    def clear_at(self) -> str:
        """The number of the last probe that was reported where rows are, and in their namespace."""

    def skip_row(self, row: int, column: int, cells: int) -> None:
        """Record a row that the parser does not see. Raise as for a parsed row."""

    def skip_empty_rows(self, last: int, start: int, end: int) -> None:
        """Record rows without values, up to the row `last`: the bytes from `start` to `end` of the worksheet."""


@cache
def _tag(prefix: bytes) -> re.Pattern[bytes]:
    """Compile the expression for a row's tag: its number and its other attributes."""
    return re.compile(rb'<%brow r="([1-9][0-9]{0,6})"([^<>]*+)>' % prefix)


@cache
def _row(prefix: bytes, columns: int) -> re.Pattern[bytes]:
    """Compile the expression for a row: its tag, and a group for the value of each column."""
    value = _element(prefix + b"v", _TEXT)
    formula = _element(prefix + b"f", _NO_LINK + _TEXT, _FORMULA_ATTRIBUTES) + rb"(?=<%bv>[^<])" % prefix
    inline = _element(prefix + b"is", _element(prefix + b"t", _TEXT, rb'(?: xml:space="preserve")?+'))
    inside = rb"((?:%b)?+%b|%b)" % (formula, value, inline)
    names = (column_letter(index).encode() for index in range(columns))
    cells = (_element(prefix + b"c", inside + rb"?+", rb' r="%b\1"%b' % (name, _ATTRIBUTES)) for name in names)
    return re.compile(_tag(prefix).pattern + b"".join(rb"(?:%b)?+" % cell for cell in cells) + b"</%brow>" % prefix)


@cache
def _empty_rows(prefix: bytes, columns: int, most: int) -> re.Pattern[bytes]:
    """Compile the expression for rows without values: formats reach down to the last row of many sheets."""
    addresses = (rb' r="%b\1"' % column_letter(index).encode() for index in range(columns))
    written = (rb"(?:%b%b|%b%b)" % (address, _ATTRIBUTES, _STYLE, address) for address in addresses)
    cells = b"".join(rb"(?:%b)?+" % _element(prefix + b"c", b"", each) for each in written)
    return re.compile(rb"(?:%b(?:(?<=/>)|%b</%brow>)){1,%d}+" % (_tag(prefix).pattern, cells, prefix, most))


def _element(name: bytes, inside: bytes, attributes: bytes = b"") -> bytes:
    return rb"<%b%b(?: ?/>|>%b</%b>)" % (name, attributes, inside, name)


class PlainRowSkipper:
    """Removes plain rows from what the parser of a worksheet reads."""

    def __init__(self, listener: CellListener) -> None:
        """Report skipped rows to `listener`. Each piece must be parsed before the next one is requested."""
        self._listener = listener
        self._columns = _FIRST_COLUMNS
        self._prefix = self._cell = b""
        self._probes = 0
        self._offset = 0  # of the segment in the worksheet
        self._most_empty = _MOST_EMPTY_ROWS  # rows in one match
        # Other attributes of a row -> whether they hide it, as the parser understood them the first time.
        self._hides: dict[bytes, bool] = {}
        # The same, with those of rows that end with their tag.
        self._hides_empty: dict[bytes, bool] = {}

    def remaining(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what the parser has to read."""
        waiting = b""
        for piece in pieces:
            waiting += piece
            if len(waiting) >= _SEGMENT:
                behind = waiting.rfind(b"row>") + len(b"row>")
                behind = behind if behind >= len(b"row>") else len(waiting)
                yield from self._remaining_of(waiting[:behind])
                waiting, self._offset = waiting[behind:], self._offset + behind
        yield from self._remaining_of(waiting)

    def _remaining_of(self, segment: bytes) -> Iterator[bytes]:
        if not self._listener.wants_probe and (table := _START.search(segment)):
            # If this is not really sheetData, no probe will be reported.
            self._prefix, self._cell = table[1], b"<%bc " % table[1]
        sign, at = b"<%brow " % self._prefix, 0
        start = segment.find(sign) if _is_text(segment) else -1
        while start >= 0:
            if start > at:
                yield segment[at:start]
            at = start
            if self._listener.wants_probe:
                yield self._next_probe()
                if self._listener.clear_at == str(self._probes):
                    at = self._skip_rows(segment, start)
            # Here is a row that is not plain, or the end.
            start = segment.find(sign, at + 1)
            if start >= 0 and segment.startswith(sign, at):
                yield from self._parse_row(segment[at:start])
                at = start
        if at < len(segment):
            yield from self._parse_row(segment[at:])

    def _next_probe(self) -> bytes:
        self._probes += 1
        return b'<%b%b n="%d"/>' % (self._prefix, PROBE.encode(), self._probes)

    def _skip_rows(self, segment: bytes, at: int) -> int:
        """Skip the plain rows that begin here. Return the index at which they end."""
        before = -1
        while before < at:
            before, at = at, self._skip_empty_rows(segment, self._skip_filled_rows(segment, at))
        return at

    def _skip_filled_rows(self, segment: bytes, at: int) -> int:
        listener, hides, match = self._listener, self._hides, _row(self._prefix, self._columns).match
        last = listener.row
        while found := match(segment, at):
            number, is_hidden = int(found[1]), hides.get(found[2])
            if number <= last or is_hidden is None or found.lastindex == _NO_VALUE:
                break
            listener.skip_row(
                number, (found.lastindex or 0) - _NO_VALUE - 1, segment.count(self._cell, at, found.end())
            )
            if is_hidden:
                listener.hidden_rows.add(number)
            last, at = number, found.end()
        return at

    def _skip_empty_rows(self, segment: bytes, at: int) -> int:
        listener, tag = self._listener, _tag(self._prefix)
        run = _empty_rows(self._prefix, self._columns, self._most_empty).match(segment, at)
        if run is None:
            return at
        end, tags = run.end(), tag.findall(segment, at, run.end())
        numbers = [int(number) for number, _ in tags]
        hidden = [self._hides_empty.get(others) for _, others in tags]
        rows = enumerate(zip(numbers, [listener.row, *numbers], hidden, strict=False))
        known = next((at for at, (row, before, hides) in rows if row <= before or hides is None), len(tags))
        # A run is matched as a whole before its rows are looked at: where many are cut, they are shorter.
        if known < len(tags):
            self._most_empty = max(1, self._most_empty // 16)
            end = next(islice(tag.finditer(segment, at, end), known, None)).start()
        elif known == self._most_empty:
            self._most_empty = min(_MOST_EMPTY_ROWS, self._most_empty * 16)
        if known:
            listener.hidden_rows.update(compress(numbers[:known], hidden))
            listener.skip_empty_rows(numbers[known - 1], self._offset + at, self._offset + end)
        return end

    def _parse_row(self, row: bytes) -> Iterator[bytes]:
        """Yield a row for the parser, and learn from what it reports."""
        before, tag = self._listener.row, _tag(self._prefix).match(row)
        yield row
        number = self._listener.row
        if tag is not None and before < number == int(tag[1]):
            is_hidden = self._hides_empty[tag[2]] = number in self._listener.hidden_rows
            if not tag[2].endswith(b"/"):
                self._hides[tag[2]] = is_hidden
        while self._columns <= self._listener.column and self._columns < _MOST_COLUMNS:
            self._columns *= 4


def _is_text(segment: bytes) -> bool:
    """Return whether these bytes are UTF-8 that XML allows. If not, the parser raises."""
    if segment.isascii():
        return True
    try:
        segment.decode()
    except UnicodeDecodeError:
        return False
    return not any(map(segment.__contains__, _FORBIDDEN))
