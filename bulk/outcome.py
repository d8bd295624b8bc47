"""What came of a job, and the exit status that says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from bulk.plan import Plan
from bulk.writing import Written
from smmplus.journal.entry import Entry
from smmplus.journal.states import State
from smmplus.placing import Stop


class ExitStatus(IntEnum):
    """What a script learns from a command."""

    DONE = 0
    USAGE = 2
    PROBLEMS = 3
    """Rows with problems, refused rows, or a question that a person must answer."""
    IN_DOUBT = 4
    ACCOUNT = 5
    """Stopped for the account: key, funds, budget."""
    IN_USE = 6
    UNFINISHED = 7
    """Run it again: declined, interrupted, panel out of reach."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job on a sheet."""

    plan: Plan
    entries: Mapping[int, Entry]
    """Row -> what the journal knows of it at the end."""
    blocked: str = ""
    """What a person must mend or answer before anything is sent; "" where nothing stood in the way."""
    stop: Stop | None = None
    reason: str = ""
    """Why nothing was sent, or no more; "" where everything was."""
    sent: int = 0
    written: Written | None = None
    unrecorded: Mapping[int, str] = field(default_factory=dict)
    """Row -> an order id that the journal could not take."""
    rescued: Mapping[int, Path] = field(default_factory=dict)
    """Row -> the rescue file that holds such an id until the next run; a person must keep an id that is in none."""
    alarms: tuple[str, ...] = ()
    held: Mapping[int, str] = field(default_factory=dict)
    """Row -> why the run went on without it."""
    unfollowed: str = ""
    """Why the orders were not followed to the end; "" where they were, or the wait was over."""
    unwritten: str = ""
    """Why the results are in no sheet; they are in the journal all the same."""

    def count(self, state: State) -> int:
        """Count the rows in a state."""
        return sum(entry.state is state for entry in self.entries.values())

    @property
    def unsent(self) -> int:
        """Count the rows that were to be sent and were not."""
        to_send = {sending.row.number for sending in self.plan.sending}
        return sum(row not in self.entries or self.entries[row].state is State.PLANNED for row in to_send)

    @property
    def exit_status(self) -> ExitStatus:
        """Sum it up: doubt comes before the account, the account before what is unfinished, that before problems."""
        binding = self.plan.binding
        in_doubt = self.count(State.IN_DOUBT) or any(entry.state is State.IN_DOUBT for entry in binding.missing)
        unsent = self.unsent and not self.blocked
        ranked = (
            (in_doubt, ExitStatus.IN_DOUBT),
            (self.stop in {Stop.ACCOUNT, Stop.FUNDS, Stop.BUDGET}, ExitStatus.ACCOUNT),
            (self.stop or self.unfollowed or self.unwritten or self.unrecorded or unsent, ExitStatus.UNFINISHED),
            (self.blocked or self.plan.problems or self.count(State.REJECTED), ExitStatus.PROBLEMS),
        )
        return next((status for holds, status in ranked if holds), ExitStatus.DONE)
