"""The sheet of services: what the panel offers, as it is chosen from."""

from collections.abc import Sequence

from openpyxl.worksheet.worksheet import Worksheet

from bulk.choices import choice
from bulk.template.pages import write_header, write_text
from bulk.template.words import Words
from smmplus.models import Service
from smmplus.numbers import plain
from smmplus.order_types import Units, order_type

NAME = "Services"

_WIDTHS = (60, 10, 50, 30, 22, 10, 10, 12, 40, 36)
_RATE, _MIN, _MAX = 6, 7, 8
_NO_LIMIT = 999_999_999_999_999
"""The largest quantity that can be sent: Excel compares with a number."""
_FIRST_LOOKED_UP = 2
"""The column of ids: look-ups count from it."""


def fill_services(page: Worksheet, services: Sequence[Service], words: Words) -> None:
    """Write one service a row."""
    write_header(page, words.services, _WIDTHS)
    for row, service in enumerate(services, start=2):
        known = order_type(service.type)
        fields = ", ".join(known.required) if known else words.nothing
        texts = (choice(service.id, service.name), service.id, service.name, service.category, service.type)
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
    told = words.at_least if service.max is None else words.between
    told = words.package if known and known.units is Units.PACKAGE else told
    return told.format(min=service.min, max=service.max, rate="" if service.rate is None else plain(service.rate))


def choices(count: int) -> str:
    """Name the cells that a service is chosen from."""
    return f"{NAME}!$A$2:$A${count + 1}"


def look_up(cell: str, what: str, count: int) -> str:
    """Write the formula that finds "min", "max" or "limits" of a cell's service, by what stands before a blank."""
    column = {"min": _MIN, "max": _MAX, "limits": 10}[what] - _FIRST_LOOKED_UP + 1
    service = f'LEFT({cell},FIND(" ",{cell}&" ")-1)'
    return f"VLOOKUP({service},{NAME}!$B$2:$J${count + 1},{column},FALSE)"
