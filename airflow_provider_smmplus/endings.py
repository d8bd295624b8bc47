"""PURE: what the end of a run means for its task: done, worth a retry, or for a person."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.wording import in_arguments
from smmplus.journal import State
from smmplus.ordering import in_a_shell
from smmplus.placing import Stop

if TYPE_CHECKING:
    from bulk.outcome import Outcome
    from smmplus.journal import Entry

WORTH_A_RETRY = frozenset({Stop.ACCOUNT, Stop.FUNDS, Stop.UNREACHABLE, Stop.JOURNAL, Stop.ASKED})
"""Stops that may pass, or be mended while Airflow waits for the retry: funds, a panel out of reach, a killed task."""

MOST_NAMED = 5


def must_be_well(outcome: "Outcome") -> None:
    """Raise what fails the task where a run of a sheet did not come to its end."""
    if outcome.blocked:
        raise AirflowFailException(in_arguments(outcome.blocked))
    must_be_placed(outcome.entries.values(), outcome.stop, outcome.reason)
    if outcome.unwritten:
        raise AirflowException(f"the results are in the journal, not in the sheet: {outcome.unwritten}")


def must_be_placed(entries: "Iterable[Entry]", stop: Stop | None, reason: str) -> None:
    """Raise what fails the task where orders are in doubt, or placing stopped before its end.

    In doubt the task fails without retries, naming the orders and the command that settles them.
    """
    if doubts := [entry for entry in entries if entry.state is State.IN_DOUBT]:
        raise AirflowFailException(told_of_doubts(doubts))
    if stop is not None:
        error = AirflowException if stop in WORTH_A_RETRY else AirflowFailException
        raise error(f"stopped: {stop.value} ({reason})")


def told_of_doubts(doubts: "list[Entry]") -> str:
    """Say which orders are in doubt, since when, and how they are settled."""
    named = "; ".join(
        f"{in_a_shell(entry)} (service {entry.request.service}, {entry.request.values.get('link', '')}, expected "
        f"charge {entry.cost}, sent {(entry.sent_at or '')[:19]} UTC: {entry.error})"
        for entry in doubts[:MOST_NAMED]
    )
    more = f" and {len(doubts) - MOST_NAMED} more" if len(doubts) > MOST_NAMED else ""
    return (
        f"{len(doubts)} in doubt, and not sent again: {named}{more}. `smmplus doubts` shows the evidence; settle each "
        "with `smmplus resolve NAME --order-id NUMBER` or `--not-placed`, then clear the task: it goes on"
    )
