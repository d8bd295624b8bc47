"""PURE: every action of the API as a call, and how its answer is read. Both clients are thin shells over this.

Source: the documented contract (one endpoint, POST, a form body, a JSON answer), and what panels of the family were
seen to answer: numbers as strings, maps as lists, flags as words, ids of three kinds.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Generic, TypeVar

from smmplus.answers import Answer, Json, NoJsonError, error_text, parse_json, refusal, unclear
from smmplus.errors import FollowUpError
from smmplus.models import Balance, OrderRequest, OrderStatus, Service
from smmplus.numbers import amount, count

MOST_IDS = 100
"""More ids in one call are cut to 100 by the panel, without a word."""

Result = TypeVar("Result")
Item = TypeVar("Item")


class UnreadableError(ValueError):
    """The document is JSON, and not what the action answers."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request: the action, its form fields, and how the answer's document is read."""

    action: str
    fields: tuple[tuple[str, str], ...]
    read: Callable[[Json], Result]
    effect: bool = False
    """Whether it orders, refills or cancels: such a call is never repeated after it may have arrived."""

    def form(self, key: str) -> list[tuple[str, str]]:
        """Give the form fields as they are sent, the API key among them."""
        return [("key", key), ("action", self.action), *self.fields]


def services() -> Call[list[Service]]:
    """Ask for the price list."""
    return Call("services", (), _read_services)


def add(request: OrderRequest) -> Call[str]:
    """Place an order; the result is its id."""
    return Call("add", (("service", request.service), *request.fields), _read_order_id, effect=True)


def status(order_id: str) -> Call[OrderStatus]:
    """Ask where one order stands."""
    return Call("status", (("order", order_id),), lambda document: _read_status(_only(document, order_id)))


def statuses(order_ids: Iterable[str]) -> list[Call[dict[str, OrderStatus | FollowUpError]]]:
    """Ask where many orders stand, 100 a call. An id that the answer leaves out is not in the result."""
    return _many("status", "order", order_ids, _read_status)


def refill(order_id: str) -> Call[str]:
    """Ask for a refill of one order; the result is the refill's id."""
    return Call("refill", (("order", order_id),), _read_refill_id, effect=True)


def refills(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for refills of many orders, 100 a call: order id -> refill id, or why not."""
    return _many("refill", "order", order_ids, _read_refill_id, effect=True)


def refill_status(refill_id: str) -> Call[str]:
    """Ask for the status word of one refill."""
    return Call("refill_status", (("refill", refill_id),), _read_word)


def refill_statuses(refill_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for the status words of many refills, 100 a call."""
    return _many("refill_status", "refill", refill_ids, _read_word)


def cancel(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask to cancel orders, 100 a call: order id -> what the panel said to the request, or why not.

    It is a request: whether an order was cancelled, and what came back, its status tells later.
    """
    return _many("cancel", "order", order_ids, _read_cancel, effect=True)


def balance() -> Call[Balance]:
    """Ask for the account's balance. The surest test of a key: some servers answer `services` to anyone."""
    return Call("balance", (), _read_balance)


def merged(parts: Iterable[dict[str, Item]]) -> dict[str, Item]:
    """Join the results of the calls of one action."""
    return {item_id: item for part in parts for item_id, item in part.items()}


def read_answer(call: Call[Result], answer: Answer) -> Result:
    """Read an answer into the call's result, or raise the error that it is.

    A usable order id means accepted, whatever stands beside it. Under 500 the body is read first, then the status;
    from 500 on a call with an effect is in doubt whatever the body says.
    """
    try:
        document = parse_json(answer.body)
    except NoJsonError:
        if answer.status == 429:
            raise refusal("the panel answered HTTP 429 (too many requests)", answer, effect=call.effect) from None
        raise unclear(answer, effect=call.effect) from None
    if call.action == "add" and (order_id := _usable_id(_get(document, "order"))):
        return call.read({"order": order_id})
    text = error_text(document)
    if answer.status >= 500 or (text is None and answer.status >= 300 and answer.status != 429):
        raise unclear(answer, effect=call.effect)
    if text is not None or answer.status == 429:
        raise refusal(text or "the panel answered HTTP 429 (too many requests)", answer, effect=call.effect)
    try:
        return call.read(document)
    except UnreadableError:
        raise unclear(answer, effect=call.effect) from None


def _many(
    action: str, name: str, ids: Iterable[str], read: Callable[[Json], Item], *, effect: bool = False
) -> list[Call[dict[str, Item | FollowUpError]]]:
    return [
        Call(action, ((f"{name}s", ",".join(batch)),), partial(_each, ids=batch, name=name, read=read), effect)
        for batch in hundreds(ids)
    ]


def hundreds(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Split ids, each once, into as many as one call may ask for."""
    unique = tuple(dict.fromkeys(ids))
    for start in range(0, len(unique), MOST_IDS):
        yield unique[start : start + MOST_IDS]


_ID = re.compile(r"(?=.*[0-9])(?!0+$)[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def _usable_id(value: Json) -> str | None:
    """Write an id as text. Nothing but a number or a text fits: true and null have no digit, lists have brackets."""
    text = str(count(value) if isinstance(value, Decimal) else value).strip()
    return text if _ID.fullmatch(text) else None


def _get(document: Json, name: str) -> Json:
    return document.get(name) if isinstance(document, dict) else None


def _read_order_id(document: Json) -> str:
    order_id = _usable_id(_get(document, "order"))
    if order_id is None:
        raise UnreadableError
    return order_id


def _read_services(document: Json) -> list[Service]:
    rows = document.get("services") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise UnreadableError
    return [service for row in rows if (service := _service(row))]


def _service(row: Json) -> Service | None:
    """Read one line of the price list; a line without id, rate or limits is not orderable and left out."""
    number, rate = _usable_id(_get(row, "service")), amount(_get(row, "rate"))
    least, most = count(_get(row, "min")), count(_get(row, "max"))
    if number is None or rate is None or rate < 0 or least is None or most is None:
        return None
    return Service(
        number,
        _text(row, "name"),
        _text(row, "type") or "Default",
        _text(row, "category"),
        rate,
        least,
        most,
        refill=_flag(row.get("refill")),
        cancel=_flag(row.get("cancel")),
        dripfeed=_flag(row["dripfeed"]) if "dripfeed" in row else None,
    )


def _text(document: Json, name: str) -> str:
    return str(_get(document, name) or "").strip()


def _flag(value: Json) -> bool:
    return str(value).strip().lower() in {"true", "1", "yes"}


def _read_status(document: Json) -> OrderStatus:
    word = _get(document, "status")
    if not isinstance(word, str) or not word.strip():
        raise UnreadableError
    return OrderStatus(
        status=word.strip(),
        charge=amount(document.get("charge")),
        start_count=count(document.get("start_count")),
        remains=count(document.get("remains")),
        currency=_text(document, "currency"),
    )


def _read_refill_id(document: Json) -> str:
    value = _get(document, "refill")
    refill_id = _usable_id(_get(value, "refill") or _get(value, "id") if isinstance(value, dict) else value)
    if refill_id is None:
        raise UnreadableError
    return refill_id


def _read_word(document: Json) -> str:
    word = _get(document, "status")
    if not isinstance(word, str) or not word.strip():
        raise UnreadableError
    return word.strip()


def _read_cancel(document: Json) -> str:
    said = [value for name in ("cancel", "status") if (value := _get(document, name)) and value != "0"]
    if not said or isinstance(said[0], dict | list):
        raise UnreadableError
    return str(said[0])


def _read_balance(document: Json) -> Balance:
    held = amount(_get(document, "balance"))
    if held is None:
        raise UnreadableError
    return Balance(held, _text(document, "currency"))


def _only(document: Json, order_id: str) -> Json:
    """Unwrap a status that came as a map of one."""
    inner = _get(document, order_id)
    return inner if isinstance(inner, dict) else document


def _each(
    document: Json, *, ids: tuple[str, ...], name: str, read: Callable[[Json], Item]
) -> dict[str, Item | FollowUpError]:
    """Read an answer to many ids, a map or a list. What was not asked for, or cannot be read, is left out."""
    found: dict[str, Item | FollowUpError] = {}
    for item_id, item in _items(document, ids, name):
        if item_id not in ids:
            continue
        text = error_text(item) or error_text(_get(item, "refill")) or error_text(_get(item, "cancel"))
        text = text or error_text(_get(item, "status"))
        with suppress(UnreadableError):
            found[item_id] = FollowUpError(text) if text else read(item)
    return found


def _items(document: Json, ids: tuple[str, ...], name: str) -> Iterator[tuple[str | None, Json]]:
    match document, ids:
        case list(), _:
            yield from ((_usable_id(_get(item, name)), item) for item in document)
        case _, (only,) if only not in document:
            yield only, document  # a single id is answered like the single form by some
        case _:
            yield from document.items()
