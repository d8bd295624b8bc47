"""Results of tasks as small plain JSON for XCom. Amounts and IDs are strings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from smmplus.orders.decimals import plain, total

if TYPE_CHECKING:
    from bulk.planning.plan import Plan
    from bulk.report.contents import Report
    from bulk.running.result import RunResult
    from smmplus.journal.entry import Entry
    from smmplus.orders.models import Balance, OrderStatus, Service

Json = dict[str, Any]

MOST_LISTED = 50
"""The most rows that a result names."""

LONGEST_LINE = 300
"""The most characters about one of them."""


def service_object(service: "Service") -> Json:
    """Describe a service."""
    return asdict(service) | {"rate": None if service.rate is None else plain(service.rate)}


def balance_object(balance: "Balance") -> dict[str, str]:
    """Describe a balance."""
    return {"balance": plain(balance.amount), "currency": balance.currency}


def status_object(order_id: str, status: "OrderStatus") -> Json:
    """Describe the status of an order."""
    return {
        "order_id": order_id,
        "status": status.status,
        "final": status.phase.value == "final",
        "charge": None if status.charge is None else plain(status.charge),
        "start_count": status.start_count,
        "remains": status.remains,
        "currency": status.currency,
    }


def entry_object(entry: "Entry") -> Json:
    """Describe an order in the journal."""
    return {
        "order_id": entry.order_id,
        "key": entry.name,
        "state": entry.state.value,
        "service": entry.request.service,
        **entry.request.values,
        "expected_charge": None if entry.cost is None else plain(entry.cost),
        "sent_at": entry.sent_at,
    }


def left_out_object(left_out: "Sequence[tuple[Entry, str]]") -> Json:
    """Describe orders that are not requested: the first with the reasons, and how many there are."""
    shown = {entry.order_id or entry.name: _short(why) for entry, why in left_out[:MOST_LISTED]}
    return {"left_out": shown, "left_out_total": len(left_out)}


def counted(words: Iterable[str]) -> dict[str, int]:
    """Count words, the most frequent first."""
    return dict(Counter(words).most_common())


def states_object(entries: "Iterable[Entry]") -> Json:
    """Count orders by state."""
    return {"states": counted(entry.state.value for entry in entries)}


def plan_object(plan: "Plan") -> Json:
    """Describe what a run of a sheet would do, for a person to approve: sums, rows left out, warnings.

    Lists contain the first items and the total number: XCom is not made for thousands.
    """
    currency = plan.prices.balance.currency
    warnings = [
        *filter(None, (plan.repeats, *plan.journal_warnings.warnings)),
        *(_line(each.where, each.value, each.message) for each in plan.warnings),
    ]
    return {
        "campaign": plan.campaign.name,
        "rows": len(plan.sheet.rows),
        "to_send": len(plan.to_send),
        "total": plain(plan.total),
        "currency": currency,
        "balance": plain(plan.prices.balance.amount),
        "fingerprint": plan.fingerprint,
        "problems": len(plan.problems),
        "repeats": plan.repeats,
        "rejected": [_line(each.where, each.value, each.message) for each in plan.problems[:MOST_LISTED]],
        "warned": len(warnings),
        "warnings": [_short(words) for words in warnings[:MOST_LISTED]],
        "by_service": [
            {"service": item.service.id, "name": item.service.name, "rows": item.rows, "cost": plain(item.cost)}
            for item in plan.by_service
        ],
    }


def _line(where: str, value: str, message: str) -> str:
    return _short(f"{where} ({value}): {message}" if value else f"{where}: {message}")


def _short(words: str) -> str:
    """Return text of others on one line, cut if it is too long."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def outcome_object(outcome: "RunResult", written: str) -> Json:
    """Describe the result of a run of a sheet."""
    return {
        "campaign": outcome.plan.campaign.name,
        "sent": outcome.sent,
        "unsent": outcome.unsent,
        "total": plain(outcome.plan.total),
        "currency": outcome.plan.prices.balance.currency,
        "written": written,
        **states_object(outcome.entries.values()),
    }


def report_object(report: "Report", written: str) -> Json:
    """Describe a report: its figures, without the orders, and with the first services and campaigns."""
    from bulk.report.contents import figures_object  # noqa: PLC0415 (not while a DAG file is parsed)

    figures = figures_object(report)
    listed = {name: figures[name][:MOST_LISTED] for name in ("attention", "by_service", "by_campaign")}
    return {"written": written, "orders": len(report.orders)} | figures | listed


def report_event(report: "Report", path: str) -> Json:
    """Describe a report for those who wait for its asset: by currency, what was spent and what is in doubt."""
    money = report.figures.money
    return {
        "path": path,
        "orders": len(report.orders),
        "spent": {each.currency: plain(each.ordered) for each in money},
        "in_doubt": {each.currency: plain(total((each.in_doubt, each.sending))) for each in money},
    }
