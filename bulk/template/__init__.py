"""The template: an empty workbook of orders for people to fill in.

`write_template` creates the worksheets: Orders (`orders_page`), Services and the instructions (`other_pages`). `words`
has their texts in English and Indonesian.
"""

from collections.abc import Sequence
from pathlib import Path

import openpyxl

from bulk.model.errors import SheetError
from bulk.model.fields import ORDER_FIELDS
from bulk.template import orders_page, other_pages
from bulk.template.words import WORDS, Language
from smmplus.orders.models import Service
from smmplus.orders.order_types import OrderType, order_type

_USUAL_TYPES = ("Default", "Package", "Custom Comments")
"""The order types of a template without services."""


def write_template(path: Path, services: Sequence[Service] = (), language: Language = Language.ENGLISH) -> None:
    """Write an empty workbook: a sheet of orders, the services to choose from, if any, and instructions.

    It has the columns that the order types of the services use. Once filled in, it is read like any other sheet.

    :raises SheetError: if the file exists already or cannot be written.
    """
    if path.suffix.casefold() != ".xlsx":
        raise SheetError(f"{path}: templates are Excel files. Use a name that ends in .xlsx.")
    words, types = WORDS[language], _types(services)
    fields = _fields(types)
    book = openpyxl.Workbook()
    orders = book.worksheets[0]
    orders.title = orders_page.NAME
    orders_page.fill_orders(orders, fields, services, words)
    if services:
        other_pages.fill_services(book.create_sheet(other_pages.NAME), services, words)
    page = book.create_sheet(words.sheet)
    other_pages.fill_instructions(page, fields, types, words, with_limits=bool(services))
    _save_new(book, path)


def _types(services: Sequence[Service]) -> list[OrderType]:
    """Return the supported order types of the services, each once."""
    offered = dict.fromkeys(service.type for service in services) if services else _USUAL_TYPES
    found = {kind.name: kind for kind in map(order_type, offered) if kind is not None}
    return list(found.values())


def _fields(types: Sequence[OrderType]) -> list[str]:
    taken = {"service", "link", "quantity"}.union(*(kind.fields for kind in types))
    return [field for field in ORDER_FIELDS if field in taken]


def _save_new(book: openpyxl.Workbook, path: Path) -> None:
    try:
        file = path.open("xb")
    except FileExistsError as error:
        raise SheetError(f"{path}: the file exists already. Choose another name, or delete it first.") from error
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
