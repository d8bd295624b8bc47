"""PURE: from the rows of a sheet to what they order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

from bulk.choices import BETWEEN, is_choice, name_of, service_of, shown_name
from bulk.formats.columns_of_text import VISIBLE, consists_of, map_column, repeats
from bulk.formats.dates import DATE_FIELD, panel_date
from bulk.formats.numerals import NUMBER_FIELDS, is_ambiguous
from bulk.sheet import Problem, Sheet
from smmplus.models import OrderRequest, Service, normal_text
from smmplus.order_types import FIELDS
from smmplus.validation import FieldProblem, problems
from smmplus.validation_columns import doubtful


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row: what it orders, and the order id that it carries, "" for none."""

    number: int
    request: OrderRequest
    order_id: str
    service_name: str = ""
    """The name with which the service was chosen, "" where the row gives its id alone."""


class OrderRows(Mapping[int, OrderRow]):
    """The orders of a sheet by row number: columns of text, and a row of it only where it is asked for."""

    def __init__(self, sheet: Sheet) -> None:
        """Take the orders out of a sheet's text; rows that could not be read faithfully are left out."""
        unreadable = {problem.row for problem in sheet.problems}
        numbers = sheet.frame.index.tolist()
        kept = [number not in unreadable for number in numbers] if unreadable else None
        self._numbers = list(compress(numbers, kept)) if kept else numbers
        texts: dict[str, Sequence[str]] = {
            name: sheet.frame[name].tolist()
            for name in ("service", "order_id", *sorted(FIELDS))
            if name in sheet.columns
        }
        if kept:
            texts = {name: list(compress(column, kept)) for name, column in texts.items()}
        nothing = [""] * len(self._numbers)
        self._order_ids = texts.pop("order_id", nothing)
        if DATE_FIELD in texts:
            texts[DATE_FIELD] = map_column(lambda text: panel_date(text) or text, texts[DATE_FIELD])
        columns = {name: _normal_column(column) for name, column in texts.items()}
        self._chosen = columns.pop("service", nothing)
        has_names = any(BETWEEN in text for text in set(self._chosen))
        self._services = map_column(service_of, self._chosen) if has_names else self._chosen
        self._columns = columns
        self._rows: list[OrderRow | None] = [None] * len(self._numbers)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        """Give the rows' numbers, in the order of the sheet."""
        return iter(self._numbers)

    def __getitem__(self, number: int) -> OrderRow:
        """Give a row by its number."""
        return self._row(self._places[number])

    def values(self) -> "AllRows":
        """Give every row, in the order of the sheet."""
        return AllRows(self)

    def all(self) -> Iterator[OrderRow]:
        """Make every row that was not made yet."""
        return map(self._row, range(len(self._numbers)))

    def doubtful(self, offered: Mapping[str, Service]) -> list[OrderRow]:
        """Give the rows that may be wrong; what all others order is right."""
        wrong = {text for text in set(self._chosen) if is_choice(text) and _misnamed(text, offered)}
        misnamed = (at for at, text in enumerate(self._chosen) if text in wrong) if wrong else ()
        found = {*doubtful(self._services, self._columns, offered), *misnamed}
        return [self._row(at) for at in sorted(found)]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {number: at for at, number in enumerate(self._numbers)}

    def _row(self, at: int) -> OrderRow:
        row = self._rows[at]
        if row is None:
            # The columns are in the normal form of a request, and in its order.
            fields = tuple([(name, column[at]) for name, column in self._columns.items() if column[at]])
            request, name = OrderRequest(self._services[at], fields), name_of(self._chosen[at])
            row = OrderRow(self._numbers[at], request, self._order_ids[at], name)
            self._rows[at] = row
        return row


class AllRows(ValuesView[OrderRow]):
    """Every row of a sheet, made as it is met."""

    def __init__(self, rows: OrderRows) -> None:
        """`rows` are those of the sheet."""
        super().__init__(rows)
        self.rows = rows

    def __iter__(self) -> Iterator[OrderRow]:
        """Give the rows in the order of the sheet."""
        return self.rows.all()


def order_rows(sheet: Sheet) -> OrderRows:
    """Take the orders out of a sheet's text, by row number; rows that could not be read faithfully are left out."""
    return OrderRows(sheet)


def _normal_column(column: Sequence[str]) -> Sequence[str]:
    # What is visible is in its normal form: that is about white space and line breaks.
    if not repeats(column) and consists_of(VISIBLE, column):
        return column
    is_normal = all(normal_text(text) == text for text in set(column))
    return column if is_normal else map_column(normal_text, column)


def check_rows(sheet: Sheet, rows: Iterable[OrderRow], services: Mapping[str, Service]) -> list[Problem]:
    """Find everything that is wrong with rows that are to be sent, each with its cell, value and remedy.

    All rows of a sheet, as ``order_rows(sheet).values()`` gives them, are looked at by columns first.
    """
    return [
        Problem(
            sheet.where(row.number, found.field),
            found.field,
            row.request.values.get(found.field, row.request.service if found.field == "service" else ""),
            found.message,
            _remedy(sheet, row, found),
            row.number,
        )
        for row in (rows.rows.doubtful(services) if isinstance(rows, AllRows) else rows)
        for found in (*_wrong_name(row, services), *problems(row.request, services.get(row.request.service)))
    ]


def _wrong_name(row: OrderRow, services: Mapping[str, Service]) -> Iterator[FieldProblem]:
    """Find a service that has another name than that with which it was chosen: it may be another service by now."""
    service = services.get(row.request.service)
    if row.service_name and service is not None and shown_name(service.name) != row.service_name:
        message = f"service {service.id} is called {service.name!r}, not {row.service_name!r}"
        yield FieldProblem("service", message, f"write {service.id} alone if that is the one you mean")


def _misnamed(chosen: str, services: Mapping[str, Service]) -> bool:
    service = services.get(service_of(chosen))
    return service is not None and shown_name(service.name) != name_of(chosen)


def _remedy(sheet: Sheet, row: OrderRow, found: FieldProblem) -> str:
    """Say what to do, also to who is at a loss where: a column is missing, or a number may be thousands elsewhere."""
    if found.field in FIELDS and found.field not in sheet.columns:
        return f"{found.remedy} (the sheet has no column {found.field}: add it)"
    if found.field in NUMBER_FIELDS and is_ambiguous(row.request.values.get(found.field, "")):
        return f"{found.remedy}; or say how its numbers are written, such as --locale id"
    return found.remedy


def equal_rows(sheet: Sheet, to_send: Iterable[OrderRow], rows: Iterable[OrderRow]) -> list[Problem]:
    """Find rows to be sent that order the same as another row of the sheet."""
    first: dict[OrderRequest, int] = {}
    waiting = {row.number for row in to_send}
    found = []
    # Rows that are placed already come first: the one to point at is the one that is still to be sent.
    for row in sorted(rows, key=lambda row: (row.number in waiting, row.number)):
        other = first.setdefault(row.request, row.number)
        if other != row.number and row.number in waiting:
            message = f"orders the same as {sheet.where(other)}"
            remedy = "delete the row, or say --allow-duplicates if both are meant"
            found.append(
                Problem(sheet.where(row.number), "", row.request.values.get("link", ""), message, remedy, row.number)
            )
    return found
