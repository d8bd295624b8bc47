"""The result of a run, its exit status, and the cells that it writes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from sys import intern

from bulk.model.errors import ExitStatus
from bulk.model.sheet import RESULT_FIELDS, Problem, Sheet
from bulk.planning.plan import Plan
from bulk.writing import Written
from smmplus.journal.entry import Entry
from smmplus.journal.refills_and_cancels import FollowUp
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain, total
from smmplus.orders.models import Balance
from smmplus.placing.placer import Stop

DECLINED = "not confirmed"
"""The reason of a run that a person did not agree to."""


@dataclass(frozen=True, slots=True)
class Charges:
    """What the orders of a run have cost so far, as the panel reports it with their statuses."""

    charged: Decimal
    refunded: Decimal
    """What the panel took less than was expected of orders that it cancelled or delivered in part."""
    open: int
    """Orders that the panel has reported no charge for."""
    expected: Decimal
    """What these cost by the price list."""


def charges_of(entries: Iterable[Entry]) -> Charges:
    """Add up what placed orders have cost."""
    placed = [entry for entry in entries if entry.state is State.PLACED]
    known = [entry for entry in placed if entry.charge is not None]
    unknown = [entry for entry in placed if entry.charge is None]
    return Charges(
        total(entry.charge or Decimal(0) for entry in known),
        total(entry.refunded for entry in known),
        len(unknown),
        total(entry.cost or Decimal(0) for entry in unknown),
    )


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run of a sheet."""

    plan: Plan
    entries: Mapping[int, Entry]
    """Row -> what the journal knows of it at the end."""
    blocked: str = ""
    """What a person must fix or answer before anything is sent; "" if nothing blocked the run."""
    stop: Stop | None = None
    reason: str = ""
    """Why nothing was sent, or no more; "" if everything was."""
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
    """Why tracking ended early; "" if it did not."""
    unwritten: str = ""
    """Why the results are not in a sheet; the journal has them."""
    refills: Mapping[int, FollowUp] = field(default_factory=dict)
    """Row -> the latest request for a refill of its order."""
    balance: Balance | None = None
    """The balance after the last order was placed; None if it was not read."""

    def count(self, state: State) -> int:
        """Count the rows in a state."""
        return sum(entry.state is state for entry in self.entries.values())

    @property
    def declined(self) -> bool:
        """Whether a person was asked and did not agree, so that nothing was sent."""
        return self.stop is Stop.ASKED and self.reason == DECLINED

    @property
    def unsent(self) -> int:
        """Count the rows that were to be sent and were not."""
        to_send = {sending.row.number for sending in self.plan.to_send}
        return sum(row not in self.entries or self.entries[row].state is State.NOT_SENT for row in to_send)

    @property
    def exit_status(self) -> ExitStatus:
        """Doubt comes before the account, the account before what is unfinished, that before problems."""
        in_doubt = self.count(State.IN_DOUBT) or any(
            entry.state is State.IN_DOUBT for entry in self.plan.matching.missing
        )
        unsent = self.unsent and not self.blocked
        ranked = (
            (in_doubt, ExitStatus.IN_DOUBT),
            (self.stop in {Stop.ACCOUNT, Stop.FUNDS, Stop.BUDGET}, ExitStatus.ACCOUNT),
            (self.stop or self.unfollowed or self.unwritten or self.unrecorded or unsent, ExitStatus.UNFINISHED),
            (self.blocked or self.plan.problems or self.count(State.REJECTED), ExitStatus.PROBLEMS),
        )
        return next((status for holds, status in ranked if holds), ExitStatus.DONE)


Cells = dict[str, str]


def entry_cells(entry: Entry) -> Cells:
    """Return an order as the cells of its row."""
    time = entry.polled_at or entry.settled_at or ""
    return {
        "order_id": entry.order_id or "",
        "order_status": entry.order_status or entry.state.words,
        "charge": "" if entry.charge is None else plain(entry.charge),
        "start_count": entry.start_count or "",
        "remains": entry.remains or "",
        "currency": entry.currency,
        "error": entry.error,
        "updated_at": intern(f"{time[:19]}Z") if time else "",  # many rows share it
    }


def refill_cells(refill: FollowUp) -> Cells:
    """Return the latest request for a refill of an order as cells of its row."""
    said = refill.status or refill.state.value.replace("_", " ").capitalize()
    return {"refill_id": refill.answer, "refill_status": f"{said}: {refill.error}" if refill.error else said}


def problem_cells(problems: Iterable[Problem]) -> dict[int, Cells]:
    """Return what is wrong with rows that are left out, as their error cells. Their other cells stay as they are."""
    words: dict[int, list[str]] = defaultdict(list)
    for problem in problems:
        if problem.row is not None:
            words[problem.row].append(f"{problem.where}: {problem.message} ({problem.remedy})")
    return {row: {"error": "; ".join(found)} for row, found in words.items()}


def differs_from_sheet(sheet: Sheet, cells: Mapping[int, Cells]) -> bool:
    """Return whether cells differ from a sheet as it was read."""
    # Column by column: the cells of 100,000 rows as a mapping of their own would take 50 MB.
    return any(_differs(_column(sheet, name), name, cells) for name in RESULT_FIELDS)


def _column(sheet: Sheet, name: str) -> dict[int, str]:
    if name not in sheet.columns:
        return {}
    return dict(zip(sheet.rows, sheet.texts[name], strict=True))


def _differs(column: Mapping[int, str], name: str, cells: Mapping[int, Cells]) -> bool:
    return any(column.get(row, "") != wanted[name] for row, wanted in cells.items() if name in wanted)


def digest_of_cells(cells: Mapping[int, Cells]) -> str:
    """Return the SHA-256 of all rows and texts, so that equal cells are recognized without keeping them."""
    sum_of_all = sha256()
    for row, wanted in cells.items():
        sum_of_all.update(f"{row} {sorted(wanted.items())}\n".encode())
    return sum_of_all.hexdigest()
