"""Find the words of an error in whatever a panel wraps them in.

Seen on panels: a string, an object with `message`, `text`, `code` or `detail`, a list of them, a form field with a
list, `true` with the words in another field, HTML around the words. Their meaning must not depend on the wrapping.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
"""A parsed JSON document. Fractions are Decimal."""

_ERROR_KEYS = frozenset(
    ["error", "errors", "err", "error_message", "error_msg", "error_text", "error_code", "errormessage", "errorcode"]
)
_WORD_KEYS = (
    "message",
    "msg",
    "text",
    "detail",
    "details",
    "description",
    "reason",
    "error_description",
    "title",
    "info",
    "note",
    "warning",
)
_CODE_KEYS = ("code", "slug", "statuscode", "status_code", "errorcode", "error_code")
_NESTING_KEYS = ("error", "errors", *_WORD_KEYS)
_INNER_KEYS = (*_NESTING_KEYS, *_CODE_KEYS)
_SIGN_KEYS = ("status", "success", "ok", "result")
ENVELOPES = ("data", "result", "response", "results")
"""Fields in which some panels wrap the whole answer."""

NO_WORDS = frozenset({"", "0", "1", "true", "false", "null", "none", "no", "yes", "-", "[]", "{}", "n/a"})
"""Texts that say whether there is an error, and not which."""
_ABSENT = frozenset({"", "0", "false", "null", "none", "no", "-", "[]", "{}", "n/a"})
YES_SIGNS = frozenset({"success", "succeeded", "successful", "ok", "okay", "true"})
NO_SIGNS = frozenset({"fail", "failed", "failure", "error", "false", "0", "no", "ko", "nok", "unsuccessful"})

_DEEPEST = 8
"""The deepest nesting that is read. Panels nest two or three levels."""

_TAG = re.compile(r"<!--.*?-->|<[/!?]?[A-Za-z][^<>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says about an error."""

    texts: tuple[str, ...] = ()
    """Its words without repetitions, the most specific first."""
    is_error: bool = False
    """Whether a field for errors is filled in."""
    sign: bool | None = None
    """Whether its `status` or `success` says that the call succeeded. The status of an order may be such a word."""


def said(document: Json) -> Said:
    """Find what an answer, or one of its items, says about an error."""
    for inner in unwrapped(document):
        found = _said(inner)
        if found != Said():
            return found
    return Said()


def names_an_order(document: Json) -> bool:
    """Return whether an answer names an order in any way: then it is not a clear refusal."""
    return any(
        field.lower() in {"order", "order_id", "orderid", "orders"} and not is_absent(value)
        for inner in unwrapped(document)
        for field, value in inner.items()
    )


def is_absent(value: Json) -> bool:
    """Return whether a field means nothing: null, false, 0, "", "null", an empty list."""
    return not value or (isinstance(value, str) and value.strip().lower() in _ABSENT)


def without_markup(text: str) -> str:
    """Remove HTML tags and entities from a text, and fold its blanks."""
    # Entities first, and once: a text that is escaped twice stays escaped, so that an echo of the key cannot appear.
    return " ".join(_TAG.sub(" ", html.unescape(text)).split())


def unwrapped(document: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the objects that may stand for the whole answer, from the outside to the inside."""
    for _ in range(_DEEPEST):
        if not isinstance(document, dict):
            return
        yield document
        document = next((document[name] for name in ENVELOPES if isinstance(document.get(name), dict)), None)


def _said(document: Mapping[str, Json]) -> Said:
    fields = {name.lower(): value for name, value in document.items()}
    errors = [value for name, value in fields.items() if name in _ERROR_KEYS and not is_absent(value)]
    signs = {_sign(fields.get(name)) for name in _SIGN_KEYS}
    inner = [text for value in errors for text in _words(value)]
    texts = dict.fromkeys([*inner, *(text for value in _beside(fields) for text in _words(value))])
    return Said(tuple(texts), bool(errors), False if False in signs else True if True in signs else None)


def _sign(value: Json) -> bool | None:
    """Read a field that says whether the call succeeded; None if it does not say, as the status of an order."""
    text = str(value).strip().lower()
    if re.fullmatch("[2-5][0-9][0-9]", text):
        return text < "400"
    if text in NO_SIGNS:
        return False
    return True if text in {*YES_SIGNS, "1"} else None


def _words(value: Json, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        text = without_markup(value)
        if text.lower() not in NO_WORDS:
            yield text
    elif isinstance(value, list | dict) and depth < _DEEPEST:
        for inner in value if isinstance(value, list) else _telling(value):
            yield from _words(inner, depth + 1)


def _telling(value: Mapping[str, Json]) -> list[Json]:
    """Return the fields of an error that have its words; all fields if none has a usual name."""
    fields = {name.lower(): inner for name, inner in value.items()}
    # If only a code has a usual name, the words may be in a field with a name of the panel's own.
    return _beside(fields, _INNER_KEYS) + ([] if _beside(fields, _NESTING_KEYS) else list(value.values()))


def _beside(fields: Mapping[str, Json], names: Iterable[str] = (*_WORD_KEYS, *_CODE_KEYS)) -> list[Json]:
    return [_code(fields[name]) if name in _CODE_KEYS else fields[name] for name in names if name in fields]


def _code(value: Json) -> Json:
    """Return a code from 500 to 599 as the words that it stands for. Other numbers say nothing."""
    text = str(value).strip()
    if re.fullmatch("5[0-9][0-9]", text):
        return f"server error {text}"
    return None if text.isdigit() else value
