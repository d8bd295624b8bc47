"""`smmplus services`: search, filter and sort the price list, and show what changed in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import print_json, service_change_object, service_object
from bulk.cli.tables import align_decimals, console, show_warnings, table
from bulk.files import kept_services
from bulk.files.kept_services import Change, KeptServices
from bulk.model.errors import SheetError
from smmplus.api.client import Client
from smmplus.commands import command, local_time
from smmplus.journal.queries import ordered_services
from smmplus.orders.decimals import plain
from smmplus.orders.models import Service
from smmplus.orders.order_types import order_type
from smmplus.texts import _, counted


class SortBy(StrEnum):
    """What services are sorted by."""

    RATE = "rate"
    NAME = "name"
    ID = "id"
    CATEGORY = "category"
    TYPE = "type"
    MIN = "min"
    MAX = "max"


@failing
def services(
    word: Annotated[str, typer.Argument(help="Only services with this word in id, name, category or type.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Only services of this type.", metavar="TYPE")] = "",
    category: Annotated[
        str, typer.Option("--category", help="Only services with this word in the category.", metavar="WORD")
    ] = "",
    refill: Annotated[bool, typer.Option("--refill", help="Only services that can be refilled.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Only services that can be canceled.")] = False,
    max_rate: Annotated[
        str | None,
        typer.Option("--max-rate", help="Only services with at most this price per 1000.", metavar="AMOUNT"),
    ] = None,
    sort: Annotated[
        SortBy | None,
        typer.Option(
            "--sort", help="Sort by this; by default as the panel does.", metavar="|".join(SortBy), show_default=False
        ),
    ] = None,
    changes: Annotated[bool, typer.Option("--changes", help="Show what changed since the last look.")] = False,
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """List the panel's services and prices.

    A service that cannot be ordered, because its fields cannot be read, is listed with the reason, whatever its price.
    With --changes: what is new, gone or different since the last look, services of your campaigns first.
    """
    wanted = Wanted(word, kind, category, given.money(max_rate, "--max-rate"), refill=refill, cancel=cancel)
    panel = given.panel_for(account)
    path = kept_services.path_of(account, panel.url)
    with Client(panel, patience=given.PATIENCE) as client:
        found = client.services()
    if changes:
        _show_changes(_look(path, found, wanted, sort, account, panel.url), account, as_json=as_json)
        return
    if found and not path.exists():
        with suppress(SheetError):  # the list itself is what was asked for
            kept_services.keep(path, found)
    _show_list(arranged(filter(wanted, found), sort), wanted, account, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which services a person wants to see."""

    word: str = ""
    type: str = ""
    category: str = ""
    max_rate: Decimal | None = None
    refill: bool = False
    cancel: bool = False

    def __call__(self, service: Service) -> bool:
        """Return whether a service is one of them. What cannot be read has no price that could be too high."""
        return (
            matches(service, self.word)
            and (not self.type or _is_of_type(service, self.type))
            and self.category.casefold() in service.category.casefold()
            and (service.refill or not self.refill)
            and (service.cancel or not self.cancel)
            and (self.max_rate is None or bool(service.unusable) or (service.rate or 0) <= self.max_rate)
        )


def matches(service: Service, word: str) -> bool:
    """Return whether a word is in what identifies a service."""
    texts = (service.id, service.name, service.category, service.type)
    return any(word.casefold() in text.casefold() for text in texts)


def _is_of_type(service: Service, name: str) -> bool:
    known = order_type(name)
    return service.type.casefold() == name.strip().casefold() if known is None else order_type(service.type) == known


def arranged(found: Iterable[Service], sort: SortBy | None) -> list[Service]:
    """Sort services: numbers by their values, and what is missing last."""
    return list(found) if sort is None else sorted(found, key=_sort_key(sort))


def _sort_key(sort: SortBy) -> Callable[[Service], Any]:
    def key(service: Service) -> Any:  # noqa: ANN401 (numbers or texts)
        value = getattr(service, sort.value)
        if sort is SortBy.ID:
            return (not value, not value.isdecimal(), int(value) if value.isdecimal() else 0, value)
        return (value is None, value.casefold() if isinstance(value, str) else value or 0)

    return key


MOST_SERVICES = 1_000
"""Services on a screen: a table of 10,000 takes half a minute."""


def _show_list(found: Sequence[Service], wanted: Wanted, account: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"services": [service_object(service) for service in found]})
        return
    every = command("services", account=account)
    if found:
        _show_services(found[:MOST_SERVICES])
        if more := len(found[MOST_SERVICES:]):
            search = command("services", "WORD", account=account)
            text = _("… and {count} more (--json shows all). To search: {command}", count=more, command=search)
            console().print(Text(text), soft_wrap=True)
    elif wanted.word:
        text = _("No services match {word!r}. To list all: {command}", word=wanted.word, command=every)
        console().print(Text(text), soft_wrap=True)
    elif wanted == Wanted():
        console().print(Text(_("The panel lists no services.")))
    else:
        console().print(Text(_("No services match. To list all: {command}", command=every)), soft_wrap=True)
    show_warnings(console(), map(_reason, (service for service in found if service.unusable)))


def _reason(service: Service) -> str:
    if service.id:
        return _("service {service} cannot be ordered: {reason}", service=service.id, reason=service.unusable)
    return _("{name!r}, which has no ID, cannot be ordered: {reason}", name=service.name, reason=service.unusable)


def _show_services(found: Sequence[Service]) -> None:
    texts, numbers = (_("id"), _("name"), _("category"), _("type")), (_("price/1000"), _("min"), _("max"))
    shown = table(*texts, *numbers, _("refill"), _("cancel"), right=numbers, wrap=texts[1:])
    for service, price in zip(found, align_decimals([service.rate for service in found]), strict=True):
        flags = (_("yes") if flag else "" for flag in (service.refill, service.cancel))
        most = "" if service.max is None else str(service.max)
        named = (service.id or "?", service.name, service.category, service.type)
        shown.add_row(*map(Text, named), price or "?", str(service.min), most, *flags)
    console().print(shown)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a person is shown of the changes, and what is kept afterwards."""

    path: Path
    kept: KeptServices | None
    now: Sequence[Service]
    changes: Sequence[Change]
    campaigns: Mapping[str, set[str]]
    """Service -> the campaigns that ordered it."""
    left_out: int
    """Changes of other services."""
    warnings: tuple[str, ...]


def _look(path: Path, now: Sequence[Service], wanted: Wanted, sort: SortBy | None, account: str, url: str) -> _Look:
    warnings: list[str] = []
    try:
        kept = kept_services.read(path)
    except SheetError as error:
        kept = None
        warnings.append(_("The list of the last look is lost, and this one is kept: {reason}", reason=error))
    if unnamed := sum(not service.id for service in now):
        warnings.append(_("Entries of the price list without an ID, which cannot be compared: {count}", count=unnamed))
    before = {} if kept is None else kept.services
    every = [] if kept is None else kept_services.changes_between(before, kept_services.by_id(now))
    shown = [each for each in every if any(map(wanted, filter(None, (each.before, each.after))))]
    if sort is not None:
        key = _sort_key(sort)
        shown.sort(key=lambda each: key(each.service))
    with given.open_journal() as journal:
        account_id = journal.ensure_account(url, account)
        with journal.reading() as connection:
            campaigns = ordered_services(connection, account_id)
    shown.sort(key=lambda each: each.service.id not in campaigns)
    return _Look(path, kept, now, shown, campaigns, len(every) - len(shown), tuple(warnings))


def _show_changes(look: _Look, account: str, *, as_json: bool) -> None:
    """Show the changes, and then keep the list: what was not shown is a change the next time, too."""
    if as_json:
        since = None if look.kept is None else look.kept.at
        shown = [service_change_object(each, look.campaigns.get(each.service.id, ())) for each in look.changes]
        print_json({"since": since, "changes": shown, "left_out": look.left_out})
    elif look.kept is None:
        again = command("services", account=account, changes=True)
        text = _("This is the first look at these services. To see later what has changed: {command}", command=again)
        console().print(Text(text), soft_wrap=True)
    else:
        _show_tables(look, look.kept.at, account)
    show_warnings(console(stderr=True), [*look.warnings, *_kept(look)])


def _kept(look: _Look) -> list[str]:
    """Keep the list as far as it was shown; return what a person must know of it."""
    if not look.now:
        return [_("The panel lists no services, which may be its error: the list of the last look stays.")]
    try:
        if look.kept is None or not look.left_out:
            kept_services.keep(look.path, look.now)
        elif look.changes:
            services = kept_services.seen(look.kept.services, look.changes)
            kept_services.keep(look.path, services.values(), look.kept.at)
    except SheetError as error:
        return [_("The list cannot be kept, and the next look shows the same changes: {reason}", reason=error)]
    return []


def _show_tables(look: _Look, at: str, account: str) -> None:
    out, since = console(), local_time(at)
    if not look.changes and look.left_out:
        out.print(Text(_("No changes of these services since {time}.", time=since)))
    elif not look.changes:
        out.print(Text(_("No changes since {time}.", time=since)))
    else:
        count = counted(len(look.changes), "service")
        out.print(Text(_("Changes since {time}: {services}", time=since, services=count), "bold"))
    ordered = [each for each in look.changes if each.service.id in look.campaigns]
    if ordered:
        out.print(Text(_("Services that account {account} ordered:", account=account)))
        _show_table(ordered, look.campaigns)
    if others := look.changes[len(ordered) :]:
        out.print(Text(_("Other services:")))
        _show_table(others, {})
    if look.left_out:
        every = command("services", account=account, changes=True)
        text = _("Changes of other services: {count}. To show all: {command}", count=look.left_out, command=every)
        out.print(Text(text), soft_wrap=True)


def _show_table(changes: Sequence[Change], campaigns: Mapping[str, set[str]]) -> None:
    heads = (_("id"), _("name"), _("change"), *([_("campaigns")] if campaigns else []))
    shown = table(*heads, wrap=heads[1:])
    for each in changes:
        names = [", ".join(sorted(campaigns[each.service.id]))] if campaigns else []
        shown.add_row(*map(Text, (each.service.id, each.service.name, "\n".join(_words(each)), *names)))
    console().print(shown)


def _words(change: Change) -> list[str]:
    """Say what changed in a service."""
    before, after = change.before, change.after
    if after is None:
        return [_("gone, was at {price}", price=_price(change.service))]
    if before is None:
        unusable = [_cannot(after)] if after.unusable else []
        return [_("new, at {price}", price=_price(after)), *unusable]
    return [_field_words(name, before, after, change.rate_percent) for name in change.fields]


def _field_words(name: str, before: Service, after: Service, percent: Decimal | None) -> str:
    if name == "unusable":
        return _cannot(after) if after.unusable else _("can be ordered again")
    if name != "rate":
        return f"{_(name)}: {_shown(name, before)} -> {_shown(name, after)}"
    prices = {"before": _price(before), "after": _price(after)}
    if percent is None:
        return _("price {before} -> {after}", **prices)
    return _("price {before} -> {after} ({percent} %)", percent=f"{percent:+.1f}", **prices)


def _cannot(service: Service) -> str:
    return _("cannot be ordered: {reason}", reason=service.unusable)


def _price(service: Service) -> str:
    return "?" if service.rate is None else plain(service.rate)


def _shown(name: str, service: Service) -> str:
    value = getattr(service, name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None:
        return _("no limit") if name == "max" else "?"
    return str(value)
