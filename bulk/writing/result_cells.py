"""PURE: result cells as XML."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from bulk.formats.grid import letter_of

_NUMERIC_FIELDS = frozenset({"charge", "start_count", "remains"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_KNOWN_AT_MOST = 1_000


class CellWriter:
    """Writes the cells of result columns; most texts repeat from row to row and are written once."""

    def __init__(self, prefix: str, columns: Mapping[str, int]) -> None:
        """`prefix` is the namespace's, with its colon; `columns` gives each field its column."""
        self.order = sorted(columns, key=columns.__getitem__)
        """The fields from left to right."""
        self._prefix = prefix
        self._text = (f' t="inlineStr"><{prefix}is><{prefix}t>', f"</{prefix}t></{prefix}is></{prefix}c>")
        self._columns = [
            (field, f'<{prefix}c r="{letter_of(columns[field])}', field not in _NUMERIC_FIELDS, dict[str, str]())
            for field in self.order
        ]

    def cells(self, row: str, fields: Mapping[str, str], styles: Mapping[str, str | None]) -> bytes:
        """Write a row's cells, from left to right; "" makes a cell empty."""
        made, (before, behind) = [], self._text
        for field, start, is_text, known in self._columns:
            text = fields.get(field)
            if text is None:
                continue
            if is_text and text.isalnum():
                # Most are order ids: each is another, and holds nothing to escape.
                rest = f"{before}{text}{behind}"
            else:
                rest = known.get(text) or self._learn(known, field, text)
            style = styles.get(field) if styles else None
            made.append(f'{start}{row}" s="{style}"{rest}' if style else f'{start}{row}"{rest}')
        return "".join(made).encode()

    def _learn(self, known: dict[str, str], field: str, text: str) -> str:
        if len(known) >= _KNOWN_AT_MOST:
            known.clear()
        rest = known[text] = self._rest(field, text)
        return rest

    def _rest(self, field: str, text: str) -> str:
        """Write what stands behind a cell's address and style."""
        prefix = self._prefix
        if not text:
            return "/>"
        if field in _NUMERIC_FIELDS and _NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
            return f"><{prefix}v>{text}</{prefix}v></{prefix}c>"
        written = escape(_ESCAPE_LIKE.sub("_x005F_", text))
        space = ' xml:space="preserve"' if "  " in text else ""
        return f' t="inlineStr"><{prefix}is><{prefix}t{space}>{written}</{prefix}t></{prefix}is></{prefix}c>'
