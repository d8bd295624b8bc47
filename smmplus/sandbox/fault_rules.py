"""The rules of a fault script: one table of the faults, and strict reading of JSON."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

_HANG_SECONDS = 3600.0
_MAINTENANCE_SECONDS = 120
MOMENTS = ("before", "after", "doubled")
"""When a surplus answer is sent: before the right one, after it, or as the right one once more."""
_BAD_LINK_IN_RUSSIAN = "Некорректная ссылка"


class ScriptError(ValueError):
    """A fault script is wrong; the text says which rule and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a fault, the calls it concerns, and the fault's own settings. Times are real seconds.

    Without `calls` and `rate` it strikes every call that it concerns. `calls` counts those calls, from 1.
    """

    fault: str
    after_accept: bool
    action: str | None = None
    service: str | None = None
    link_contains: str | None = None
    calls: frozenset[int] | None = None
    rate: float | None = None
    seconds: float = 0.0
    retry_after: int | None = None
    text: str = ""
    body: str = ""
    status: int = 200
    reset: bool = False
    moment: str = ""

    def concerns(self, action: str, fields: Mapping[str, str]) -> bool:
        """Tell whether a call is one that this rule selects."""
        return (
            self.action in {None, action}
            and (self.service is None or fields.get("service") == self.service)
            and (self.link_contains is None or self.link_contains in fields.get("link", ""))
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault: whether it strikes after accepting, whether a rule may choose that, its own fields with defaults."""

    after_accept: bool
    chooses: bool = False
    defaults: Mapping[str, Any] | None = None


_BEFORE = Kind(after_accept=False)
_AFTER = Kind(after_accept=True)

KINDS: Mapping[str, Kind] = {
    "drop_before_accept": Kind(after_accept=False, defaults={"reset": False}),
    "drop_after_accept": Kind(after_accept=True, defaults={"reset": False}),
    "hang_before_accept": Kind(after_accept=False, defaults={"seconds": _HANG_SECONDS, "reset": False}),
    "hang_after_accept": Kind(after_accept=True, defaults={"seconds": _HANG_SECONDS, "reset": False}),
    "http_502": Kind(after_accept=False, chooses=True),
    "html": Kind(after_accept=False, chooses=True),
    "empty": Kind(after_accept=False, chooses=True),
    "truncated_json": _AFTER,
    "refuse": Kind(after_accept=False, defaults={"text": "Order could not be created", "status": 200}),
    "translated": Kind(after_accept=False, defaults={"text": _BAD_LINK_IN_RUSSIAN, "status": 200}),
    "echo_key": Kind(after_accept=False, defaults={"status": 200}),
    "answer": Kind(after_accept=False, chooses=True, defaults={"body": "", "status": 200}),
    "error_status": Kind(after_accept=True, defaults={"status": 422}),
    "429": Kind(after_accept=False, defaults={"retry_after": None, "text": "Rate limit exceeded"}),
    "maintenance": Kind(after_accept=False, defaults={"retry_after": _MAINTENANCE_SECONDS}),
    "bom": _AFTER,
    "php_notice": _AFTER,
    "order_null": Kind(after_accept=True, chooses=True),
    "success_without_order": Kind(after_accept=True, chooses=True),
    "id_as_string": _AFTER,
    "id_as_hex": _AFTER,
    "surplus_answer": Kind(after_accept=True, defaults={"moment": "after", "status": 429, "seconds": 0.05}),
    "latency": Kind(after_accept=True, defaults={"seconds": 1.0}),
}


def _fits(kind: type[T], fine: Callable[[T], bool], wanted: str) -> Callable[[object], T]:
    def read(value: object) -> T:
        # bool is an int to isinstance; a flag is no number here.
        if type(value) is not kind or not fine(value):
            raise ScriptError(f"must be {wanted}")
        return value

    return read


def _calls(value: object) -> frozenset[int]:
    if not isinstance(value, list) or not value:
        raise ScriptError("must be a list of numbers from 1")
    return frozenset(_from_one(number) for number in value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ScriptError("must be a number from 0")
    return float(value)


def _rate(value: object) -> float:
    rate = _seconds(value)
    if rate > 1:
        raise ScriptError("must be a number from 0 to 1")
    return rate


_from_one = _fits(int, lambda value: value >= 1, "a whole number from 1")
_flag = _fits(bool, lambda _: True, "true or false")
_text = _fits(str, bool, "text, and not empty")

_SELECTORS: Mapping[str, Callable[[object], Any]] = {
    "action": _text,
    "service": _text,
    "link_contains": _text,
    "calls": _calls,
    "rate": _rate,
}
_SETTINGS: Mapping[str, Callable[[object], Any]] = {
    "after_accept": _flag,
    "seconds": _seconds,
    "retry_after": _fits(int, lambda value: value >= 0, "a whole number from 0"),
    "text": _text,
    "body": _fits(str, lambda _: True, "text"),
    "status": _fits(int, lambda value: 200 <= value <= 599, "an HTTP status from 200 to 599"),
    "reset": _flag,
    "moment": _fits(str, MOMENTS.__contains__, f"one of {', '.join(MOMENTS)}"),
}


def parse_rules(script: object) -> list[Rule]:
    """Read a script from JSON: a list of objects.

    Raises ScriptError, which names the rule and the field, for anything unknown or out of range.
    """
    if not isinstance(script, list):
        raise ScriptError("A fault script is a list of rules.")
    return [_parse_rule(number, entry) for number, entry in enumerate(script, start=1)]


def _parse_rule(number: int, entry: object) -> Rule:
    if not isinstance(entry, dict):
        raise ScriptError(f"Rule {number} is no object.")
    fault = entry.get("fault")
    if not isinstance(fault, str) or fault not in KINDS:
        raise ScriptError(f"Rule {number}: unknown fault {fault!r}. Known: {', '.join(KINDS)}.")
    if "calls" in entry and "rate" in entry:
        raise ScriptError(f"Rule {number}: calls and rate exclude each other.")
    kind = KINDS[fault]
    own = {**(kind.defaults or {}), **({"after_accept": kind.after_accept} if kind.chooses else {})}
    given = {name: value for name, value in entry.items() if name != "fault"}
    values = {name: _read(number, fault, own, name, value) for name, value in given.items()}
    return Rule(fault=fault, **{"after_accept": kind.after_accept, **own, **values})


def _read(number: int, fault: str, own: Mapping[str, Any], name: str, value: object) -> object:
    if name not in _SELECTORS and name not in own:
        known = ", ".join([*_SELECTORS, *own])
        raise ScriptError(f"Rule {number}: {fault} has no field {name!r}. Known: {known}.")
    try:
        return {**_SELECTORS, **_SETTINGS}[name](value)
    except ScriptError as error:
        raise ScriptError(f"Rule {number}: {name} {error}, not {value!r}.") from None
