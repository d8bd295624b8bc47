"""PURE: colours for the words of `order_status`, as one block of conditional formatting and the styles it needs."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from bulk.files.xlsx_parts import feed, local_name, make_parser
from bulk.model.cell_address import LAST_ROW, letter_of
from bulk.writing.worksheet_positions import behind_element, tag_end

# What CT_Stylesheet (ECMA-376, 18.8.39) has before dxfs.
_BEFORE_DXFS = frozenset({"numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles"})


@dataclass(frozen=True, slots=True)
class Colour:
    """How some words are shown; colours are RGB in hexadecimal digits."""

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
"""The words of panels and of :mod:`bulk.running.result`; a word that is not listed has no colour."""

SIGN = f'"{STATUS_COLOURS[0].words[0]}"'
"""Stands in a formula of every such block, whoever wrote it: where it is met, the column is coloured already."""


def condition(cell: str, colour: Colour) -> str:
    """Write the formula that is true where a cell holds one of the words, in any case."""
    tests = ",".join(f'{cell}="{word}"' for word in colour.words)
    return f"OR({tests})"


def formatting(prefix: str, column: int, header_row: int, first_style: int, priority: int) -> bytes:
    """Make the block for a column, from below its header to the last row there can be: rows may be added later.

    :param first_style: the number of the first of the styles that :func:`with_colours` adds.
    :param priority: of the first rule; rules of the user's own come before it.
    """
    first = f"{letter_of(column)}{header_row + 1}"
    rules = "".join(
        f'<{prefix}cfRule type="expression" dxfId="{first_style + at}" priority="{priority + at}">'
        f"<{prefix}formula>{escape(condition(first, colour))}</{prefix}formula></{prefix}cfRule>"
        for at, colour in enumerate(STATUS_COLOURS)
    )
    block = f"{prefix}conditionalFormatting"
    return f'<{block} sqref="{first}:{letter_of(column)}{LAST_ROW}">{rules}</{block}>'.encode()


def with_colours(xml: bytes) -> tuple[bytes, int]:
    """Add the colours to a workbook's styles; give the new XML and the number of the first of them."""
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
    """Where a style sheet has its dxfs, or may have them. Offsets are in bytes."""

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
            # Of <dxfs/>, which has no end tag, the end is reported behind it.
            self.dxfs, self.dxfs_behind = (start, at), behind
