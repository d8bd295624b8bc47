"""The log of a task about a run of a sheet."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_smmplus.utils.failures import how_to_repeat
from bulk.planning.approval import differences
from bulk.planning.plan import column_notes
from bulk.running.advice import describe_entry, describe_rows, describe_unrecorded, list_lines, refused_steps
from bulk.running.events import RunListener, waiting_words
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain

if TYPE_CHECKING:
    from bulk.planning.plan import Plan
    from bulk.running.partitions import PlacedPart
    from bulk.running.result import RunResult
    from bulk.writing import Written
    from smmplus.journal.entry import Entry
    from smmplus.placing.placer import Placed

LINE_EVERY = 10.0
"""Seconds between two lines of progress."""

MOST_PROBLEMS = 500
"""Lines of problems in a log. A sheet with more is wrong as a whole."""


class Log(Protocol):
    """The methods of a task's log that are used."""

    def debug(self, event: str, *args: Any) -> Any: ...  # noqa: ANN401, D102
    def info(self, event: str, *args: Any) -> Any: ...  # noqa: ANN401, D102
    def warning(self, event: str, *args: Any) -> Any: ...  # noqa: ANN401, D102
    def error(self, event: str, *args: Any) -> Any: ...  # noqa: ANN401, D102


class LogWatcher(RunListener):
    """Writes what a run does into a task's log. It confirms every plan: running the DAG is the confirmation."""

    def __init__(self, log: Log) -> None:
        super().__init__(agreed=True)
        self._log = log
        self._orders = self._done = 0
        self._last = float("-inf")

    def planned(self, plan: "Plan") -> None:
        """Log the problems, what is placed already, and what would be sent for how much."""
        log_plan(self._log, plan)

    def placing(self, orders: int) -> None:
        """Log how many orders are sent."""
        self._orders = orders
        self._log.info("placing %d orders", orders)

    def placed(self, row: int | None, placed: "Placed") -> None:
        """Log every order, and the progress now and then."""
        self._done += 1
        what = f"entry {placed.entry}" if row is None else f"row {row}"
        self._log.debug("%s is %s %s %s", what, placed.state.value, placed.order_id or "", placed.error)
        if self._done == self._orders or time.monotonic() - self._last >= LINE_EVERY:
            self._last = time.monotonic()
            self._log.info("placed %d of %d", self._done, self._orders)

    def following(self, orders: int, final: int) -> None:
        """Log how many orders are finished."""
        self._log.info("tracking: %d of %d orders finished", final, orders)

    def wrote(self, written: "Written") -> None:
        """Log where the results are."""
        self._log.info("written to %s%s", written.path, f" ({written.reason})" if written.reason else "")

    def waiting(self, words: str, until: datetime) -> None:
        """Log why nothing seems to happen."""
        self._log.warning("%s", waiting_words(words, until))

    def note(self, text: str) -> None:
        """Log a warning."""
        self._log.warning("%s", text)


def log_rows(log: Log, outcome: "RunResult") -> None:
    """Log which rows of a sheet are not orders and why, how to send refused ones, and IDs that no journal has."""
    for row in outcome.unrecorded:
        log.error("%s", describe_unrecorded(outcome, row))
    for words in (*describe_rows(outcome, "see the column error of the results"), *_refused(outcome.entries.values())):
        log.warning("%s", words)


def log_part(log: Log, part: "PlacedPart") -> None:
    """Log which orders of a part were refused or held back and why, and how to send the refused ones."""
    refused = [describe_entry(entry) for entry in part.entries if entry.state is State.REJECTED]
    why = part.progress.held_back
    held = [describe_entry(entry, why=why[entry.id]) for entry in part.entries if entry.id in why]
    rest = "see the column error once the results are written"
    for words in (
        *list_lines(f"rejected by the panel ({len(refused)}):", refused, rest),
        *list_lines(f"held back, and not sent ({len(held)}):", held, rest),
        *_refused(part.entries),
    ):
        log.warning("%s", words)


def _refused(entries: "Iterable[Entry]") -> "Iterable[str]":
    return refused_steps(entries, how_to_repeat)


def log_plan(log: Log, plan: "Plan") -> None:
    """Log what a run of a sheet would do."""
    for words in column_notes(plan):
        log.info("%s", words)
    for problem in plan.problems[:MOST_PROBLEMS]:
        log.error("%s: %r %s (%s)", problem.where, problem.value, problem.message, problem.remedy)
    if len(plan.problems) > MOST_PROBLEMS:
        log.error("and %d more problems", len(plan.problems) - MOST_PROBLEMS)
    for each in plan.warnings[:MOST_PROBLEMS]:
        log.warning("%s: %r: %s (%s)", each.where, each.value, each.message, each.remedy)
    if len(plan.warnings) > MOST_PROBLEMS:
        log.warning("and %d more warnings", len(plan.warnings) - MOST_PROBLEMS)
    for warning in filter(None, (plan.repeats, *plan.journal_warnings.warnings)):
        log.warning("%s", warning)
    for difference in differences(plan)[:MOST_PROBLEMS]:
        log.error("not as approved: %s", difference)
    currency = plan.prices.balance.currency
    for item in plan.by_service:
        log.info(
            "service %s (%s): %d rows, %s %s", item.service.id, item.service.name, item.rows, plain(item.cost), currency
        )
    log.info(
        "campaign %r: %d rows, %d already in the journal, %d to send for %s %s; the balance is %s",
        plan.campaign.name, len(plan.sheet.rows), len(plan.matching.entries), len(plan.to_send), plain(plan.total),
        currency, plain(plan.prices.balance.amount),
    )  # fmt: skip
    if plan.fingerprint:
        log.info("fingerprint %s", plan.fingerprint)
