"""The HTML pages for people."""

from collections.abc import Mapping, Sequence
from html import escape

NOT_SIMULATED = (
    "live delivery: nothing is ordered anywhere, and links are not visited",
    "the rate limits of smm.plus: only those that the fault script sets",
    "moderation of comments and links",
    "posts of subscriptions: they are accepted at charge 0 and bill nothing",
    "prices, services and error texts of smm.plus: they are made up after its public documentation",
    "start counts: they are made up from the link, and earlier orders do not raise them",
    "a panel's staff: what becomes of an order is decided by its service alone",
)
_PAGE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}</html>"


def page(title: str, body: str) -> str:
    """Give a page; `body` is HTML, the title is text."""
    return _PAGE.format(title=escape(title), body=body)


def home() -> str:
    """Give the page that says what this is."""
    items = "".join(f"<li>{escape(item)}</li>" for item in NOT_SIMULATED)
    text = "<p>A simulated SMM panel for development and tests. No money moves here.</p>"
    links = "<p>API: POST /api/v2. <a href=/orders>Orders</a>, <a href=/ledger>ledger</a>.</p>"
    return page("Sandbox panel", f"{text}{links}<p>Not simulated:</p><ul>{items}</ul>")


def order(facts: Mapping[str, object]) -> str:
    """Give the page of an order."""
    rows = "".join(f"<tr><th align=left>{escape(name)}<td>{escape(_text(value))}" for name, value in facts.items())
    return page(f"Order {facts['order']}", f"<table>{rows}</table>")


def orders(found: Sequence[Mapping[str, object]], search: str) -> str:
    """Give the page that people look at for an order: the first hundred of those that were found."""
    head = "".join(f"<th align=left>{name}" for name in _COLUMNS)
    rows = "".join(
        f"<tr><td><a href=/order/{order['order']}>{order['order']}</a>"
        + "".join(f"<td>{escape(str(order[name]))}" for name in _COLUMNS[1:])
        for order in found[:100]
    )
    form = (
        f'<form><input name=search value="{escape(search)}" placeholder="order or link"> <button>Search</button></form>'
    )
    return page("Orders", f"{form}<table><tr>{head}{rows}</table>")


_COLUMNS = ("order", "service", "link", "quantity", "charge", "status", "remains", "time")


def _text(value: object) -> str:
    return ", ".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else str(value)
