"""PURE: result cells as XML."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from bulk.model.cell_address import letter_of
from bulk.model.cell_values import strip_text
from bulk.model.sheet import RESULT_FIELDS, Sheet

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


CELL_LIMIT = 32_767
"""A cell holds so many characters, counted in UTF-16 (Excel's specifications and limits)."""

CUT_MARK = " …[cut]"

Changes = Mapping[int, Mapping[str, str]]
"""Row number -> result field -> cleaned text; "" empties the cell."""

# Line breaks become spaces: in CSV they would move every row below, and with it the rows' numbers.
_BREAKS = re.compile("[\\t\\n\\v\\f\\r\\x85\\u2028\\u2029]+")
_UNWRITABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff\\ufeff]")


def clean(text: str) -> str:
    """Drop control characters, put spaces for line breaks, and cut what no cell can hold, with a mark."""
    if len(text) < CELL_LIMIT // 2 and text.isascii() and text.isprintable():
        return text.strip()
    text = strip_text(_UNWRITABLE.sub("", _BREAKS.sub(" ", text)))
    units = text.encode("utf-16-le")
    if len(units) <= 2 * CELL_LIMIT:
        return text
    return units[: 2 * (CELL_LIMIT - len(CUT_MARK))].decode("utf-16-le", errors="ignore") + CUT_MARK


def clean_results(sheet: Sheet, results: Changes) -> Changes:
    """Clean every text; ValueError if a row is none of the sheet's or a field is no result field."""
    rows = frozenset(sheet.rows)
    unknown_rows = [row for row in results if row not in rows]
    if unknown_rows:
        raise ValueError(f"{sheet.path} has no order in row {min(unknown_rows)}")
    unknown_fields = {field for fields in results.values() for field in fields}.difference(RESULT_FIELDS)
    if unknown_fields:
        raise ValueError(f"{min(unknown_fields)!r} is no result field")
    # What is clean already stays as it is: a copy of every row takes time and memory.
    cleaned = {row: _cleaned(fields) for row, fields in results.items() if any(map(_is_unclean, fields.values()))}
    return {**results, **cleaned} if cleaned else results


def _is_unclean(text: str) -> bool:
    return not (text.isalnum() and len(text) < CELL_LIMIT // 2) and clean(text) != text


def _cleaned(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {field: clean(text) for field, text in fields.items()}


def new_fields(changes: Changes, present: Mapping[str, object]) -> list[str]:
    """List the result fields that are spoken of and have no column yet, in their usual order.

    An empty text counts: the columns of a sheet should not depend on how far its orders happen to be.
    """
    spoken = {field for fields in changes.values() for field in fields}
    return [field for field in RESULT_FIELDS if field in spoken and field not in present]
