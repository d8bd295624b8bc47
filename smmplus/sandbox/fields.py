"""The form fields of an order: what each may hold. A field that may not raises Refusal with the panel's words."""

import datetime as dt
import re
from collections.abc import Callable, Mapping

from smmplus.sandbox.records import Refusal

_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_URL = re.compile(r"https?://[^\s/?#@:.]+(\.[^\s/?#@:.]+)+(:[0-9]{1,5})?([/?#]\S*)?", re.IGNORECASE)
_USERNAME_LINK = re.compile(r"@[A-Za-z0-9._-]{1,64}")
_TOKEN = re.compile(r"\S{1,255}")
_DATE = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_LONGEST_LINK = 2048

# API.md section 2: 0, 5, 10, 15, then every half hour up to ten.
_DELAYS = frozenset({0, 5, 10, 15, *range(30, 601, 30)})


def whole(name: str, text: str) -> int:
    """Read plain digits, at most 15; "1e3", "1000abc", " 1000" and "+5" are refused."""
    if not _WHOLE.fullmatch(text):
        raise Refusal(f"Incorrect {name}")
    return int(text)


def lines(text: str) -> list[str]:
    """Give the items of a list, one a line; empty lines are none."""
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def link(text: str) -> str:
    """Check a link: an http(s) URL with a dotted host, or an @username."""
    if len(text) > _LONGEST_LINK or not (_URL.fullmatch(text) or _USERNAME_LINK.fullmatch(text)):
        raise Refusal("Bad link")
    return text


def _require(fine: object, name: str) -> None:
    if not fine:
        raise Refusal(f"Incorrect {name}")


def _whole_from(low: int, high: int = 10**15) -> Callable[[str, str], None]:
    return lambda name, text: _require(low <= whole(name, text) <= high, name)


def _some_text(name: str, text: str) -> None:
    _require(text.strip(), name)


def _some_lines(name: str, text: str) -> None:
    _require(lines(text), name)


def _token(name: str, text: str) -> None:
    _require(_TOKEN.fullmatch(text), name)


def _token_lines(name: str, text: str) -> None:
    _require(lines(text) and all(_TOKEN.fullmatch(line) for line in lines(text)), name)


def _url(name: str, text: str) -> None:
    _require(_URL.fullmatch(text), name)


def _delay(name: str, text: str) -> None:
    _require(whole(name, text) in _DELAYS, name)


def _date(name: str, text: str) -> None:
    _require(_DATE.fullmatch(text), name)
    day, month, year = (int(part) for part in text.split("/"))
    try:
        dt.date(year, month, day)
    except ValueError as error:
        raise Refusal(f"Incorrect {name}") from error


# `quantity` is not here: the panel looks at it after all other fields.
_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    "runs": _whole_from(1),
    "interval": _whole_from(1),
    "comments": _some_lines,
    "usernames": _token_lines,
    "hashtags": _token_lines,
    "hashtag": _token,
    "username": _token,
    "media": _url,
    "answer_number": _whole_from(1),
    "groups": _some_lines,
    "keywords": _some_lines,
    "country": _some_text,
    "device": _whole_from(1, 5),
    "type_of_traffic": _whole_from(1, 3),
    "google_keyword": _some_text,
    "referring_url": _url,
    "min": _whole_from(1),
    "max": _whole_from(1),
    "delay": _delay,
    "posts": _whole_from(0),
    "old_posts": _whole_from(0),
    "expiry": _date,
}


def check(name: str, text: str) -> None:
    """Check one field, `quantity` aside; an empty one is never right."""
    _CHECKS[name](name, text)
