"""Result cells: texts that any cell can hold, and cells as XML of a worksheet."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from bulk.model.cell_address import column_letter
from bulk.model.cell_values import strip_text
from bulk.model.sheet import RESULT_FIELDS, Sheet

CELL_LIMIT = 32_767
"""The most characters of a cell, counted in UTF-16 (Excel specifications and limits)."""

CUT_MARK = " …[cut]"

Changes = Mapping[int, Mapping[str, str]]
"""Row number -> result field -> cleaned text; "" empties the cell."""

# Line breaks become spaces: in CSV they would change the numbers of all rows below.
_BREAKS = re.compile("[\\t\\n\\v\\f\\r\\x85\\u2028\\u2029]+")
_UNWRITABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff\\ufeff]")


def clean(text: str) -> str:
    """Return text without control characters, with spaces for line breaks, and cut with a mark if it is too long."""
    if len(text) < CELL_LIMIT // 2 and text.isascii() and text.isprintable():
        return text.strip()
    text = strip_text(_UNWRITABLE.sub("", _BREAKS.sub(" ", text)))
    units = text.encode("utf-16-le")
    if len(units) <= 2 * CELL_LIMIT:
        return text
    return units[: 2 * (CELL_LIMIT - len(CUT_MARK))].decode("utf-16-le", errors="ignore") + CUT_MARK


def clean_results(sheet: Sheet, results: Changes) -> Changes:
    """Clean every text. Raise ValueError if a row is not in the sheet, or a field is not a result field."""
    rows = frozenset(sheet.rows)
    unknown_rows = [row for row in results if row not in rows]
    if unknown_rows:
        raise ValueError(f"{sheet.path} has no order in row {min(unknown_rows)}")
    unknown_fields = {field for fields in results.values() for field in fields}.difference(RESULT_FIELDS)
    if unknown_fields:
        raise ValueError(f"{min(unknown_fields)!r} is not a result field")
    # Clean rows are not copied: a copy of every row takes time and memory.
    cleaned = {row: _cleaned(fields) for row, fields in results.items() if any(map(_is_unclean, fields.values()))}
    return {**results, **cleaned} if cleaned else results


def _is_unclean(text: str) -> bool:
    return not (text.isalnum() and len(text) < CELL_LIMIT // 2) and clean(text) != text


def _cleaned(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {field: clean(text) for field, text in fields.items()}


def new_fields(changes: Changes, present: Mapping[str, object]) -> list[str]:
    """Return the result fields in `changes` that have no column yet, in their usual order.

    An empty text counts: the columns of a sheet should not depend on how far its orders are.
    """
    wanted = {field for fields in changes.values() for field in fields}
    return [field for field in RESULT_FIELDS if field in wanted and field not in present]


_NUMERIC_FIELDS = frozenset({"charge", "start_count", "remains"})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_KNOWN_AT_MOST = 1_000


class CellWriter:
    """Writes the cells of result columns. Most texts repeat from row to row, and their XML is kept."""

    def __init__(self, prefix: str, columns: Mapping[str, int]) -> None:
        """`prefix` is that of the namespace, with its colon; `columns` maps each field to its column."""
        self.order = sorted(columns, key=columns.__getitem__)
        """The fields from left to right."""
        self._prefix = prefix
        self._text = (f' t="inlineStr"><{prefix}is><{prefix}t>', f"</{prefix}t></{prefix}is></{prefix}c>")
        self._columns = [
            (field, f'<{prefix}c r="{column_letter(columns[field])}', field not in _NUMERIC_FIELDS, dict[str, str]())
            for field in self.order
        ]

    def cells(self, row: str, fields: Mapping[str, str], styles: Mapping[str, str | None]) -> bytes:
        """Return the XML of a row's cells, from left to right; "" makes an empty cell."""
        xml, (before, after) = [], self._text
        for field, start, is_text, known in self._columns:
            text = fields.get(field)
            if text is None:
                continue
            if is_text and text.isalnum():
                # Most of these are order IDs, which differ from row to row and need no escaping.
                rest = f"{before}{text}{after}"
            else:
                rest = known.get(text) or self._learn(known, field, text)
            style = styles.get(field) if styles else None
            xml.append(f'{start}{row}" s="{style}"{rest}' if style else f'{start}{row}"{rest}')
        return "".join(xml).encode()

    def _learn(self, known: dict[str, str], field: str, text: str) -> str:
        if len(known) >= _KNOWN_AT_MOST:
            known.clear()
        rest = known[text] = self._rest(field, text)
        return rest

    def _rest(self, field: str, text: str) -> str:
        """Return the XML after a cell's address and style."""
        prefix = self._prefix
        if not text:
            return "/>"
        if field in _NUMERIC_FIELDS and _NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
            return f"><{prefix}v>{text}</{prefix}v></{prefix}c>"
        written = escape(_ESCAPE_LIKE.sub("_x005F_", text))
        space = ' xml:space="preserve"' if "  " in text else ""
        return f' t="inlineStr"><{prefix}is><{prefix}t{space}>{written}</{prefix}t></{prefix}is></{prefix}c>'
