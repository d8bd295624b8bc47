"""Every way of failing that the sandbox knows, together at 2 % of the calls."""

import random
from typing import Any

Rule = dict[str, Any]

SHARE = 0.02
"""How many of the calls suffer a fault."""

_BEFORE_AND_AFTER = ("http_502", "html", "empty", "order_null", "success_without_order")
_CONNECTION = ("drop_before_accept", "drop_after_accept", "hang_before_accept", "hang_after_accept")
_ALWAYS = ("truncated_json", "translated", "echo_key", "429", "bom", "php_notice", "id_as_string", "id_as_hex")

_SURPLUS = (("doubled", 200), *((moment, status) for moment in ("before", "after") for status in (200, 408, 429)))
"""Answers that belong to no call, besides the right one."""

_TEXTS = (
    ("Order could not be created", 200),
    ("Bad link", 200),
    ("Bad link", 422),
    ("An identical order was just placed", 200),
    ("Rate limit exceeded", 200),
    ("Your account is processing another transaction", 200),
    ("This panel is temporarily unavailable", 403),
)
"""Refusals of each meaning that lets a run go on."""

_STOPPING = ("Not enough funds on balance", "Incorrect request")
"""Refusals that stop a run: each strikes once."""


def rules(orders: int, dice: random.Random, *, time_outs: int = 0) -> list[Rule]:
    """Give a fault script. `time_outs` are calls that are never answered, so that the client's own patience ends."""
    made: list[Rule] = [{"fault": fault, "after_accept": after} for fault in _BEFORE_AND_AFTER for after in (0, 1)]
    made = [rule | {"after_accept": bool(rule["after_accept"])} for rule in made]
    made += [{"fault": fault, "reset": reset} for fault in _CONNECTION for reset in (False, True)]
    made = [rule | {"seconds": 0.5} if rule["fault"].startswith("hang") else rule for rule in made]
    made += [{"fault": fault} for fault in _ALWAYS]
    made += [{"fault": "surplus_answer", "moment": moment, "status": status} for moment, status in _SURPLUS]
    made += [
        {"fault": "429", "retry_after": 1},
        {"fault": "maintenance", "retry_after": 1},
        {"fault": "latency", "seconds": 0.5},
    ]
    made += [{"fault": "refuse", "text": text, "status": status} for text, status in _TEXTS]
    made = [rule | {"rate": SHARE / len(made)} for rule in made]
    once = [{"fault": "refuse", "text": text} for text in _STOPPING]
    once += [{"fault": "hang_after_accept"}] * time_outs
    # Those that strike once stand first: of several rules that hit a call the first one counts.
    return [rule | {"action": "add", "calls": [dice.randint(1, orders)]} for rule in once] + made


def name_of(rule: Rule) -> str:
    """Name a rule as the report shows it."""
    words = [rule["fault"], *(f"{rule[name]}" for name in ("text", "moment", "status") if name in rule)]
    words += ["after acceptance"] if rule.get("after_accept") else []
    words += ["reset"] if rule.get("reset") else []
    words += ["with Retry-After"] if "retry_after" in rule else []
    words += ["never answered"] if rule["fault"].startswith("hang") and "seconds" not in rule else []
    return ", ".join(words)


def dice_of(seed: int) -> random.Random:
    """Give the source of every moment and every fault that is drawn."""
    return random.Random(seed)  # noqa: S311 (repeatable, and no secret)
