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
from smmplus.orders.order_types import ORDER_TYPES, OrderType, order_type
from smmplus.texts import _

_USUAL_FIELDS = frozenset({"link", "quantity"})
"""What orders of most services need."""

_NEEDED_AT_TIMES = frozenset({"google_keyword", "referring_url"})
"""Optional fields that some orders of their type need."""


def usual_services(services: Sequence[Service]) -> list[Service]:
    """Return the services that need no more than a link and a quantity; all of them if none is so."""
    kinds = {service.type: order_type(service.type) for service in services}
    usual = {name for name, kind in kinds.items() if kind is not None and _USUAL_FIELDS.issuperset(kind.required)}
    return [service for service in services if service.type in usual] or list(services)


def write_template(
    path: Path, services: Sequence[Service] = (), language: Language = Language.ENGLISH, *, full: bool = False
) -> None:
    """Write an empty workbook: a sheet of orders, the services to choose from, if any, and instructions.

    It has the columns that the services need; without services, those that most services need. Once filled in, it is
    read like any other sheet.

    :param full: whether it has every column that the services can use; without services, every column there is.
    :raises SheetError: if the file exists already or cannot be written.
    """
    if path.suffix.casefold() != ".xlsx":
        raise SheetError(_("{path}: templates are Excel files. Use a name that ends in .xlsx.", path=path))
    words, types = WORDS[language], _types(services, full=full)
    fields = _fields(types, full=full)
    book = openpyxl.Workbook()
    orders = book.worksheets[0]
    orders.title = orders_page.NAME
    orders_page.fill_orders(orders, fields, services, words)
    if services:
        other_pages.fill_services(book.create_sheet(other_pages.NAME), services, words)
    page = book.create_sheet(words.sheet)
    other_pages.fill_instructions(page, fields, types, words, with_services=bool(services))
    _save_new(book, path)


def _types(services: Sequence[Service], *, full: bool) -> list[OrderType]:
    """Return the supported order types of the services, each once."""
    if not services:
        return [kind for kind in ORDER_TYPES if full or _USUAL_FIELDS.issuperset(kind.required)]
    found = {kind.name: kind for service in services if (kind := order_type(service.type)) is not None}
    return list(found.values())


def _fields(types: Sequence[OrderType], *, full: bool) -> list[str]:
    used = {"service"}.union(*(kind.fields for kind in types)) if types else {"service", *_USUAL_FIELDS}
    needed = _NEEDED_AT_TIMES.union({"service"}, *(kind.required for kind in types)) if types else used
    return [field for field in ORDER_FIELDS if field in used and (full or field in needed)]


def _save_new(book: openpyxl.Workbook, path: Path) -> None:
    try:
        file = path.open("xb")
    except FileExistsError as error:
        raise SheetError(
            _("{path}: the file exists already. Choose another name, or delete it first.", path=path)
        ) from error
    except OSError as error:
        raise SheetError(
            _(
                "{path}: cannot be written: {error}. Check the folder and your permissions.",
                path=path,
                error=error.strerror,
            )
        ) from error
    try:
        with file:
            book.save(file)
    except OSError as error:
        path.unlink()
        raise SheetError(
            _("{path}: cannot be written: {error}. Free some space and try again.", path=path, error=error.strerror)
        ) from error
