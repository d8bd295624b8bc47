"""The events of a run. How they are shown is up to the listener."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bulk.planning.plan import Plan
from bulk.writing import Written
from smmplus.placing.placer import Placed
from smmplus.texts import _


class RunListener:
    """Receives the events of a run, in this order. This one shows nothing, and agrees if it was created so."""

    def __init__(self, *, agreed: bool) -> None:
        self._agreed = agreed

    @property
    def agreed(self) -> bool:
        """Whether the run was confirmed beforehand, so that no one is asked."""
        return self._agreed

    def planned(self, plan: Plan) -> None:
        """Receive the plan."""

    def confirm(self, plan: Plan) -> bool:  # noqa: ARG002 (a person would look at it)
        """Return whether to continue and spend the money."""
        return self._agreed

    def placing(self, orders: int) -> None:
        """Receive the start of placing."""

    def placed(self, row: int | None, placed: Placed) -> None:
        """Receive the outcome of an order, once it is on disk; without its row if it is of a part of a sheet."""

    def waiting(self, words: str, until: datetime) -> None:
        """Receive that the panel says "not now", in its words, and until what time the run waits at the latest."""

    def following(self, orders: int, final: int) -> None:
        """Receive how many orders are tracked, and how many of them are finished."""

    def wrote(self, written: Written) -> None:
        """Receive where the results are."""

    def note(self, text: str) -> None:
        """Receive something that a person should know."""


def time_in(seconds: float) -> datetime:
    """Return the time in so many seconds, in the local zone."""
    return datetime.now().astimezone() + timedelta(seconds=seconds)


def waiting_words(words: str, until: datetime) -> str:
    """Return that a run waits, why and how long."""
    latest = until.strftime("%H:%M:%S %Z")
    return _(
        "The panel says not now ({words}). Its orders wait and are sent again, until {time} at the latest",
        words=words,
        time=latest,
    )


class GuardedListener(RunListener):
    """Forwards events to another listener until its output is gone: a full disk under a log, a closed window.

    A broken output must not end a run while orders are under way.
    """

    def __init__(self, listener: RunListener) -> None:
        super().__init__(agreed=False)
        self._listener: RunListener | None = listener

    def placing(self, orders: int) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.placing(orders))

    def placed(self, row: int | None, placed: Placed) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.placed(row, placed))

    def waiting(self, words: str, until: datetime) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.waiting(words, until))

    def following(self, orders: int, final: int) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.following(orders, final))

    def wrote(self, written: Written) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.wrote(written))

    def note(self, text: str) -> None:
        """Forward the event."""
        self._pass_on(lambda listener: listener.note(text))

    def _pass_on(self, tell: Callable[[RunListener], None]) -> None:
        if self._listener is None:
            return
        try:
            tell(self._listener)
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._listener = None
