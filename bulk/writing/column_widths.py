"""The columns of a worksheet's XML: widths for new columns, and the style of cells that are not in the XML yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
