"""The report as a workbook, with charts that Excel and LibreOffice draw themselves from the cells next to them."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from bulk.files.atomic_write import write_atomically
from bulk.model.cell_address import column_letter
from bulk.model.errors import SheetError
from bulk.report.contents import STANDINGS, Report
from bulk.report.figures import Group, Money, delivered_of, expected_of, refund_of, standing_of, units_of
from bulk.report.orders import ReportedOrder
from bulk.writing.result_cells import clean
from smmplus.commands import local_time
from smmplus.orders.decimals import plain, total
from smmplus.texts import _

Value = str | int | Decimal | None

_BOLD = Font(name="Calibri", size=11, bold=True)
_TITLE = Font(name="Calibri", size=16, bold=True)
_RIGHT = Alignment(horizontal="right")
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_AMOUNT = "#,##0.00######"
_EXACT_DIGITS = 15
"""The digits that a number in a cell keeps. An amount with more is written as text."""
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_COLOURS = ("1D8A55", "8FB4D9", "D97A1E", "B3261E")
"""Of what is delivered, open, not delivered and in doubt, as on the page."""
MOST_ROWS = 100_000
"""Orders in a workbook: more take a gigabyte of memory."""
_IN_A_CHART = 25
"""Services or campaigns in a chart: more cannot be read."""


def write_workbook(report: Report, path: Path, *, force: bool = False) -> None:
    """Write the workbook. A file that is there is only overwritten with `force`.

    :raises SheetError: if the file is there or cannot be written, or if its name does not end in .xlsx.
    """
    if path.suffix.casefold() != ".xlsx":
        raise SheetError(_("{path}: workbooks need a name that ends in .xlsx", path=path))
    if path.exists() and not force:
        raise SheetError(_("{path} exists already. Use another name, or overwrite it with --force", path=path))
    book = make_workbook(report)

    def write(out: BinaryIO) -> None:
        book.save(out)

    write_atomically(path, write, mode_of=path if path.exists() else None)


def make_workbook(report: Report) -> Workbook:
    """Return the workbook: a summary, services, campaigns, the timeline and all orders."""
    book, figures = Workbook(), report.figures
    _summary(book.worksheets[0], report)
    services = [(report.service_label(each.name), each) for each in figures.services]
    _groups(book.create_sheet(_("Services")), _("service"), services)
    campaigns = [(f"{each.name} ({each.account})", each) for each in figures.campaigns]
    _groups(book.create_sheet(_("Campaigns")), _("campaign"), campaigns)
    _timeline(book.create_sheet(_("Timeline")), report)
    _orders(book.create_sheet(_("Orders")), report)
    for page in book.worksheets:
        page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
        page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return book


def _put(page: Worksheet, row: int, values: Iterable[Value], font: Font | None = None) -> None:
    """Write a row of cells."""
    for column, value in enumerate(values, start=1):
        cell = page.cell(row, column)
        if value is not None and isinstance(cell, Cell):
            _set(cell, value)
            if font is not None:
                cell.font = font


def _set(cell: Cell, value: str | int | Decimal) -> None:
    """Write a cell. A foreign text stays a text, also if it looks like a formula."""
    is_long = isinstance(value, Decimal) and len(re.sub(r"[-.]", "", plain(value)).strip("0")) > _EXACT_DIGITS
    if isinstance(value, str) or is_long:
        text = value if isinstance(value, str) else plain(Decimal(value))
        cell.value, cell.data_type = _ESCAPE_LIKE.sub("_x005F_", clean(text)), "s"
    else:
        cell.value = value
        cell.number_format = _AMOUNT if isinstance(value, Decimal) else "#,##0"


def _heads(page: Worksheet, row: int, names: Iterable[str]) -> None:
    """Write headings above rows that are there; those of numbers are flush right, as numbers are."""
    _put(page, row, names, _BOLD)
    for head, below in zip(page[row], page[row + 1], strict=True):
        if isinstance(below.value, int | Decimal):
            head.alignment = _RIGHT


def _widths(page: Worksheet, *widths: int) -> None:
    for at, width in enumerate(widths):
        page.column_dimensions[column_letter(at)].width = width


def _summary(page: Worksheet, report: Report) -> None:
    page.title = _("Summary")
    _widths(page, 22, *[16] * 8)
    _put(page, 1, [_("Report: {title}", title=report.title)], _TITLE)
    _put(page, 2, [" · ".join(filter(None, [report.period, *report.requests, _as_of(report)]))])
    row = _attention(page, 4, report)
    _put(page, row, [_("Money")], _BOLD)
    names = [_("ordered"), _("charged"), _("refunded"), _("not reported yet"), _("in doubt"), _("difference")]
    for at, each in enumerate(report.figures.money, start=row + 2):
        _put(page, at, [each.currency, *_sums(each)])
    _heads(page, row + 1, [_("currency"), *names])
    last = row + 1 + len(report.figures.money)
    for at, (standing, count) in enumerate(report.figures.standings.items(), start=last + 3):
        _put(page, at, [_(STANDINGS[standing]), count])
    _heads(page, last + 2, [_("status"), _("orders")])
    below = last + 4 + len(report.figures.standings)
    for at in range(len(report.figures.money)):
        _money_chart(page, row + 1, row + 2 + at, f"A{below + 16 * at}")


def _as_of(report: Report) -> str:
    return _("as of {time}", time=local_time(report.made_at))


def _attention(page: Worksheet, row: int, report: Report) -> int:
    """Write what needs attention, and return the row after it."""
    _put(page, row, [_("Needs attention")], _BOLD)
    lines = [(each.words, each.command) for each in report.attention] or [(_("Nothing needs attention."), "")]
    for at, (words, command) in enumerate(lines, start=row + 1):
        _put(page, at, [words, *[None] * 6, command])
        page.merge_cells(start_row=at, end_row=at, start_column=1, end_column=7)
        page.cell(at, 1).alignment = _WRAPPED
        page.row_dimensions[at].height = 15 * (1 + len(words) // 110)
    return row + len(lines) + 2


def _sums(each: Money) -> list[Decimal]:
    doubt = total((each.in_doubt, each.sending))
    return [each.ordered, each.charged, each.refunded, each.unreported, doubt, each.difference]


def _money_chart(page: Worksheet, heads: int, row: int, anchor: str) -> None:
    """Draw the sums of one currency: two are never in one chart."""
    chart = _bars(str(page.cell(row, 1).value or ""))
    chart.type = "bar"
    chart.add_data(Reference(page, min_col=2, max_col=6, min_row=row), from_rows=True, titles_from_data=False)
    chart.set_categories(Reference(page, min_col=2, max_col=6, min_row=heads))
    chart.legend = None
    _from_top(chart)
    page.add_chart(chart, anchor)


def _bars(title: str) -> BarChart:
    chart = BarChart()
    chart.title = title or None
    chart.width, chart.height, chart.gapWidth = 24, 7.5, 60
    chart.x_axis.delete = chart.y_axis.delete = False  # openpyxl leaves axes out by default
    return chart


def _from_top(chart: BarChart) -> None:
    """Let the first bar be at the top, and the axis below the last one."""
    chart.x_axis.scaling.orientation = "maxMin"
    chart.y_axis.crosses = "max"


def _groups(page: Worksheet, head: str, groups: Sequence[tuple[str, Group]]) -> None:
    """Write services or campaigns, with a line for each currency, and draw their delivery."""
    units = [_("delivered"), _("open"), _("not delivered"), _("in doubt"), _("surplus"), _("delivery not known")]
    amounts = [_("ordered"), _("charged"), _("refunded"), _("not reported yet"), _("in doubt"), _("difference")]
    page.freeze_panes = "B2"
    _widths(page, 44, *[13] * 14)
    row = 2
    for name, group in groups:
        done = group.delivery
        counts = [done.delivered, done.open, done.missing, done.in_doubt, group.orders, done.surplus, done.unknown]
        _put(page, row, [name, *counts])
        for at, each in enumerate(group.money):
            _put(page, row + at, [*[None] * 8, each.currency, *_sums(each)])
        row += max(1, len(group.money))
    _heads(page, 1, [head, *units[:4], _("orders"), *units[4:], _("currency"), *amounts])
    _delivery_chart(page, min(row - 1, 1 + _IN_A_CHART), f"A{row + 2}")


def _delivery_chart(page: Worksheet, last: int, anchor: str) -> None:
    if last < 2:
        return
    chart = _bars(_("Delivery"))
    chart.type, chart.grouping, chart.overlap = "bar", "percentStacked", 100
    chart.height = 4 + 0.8 * last
    chart.add_data(Reference(page, min_col=2, max_col=5, min_row=1, max_row=last), titles_from_data=True)
    chart.set_categories(Reference(page, min_col=1, min_row=2, max_row=last))
    _from_top(chart)
    chart.y_axis.number_format = "0%"
    for series, colour in zip(chart.series, _COLOURS, strict=True):
        series.graphicalProperties.solidFill = colour
    page.add_chart(chart, anchor)


def _timeline(page: Worksheet, report: Report) -> None:
    periods = report.figures.timeline
    currencies = sorted({currency for each in periods for currency in each.ordered})
    page.freeze_panes = "A2"
    _widths(page, 12, 12, 10, 10, *[16] * len(currencies))
    for row, each in enumerate(periods, start=2):
        amounts = (each.ordered.get(currency) for currency in currencies)
        _put(page, row, [each.begins.isoformat(), each.ends.isoformat(), each.sent, each.finished, *amounts])
    amounts_of = (_("ordered, {currency}", currency=name) for name in currencies)
    _heads(page, 1, [_("from"), _("to"), _("sent"), _("finished"), *amounts_of])
    if periods:
        chart, last = _bars(_("Orders over time")), 1 + len(periods)
        chart.add_data(Reference(page, min_col=3, max_col=4, min_row=1, max_row=last), titles_from_data=True)
        chart.set_categories(Reference(page, min_col=1, min_row=2, max_row=last))
        for series, colour in zip(chart.series, (_COLOURS[1], "5B6470"), strict=True):
            series.graphicalProperties.solidFill = colour
        page.add_chart(chart, f"{column_letter(5 + len(currencies))}2")


def _orders(page: Worksheet, report: Report) -> None:
    """Write all orders as a table, which can be filtered and sorted."""
    heads = [
        *(_("state"), _("status"), _("order"), _("sent"), _("account"), _("campaign"), _("service"), _("link")),
        *(_("units"), _("delivered"), _("expected"), _("currency"), _("charge"), _("currency of charge")),
        *(_("refunded"), _("start count"), _("remains"), _("error"), _("key")),
    ]
    page.freeze_panes = "A2"
    _widths(page, 20, 14, 12, 24, 12, 18, 30, 50, 10, 10, 12, 10, 12, 10, 12, 12, 10, 40, 22)
    shown = report.orders[:MOST_ROWS]
    for row, each in enumerate(shown, start=2):
        _put(page, row, _cells(each, report))
    _heads(page, 1, heads)
    if left := len(report.orders) - len(shown):
        _put(page, 3 + len(shown), [_("… and {count} more (--json shows all)", count=left)])
    if shown:
        table = Table(displayName="Orders", ref=f"A1:{column_letter(len(heads) - 1)}{1 + len(shown)}")
        table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=True)
        page.add_table(table)


def _cells(order: ReportedOrder, report: Report) -> list[Value]:
    entry, values = order.entry, order.request.values
    return [
        *(_(STANDINGS[standing_of(order)]), entry.order_status, entry.order_id or ""),
        *(local_time(entry.sent_at) if entry.sent_at else "", entry.account, entry.campaign),
        *(report.service_label(order.request.service), values.get("link") or values.get("username", "")),
        *(units_of(order.request), delivered_of(order), expected_of(order), order.currency, entry.charge),
        "" if entry.charge is None else order.charge_currency,
        refund_of(order) or None,
        *(entry.start_count or "", entry.remains or "", entry.error, entry.key),
    ]
