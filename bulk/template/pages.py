"""Cells and heads that all sheets of a template share."""

from collections.abc import Sequence

from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bulk.writing.result_text import clean

TEXT = "@"
FONT = "Calibri"
"""Named wherever a font is: programs take any other for one without a name."""

HEAD = Font(name=FONT, size=11, bold=True)
HEAD_GROUND = PatternFill("solid", fgColor="FFDDEBF7")
WRAPPED = Alignment(wrap_text=True, vertical="top")


def fit_to_width(page: Worksheet) -> None:
    """Let all columns fit on one sheet of paper."""
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def write_header(page: Worksheet, names: Sequence[str], widths: Sequence[int]) -> None:
    """Write the first row, which stays in sight."""
    for column, (name, width) in enumerate(zip(names, widths, strict=True), start=1):
        cell = page.cell(1, column, name)
        cell.font, cell.fill = HEAD, HEAD_GROUND
        page.column_dimensions[cell.column_letter].width = width
    page.freeze_panes = "A2"
    fit_to_width(page)


def write_text(page: Worksheet, row: int, column: int, text: str) -> Cell:
    """Write text that stays text, whatever it looks like."""
    cell: Cell = page.cell(row, column, clean(text))
    # A service's name comes from the panel: openpyxl would make a formula of one that begins with =.
    cell.data_type, cell.number_format = "s", TEXT
    return cell
