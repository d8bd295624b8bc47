"""Results as text that is safe in any cell."""

import re
from collections.abc import Mapping

from bulk.formats.cells import strip_text
from bulk.sheet import RESULT_FIELDS, Sheet

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
    rows = sheet.frame.index
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
