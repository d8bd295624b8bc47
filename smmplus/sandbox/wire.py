"""Calls and answers as bytes. Strict: what the strictest panel would refuse is refused here."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from smmplus.sandbox.records import Refusal

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
        raise Refusal("Incorrect request")
    pairs = _pairs(body)
    sent = dict(pairs)
    if len(sent) != len(pairs):
        raise Refusal("Incorrect request")
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
        # An empty body lacks key and action; anything else is no form.
        raise Refusal("Incorrect request" if body else "Missing key or action") from error


def dump(answer: object) -> bytes:
    """Write JSON as PHP panels do: compact, and ASCII."""
    return json.dumps(answer, separators=(",", ":")).encode()


def json_reply(answer: object, status: int = 200) -> Reply:
    """Give the reply that carries an answer."""
    return Reply(dump(answer), status)


def as_bytes(reply: Reply) -> bytes:
    """Write a reply as it goes over the wire."""
    headers = (("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers)
    lines = [f"HTTP/1.1 {reply.status} Surplus", *(": ".join(header) for header in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
