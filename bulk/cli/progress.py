"""How a run looks while it goes on: a progress bar where a person looks on, plain lines where none does."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from bulk.cli.tables import WARNING, cost_of, show_plan
from bulk.cli.texts import counted
from bulk.planning.blockers import backup_gap_message, backup_gap_remedy
from bulk.planning.plan import Plan
from bulk.running.events import RunListener
from bulk.writing import Written
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Placed

LINE_EVERY = 5.0
"""Seconds between two plain lines of progress."""


class _Telling(RunListener):
    """What people see in either way. It asks before money is spent, unless `--yes` was passed."""

    def __init__(self, out: Console, progress: Console, *, agreed: bool) -> None:
        super().__init__(agreed=agreed)
        self._out = out
        self._progress_console = progress
        self._orders = self._done = self._doubts = self._refused = 0

    def planned(self, plan: Plan) -> None:
        show_plan(self._out, plan)

    def confirm(self, plan: Plan) -> bool:
        if self._agreed:
            return True
        since = ""
        if words := backup_gap_message(plan):
            self._out.print(Text(f"{words}. {backup_gap_remedy(plan.options.surface)}", "bold red"), soft_wrap=True)
            lost = plan.campaign.backup is not None and plan.campaign.backup.lost
            since = f", none of them placed since {'then' if lost else 'the backup'}"
        repeats = f" ({plan.repeats})" if plan.repeats else ""
        first = (
            f"the first {len(plan.to_send)} of {counted(len(plan.to_send) + len(plan.deferred), 'order')}"
            if plan.deferred
            else ""
        )
        return asked(f"Place {first or counted(len(plan.to_send), 'order')} for {cost_of(plan)}{since}?{repeats}")

    def placing(self, orders: int) -> None:
        self._orders = orders

    def placed(self, placed: Placed) -> None:
        self._done += 1
        self._doubts += placed.state is State.IN_DOUBT
        self._refused += placed.state is State.REJECTED

    def wrote(self, written: Written) -> None:
        self._progress_console.print(f"Wrote {written.path}", markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._progress_console.print(text, style=WARNING, markup=False, soft_wrap=True)

    def _words(self) -> str:
        extra = [f"{count} {word}" for count, word in ((self._refused, "refused"), (self._doubts, "in doubt")) if count]
        return ", ".join(["placing", *extra])


def asked(question: str) -> bool:
    """Ask a person; no answer is no."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        return False


class Lines(_Telling):
    """A plain line now and then."""

    def __init__(
        self, out: Console, progress: Console, *, agreed: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(out, progress, agreed=agreed)
        self._clock = clock
        self._last = float("-inf")

    def placed(self, placed: Placed) -> None:
        super().placed(placed)
        self._line(f"{self._words()}: {self._done} of {self._orders}", last=self._done == self._orders)

    def following(self, orders: int, final: int) -> None:
        self._line(f"tracking: {final} of {orders} finished", last=final == orders)

    def _line(self, text: str, *, last: bool) -> None:
        if last or self._clock() - self._last >= LINE_EVERY:
            self._last = self._clock()
            self._progress_console.print(text, markup=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to end."""


class Bars(_Telling):
    """A progress bar for placing, and one for following."""

    def __init__(self, out: Console, progress: Console, *, agreed: bool) -> None:
        super().__init__(out, progress, agreed=agreed)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=progress)
        self._placing: TaskID | None = None
        self._following: TaskID | None = None

    def placing(self, orders: int) -> None:
        super().placing(orders)
        self._bars.start()
        self._placing = self._bars.add_task("placing", total=orders)

    def placed(self, placed: Placed) -> None:
        super().placed(placed)
        if self._placing is not None:
            self._bars.update(self._placing, completed=self._done, description=self._words())

    def following(self, orders: int, final: int) -> None:
        self._bars.start()
        if self._following is None:
            self._following = self._bars.add_task("tracking", total=orders)
        self._bars.update(self._following, completed=final, total=orders)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def listener_for(out: Console, progress: Console, *, agreed: bool) -> Lines | Bars:
    """Choose how to show progress: bars on a terminal, lines elsewhere."""
    return (Bars if progress.is_terminal else Lines)(out, progress, agreed=agreed)
