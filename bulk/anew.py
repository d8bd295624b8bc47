"""PURE: what is said of rows that are ordered anew, because another campaign holds equal orders."""

from collections.abc import Collection
from datetime import datetime

from smmplus.journal.entry import Entry


def said_of_repeats(repeats: Collection[Entry], rows: int, now: str) -> str:
    """Say which campaigns hold equal orders, how many and since when; "" where none does. Times are in ISO 8601."""
    if not repeats:
        return ""
    latest = sorted(repeats, key=lambda entry: entry.sent_at or "", reverse=True)
    names = list(dict.fromkeys(entry.campaign for entry in latest))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    equal = "equals an order" if len(repeats) == 1 else "equal orders"
    return (
        f"{len(repeats)} of {rows} {'row' if rows == 1 else 'rows'} {equal} of campaign {names[0]!r}{more}, placed "
        f"{ago(latest[0].sent_at or now, now)}: they would be ordered once more"
    )


def ago(then: str, now: str) -> str:
    """Say how long ago a time was: "5 minutes ago"."""
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "less than a minute ago"
