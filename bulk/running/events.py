"""What a run tells while it goes on; how it looks is the affair of those who watch."""

from collections.abc import Callable

from bulk.planning.plan import Plan
from bulk.writing import Written
from smmplus.placing.placer import Placed


class RunListener:
    """Hears of everything that happens in a run, in this order. This one says nothing, and agrees only if told to."""

    def __init__(self, *, agreed: bool) -> None:
        self._agreed = agreed

    @property
    def agreed(self) -> bool:
        """Whether the yes was given beforehand, so that nobody is asked."""
        return self._agreed

    def planned(self, plan: Plan) -> None:
        """Hear what would be done."""

    def confirm(self, plan: Plan) -> bool:  # noqa: ARG002 (a person would look at it)
        """Decide whether to go on and spend the money."""
        return self._agreed

    def placing(self, orders: int) -> None:
        """Hear that placing begins."""

    def placed(self, placed: Placed) -> None:
        """Hear what became of an order; it is on disk."""

    def following(self, orders: int, final: int) -> None:
        """Hear how many orders are followed, and how many of them are final."""

    def wrote(self, written: Written) -> None:
        """Hear where the results are."""

    def note(self, text: str) -> None:
        """Hear something that a person should know."""


class GuardedListener(RunListener):
    """Passes everything on to another watcher until its output is gone: a full disk under a log, a closed window.

    What people hear must not decide whether orders under way are brought home.
    """

    def __init__(self, watcher: RunListener) -> None:
        super().__init__(agreed=False)
        self._watcher: RunListener | None = watcher

    def placing(self, orders: int) -> None:
        """Pass it on."""
        self._pass_on(lambda watcher: watcher.placing(orders))

    def placed(self, placed: Placed) -> None:
        """Pass it on."""
        self._pass_on(lambda watcher: watcher.placed(placed))

    def following(self, orders: int, final: int) -> None:
        """Pass it on."""
        self._pass_on(lambda watcher: watcher.following(orders, final))

    def wrote(self, written: Written) -> None:
        """Pass it on."""
        self._pass_on(lambda watcher: watcher.wrote(written))

    def note(self, text: str) -> None:
        """Pass it on."""
        self._pass_on(lambda watcher: watcher.note(text))

    def _pass_on(self, tell: Callable[[RunListener], None]) -> None:
        if self._watcher is None:
            return
        try:
            tell(self._watcher)
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._watcher = None
