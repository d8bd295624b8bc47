"""The report as one HTML page, which needs nothing from elsewhere: no script, no font, no picture.

The template only lays out. Every text that it shows is made here, and it escapes all of them: names, links and the
panel's words are foreign. In addition, the page forbids the browser to run a script or to load anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from jinja2 import Environment, StrictUndefined

from bulk.files.atomic_write import write_atomically
from bulk.model.errors import SheetError
from bulk.report.contents import STANDINGS, Report
from bulk.report.figures import (
    Delivery,
    Group,
    Money,
    Period,
    delivered_of,
    expected_of,
    refund_of,
    standing_of,
    units_of,
)
from bulk.report.orders import ReportedOrder
from smmplus.commands import local_time
from smmplus.orders.decimals import money, total
from smmplus.texts import _, counted, language

_MARK = b"<!doctype html>\n<!-- smmplus report -->"

MOST_ROWS = 5_000
"""Orders in the list of a page: with more, a browser is slow. The workbook and `--json` have all."""
MOST_GROUPS = 40
"""Services, or campaigns, that are shown one by one."""
MOST_OPTIONS = 200
"""Services, or campaigns, that the list can be filtered by."""

View = dict[str, Any]
Name = TypeVar("Name")


def write_page(report: Report, path: Path, *, force: bool = False) -> None:
    """Write the page. An earlier report is replaced, any other file only with `force`.

    :raises SheetError: if the file is not a report, or cannot be written.
    """
    if not (force or _may_be_replaced(path)):
        raise SheetError(_("{path} exists already. Use another name, or overwrite it with --force", path=path))
    made = render(report).encode("utf-8", errors="replace")

    def write(out: BinaryIO) -> None:
        out.write(made)

    write_atomically(path, write, mode_of=path if path.exists() else None)


def _may_be_replaced(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except FileNotFoundError:
        return True
    except OSError:
        return False


def render(report: Report) -> str:
    """Return the page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = files("bulk.report").joinpath("page.html.j2").read_text("utf-8")
    return environment.from_string(source).render(_view(report))


def _view(report: Report) -> View:
    figures = report.figures
    of_campaigns = _groups(_("Delivery by campaign"), figures.campaigns, _campaign_name(report))
    return {
        "language": "id" if language().lower().startswith("id") else "en",
        "title": _("Report: {title}", title=report.title),
        "subtitle": _subtitle(report),
        "words": {
            "attention": _("Needs attention"),
            "nothing": _("Nothing needs attention."),
            "money": _("Money"),
            "as_table": _("As a table"),
            "orders": _("Orders"),
            "all": _("all"),
        },
        "attention": report.attention,
        "money": [_money(each) for each in figures.money],
        "delivery": [
            _groups(_("Delivery by service"), figures.services, lambda each: report.service_label(each.name)),
            *([of_campaigns] if len(figures.campaigns) > 1 else []),
        ]
        if report.orders
        else [],
        "timeline": _timeline(figures.timeline),
        **_orders(report),
    }


def _subtitle(report: Report) -> str:
    parts = [counted(len(report.orders), "order"), report.period]
    if report.scope.account and report.title != report.scope.account:
        parts.append(_("account {account}", account=report.scope.account))
    return " · ".join(filter(None, [*parts, *report.requests, _("as of {time}", time=local_time(report.made_at))]))


def _money(sums: Money) -> View:
    doubt = total((sums.in_doubt, sums.sending))
    named = [
        (_("ordered"), sums.ordered),
        (_("charged"), sums.charged),
        (_("refunded"), sums.refunded),
        (_("not reported yet"), sums.unreported),
        (_("in doubt"), doubt),
        *([(_("difference"), sums.difference)] if sums.difference else []),
    ]
    pieces = [
        ("is-delivered", _("charged"), sums.charged),
        ("is-open", _("not reported yet"), sums.unreported),
        ("is-missing", _("refunded"), sums.refunded),
        ("is-doubt", _("in doubt"), doubt),
    ]
    return {
        "sums": [(name, money(amount, sums.currency)) for name, amount in named],
        "bar": _bar([(kind, amount) for kind, _name, amount in pieces], ""),
        "legend": [{"kind": kind, "words": name} for kind, name, _amount in pieces],
    }


def _bar(pieces: Sequence[tuple[str, Decimal | int]], words: str) -> View:
    """Return the pieces of a bar that is 1000 wide; amounts below 0 have none."""
    sizes = [(kind, max(Decimal(0), Decimal(size))) for kind, size in pieces]
    whole, at, drawn = sum(size for _kind, size in sizes), Decimal(0), []
    for kind, size in sizes:
        if size:
            start, at = at, at + size
            x = round(1000 * start / whole)
            drawn.append({"kind": kind, "x": x, "width": max(1, round(1000 * at / whole) - x)})
    return {"pieces": drawn, "words": words}


def _groups(title: str, groups: Sequence[Group], name_of: Callable[[Group], str]) -> View:
    left = len(groups) - MOST_GROUPS
    return {
        "title": title,
        "legend": [{"kind": kind, "words": name} for kind, name, _units in _pieces(Delivery())],
        "groups": [_group(each, name_of(each)) for each in groups[:MOST_GROUPS]],
        "more": _("… and {count} more (--json shows all)", count=left) if left > 0 else "",
    }


def _pieces(done: Delivery) -> list[tuple[str, str, int]]:
    return [
        ("is-delivered", _("delivered"), done.delivered),
        ("is-open", _("open"), done.open),
        ("is-missing", _("not delivered"), done.missing),
        ("is-doubt", _("in doubt"), done.in_doubt),
    ]


def _group(group: Group, name: str) -> View:
    done, pieces = group.delivery, _pieces(group.delivery)
    words = _("{delivered} of {ordered} delivered", delivered=spaced(done.delivered), ordered=spaced(done.ordered))
    parts = [words] if done.ordered else []
    parts += [f"{spaced(units)} {name}" for kind, name, units in pieces if units and kind != "is-delivered"]
    if done.surplus:
        parts.append(_("{units} more than ordered", units=spaced(done.surplus)))
    if done.unknown:
        parts.append(_("delivery of {orders} not known", orders=counted(done.unknown, "order")))
    cost = ", ".join(money(each.ordered, each.currency) for each in group.money)
    return {
        "name": name,
        "orders": " · ".join(filter(None, [counted(group.orders, "order"), cost])),
        "bar": _bar([(kind, units) for kind, _name, units in pieces], words),
        "words": ", ".join(parts) or _("nothing was placed"),
    }


def spaced(number: int) -> str:
    """Return a number in groups of three digits with narrow spaces, which no language takes for a decimal sign."""
    return f"{number:,}".replace(",", "\u202f")


def _campaign_name(report: Report) -> Callable[[Group], str]:
    several = len({each.account for each in report.figures.campaigns}) > 1
    return lambda each: f"{each.name} ({each.account})" if several else each.name


def _timeline(periods: Sequence[Period]) -> View:
    most = max((max(each.sent, each.finished) for each in periods), default=0)
    columns = [
        {
            "kind": kind,
            "x": 100 * at + 10 + 40 * second,
            "width": 40,
            "height": round(1000 * count / most),
            "words": f"{_name_of(each)}: {count} {name}",
        }
        for at, each in enumerate(periods)
        for second, (kind, name, count) in enumerate(_columns(each))
        if count
    ]
    currencies = sorted({currency for each in periods for currency in each.ordered})
    return {
        "title": _("Orders over time"),
        "width": 100 * len(periods),
        "rem": 8 * len(periods),
        "columns": columns,
        "legend": [{"kind": kind, "words": name} for kind, name, _count in (_columns(periods[0]) if periods else [])],
        "first": _name_of(periods[0]) if periods else "",
        "last": _name_of(periods[-1]) if len(periods) > 1 else "",
        "heads": [_("period"), _("sent"), _("finished"), *currencies],
        "rows": [
            [
                _name_of(each),
                each.sent,
                each.finished,
                *(money(each.ordered[code], "") if code in each.ordered else "" for code in currencies),
            ]
            for each in periods
            if each.sent or each.finished
        ],
    }


def _columns(period: Period) -> list[tuple[str, str, int]]:
    return [("is-open", _("sent"), period.sent), ("is-finished", _("finished"), period.finished)]


def _name_of(period: Period) -> str:
    one_day = period.begins == period.ends
    return str(period.begins) if one_day else _("{since} to {until}", since=period.begins, until=period.ends)


def _orders(report: Report) -> View:
    """Return the list of orders: its headings, rows and filters."""
    shown = report.orders[:MOST_ROWS]
    services = _numbered(each.request.service for each in shown)
    campaigns = _numbered(map(_campaign_of, shown))
    left, several = len(report.orders) - len(shown), 0 if len({account for account, _name in campaigns}) > 1 else 1
    filters = [
        (_("status"), {standing.value: _(STANDINGS[standing]) for standing in report.figures.standings}),
        (_("campaign"), {f"c{number}": " · ".join(name[several:]) for name, number in campaigns.items()}),
        (_("service"), {f"s{number}": report.service_label(name) for name, number in services.items()}),
    ]
    used = [(name, options) for name, options in filters if 1 < len(options) <= MOST_OPTIONS]
    return {
        "heads": _heads(with_campaign=len(campaigns) > 1),
        "rows": [
            _row(
                each,
                report,
                f"s{services[each.request.service]} c{campaigns[_campaign_of(each)]}",
                with_campaign=len(campaigns) > 1,
            )
            for each in shown
        ],
        "filters": [
            {"name": name, "options": [{"value": value, "words": words} for value, words in options.items()]}
            for name, options in used
        ],
        "filter_rules": [
            f".orders:has(option[value={value}]:checked) tbody tr:not(.{value}) {{ display: none; }}"
            for _name, options in used
            for value in options
        ],
        "more_rows": _("… and {count} more (--json shows all)", count=left) if left else "",
    }


def _campaign_of(order: ReportedOrder) -> tuple[str, str]:
    return order.entry.account, order.entry.campaign


def _numbered(names: Iterable[Name]) -> Mapping[Name, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _heads(*, with_campaign: bool) -> list[View]:
    names = [_("status"), _("order"), _("sent"), _("campaign"), _("service"), _("link"), _("delivered")]
    amounts = [_("expected"), _("charge"), _("refunded")]
    kinds = ["status", "", "wide", "wide", "wide", "link", *["number"] * 4]
    heads = [{"words": words, "kind": kind} for words, kind in zip([*names, *amounts], kinds, strict=True)]
    return heads if with_campaign else [*heads[:_CAMPAIGN], *heads[_CAMPAIGN + 1 :]]


_CAMPAIGN = 3
"""The column of the campaign, which is left out if there is only one."""


def _row(order: ReportedOrder, report: Report, classes: str, *, with_campaign: bool) -> View:
    entry, standing = order.entry, standing_of(order)
    link = order.request.values.get("link", "")
    is_address = link.lower().startswith(("https://", "http://"))
    expected, refund = expected_of(order), refund_of(order)
    cells = [
        entry.order_status,
        entry.order_id or "",
        local_time(entry.sent_at) if entry.sent_at else "",
        entry.campaign,
        report.service_label(order.request.service),
        {"words": link or order.request.values.get("username", ""), "href": link if is_address else ""},
        _progress(order),
        "" if expected is None else money(expected, order.currency),
        "" if entry.charge is None else money(entry.charge, order.charge_currency),
        money(refund, order.currency) if refund else "",
    ]
    if not with_campaign:
        del cells[_CAMPAIGN]
    return {
        "classes": f"{standing.value} {classes}",
        "standing": _(STANDINGS[standing]),
        "error": entry.error,
        "cells": cells,
    }


def _progress(order: ReportedOrder) -> str:
    units, delivered = units_of(order.request), delivered_of(order)
    if units is None:
        return ""
    return f"– / {spaced(units)}" if delivered is None else f"{spaced(delivered)} / {spaced(units)}"
