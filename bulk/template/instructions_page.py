"""The sheet of instructions."""

from collections.abc import Sequence
from math import ceil

from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from bulk.template.pages import FONT, HEAD, HEAD_GROUND, WRAPPED, fit_to_width, write_text
from bulk.template.words import Words
from bulk.writing.status_colours import STATUS_COLOURS
from smmplus.order_types import OrderType

_WIDTHS = (30, 60, 40, 40)
_TITLE = Font(name=FONT, size=16, bold=True)
_LINE = 15
"""The height of a line, in points: programs do not all find out by themselves how many lines a cell takes."""


def fill_instructions(
    page: Worksheet, fields: Sequence[str], types: Sequence[OrderType], words: Words, *, with_limits: bool
) -> None:
    """Write the steps, then what each column holds, what each type needs, and what the colours mean."""
    for letter, width in zip("ABCD", _WIDTHS, strict=True):
        page.column_dimensions[letter].width = width
    write_text(page, 1, 1, words.title).font = _TITLE
    row = 3
    steps = (*words.steps[:2], *([words.about_limits] if with_limits else []), *words.steps[2:])
    for number, step in enumerate(steps, start=1):
        page.merge_cells(start_row=row, start_column=1, end_row=row, end_column=4)
        write_text(page, row, 1, f"{number}. {step}").alignment = WRAPPED
        page.row_dimensions[row].height = _height([step], [sum(_WIDTHS)])
        row += 1
    row = _table(page, row + 1, words.columns, [(field, words.hints[field]) for field in fields])
    row = _table(page, row + 1, words.types, [_needs(each, words) for each in types])
    _colours(page, row + 1)
    page.sheet_view.showGridLines = False
    fit_to_width(page)


def _needs(kind: OrderType, words: Words) -> tuple[str, ...]:
    optional = ", ".join(kind.optional) or words.nothing
    return kind.name, ", ".join(kind.required), optional, words.units[kind.units.name]


def _table(page: Worksheet, row: int, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> int:
    """Write a table; gives the row behind it."""
    for column, head in enumerate(heads, start=1):
        cell = write_text(page, row, column, head)
        cell.font, cell.fill = HEAD, HEAD_GROUND
    for at, line in enumerate(lines, start=row + 1):
        for column, text in enumerate(line, start=1):
            write_text(page, at, column, text).alignment = WRAPPED
        page.row_dimensions[at].height = _height(line, _WIDTHS)
    return row + len(lines) + 1


def _height(texts: Sequence[str], widths: Sequence[int]) -> int:
    """Give the height that a row's longest text needs; words that do not fit leave up to a fifth of a line empty."""
    lines = (ceil(len(text) / (width * 0.8)) for text, width in zip(texts, widths, strict=False))
    return _LINE * max(lines)


def _colours(page: Worksheet, row: int) -> None:
    cell = write_text(page, row, 1, "order_status")
    cell.font, cell.fill = HEAD, HEAD_GROUND
    for at, colour in enumerate(STATUS_COLOURS, start=row + 1):
        cell = write_text(page, at, 1, ", ".join(colour.words))
        page.row_dimensions[at].height = _height([", ".join(colour.words)], _WIDTHS)
        cell.alignment = WRAPPED
        cell.font = Font(name=FONT, size=11, color=f"FF{colour.text}")
        cell.fill = PatternFill("solid", fgColor=f"FF{colour.ground}")
