"""PURE: from the rows of a sheet to what they order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bulk.sheet import Problem, Sheet
from smmplus.models import OrderRequest, Service
from smmplus.order_types import FIELDS
from smmplus.validation import problems


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row: what it orders, and the order id that it carries, "" for none."""

    number: int
    request: OrderRequest
    order_id: str


def order_rows(sheet: Sheet) -> dict[int, OrderRow]:
    """Take the orders out of a sheet's text, by row number; rows that could not be read faithfully are left out."""
    unreadable = {problem.row for problem in sheet.problems}
    fields = [name for name in FIELDS if name in sheet.columns]
    rows = {}
    for number, cells in zip(sheet.frame.index, sheet.frame.to_dict("records"), strict=True):
        if number not in unreadable:
            request = OrderRequest.of(cells.get("service", ""), {name: cells[name] for name in fields})
            rows[int(number)] = OrderRow(int(number), request, cells.get("order_id", ""))
    return rows


def check_rows(sheet: Sheet, rows: Iterable[OrderRow], services: Mapping[str, Service]) -> list[Problem]:
    """Find everything that is wrong with rows that are to be sent, each with its cell, value and remedy."""
    return [
        Problem(
            sheet.where(row.number, found.field),
            found.field,
            row.request.values.get(found.field, row.request.service if found.field == "service" else ""),
            found.message,
            found.remedy,
            row.number,
        )
        for row in rows
        for found in problems(row.request, services.get(row.request.service))
    ]


def equal_rows(sheet: Sheet, to_send: Iterable[OrderRow], rows: Iterable[OrderRow]) -> list[Problem]:
    """Find rows to be sent that order the same as another row of the sheet."""
    first: dict[OrderRequest, int] = {}
    waiting = {row.number for row in to_send}
    found = []
    # Rows that are placed already come first: the one to point at is the one that is still to be sent.
    for row in sorted(rows, key=lambda row: (row.number in waiting, row.number)):
        other = first.setdefault(row.request, row.number)
        if other != row.number and row.number in waiting:
            message = f"orders the same as row {other}"
            remedy = "delete the row, or say --allow-duplicates if both are meant"
            found.append(
                Problem(sheet.where(row.number), "", row.request.values.get("link", ""), message, remedy, row.number)
            )
    return found
