"""PURE: result cells as XML."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from bulk.formats.grid import letter_of

_NUMERIC_FIELDS = frozenset({"charge", "start_count", "remains"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_KNOWN_AT_MOST = 10_000


class CellWriter:
    """Writes the cells of result columns; most texts repeat from row to row and are written once."""

    def __init__(self, prefix: str, columns: Mapping[str, int]) -> None:
        """`prefix` is the namespace's, with its colon; `columns` gives each field its column."""
        self.order = sorted(columns, key=columns.__getitem__)
        """The fields from left to right."""
        self._prefix = prefix
        self._starts = {field: f'<{prefix}c r="{letter_of(column)}' for field, column in columns.items()}
        self._known: dict[tuple[bool, str], str] = {}

    def cell(self, field: str, row: str, style: str | None, text: str) -> str:
        """Write one cell; "" makes it empty."""
        kind = (field in _NUMERIC_FIELDS, text)
        rest = self._known.get(kind)
        if rest is None:
            if len(self._known) >= _KNOWN_AT_MOST:
                self._known.clear()
            rest = self._known[kind] = self._rest(*kind)
        styled = f'" s="{style}"' if style else '"'
        return f"{self._starts[field]}{row}{styled}{rest}"

    def _rest(self, may_be_number: bool, text: str) -> str:
        """Write what stands behind a cell's address and style."""
        prefix = self._prefix
        if not text:
            return "/>"
        if may_be_number and _NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
            return f"><{prefix}v>{text}</{prefix}v></{prefix}c>"
        written = escape(_ESCAPE_LIKE.sub("_x005F_", text))
        space = ' xml:space="preserve"' if "  " in text else ""
        return f' t="inlineStr"><{prefix}is><{prefix}t{space}>{written}</{prefix}t></{prefix}is></{prefix}c>'
