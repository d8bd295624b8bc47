"""Which rows were not placed and why, and what to do next: for a screen, a log or an error."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from bulk.model.errors import ExitStatus
from bulk.model.options import DEFAULTS, OF_COMMANDS, Options
from bulk.model.surfaces import as_command
from bulk.running.result import RunResult
from smmplus.api.error_texts import Meaning
from smmplus.commands import Value, command
from smmplus.journal.entry import Entry
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain, total
from smmplus.placing.placer import Stop
from smmplus.texts import _, marked

MOST_ROWS = 10
"""Rows of a kind that are named."""

MOST_CHARACTERS = 200
"""Characters of a panel's text that are shown; the error column has all of it."""


class Again(Protocol):
    """Phrases how to run the same again with changed arguments: as a command, a call or a task."""

    def __call__(self, **changed: Value) -> str: ...  # noqa: D102


FIRST = {
    Stop.ACCOUNT: marked("Fix the API key, or ask the panel about the account. "),
    Stop.ADDRESS: marked("Fix the API URL. "),
    Stop.FUNDS: marked("Top up the account. "),
    Stop.BUDGET: marked("Raise or remove the campaign's budget. "),
    Stop.UNKNOWN: marked("Find out what the panel's text means, and fix the rows if they are wrong. "),
    Stop.DOUBT: marked("Resolve the orders in doubt. "),
    Stop.UNREACHABLE: marked("Wait until the panel answers again. "),
    Stop.MISTAKE: marked("Check the API URL. "),
    Stop.PRICE: marked("Check the new price. If you accept it: "),
    Stop.SERVICE: marked("Check the sheet against the changed service. "),
    Stop.JOURNAL: marked("Make the journal writable again. "),
    Stop.ASKED: "",
}
"""What to do before the run is repeated."""


def describe_rows(outcome: RunResult, rest: str) -> Iterator[str]:
    """Yield lines with the rows that were refused, are in doubt or were held back, and why; `rest` is where all are."""
    refused = _named(outcome, State.REJECTED)
    yield from list_lines(_("rejected by the panel ({count}):", count=len(refused)), refused, rest)
    doubts = _named(outcome, State.IN_DOUBT)
    head = _("in doubt, and not sent again ({count}):", count=len(doubts))
    yield from list_lines(head, doubts, _("see `smmplus doubts`"))
    where, entries = outcome.plan.sheet.where, outcome.entries
    held = [
        describe_entry(entries[row], where(row), why) for row, why in sorted(outcome.held.items()) if row in entries
    ]
    yield from list_lines(_("held back, and not sent ({count}):", count=len(held)), held, _("run it again to see them"))


def describe_unrecorded(outcome: RunResult, row: int) -> str:
    """Return the order ID of a row that the journal could not take, and where it is or what to do with it."""
    entry, order_id = outcome.entries.get(row), outcome.unrecorded[row]
    key, account = ("KEY", outcome.plan.options.account) if entry is None else (entry.name, entry.account)
    settled = command("resolve", key, account=account, order_id=order_id)
    return unrecorded_words(outcome.plan.sheet.where(row), order_id, outcome.rescued.get(row), settled)


def unrecorded_words(where: str, order_id: str, rescued: Path | None, settled: str) -> str:
    """Return that an order ID is not in the journal. `settled` is the command that records it."""
    if rescued is not None:
        return _(
            "{where} is order {order_id}, which could not be recorded in the journal: it is saved in {path}. The next "
            "run records it when the journal works again",
            where=where,
            order_id=order_id,
            path=rescued,
        )
    return _(
        "{where} is order {order_id}, which could not be recorded in the journal: write the number down. When the "
        "journal works again, run: {command}",
        where=where,
        order_id=order_id,
        command=settled,
    )


def list_lines(head: str, named: Sequence[str], rest: str) -> Iterator[str]:
    """Yield a heading and the first items; nothing if there are none."""
    if named:
        yield head
        yield from (f"  {each}" for each in named[:MOST_ROWS])
    if len(named) > MOST_ROWS:
        yield "  " + _("… and {count} more: {where}", count=len(named) - MOST_ROWS, where=rest)


def describe_entry(entry: Entry, where: str = "", why: str = "") -> str:
    """Return an order and what was said of it."""
    words = why or entry.error
    cut = words if len(words) <= MOST_CHARACTERS else f"{words[:MOST_CHARACTERS]}…"
    named = where or _("service {service}", service=entry.request.service)
    return f"{named}{_link(entry)}: {cut}"


def next_steps(outcome: RunResult, again: Again, mark: str = "") -> Iterator[str]:
    """Yield what to do after a run that did not place every row, with commands between `mark`."""
    doubts = [entry for entry in (*outcome.entries.values(), *outcome.plan.matching.missing) if _in_doubt(entry)]
    yield from doubt_steps(doubts, mark)
    if outcome.stop is Stop.BUDGET:
        yield from _budget(outcome, again, mark)
    elif outcome.stop is not None:
        yield _(FIRST[outcome.stop]) + again()
    elif outcome.exit_status is ExitStatus.UNFINISHED:
        yield again()
    yield from refused_steps(outcome.entries.values(), again)


def doubt_steps(doubts: Sequence[Entry], mark: str = "") -> Iterator[str]:
    """Yield how to resolve orders in doubt."""
    if not doubts:
        return
    evidence = command("doubts")
    yield _(
        "Look for the orders in doubt on the panel's order page. The evidence for each: {command}",
        command=f"{mark}{evidence}{mark}",
    )
    for entry in doubts[:MOST_ROWS]:
        resolved = command("resolve", entry.name, account=entry.account, order_id="NUMBER")
        placed, link = f"{mark}{resolved}{mark}", _link(entry).strip()
        if link:
            yield _("If {link} was placed, pass its number: {command}", link=link, command=placed)
        else:
            yield _("If it was placed, pass its number: {command}", command=placed)
    for campaign, account in dict.fromkeys((entry.campaign, entry.account) for entry in doubts):
        none = command("resolve", account=account, campaign=campaign, not_placed=True)
        yield _(
            "If none of campaign {campaign!r} was placed, let the next run send them: {command}",
            campaign=campaign,
            command=f"{mark}{none}{mark}",
        )
    if len(doubts) > 1:
        exported = f"{mark}{command('doubts', export='doubts.csv')}{mark}"
        yield _("To answer them in a spreadsheet: {command}", command=exported)


def refused_steps(entries: Iterable[Entry], again: Again) -> Iterator[str]:
    """Yield how to place rows that the panel refused."""
    refused = [entry for entry in entries if entry.state is State.REJECTED]
    unknown = sum(entry.meaning == Meaning.UNKNOWN.name for entry in refused)
    if unknown < len(refused):
        yield _("Fix the rejected rows. The next run sends them, also those that you left unchanged")
    if unknown:
        yield _(
            "{count} rejected for an unrecognized reason. The next run sends such rows only if you changed them. If "
            "they are right and were not placed: {command}",
            count=unknown,
            command=again(retry_refused=True),
        )


def _budget(outcome: RunResult, again: Again, mark: str) -> Iterator[str]:
    plan = outcome.plan
    amount = plain(total([plan.campaign.spent, plan.total])) if plan.over_budget and not plan.unbounded else "AMOUNT"
    if plan.options.max_spend is not None:  # without it, the next run would set the budget back
        yield _("If the campaign may spend {amount} in all: {command}", amount=amount, command=again(max_spend=amount))
        return
    raised = command("budget", plan.campaign.name, account=plan.options.account, set=amount)
    yield _("If the campaign may spend {amount} in all: {command}", amount=amount, command=f"{mark}{raised}{mark}")
    yield _("Then {command}", command=again())


def _named(outcome: RunResult, state: State) -> list[str]:
    where = outcome.plan.sheet.where
    return [describe_entry(entry, where(row)) for row, entry in sorted(outcome.entries.items()) if entry.state is state]


def _in_doubt(entry: Entry) -> bool:
    return entry.state is State.IN_DOUBT


def _link(entry: Entry | None) -> str:
    values = {} if entry is None else entry.request.values
    what = values.get("link") or values.get("username") or ""
    return f" {what}" if what else ""


def again(name: str, options: Options, **changed: Value) -> str:
    """Return the command `smmplus run`, `check` or `status` on the same sheet, with options changed."""
    asked = {option: getattr(options, option) for option in OF_COMMANDS[name] if option not in _OF_ONCE}
    said = {option: _written(value) for option, value in asked.items() if value != DEFAULTS[option]}
    if "wait" in said:
        said["wait"] = said["wait"] or "final"
    words: Any = as_command(**said | changed)  # not `windows`, which is not an option
    return command(name, str(options.path), account=options.account, **words)


_OF_ONCE = {"account", "remember_map"}
"""The account is always named, and saved headers need not be saved again."""


def _written(value: object) -> Value:
    match value:
        case bool() | str() | None:
            return value
        case Decimal():
            return format(value, "f")
        case float():
            return f"{value:g}"
        case tuple():
            return [f"{header}={field}" for header, field in value]
    return str(value)
