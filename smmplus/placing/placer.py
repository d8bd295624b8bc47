"""Placing orders so that none is sent twice and none is lost: intent on disk, one sending, outcome on disk.

Nothing here repeats an `add` that may have arrived. What certainly never left, or was answered "not now", is planned
again in the journal and gets a new attempt, with an intent of its own.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from smmplus.api.error_texts import Meaning
from smmplus.api.protocol import add
from smmplus.api.retry import async_retrying
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    DuplicateOrderError,
    MalformedCallError,
    NeverSentError,
    SmmPlusError,
    UnknownRefusalError,
)
from smmplus.journal.group_commit import Answer, Attempt, Intent, IntentRefusal
from smmplus.journal.state_machine import Event, Outcome, State, Transition
from smmplus.orders.models import OrderRequest
from smmplus.placing.commit_queue import CommitQueue, finished

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

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


STALE_SECONDS = 5.0
"""An intent older than this is not sent: the process was suspended, and somebody may have settled the row since."""


class Stop(Enum):
    """Why a run ended before every order was sent."""

    ACCOUNT = "the panel refuses the account"
    ADDRESS = "no API is at this address"
    FUNDS = "the balance is too small"
    BUDGET = "the campaign's budget would be passed"
    UNKNOWN = "the panel refused three in a row with a text that is not known"
    DOUBT = "three in a row are in doubt"
    UNREACHABLE = "the panel cannot be reached, or says not now"
    MISTAKE = "the panel does not understand the call"
    PRICE = "a price rose since it was shown"
    SERVICE = "a service changed since it was shown"
    JOURNAL = "the journal cannot be written"
    ASKED = "it was asked to stop"


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one order in this run."""

    entry: int
    state: State
    order_id: str | None = None
    error: str = ""


@dataclass(slots=True)
class Progress:
    """What a placing run did; `stop` is None where it went through to its end."""

    sent: int = 0
    under_way: int = 0
    """Intended, and their outcomes not on disk yet."""
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    held: int = 0
    """Planned again: never left, "not now", the account, a duplicate guard."""
    held_back: dict[int, str] = field(default_factory=dict)
    """Why, by entry, the run went on without an order: a duplicate guard, the same was ordered elsewhere."""
    stop: Stop | None = None
    reason: str = ""
    """The words behind `stop`."""
    alarms: list[str] = field(default_factory=list)
    """Two order ids for one row."""
    unrecorded: dict[int, str] = field(default_factory=dict)
    """Order ids by entry that the panel gave and the journal could not take: the run must show them."""
    rescued: dict[int, Path] = field(default_factory=dict)
    """The rescue file, by entry, that holds such an id until the next run takes it up."""

    def stop_for(self, stop: Stop, reason: str) -> None:
        """Send no further order; the first reason stays."""
        if self.stop is None:
            self.stop, self.reason = stop, reason


def clock_readings() -> tuple[float, float]:
    """Give the running and the wall clock: one stands still while the machine sleeps, the other may be set.

    Linux has a running clock that goes on while the machine sleeps.
    """
    running = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return running, time.time()


def refuse_stale(began: tuple[float, float], now: tuple[float, float]) -> None:
    """Keep back what was intended too long ago, by either clock: NeverSentError."""
    if max(later - then for later, then in zip(now, began, strict=True)) > STALE_SECONDS:
        raise NeverSentError(f"more than {STALE_SECONDS:.0f} s passed since the intent was written; not sent")


class Placer:
    """Places orders of one account through one journal; share one for all orders of a process.

    After an order in doubt, or a refusal with an unknown text, one order at a time is sent until one is accepted.
    `max_spend` bounds what the orders' campaign may spend in all, at the prices read. `twins` are the entries of other
    campaigns that may order the same (None for any): an order that another one equals is not sent. `on_placed` hears of
    each order after its outcome is on disk.
    """

    def __init__(
        self,
        client: "AsyncClient",
        commits: CommitQueue,
        *,
        max_spend: Decimal | None = None,
        twins: frozenset[int] | None = None,
        on_placed: Callable[[Placed], None] = lambda _: None,
        clock: Callable[[], tuple[float, float]] = clock_readings,
    ) -> None:
        self.progress = Progress()
        self._client = client
        self._commits = commits
        self._max_spend = max_spend
        self._twins = twins
        self._on_placed = on_placed
        self._clock = clock
        self._caution = Caution()

    async def place_all(self, orders: Iterable[tuple[int, OrderRequest]]) -> Progress:
        """Place orders, as many at once as the client allows, until all are sent or something stops the run.

        Each of `orders` is the number of a planned entry and its request. They are read as calls end, so that only a
        window of them is in memory. When cancelled, it sends nothing more, and ends when the answers to what was sent
        are on disk or their time-outs are over.
        """
        queue = iter(orders)
        workers = (self._work(queue) for _ in range(self._client.in_flight))
        # Not a task group: a worker that fails must not cancel the others, whose orders are under way.
        for result in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        return self.progress

    async def place(self, entry: int, request: OrderRequest) -> Placed | None:
        """Place one order; None where nothing was sent, because it is not planned any more or the run has stopped."""
        try:
            placed: Placed | None = await async_retrying(effect=True, sleep=self._client.sleep)(
                self._attempt, entry, request
            )
        except CallError as error:
            self.progress.held += 1
            self._stop_for(error)
            placed = Placed(entry, State.PLANNED, error=str(error))
        if placed is not None:
            self._on_placed(placed)
        return placed

    async def _work(self, queue: Iterator[tuple[int, OrderRequest]]) -> None:
        for entry, request in queue:
            if self.progress.stop is not None:
                return
            try:
                await self.place(entry, request)
            except SmmPlusError as error:
                self.progress.stop_for(Stop.JOURNAL, str(error))
            except asyncio.CancelledError:
                self.progress.stop_for(Stop.ASKED, "cancelled")
                raise
            except BaseException:
                self.progress.stop_for(Stop.JOURNAL, "an error of this program")
                raise

    async def _attempt(self, entry: int, request: OrderRequest) -> Placed | None:
        """Make one attempt. Raises the error behind an order that is planned again, for the retry policy to judge."""
        while True:
            async with self._client.turn():
                if self.progress.stop is not None:
                    return None
                if self._caution.allows_one_more(self.progress.under_way):
                    return await self._bring_home(entry, request)
            # Outside the turn: all who wait here send at once when the gate opens, and the rate must hold.
            while not self._caution.allows_one_more(self.progress.under_way):
                await self._caution.wait()

    async def _bring_home(self, entry: int, request: OrderRequest) -> Placed | None:
        self.progress.under_way += 1
        try:
            # What the panel answers is money: whoever cancels this waits for it.
            return await finished(self._carry_out(entry, request, asyncio.current_task()))
        finally:
            self.progress.under_way -= 1
            self._caution.came_home()

    async def _carry_out(
        self, entry: int, request: OrderRequest, owner: "asyncio.Task[object] | None"
    ) -> Placed | None:
        """Intend, send and record. Nothing leaves once the run was stopped or `owner` cancelled."""
        began = self._clock()
        answer = await self._commits.commit(Intent(entry, self._max_spend, self._twins))
        if not isinstance(answer, Attempt):
            return self._not_taken(entry, request, answer)
        outcome, error = await self._send(request, answer, lambda: self._hold_back(began, owner))
        change = await self._record(outcome)
        return self._finish(outcome, error, change)

    async def _record(self, outcome: Outcome) -> Answer:
        try:
            return await self._commits.commit(outcome)
        except Exception:
            if outcome.order_id is not None:
                self.progress.unrecorded[outcome.entry] = outcome.order_id
                if (path := self._commits.rescued(outcome)) is not None:
                    self.progress.rescued[outcome.entry] = path
            raise

    async def _send(
        self, request: OrderRequest, attempt: Attempt, before_body: Callable[[], None]
    ) -> tuple[Outcome, CallError | None]:
        self.progress.sent += 1
        try:
            order_id = await self._client.ask(add(request), before_body=before_body)
        except CallError as error:
            # Before the outcome is on disk: the others are about to send.
            if isinstance(error, tuple(_STOPS)):
                self._stop_for(error)
            if error.may_have_taken_effect or isinstance(error, UnknownRefusalError):
                self._caution.begin()
            return outcome_of(attempt, error), error
        return Outcome(attempt.entry, attempt.number, Event.ORDER_ID, order_id), None

    def _hold_back(self, began: tuple[float, float], owner: "asyncio.Task[object] | None") -> None:
        """Keep the request from leaving where it should not, at the last moment: raises NeverSentError."""
        # Where the budget is used up, an intent that was taken is within it: its money is reserved.
        stopped = self.progress.stop not in {None, Stop.BUDGET}
        if stopped or (owner is not None and owner.cancelling()):
            raise NeverSentError("the run was stopped before it was sent")
        refuse_stale(began, self._clock())

    def _not_taken(self, entry: int, request: OrderRequest, answer: Answer) -> Placed | None:
        match answer:
            case IntentRefusal.ELSEWHERE:
                self.progress.held += 1
                self.progress.held_back[entry] = answer.value
                return Placed(entry, State.PLANNED, error=answer.value)
            case IntentRefusal.BUDGET | IntentRefusal.NO_BOUND:
                self.progress.stop_for(Stop.BUDGET, f"before {request.values.get('link', '')}: {answer.value}")
        return None

    def _finish(self, outcome: Outcome, error: CallError | None, change: Answer) -> Placed:
        """Count an outcome that is on disk; raise its error where the order is planned again."""
        if not isinstance(change, Transition):
            return Placed(outcome.entry, State.IN_DOUBT, error="somebody settled this order while it was being sent")
        if change.alarm:
            self.progress.alarms.append(change.alarm)
        self._count(change.state, error, change.alarm)
        if isinstance(error, DuplicateOrderError):
            self.progress.held_back[outcome.entry] = outcome.error
        if change.state is State.PLANNED and error is not None and not isinstance(error, DuplicateOrderError):
            raise error
        return Placed(outcome.entry, change.state, change.order_id, change.alarm or outcome.error)

    def _count(self, state: State, error: CallError | None, alarm: str) -> None:
        self.progress.accepted += state is State.ACCEPTED
        self.progress.rejected += state is State.REJECTED
        self.progress.in_doubt += state is State.IN_DOUBT
        self.progress.held += isinstance(error, DuplicateOrderError)
        self._caution.count(state, unknown=isinstance(error, UnknownRefusalError))
        for stop, in_a_row in ((Stop.UNKNOWN, self._caution.unknown), (Stop.DOUBT, self._caution.in_doubt)):
            if in_a_row >= MOST_IN_A_ROW:
                self.progress.stop_for(stop, alarm or str(error))

    def _stop_for(self, error: CallError) -> None:
        self.progress.stop_for(_STOPS.get(type(error), Stop.UNREACHABLE), str(error))


def outcome_of(attempt: Attempt, error: CallError) -> Outcome:
    """PURE: tell what an error of an `add` makes of its attempt."""
    event = _event(error)
    meaning = Meaning.UNKNOWN.name if isinstance(error, UnknownRefusalError) else ""
    return Outcome(attempt.entry, attempt.number, event, error=str(error), meaning=meaning)


def _event(error: CallError) -> Event:
    if error.may_have_taken_effect:
        return Event.DOUBT
    return Event.HELD_BACK if isinstance(error, _HELD_BACK) else Event.REFUSAL


_STOPS: dict[type[CallError], Stop]
_STOPS = {AccountError: Stop.ACCOUNT, AddressError: Stop.ADDRESS, MalformedCallError: Stop.MISTAKE}

_HELD_BACK = NeverSentError | BusyError | AccountError | AddressError | DuplicateOrderError | MalformedCallError
"""After these the row itself may be right: it stays planned."""
