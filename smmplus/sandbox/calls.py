"""Calls of the API: their parsing, the IDs in them, and the HTTP answers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl

from smmplus.sandbox.records import Event, Order, Refusal, State

Fields = Mapping[str, str]
MOST_IDS = 100
INCORRECT_REQUEST = "Incorrect request"
_HEX_ID = re.compile(r"[0-9a-f]{24}")
_NAME = re.compile(r"[a-z_]{1,30}(\[\])?")
"""A name of a field that may be repeated: one that the API could have, and not a key in the wrong place."""


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
    """Return a refusal as an answer."""
    return {"error": str(refusal)}


def refuse_fields(names: Iterable[str], why: str = "unexpected") -> None:
    """Raise Refusal, with the names, if there are any."""
    names = sorted(names)
    shown = [name for name in names if _NAME.fullmatch(name)]
    if names:
        raise Refusal(f"{INCORRECT_REQUEST}: {why} field {', '.join(shown)}" if shown else INCORRECT_REQUEST)


def takes_none(fields: Fields) -> None:
    """Raise Refusal if any field was sent besides key and action."""
    refuse_fields(fields)


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
    """Return the answer of an action for one ID of many, or its refusal."""
    try:
        return action(asked, item)
    except Refusal as refusal:
        return error(refusal)


def takes_one(fields: Fields, *choices: str) -> str:
    """Return which of the fields was sent, to tell `order` from `orders`.

    Raises Refusal unless exactly one of them was sent, not empty, and nothing else.
    """
    refuse_fields(fields.keys() - set(choices))
    if len(fields) != 1:
        raise Refusal(f"{INCORRECT_REQUEST}: send {' or '.join(choices)}")
    ((name, value),) = fields.items()
    refuse_fields([name] if not value else [], "empty")
    return name


def ids(text: str) -> list[str]:
    """Return the first 100 of comma-separated IDs. The others are dropped silently, as panels do."""
    return text.split(",")[:MOST_IDS]


def number(text: str) -> int | str:
    """Return an ID as a number, as in lists of answers. Other text stays text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else text


FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
_MOST_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A well-formed call. The key is kept out of the representation, and so out of every traceback and log."""

    key: str = field(repr=False)
    action: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def parse_call(content_type: str, body: bytes) -> Call:
    """Read the body of a call.

    Raises Refusal for another content type or character set than form-encoded UTF-8, for a repeated field, and
    without key or action.
    """
    kind, _, charset = content_type.lower().partition(";")
    if kind.strip() != FORM or charset.strip() not in {"", "charset=utf-8"}:
        raise Refusal(f"{INCORRECT_REQUEST}: send a form as {FORM}, in UTF-8")
    pairs = _pairs(body)
    times = Counter(name for name, _ in pairs)
    refuse_fields([name for name in times if times[name] > 1], "repeated")
    sent = dict(pairs)
    key, action = sent.pop("key", ""), sent.pop("action", "")
    if not key or not action:
        raise Refusal("Missing key or action")
    return Call(key, action, sent)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        # An empty body lacks key and action. Anything else is not a form.
        raise Refusal(INCORRECT_REQUEST if body else "Missing key or action") from error


def dump(answer: object) -> bytes:
    """Write JSON as PHP panels do: compact, and ASCII."""
    return json.dumps(answer, separators=(",", ":")).encode()


def json_reply(answer: object, status: int = 200) -> Reply:
    """Return the reply that carries an answer."""
    return Reply(dump(answer), status)


def as_bytes(reply: Reply) -> bytes:
    """Write a reply as it goes over the wire."""
    headers = (("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers)
    lines = [f"HTTP/1.1 {reply.status} Surplus", *(": ".join(header) for header in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
