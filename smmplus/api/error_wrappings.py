"""PURE: the words of an error, dug out of whatever a panel wraps them in.

Seen on panels: a string, an object with `message`, `text`, `code` or `detail`, a list of them, a form field with a
list, `true` with the words in another field, HTML around the words. What they mean must not hang on the wrapping.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any

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
"""Fields in which some panels put the whole answer."""

NO_WORDS = frozenset({"", "0", "1", "true", "false", "null", "none", "no", "yes", "-", "[]", "{}", "n/a"})
"""Texts that say whether there is an error, or that there is none, and not which."""
_ABSENT = frozenset({"", "0", "false", "null", "none", "no", "-", "[]", "{}", "n/a"})
YES_SIGNS = frozenset({"success", "succeeded", "successful", "ok", "okay", "true"})
NO_SIGNS = frozenset({"fail", "failed", "failure", "error", "false", "0", "no", "ko", "nok", "unsuccessful"})

_DEEPEST = 8
"""Wrappings within wrappings; a panel has two or three."""

_TAG = re.compile(r"<!--.*?-->|<[/!?]?[A-Za-z][^<>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says of an error."""

    texts: tuple[str, ...] = ()
    """Its words, the same once, the most telling first."""
    is_error: bool = False
    """Whether it has an error's field that is filled in."""
    sign: bool | None = None
    """Whether its `status` or `success` says that all went well. An order's own status may be such a word."""


def said(document: Json) -> Said:
    """Find what an answer, or one of its items, says of an error."""
    for inner in unwrapped(document):
        found = _said(inner)
        if found != Said():
            return found
    return Said()


def names_an_order(document: Json) -> bool:
    """Tell whether an answer names an order, in whatever way: then it is no clear refusal."""
    return any(
        field.lower() in {"order", "order_id", "orderid", "orders"} and not is_absent(value)
        for inner in unwrapped(document)
        for field, value in inner.items()
    )


def is_absent(value: Json) -> bool:
    """Tell whether a field stands for nothing: null, false, 0, "", "null", an empty list."""
    return not value or (isinstance(value, str) and value.strip().lower() in _ABSENT)


def without_markup(text: str) -> str:
    """Take HTML tags and entities out of a text, and fold its blanks."""
    # Entities first, and once: what a panel escaped twice stays escaped, as an echo of the key would have to be.
    return " ".join(_TAG.sub(" ", html.unescape(text)).split())


def unwrapped(document: Json) -> Iterator[Mapping[str, Json]]:
    """Give the objects that may speak for the whole answer, from the outside to the inside."""
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
    """Read a field that says whether all went well: None where it says nothing, as an order's status does."""
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
    """Choose the fields of an error's object that hold its words; all of them where none has a usual name."""
    fields = {name.lower(): inner for name, inner in value.items()}
    # A code alone may be of the panel's own making: then the words stand in a field of its own making, too.
    return _beside(fields, _INNER_KEYS) + ([] if _beside(fields, _NESTING_KEYS) else list(value.values()))


def _beside(fields: Mapping[str, Json], names: Iterable[str] = (*_WORD_KEYS, *_CODE_KEYS)) -> list[Json]:
    return [_code(fields[name]) if name in _CODE_KEYS else fields[name] for name in names if name in fields]


def _code(value: Json) -> Json:
    """Write a code of 500 or more as the words that it stands for; other numbers say nothing."""
    text = str(value).strip()
    if re.fullmatch("5[0-9][0-9]", text):
        return f"server error {text}"
    return None if text.isdigit() else value
