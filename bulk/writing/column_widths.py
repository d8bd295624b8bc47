"""PURE: room for result columns that are new: without it their headers are cut in the middle of a word."""

import re
from collections.abc import Mapping

_WIDTHS = {"order_status": 14, "error": 40, "updated_at": 22}
_USUAL_WIDTH = 12
"""In characters, as spreadsheets measure columns."""

_COLS_END = re.compile(rb"</([^\s/>:]+:)?cols\s*>")
_TABLE = re.compile(rb"<([^\s/>:]+:)?sheetData[\s/>]")
_MAX = re.compile(rb"""<(?:[^\s/>:]+:)?col\s[^>]*?\bmax\s*=\s*["']([0-9]+)""")


def with_widths(head: bytes, new: Mapping[str, int]) -> bytes:
    """Add widths for new columns (field -> index, from 0) to a worksheet's XML up to its first row.

    Where the sheet has widths for any of them already, it keeps its own for all.
    """
    table = _TABLE.search(head)
    if table is None or not new or any(int(most) > min(new.values()) for most in _MAX.findall(head)):
        return head
    prefix = (table[1] or b"").decode()
    made = "".join(
        f'<{prefix}col min="{index + 1}" max="{index + 1}" width="{_WIDTHS.get(field, _USUAL_WIDTH)}" customWidth="1"/>'
        for field, index in sorted(new.items(), key=lambda item: item[1])
    ).encode()
    end = _COLS_END.search(head, 0, table.start())
    if end is not None:
        return head[: end.start()] + made + head[end.start() :]
    cols = f"{prefix}cols"
    return head[: table.start()] + f"<{cols}>".encode() + made + f"</{cols}>".encode() + head[table.start() :]
