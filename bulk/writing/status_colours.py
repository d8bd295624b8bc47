"""Colours for `order_status`: one block of conditional formatting, and the styles that it needs."""

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
    Colour(("Pending", "Processing", "In progress", "Active", "Placed", "Being sent"), "1F4E78", "DDEBF7"),
    Colour(("Partial", "Paused", "In doubt"), "9C5700", "FFEB9C"),
    Colour(("Canceled", "Cancelled", "Expired", "Fail", "Refused"), "9C0006", "FFC7CE"),
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


def add_status_colours(xml: bytes) -> tuple[bytes, int]:
    """Add the colours to a workbook's styles. Return the new XML and the number of the first new style."""
    scan = _Styles(xml)
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
