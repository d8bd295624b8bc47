"""Faults by script: which one applies to a call, and what it does to the answer."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from smmplus.sandbox.fault_rules import Rule
from smmplus.sandbox.wire import HTML, Call, Reply, dump, json_reply


class Ending(StrEnum):
    """How the connection ends."""

    ANSWER = "answer"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Surplus:
    """An answer that nobody asked for, `seconds` before or after the right one."""

    reply: Reply
    seconds: float
    before: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller gets: after `delay` seconds a reply, or the end of the connection."""

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
        """Give the rules that apply to a call, at most one besides latencies, and count it."""
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
    """Let a call suffer the rules that apply to it.

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


# Whatever a call has asked for, what it would believe of this is not so: no order, refill or balance is of this kind.
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
