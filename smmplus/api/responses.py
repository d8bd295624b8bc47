"""PURE: from the bytes of an answer to JSON, or to the error that it is.

Panels put byte-order marks and PHP notices before the JSON, answer HTML, or nothing (seen on servers of the family).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, NoReturn

from smmplus.api.error_texts import Meaning, gravest, is_broken_off, meaning, of_status
from smmplus.api.error_wrappings import Said, said, without_markup
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    DuplicateOrderError,
    FollowUpError,
    InvalidOrderError,
    MalformedCallError,
    RedirectError,
    UnclearAnswerError,
    UnknownRefusalError,
)
from smmplus.orders.decimals import Notation

Json = Any
"""What a JSON document holds; fractions are Decimal."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    notation: Notation = field(default_factory=Notation, compare=False, repr=False)
    """How the panel writes its numbers, as far as its earlier answers showed."""
    closed: bool = True
    """Whether nothing can follow: False where the server left the call's own connection open."""
    is_of_add: bool = True
    """Whether an order was asked for: then what speaks of an order leaves doubt."""


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
        if document and isinstance(document, dict):
            break  # more follows a whole object: two answers in one body, and neither is believed
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
    Meaning.ROW: InvalidOrderError,
    Meaning.ACCOUNT: AccountError,
    Meaning.DUPLICATE: DuplicateOrderError,
    Meaning.MISTAKE: MalformedCallError,
    Meaning.FOLLOW_UP: FollowUpError,
    Meaning.UNKNOWN: UnknownRefusalError,
}

_OF_STATUS = {
    401: " (HTTP 401: the panel refuses the API key or the account)",
    402: " (HTTP 402: the account has not enough funds)",
    403: " (HTTP 403: the panel refuses the API key or the account)",
}

_REFUSING = frozenset({400, 422})
"""With these statuses a message is a refusal although no field calls it an error."""


def refusal(texts: Sequence[str], answer: Response, *, effect: bool, now: datetime | None = None) -> CallError:
    """Make the error that an answer's texts mean. `effect` tells whether the call orders, refills or cancels."""
    return _error(gravest(texts, answer.status), "; ".join(texts), answer, effect=effect, now=now)


def _error(what: Meaning, text: str, answer: Response, *, effect: bool, now: datetime | None = None) -> CallError:
    if what is Meaning.BUSY:
        return BusyError(text, retry_after=retry_after(answer.headers, now or datetime.now(UTC)))
    if what is Meaning.DOUBT and not answer.is_of_add and not is_broken_off([text]):
        return UnknownRefusalError(text)
    if what is Meaning.DOUBT:
        return UnclearAnswerError(f"the panel said {text!r}", may_have_taken_effect=effect)
    if what is Meaning.ADDRESS:
        return AddressError(
            f"the panel's web server answered HTTP {answer.status} ({text}): no API is at this address, and nothing "
            "was ordered. Correct the API URL (SMMPLUS_API_URL, or the host of the Airflow connection)"
        )
    return _ERRORS[what](text + (_OF_STATUS.get(answer.status, "") if what is Meaning.ACCOUNT else ""))


def error_of(document: Json, answer: Response, *, effect: bool) -> CallError | None:
    """Make the error that an answer calls itself; None where it has no error's field and the status is a success."""
    found = said(document)
    if answer.status >= 500:
        return unclear(answer, effect=effect)
    if answer.status == 429 and found.sign is not True:
        return refusal(found.texts or [_TOO_MANY], answer, effect=effect)
    if found.is_error:
        return _refused(found, answer, effect=effect)
    return None if answer.status < 300 else without_result(document, answer, effect=effect)


def without_result(document: Json, answer: Response, *, effect: bool) -> CallError:
    """Make the error for a document that has no error's field, and no result: its own words speak, then the status.

    Words beside a "success" are no refusal. Words that nothing calls an error count where they are known.
    """
    found = said(document)
    if found.sign is False:
        return _refused(found, answer, effect=effect)
    is_listed = found.texts and gravest(found.texts) is not Meaning.UNKNOWN
    if found.sign is None and found.texts and (is_listed or answer.status in _REFUSING):
        return refusal(found.texts, answer, effect=effect)
    return of_status_alone(found, answer, effect=effect)


def _refused(found: Said, answer: Response, *, effect: bool) -> CallError:
    """Make the error of an answer that calls itself one; without a word that can be read, it is none."""
    if not found.texts:
        return of_status_alone(found, answer, effect=effect)
    error = refusal(found.texts, answer, effect=effect)
    # An unknown text may be a remark: an answer that also calls itself a success may be an order.
    is_remark = found.sign is True and isinstance(error, UnknownRefusalError)
    return unclear(answer, effect=effect) if is_remark else error


def of_status_alone(found: Said, answer: Response, *, effect: bool) -> CallError:
    """Make the error of an answer in which only the status speaks: unclear where that says nothing, either."""
    what = of_status(answer.status)
    if what is None or found.sign is True:
        return unclear(answer, effect=effect)
    return _error(what, "; ".join(found.texts) or _beginning(answer) or "without a word", answer, effect=effect)


_TOO_MANY = "the panel answered HTTP 429 (too many requests)"


def without_json(answer: Response, *, effect: bool) -> CallError:
    """Make the error of an answer that is no JSON: a page, a plain text, nothing."""
    page, text = answer.body.lstrip()[:1] == b"<", _text(answer)
    what = of_status(answer.status)
    if answer.status >= 500 or _MAY_BE_AN_ORDER.search(text):
        return unclear(answer, effect=effect)
    words = without_markup(text).strip('"')
    if what is Meaning.BUSY and (page or meaning(words) is not Meaning.DOUBT):
        return _error(what, _TOO_MANY, answer, effect=effect)
    if page and answer.status == 403:
        return AccountError(_of_firewall(answer))
    if not page and meaning(words) is not Meaning.UNKNOWN:
        return refusal([words], answer, effect=effect)
    return of_status_alone(Said(), answer, effect=effect)


_MAY_BE_AN_ORDER = re.compile(r"""["']orders?(_?id)?["']|^\W*(\d+|ok|success|true|done)\W*$""", re.IGNORECASE)

_FIREWALLS = re.compile(
    r"cloudflare|sucuri|incapsula|imperva|akamai|ddos-guard|mod_?security|wordfence|aws ?waf|fastly|barracuda|fortiweb",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def _of_firewall(answer: Response) -> str:
    text = _text(answer)
    name, title = _FIREWALLS.search(text), _TITLE.search(text)
    called = f" ({name[0]})" if name else ""
    words = f", called {without_markup(title[1])[:80]!r}" if title and title[1].strip() else ""
    return (
        f"a web firewall{called} before the panel answered with a page (HTTP 403{words}): nothing was ordered. Ask the "
        "panel to let this machine's address through, and check the API key"
    )


def _text(answer: Response) -> str:
    return answer.body[:20_000].decode("utf-8", errors="replace").strip("\ufeff \r\n\t")


def _beginning(answer: Response) -> str:
    start = " ".join(answer.body[:400].decode("utf-8", errors="replace").split())[:120]
    return repr(start) if start else ""


def unclear(answer: Response, *, effect: bool) -> CallError:
    """Make the error for an answer that holds neither a result nor a refusal."""
    if 300 <= answer.status < 400:
        message = (
            f"the panel answered with a redirect (HTTP {answer.status}), which is never followed: check the API URL"
        )
        return RedirectError(message, may_have_taken_effect=effect)
    return UnclearAnswerError(what_came(answer), may_have_taken_effect=effect)


def odd_order(order: Json, answer: Response) -> CallError:
    """Make the error for an `order` that is no order id. It is not shown whole: panels were seen to echo the key."""
    text = str(order)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\u2026"
    message = f"the panel answered HTTP {answer.status} with {shown!r} where the order id should be, which is none"
    return UnclearAnswerError(message, may_have_taken_effect=True)


_SHOWN = 6


def what_came(answer: Response) -> str:
    """Quote an answer shortly."""
    start = _beginning(answer)
    return f"the panel answered HTTP {answer.status} " + (f"with {start}" if start else "and nothing else")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`: seconds, or a date. None where it is absent or unreadable."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None
