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

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Shape:
    name: str
    remedy: str
    pattern: re.Pattern[str]

    def fits(self, value: str) -> bool:
        return self.pattern.fullmatch(value) is not None


_WHOLE = _Shape("a plain positive whole number", "digits only, such as 1000", re.compile(r"[1-9][0-9]{0,14}"))
_COUNT = _Shape("a plain whole number", "digits only, such as 0 or 10", re.compile(r"0|[1-9][0-9]{0,14}"))
_LINK = _Shape(
    "a link",
    "paste the full URL, starting with https://",
    re.compile(r"https?://[^\s/]+\.[^\s]+|@[^\s@/]+", re.IGNORECASE),
)
_ONE_NAME = _Shape("one name", "a name has no spaces, commas or semicolons", re.compile(r"[^\s,;]+"))
_NAMES = _Shape(
    "one name",
    "write one name a line: Alt+Enter begins a new line in a cell",
    re.compile(r"[^\s,;]+(\n[^\s,;]+)*"),
)
_ONE_LINE = _Shape("one value", "one line only", re.compile(r"[^\n]+"))
_SHAPES = {
    **dict.fromkeys(("quantity", "runs", "interval", "min", "max", "answer_number"), _WHOLE),
    **dict.fromkeys(("posts", "old_posts"), _COUNT),
    **dict.fromkeys(("username", "hashtag"), _ONE_NAME),
    **dict.fromkeys(("usernames", "hashtags"), _NAMES),
    **dict.fromkeys(("country", "google_keyword"), _ONE_LINE),
    **dict.fromkeys(("link", "media", "referring_url"), _LINK),
    "device": _Shape("a device", "a number from 1 to 5", re.compile("[1-5]")),
    "type_of_traffic": _Shape("a type of traffic", "a number from 1 to 3", re.compile("[1-3]")),
    "delay": _Shape(
        "a delay in minutes",
        "0, 5, 10, 15, 30, 60, 90 … 600",
        re.compile("|".join(["0", "5", "10", "15", *(str(minutes) for minutes in range(30, 601, 30))])),
    ),
    "expiry": _Shape(
        "a date",
        "day/month/year, such as 31/12/2026",
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
    if service is None:
        remedy = "look up the id with `smmplus services`" if request.service else "write the id of a service"
        text = (
            f"service {request.service} does not exist or is disabled" if request.service else "the service is missing"
        )
        return (FieldProblem("service", text, remedy),)
    if service.unusable:
        remedy = "use another service, or ask the panel to correct its price list"
        return (FieldProblem("service", f"service {service.id} cannot be ordered: {service.unusable}", remedy),)
    kind = order_type(service.type)
    if kind is None:
        remedy = "place this order on the panel's own page, and delete the row"
        return (FieldProblem("service", f"orders of type {service.type!r} are not supported", remedy),)
    return tuple(_problems(request, service, kind))


def _problems(request: OrderRequest, service: Service, kind: OrderType) -> Iterator[FieldProblem]:
    values = request.values
    found = [*_wrong_fields(values, kind), *_wrong_shapes(values), *_wrong_together(values, kind)]
    yield from found
    yield from _wrong_limits(request, service, kind, {problem.field for problem in found})


def _wrong_fields(values: Values, kind: OrderType) -> Iterator[FieldProblem]:
    for field in kind.required:
        if field not in values:
            yield FieldProblem(field, f"{field} is missing: {kind.name} orders need it", f"fill in {field}")
    for field in values:
        if field not in kind.fields:
            yield FieldProblem(
                field, f"{kind.name} orders do not use {field}", "clear the cell, or use a service of another type"
            )


def _wrong_shapes(values: Values) -> Iterator[FieldProblem]:
    for field, value in values.items():
        shape = _SHAPES.get(field)
        if shape and not shape.fits(value):
            wrong = next((line for line in value.split("\n") if not shape.fits(line)), value)
            yield FieldProblem(field, f"{wrong!r} is not {shape.name}", shape.remedy)
        elif field == "expiry" and not _is_day(value):
            yield FieldProblem(field, f"{value} does not exist", "use a date of the calendar, as day/month/year")


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
        yield FieldProblem(
            missing, f"drip-feed needs runs and interval, and {missing} is missing", "fill in both or none"
        )
    if kind.name == "Web Traffic":
        for traffic, field in (("1", "google_keyword"), ("2", "referring_url")):
            if values.get("type_of_traffic") == traffic and field not in values:
                yield FieldProblem(field, f"traffic of type {traffic} needs {field}", f"fill in {field}")


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
    least, of_what = (int(request.values["quantity"]), "") if field == "quantity" else (billed, f" lines of {field}")
    if least < service.min:
        yield _outside(field, f"{least}{of_what}", "less", f"at least {service.min}{of_what}")
    if service.max is not None and billed > service.max:
        in_all = " in all runs" if billed != least else of_what
        yield _outside(field, f"{billed}{in_all}", "more", f"at most {service.max}{of_what}")


def _outside(field: str, counted: str, how: str, remedy: str) -> FieldProblem:
    return FieldProblem(field, f"{counted} is {how} than the service's {_LIMITS[how]}", remedy)


_LIMITS = {"less": "minimum", "more": "maximum"}


def _wrong_range(values: Values, service: Service, wrong: AbstractSet[str]) -> Iterator[FieldProblem]:
    least, most = (int(values[field]) if field in values and field not in wrong else None for field in ("min", "max"))
    if least is not None and least < service.min:
        yield FieldProblem("min", f"{least} is less than the service's minimum", f"at least {service.min}")
    if most is not None and service.max is not None and most > service.max:
        yield FieldProblem("max", f"{most} is more than the service's maximum", f"at most {service.max}")
    if least is not None and most is not None and least > most:
        yield FieldProblem("min", f"min {least} is more than max {most}", "swap them")


_LIMITED = {Units.COMMENTS: "comments", Units.USERNAMES: "usernames"}
