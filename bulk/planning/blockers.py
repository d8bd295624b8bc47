"""What blocks a plan before anything is sent, and what stops it if prices or services change after it was shown."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from bulk.model.surfaces import Surface
from bulk.planning.approval import approval_message
from bulk.planning.orders import check_rows
from bulk.planning.plan import Blocker, Plan, PlannedRow, Prices
from smmplus.commands import Value, local_time
from smmplus.journal.entry import Entry
from smmplus.orders.decimals import EXACT, minus, plain, total
from smmplus.orders.models import Service
from smmplus.orders.order_types import cost
from smmplus.placing.placer import Stop
from smmplus.reconciliation.balance_drops import Fall
from smmplus.texts import _, counted, marked


def find_blocker(plan: Plan) -> Blocker | None:
    """Return the first thing that a person must fix or answer before anything is sent; None if nothing blocks the plan.

    Questions about earlier orders come first: their answers decide which rows are counted, summed and approved. Rows
    that may have been placed since a backup come last: the question before placing asks about them.
    """
    return next(_blockers(plan), None)


def _blockers(plan: Plan) -> Iterator[Blocker]:
    options, phrase = plan.options, plan.options.surface.phrase
    if plan.matching.questions:
        adopt: dict[str, Value] = {"adopt": True}
        renamed: dict[str, Value] = {"campaign": campaign_to_order_again(plan)}
        message = _equal_orders_message(list(plan.matching.questions.values()), phrase(**adopt), phrase(**renamed))
        yield Blocker(message, (adopt, renamed))
    if plan.matching.missing and not options.ignore_missing:
        yield Blocker(_missing_message(plan.matching.missing, phrase(ignore_missing=True)), ({"ignore_missing": True},))
    if wrong := _sheet_problem_message(plan) or _row_count_message(plan):
        yield Blocker(wrong)
    if plan.problems and not options.skip_bad:
        yield Blocker(_problems_message(plan, phrase(skip_bad=True)), ({"skip_bad": True},))
    if wrong := _total_message(plan) or approval_message(plan):
        yield Blocker(wrong)
    if not options.not_placed_since_backup and (gap := backup_gap_message(plan)):
        yes = _(
            "If none of the others was placed since then, pass {option}", option=phrase(not_placed_since_backup=True)
        )
        message = f"{gap}. {backup_gap_remedy(options.surface)}. {yes}"
        yield Blocker(message, ({"not_placed_since_backup": True},), is_confirmable=True)


def campaign_to_order_again(plan: Plan) -> str:
    """Return a campaign under which rows that equal orders are placed again: the own one, unless they are of it."""
    equal, name = plan.matching.questions.values(), plan.campaign.name
    if all(entry.campaign_id != plan.campaign.campaign_id for entry in equal):
        return name
    used = {entry.campaign for entry in equal}
    return next(new for number in itertools.count(2) if (new := f"{name} {number}") not in used)


def _equal_orders_message(entries: list[Entry], same: str, anew: str) -> str:
    order = describe_order(entries[0])
    if len(entries) == 1:
        return _(
            "1 row equals an order placed before: {order}. If they are the same orders, pass {same}. To place them "
            "again, pass {anew}",
            order=order,
            same=same,
            anew=anew,
        )
    return _(
        "{rows} equal orders placed before: {order} and others. If they are the same orders, pass {same}. To place "
        "them again, pass {anew}",
        rows=counted(len(entries), "row"),
        order=order,
        same=same,
        anew=anew,
    )


def _missing_message(entries: list[Entry], meant: str) -> str:
    order = describe_order(entries[0])
    if len(entries) == 1:
        return _(
            "1 order of the last, unfinished run of this sheet has no row any more: {order}. Undo the change of the "
            "row, or pass {option} if it is intended",
            order=order,
            option=meant,
        )
    return _(
        "{orders} of the last, unfinished run of this sheet have no row any more: {order} and others. Undo the change "
        "of the row, or pass {option} if it is intended",
        orders=counted(len(entries), "order"),
        order=order,
        option=meant,
    )


def describe_order(entry: Entry) -> str:
    """Return what was ordered, when and where."""
    link = entry.request.values.get("link", entry.request.values.get("username", ""))
    order = _("order {number}", number=entry.order_id) if entry.order_id else _("an order in doubt")
    return _(
        "{order} (service {service}, {link}) of {sheet}, campaign {campaign!r}, {time}",
        order=order,
        service=entry.request.service,
        link=link,
        sheet=entry.source,
        campaign=entry.campaign,
        time=local_time(entry.sent_at),
    )


def _sheet_problem_message(plan: Plan) -> str:
    first = next((problem for problem in plan.problems if problem.row is None), None)
    if first is None:
        return ""
    return _(
        "{where}: {problem}. This affects every row: {remedy}",
        where=first.where,
        problem=first.message,
        remedy=first.remedy,
    )


def _row_count_message(plan: Plan) -> str:
    expected = plan.options.expect_rows
    if expected is None or (found := row_count(plan)) == expected:
        return ""
    return _("Expected {rows} with orders, found {found}", rows=counted(expected, "row"), found=found)


def row_count(plan: Plan) -> int:
    """Count the rows of a sheet that hold orders: placed, to be sent, refused, or with problems."""
    return len(_row_numbers(plan))


def _row_numbers(plan: Plan) -> set[int]:
    """Return the rows of a sheet that hold orders, with those that could not be read and without those left out."""
    unreadable = {problem.row for problem in plan.sheet.problems if problem.row is not None}
    return {*plan.sheet.rows, *unreadable} - plan.left_out


def _problems_message(plan: Plan, skip: str) -> str:
    count, others = len({problem.row for problem in plan.problems}), len(plan.to_send) + len(plan.deferred)
    text = _PROBLEMS[count > 1, min(others, 2)]
    return _(text).format(count=count, others=others, skip=skip)


_PROBLEMS = {
    (False, 0): marked("1 row has problems. Fix it, or leave it out with {skip}"),
    (False, 1): marked("1 row has problems. Fix it, or pass {skip} to place the other row"),
    (False, 2): marked("1 row has problems. Fix it, or pass {skip} to place the other {others}"),
    (True, 0): marked("{count} rows have problems. Fix them, or leave them out with {skip}"),
    (True, 1): marked("{count} rows have problems. Fix them, or pass {skip} to place the other row"),
    (True, 2): marked("{count} rows have problems. Fix them, or pass {skip} to place the other {others}"),
}
"""Whether several rows have problems, and whether no others, one or more would be placed -> what to do."""


def _total_message(plan: Plan) -> str:
    expected = plan.options.expect_total
    if expected is None:
        return ""
    costs = _row_costs(plan)
    if unknown := sorted(row for row in _row_numbers(plan) if costs.get(row) is None):
        return _(
            "Expected a total cost of {expected:f}, but the cost of {rows} is unknown, such as row {row}",
            expected=expected,
            rows=counted(len(unknown), "row"),
            row=unknown[0],
        )
    found = total(cost for cost in costs.values() if cost is not None)
    if equals_as_written(found, expected):
        return ""
    return _("Expected a total cost of {expected:f}, found {found}", expected=expected, found=plain(found))


def _row_costs(plan: Plan) -> Mapping[int, Decimal | None]:
    """Return the cost of every row: the journal's if the row is in it, today's if it is to be sent."""
    to_send = {item.row.number: item.planned.cost for item in (*plan.to_send, *plan.deferred)}
    return {row: entry.cost for row, entry in plan.matching.entries.items()} | to_send


def equals_as_written(found: Decimal, expected: Decimal) -> bool:
    """Return whether an amount equals another at its written digits: 12.4995 equals 12.50, 12.4 does not.

    It may differ by half of the last digit written, in either direction: spreadsheets and panels round differently.
    """
    exponent = min(0, int(expected.as_tuple().exponent))
    return EXACT.multiply(minus(found, expected).copy_abs(), Decimal(2)) <= Decimal(1).scaleb(exponent, EXACT)


def backup_gap_message(plan: Plan) -> str:
    """Return what a restored journal may not know of a plan; "" if there is nothing."""
    unknown, backup = rows_in_backup_gap(plan), plan.campaign.backup
    if not unknown or backup is None:
        return ""
    first = plan.sheet.where(unknown[0].row.number)
    if len(unknown) == 1:
        text = _(
            "This journal {backup}, and knows no order placed in between. 1 row to be sent is new to it, and may have "
            "been placed then, {first} the first",
            backup=backup.words,
            first=first,
        )
    else:
        text = _(
            "This journal {backup}, and knows no order placed in between. {rows} to be sent are new to it, and may "
            "have been placed then, {first} the first",
            backup=backup.words,
            rows=counted(len(unknown), "row"),
            first=first,
        )
    return text if plan.journal_warnings.fall is None else _with_balance_drop(text, plan.journal_warnings.fall)


def _with_balance_drop(text: str, fall: Fall) -> str:
    return _(
        "{gap}; since {time} the balance fell by {amount} more than it knows",
        gap=text,
        time=local_time(fall.since),
        amount=f"{plain(fall.unexplained)} {fall.currency}".strip(),
    )


def rows_in_backup_gap(plan: Plan) -> list[PlannedRow]:
    """Return the rows to be sent that may have been placed since the backup.

    An entry, where there is one, was planned since the restoring, by a run that a person agreed to, or a person settled
    it: whatever the backup held unsent is in doubt.
    """
    if plan.campaign.backup is None:
        return []
    return [item for item in (*plan.to_send, *plan.deferred) if item.entry is None]


def backup_gap_remedy(surface: Surface) -> str:
    """Return what a person does about rows that may have been placed since the backup."""
    return _(
        "Look at the panel's order page for orders of that time. Take rows that are there out of the sheet, or write "
        "their ids into its order_id column and pass {option}",
        option=surface.phrase(skip_bad=True),
    )


PriceChange = tuple[Stop, str]
"""Why nothing more may be sent, and the words behind it."""


def blocking_change(plan: Plan, now: Prices) -> PriceChange | None:
    """Return why a confirmed plan must not be begun; None if prices, services and balance still allow it."""
    if change := service_change(plan, now):
        return change
    short = replace(plan, prices=replace(plan.prices, balance=now.balance)).short_by
    return (Stop.FUNDS, _("short by {amount}", amount=plain(short))) if short else None


def service_change(plan: Plan, now: Prices) -> PriceChange | None:
    """Return why a plan must not be continued: a price rose, or a service is gone or no longer suits its rows.

    A budget counts with the prices that were shown. A price that fell is no reason.
    """
    before = plan.prices.balance.currency
    if now.balance.currency != before:
        after = now.balance.currency
        return Stop.PRICE, _("the account's currency went from {before} to {now}", before=before, now=after)
    if rose := price_increases(plan, now.services):
        return Stop.PRICE, rose
    changed = [item for item in plan.to_send if _is_other(item, plan.prices.services, now.services)]
    if wrong := check_rows(plan.sheet, [item.row for item in changed], now.services):
        return Stop.SERVICE, f"{wrong[0].where}: {wrong[0].message}"
    if costlier := next((item for item in changed if _costs_more(item, now.services)), None):
        where = plan.sheet.where(costlier.row.number)
        return Stop.SERVICE, _("{where} would cost more than was shown", where=where)
    return None


def price_increases(plan: Plan, now: Mapping[str, Service]) -> str:
    """Return the services of a plan whose rate rose since it was shown; "" for none."""
    words = [
        _("service {service} went from {before} to {now}", service=shown.id, before=plain(shown.rate), now=plain(rate))
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
