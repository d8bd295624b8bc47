"""Orders that end badly one after the other: how many there were, and how many may be under way meanwhile."""

import asyncio

from smmplus.journal.states import State

MOST_IN_A_ROW = 3
"""Unknown refusals, or orders in doubt, one after the other: something is wrong with the panel, not with the rows."""


class Caution:
    """Counts orders in doubt and unknown refusals in a row, and decides whether one more order may be under way.

    Three in a row stop a run. With sixteen under way at once, thirteen more would be sent before the third is known.
    So after the first one only one order at a time may be sent, until the panel accepts one. What is under way when the
    first one ends cannot be taken back.
    """

    def __init__(self) -> None:
        self.in_doubt = 0
        self.unknown = 0
        self._one_at_a_time = False
        self._came_home = asyncio.Event()

    def begin(self) -> None:
        """Let only one order at a time be under way."""
        self._one_at_a_time = True

    def count(self, state: State, *, unknown: bool) -> None:
        """Count what became of an order; `unknown` for a refusal with an unknown text.

        A doubt does not end a row of unknown refusals, nor one of these a row of doubts: a broken panel mixes them. An
        order that is planned again says nothing.
        """
        if state in {State.ACCEPTED, State.REJECTED} and not unknown:
            self.in_doubt = self.unknown = 0
        self.in_doubt += state is State.IN_DOUBT
        self.unknown += unknown
        if state is State.ACCEPTED:
            self._one_at_a_time = False
        if self.in_doubt or self.unknown:
            self.begin()

    def allows_one_more(self, under_way: int) -> bool:
        """Decide whether an order may be sent next to those that are under way."""
        return not self._one_at_a_time or under_way == 0

    def came_home(self) -> None:
        """Wake the orders that wait: one that was under way has ended."""
        self._came_home.set()
        self._came_home.clear()

    async def wait(self) -> None:
        """Wait until an order that is under way has ended."""
        await self._came_home.wait()
