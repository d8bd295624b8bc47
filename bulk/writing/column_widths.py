"""PURE: columns of a worksheet: room for new ones, and the style of cells that are not written out yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bulk.files.xlsx_parts import feed, local_name, make_parser, worksheets
from bulk.files.zip_archive import Archive
from bulk.writing.worksheet_positions import behind_element, tag_end

_WIDTHS = {"order_status": 14, "error": 40, "updated_at": 22}
_USUAL_WIDTH = 12
"""In characters, as spreadsheets measure columns."""

_COLS = re.compile(rb"<((?:[^\s/>:]+:)?)cols\s*>(.*?)</(?:[^\s/>:]+:)?cols\s*>", re.DOTALL)
_TABLE = re.compile(rb"<([^\s/>:]+:)?sheetData[\s/>]")
_COL = re.compile(rb"<(?:[^\s/>:]+:)?col\s[^>]*>(?:\s*</(?:[^\s/>:]+:)?col\s*>)?")
_ATTRIBUTE = re.compile(rb"""\s([A-Za-z]+)\s*=\s*["']([^"']*)""")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Some columns beside each other, from 1, both ends included, and the tag that says how they look."""

    first: int
    last: int
    tag: bytes
    is_hidden: bool = False
    style: str | None = None

    @classmethod
    def of(cls, tag: bytes) -> "_Columns":
        said = dict(_ATTRIBUTE.findall(tag))
        hidden = said.get(b"hidden") in {b"1", b"true"} or float(said.get(b"width", b"1")) == 0
        style = said[b"style"].decode() if b"style" in said else None
        return cls(int(said[b"min"]), int(said[b"max"]), tag, hidden, style)

    def part(self, first: int, last: int) -> "_Columns":
        tag = re.sub(rb"""(\smin\s*=\s*["'])[0-9]+""", rb"\g<1>%d" % first, self.tag)
        tag = re.sub(rb"""(\smax\s*=\s*["'])[0-9]+""", rb"\g<1>%d" % last, tag)
        return _Columns(first, last, tag)


def _columns(head: bytes) -> list[_Columns]:
    found = _COLS.search(head)
    return [_Columns.of(tag) for tag in _COL.findall(found[2])] if found else []


def style_of_column(head: bytes, index: int) -> str | None:
    """Give the style that a column (from 0) lends its cells; None if it has none."""
    return next((each.style for each in _columns(head) if each.first <= index + 1 <= each.last), None)


def with_widths(head: bytes, new: Mapping[str, int]) -> bytes:
    """Add widths for new columns (field -> index, from 0) to a worksheet's XML up to its first row.

    A width that the sheet has for any of them is kept. Where all columns at the right are hidden, as people do below
    a finished table, the new ones are not.
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
    """Cut one column out."""
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


_FORMULA = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s/>]")
_FULL_CALC = re.compile(rb"""\sfullCalcOnLoad\s*=\s*(?:"[^"]*"|'[^']*')""")
_PREFIX_BEFORE = re.compile(rb"<((?:[^\s<>/:]+:)?)workbook[\s>]")

# What CT_Workbook (ECMA-376, 18.2.27) has before calcPr, from the one element that is always there.
_BEFORE_CALC = frozenset({"sheets", "functionGroups", "externalReferences", "definedNames"})


def has_formulas(archive: Archive, but: str) -> bool:
    """Tell whether any worksheet but one holds a formula."""
    others = (sheet.part for sheet in worksheets(archive) if sheet.part != but)
    return any(_FORMULA.search(archive.read(part)) for part in others)


def recalculate_on_load(xml: bytes) -> bytes:
    """Set fullCalcOnLoad in the workbook's list of sheets, in its calcPr or in a new one."""
    calc, behind = _find(xml)
    if calc is None:
        prefix = _PREFIX_BEFORE.search(xml, 0, behind)
        return xml[:behind] + b"<" + (prefix[1] if prefix else b"") + b'calcPr fullCalcOnLoad="1"/>' + xml[behind:]
    end = tag_end(xml, calc)
    tag = _FULL_CALC.sub(b"", xml[calc:end])
    at = len(tag) - (2 if tag.endswith(b"/>") else 1)
    return xml[:calc] + tag[:at].rstrip() + b' fullCalcOnLoad="1"' + tag[at:] + xml[end:]


def _find(xml: bytes) -> tuple[int | None, int]:
    """Give the offset of calcPr, if there is one, and the offset at which one may be put."""
    started: dict[str, int] = {}
    found: list[int] = []
    behind = [0]

    def on_start(name: str, _attributes: dict[str, str]) -> None:
        started[name] = parser.CurrentByteIndex
        if local_name(name) == "calcPr":
            found.append(parser.CurrentByteIndex)

    def on_end(name: str) -> None:
        if local_name(name) in _BEFORE_CALC:
            behind.append(behind_element(xml, started[name], parser.CurrentByteIndex))

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
    feed(parser, [xml])
    return (found[0] if found else None), behind[-1]
