"""Fault scripts: which fault applies to a call, and what it does to the answer."""

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from smmplus.sandbox.calls import HTML, Call, Reply, dump, json_reply

T = TypeVar("T")

_HANG_SECONDS = 3600.0
_MAINTENANCE_SECONDS = 120
MOMENTS = ("before", "after", "doubled")
"""When a surplus answer is sent: before the right one, after it, or as the right one once more."""
_BAD_LINK_IN_RUSSIAN = "Некорректная ссылка"


class ScriptError(ValueError):
    """A fault script is wrong. The text says which rule and why."""


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
        """Return whether a call is one that this rule selects."""
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
        # bool is a subclass of int, but a flag is not a number here.
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
        raise ScriptError(f"Rule {number} is not an object.")
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


class Ending(StrEnum):
    """How the connection ends."""

    ANSWER = "answer"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Surplus:
    """An answer to no call, `seconds` before or after the right one."""

    reply: Reply
    seconds: float
    before: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client receives: after `delay` seconds a reply, or the end of the connection."""

    reply: Reply
    delay: float = 0.0
    ending: Ending = Ending.ANSWER
    surplus: Surplus | None = None


class Script:
    """Rules in their order, and how many calls each has matched since it was set.

    Of the rules that hit a call, all latencies add up, and of the others the first counts.
    """

    def __init__(self, rules: list[Rule], source: random.Random) -> None:
        self.rules = rules
        self.applied = [0] * len(rules)
        self._matched = [0] * len(rules)
        self._source = source

    def decide(self, action: str, fields: dict[str, str]) -> list[Rule]:
        """Return the rules that apply to a call, at most one besides latencies, and count it."""
        hits: list[int] = []
        for number, rule in enumerate(self.rules):
            if rule.concerns(action, fields) and self._hits(number, rule):
                is_first = not any(self.rules[hit].fault != "latency" for hit in hits)
                if rule.fault == "latency" or is_first:
                    hits.append(number)
                    self.applied[number] += 1
        return [self.rules[hit] for hit in hits]

    def _hits(self, number: int, rule: Rule) -> bool:
        self._matched[number] += 1
        if rule.calls is not None:
            return self._matched[number] in rule.calls
        return rule.rate is None or self._source.random() < rule.rate


def suffer(rules: list[Rule], call: Call, process: Callable[[], Reply]) -> Outcome:
    """Apply the rules to a call.

    `process` is the panel's right answer to the call; it is asked for at most once, and not at all by a fault that
    strikes before the panel accepts.
    """
    delay = sum(rule.seconds for rule in rules if rule.fault == "latency")
    rule = next((rule for rule in rules if rule.fault != "latency"), None)
    if rule is None:
        return Outcome(process(), delay)
    right = process() if rule.after_accept else Reply(b"")
    if rule.fault == "surplus_answer":
        surplus = right if rule.moment == "doubled" else _SURPLUS.get(rule.status, _error(rule, "No more"))
        return Outcome(right, delay, surplus=Surplus(surplus, rule.seconds, before=rule.moment == "before"))
    if rule.fault in _ALTERATIONS:
        return Outcome(_ALTERATIONS[rule.fault](rule, right, call), delay)
    return Outcome(right, delay + rule.seconds, Ending.RESET if rule.reset else Ending.CLOSE)


_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_MAINTENANCE = b"<html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"
_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
_NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: runs in <b>/var/www/api/v2.php</b> on line <b>217</b><br />\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _retry_after(rule: Rule) -> tuple[tuple[str, str], ...]:
    return () if rule.retry_after is None else (("Retry-After", str(rule.retry_after)),)


def _error(rule: Rule, text: str) -> Reply:
    return json_reply({"error": text}, rule.status)


def _as_it_is(rule: Rule) -> Reply:
    body = rule.body.encode()
    return Reply(body, rule.status) if body.lstrip()[:1] in {b"{", b"["} else Reply(body, rule.status, HTML)


def _before_json(prefix: bytes, right: Reply) -> Reply:
    return replace(right, body=prefix + right.body)


def _with_error_status(rule: Rule, right: Reply) -> Reply:
    answer = json.loads(right.body)
    return replace(right, status=rule.status) if isinstance(answer, dict) and "error" in answer else right


def _with_order_as(shape: str, right: Reply) -> Reply:
    answer = json.loads(right.body)
    if not (isinstance(answer, dict) and isinstance(answer.get("order"), int)):
        return right
    return replace(right, body=dump({**answer, "order": format(answer["order"], shape)}))


# Nothing in this answer is true for any call: no order, refill or balance has these values.
_OF_ANOTHER_CALL = {
    "order": 999000001,
    "refill": "999000001",
    "cancel": 1,
    "status": "Completed",
    "charge": "0.01",
    "remains": "0",
    "balance": "0.01",
    "currency": "USD",
}
_TIMED_OUT = b"<html><body><h1>408 Request Time-out</h1></body></html>"

_SURPLUS = {
    200: json_reply(_OF_ANOTHER_CALL),
    408: Reply(_TIMED_OUT, 408, HTML, (("Connection", "close"),)),
    429: json_reply({"error": "Rate limit exceeded"}, 429),
}

# Faults that are not here end the connection without an answer.
_ALTERATIONS: dict[str, Callable[[Rule, Reply, Call], Reply]] = {
    "http_502": lambda _rule, _right, _call: Reply(_BAD_GATEWAY, 502, HTML),
    "html": lambda _rule, _right, _call: Reply(_PAGE, 200, HTML),
    "empty": lambda _rule, _right, _call: Reply(b"", 200, HTML),
    "truncated_json": lambda _rule, right, _call: replace(right, body=right.body[: len(right.body) // 2]),
    "refuse": lambda rule, _right, _call: _error(rule, rule.text),
    "translated": lambda rule, _right, _call: _error(rule, rule.text),
    "echo_key": lambda rule, _right, call: _error(rule, f"The request with key {call.key} was declined"),
    "answer": lambda rule, _right, _call: _as_it_is(rule),
    "error_status": lambda rule, right, _call: _with_error_status(rule, right),
    "429": lambda rule, _right, _call: Reply(dump({"error": rule.text}), 429, headers=_retry_after(rule)),
    "maintenance": lambda rule, _right, _call: Reply(_MAINTENANCE, 503, HTML, _retry_after(rule)),
    "bom": lambda _rule, right, _call: _before_json(_BYTE_ORDER_MARK, right),
    "php_notice": lambda _rule, right, _call: _before_json(_NOTICE, right),
    "order_null": lambda _rule, _right, _call: json_reply({"order": None}),
    "success_without_order": lambda _rule, _right, _call: json_reply({"status": "success"}),
    "id_as_string": lambda _rule, right, _call: _with_order_as("d", right),
    "id_as_hex": lambda _rule, right, _call: _with_order_as("024x", right),
}
