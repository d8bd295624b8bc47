"""Every action of the API as a call, and how its answer is read. Both clients send these calls.

Source: https://smm.plus/api (one endpoint, POST, a form body, a JSON answer), and answers seen on panels with the same
API: numbers as strings, maps as lists, flags as words, ids of three kinds.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from smmplus.api.action_results import (
    Reader,
    UnreadableError,
    each,
    field,
    read_balance,
    read_cancel,
    read_order_id,
    read_refill_id,
    read_refill_word,
    read_single,
    read_status,
    usable_id,
)
from smmplus.api.error_wrappings import Json, is_absent, names_an_order
from smmplus.api.price_list import read_services, rows_of
from smmplus.api.responses import (
    NoJsonError,
    Response,
    error_of,
    odd_order,
    parse_json,
    unclear,
    without_json,
    without_result,
)
from smmplus.errors import (
    CallError,
    FollowUpError,
    UnclearAnswerError,
    UnknownFollowUpError,
    UnknownRefusalError,
    UnreadableAnswerError,
)
from smmplus.orders.decimals import Notation
from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Service

MOST_IDS = 100
"""The most ids in one call (https://smm.plus/api). A panel ignores further ones without an error."""

_AN_ID_SOMEWHERE = re.compile(
    rb"""["']orders?(_?(id|number|no))?\\*["']\s*[:=]>?\s*[\[{]?\s*\\*["']?[1-9]""", re.IGNORECASE
)
"""An order id anywhere in the answer, for example because the panel prints its supplier's answer."""

Result = TypeVar("Result")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request: the action, its form fields, and how its answer is read."""

    action: str
    fields: tuple[tuple[str, str], ...]
    read: Callable[[Json, Notation], Result]
    effect: bool = False
    """Whether it orders, refills or cancels. Such a call is never repeated if it may have arrived."""

    @property
    def is_single(self) -> bool:
        """Whether it asks for one thing, so that a list in the answer is only a wrapping."""
        return self.action in {"add", "balance"} or not {"order", "refill"}.isdisjoint(dict(self.fields))

    @property
    def is_follow_up(self) -> bool:
        """Whether it is about orders or refills that exist."""
        return self.action not in {"services", "add", "balance"}

    @property
    def alone(self) -> bool:
        """Whether it needs a connection of its own.

        It does if it has an effect, or if its answer does not name the ids that it is about: such an answer could be
        that of another call on the same connection.
        """
        return self.effect or not any("," in value for _, value in self.fields)

    def form(self, key: str) -> list[tuple[str, str]]:
        """Return the form fields as they are sent, with the API key."""
        return [("key", key), ("action", self.action), *self.fields]


def services() -> Call[list[Service]]:
    """Ask for the services."""
    return Call("services", (), _read_services)


def add(request: OrderRequest) -> Call[str]:
    """Place an order; the result is its id."""
    return Call("add", (("service", request.service), *request.fields), read_order_id, effect=True)


def status(order_id: str) -> Call[OrderStatus]:
    """Ask for the status of one order."""
    return _one("status", "order", order_id, read_status)


def statuses(order_ids: Iterable[str]) -> list[Call[dict[str, OrderStatus | FollowUpError]]]:
    """Ask for the statuses of many orders, 100 a call. An id that the answer leaves out is not in the result."""
    return _many("status", "order", order_ids, read_status)


def refill(order_id: str) -> Call[str]:
    """Ask for a refill of one order; the result is the refill's id."""
    return _one("refill", "order", order_id, read_refill_id, effect=True)


def refills(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for refills of many orders, 100 a call. The result is order id -> refill id, or the error of that order."""
    return _many("refill", "order", order_ids, read_refill_id, effect=True)


def refill_status(refill_id: str) -> Call[str]:
    """Ask for the status of one refill."""
    return _one("refill_status", "refill", refill_id, read_refill_word)


def refill_statuses(refill_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for the statuses of many refills, 100 a call."""
    return _many("refill_status", "refill", refill_ids, read_refill_word)


def cancel(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask to cancel orders, 100 a call. The result is order id -> the panel's answer, or the error of that order.

    It is a request. Whether an order was cancelled, and what was refunded, its status shows later.
    """
    return _many("cancel", "order", order_ids, read_cancel, effect=True)


def balance() -> Call[Balance]:
    """Ask for the account's balance. It is the best test of a key: some servers answer `services` without one."""
    return Call("balance", (), read_balance)


def merged(parts: Iterable[dict[str, Item]]) -> dict[str, Item]:
    """Merge the results of several calls of one action."""
    return {item_id: item for part in parts for item_id, item in part.items()}


def read_answer(call: Call[Result], answer: Response) -> Result:
    """Return the result of a call from its answer, or raise the error that the answer is.

    A usable order id means accepted, whatever else the answer says. Below HTTP 500 the body is read first, then the
    status. From 500 on, a call with an effect is in doubt whatever the body says. If the server left the connection
    open, a refusal of such a call leaves doubt too: the real answer may still come, and a refused order may be sent
    again.
    """
    answer = replace(answer, is_of_add=call.action == "add")
    try:
        return _read_answer(call, answer)
    except CallError as error:
        if call.is_follow_up and type(error) is UnknownRefusalError:
            error = UnknownFollowUpError(error.text)
        if answer.closed or not call.effect or error.may_have_taken_effect:
            raise error from None
        text = f"the panel said {str(error)!r} and left the connection open: another answer may follow"
    raise UnclearAnswerError(text, may_have_taken_effect=True)


def _read_answer(call: Call[Result], answer: Response) -> Result:
    try:
        document = parse_json(answer.body)
    except NoJsonError:
        raise without_json(answer, effect=call.effect) from None
    if call.is_single and isinstance(document, list) and len(document) == 1:
        (document,) = document
    if call.action == "add":
        if usable_id(field(document, "order")):
            return call.read(document, answer.notation)
        if not is_absent(order := field(document, "order")):
            raise odd_order(order, answer)
        if names_an_order(document) or _AN_ID_SOMEWHERE.search(answer.body):
            raise unclear(answer, effect=True)
    if error := error_of(document, answer, effect=call.effect):
        raise error
    try:
        return call.read(document, answer.notation)
    except UnreadableError as why:
        error = without_result(document, answer, effect=call.effect)
        if type(error) is UnclearAnswerError and not call.effect:
            error = UnreadableAnswerError(": ".join(filter(None, (str(why), str(error)))))
    raise error


def _read_services(document: Json, notation: Notation) -> list[Service]:
    rows = rows_of(document)
    if rows is None:
        raise UnreadableError
    return read_services(rows, notation)


def _one(action: str, name: str, asked: str, read: Reader[Item], *, effect: bool = False) -> Call[Item]:
    return Call(
        action, ((name, asked),), partial(read_single, name=name, action=action, asked=asked, read=read), effect
    )


def _many(
    action: str, name: str, ids: Iterable[str], read: Reader[Item], *, effect: bool = False
) -> list[Call[dict[str, Item | FollowUpError]]]:
    return [
        Call(
            action,
            ((f"{name}s", ",".join(batch)),),
            partial(each, ids=batch, name=name, action=action, read=read),
            effect,
        )
        for batch in hundreds(ids)
    ]


def hundreds(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Split ids, without repetitions, into parts of as many as one call may ask for."""
    unique = tuple(dict.fromkeys(ids))
    for start in range(0, len(unique), MOST_IDS):
        yield unique[start : start + MOST_IDS]
