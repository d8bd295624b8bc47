"""Join what is known of the rows of a DataFrame to it as columns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import pandas as pd

from bulk.model.errors import ExitStatus
from bulk.model.sheet import REFILL_RESULTS, RESULT_FIELDS, Problem, Sheet
from bulk.planning.blockers import campaign_to_order_again, describe_order
from bulk.planning.plan import Plan
from bulk.running.result import Cells, RunResult, entry_cells, problem_cells, refill_cells
from smmplus.orders.decimals import plain, written


def joined(frame: pd.DataFrame, outcome: RunResult) -> pd.DataFrame:
    """Return a copy of a DataFrame with the columns of the results.

    What stands in these columns of a row that nothing new is known of stays.
    """
    sheet, result = outcome.plan.sheet, frame.copy()
    cells = _cells(outcome)
    for field in RESULT_FIELDS:
        column = sheet.columns.get(field)
        if column is None and field in REFILL_RESULTS and not outcome.refills:
            continue
        values = _typed(field, _texts(sheet, field, cells, len(frame))).set_axis(frame.index)
        if column is None:
            result[field] = values
        else:
            result.isetitem(column.index, values.array)
    return result


def _cells(outcome: RunResult) -> dict[int, Cells]:
    cells = problem_cells(outcome.plan.problems)
    for row, entry in outcome.entries.items():
        cells[row] = entry_cells(entry) | cells.get(row, {})
    for row, refill in outcome.refills.items():
        cells[row] = {**cells.get(row, {}), **refill_cells(refill)}
    for row, order_id in outcome.unrecorded.items():
        cells[row] = {**cells.get(row, {}), "order_id": order_id, "order_status": "Placed"}
    return cells


def _texts(sheet: Sheet, field: str, cells: Mapping[int, Cells], length: int) -> list[str]:
    stood: dict[int, str] = {}
    if field in sheet.columns:
        stood = dict(zip(sheet.frame.index, sheet.frame[field], strict=True))
    return [cells.get(row, {}).get(field, stood.get(row, "")) for row in range(1, length + 1)]


def _typed(field: str, texts: Sequence[str]) -> "pd.Series[Any]":
    if field == "charge":
        return pd.Series([written(text) for text in texts], dtype="object")
    if field in {"start_count", "remains"}:
        return pd.Series([_whole(text) for text in texts], dtype="Int64")
    column = pd.Series(texts, dtype="str")
    return pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce") if field == "updated_at" else column


def _whole(text: str) -> int | None:
    number = written(text)
    return int(number) if number is not None and number == number.to_integral_value() else None


def checked(frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return a copy of a DataFrame with its rows' problems, warnings and prices."""
    result, rows = frame.copy(), range(1, len(frame) + 1)
    prices = {sending.row.number: sending.planned.cost for sending in (*plan.to_send, *plan.deferred)}
    wrong, thoughts = _problems(plan), _messages(plan.warnings)
    for name, values, kind in (
        ("problems", [wrong.get(row, "") for row in rows], "str"),
        ("warnings", [thoughts.get(row, "") for row in rows], "str"),
        ("price", [_shown(prices.get(row)) for row in rows], "object"),
    ):
        result[name] = pd.Series(cast("list[Any]", values), index=frame.index, dtype=kind)
    balance = plan.prices.balance
    result.attrs |= {
        "campaign": plan.campaign.name,
        "rows": len(plan.sheet.rows),
        "to_send": len(plan.to_send),
        "total": plain(plan.total),  # text: a file of the DataFrame may keep its attrs as JSON
        "balance": plain(balance.amount),
        "currency": balance.currency,
        "fingerprint": plan.fingerprint,
        "blocked": plan.blocker.message if plan.blocker else "",
        "repeats": plan.repeats,
    }
    return result


def _shown(price: Decimal | None) -> Decimal | None:
    """Return a price without the zeros at its end, which a rate times a quantity has."""
    return None if price is None else Decimal(plain(price))


def _problems(plan: Plan) -> dict[int, str]:
    """Return what is wrong with each row; what concerns all rows is in each."""
    of_all = [f"{each.where}: {each.message} ({each.remedy})" for each in plan.problems if each.row is None]
    words = defaultdict(list, {row: list(of_all) for row in plan.sheet.frame.index})
    for row, cells in problem_cells(plan.problems).items():
        words[row].append(cells["error"])
    for row, entry in plan.matching.questions.items():
        same = plan.options.surface.phrase(adopt=True)
        anew = plan.options.surface.phrase(campaign=campaign_to_order_again(plan))
        words[row].append(
            f"equals an order placed before: {describe_order(entry)} (pass {same} if it is the same, or {anew} to "
            "order it once more)"
        )
    return {row: "; ".join(found) for row, found in words.items()}


def _messages(warnings: Iterable[Problem]) -> dict[int, str]:
    words: dict[int, list[str]] = defaultdict(list)
    for each in warnings:
        if each.row is not None:
            words[each.row].append(f"{each.where}: {each.message}")
    return {row: "; ".join(found) for row, found in words.items()}


class RunError(Exception):
    """A run of a DataFrame that did not come to its end; the message says why, and what to do.

    What is known of its rows is in `results`, the DataFrame that would have been given back.
    """

    def __init__(self, message: str, results: pd.DataFrame, outcome: RunResult) -> None:
        super().__init__(message)
        self.results = results
        self.outcome = outcome

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with rows."""
        return self.outcome.plan.problems

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that the command would end with."""
        return self.outcome.exit_status
