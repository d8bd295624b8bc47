"""From the bytes of an answer to JSON, or to the error that the answer is.

Panels were seen to put byte-order marks and PHP notices before the JSON, to answer with HTML, and with nothing.
"""

import json
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NoReturn, cast

from smmplus.api.error_texts import Meaning, gravest, is_broken_off, meaning, of_status
from smmplus.api.error_wrappings import Json, Said, said, without_markup
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
from smmplus.texts import _, marked


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    notation: Notation = field(default_factory=Notation, compare=False, repr=False)
    """How the panel writes numbers, as far as its earlier answers showed."""
    closed: bool = True
    """Whether nothing can follow: False if the server left the call's own connection open."""
    is_of_add: bool = True
    """Whether it answers an `add`: then a text that mentions an order leaves doubt."""


class NoJsonError(ValueError):
    """The body does not contain a JSON document."""


def parse_json(body: bytes) -> Json:
    """Return the JSON document that a body ends with. What comes before it (a mark, notices) is skipped."""
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
    text = _ESCAPES.sub(_without_half_pairs, text)
    # A text that begins as JSON is not searched: a part of a truncated document is not an answer.
    starts = [0] if text[:1] in {"{", "["} else islice(_starts(text), 200)
    for start in starts:
        try:
            document, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if end == len(text) and isinstance(document, dict | list):
            return document
        if document and isinstance(document, dict):
            break  # more follows a complete object: two answers in one body, and neither is accepted
    raise NoJsonError


def _starts(text: str) -> Iterator[int]:
    """Yield where a document may start: not after a character that precedes a value inside one."""
    for at, sign in enumerate(text):
        if sign in "{[" and text[:at].rstrip()[-1:] not in {":", ",", "["}:
            yield at


# A pair of escapes for one character, half of such a pair, or any other escape (RFC 8259, section 7).
_ESCAPES = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.")


def _without_half_pairs(escape: re.Match[str]) -> str:
    """Replace half of a pair: a panel that truncates a text inside an emoji sends one, and no database stores it."""
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
    401: marked(" (HTTP 401: the panel refuses the API key or the account)"),
    402: marked(" (HTTP 402: the account has not enough funds)"),
    403: marked(" (HTTP 403: the panel refuses the API key or the account)"),
}


def worded(text: str, *, effect: bool, **values: object) -> str:
    """Return the text of an error. That of a call with an effect is kept in the journal, which is in English."""
    return text.format(**values) if effect else _(text, **values)


def unreachable(error: OSError) -> str:
    """Return why no connection could be made, in the operating system's words: "Connection refused"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    # TLS has numbers of its own, and asyncio puts its own words in place of the system's.
    is_of_system = not isinstance(error, ssl.SSLError) and (error.errno or 0) > 0
    return os.strerror(cast("int", error.errno)) if is_of_system else error.strerror or str(error)


_REFUSING = frozenset({400, 422})
"""With these HTTP statuses a message is a refusal even if no field says that it is an error."""


def refusal(texts: Sequence[str], answer: Response, *, effect: bool, now: datetime | None = None) -> CallError:
    """Return the error that the texts of an answer mean. `effect`: whether the call orders, refills or cancels."""
    return _error(gravest(texts, answer.status), "; ".join(texts), answer, effect=effect, now=now)


def _error(what: Meaning, text: str, answer: Response, *, effect: bool, now: datetime | None = None) -> CallError:
    if what is Meaning.BUSY:
        return BusyError(text, retry_after=retry_after(answer.headers, now or datetime.now(UTC)))
    if what is Meaning.DOUBT and not answer.is_of_add and not is_broken_off([text]):
        return UnknownRefusalError(text)
    if what is Meaning.DOUBT:
        return UnclearAnswerError(
            worded(marked("the panel said {words!r}"), effect=effect, words=text), may_have_taken_effect=effect
        )
    if what is Meaning.ADDRESS:
        return AddressError(
            worded(
                marked(
                    "the panel's web server answered HTTP {status} ({words}): no API is at this address, and nothing "
                    "was ordered. Correct the API URL (SMMPLUS_API_URL, or the host of the Airflow connection)"
                ),
                effect=effect,
                status=answer.status,
                words=text,
            )
        )
    if what is Meaning.ACCOUNT and answer.status in _OF_STATUS:
        text += worded(_OF_STATUS[answer.status], effect=effect)
    return _ERRORS[what](text)


def error_of(document: Json, answer: Response, *, effect: bool) -> CallError | None:
    """Return the error that an answer says it is; None if it has no field for errors, and a status of success."""
    found = said(document)
    if answer.status >= 500:
        return unclear(answer, effect=effect)
    if answer.status == 429 and found.sign is not True:
        return refusal(found.texts or [worded(_TOO_MANY, effect=effect)], answer, effect=effect)
    if found.is_error:
        return _refused(found, answer, effect=effect)
    return None if answer.status < 300 else without_result(document, answer, effect=effect)


def without_result(document: Json, answer: Response, *, effect: bool) -> CallError:
    """Return the error for a document with neither a field for errors nor a result: by its words, then its status.

    Words next to a "success" are not a refusal. Words that nothing marks as an error count only if they are known.
    """
    found = said(document)
    if found.sign is False:
        return _refused(found, answer, effect=effect)
    is_listed = found.texts and gravest(found.texts) is not Meaning.UNKNOWN
    if found.sign is None and found.texts and (is_listed or answer.status in _REFUSING):
        return refusal(found.texts, answer, effect=effect)
    return of_status_alone(found, answer, effect=effect)


def _refused(found: Said, answer: Response, *, effect: bool) -> CallError:
    """Return the error of an answer that says it is one; by its status alone if it has no words."""
    if not found.texts:
        return of_status_alone(found, answer, effect=effect)
    error = refusal(found.texts, answer, effect=effect)
    # An unknown text may be a remark: an answer that also says "success" may be an order.
    is_remark = found.sign is True and isinstance(error, UnknownRefusalError)
    return unclear(answer, effect=effect) if is_remark else error


def of_status_alone(found: Said, answer: Response, *, effect: bool) -> CallError:
    """Return the error of an answer by its status alone; an unclear one if the status says nothing either."""
    what = of_status(answer.status)
    if what is None or found.sign is True:
        return unclear(answer, effect=effect)
    text = "; ".join(found.texts) or _beginning(answer) or worded(marked("no text"), effect=effect)
    return _error(what, text, answer, effect=effect)


_TOO_MANY = marked("the panel answered HTTP 429 (too many requests)")


def without_json(answer: Response, *, effect: bool) -> CallError:
    """Return the error of an answer that is not JSON: a page, a plain text, nothing."""
    page, text = answer.body.lstrip()[:1] == b"<", _text(answer)
    what = of_status(answer.status)
    if answer.status >= 500 or _MAY_BE_AN_ORDER.search(text):
        return unclear(answer, effect=effect)
    words = without_markup(text).strip('"')
    if what is Meaning.BUSY and (page or meaning(words) is not Meaning.DOUBT):
        return _error(what, worded(_TOO_MANY, effect=effect), answer, effect=effect)
    if page and answer.status == 403:
        return AccountError(_of_firewall(answer, effect=effect))
    if not page and meaning(words) is not Meaning.UNKNOWN:
        return refusal([words], answer, effect=effect)
    return of_status_alone(Said(), answer, effect=effect)


_MAY_BE_AN_ORDER = re.compile(r"""["']orders?(_?id)?["']|^\W*(\d+|ok|success|true|done)\W*$""", re.IGNORECASE)

_FIREWALLS = re.compile(
    r"cloudflare|sucuri|incapsula|imperva|akamai|ddos-guard|mod_?security|wordfence|aws ?waf|fastly|barracuda|fortiweb",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def _of_firewall(answer: Response, *, effect: bool) -> str:
    text = _text(answer)
    name, title = _FIREWALLS.search(text), _TITLE.search(text)
    called = f" ({name[0]})" if name else ""
    shown = without_markup(title[1])[:80] if title and title[1].strip() else ""
    page = worded(marked(", called {title!r}"), effect=effect, title=shown) if shown else ""
    return worded(
        marked(
            "a web firewall{firewall} before the panel answered with a page (HTTP 403{page}): nothing was ordered. Ask "
            "the panel to let this machine's address through, and check the API key"
        ),
        effect=effect,
        firewall=called,
        page=page,
    )


def _text(answer: Response) -> str:
    return answer.body[:20_000].decode("utf-8", errors="replace").strip("\ufeff \r\n\t")


def _beginning(answer: Response) -> str:
    start = " ".join(answer.body[:400].decode("utf-8", errors="replace").split())[:120]
    return repr(start) if start else ""


def unclear(answer: Response, *, effect: bool) -> CallError:
    """Return the error for an answer that is neither a result nor a refusal."""
    if 300 <= answer.status < 400:
        message = worded(
            marked("the panel answered with a redirect (HTTP {status}), which is never followed: check the API URL"),
            effect=effect,
            status=answer.status,
        )
        return RedirectError(message, may_have_taken_effect=effect)
    return UnclearAnswerError(what_came(answer, effect=effect), may_have_taken_effect=effect)


def odd_order(order: Json, answer: Response) -> CallError:
    """Return the error for an `order` that is not an order id. It is shortened: panels were seen to echo the key."""
    text = str(order)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\u2026"
    message = f"the panel answered HTTP {answer.status} with {shown!r}, which is not a valid order id"
    return UnclearAnswerError(message, may_have_taken_effect=True)


_SHOWN = 6


def what_came(answer: Response, *, effect: bool) -> str:
    """Quote the beginning of an answer."""
    if start := _beginning(answer):
        text = marked("the panel answered HTTP {status} with {beginning}")
        return worded(text, effect=effect, status=answer.status, beginning=start)
    return worded(marked("the panel answered HTTP {status} and nothing else"), effect=effect, status=answer.status)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. None if it is absent or not valid."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None
