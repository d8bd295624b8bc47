"""One call of an account: what it may carry, and how ids are taken from it."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from smmplus.sandbox.records import Event, Order, Refusal, State

Fields = Mapping[str, str]
MOST_IDS = 100
INCORRECT_REQUEST = "Incorrect request"
_HEX_ID = re.compile(r"[0-9a-f]{24}")


class Result(NamedTuple):
    """The JSON answer, and the events already applied to the state."""

    answer: object
    events: list[Event]


class Asked(NamedTuple):
    """A call at a moment, for a state settled up to it. `account` is the key's name."""

    state: State
    account: str
    fields: Fields
    now: float


def error(refusal: Refusal) -> dict[str, str]:
    """Give the answer that a refusal is."""
    return {"error": str(refusal)}


def takes_none(fields: Fields) -> None:
    """Raise Refusal if any field was sent besides key and action."""
    if fields:
        raise Refusal(INCORRECT_REQUEST)


def find_order(state: State, account: str, order_id: str) -> Order:
    """Find an order of the account, by its number or by the 24 hexadecimal digits some panels write it in.

    Raises Refusal, also for orders of other accounts.
    """
    known_as = str(int(order_id, 16)) if _HEX_ID.fullmatch(order_id) else order_id
    order = state.orders.get(known_as)
    if order is None or order.account != account:
        raise Refusal("Incorrect order ID")
    return order


def or_error(action: Callable[[Asked, str], object], asked: Asked, item: str) -> object:
    """Give what an action says of one id of many, or its refusal as an answer."""
    try:
        return action(asked, item)
    except Refusal as refusal:
        return error(refusal)


def takes_one(fields: Fields, one: str, many: str) -> bool:
    """Tell `order` from `orders`.

    Raises Refusal unless exactly one of them was sent, not empty, and nothing else.
    """
    if fields.keys() not in ({one}, {many}) or not all(fields.values()):
        raise Refusal(INCORRECT_REQUEST)
    return one in fields


def ids(text: str) -> list[str]:
    """Give the first 100 of comma-separated ids; the others are dropped without a word, as panels do."""
    return text.split(",")[:MOST_IDS]


def number(text: str) -> int | str:
    """Give an id as the number that lists of answers carry; what is none stays text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else text
