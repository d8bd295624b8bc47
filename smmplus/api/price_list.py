"""Read the answer to `services`. A service that cannot be ordered is listed as well, with the reason."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from smmplus.api.error_wrappings import Json, unwrapped
from smmplus.orders.decimals import Notation, plain
from smmplus.orders.models import Service
from smmplus.orders.order_types import Units, order_type
from smmplus.texts import _

_LONGEST_ID = 64
_NAMES = frozenset({"service", "name", "rate", "min", "max"})
"""Fields of which a service in a map has at least one."""
_NO_LIMIT = frozenset({"", "unlimited", "no limit", "infinity", "\u221e"})


def rows_of(document: Json) -> list[Json] | None:
    """Find the rows of a price list, bare or in an object, as a list or a map by id; None if there are none."""
    if isinstance(document, list):
        return document
    held = (inner.get(name) for inner in unwrapped(document) for name in ("services", "data", "result"))
    return next((rows for rows in map(_rows, (document, *held)) if rows is not None), None)


def _rows(held: Json) -> list[Json] | None:
    if not isinstance(held, dict):
        return held if isinstance(held, list) else None
    found = [(key, row) for key, row in held.items() if isinstance(row, dict) and not _NAMES.isdisjoint(row)]
    # The key is the id only of a row that has none: PHP writes a filtered list as a map, with its numbering as keys.
    rows: list[Json] = [{"service": row.get("id", key), **row} for key, row in found]
    return rows if any("rate" in row for row in rows) else None


def read_services(rows: Iterable[Json], notation: Notation) -> list[Service]:
    """Read the rows of a price list. A row without a readable id has the id "": it cannot be ordered either."""
    rows = list(rows)
    objects = [row for row in rows if isinstance(row, dict)]
    notation.learn(row.get(name) for row in objects for name in ("rate", "min", "max"))
    found: dict[str | int, Service] = {}
    for place, row in enumerate(rows):
        service = _service(row, notation) if isinstance(row, dict) else _no_service(row)
        known = found.setdefault(service.id or place, service)
        if service.id and (clash := _clash(known, service)):
            found[service.id] = replace(known, unusable=clash)
    return list(found.values())


def _no_service(row: Json) -> Service:
    reason = _("the entry {value!r} cannot be read", value=str(row)[:40])
    return Service("", "", "", "", None, 0, None, unusable=reason)


def _service(row: dict[str, Json], notation: Notation) -> Service:
    number = service_id(row.get("service"))
    kind, rate = _text(row, "type") or "Default", notation.amount(row.get("rate"))
    known = order_type(kind)
    has_limits = known is None or known.units is not Units.PACKAGE
    is_endless = "max" in row and str(row["max"] if row["max"] is not None else "").strip().lower() in _NO_LIMIT
    least, most = notation.count(row.get("min")), None if is_endless else notation.count(row.get("max"))
    wrong = [_unread(row, "service")] if number is None else []
    if rate is None or rate < 0:
        wrong.append(_unread(row, "rate"))
    if has_limits and (least is None or least < 0):
        wrong.append(_unread(row, "min"))
    if has_limits and not is_endless and (most is None or most < 0):
        wrong.append(_unread(row, "max"))
    return Service(
        number or "",
        _text(row, "name"),
        kind,
        _text(row, "category"),
        rate,
        least or 0,
        most,
        refill=flag(row.get("refill")),
        cancel=flag(row.get("cancel")),
        dripfeed=flag(row["dripfeed"]) if "dripfeed" in row else None,
        unusable=", ".join(wrong),
    )


def _unread(row: dict[str, Json], name: str) -> str:
    value = row.get(name)
    if value is None:
        return _("{field} is missing", field=name)
    return _("{field} {value!r} cannot be read", field=name, value=str(value)[:40])


def _clash(known: Service, other: Service) -> str:
    """Return why two rows with one id would order different things; "" if only their names differ."""
    if known.unusable:
        return ""
    if other.unusable:
        return _("the price list has it twice, once with this error: {error}", error=other.unusable)
    if known.rate != other.rate:
        return _(
            "the price list has it twice, at {price} and at {other}", price=_shown(known.rate), other=_shown(other.rate)
        )
    same = (known.type.lower(), known.min, known.max) == (other.type.lower(), other.min, other.max)
    return "" if same else _("the price list has it twice, with different types or limits")


def _shown(rate: Decimal | None) -> str:
    return "?" if rate is None else plain(rate)


def service_id(value: Json) -> str | None:
    """Read the id of a service: a number, or any short text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if text not in {"", "0"} and len(text) <= _LONGEST_ID and text.isprintable() else None


def _text(row: dict[str, Json], name: str) -> str:
    return str(row.get(name) or "").strip()


def flag(value: Json) -> bool:
    """Read a flag: true, 1, "1", "true"."""
    return str(value).strip().lower() in {"true", "1", "yes"}
