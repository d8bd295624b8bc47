"""What a person should look at first, the most urgent first: pure functions of the orders of a report."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bulk.report.figures import NOTHING, Standing, refund_of, standing_of
from bulk.report.orders import ReportedOrder, Scope
from smmplus.commands import command, local_time
from smmplus.journal.refills_and_cancels import RequestState
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import code_of, money, total
from smmplus.placing.request_rules import is_stuck
from smmplus.texts import _, counted, joined

STUCK = timedelta(days=3)
"""An open order without a change for so long is worth a look."""
OLD = timedelta(days=1)
"""Statuses of open orders that are older than this are no longer news."""
MOST_REASONS = 5
"""Reasons of rejections, or errors of placed orders, that are listed one by one."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at."""

    kind: str
    orders: int
    words: str
    """What it is, what it means for money, and what to do."""
    command: str = ""
    """A command that helps; "" for none."""
    urgent: bool = False
    """Money may be lost, or spent twice."""


def attention_of(orders: Sequence[ReportedOrder], scope: Scope, now: datetime) -> list[Attention]:
    """Return what needs attention, the most urgent first."""
    return [
        *_in_doubt(orders),
        *_requests_in_doubt(orders),
        *_with_errors(orders, State.PLACED),
        *_not_refunded(orders),
        *_with_errors(orders, State.REJECTED),
        *_cut_short(orders),
        *_stuck(orders, scope, now),
        *_not_checked(orders, scope, now),
        *_not_sent(orders),
    ]


def _in_doubt(orders: Iterable[ReportedOrder]) -> Iterator[Attention]:
    found = [each for each in orders if each.entry.state is State.IN_DOUBT]
    if found:
        text = _(
            "{orders} in doubt, for {amount}: the answer was lost, and each may or may not have been placed. None is "
            "sent again until you record what the panel's order page shows.",
            orders=counted(len(found), "order"),
            amount=_expected(found),
        )
        yield Attention("in_doubt", len(found), text, command("doubts"), urgent=True)


def _requests_in_doubt(orders: Iterable[ReportedOrder]) -> Iterator[Attention]:
    found = [each for each in orders if any(request.state is RequestState.IN_DOUBT for _kind, request in each.requests)]
    if found:
        text = _(
            "A refill or cancel of {orders} is in doubt: the panel may or may not have accepted it. Look at the "
            "panel's order page before you request it again with --again.",
            orders=counted(len(found), "order"),
        )
        yield Attention("request_in_doubt", len(found), text, urgent=True)


def _with_errors(orders: Iterable[ReportedOrder], state: State) -> Iterator[Attention]:
    """Yield placed orders with an error (two orders for one row), or rejected ones, by the text."""
    of_text: dict[str, list[ReportedOrder]] = {}
    for each in orders:
        if each.entry.state is state and (each.entry.error or state is State.REJECTED):
            of_text.setdefault(each.entry.error, []).append(each)
    listed = sorted(of_text.items(), key=lambda item: -len(item[1]))
    for reason, found in listed[:MOST_REASONS]:
        about = {"orders": counted(len(found), "order"), "reason": reason or _("no reason")}
        if state is State.REJECTED:
            yield Attention("rejected", len(found), _("{orders} rejected, at no cost: {reason}", **about))
        else:
            ids = ", ".join(each.entry.order_id or "" for each in found[:MOST_REASONS])
            yield Attention("error", len(found), _("Placed, with an error ({ids}): {reason}", ids=ids, **about))
    if others := sum(len(found) for _reason, found in listed[MOST_REASONS:]):
        yield Attention(
            "rejected" if state is State.REJECTED else "error",
            others,
            _("{orders} with other errors: see the list of orders.", orders=counted(others, "order")),
        )


def _not_refunded(orders: Iterable[ReportedOrder]) -> Iterator[Attention]:
    found = [each for each in orders if standing_of(each) is Standing.CUT_SHORT and _is_charged_in_full(each)]
    if found:
        amounts = [(each.charge_currency, each.entry.charge or NOTHING) for each in found]
        text = _(
            "{orders} ended before they were delivered in full, and the panel still reports the full charge of "
            "{amount}. Compare the balance, and ask the panel.",
            orders=counted(len(found), "order"),
            amount=_by_currency(amounts),
        )
        yield Attention("not_refunded", len(found), text, command("balance", account=_only_account(found)), urgent=True)


def _is_charged_in_full(order: ReportedOrder) -> bool:
    cost, charge = order.entry.cost, order.entry.charge
    same = code_of(order.currency) == code_of(order.charge_currency)
    return same and cost is not None and charge is not None and charge >= cost and charge > 0


def _cut_short(orders: Iterable[ReportedOrder]) -> Iterator[Attention]:
    found = [each for each in orders if standing_of(each) is Standing.CUT_SHORT and not _is_charged_in_full(each)]
    if found:
        text = _(
            "{orders} ended before they were delivered in full; {amount} was refunded. To place the rest, order it "
            "anew.",
            orders=counted(len(found), "order"),
            amount=_by_currency((each.currency, refund_of(each)) for each in found),
        )
        yield Attention("cut_short", len(found), text)


def _stuck(orders: Iterable[ReportedOrder], scope: Scope, now: datetime) -> Iterator[Attention]:
    found = [
        each
        for each in orders
        if each.entry.state is State.PLACED and is_stuck(each.entry, each.changed_at, now, STUCK)
    ]
    if found:
        text = _("{orders} open and without a change for 3 days or longer.", orders=counted(len(found), "order"))
        yield Attention("stuck", len(found), text, _command("cancel", found, scope, stuck_for="3d"))


def _not_checked(orders: Iterable[ReportedOrder], scope: Scope, now: datetime) -> Iterator[Attention]:
    is_open = [each for each in orders if each.entry.state is State.PLACED and not each.entry.final]
    never = [each for each in is_open if each.entry.polled_at is None]
    times = [(each, each.entry.polled_at) for each in is_open]
    old = [(each, at) for each, at in times if at and now - datetime.fromisoformat(at) >= OLD]
    if never:
        text = _("No status of {orders} has been read yet.", orders=counted(len(never), "order"))
        yield Attention("not_checked", len(never), text, _command("status", never, scope))
    if old:
        text = _(
            "The statuses of {orders} are from {time} or later, and may have changed.",
            orders=counted(len(old), "order"),
            time=local_time(min(at for _each, at in old)),
        )
        yield Attention("old_status", len(old), text, _command("status", [each for each, _at in old], scope))


def _not_sent(orders: Iterable[ReportedOrder]) -> Iterator[Attention]:
    found = [each for each in orders if each.entry.state is State.NOT_SENT]
    if found:
        text = _("{orders} planned and not sent. The next run sends them.", orders=counted(len(found), "order"))
        yield Attention("not_sent", len(found), text)


def _command(name: str, found: Sequence[ReportedOrder], scope: Scope, *, stuck_for: str = "") -> str:
    """Return a command for orders: for their sheet, for their campaign, or "" if they are of several campaigns.

    Only `status` takes a campaign with a sheet, and all open orders of an account.
    """
    account, campaigns = _only_account(found), list({each.entry.campaign for each in found})
    is_status = name == "status"
    if scope.sheet:
        campaign = scope.campaigns[0] if scope.campaigns and is_status else ""
        return command(name, scope.sheet, account=account, campaign=campaign, stuck_for=stuck_for)
    if len(campaigns) == 1 and account:
        return command(name, account=account, campaign=campaigns[0], stuck_for=stuck_for)
    return command(name, account=account, all=True) if is_status and account else ""


def _only_account(found: Iterable[ReportedOrder]) -> str:
    accounts = {each.entry.account for each in found}
    return accounts.pop() if len(accounts) == 1 else ""


def _expected(found: Iterable[ReportedOrder]) -> str:
    return _by_currency((each.currency, each.entry.cost or NOTHING) for each in found)


def _by_currency(amounts: Iterable[tuple[str, Decimal]]) -> str:
    """Return "1.20 USD and 5000.00 IDR"."""
    of_code: dict[str, list[tuple[str, Decimal]]] = {}
    for currency, amount in amounts:
        of_code.setdefault(code_of(currency), []).append((currency, amount))
    sums = (money(total(amount for _name, amount in part), part[0][0]) for part in of_code.values())
    return joined(sums)
