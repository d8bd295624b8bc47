"""What the rows of a sheet order: its requests, the rows that columns leave out, problems and equal rows."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bulk.model.cell_values import (
    DATE_FIELD,
    NUMBER_FIELDS,
    is_ambiguous,
    panel_date,
    printable_name,
    service_id_of,
    service_name_of,
)
from bulk.model.sheet import Problem, Sheet
from bulk.model.surfaces import COMMAND_LINE, Surface
from smmplus.orders.models import OrderRequest, Service, normal_text
from smmplus.orders.order_types import FIELDS
from smmplus.orders.validation import FieldProblem, problems
from smmplus.texts import _, marked


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row: what it orders, and the order id that it carries, "" for none."""

    number: int
    request: OrderRequest
    order_id: str
    service_name: str = ""
    """The name with which the service was chosen, "" where the row gives its id alone."""


def order_rows(sheet: Sheet) -> dict[int, OrderRow]:
    """Return what each row orders, by row number, without rows that could not be read faithfully."""
    unreadable = {problem.row for problem in sheet.problems}
    names = [name for name in sheet.columns if name in FIELDS]
    nothing = [""] * len(sheet.rows)
    services, order_ids = (sheet.texts.get(name, nothing) for name in ("service", "order_id"))
    rows = zip(sheet.rows, services, order_ids, *map(sheet.texts.__getitem__, names), strict=True)
    return {
        number: _order_row(number, service, order_id, dict(zip(names, cells, strict=True)))
        for number, service, order_id, *cells in rows
        if number not in unreadable
    }


_NONE_FIELDS = frozenset({"runs", "interval"})
_NONE = frozenset({"0", "-", "\u2013", "\u2014"})
"""What people write into runs and interval for an order without drip-feed."""


def none_rows(sheet: Sheet) -> int:
    """Count the rows whose runs or interval hold a sign for none."""
    held = zip(*(sheet.texts[name] for name in sorted(_NONE_FIELDS & sheet.columns.keys())), strict=True)
    return sum(not _NONE.isdisjoint(texts) for texts in held)


def half_read_rows(sheet: Sheet) -> Iterator[tuple[OrderRow, frozenset[str]]]:
    """Yield rows of which some cells could not be read, without these, and the fields of these.

    They are checked too, so that all problems of a row are shown at once.
    """
    wrong: dict[int | None, set[str]] = defaultdict(set)
    for problem in sheet.problems:
        # A whole row of a workbook may be hidden; that of a text could not be split into cells.
        wrong[problem.row].add(problem.field or ("hidden" if sheet.kind == "xlsx" else "service"))
    for at, number in enumerate(sheet.rows):
        cells = {name: sheet.texts[name][at] for name in sheet.columns}
        if number in wrong and "service" not in wrong[number] and not cells.get("order_id"):
            fields = {name: text for name, text in cells.items() if name in FIELDS and name not in wrong[number]}
            yield _order_row(number, cells["service"], "", fields), frozenset(wrong[number])


def _order_row(number: int, service: str, order_id: str, fields: dict[str, str]) -> OrderRow:
    for name in _NONE_FIELDS.intersection(fields):
        if fields[name].strip() in _NONE:
            fields[name] = ""
    if DATE_FIELD in fields:
        fields[DATE_FIELD] = panel_date(fields[DATE_FIELD]) or fields[DATE_FIELD]
    chosen = normal_text(service)
    return OrderRow(number, OrderRequest.of(service_id_of(chosen), fields), order_id, service_name_of(chosen))


def check_rows(
    sheet: Sheet, rows: Iterable[OrderRow], services: Mapping[str, Service], surface: Surface = COMMAND_LINE
) -> list[Problem]:
    """Find everything that is wrong with rows that are to be sent, each with its cell, value and remedy."""
    return [
        Problem(
            sheet.where(row.number, found.field),
            found.field,
            row.request.values.get(found.field, row.request.service if found.field == "service" else ""),
            found.message,
            _remedy(sheet, row, found, surface),
            row.number,
        )
        for row in rows
        for found in (*_wrong_name(row, services), *_problems(row, services))
    ]


def _problems(row: OrderRow, services: Mapping[str, Service]) -> Iterable[FieldProblem]:
    request = row.request
    if "quantity" in request.values and _is_like_a_total(request):
        remedy = _("if it is a total, delete it or write yes into a column skip; if not, fill in service and link")
        return (FieldProblem("service", _("the row has a quantity but no service"), remedy),)
    named = _services_named(request.service, services) if request.service not in services else []
    if not named:
        return problems(request, services.get(request.service))
    message = _("{value!r} is not the id of a service", value=request.service)
    remedy = _("did you mean {service} ({name})? Write {service}", service=named[0].id, name=named[0].name)
    if len(named) > 1:
        meant = ", ".join(f"{each.id} ({each.name})" for each in named)
        remedy = _("did you mean one of {services}? Write its id", services=meant)
    return (FieldProblem("service", message, remedy),)


_TOTALS = frozenset({"total", "totals", "grand total", "sum", "subtotal", "sub total", "jumlah", "total jumlah"})


def _is_like_a_total(request: OrderRequest) -> bool:
    texts = [text for text in (request.service, request.values.get("link", "")) if text]
    return all(text.strip(" :=").casefold() in _TOTALS for text in texts)


def _services_named(text: str, services: Mapping[str, Service]) -> list[Service]:
    """Return the services of this name; else those that begin with it, or have all its words, if they are few."""
    wanted = printable_name(text).casefold()
    if not any(map(str.isalpha, wanted)):
        return []
    names = {service.id: printable_name(service.name).casefold() for service in services.values() if service.id}
    words = set(_WORDS.findall(wanted))
    found = (
        [number for number, name in names.items() if name == wanted]
        or [number for number, name in names.items() if name.startswith(f"{wanted} ")]
        or [number for number, name in names.items() if words <= set(_WORDS.findall(name))]
    )
    return [services[number] for number in found] if len(found) <= MOST_MEANT else []


_WORDS = re.compile(r"\w+")

MOST_MEANT = 3
"""Services that a name may mean, to be asked for each."""


def _wrong_name(row: OrderRow, services: Mapping[str, Service]) -> Iterator[FieldProblem]:
    """Find a service whose name is not the one that it was chosen by: it may be another service by now."""
    service = services.get(row.request.service)
    if row.service_name and service is not None and printable_name(service.name) != row.service_name:
        message = _(
            "service {service} is called {name!r}, not {other!r}",
            service=service.id,
            name=service.name,
            other=row.service_name,
        )
        remedy = _("write {service} alone if that is the one you mean", service=service.id)
        yield FieldProblem("service", message, remedy)


def check_half_read_rows(
    sheet: Sheet, services: Mapping[str, Service], surface: Surface = COMMAND_LINE
) -> Iterator[Problem]:
    """Find what else is wrong with rows of which some cells could not be read."""
    for row, fields in half_read_rows(sheet):
        yield from (found for found in check_rows(sheet, [row], services, surface) if found.field not in fields)


_LOCALES = {",": "en", ".": "id", "'": "de_CH", "\u2019": "de_CH"}
"""A thousands separator -> a locale that writes it; spaces are not in it, and mean "fr"."""


def _remedy(sheet: Sheet, row: OrderRow, found: FieldProblem, surface: Surface) -> str:
    """Return what to do, also if the column is missing or the number may be written for another locale."""
    if found.field in FIELDS and found.field not in sheet.columns:
        return _("{remedy} (the sheet has no column {field}: add it)", remedy=found.remedy, field=found.field)
    if found.field == "link" and (target := sheet.targets.get(row.number)):
        return _(
            "the cell leads to {target}: type that address into it, or pass {option} to order what cells lead to",
            target=target,
            option=surface.phrase(use_hyperlinks=True),
        )
    value = row.request.values.get(found.field, "")
    if found.field in NUMBER_FIELDS and _ROUNDED.fullmatch(value):
        return _("{remedy}; if it comes from a formula, round it there: =ROUND(…, 0)", remedy=found.remedy)
    if found.field in NUMBER_FIELDS and is_ambiguous(row.request.values.get(found.field, "")):
        mark = next(sign for sign in row.request.values[found.field] if not sign.isdigit())
        locale = surface.phrase(locale=_LOCALES.get(mark, "fr"))
        return _(
            "{remedy}; or pass the locale that it is written in, such as {option}", remedy=found.remedy, option=locale
        )
    return found.remedy


_ROUNDED = re.compile(r"-?[0-9]+\.[0-9]{4,}")
"""A number as formulas leave it: 99.99999999999999."""


def equal_rows(
    sheet: Sheet, to_send: Iterable[OrderRow], rows: Iterable[OrderRow], surface: Surface = COMMAND_LINE
) -> list[Problem]:
    """Find rows to be sent that are equal to another row of the sheet."""
    first: dict[OrderRequest, int] = {}
    waiting = {row.number for row in to_send}
    found = []
    # Rows that are placed already come first, so that the row that is reported is one that is still to be sent.
    for row in sorted(rows, key=lambda row: (row.number in waiting, row.number)):
        other = first.setdefault(row.request, row.number)
        if other != row.number and row.number in waiting:
            message = _("duplicate of {where}", where=sheet.where(other))
            option = surface.phrase(allow_duplicates=True)
            remedy = _("delete the row, or pass {option} if both are meant", option=option)
            found.append(
                Problem(sheet.where(row.number), "", row.request.values.get("link", ""), message, remedy, row.number)
            )
    return found


_YES = frozenset({"yes", "y", "true", "1", "on", "ya", "iya", "benar", "\u2713", "\u2714"})
_NO = frozenset({"no", "n", "false", "0", "off", "tidak", "salah"})


@dataclass(frozen=True, slots=True)
class _FilterWords:
    """Which words of a column leave a row out, and which do not."""

    leave_out: frozenset[str]
    send: frozenset[str]
    remedy: str


_FILTERS = {
    "skip": _FilterWords(_YES | {"x"}, _NO | {""}, marked("write yes to leave the row out, no or nothing to send it")),
    # An empty cell may not have been decided yet, and an x may mark a row or cross it out.
    "enabled": _FilterWords(_NO, _YES, marked("write yes to send the row, no to leave it out")),
}


@dataclass(frozen=True, slots=True)
class RowFilters:
    """What the columns `skip` and `enabled` say."""

    left_out: frozenset[int]
    """Rows that are not to be sent."""
    problems: tuple[Problem, ...]
    """Words that are not known: nothing is guessed."""


def row_filters(sheet: Sheet) -> RowFilters:
    """Read the columns `skip` and `enabled` of a sheet, if it has them."""
    left_out: set[int] = set()
    problems: list[Problem] = []
    for name, words in _FILTERS.items():
        if name in sheet.columns:
            left_out.update(_rows_with(sheet, name, words.leave_out))
            problems += _unknown_words(sheet, name, words)
    return RowFilters(frozenset(left_out), tuple(problems))


def _rows_with(sheet: Sheet, name: str, chosen: frozenset[str]) -> Iterator[int]:
    for row, text in zip(sheet.rows, sheet.texts[name], strict=True):
        if text.casefold() in chosen:
            yield row


def _unknown_words(sheet: Sheet, name: str, words: _FilterWords) -> Iterator[Problem]:
    known, unreadable = words.leave_out | words.send, {problem.row for problem in sheet.problems}
    for row, text in zip(sheet.rows, sheet.texts[name], strict=True):
        if text.casefold() not in known and row not in unreadable:
            message = _("{value!r} is neither yes nor no", value=text) if text else _("is empty: neither yes nor no")
            yield Problem(sheet.where(row, name), name, text, message, _(words.remedy), row)
