"""`smmplus report`: what became of the orders of a sheet, a campaign or a period."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import print_json, report_object
from bulk.cli.order_statuses import no_campaign
from bulk.cli.tables import MOST_SECOND_THOUGHTS, WARNING, align_decimals, console, table
from bulk.files import kept_services
from bulk.files.account_settings import account_named, default_account, url_of
from bulk.model.errors import SheetError
from bulk.model.fields import HeaderNames
from bulk.model.options import Hidden, Options, original_stem
from bulk.report.attention import Attention
from bulk.report.contents import STANDINGS, Report, make_report
from bulk.report.figures import Group, Money
from bulk.report.orders import ReportedOrder, Scope, in_period, read_orders, with_details
from bulk.report.page import write_page
from bulk.running.write_from_journal import find_orders
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from smmplus.journal.journal import Journal
from smmplus.journal.queries import campaigns_named
from smmplus.orders.decimals import money, total
from smmplus.texts import _, counted

SheetFile = Annotated[
    Path | None,
    typer.Argument(
        help="A sheet: only the orders of its rows.", metavar="FILE", exists=True, dir_okay=False, show_default=False
    ),
]
Campaigns = Annotated[
    list[str] | None,
    typer.Option(
        "--campaign",
        help="Only the orders of this campaign; may be repeated. With a sheet: the campaign that it was placed under.",
        metavar="NAME",
        rich_help_panel="Input",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", help="Only orders sent on this day or later: 2026-11-30.", metavar="DATE", rich_help_panel="Input"
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Only orders sent on this day or earlier.", metavar="DATE", rich_help_panel="Input"),
]
Account = Annotated[
    str,
    typer.Option(
        "--account",
        help="Only the orders of this account. By default, those of all accounts; of a sheet, the default account.",
        metavar="NAME",
        rich_help_panel="Input",
        show_default=False,
    ),
]


@failing
def report(
    file: SheetFile = None,
    campaign: Campaigns = None,
    since: Since = None,
    until: Until = None,
    account: Account = "",
    *,
    sheet: given.Sheet = None,
    encoding: given.Encoding = None,
    locale: given.Locale = None,
    header_map: given.Map = None,
    use_hyperlinks: given.UseHyperlinks = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            help="Write the page here. By default NAME.report.html, next to the sheet; with --json, no page.",
            metavar="FILE",
            rich_help_panel="Output",
        ),
    ] = None,
    xlsx: Annotated[
        Path | None,
        typer.Option(
            "--xlsx", help="Also write a workbook with charts and all orders.", metavar="FILE", rich_help_panel="Output"
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite existing files; the page of an earlier report is replaced anyway.",
            rich_help_panel="Output",
        ),
    ] = False,
    as_json: given.AsJson = False,
) -> None:
    """Report what orders cost and delivered.

    Of a sheet, of campaigns, of a period, or of all orders; with what needs attention first. It shows what the journal
    knows, and does not ask the panel: smmplus status does.
    """
    days = _day(since, "--since"), _day(until, "--until")
    name = account_named(account) if account else default_account(os.environ) if file else ""
    scope = Scope(name, tuple(campaign or ()), str(file or ""), *days)
    how = {"sheet": sheet, "encoding": encoding, "locale": locale, "use_hyperlinks": use_hyperlinks}
    options = _options(file, scope, given.headers(header_map), how)
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        orders, unmatched = _of_sheet(journal, options, scope) if options else (_of_journal(journal, scope), [])
    made = make_report(orders, scope, datetime.now(UTC), unmatched, _service_names(orders))
    written = _write(made, html or (None if as_json else _page_of(file, scope)), xlsx, force=force)
    if as_json:
        print_json(report_object(made) | {"written": written})
        return
    show_report(console(), made)
    for path in written:
        console().print(Text(_("Wrote {path}", path=path)), soft_wrap=True)


def _write(made: Report, page: Path | None, workbook: Path | None, *, force: bool) -> list[str]:
    """Write what is wanted, and return the paths."""
    if page:
        write_page(made, page, force=force)
    if workbook:
        from bulk.report.workbook import write_workbook  # noqa: PLC0415 (openpyxl takes a while)

        write_workbook(made, workbook, force=force)
    return [str(path) for path in (page, workbook) if path]


def _page_of(file: Path | None, scope: Scope) -> Path:
    """Return where the page of a report is by default: next to the sheet, or in the current folder."""
    if file is not None:
        return file.with_name(f"{original_stem(file.stem)}.report.html")
    name = re.sub(r"[^\w.-]+", "-", scope.campaigns[0]).strip("-.")[:100] if len(scope.campaigns) == 1 else ""
    return Path(f"{name or 'smmplus'}.report.html")


def _service_names(orders: Sequence[ReportedOrder]) -> dict[str, str]:
    """Return the names of services in the price lists that `smmplus services` kept, if it did.

    A service that has two names, of two accounts, has none here.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for account in sorted({account_named(each.entry.account) for each in orders}):
        with suppress(SheetError, ConfigurationError):
            kept = kept_services.read(kept_services.path_of(account, url_of(account, os.environ)))
            for service in kept.services.values() if kept else ():
                names[service.id].add(service.name)
    return {service: found.pop() for service, found in names.items() if len(found) == 1}


def _options(file: Path | None, scope: Scope, headers: HeaderNames, how: Mapping[str, Any]) -> Options | None:
    """Return how a sheet is read; ConfigurationError names an option that has no effect."""
    if file is None:
        for option in [*(name for name, value in how.items() if value), *(["map"] if headers else [])]:
            raise ConfigurationError(_("{option} needs a sheet", option=f"--{option.replace('_', '-')}"))
        return None
    if len(scope.campaigns) > 1:
        raise ConfigurationError(_("A sheet has one campaign: pass --campaign once"))
    campaign = scope.campaigns[0] if scope.campaigns else None
    hidden: Hidden = "include" if file.suffix.casefold() in {".xlsx", ".xlsm"} else "refuse"
    return Options(file, account=scope.account, campaign=campaign, hidden=hidden, headers=headers, **how)


def _day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        words = _("{option} {day!r} is not a valid day: write 2026-11-30", option=option, day=text)
        raise ConfigurationError(words) from None


def _of_journal(journal: Journal, scope: Scope) -> list[ReportedOrder]:
    """Read the orders of campaigns, or of all campaigns."""
    account_id = journal.ensure_account(url_of(scope.account, os.environ), scope.account) if scope.account else None
    return read_orders(journal, scope, account_id, _campaign_ids(journal, scope, account_id))


def _campaign_ids(journal: Journal, scope: Scope, account_id: int | None) -> list[int] | None:
    if not scope.campaigns:
        return None
    found: list[int] = []
    with journal.reading() as connection:
        for name in scope.campaigns:
            ids = campaigns_named(connection, account_id, name)
            if not ids:
                raise no_campaign(name)
            found += ids
    return found


def _of_sheet(journal: Journal, options: Options, scope: Scope) -> tuple[list[ReportedOrder], list[Attention]]:
    """Read the orders of a sheet's rows, and find rows and orders of its campaign that have none of the other."""
    sheet, matching = find_orders(options, url_of(scope.account, os.environ), journal)
    found = with_details(journal, in_period(matching.entries.values(), scope))
    bare, attention = len(sheet.rows) - len(matching.entries), []
    if bare:
        words = _("{rows} of the sheet without an order in the journal.", rows=counted(bare, "row"))
        attention.append(Attention("row_without_order", 0, words))
    account_id = journal.ensure_account(url_of(scope.account, os.environ), scope.account)
    whole = Scope(scope.account, (options.campaign_name,), "", scope.since, scope.until)
    with_row = {entry.id for entry in matching.entries.values()}
    ids = _campaign_ids(journal, whole, account_id)
    others = [each for each in read_orders(journal, whole, account_id, ids) if each.entry.id not in with_row]
    if others:
        words = _(
            "{orders} of campaign {campaign!r} without a row in this sheet. They are not in this report.",
            orders=counted(len(others), "order"),
            campaign=options.campaign_name,
        )
        shown = command("report", account=scope.account, campaign=options.campaign_name)
        attention.append(Attention("order_without_row", len(others), words, shown))
    return found, attention


def show_report(out: Console, made: Report) -> None:
    """Show a report in short."""
    figures = made.figures
    words = _("{title}: {orders}", title=made.title, orders=counted(len(made.orders), "order"))
    out.print(Text(f"{words} ({made.period})" if made.period else words, "bold"), soft_wrap=True)
    for each in made.attention:
        style = "red" if each.urgent else WARNING
        out.print(Text(each.words, style), soft_wrap=True)
        if each.command:
            out.print(Text(f"  {each.command}", style), soft_wrap=True)
    if not made.orders:
        return
    states = (f"{count} {_(STANDINGS[standing])}" for standing, count in figures.standings.items())
    out.print(Text(", ".join(states)), soft_wrap=True)
    _show_money(out, figures.money)
    _show_groups(out, _("service"), figures.services, made.service_label)
    if len(figures.campaigns) > 1:
        _show_groups(out, _("campaign"), figures.campaigns, str)


def _show_money(out: Console, found: Sequence[Money]) -> None:
    heads = (_("ordered"), _("charged"), _("refunded"), _("not reported yet"), _("in doubt"), _("difference"))
    shown = table(*heads, _("currency"), right=heads)
    for each in found:
        doubt = total((each.in_doubt, each.sending))
        amounts = (each.ordered, each.charged, each.refunded, each.unreported, doubt, each.difference)
        shown.add_row(*align_decimals(amounts), Text(each.currency))
    if found:
        out.print(shown)


def _show_groups(out: Console, head: str, groups: Sequence[Group], label: Callable[[str], str]) -> None:
    """Show services or campaigns; kinds of units that none of them has are left out."""
    every = [
        (_("ordered"), [each.delivery.ordered for each in groups]),
        (_("delivered"), [each.delivery.delivered for each in groups]),
        (_("open"), [each.delivery.open for each in groups]),
        (_("not delivered"), [each.delivery.missing for each in groups]),
        (_("in doubt"), [each.delivery.in_doubt for each in groups]),
        (_("surplus"), [each.delivery.surplus for each in groups]),
    ]
    columns = [(name, units) for at, (name, units) in enumerate(every) if at < _ALWAYS or any(units)]
    names = [_("orders"), *(name for name, _units in columns), _("cost")]
    shown = table(head, *names, right=names, wrap=(head,))
    for at, each in enumerate(groups[:MOST_SECOND_THOUGHTS]):
        cost = ", ".join(money(part.ordered, part.currency) for part in each.money)
        counts = (str(each.orders), *(str(units[at]) for _name, units in columns))
        shown.add_row(Text(label(each.name)), *counts, Text(cost))
    out.print(shown)
    if len(groups) > MOST_SECOND_THOUGHTS:
        out.print(_("… and {count} more (--json shows all)", count=len(groups) - MOST_SECOND_THOUGHTS))


_ALWAYS = 2
"""The first columns of units, which are always shown."""
