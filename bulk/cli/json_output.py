"""The output of commands with `--json`: plain JSON, amounts as text.

`output.schema.json` describes every object. A change that a reader must know of raises `VERSION`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

import typer

from bulk.files.kept_services import Change
from bulk.model.errors import ExitStatus
from bulk.planning.approval import differences
from bulk.planning.plan import Plan, PlannedRow
from bulk.planning.warnings import JournalWarnings
from bulk.report.contents import Report, figures_object
from bulk.report.figures import delivered_of, refund_of, standing_of, units_of
from bulk.report.orders import ReportedOrder
from bulk.running.result import RunResult, entry_cells, refill_cells
from smmplus.journal.balances import Observation
from smmplus.journal.budgets import Budget
from smmplus.journal.entry import Entry
from smmplus.journal.refills_and_cancels import FollowUp
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain
from smmplus.orders.models import Balance, Service
from smmplus.reconciliation.balance_drops import Fall
from smmplus.reconciliation.balance_evidence import Evidence

Json = dict[str, Any]

VERSION = 1

Gather = Callable[[Iterable[Json]], Iterable[Json]]
"""How an object holds its rows: `list`, or `iter` for those that are made only as `pieces_of` writes them."""


def print_json(document: Json, *, err: bool = False) -> None:
    """Print an object on one line, as the version that it is."""
    for piece in pieces_of({"version": VERSION} | document):
        typer.echo(piece, nl=False, err=err)
    typer.echo(err=err)


def error_object(text: str, status: ExitStatus, hint: str = "") -> Json:
    """Describe why a command ended."""
    return {"error": text, "hint": hint, "exit_status": int(status)}


def pieces_of(document: Json) -> Iterator[str]:
    """Write an object as JSON, some hundred items of its iterators at a time: 100,000 rows at once take 250 MB."""
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{', ' if number else ''}{json.dumps(name)}: "
        yield from _items(value) if isinstance(value, Iterator) else (json.dumps(value, default=str),)
    yield "}"


def _items(values: Iterator[Json]) -> Iterator[str]:
    before = "["
    while batch := list(islice(values, 500)):
        yield before + ", ".join(json.dumps(item, default=str) for item in batch)
        before = ", "
    yield "[]" if before == "[" else "]"


def plan_object(plan: Plan, *, gather: Gather = list) -> Json:
    """Describe what would be done."""
    return {
        "file": str(plan.sheet.path),
        "campaign": plan.campaign.name,
        "rows": len(plan.sheet.rows),
        "to_send": len(plan.to_send),
        "later": len(plan.deferred),
        "left_out": sorted(plan.left_out),
        "total": plain(plan.total),
        "currency": plan.prices.balance.currency,
        "balance": plain(plan.prices.balance.amount),
        "without_bound": plan.unbounded,
        "upper_bounds": plan.upper_bounds,
        "spent_before": plain(plan.campaign.spent),
        "max_spend": None if plan.max_spend is None else plain(plan.max_spend),
        "by_service": [
            {
                "service": item.service.id,
                "name": item.service.name,
                "rows": item.rows,
                "units": item.units,
                "cost": plain(item.cost),
            }
            for item in plan.by_service
        ],
        "planned": gather(planned_object(item, plan.campaign.name) for item in plan.to_send),
        "already": states_object(plan.matching.entries),
        "problems": [asdict(problem) for problem in plan.problems],
        "warnings": [asdict(warning) for warning in plan.warnings],
        "repeats": plan.repeats,
        "ordered_anew": [
            row_object(item.row.number, plan.matching.repeated[item.row.number])
            for item in plan.to_send
            if item.row.number in plan.matching.repeated
        ],
        "questions": [row_object(row, entry) for row, entry in plan.matching.questions.items()],
        "missing": [entry_object(entry) for entry in plan.matching.missing],
        "fingerprint": plan.fingerprint,
        "differences": differences(plan),
        "ignored_columns": list(plan.sheet.ignored),
        "headers": dict(plan.sheet.headers),
        "journal": journal_object(plan.journal_warnings),
    }


def journal_object(warnings: JournalWarnings) -> Json:
    """Describe a journal, and the signs that it is the wrong one."""
    return {
        "where": warnings.where,
        "uuid": warnings.uuid,
        "new_to_account": warnings.is_new,
        "unknown_order_ids": warnings.unknown_ids,
        "fall": None if warnings.fall is None else fall_object(warnings.fall),
        "warnings": list(warnings.warnings),
    }


def fall_object(fall: Fall) -> Json:
    """Describe a fall of the balance that the journal cannot explain."""
    amounts = {"unexplained": fall.unexplained, "fell": fall.fell, "known": fall.known}
    times = {"since": fall.since, "at": fall.at, "currency": fall.currency}
    return {name: plain(amount) for name, amount in amounts.items()} | times


def planned_object(item: PlannedRow, campaign: str) -> Json:
    """Describe a row that would be sent."""
    return {
        "row": item.row.number,
        "key": f"{campaign}/{item.planned.key}",
        "service": item.row.request.service,
        **item.row.request.values,
        "units": item.units,
        "cost": None if item.planned.cost is None else plain(item.planned.cost),
    }


def outcome_object(outcome: RunResult, *, gather: Gather = list) -> Json:
    """Describe the result of a run."""
    written = outcome.written
    return plan_object(outcome.plan, gather=gather) | {
        "sent": outcome.sent,
        "states": states_object(outcome.entries),
        "unsent": outcome.unsent,
        "blocked": outcome.blocked,
        "stopped": "" if outcome.stop is None else f"{outcome.stop.value}: {outcome.reason}",
        "unfollowed": outcome.unfollowed,
        "unwritten": outcome.unwritten,
        "written": None if written is None else str(written.path),
        "in_place": written is None or written.in_place,
        "unrecorded": dict(outcome.unrecorded),
        "rescued": {row: str(path) for row, path in outcome.rescued.items()},
        "alarms": list(outcome.alarms),
        "held": dict(outcome.held),
        "orders": gather(
            row_object(row, entry, outcome.refills.get(row)) for row, entry in sorted(outcome.entries.items())
        ),
        "exit_status": int(outcome.exit_status),
    }


def states_object(entries: Mapping[int, Entry]) -> Json:
    """Count entries by state."""
    states = [entry.state for entry in entries.values()]
    return {state.value: states.count(state) for state in State if state in states}


def row_object(row: int, entry: Entry, refill: FollowUp | None = None) -> Json:
    """Describe the order of a row."""
    return {"row": row, **entry_object(entry, refill)}


def entry_object(entry: Entry, refill: FollowUp | None = None) -> Json:
    """Describe an order of the journal, with its latest refill if there is one."""
    return {
        "key": entry.name,
        "state": entry.state.value,
        "service": entry.request.service,
        **entry.request.values,
        "expected_charge": None if entry.cost is None else plain(entry.cost),
        "sent_at": entry.sent_at,
        "source": entry.source,
        **entry_cells(entry),
        **({} if refill is None else refill_cells(refill)),
    }


def doubt_object(entry: Entry, evidence: Evidence) -> Json:
    """Describe an order in doubt, with what the balance says of it."""
    weighed = {
        "before": None if evidence.before is None else observation_object(evidence.before),
        "after": None if evidence.after is None else observation_object(evidence.after),
        "fell": None if evidence.fell is None else plain(evidence.fell),
        "accepted_orders": evidence.orders,
        "accepted": plain(evidence.accepted),
        "others_that_may_be_debited": evidence.others,
        "unexplained": None if evidence.left is None else plain(evidence.left),
        "verdict": evidence.verdict.name.lower(),
        "words": evidence.verdict.value,
    }
    return {"account": entry.account, **entry_object(entry), "settled_at": entry.settled_at, "evidence": weighed}


def observation_object(seen: Observation) -> Json:
    """Describe a balance."""
    return {"at": seen.at, "balance": plain(seen.amount), "currency": seen.currency}


def service_object(service: Service) -> Json:
    """Describe a service."""
    return asdict(service) | {"rate": None if service.rate is None else plain(service.rate)}


def service_change_object(change: Change, campaigns: Iterable[str]) -> Json:
    """Describe what changed in a service."""
    percent = change.rate_percent
    return {
        "id": change.service.id,
        "change": change.kind,
        "fields": list(change.fields),
        "rate_percent": None if percent is None else f"{percent:.1f}",
        "campaigns": sorted(campaigns),
        "before": None if change.before is None else service_object(change.before),
        "after": None if change.after is None else service_object(change.after),
    }


def budget_object(budget: Budget) -> Json:
    """Describe a campaign's budget."""
    return {
        "account": budget.account,
        "url": budget.url,
        "campaign": budget.campaign,
        "budget": None if budget.amount is None else plain(budget.amount),
        "spent": plain(budget.spent),
        "in_doubt": plain(budget.in_doubt),
        "remaining": None if budget.left is None else plain(budget.left),
        "currency": budget.currency,
    }


def balance_object(balance: Balance) -> Json:
    """Describe a balance."""
    return {"balance": plain(balance.amount), "currency": balance.currency}


def report_object(report: Report) -> Json:
    """Describe a report."""
    return figures_object(report) | {"orders": (_reported_object(each) for each in report.orders)}


def _reported_object(order: ReportedOrder) -> Json:
    return {
        "account": order.entry.account,
        **entry_object(order.entry),
        "standing": standing_of(order).value,
        "refunded": plain(refund_of(order)),
        "units": units_of(order.request),
        "delivered": delivered_of(order),
    }
