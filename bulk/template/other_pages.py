"""The worksheets Services and Instructions of a template, and how all its worksheets write headers and cells."""

from collections.abc import Sequence
from math import ceil

from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bulk.model.cell_values import service_label
from bulk.template.words import Words
from bulk.writing.column_style import STATUS_COLOURS
from bulk.writing.result_cells import clean
from smmplus.orders.decimals import plain
from smmplus.orders.models import Service
from smmplus.orders.order_types import OrderType, Units, order_type

TEXT = "@"
FONT = "Calibri"
"""Every font needs a name: programs treat one without as unnamed."""

HEAD = Font(name=FONT, size=11, bold=True)
HEAD_GROUND = PatternFill("solid", fgColor="FFDDEBF7")
WRAPPED = Alignment(wrap_text=True, vertical="top")


def fit_to_width(page: Worksheet) -> None:
    """Print all columns on one sheet of paper."""
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def write_header(page: Worksheet, names: Sequence[str], widths: Sequence[int]) -> None:
    """Write the first row, which stays visible."""
    for column, (name, width) in enumerate(zip(names, widths, strict=True), start=1):
        cell = page.cell(1, column, name)
        cell.font, cell.fill = HEAD, HEAD_GROUND
        page.column_dimensions[cell.column_letter].width = width
    page.freeze_panes = "A2"
    fit_to_width(page)


def write_text(page: Worksheet, row: int, column: int, text: str) -> Cell:
    """Write a cell that stays text, whatever it looks like."""
    cell: Cell = page.cell(row, column, clean(text))
    # A service's name comes from the panel, and openpyxl makes a formula of text that begins with "=".
    cell.data_type, cell.number_format = "s", TEXT
    return cell


NAME = "Services"

_SERVICES_WIDTHS = (60, 10, 50, 30, 22, 10, 10, 12, 40, 36)
_RATE, _MIN, _MAX = 6, 7, 8
_NO_LIMIT = 999_999_999_999_999
"""The largest quantity that can be sent. Excel needs a number to compare with."""
_FIRST_LOOKED_UP = 2
"""The column of IDs, from which VLOOKUP counts."""


def fill_services(page: Worksheet, services: Sequence[Service], words: Words) -> None:
    """Write one service per row."""
    write_header(page, words.services, _SERVICES_WIDTHS)
    for row, service in enumerate(services, start=2):
        known = order_type(service.type)
        fields = words.named(known.required if known else ())
        texts = (service_label(service.id, service.name), service.id, service.name, service.category, service.type)
        for column, text in enumerate(texts, start=1):
            write_text(page, row, column, text)
        page.cell(row, _RATE, service.rate)
        page.cell(row, _MIN, service.min)
        page.cell(row, _MAX, _NO_LIMIT if service.max is None else service.max)
        write_text(page, row, 9, fields)
        write_text(page, row, 10, _limits(service, words))
    page.protection.enable()
    page.protection.sort = page.protection.autoFilter = page.protection.formatColumns = False
    page.auto_filter.ref = f"A1:J{len(services) + 1}"


def _limits(service: Service, words: Words) -> str:
    known = order_type(service.type)
    text = words.at_least if service.max is None else words.between
    text = words.package if known and known.units is Units.PACKAGE else text
    return text.format(min=service.min, max=service.max, rate="" if service.rate is None else plain(service.rate))


def choices(count: int) -> str:
    """Return the range of the list of services."""
    return f"{NAME}!$A$2:$A${count + 1}"


def look_up(cell: str, what: str, count: int) -> str:
    """Return the formula for "min", "max" or "limits" of a cell's service, which is the text before the first space."""
    column = {"min": _MIN, "max": _MAX, "limits": 10}[what] - _FIRST_LOOKED_UP + 1
    service = f'LEFT({cell},FIND(" ",{cell}&" ")-1)'
    return f"VLOOKUP({service},{NAME}!$B$2:$J${count + 1},{column},FALSE)"


_INSTRUCTIONS_WIDTHS = (30, 60, 40, 40)
_TITLE = Font(name=FONT, size=16, bold=True)
_LINE = 15
"""The height of a line, in points. Not all programs compute how many lines a cell has."""


def fill_instructions(
    page: Worksheet, fields: Sequence[str], types: Sequence[OrderType], words: Words, *, with_services: bool
) -> None:
    """Write the steps, then what each column holds, what each order type needs, and what the colours mean."""
    for letter, width in zip("ABCD", _INSTRUCTIONS_WIDTHS, strict=True):
        page.column_dimensions[letter].width = width
    write_text(page, 1, 1, words.title).font = _TITLE
    row = 3
    first = f"{words.steps[0]} {words.hint('service', with_services=with_services)}"
    steps = (first, words.steps[1], *([words.about_limits] if with_services else []), *words.steps[2:])
    for number, step in enumerate(steps, start=1):
        page.merge_cells(start_row=row, start_column=1, end_row=row, end_column=4)
        write_text(page, row, 1, f"{number}. {step}").alignment = WRAPPED
        page.row_dimensions[row].height = _height([step], [sum(_INSTRUCTIONS_WIDTHS)])
        row += 1
    hints = [(words.headings[field], words.hint(field, with_services=with_services)) for field in fields]
    row = _table(page, row + 1, words.columns, hints)
    row = _table(page, row + 1, words.types, [_needs(each, fields, words) for each in types])
    _colours(page, row + 1, words)
    page.sheet_view.showGridLines = False
    fit_to_width(page)


def _needs(kind: OrderType, fields: Sequence[str], words: Words) -> tuple[str, ...]:
    optional = words.named([field for field in kind.optional if field in fields])
    return kind.name, words.named(kind.required), optional, words.units[kind.units.name]


def _table(page: Worksheet, row: int, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> int:
    """Write a table. Return the row below it."""
    for column, head in enumerate(heads, start=1):
        cell = write_text(page, row, column, head)
        cell.font, cell.fill = HEAD, HEAD_GROUND
    for at, line in enumerate(lines, start=row + 1):
        for column, text in enumerate(line, start=1):
            write_text(page, at, column, text).alignment = WRAPPED
        page.row_dimensions[at].height = _height(line, _INSTRUCTIONS_WIDTHS)
    return row + len(lines) + 1


def _height(texts: Sequence[str], widths: Sequence[int]) -> int:
    """Return the height for a row's longest text. Words that do not fit leave up to a fifth of a line empty."""
    lines = (ceil(len(text) / (width * 0.8)) for text, width in zip(texts, widths, strict=False))
    return _LINE * max(lines)


def _colours(page: Worksheet, row: int, words: Words) -> None:
    cell = write_text(page, row, 1, words.headings["order_status"])
    cell.font, cell.fill = HEAD, HEAD_GROUND
    for at, colour in enumerate(STATUS_COLOURS, start=row + 1):
        cell = write_text(page, at, 1, ", ".join(colour.words))
        page.row_dimensions[at].height = _height([", ".join(colour.words)], _INSTRUCTIONS_WIDTHS)
        cell.alignment = WRAPPED
        cell.font = Font(name=FONT, size=11, color=f"FF{colour.text}")
        cell.fill = PatternFill("solid", fgColor=f"FF{colour.ground}")
