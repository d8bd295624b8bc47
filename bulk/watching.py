"""What a run tells while it goes on; how it looks is the affair of those who watch."""

from bulk.plan import Plan
from bulk.writing import Written
from smmplus.placing import Placed


class Watcher:
    """Hears of everything that happens in a run, in this order. This one says nothing, and agrees only if told to."""

    def __init__(self, *, agreed: bool) -> None:
        self._agreed = agreed

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
