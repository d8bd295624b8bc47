"""PURE: every action of the API as a call, and how its answer is read. Both clients are thin shells over this.

Source: the documented contract (one endpoint, POST, a form body, a JSON answer), and what panels of the family were
seen to answer: numbers as strings, maps as lists, flags as words, ids of three kinds.
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
from smmplus.api.error_wrappings import is_absent, names_an_order
from smmplus.api.price_list import read_services, rows_of
from smmplus.api.responses import (
    Json,
    NoJsonError,
    Response,
    error_of,
    odd_order,
    parse_json,
    unclear,
    without_json,
    without_result,
)
from smmplus.errors import CallError, FollowUpError, UnclearAnswerError, UnreadableAnswerError
from smmplus.orders.decimals import Notation
from smmplus.orders.models import Balance, OrderRequest, OrderStatus, Service

MOST_IDS = 100
"""More ids in one call are cut to 100 by the panel, without a word."""

_AN_ID_SOMEWHERE = re.compile(
    rb"""["']orders?(_?(id|number|no))?\\*["']\s*[:=]>?\s*[\[{]?\s*\\*["']?[1-9]""", re.IGNORECASE
)
"""An order's id in what stands around or within the answer that is read: a panel that prints its supplier's answer."""

Result = TypeVar("Result")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request: the action, its form fields, and how the answer's document is read."""

    action: str
    fields: tuple[tuple[str, str], ...]
    read: Callable[[Json, Notation], Result]
    effect: bool = False
    """Whether it orders, refills or cancels: such a call is never repeated after it may have arrived."""

    @property
    def is_single(self) -> bool:
        """Whether it asks for one thing, so that a list in the answer is a wrapping."""
        return self.action in {"add", "balance"} or not {"order", "refill"}.isdisjoint(dict(self.fields))

    @property
    def alone(self) -> bool:
        """Whether it needs a connection of its own: it has an effect, or its answer does not name what it answers.

        An answer to many ids names them.
        """
        return self.effect or not any("," in value for _, value in self.fields)

    def form(self, key: str) -> list[tuple[str, str]]:
        """Give the form fields as they are sent, the API key among them."""
        return [("key", key), ("action", self.action), *self.fields]


def services() -> Call[list[Service]]:
    """Ask for the price list."""
    return Call("services", (), _read_services)


def add(request: OrderRequest) -> Call[str]:
    """Place an order; the result is its id."""
    return Call("add", (("service", request.service), *request.fields), read_order_id, effect=True)


def status(order_id: str) -> Call[OrderStatus]:
    """Ask where one order stands."""
    return _one("status", "order", order_id, read_status)


def statuses(order_ids: Iterable[str]) -> list[Call[dict[str, OrderStatus | FollowUpError]]]:
    """Ask where many orders stand, 100 a call. An id that the answer leaves out is not in the result."""
    return _many("status", "order", order_ids, read_status)


def refill(order_id: str) -> Call[str]:
    """Ask for a refill of one order; the result is the refill's id."""
    return _one("refill", "order", order_id, read_refill_id, effect=True)


def refills(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for refills of many orders, 100 a call: order id -> refill id, or why not."""
    return _many("refill", "order", order_ids, read_refill_id, effect=True)


def refill_status(refill_id: str) -> Call[str]:
    """Ask for the status word of one refill."""
    return _one("refill_status", "refill", refill_id, read_refill_word)


def refill_statuses(refill_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask for the status words of many refills, 100 a call."""
    return _many("refill_status", "refill", refill_ids, read_refill_word)


def cancel(order_ids: Iterable[str]) -> list[Call[dict[str, str | FollowUpError]]]:
    """Ask to cancel orders, 100 a call: order id -> what the panel said to the request, or why not.

    It is a request: whether an order was cancelled, and what came back, its status tells later.
    """
    return _many("cancel", "order", order_ids, read_cancel, effect=True)


def balance() -> Call[Balance]:
    """Ask for the account's balance. The surest test of a key: some servers answer `services` to anyone."""
    return Call("balance", (), read_balance)


def merged(parts: Iterable[dict[str, Item]]) -> dict[str, Item]:
    """Join the results of the calls of one action."""
    return {item_id: item for part in parts for item_id, item in part.items()}


def read_answer(call: Call[Result], answer: Response) -> Result:
    """Read an answer into the call's result, or raise the error that it is.

    A usable order id means accepted, whatever stands beside it. Under 500 the body is read first, then the status;
    from 500 on a call with an effect is in doubt whatever the body says. Where the server left the connection open, a
    refusal of such a call is doubt too: the answer itself may still be to come, and what was refused is sent again.
    """
    answer = replace(answer, is_of_add=call.action == "add")
    try:
        return _read_answer(call, answer)
    except CallError as error:
        if answer.closed or not call.effect or error.may_have_taken_effect:
            raise
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
    return Call(action, ((name, asked),), partial(read_single, action=action, asked=asked, read=read), effect)


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
    """Split ids, each once, into as many as one call may ask for."""
    unique = tuple(dict.fromkeys(ids))
    for start in range(0, len(unique), MOST_IDS):
        yield unique[start : start + MOST_IDS]
