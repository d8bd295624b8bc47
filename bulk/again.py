"""PURE: the commands that a person gives once more, or next, with what they asked for this time."""

from decimal import Decimal
from typing import Any

from bulk.options import Options
from smmplus.commands import Value, command


def again(name: str, options: Options, **changed: Value) -> str:
    """Write `smmplus run`, `check` or `status` on the same sheet as it was asked for, with changes."""
    said = (
        _reading(options) | (_placing(options) if name != "status" else {}) | (_pace(options) if name == "run" else {})
    )
    words: Any = said | changed  # not `windows`, which is no option
    return command(name, str(options.path), account=options.account, **words)


def _reading(options: Options) -> dict[str, Value]:
    return {
        "campaign": options.campaign,
        "sheet": options.sheet,
        "encoding": options.encoding,
        "locale": options.locale,
        "map": [f"{header}={field}" for header, field in options.headers],
        "include_hidden": options.hidden == "include",
        "visible_only": options.hidden == "skip",
    }


def _placing(options: Options) -> dict[str, Value]:
    return {
        "allow_duplicates": options.allow_duplicates,
        "adopt": options.adopt,
        "ignore_missing": options.ignore_missing,
        "not_placed_since_backup": options.not_placed_since_backup,
        "retry_refused": options.retry_refused,
        "max_spend": _written(options.max_spend),
        "first": _written(options.first),
        "expect_rows": _written(options.expect_rows),
        "expect_total": _written(options.expect_total),
        "expect_fingerprint": options.expect_fingerprint,
    }


def _pace(options: Options) -> dict[str, Value]:
    usual = Options(options.path)
    names = ("rate", "in_flight", "wait", "poll")
    changed = {name: getattr(options, name) for name in names if getattr(options, name) != getattr(usual, name)}
    said: dict[str, Value] = {name: f"{value:g}" for name, value in changed.items()}
    return said | {"skip_bad": options.skip_bad, "no_colours": not options.colours}


def _written(value: Decimal | int | None) -> str | None:
    return None if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
