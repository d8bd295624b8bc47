"""PURE: what must be mended or answered by a person before a run sends anything."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bulk.model.options import Options
from bulk.model.surfaces import Surface
from bulk.planning.approval import unapproved
from bulk.planning.orders import check_rows
from bulk.planning.plan import Plan, PlannedRow, Prices
from smmplus.commands import Value
from smmplus.journal.entry import Entry
from smmplus.orders.decimals import EXACT, minus, plain, total
from smmplus.orders.models import Service
from smmplus.orders.order_types import cost
from smmplus.placing.placer import Stop


def wrong_rows(plan: Plan, options: Options) -> str:
    """Say that the sheet holds more or fewer rows than expected; "" where it does not."""
    found = row_count(plan)
    if options.expect_rows in {None, found}:
        return ""
    return f"the sheet holds {found} rows, and {options.expect_rows} were expected: nothing was sent"


def wrong_total(plan: Plan, options: Options) -> str:
    """Say that the sheet costs more or less than expected, or that nobody can know; "" where it fits."""
    if options.expect_total is None:
        return ""
    costs = row_costs(plan)
    if unknown := sorted(row for row in row_numbers(plan) if costs.get(row) is None):
        return (
            f"the sheet's cost cannot be compared with {options.expect_total:f}, nothing was sent: nobody knows what "
            f"{len(unknown)} of its rows cost, the first of them row {unknown[0]}"
        )
    found = total(cost for cost in costs.values() if cost is not None)
    if fits(found, options.expect_total):
        return ""
    return f"the sheet costs {plain(found)}, and {options.expect_total:f} was expected: nothing was sent"


def row_numbers(plan: Plan) -> set[int]:
    """Give the rows of a sheet that hold orders, those that could not be read among them, those left out not."""
    unreadable = {problem.row for problem in plan.sheet.problems if problem.row is not None}
    return ({*plan.sheet.rows, *unreadable}) - plan.left_out


def row_count(plan: Plan) -> int:
    """Count the rows of a sheet that hold orders: placed, to be sent, refused, or with problems."""
    return len(row_numbers(plan))


def row_costs(plan: Plan) -> Mapping[int, Decimal | None]:
    """Price every row: as the journal has it where it is in there, at today's price where it is to be sent."""
    to_send = {item.row.number: item.planned.cost for item in (*plan.to_send, *plan.deferred)}
    return {row: entry.cost for row, entry in plan.matching.entries.items()} | to_send


def fits(found: Decimal, expected: Decimal) -> bool:
    """Tell whether an amount reads as expected at the digits that were written: 12.4995 as 12.50, 12.4 not.

    It may differ by half of the last digit written, in either direction: spreadsheets and panels round differently.
    """
    exponent = min(0, int(expected.as_tuple().exponent))
    return EXACT.multiply(minus(found, expected).copy_abs(), Decimal(2)) <= Decimal(1).scaleb(exponent, EXACT)


def backup_gap_remedy(surface: Surface) -> str:
    """Say what a person does about rows that may have been placed since the backup."""
    return (
        "Look at the panel's order page for orders of that time. Take rows that are there out of the sheet, or write "
        f"their ids into its order_id column and pass {surface.phrase(skip_bad=True)}"
    )


def rows_in_backup_gap(plan: Plan) -> list[PlannedRow]:
    """Give the rows to be sent that may have been placed since the backup.

    An entry, where there is one, was planned since the restoring, by a run that a person agreed to, or a person settled
    it: whatever the backup held unsent is in doubt.
    """
    if plan.campaign.backup is None:
        return []
    return [item for item in (*plan.to_send, *plan.deferred) if item.entry is None]


def backup_gap_message(plan: Plan) -> str:
    """Say what a restored journal may not know of a plan; "" where there is nothing to say."""
    unknown, backup = rows_in_backup_gap(plan), plan.campaign.backup
    if not unknown or backup is None:
        return ""
    rows = "1 row to be sent is" if len(unknown) == 1 else f"{len(unknown)} rows to be sent are"
    return (
        f"this journal {backup.words}, and knows no order placed in between. {rows} new to it, and may have been "
        f"placed then, {plan.sheet.where(unknown[0].row.number)} the first{_of_fall(plan)}"
    )


def _of_fall(plan: Plan) -> str:
    fall = plan.journal_warnings.fall
    if fall is None:
        return ""
    amount = f"{plain(fall.unexplained)} {fall.currency}".strip()
    return f"; since {_told(fall.since)} the balance fell by {amount} more than it knows"


def _told(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"


Answers = tuple[dict[str, Value], ...]
"""Remedies that answer what stands in the way, each by itself."""


def blocker(plan: Plan, options: Options, *, asks: bool = False) -> str:
    """Say what stands in the way of a run and what to do about it; "" where nothing does.

    `asks` says that a person will see the plan and be asked: what the answer settles is no obstacle then.
    """
    return _found(plan, options, asks=asks)[0]


def answers(plan: Plan, options: Options) -> Answers:
    """Give the remedies that a person can answer an obstacle with; none where something must be corrected."""
    return _found(plan, options, asks=False)[1]


def _found(plan: Plan, options: Options, *, asks: bool) -> tuple[str, Answers]:
    say = options.surface.phrase
    if plan.matching.questions:
        anew = f"{plan.campaign.name} 2"
        words = _question(list(plan.matching.questions.values()), say(adopt=True), say(campaign=anew))
        return words, ({"adopt": True}, {"campaign": anew})
    if plan.matching.missing and not options.ignore_missing:
        return _missing(plan.matching.missing, say(ignore_missing=True)), ({"ignore_missing": True},)
    if wrong := _of_every_row(plan) or wrong_rows(plan, options):
        return wrong, ()
    if plan.problems and not options.skip_bad:
        count = len({problem.row for problem in plan.problems})
        words = f"{count} {_rows(count)} with problems, nothing was sent: fix them, or leave them out with "
        return words + say(skip_bad=True), ({"skip_bad": True},)
    if wrong := wrong_total(plan, options) or unapproved(plan):
        return wrong, ()
    words = _since_backup(plan, options, asks=asks)
    return words, ({"not_placed_since_backup": True},) if words else ()


def _of_every_row(plan: Plan) -> str:
    first = next((problem for problem in plan.problems if problem.row is None), None)
    if first is None:
        return ""
    return f"{first.where}: {first.message}. It concerns every row, nothing was sent: {first.remedy}"


def _since_backup(plan: Plan, options: Options, *, asks: bool) -> str:
    words = "" if asks or options.not_placed_since_backup else backup_gap_message(plan)
    yes = f"If none of the others was placed since then, pass {options.surface.phrase(not_placed_since_backup=True)}"
    return f"{words}. Nothing was sent. {backup_gap_remedy(options.surface)}. {yes}" if words else ""


def _question(entries: list[Entry], same: str, anew: str) -> str:
    count, others = len(entries), " and others" if len(entries) > 1 else ""
    return (
        f"{count} {_rows(count)} {'equals an order' if count == 1 else 'equal orders'} placed before: "
        f"{told(entries[0])}{others}. Nothing was sent. If they are the same orders, pass {same}. "
        f"To order them once more, pass a new campaign name, such as {anew}"
    )


def _missing(entries: list[Entry], meant: str) -> str:
    count, first = len(entries), entries[0]
    return (
        f"{count} {'order' if count == 1 else 'orders'} of the last, unfinished run of this sheet "
        f"{'has' if count == 1 else 'have'} no row any more: {told(first)}{' and others' if count > 1 else ''}. "
        f"Nothing was sent. Undo the change of the row, or pass {meant} if it is meant"
    )


def told(entry: Entry) -> str:
    """Tell what was ordered, when and where."""
    link = entry.request.values.get("link", entry.request.values.get("username", ""))
    order = f"order {entry.order_id}" if entry.order_id else "an order in doubt"
    return (
        f"{order} (service {entry.request.service}, {link}) of {entry.source}, campaign {entry.campaign!r}, "
        f"{(entry.sent_at or '')[:16].replace('T', ' ')} UTC"
    )


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


PriceChange = tuple[Stop, str]
"""Why nothing more may be sent, and the words behind it."""


def blocking_change(plan: Plan, now: Prices) -> PriceChange | None:
    """Tell why a plan must not be begun after all; None where prices, services and balance still allow it."""
    if change := service_change(plan, now):
        return change
    short = replace(plan, prices=replace(plan.prices, balance=now.balance)).short_by
    return (Stop.FUNDS, f"it is short by {plain(short)}") if short else None


def service_change(plan: Plan, now: Prices) -> PriceChange | None:
    """Tell why a plan must not be gone on with: a price that rose, a service that is gone or no longer fits its rows.

    A budget is kept at the prices that were shown. What got cheaper is no reason.
    """
    before = plan.prices.balance.currency
    if now.balance.currency != before:
        return Stop.PRICE, f"the account's currency went from {before} to {now.balance.currency}"
    if rose := dearer(plan, now.services):
        return Stop.PRICE, rose
    changed = [item for item in plan.to_send if _is_other(item, plan.prices.services, now.services)]
    if wrong := check_rows(plan.sheet, [item.row for item in changed], now.services):
        return Stop.SERVICE, f"{wrong[0].where}: {wrong[0].message}"
    if costlier := next((item for item in changed if _costs_more(item, now.services)), None):
        return Stop.SERVICE, f"{plan.sheet.where(costlier.row.number)} would cost more than was shown"
    return None


def dearer(plan: Plan, now: Mapping[str, Service]) -> str:
    """Name the services of a plan whose rate is higher than was shown; "" where none is."""
    words = [
        f"service {shown.id} went from {plain(shown.rate)} to {plain(rate)}"
        for shown in (item.service for item in plan.by_service)
        if shown.rate is not None and (rate := _rate(now, shown.id)) is not None and rate > shown.rate
    ]
    return ", ".join(words)


def _rate(services: Mapping[str, Service], number: str) -> Decimal | None:
    return services[number].rate if number in services else None


def _is_other(item: PlannedRow, before: Mapping[str, Service], now: Mapping[str, Service]) -> bool:
    number = item.row.request.service
    return before[number] != now.get(number)


def _costs_more(item: PlannedRow, now: Mapping[str, Service]) -> bool:
    """Another type may bill other units at the same rate."""
    shown, price = item.planned.cost, cost(item.row.request, now[item.row.request.service])
    return shown is not None and (price is None or price > shown)
