"""How a run looks while it goes on: a progress bar where a person looks on, plain lines where none does."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bulk.cli.tables import WARNING, cost_of, show_plan
from bulk.cli.texts import lasting
from bulk.planning.blockers import backup_gap_message, backup_gap_remedy
from bulk.planning.plan import Plan
from bulk.running.events import RunListener, waiting_words
from bulk.writing import Written
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Placed
from smmplus.texts import _, counted

LINE_EVERY = 5.0
"""Seconds between two plain lines of progress."""


class _Telling(RunListener):
    """What people see in either way. It asks before money is spent, unless `--yes` was passed."""

    def __init__(
        self,
        out: Console,
        progress: Console,
        *,
        agreed: bool,
        later: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin; `later` is the command that updates the sheet later, for a person who does not want to wait."""
        super().__init__(agreed=agreed)
        self._out = out
        self._progress_console = progress
        self._later = later
        self._clock = clock
        self._orders = self._done = self._doubts = self._refused = 0
        self._began = 0.0

    def planned(self, plan: Plan) -> None:
        show_plan(self._out, plan)

    def confirm(self, plan: Plan) -> bool:
        if self._agreed:
            return True
        if words := backup_gap_message(plan):
            self._out.print(Text(f"{words}. {backup_gap_remedy(plan.options.surface)}", "bold red"), soft_wrap=True)
        repeats = f" ({plan.repeats})" if plan.repeats else ""
        return asked(f"{_question(plan, gap=bool(words))}{repeats}{_duration(plan)}")

    def placing(self, orders: int) -> None:
        self._orders, self._began = orders, self._clock()

    def following(self, orders: int, final: int) -> None:
        if self._later and final < orders:
            words = _(
                "It is safe to end this: the orders continue. To update the sheet later: {command}", command=self._later
            )
            self._progress_console.print(words, markup=False, soft_wrap=True)
        self._later = ""

    def placed(self, row: int | None, placed: Placed) -> None:  # noqa: ARG002 (sums tell enough)
        self._done += 1
        self._doubts += placed.state is State.IN_DOUBT
        self._refused += placed.state is State.REJECTED

    def waiting(self, words: str, until: datetime) -> None:
        self.note(waiting_words(words, until))

    def wrote(self, written: Written) -> None:
        self._progress_console.print(_("Wrote {path}", path=written.path), markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._progress_console.print(text, style=WARNING, markup=False, soft_wrap=True)

    def _words(self) -> str:
        counts = ((self._refused, _("rejected")), (self._doubts, _("in doubt")))
        return ", ".join([_("placing"), *(f"{count} {word}" for count, word in counts if count)])

    def _pace(self) -> str:
        """Return how many orders a second are placed, and how long the others take at that pace."""
        seconds = self._clock() - self._began
        if seconds <= 0 or self._done in {0, self._orders}:
            return ""
        pace = self._done / seconds
        left = lasting((self._orders - self._done) / pace)
        return f", {_('{pace:.1f} a second', pace=pace)}, {_('{duration} left', duration=left)}"


def _duration(plan: Plan) -> str:
    """Return how long placing takes at the least."""
    rate = plan.options.rate
    if not rate:
        return ""
    duration = lasting(len(plan.to_send) / rate).capitalize()
    if rate == 1:
        return " " + _("{duration} at 1 call a second.", duration=duration)
    return " " + _("{duration} at {rate:g} calls a second.", duration=duration, rate=rate)


def _question(plan: Plan, *, gap: bool) -> str:
    """Ask whether to place the orders; with a gap, also whether none was placed since the backup."""
    lost = plan.campaign.backup is not None and plan.campaign.backup.lost
    orders = counted(len(plan.to_send), "order")
    if plan.deferred:
        every = counted(len(plan.to_send) + len(plan.deferred), "order")
        orders = _("the first {count} of {orders}", count=len(plan.to_send), orders=every)
    values = {
        "orders": orders,
        "cost": cost_of(plan),
        "account": plan.options.account,
        "panel": urlsplit(plan.campaign.panel).netloc,
    }
    if not gap:
        return _("Place {orders} for {cost} from account {account} at {panel}?", **values)
    if lost:
        return _(
            "Place {orders} for {cost} from account {account} at {panel}, none of them placed since then?", **values
        )
    return _(
        "Place {orders} for {cost} from account {account} at {panel}, none of them placed since the backup?", **values
    )


def asked(question: str) -> bool:
    """Ask a person; anything but a clear yes is no."""
    try:
        answer: str = typer.prompt(f"{question} [{_('y/N')}]", default="", show_default=False)
    except typer.Abort:
        if not sys.stdin.isatty():
            typer.echo(_("Not a terminal: add --yes"), err=True)
        return False
    return answer.strip().casefold() in _("y yes").split()


class Lines(_Telling):
    """A plain line now and then."""

    _last = float("-inf")

    def placed(self, row: int | None, placed: Placed) -> None:
        super().placed(row, placed)
        done = _("{done} of {orders}", done=self._done, orders=self._orders)
        self._line(f"{self._words()}: {done}{self._pace()}", last=self._done == self._orders)

    def following(self, orders: int, final: int) -> None:
        super().following(orders, final)
        words = _("tracking: {finished} of {orders} finished", finished=final, orders=orders)
        self._line(words, last=final == orders)

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

    def __init__(self, out: Console, progress: Console, *, agreed: bool, later: str = "") -> None:
        super().__init__(out, progress, agreed=agreed, later=later)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=progress)
        self._placing: TaskID | None = None
        self._following: TaskID | None = None

    def placing(self, orders: int) -> None:
        super().placing(orders)
        self._bars.start()
        self._placing = self._bars.add_task(_("placing"), total=orders)

    def placed(self, row: int | None, placed: Placed) -> None:
        super().placed(row, placed)
        if self._placing is not None:
            self._bars.update(self._placing, completed=self._done, description=self._words() + self._speed())

    def _speed(self) -> str:
        return self._pace().rpartition(",")[0]

    def following(self, orders: int, final: int) -> None:
        super().following(orders, final)
        self._bars.start()
        if self._following is None:
            self._following = self._bars.add_task(_("tracking"), total=orders)
        self._bars.update(self._following, completed=final, total=orders)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


def listener_for(out: Console, progress: Console, *, agreed: bool, later: str = "") -> Lines | Bars:
    """Choose how to show progress: bars on a terminal that can move its cursor, lines elsewhere."""
    has_bars = progress.is_terminal and not progress.is_dumb_terminal
    return (Bars if has_bars else Lines)(out, progress, agreed=agreed, later=later)
