"""`smmplus resolve`: a person has the last word on what nobody can know, of one order or of many."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bulk.cli import arguments as given
from bulk.cli.failing import failing
from bulk.cli.machine import entry_object
from bulk.cli.settling import Judge, answers_of, campaign_of
from bulk.cli.show import console
from bulk.cli.show_doubts import show_settlements
from bulk.cli.watchers import asked
from smmplus.errors import ConfigurationError
from smmplus.journal.entry import Entry
from smmplus.journal.settling import Settlement, settle_all
from smmplus.journal.store import Journal


@failing
def resolve(  # noqa: PLR0917 (typer gives them by name)
    key: Annotated[
        str | None, typer.Argument(help="The order's key, as `smmplus doubts` shows it.", show_default=False)
    ] = None,
    order_id: Annotated[str | None, typer.Option("--order-id", help="It was placed: this is its number.")] = None,
    not_placed: Annotated[bool, typer.Option("--not-placed", help="It was not placed: the next run sends it.")] = False,
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="All orders in doubt of a campaign.", metavar="NAME")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option("--from", help="The sheet that `smmplus doubts --export` wrote, answered.", metavar="FILE"),
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="It is this order, though its charge does not fit.")] = False,
    why: Annotated[str, typer.Option("--why", help="How you know; kept in the journal.")] = "looked at the panel",
    encoding: given.Encoding = None,
    account: given.Account = given.DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Settle orders in doubt, after a look at the panel's own order page. Who, when and why are kept."""
    order_id = _said(key, order_id, campaign, answers, not_placed=not_placed)
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        if key is not None:
            _one(journal, account, key, order_id, why, anyway=anyway, as_json=as_json)
        elif campaign is not None:
            _many(journal, campaign_of(journal, account, campaign, why), yes=yes, as_json=as_json)
        elif answers is not None:
            settlements = answers_of(journal, answers, encoding, why, anyway=anyway)
            _many(journal, settlements, yes=yes, as_json=as_json)


def _said(
    key: str | None, order_id: str | None, campaign: str | None, answers: Path | None, *, not_placed: bool
) -> str | None:
    """Refuse what contradicts itself, and give the order id without blanks around it."""
    if [key, campaign, answers].count(None) != 2:
        raise ConfigurationError(
            "say which orders: a KEY that `smmplus doubts` shows with its account, --campaign NAME or --from FILE"
        )
    if answers is not None and (order_id is not None or not_placed):
        raise ConfigurationError("--from FILE has the answers in it: leave --order-id and --not-placed out")
    if campaign is not None and (order_id is not None or not not_placed):
        raise ConfigurationError("--campaign NAME settles all of its orders in doubt: say --not-placed with it")
    if key is not None and (order_id is None) == (not not_placed):
        raise ConfigurationError("say either --order-id NUMBER or --not-placed")
    order_id = None if order_id is None else order_id.strip()
    if order_id == "":
        raise ConfigurationError("--order-id is empty: write the number that the panel shows")
    return order_id


def _one(
    journal: Journal, account: str, key: str, order_id: str | None, why: str, *, anyway: bool, as_json: bool
) -> None:
    judge = Judge.of(journal, account, anyway=anyway)
    entry = journal.find(judge.account_id, key)
    remarks = [] if order_id is None else judge.settle_one(entry, order_id)
    settle_all(journal, [Settlement(entry, order_id, "; ".join([why, *remarks]))])
    for remark in [] if as_json else remarks:
        console(stderr=True).print(remark, style="yellow", markup=False, soft_wrap=True)
    settled = journal.find(judge.account_id, key)
    words = f"{settled.name} is {f'order {settled.order_id}' if order_id else 'to be sent'}: run its sheet again"
    typer.echo(json.dumps(entry_object(settled)) if as_json else words)


def _many(journal: Journal, settlements: Sequence[Settlement], *, yes: bool, as_json: bool) -> None:
    if settlements and not as_json:
        show_settlements(console(), settlements)
    if settlements and not (yes or asked(_question(settlements))):
        raise ConfigurationError("nothing is settled: not confirmed. Without a question: --yes")
    settle_all(journal, settlements)
    if as_json:
        settled = journal.with_ids(settlement.entry.id for settlement in settlements)
        typer.echo(json.dumps({"settled": [_settled(settled[each.entry.id]) for each in settlements]}))
    else:
        typer.echo(f"{_counted(settlements)}: run the sheets again" if settlements else "no order to settle")


def _settled(entry: Entry) -> dict[str, object]:
    return {"account": entry.account, **entry_object(entry)}


def _question(settlements: Sequence[Settlement]) -> str:
    return f"Settle them ({_counted(settlements)})?"


def _counted(settlements: Sequence[Settlement]) -> str:
    """Count both answers; what was not placed is sent by the next run."""
    to_send = sum(settlement.order_id is None for settlement in settlements)
    placed = len(settlements) - to_send
    parts = [f"{placed} placed"] * bool(placed) + [f"{to_send} not placed, to be sent by the next run"] * bool(to_send)
    return ", ".join(parts)
