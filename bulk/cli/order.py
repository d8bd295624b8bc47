"""`smmplus order`: place one order with the journal's guarantees."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.json_output import entry_object, print_json
from bulk.cli.progress import asked
from bulk.cli.tables import console
from bulk.model.errors import ExitStatus
from smmplus.api.async_client import AsyncClient
from smmplus.api.panel import Panel
from smmplus.commands import command
from smmplus.errors import ConfigurationError, OrderHeldBackError, OrderRefusedError
from smmplus.journal.entry import Entry, key_of
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import money, plain
from smmplus.orders.models import Balance, OrderRequest
from smmplus.orders.order_types import FIELDS, cost
from smmplus.orders.validation import problems
from smmplus.placing.place_order import place_request
from smmplus.texts import _

CAMPAIGN = "single orders"
SOURCE = "smmplus order"


@failing
def order(  # noqa: PLR0917 (typer gives them by name)
    service: Annotated[str, typer.Argument(help="The service's ID.")],
    link: Annotated[str, typer.Argument(help='The link; "" for types without one.', show_default=False)] = "",
    quantity: Annotated[str, typer.Argument(help="The quantity, for types that have one.", show_default=False)] = "",
    runs: Annotated[str, typer.Option("--runs", help="Drip-feed: times to deliver the quantity.", metavar="N")] = "",
    interval: Annotated[
        str, typer.Option("--interval", help="Drip-feed: minutes between two runs.", metavar="MINUTES")
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="Another field; NAME=@FILE reads it from a file.", metavar="NAME=VALUE"),
    ] = None,
    campaign: Annotated[
        str, typer.Option("--campaign", help="Campaign whose budget it counts against.", metavar="NAME")
    ] = CAMPAIGN,
    account: given.Account = given.DEFAULT,
    max_spend: Annotated[
        str | None, typer.Option("--max-spend", help="Most that the campaign may spend in all.", metavar="AMOUNT")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Place it once more, although it was placed.")] = False,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="Send it again after an unrecognized rejection.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Place the order without asking first.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Place one order.

    Shows the cost and asks first. The same command again shows the order and places nothing, unless --again is added.
    """
    if as_json and not yes:
        raise ConfigurationError(_("--json needs --yes, because it cannot ask"))
    fields = {"link": link, "quantity": quantity, "runs": runs, "interval": interval, **_fields(field or ())}
    request = OrderRequest.of(service, fields)
    budget, panel = given.money(max_spend), given.panel_for(account)
    with given.open_journal() as journal:
        known, key = _known(journal, panel, account, campaign, request, again=again)
        if known is not None and known.state is State.PLACED and not again:
            _show(known, as_json=as_json, is_new=False)
            return
        price, held = asyncio.run(_price(panel, request))
        if not yes and not asked(_question(request, price, held, account, panel)):
            console().print(_("Cancelled. Nothing was sent."))
            raise typer.Exit(int(ExitStatus.UNFINISHED))
        placed = asyncio.run(
            _place(panel, journal, request, price, key, account, campaign, budget, retry_refused=retry_refused)
        )
    _show(placed, as_json=as_json, is_new=True)


def _fields(given_fields: Sequence[str]) -> dict[str, str]:
    """Read fields that a person typed."""
    found = {}
    for text in given_fields:
        name, equals, value = text.partition("=")
        if not equals or name not in FIELDS:
            names = ", ".join(FIELDS)
            raise ConfigurationError(
                _("--field {text!r}: write NAME=VALUE. The names are: {names}", text=text, names=names)
            )
        found[name] = _content(Path(value[1:])) if value.startswith("@") else value
    return found


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ConfigurationError(_("{path} cannot be read: {reason}", path=path, reason=why)) from error


def _known(
    journal: Journal, panel: Panel, account: str, campaign: str, request: OrderRequest, *, again: bool
) -> tuple[Entry | None, str]:
    """Return the latest of equal orders of a campaign, and the key that this command is about.

    With `again` it is a new order, unless the latest one was never placed: then that one is sent.
    """
    account_id = journal.ensure_account(panel.url, account)
    campaign_id = journal.ensure_campaign(account_id, campaign)
    nth, latest = 1, None
    while (found := journal.with_keys(campaign_id, [key_of(request, nth)])) != {}:
        (latest,) = found.values()
        nth += 1
    is_open = latest is not None and (not again or latest.state in {State.NOT_SENT, State.REJECTED})
    return latest, key_of(request, nth - 1 if is_open else nth)


async def _price(panel: Panel, request: OrderRequest) -> tuple[Decimal | None, Balance]:
    """Ask what an order costs and what the account holds. OrderRefusedError names what is wrong with the order."""
    async with AsyncClient(panel) as client:
        services = {service.id: service for service in await client.services()}
        held = await client.balance()
    service = services.get(request.service)
    wrong = problems(request, service)
    if wrong or service is None:
        words = "; ".join(f"{each.field}: {each.message} ({each.remedy})" for each in wrong)
        raise OrderRefusedError(f"{words}. {_('Nothing was sent.')}")
    return cost(request, service), held


def _question(request: OrderRequest, price: Decimal | None, held: Balance, account: str, panel: Panel) -> str:
    if price is None:
        return _(
            "Place 1 order of service {service} without an upper limit of its cost, from account {account} at {panel}?",
            service=request.service,
            account=account,
            panel=urlsplit(panel.url).netloc,
        )
    return _(
        "Place 1 order of service {service} for {cost} from account {account} at {panel}, which has {balance}?",
        service=request.service,
        cost=money(price, held.currency),
        account=account,
        panel=urlsplit(panel.url).netloc,
        balance=money(held.amount, held.currency),
    )


async def _place(
    panel: Panel,
    journal: Journal,
    request: OrderRequest,
    price: Decimal | None,
    key: str,
    account: str,
    campaign: str,
    budget: Decimal | None,
    *,
    retry_refused: bool,
) -> Entry:
    def check_cost(now: Decimal | None) -> None:
        if now != price:
            before, after = ("?" if each is None else plain(each) for each in (price, now))
            raise OrderHeldBackError(
                _(
                    "The cost changed from {before} to {after} since it was shown. Nothing was sent.",
                    before=before,
                    after=after,
                )
            )

    async with AsyncClient(panel) as client:
        return await place_request(
            client,
            journal,
            request,
            key=key,
            account=account,
            campaign=campaign,
            source=SOURCE,
            max_spend=budget,
            retry_refused=retry_refused,
            check_cost=check_cost,
        )


def _show(entry: Entry, *, as_json: bool, is_new: bool) -> None:
    if as_json:
        print_json({"placed_now": is_new, "order": entry_object(entry)})
        return
    if is_new:
        text = _("Placed as order {order}.", order=entry.order_id)
    else:
        text = _("It was placed before, as order {order}. To place it once more, add --again.", order=entry.order_id)
    follow = command("status", account=entry.account, order_id=entry.order_id)
    console().print(f"{text}\n{_('Its status: {command}', command=follow)}", markup=False, soft_wrap=True)
