"""Makes an empty sheet of orders for people to fill in."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import openpyxl
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from bulk.errors import SheetError
from bulk.sheet import RESULT_FIELDS
from bulk.writing.result_text import clean

_ORDER_FIELDS = ("service", "link", "quantity", "runs", "interval")
_WIDTHS = {"link": 50, "service": 12, "error": 40, "updated_at": 22, "name": 60, "category": 40}
_TEXT = "@"
_PREPARED_ROWS = 1_000
"""So many rows below the header are formatted as text; nobody fills in more by hand."""


@dataclass(frozen=True, slots=True)
class TemplateService:
    """A service as the second sheet lists it; every value is text, as the panel gave it."""

    id: str
    name: str
    category: str
    rate: str
    min: str
    max: str


def write_template(path: Path, services: Sequence[TemplateService] = ()) -> None:
    """Write an empty workbook with the header, and with the services, if any, to choose from.

    :raises SheetError: if the file exists already or cannot be written.
    """
    if path.suffix.casefold() != ".xlsx":
        raise SheetError(f"{path}: a template is a workbook: give it a name that ends in .xlsx.")
    book = openpyxl.Workbook()
    orders = book.worksheets[0]
    orders.title = "Orders"
    _fill_orders(orders)
    if services:
        _fill_services(book.create_sheet("Services"), services)
        _offer_services(orders, len(services))
    _save_new(book, path)


def _fill_orders(page: Worksheet) -> None:
    _write_header(page, (*_ORDER_FIELDS, *RESULT_FIELDS))
    # Text keeps ids and links as they are typed: no rounding, no dates, no formulas.
    for column in "AB":
        for row in range(2, _PREPARED_ROWS + 2):
            page[f"{column}{row}"].number_format = _TEXT


def _fill_services(page: Worksheet, services: Iterable[TemplateService]) -> None:
    _write_header(page, [field.name for field in fields(TemplateService)])
    for number, service in enumerate(services, start=2):
        for column, value in enumerate(astuple(service), start=1):
            _write_text(page, number, column, value)


def _write_header(page: Worksheet, names: Sequence[str]) -> None:
    for column, name in enumerate(names, start=1):
        cell = page.cell(1, column, name)
        cell.font = Font(bold=True)
        page.column_dimensions[cell.column_letter].width = _WIDTHS.get(name, 14)
    page.freeze_panes = "A2"


def _write_text(page: Worksheet, row: int, column: int, text: str) -> None:
    cell = page.cell(row, column, clean(text))
    # A service's name comes from the panel: openpyxl would make a formula of one that begins with =.
    cell.data_type = "s"
    cell.number_format = _TEXT


def _offer_services(page: Worksheet, count: int) -> None:
    choice = DataValidation(type="list", formula1=f"Services!$A$2:$A${count + 1}", allow_blank=True)
    choice.error = "Choose an id from the sheet 'Services'."
    choice.showErrorMessage = True
    choice.add(f"A2:A{_PREPARED_ROWS + 1}")
    page.add_data_validation(choice)


def _save_new(book: openpyxl.Workbook, path: Path) -> None:
    try:
        file = path.open("xb")
    except FileExistsError as error:
        raise SheetError(f"{path}: exists already. Choose another name, or delete it first.") from error
    except OSError as error:
        raise SheetError(
            f"{path}: cannot be written: {error.strerror}. Check the folder and your permissions."
        ) from error
    try:
        with file:
            book.save(file)
    except OSError as error:
        path.unlink()
        raise SheetError(f"{path}: cannot be written: {error.strerror}. Free some space and try again.") from error
