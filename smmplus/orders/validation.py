"""Validate a request for a service before anything is sent.

The panel checks again, but an error found here costs nothing and names the field. If panels differ (`max` may apply to
one run of a drip-feed order, or to its total), the stricter rule is checked.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from smmplus.orders.models import OrderRequest, Service
from smmplus.orders.order_types import OrderType, Units, order_type, units
from smmplus.texts import _, marked

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Shape:
    message: str
    """With a place for the value that does not fit."""
    remedy: str
    pattern: re.Pattern[str]

    def fits(self, value: str) -> bool:
        return self.pattern.fullmatch(value) is not None


_WHOLE = _Shape(
    marked("{value!r} is not a plain positive whole number"),
    marked("digits only, such as 1000"),
    re.compile(r"[1-9][0-9]{0,14}"),
)
_COUNT = _Shape(
    marked("{value!r} is not a plain whole number"),
    marked("digits only, such as 0 or 10"),
    re.compile(r"0|[1-9][0-9]{0,14}"),
)
_LINK = _Shape(
    marked("{value!r} is not a link"),
    marked("paste the full URL, starting with https://"),
    re.compile(r"https?://[^\s/]+\.[^\s]+|@[^\s@/]+", re.IGNORECASE),
)
_ONE_NAME = _Shape(
    marked("{value!r} is not one name"), marked("a name has no spaces, commas or semicolons"), re.compile(r"[^\s,;]+")
)
_NAMES = _Shape(
    marked("{value!r} is not one name"),
    marked("write one name a line: Alt+Enter begins a new line in a cell"),
    re.compile(r"[^\s,;]+(\n[^\s,;]+)*"),
)
_ONE_LINE = _Shape(marked("{value!r} is not one value"), marked("one line only"), re.compile(r"[^\n]+"))
_SHAPES = {
    **dict.fromkeys(("quantity", "runs", "interval", "min", "max", "answer_number"), _WHOLE),
    **dict.fromkeys(("posts", "old_posts"), _COUNT),
    **dict.fromkeys(("username", "hashtag"), _ONE_NAME),
    **dict.fromkeys(("usernames", "hashtags"), _NAMES),
    **dict.fromkeys(("country", "google_keyword"), _ONE_LINE),
    **dict.fromkeys(("link", "media", "referring_url"), _LINK),
    "device": _Shape(marked("{value!r} is not a device"), marked("a number from 1 to 5"), re.compile("[1-5]")),
    "type_of_traffic": _Shape(
        marked("{value!r} is not a type of traffic"), marked("a number from 1 to 3"), re.compile("[1-3]")
    ),
    "delay": _Shape(
        marked("{value!r} is not a delay in minutes"),
        "0, 5, 10, 15, 30, 60, 90 … 600",
        re.compile("|".join(["0", "5", "10", "15", *(str(minutes) for minutes in range(30, 601, 30))])),
    ),
    "expiry": _Shape(
        marked("{value!r} is not a date"),
        marked("day/month/year, such as 31/12/2026"),
        re.compile(r"(0?[1-9]|[12][0-9]|3[01])/(0?[1-9]|1[0-2])/[0-9]{4}"),
    ),
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An error in one field of a request."""

    field: str
    message: str
    remedy: str


def problems(request: OrderRequest, service: Service | None) -> tuple[FieldProblem, ...]:
    """Return all errors of a request at once. `service` is None if the panel does not have it."""
    if not request.service:
        return (FieldProblem("service", _("the service is missing"), _("write the id of a service")),)
    if service is None:
        text = _("service {service} does not exist or is disabled", service=request.service)
        return (FieldProblem("service", text, _("look up the id with `smmplus services`")),)
    if service.unusable:
        text = _("service {service} cannot be ordered: {reason}", service=service.id, reason=service.unusable)
        remedy = _("use another service, or ask the panel to correct its price list")
        return (FieldProblem("service", text, remedy),)
    kind = order_type(service.type)
    if kind is None:
        text = _("orders of type {type!r} are not supported", type=service.type)
        remedy = _("place this order on the panel's own page, and delete the row")
        return (FieldProblem("service", text, remedy),)
    return tuple(_problems(request, service, kind))


def _problems(request: OrderRequest, service: Service, kind: OrderType) -> Iterator[FieldProblem]:
    values = request.values
    found = [*_wrong_fields(values, kind), *_wrong_shapes(values), *_wrong_together(values, kind)]
    yield from found
    yield from _wrong_limits(request, service, kind, {problem.field for problem in found})


def _wrong_fields(values: Values, kind: OrderType) -> Iterator[FieldProblem]:
    for field in kind.required:
        if field not in values:
            text = _("{field} is missing (required for {type})", field=field, type=kind.name)
            yield FieldProblem(field, text, _("fill in {field}", field=field))
    for field in values:
        if field not in kind.fields:
            text = _("{type} orders do not use {field}", type=kind.name, field=field)
            yield FieldProblem(field, text, _("clear the cell, or use a service of another type"))


def _wrong_shapes(values: Values) -> Iterator[FieldProblem]:
    for field, value in values.items():
        shape = _SHAPES.get(field)
        if shape and not shape.fits(value):
            wrong = next((line for line in value.split("\n") if not shape.fits(line)), value)
            yield FieldProblem(field, _(shape.message, value=wrong), _(shape.remedy))
        elif field == "expiry" and not _is_day(value):
            remedy = _("use a date of the calendar, as day/month/year")
            yield FieldProblem(field, _("{date} does not exist", date=value), remedy)


def _is_day(text: str) -> bool:
    day, month, year = map(int, text.split("/"))
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def _wrong_together(values: Values, kind: OrderType) -> Iterator[FieldProblem]:
    if kind.units is Units.RUNS and ("runs" in values) != ("interval" in values):
        missing = "interval" if "runs" in values else "runs"
        text = _("drip-feed needs runs and interval, and {field} is missing", field=missing)
        yield FieldProblem(missing, text, _("fill in both or none"))
    if kind.name == "Web Traffic":
        for traffic, field in (("1", "google_keyword"), ("2", "referring_url")):
            if values.get("type_of_traffic") == traffic and field not in values:
                text = _("traffic of type {type} needs {field}", type=traffic, field=field)
                yield FieldProblem(field, text, _("fill in {field}", field=field))


def _wrong_limits(
    request: OrderRequest, service: Service, kind: OrderType, wrong: AbstractSet[str]
) -> Iterator[FieldProblem]:
    """Find values outside the limits, among the fields that are not wrong already."""
    if kind.units is Units.PACKAGE:
        return
    if kind.units is Units.POSTS:
        yield from _wrong_range(request.values, service, wrong)
        return
    field = _LIMITED.get(kind.units, "quantity")
    if field in wrong or field not in request.values:
        return
    if wrong:  # how often it would run may not be readable
        request = OrderRequest.of(request.service, {field: request.values[field]})
    billed = units(request, service) or 0
    if field == "quantity":
        yield from _wrong_quantity(int(request.values["quantity"]), billed, service)
    else:
        yield from _wrong_lines(field, billed, service)


def _wrong_quantity(quantity: int, billed: int, service: Service) -> Iterator[FieldProblem]:
    if quantity < service.min:
        yield _too_few("quantity", quantity, service)
    if service.max is not None and billed > service.max:
        if billed == quantity:
            text = _("{count} is more than the service's maximum", count=billed)
        else:
            text = _("{count} in all runs is more than the service's maximum", count=billed)
        yield FieldProblem("quantity", text, _("at most {count}", count=service.max))


def _wrong_lines(field: str, lines: int, service: Service) -> Iterator[FieldProblem]:
    if lines < service.min:
        text = _("{count} lines of {field} is less than the service's minimum", count=lines, field=field)
        yield FieldProblem(field, text, _("at least {count} lines of {field}", count=service.min, field=field))
    if service.max is not None and lines > service.max:
        text = _("{count} lines of {field} is more than the service's maximum", count=lines, field=field)
        yield FieldProblem(field, text, _("at most {count} lines of {field}", count=service.max, field=field))


def _too_few(field: str, count: int, service: Service) -> FieldProblem:
    text = _("{count} is less than the service's minimum", count=count)
    return FieldProblem(field, text, _("at least {count}", count=service.min))


def _wrong_range(values: Values, service: Service, wrong: AbstractSet[str]) -> Iterator[FieldProblem]:
    least, most = (int(values[field]) if field in values and field not in wrong else None for field in ("min", "max"))
    if least is not None and least < service.min:
        yield _too_few("min", least, service)
    if most is not None and service.max is not None and most > service.max:
        text = _("{count} is more than the service's maximum", count=most)
        yield FieldProblem("max", text, _("at most {count}", count=service.max))
    if least is not None and most is not None and least > most:
        yield FieldProblem("min", _("min {least} is more than max {most}", least=least, most=most), _("swap them"))


_LIMITED = {Units.COMMENTS: "comments", Units.USERNAMES: "usernames"}
