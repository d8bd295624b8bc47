"""How a task ends after a run: it succeeds, it fails and a retry may help, or it fails for a person to look."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.utils.arguments import AIRFLOW
from bulk.running.advice import FIRST, doubt_steps
from smmplus.commands import Value, command
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop

if TYPE_CHECKING:
    from bulk.running.result import RunResult
    from smmplus.journal.entry import Entry
WORTH_A_RETRY = frozenset({Stop.ACCOUNT, Stop.FUNDS, Stop.UNREACHABLE, Stop.JOURNAL, Stop.ASKED})
"""Stops that may pass, or be fixed before the retry: funds, a panel out of reach, a killed task."""

MOST_NAMED = 5


def must_be_well(outcome: "RunResult") -> None:
    """Fail the task if a run of a sheet did not finish."""
    if outcome.blocked:
        raise AirflowFailException(outcome.blocked)
    must_be_placed(outcome.entries.values(), outcome.stop, outcome.reason)
    if outcome.unwritten:
        raise AirflowException(
            f"the results are in the journal, but could not be written into the sheet: {outcome.unwritten}"
        )


def must_be_placed(entries: "Iterable[Entry]", stop: Stop | None, reason: str) -> None:
    """Fail the task if orders are in doubt, or placing stopped early.

    With orders in doubt, it fails without retries. The message has the orders and the commands that resolve them.
    """
    known = list(entries)
    if doubts := [entry for entry in known if entry.state is State.IN_DOUBT]:
        raise AirflowFailException(told_of_doubts(doubts))
    if stop is not None:
        error = AirflowException if stop in WORTH_A_RETRY else AirflowFailException
        budget = _budget(known[0]) if stop is Stop.BUDGET and known else ""
        first = FIRST[stop] + how_to_repeat()
        raise error(f"stopped: {stop.value} ({reason}). {first[0].upper()}{first[1:]}{budget}")


def how_to_repeat(**changed: Value) -> str:
    """Return how to continue a task."""
    if changed:
        return f"clear the task with {AIRFLOW.phrase(**changed)}"
    return "clear the task if no retry follows. Placed orders are not repeated"


def _budget(entry: "Entry") -> str:
    raised = command("budget", entry.campaign, account=entry.account, set="AMOUNT")
    return f". Raise max_spend if the task has one, else run `{raised}`"


def told_of_doubts(doubts: "list[Entry]") -> str:
    """Return which orders are in doubt, since when, and how to resolve them."""
    named = "; ".join(
        f"{entry.name} (service {entry.request.service}, {entry.request.values.get('link', '')}, expected charge "
        f"{entry.cost}, sent {(entry.sent_at or '')[:19]} UTC: {entry.error})"
        for entry in doubts[:MOST_NAMED]
    )
    more = f" and {len(doubts) - MOST_NAMED} more" if len(doubts) > MOST_NAMED else ""
    steps = ". ".join(doubt_steps(doubts, "`"))
    return f"{len(doubts)} in doubt, and not sent again: {named}{more}. {steps}. Then clear the task to continue"
