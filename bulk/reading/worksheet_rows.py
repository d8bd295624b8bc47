"""Passes over the rows of a worksheet that are written plainly, several times as fast as a parser.

Most rows of most sheets are. One regular expression proves a row to be well-formed XML, its cells to be in order and
free of whatever needs a closer look; the parser gets what is left. A proven row is complete, so that what is left is
well-formed if and only if the whole is.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from secrets import token_hex
from typing import Protocol

from bulk.model.cell_address import letter_of

PROBE = f"probe{token_hex(8)}"
"""An element that no file can foresee: once the parser reports it, it has taken in all that stands before."""

_SEGMENT = 1 << 18
_FIRST_COLUMNS, _MOST_COLUMNS = 8, 512
_CHARACTERS = rb"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]*+"
_TEXT = _CHARACTERS + rb"(?:&(?:amp|lt|gt|quot|apos);" + _CHARACTERS + rb")*+"
_KIND, _STYLE = rb' t="(?:s|n|b|str|inlineStr)"', rb' s="[0-9]{1,6}"'
_ATTRIBUTES = rb"(?:%b%b|(?:%b)?+(?:%b)?+)" % (_KIND, _STYLE, _STYLE, _KIND)
_FORMULA_ATTRIBUTES = (
    rb'(?: aca="(?:true|false)")?+(?: t="shared")?+(?: ref="[A-Z0-9:]++")?+(?: si="[0-9]++")?+'  # in Excel's order
)
_START = re.compile(rb"<([A-Za-z][A-Za-z0-9]*:|)sheetData[ />]")
_FORBIDDEN = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
"""U+FFFE and U+FFFF are no characters of XML."""


class Listener(Protocol):
    """Who follows a worksheet's cells as the parser reports them."""

    @property
    def row(self) -> int:
        """The last row that was entered."""

    @property
    def column(self) -> int:
        """The last column that was entered in that row."""

    @property
    def hidden_rows(self) -> set[int]:
        """The rows that were hidden so far."""

    @property
    def wants_probe(self) -> bool:
        """Whether the parser stands in a table of cells, as far as is known."""

    @property
    def clear_at(self) -> str:
        """The number of the last probe that was heard where rows are, and in their namespace."""

    def pass_row(self, row: int, column: int, cells: int) -> None:
        """Take note of a row that the parser does not see; column -1 where nothing holds a value. Raises as it does."""


@cache
def _tag(prefix: bytes) -> re.Pattern[bytes]:
    """Make the expression for a row's tag: its number and its other attributes."""
    return re.compile(rb'<%brow r="([1-9][0-9]{0,6})"([^<>]*+)>' % prefix)


@cache
def _row(prefix: bytes, columns: int) -> re.Pattern[bytes]:
    """Make the expression for a row: its tag, and a group for the value of each column."""
    value = _element(prefix + b"v", _TEXT)
    formula = _element(prefix + b"f", _TEXT, _FORMULA_ATTRIBUTES) + rb"(?=<%bv>[^<])" % prefix
    inline = _element(prefix + b"is", _element(prefix + b"t", _TEXT, rb'(?: xml:space="preserve")?+'))
    inside = rb"((?:%b)?+%b|%b)" % (formula, value, inline)
    names = (letter_of(index).encode() for index in range(columns))
    cells = (_element(prefix + b"c", inside + rb"?+", rb' r="%b\1"%b' % (name, _ATTRIBUTES)) for name in names)
    return re.compile(_tag(prefix).pattern + b"".join(rb"(?:%b)?+" % cell for cell in cells) + b"</%brow>" % prefix)


def _element(name: bytes, inside: bytes, attributes: bytes = b"") -> bytes:
    return rb"<%b%b(?: ?/>|>%b</%b>)" % (name, attributes, inside, name)


class PlainRows:
    """Keeps plain rows from the parser of a worksheet."""

    def __init__(self, listener: Listener) -> None:
        """Pass rows by `listener`, which must have heard of each piece before the next one is asked for."""
        self._listener = listener
        self._columns = _FIRST_COLUMNS
        self._prefix = self._cell = b""
        self._probes = 0
        # What a row's other attributes mean, as the parser understood them where they stood first.
        self._hides: dict[bytes, bool] = {}

    def left(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Give what the parser has to see."""
        waiting = b""
        for piece in pieces:
            waiting += piece
            if len(waiting) >= _SEGMENT:
                behind = waiting.rfind(b"row>") + len(b"row>")
                behind = behind if behind >= len(b"row>") else len(waiting)
                yield from self._left_of(waiting[:behind])
                waiting = waiting[behind:]
        yield from self._left_of(waiting)

    def _left_of(self, segment: bytes) -> Iterator[bytes]:
        if not self._listener.wants_probe and (table := _START.search(segment)):
            # If this is not what it seems, no probe will be heard.
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
                    at = self._pass_over(segment, start)
            # A row that is not plain, or the end.
            start = segment.find(sign, at + 1)
            if start >= 0 and segment.startswith(sign, at):
                yield from self._closely(segment[at:start])
                at = start
        if at < len(segment):
            yield from self._closely(segment[at:])

    def _next_probe(self) -> bytes:
        self._probes += 1
        return b'<%b%b n="%d"/>' % (self._prefix, PROBE.encode(), self._probes)

    def _pass_over(self, segment: bytes, at: int) -> int:
        """Pass over the plain rows that begin here; give the place where they end."""
        listener, hides, match = self._listener, self._hides, _row(self._prefix, self._columns).match
        last = listener.row
        while found := match(segment, at):
            number, is_hidden = int(found[1]), hides.get(found[2])
            if number <= last or is_hidden is None:
                break
            listener.pass_row(number, (found.lastindex or 0) - 3, segment.count(self._cell, at, found.end()))
            if is_hidden:
                listener.hidden_rows.add(number)
            last, at = number, found.end()
        return at

    def _closely(self, row: bytes) -> Iterator[bytes]:
        """Give a row to the parser, and learn from what it makes of it."""
        before, tag = self._listener.row, _tag(self._prefix).match(row)
        yield row
        number = self._listener.row
        if tag is not None and before < number == int(tag[1]) and not tag[2].endswith(b"/"):
            self._hides[tag[2]] = number in self._listener.hidden_rows
        while self._columns <= self._listener.column and self._columns < _MOST_COLUMNS:
            self._columns *= 4


def _is_text(segment: bytes) -> bool:
    """Tell whether these bytes are UTF-8 that XML allows; if not, the parser says so."""
    if segment.isascii():
        return True
    try:
        segment.decode()
    except UnicodeDecodeError:
        return False
    return not any(map(segment.__contains__, _FORBIDDEN))
