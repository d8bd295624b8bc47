"""How new result columns look: colours for `order_status`, widths, and styles of cells that are not in the XML yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bulk.files.xlsx_parts import feed, local_name, make_parser
from bulk.model.cell_address import LAST_ROW, column_letter
from bulk.writing.worksheet_positions import behind_element, tag_end

# What CT_Stylesheet (ECMA-376, 18.8.39) has before dxfs.
_BEFORE_DXFS = frozenset({"numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles"})


@dataclass(frozen=True, slots=True)
class Colour:
    """The colours of some words, as RGB in hexadecimal digits."""

    words: tuple[str, ...]
    text: str
    ground: str


STATUS_COLOURS = (
    Colour(("Completed",), "006100", "C6EFCE"),
    Colour(("Pending", "Processing", "In progress", "Active", "Placed", "Sending"), "1F4E78", "DDEBF7"),
    Colour(("Partial", "Paused", "In doubt"), "9C5700", "FFEB9C"),
    Colour(("Canceled", "Cancelled", "Expired", "Fail", "Rejected"), "9C0006", "FFC7CE"),
    Colour(("Not sent",), "595959", "EDEDED"),
)
"""The words of panels and of :mod:`bulk.running.result`. Other words have no colour."""

SIGN = f'"{STATUS_COLOURS[0].words[0]}"'
"""A formula of every such block contains this: a column with such a formula is coloured already."""


def condition(cell: str, colour: Colour) -> str:
    """Return the formula that is true if a cell holds one of the words, in any case."""
    tests = ",".join(f'{cell}="{word}"' for word in colour.words)
    return f"OR({tests})"


def formatting(prefix: str, column: int, header_row: int, first_style: int, priority: int) -> bytes:
    """Return the block for a column, from below its header to the last possible row: rows may be added later.

    :param first_style: the number of the first of the styles that :func:`add_status_colours` adds.
    :param priority: the priority of the first rule, after those of the user's rules.
    """
    first = f"{column_letter(column)}{header_row + 1}"
    rules = "".join(
        f'<{prefix}cfRule type="expression" dxfId="{first_style + at}" priority="{priority + at}">'
        f"<{prefix}formula>{escape(condition(first, colour))}</{prefix}formula></{prefix}cfRule>"
        for at, colour in enumerate(STATUS_COLOURS)
    )
    block = f"{prefix}conditionalFormatting"
    return f'<{block} sqref="{first}:{column_letter(column)}{LAST_ROW}">{rules}</{block}>'.encode()


def add_status_colours(xml: bytes) -> tuple[bytes, int] | None:
    """Add the colours to a workbook's styles. Return the new XML and the number of the first new style.

    Return None if it has no formats of cells: other programs could not open it with colours alone.
    """
    scan = _Styles(xml)
    if not scan.has_formats:
        return None
    made = "".join(_dxf(scan.prefix, colour) for colour in STATUS_COLOURS)
    count = scan.count + len(STATUS_COLOURS)
    start = f'<{scan.prefix}dxfs count="{count}">'.encode()
    if scan.dxfs is None:
        whole = start + made.encode() + f"</{scan.prefix}dxfs>".encode()
        return xml[: scan.behind] + whole + xml[scan.behind :], 0
    tag, end = scan.dxfs
    inside = xml[tag_end(xml, tag) : end]
    whole = start + inside + made.encode() + f"</{scan.prefix}dxfs>".encode()
    return xml[:tag] + whole + xml[scan.dxfs_behind :], scan.count


def _dxf(prefix: str, colour: Colour) -> str:
    p = prefix
    return (
        f'<{p}dxf><{p}font><{p}color rgb="FF{colour.text}"/></{p}font>'
        f'<{p}fill><{p}patternFill><{p}bgColor rgb="FF{colour.ground}"/></{p}patternFill></{p}fill></{p}dxf>'
    )


class _Styles:
    """The position of dxfs in a style sheet, or the position for one. Offsets are in bytes."""

    def __init__(self, xml: bytes) -> None:
        self.prefix = ""
        self.count = 0
        self.has_formats = False
        self.dxfs: tuple[int, int] | None = None
        """Where the tag begins, and where its content ends."""
        self.dxfs_behind = self.behind = 0
        self._xml = xml
        self._open: list[tuple[str, int]] = []
        self._parser = make_parser()
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        feed(self._parser, [xml])

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        at, depth = self._parser.CurrentByteIndex, len(self._open)
        if depth == 0:
            written = self._xml[at + 1 : tag_end(self._xml, at)].split(None, 1)[0].rstrip(b"/>").decode()
            self.prefix = written.removesuffix("styleSheet")
            self.behind = tag_end(self._xml, at)
        elif depth == 2 and local_name(self._open[-1][0]) == "dxfs":
            self.count += 1
        elif depth == 2 and local_name(self._open[-1][0]) == "cellXfs":
            self.has_formats = True
        self._open.append((name, at))

    def _end(self, name: str) -> None:
        _, start = self._open.pop()
        if len(self._open) != 1:
            return
        at = self._parser.CurrentByteIndex
        behind = behind_element(self._xml, start, at)
        if local_name(name) in _BEFORE_DXFS:
            self.behind = behind
        elif local_name(name) == "dxfs":
            # For <dxfs/>, which has no end tag, the parser reports the end after it.
            self.dxfs, self.dxfs_behind = (start, at), behind


_WIDTHS = {"order_status": 14, "error": 40, "updated_at": 22}
_USUAL_WIDTH = 12
"""In characters, the unit of spreadsheets."""

_COLS = re.compile(rb"<((?:[^\s/>:]+:)?)cols\s*>(.*?)</(?:[^\s/>:]+:)?cols\s*>", re.DOTALL)
_TABLE = re.compile(rb"<([^\s/>:]+:)?sheetData[\s/>]")
_COL = re.compile(rb"<(?:[^\s/>:]+:)?col\s[^>]*>(?:\s*</(?:[^\s/>:]+:)?col\s*>)?")
_ATTRIBUTE = re.compile(rb"""\s([A-Za-z]+)\s*=\s*["']([^"']*)""")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Adjacent columns, counted from 1, both ends included, and their tag."""

    first: int
    last: int
    tag: bytes
    is_hidden: bool = False
    style: str | None = None

    @classmethod
    def of(cls, tag: bytes) -> "_Columns":
        attributes = dict(_ATTRIBUTE.findall(tag))
        hidden = attributes.get(b"hidden") in {b"1", b"true"} or float(attributes.get(b"width", b"1")) == 0
        style = attributes[b"style"].decode() if b"style" in attributes else None
        return cls(int(attributes[b"min"]), int(attributes[b"max"]), tag, hidden, style)

    def part(self, first: int, last: int) -> "_Columns":
        tag = re.sub(rb"""(\smin\s*=\s*["'])[0-9]+""", rb"\g<1>%d" % first, self.tag)
        tag = re.sub(rb"""(\smax\s*=\s*["'])[0-9]+""", rb"\g<1>%d" % last, tag)
        return _Columns(first, last, tag)


def _columns(head: bytes) -> list[_Columns]:
    found = _COLS.search(head)
    return [_Columns.of(tag) for tag in _COL.findall(found[2])] if found else []


def style_of_column(head: bytes, index: int) -> str | None:
    """Return the style of a column (from 0), which its new cells get; None if it has none."""
    return next((each.style for each in _columns(head) if each.first <= index + 1 <= each.last), None)


def add_column_widths(head: bytes, new: Mapping[str, int]) -> bytes:
    """Add widths for new columns (field -> index, from 0) to a worksheet's XML up to its first row.

    A width that the sheet already has for one of them is kept. If all columns at the right are hidden, as people do
    next to a finished table, the new ones are shown.
    """
    table = _TABLE.search(head)
    if table is None or not new:
        return head
    prefix = (table[1] or b"").decode()
    listed = _columns(head)
    shown = [each for each in listed if not each.is_hidden]
    made = [
        _made(prefix, field, index + 1)
        for field, index in new.items()
        if not any(each.first <= index + 1 <= each.last for each in shown)
    ]
    for column in made:
        listed = [part for each in listed for part in _without(each, column.first)]
    inside = b"".join(each.tag for each in sorted([*listed, *made], key=lambda each: each.first))
    return _with_columns(head, inside, prefix, table.start()) if made else head


def _made(prefix: str, field: str, number: int) -> _Columns:
    width = _WIDTHS.get(field, _USUAL_WIDTH)
    tag = f'<{prefix}col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
    return _Columns(number, number, tag.encode())


def _without(columns: _Columns, number: int) -> list[_Columns]:
    """Remove one column."""
    if not columns.first <= number <= columns.last:
        return [columns]
    parts = ((columns.first, number - 1), (number + 1, columns.last))
    return [columns.part(first, last) for first, last in parts if first <= last]


def _with_columns(head: bytes, inside: bytes, prefix: str, table: int) -> bytes:
    found = _COLS.search(head)
    if found:
        return head[: found.start(2)] + inside + head[found.end(2) :]
    cols = f"{prefix}cols"
    return head[:table] + f"<{cols}>".encode() + inside + f"</{cols}>".encode() + head[table:]
