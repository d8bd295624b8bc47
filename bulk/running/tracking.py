"""Track orders until all are finished, the wait is over, or the run is asked to stop."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bulk.running.events import RunListener
from bulk.running.interrupts import Interrupts
from bulk.running.write_from_journal import WriteBack
from smmplus.commands import local_time
from smmplus.errors import CallError, FollowUpError, UnreadableAnswerError
from smmplus.journal.journal import Journal
from smmplus.journal.queries import last_changes
from smmplus.orders.models import OrderStatus, Phase
from smmplus.placing.tracking import is_understood, next_pause, not_understood, open_orders, poll
from smmplus.texts import _, counted

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

Statuses = dict[int, OrderStatus | FollowUpError]

STUCK_AFTER = timedelta(days=1)
"""An open order that has not changed for so long is named."""

MOST_STUCK_NAMED = 10


@dataclass(slots=True)
class OrderTracking:
    """The open orders of a run, and their last known statuses."""

    client: "AsyncClient"
    journal: Journal
    listener: RunListener
    orders: int
    """How many orders the job has; the ones not in `watched` are final."""
    watched: dict[str, int]
    """Order id -> entry."""
    heard: Statuses = field(default_factory=dict)
    fault: CallError | None = None
    """Why the last round could not ask for all; None if it could."""
    unread: str = ""
    """What the last round returned if none of it could be understood; "" otherwise."""
    told: set[str] = field(default_factory=set)
    """What was not understood and reported already: once a run is enough."""
    named: set[int] = field(default_factory=set)
    """Entries that were named as stuck already."""

    @classmethod
    def of(cls, results: WriteBack, journal: Journal, client: "AsyncClient", listener: RunListener) -> "OrderTracking":
        """Create it from the orders that the journal knows of a run's rows."""
        orders, watched = 0, dict[str, int]()
        for _row, entry in results.iter_entries():
            orders += entry.order_id is not None
            watched |= open_orders([entry])
        return cls(client, journal, listener, orders, watched)

    async def until(self, stopping: Interrupts, *, wait: float | None, pause: float) -> None:
        """Ask in rounds until no order is open or `wait` seconds are over (None: however long it takes).

        Rounds are `pause` seconds apart, and more while nothing moves. Raises AccountError if the panel refuses
        the account; any other fault is reported, and the next round tries again.
        """
        ends = None if wait is None else time.monotonic() + wait
        pauses = dict.fromkeys(self.watched, pause)
        due = dict.fromkeys(self.watched, time.monotonic())
        while self.watched and not stopping.asked:
            now = time.monotonic()
            is_last = ends is not None and now >= ends
            asked = {order_id: entry for order_id, entry in self.watched.items() if is_last or due[order_id] <= now}
            moved = await self._round(asked)
            for order_id, entry in asked.items():
                pauses[order_id] = next_pause(pauses[order_id], pause, moved=entry in moved)
                due[order_id] = now + pauses[order_id]
            self.listener.following(self.orders, self.orders - len(self.watched))
            left = None if ends is None else ends - time.monotonic()
            if left is not None and left <= 0:
                return
            if self.watched:
                next_in = max(pause, min(due[order_id] for order_id in self.watched) - now)
                await stopping.sleep(next_in if left is None else min(next_in, left))

    async def _round(self, asked: dict[str, int]) -> set[int]:
        """Ask for these orders once, and return the entries that have changed."""
        found, self.fault = await poll(self.client, self.journal, asked)
        self._note_what_is_strange(found, len(asked))
        lost = {entry: answer for entry, answer in found.items() if isinstance(answer, FollowUpError)}
        for order_id in [order_id for order_id, entry in self.watched.items() if entry in lost]:
            words = lost[self.watched[order_id]].text
            self.listener.note(
                _("order {number} cannot be tracked: the panel says {words!r}", number=order_id, words=words)
            )
        moved = {entry for entry, answer in found.items() if self.heard.get(entry) != answer}
        self.heard |= found
        self.watched = {order_id: entry for order_id, entry in self.watched.items() if _is_open(found.get(entry))}
        await self._name_stuck()
        return moved

    async def _name_stuck(self) -> None:
        """Name each open order once that has not changed for long."""
        changes = await asyncio.to_thread(self._unchanged_since, (datetime.now(UTC) - STUCK_AFTER).isoformat())
        stuck = {
            order_id: changes[entry]
            for order_id, entry in self.watched.items()
            if entry in changes and entry not in self.named
        }
        self.named.update(self.watched[order_id] for order_id in stuck)
        if stuck:
            self.listener.note(_stuck_words(stuck))

    def _unchanged_since(self, time: str) -> dict[int, str]:
        with self.journal.reading() as connection:
            return last_changes(connection, self.watched.values(), time)

    def _note_what_is_strange(self, found: Statuses, asked: int) -> None:
        """Report in each round what could not be read, and once what could not be understood: that stays the same."""
        strange = not_understood(found.values())
        self.unread = "; ".join(strange) if found and not any(map(is_understood, found.values())) else ""
        words = [] if self.fault is None else [_unanswered(asked - len(found), asked, self.fault)]
        if isinstance(self.fault, UnreadableAnswerError):
            strange, words = [*strange, *words], []
        for text in [*words, *(text for text in strange if text not in self.told)]:
            self.listener.note(text)
        self.told.update(strange)


def _unanswered(missing: int, asked: int, fault: CallError) -> str:
    return _(
        "no status for {missing} of {all} orders; the next round asks again: {error}",
        missing=missing,
        all=asked,
        error=fault,
    )


def _stuck_words(stuck: Mapping[str, str]) -> str:
    """Name orders without a change for long: `stuck` is order id -> when the panel last said something new."""
    first = sorted(stuck, key=stuck.__getitem__)[:MOST_STUCK_NAMED]
    named = [_("{order} since {time}", order=each, time=local_time(stuck[each])) for each in first]
    return _(
        "{orders} without a change for a day or more: {named}",
        orders=counted(len(stuck), "order"),
        named=", ".join([*named, *(["…"] if len(stuck) > len(first) else [])]),
    )


def _is_open(answer: OrderStatus | FollowUpError | None) -> bool:
    """Return whether an order is open. One that the panel left out of its answer is unknown, and so still open."""
    if isinstance(answer, OrderStatus):
        return answer.phase is not Phase.FINAL
    return answer is None
