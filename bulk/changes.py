"""PURE: what changed at the panel since a plan was made, and whether it may still be carried out."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bulk.orders import check_rows
from bulk.plan import Plan, Prices, Sending
from smmplus.models import Service
from smmplus.numbers import plain
from smmplus.placing import Stop
from smmplus.pricing import cost

Change = tuple[Stop, str]
"""Why nothing more may be sent, and the words behind it."""


def stopping_change(plan: Plan, now: Prices) -> Change | None:
    """Tell why a plan must not be begun after all; None where prices, services and balance still allow it."""
    if change := services_changed(plan, now):
        return change
    short = replace(plan, prices=replace(plan.prices, balance=now.balance)).short_by
    return (Stop.FUNDS, f"it is short by {plain(short)}") if short else None


def services_changed(plan: Plan, now: Prices) -> Change | None:
    """Tell why a plan must not be gone on with: a price that rose, a service that is gone or no longer fits its rows.

    A budget is kept at the prices that were shown. What got cheaper is no reason.
    """
    before = plan.prices.balance.currency
    if now.balance.currency != before:
        return Stop.PRICE, f"the account's currency went from {before} to {now.balance.currency}"
    if rose := dearer(plan, now.services):
        return Stop.PRICE, rose
    changed = [item for item in plan.sending if _is_other(item, plan.prices.services, now.services)]
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


def _is_other(item: Sending, before: Mapping[str, Service], now: Mapping[str, Service]) -> bool:
    number = item.row.request.service
    return before[number] != now.get(number)


def _costs_more(item: Sending, now: Mapping[str, Service]) -> bool:
    """Another type may bill other units at the same rate."""
    shown, price = item.planned.cost, cost(item.row.request, now[item.row.request.service])
    return shown is not None and (price is None or price > shown)
