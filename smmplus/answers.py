"""PURE: from the bytes of an answer to JSON, or to the error that it is.

Panels put byte-order marks and PHP notices before the JSON, answer HTML, or nothing (seen on servers of the family).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, NoReturn

from smmplus.errors import (
    AccountError,
    BadRowError,
    BusyError,
    CallError,
    DuplicateGuardError,
    FollowUpError,
    MalformedCallError,
    RedirectError,
    UnclearAnswerError,
    UnknownRefusalError,
)
from smmplus.refusals import Meaning, meaning

Json = Any
"""What a JSON document holds; fractions are Decimal."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoJsonError(ValueError):
    """The body holds no JSON document."""


def parse_json(body: bytes) -> Json:
    """Find the JSON document that a body ends with; whatever stands before it (a mark, notices) is passed over."""
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
    text = _ESCAPES.sub(_without_half_pairs, text)
    # Only what does not begin as JSON itself is searched: the inside of a document cut short is no answer.
    starts = [0] if text[:1] in {"{", "["} else islice(_starts(text), 200)
    for start in starts:
        try:
            document, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if end == len(text) and isinstance(document, dict | list):
            return document
    raise NoJsonError


def _starts(text: str) -> Iterator[int]:
    """Find where a document may start: not after what stands before a value within one."""
    for at, sign in enumerate(text):
        if sign in "{[" and text[:at].rstrip()[-1:] not in {":", ",", "["}:
            yield at


# A pair of escapes for one character, half of such a pair, any other escape.
_ESCAPES = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.")


def _without_half_pairs(escape: re.Match[str]) -> str:
    """Replace half of a pair: a panel that cuts a text within an emoji sends one, and no database takes it."""
    return "\\ufffd" if escape[1] else escape[0]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)

_ERRORS = {
    Meaning.ROW: BadRowError,
    Meaning.ACCOUNT: AccountError,
    Meaning.DUPLICATE: DuplicateGuardError,
    Meaning.MISTAKE: MalformedCallError,
    Meaning.FOLLOW_UP: FollowUpError,
    Meaning.UNKNOWN: UnknownRefusalError,
}


def error_text(document: Json) -> str | None:
    """Find the error text of an answer or of one of its items; None where there is none."""
    error = document.get("error") if isinstance(document, dict) else None
    if not error:
        return None
    return error if isinstance(error, str) else json.dumps(error, default=str)


def refusal(text: str, answer: Answer, *, effect: bool, now: datetime | None = None) -> CallError:
    """Make the error that a text means. `effect` tells whether the call orders, refills or cancels."""
    what = meaning(text, answer.status)
    if what is Meaning.BUSY:
        return BusyError(text, retry_after=retry_after(answer.headers, now or datetime.now(UTC)))
    if what is Meaning.DOUBT:
        return UnclearAnswerError(f"the panel said {text!r}", may_have_taken_effect=effect)
    return _ERRORS[what](text)


def unclear(answer: Answer, *, effect: bool) -> CallError:
    """Make the error for an answer that holds neither a result nor a refusal."""
    if 300 <= answer.status < 400:
        message = (
            f"the panel answered with a redirect (HTTP {answer.status}), which is never followed: check the API URL"
        )
        return RedirectError(message, may_have_taken_effect=effect)
    start = " ".join(answer.body[:400].decode("utf-8", errors="replace").split())[:120]
    message = (
        f"the panel answered HTTP {answer.status} with {start!r}"
        if start
        else (f"the panel answered HTTP {answer.status} and nothing else")
    )
    return UnclearAnswerError(message, may_have_taken_effect=effect)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`: seconds, or a date. None where it is absent or unreadable."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None
