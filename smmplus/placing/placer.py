"""Place planned orders: commit the intent, send one `add`, commit the outcome.

How it works
============

`Placer.place_all` runs as many workers as the client allows calls at once. For each order, one attempt goes like this:

1. Wait for a turn of the client: a free place and the rate.
2. Commit an `Intent`. The journal checks in the same transaction that the entry is still planned, that the budget
   allows it, and that no equal order was placed in another campaign meanwhile. If it refuses, nothing is sent.
3. Send the request, once. At the last moment, when the connection stands and the body is about to leave, it is held
   back if the run was stopped or the intent is older than `STALE_SECONDS`.
4. Turn the answer into an `Outcome` (`outcome_of`) and commit it.

Why the intent is committed first: see `smmplus.journal.state_machine`. After a crash at any point, the journal says
of every order whether it may have been sent.

What each answer means:

- A usable order id: accepted, whatever else the answer says.
- An error that may have taken effect (no answer, an unclear one, HTTP 500 or more): in doubt. It is never sent again
  here, because the API has no idempotency key and a second `add` is a second order.
- The panel's refusal of this order: rejected. A later run may ask for it again.
- The request never left, "not now", or the account, the address or the call was refused: planned again. The retry
  policy (`smmplus.api.retry`) decides whether this run makes a new attempt, which begins with an intent of its own.
  "Not now" is waited out for up to `PATIENCE` seconds, and a person is told so.
- What looks ordered already (the panel's duplicate guard): planned again, and left for a person. It does not prove
  that an earlier attempt went through.

What stops a run: a refused account, a wrong address, a call that the panel does not understand, a panel out of reach,
a used-up budget, a journal that cannot be written, or three orders in a row that end in doubt or with an unknown
refusal. Orders that are under way then are finished, and their outcomes recorded.

A cancelled task does not abandon a request that was sent: it waits for the answer and records it. If the journal
cannot take an order id, the id goes into the run's rescue file (`smmplus.placing.commit_queue`) and into
`Progress.unrecorded`, which every caller shows.
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
from smmplus.api.retry import PATIENCE, async_retrying
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
from smmplus.texts import _, marked

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

WAITS_SILENTLY = 3.0
"""Seconds that the panel may say "not now" before a person is told: most such pauses are short."""

MOST_IN_A_ROW = 3
"""So many unknown refusals, or orders in doubt, in a row mean that the panel is at fault and not the rows."""


class Caution:
    """Count orders in doubt and unknown refusals in a row, and decide whether one more order may be sent.

    Three in a row stop a run. With sixteen under way at once, thirteen more would be sent before the third is known.
    So after the first one, orders are sent one at a time until the panel accepts one. Those that are under way when the
    first one ends cannot be taken back.
    """

    def __init__(self) -> None:
        self.in_doubt = 0
        self.unknown = 0
        self._one_at_a_time = False
        self._ended = asyncio.Event()

    def begin(self) -> None:
        """Let only one order at a time be under way."""
        self._one_at_a_time = True

    def count(self, state: State, *, unknown: bool) -> None:
        """Count an outcome; `unknown` is for a refusal with an unknown text.

        A doubt does not end a series of unknown refusals, nor the other way round: a broken panel mixes them. An order
        that is planned again does not count.
        """
        if state in {State.PLACED, State.REJECTED} and not unknown:
            self.in_doubt = self.unknown = 0
        self.in_doubt += state is State.IN_DOUBT
        self.unknown += unknown
        if state is State.PLACED:
            self._one_at_a_time = False
        if self.in_doubt or self.unknown:
            self.begin()

    def allows_one_more(self, under_way: int) -> bool:
        """Return whether an order may be sent next to those that are under way."""
        return not self._one_at_a_time or under_way == 0

    def notify_ended(self) -> None:
        """Wake the orders that wait, after one that was under way has ended."""
        self._ended.set()
        self._ended.clear()

    async def wait(self) -> None:
        """Wait until an order that is under way has ended."""
        await self._ended.wait()


class BusySpell:
    """The time in which the panel says nothing but "not now": how long it lasts, and whether a person was told."""

    def __init__(self, tell: Callable[[str, float], None]) -> None:
        self._tell = tell
        self._since: float | None = None
        self._is_told = False

    def goes_on_too_long(self, error: CallError | None, now: float) -> bool:
        """Count an answer, and return whether the panel has said nothing else for longer than is waited."""
        if not isinstance(error, BusyError):
            self._since, self._is_told = None, False
            return False
        self._since = now if self._since is None else self._since
        left = self._since + PATIENCE - now
        if not self._is_told and (now - self._since >= WAITS_SILENTLY or (error.retry_after or 0) >= WAITS_SILENTLY):
            self._is_told = True
            self._tell(str(error), left)
        return left <= 0


STALE_SECONDS = 5.0
"""An intent older than this is not sent: the process was suspended, and the order may have been resolved since."""


class Stop(Enum):
    """Why a run ended before every order was sent. The text is translated where it is shown."""

    ACCOUNT = marked("the panel refuses the account")
    ADDRESS = marked("no API is at this address")
    FUNDS = marked("the balance is too small")
    BUDGET = marked("the campaign's budget would be passed")
    UNKNOWN = marked("the panel refused three in a row with a text that is not known")
    DOUBT = marked("three in a row are in doubt")
    UNREACHABLE = marked("the panel cannot be reached, or says not now")
    MISTAKE = marked("the panel does not understand the call")
    PRICE = marked("a price rose since it was shown")
    SERVICE = marked("a service changed since it was shown")
    JOURNAL = marked("the journal cannot be written")
    ASKED = marked("it was asked to stop")


@dataclass(frozen=True, slots=True)
class Placed:
    """The outcome of one order in this run."""

    entry: int
    state: State
    order_id: str | None = None
    error: str = ""


@dataclass(slots=True)
class Progress:
    """What a run did so far; `stop` is None unless it was stopped before its end."""

    sent: int = 0
    under_way: int = 0
    """Orders whose intent is on disk, and whose outcome is not yet."""
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    held: int = 0
    """Orders that are planned again: never left, "not now", a refused account, a duplicate guard."""
    held_back: dict[int, str] = field(default_factory=dict)
    """Why the run went on without an order, by entry: a duplicate guard, or an equal order in another campaign."""
    stop: Stop | None = None
    reason: str = ""
    """The details of `stop`."""
    alarms: list[str] = field(default_factory=list)
    """Two order ids for one row."""
    unrecorded: dict[int, str] = field(default_factory=dict)
    """Order ids that the journal could not take, by entry. The caller must show them."""
    rescued: dict[int, Path] = field(default_factory=dict)
    """The rescue file that holds such an id until the next run records it, by entry."""

    def stop_for(self, stop: Stop, reason: str) -> None:
        """Send no further order. The first reason is kept."""
        if self.stop is None:
            self.stop, self.reason = stop, reason


def clock_readings() -> tuple[float, float]:
    """Return the running clock and the wall clock, in seconds.

    A running clock may stand still while the machine sleeps, and a wall clock may be set: both are compared. Linux has
    a running clock that goes on while the machine sleeps.
    """
    running = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return running, time.time()


def refuse_stale(began: tuple[float, float], now: tuple[float, float]) -> None:
    """Raise NeverSentError if the intent is too old by either clock."""
    if max(later - then for later, then in zip(now, began, strict=True)) > STALE_SECONDS:
        raise NeverSentError(f"more than {STALE_SECONDS:.0f} s passed since the intent was written; not sent")


class Placer:
    """Places orders of one account through one journal. Use one placer for all orders of a process.

    `max_spend` limits what the orders' campaign may spend in all, at the prices that were read. `twins` are the entries
    of other campaigns that may order the same (None for any): an order that equals any other placed order is not sent.
    `on_placed` is called for each order after its outcome is on disk, and `on_wait` when the panel keeps saying "not
    now": with its words, and the seconds after which the run ends unless the panel says something else.
    """

    def __init__(
        self,
        client: "AsyncClient",
        commits: CommitQueue,
        *,
        max_spend: Decimal | None = None,
        twins: frozenset[int] | None = None,
        on_placed: Callable[[Placed], None] = lambda _placed: None,
        on_wait: Callable[[str, float], None] | None = None,
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
        self._busy = BusySpell(on_wait or (lambda *_words: None))
        self._told = (BusyError,) if on_wait else ()

    async def place_all(self, orders: Iterable[tuple[int, OrderRequest]]) -> Progress:
        """Place orders, as many at once as the client allows, until all are sent or the run is stopped.

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
        """Place the order of an entry, and return its outcome.

        None if nothing was sent, because the entry is not planned any more or the run was stopped.
        """
        try:
            retrying = async_retrying(effect=True, sleep=self._client.sleep, told=self._told)
            placed: Placed | None = await retrying(self._attempt, entry, request)
        except CallError as error:
            self.progress.held += 1
            self._stop_for(error)
            placed = Placed(entry, State.NOT_SENT, error=str(error))
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
                self.progress.stop_for(Stop.ASKED, _("cancelled"))
                raise
            except BaseException:
                self.progress.stop_for(Stop.JOURNAL, _("an error of this program"))
                raise

    async def _attempt(self, entry: int, request: OrderRequest) -> Placed | None:
        """Make one attempt. Raises the error behind an order that is planned again: the retry policy decides on it."""
        while True:
            async with self._client.turn():
                if self.progress.stop is not None:
                    return None
                if self._caution.allows_one_more(self.progress.under_way):
                    return await self._attempt_uncancelled(entry, request)
            # Outside the turn: otherwise all orders that wait here would be sent at once, faster than the rate allows.
            while not self._caution.allows_one_more(self.progress.under_way):
                await self._caution.wait()

    async def _attempt_uncancelled(self, entry: int, request: OrderRequest) -> Placed | None:
        self.progress.under_way += 1
        try:
            # The answer may be an order id, which is money: a cancelled task waits for it.
            return await finished(self._send_once(entry, request, asyncio.current_task()))
        finally:
            self.progress.under_way -= 1
            self._caution.notify_ended()

    async def _send_once(
        self, entry: int, request: OrderRequest, owner: "asyncio.Task[object] | None"
    ) -> Placed | None:
        """Intend, send and record. Nothing leaves once the run was stopped or `owner` cancelled."""
        began = self._clock()
        answer = await self._commits.commit(Intent(entry, self._max_spend, self._twins))
        if not isinstance(answer, Attempt):
            return self._refused_intent(entry, request, answer)
        outcome, error = await self._send(request, answer, lambda: self._hold_back(began, owner))
        change = await self._record(outcome)
        # Only now: whatever a listener does, the outcome is on disk.
        if self._busy.goes_on_too_long(error, self._clock()[0]):
            reason = _("{error} (for {minutes:.0f} minutes)", error=error, minutes=PATIENCE / 60)
            self.progress.stop_for(Stop.UNREACHABLE, reason)
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
            # Before the outcome is on disk, because other orders are about to be sent.
            if isinstance(error, tuple(_STOPS)):
                self._stop_for(error)
            if error.may_have_taken_effect or isinstance(error, UnknownRefusalError):
                self._caution.begin()
            return outcome_of(attempt, error), error
        return Outcome(attempt.entry, attempt.number, Event.ORDER_ID, order_id), None

    def _hold_back(self, began: tuple[float, float], owner: "asyncio.Task[object] | None") -> None:
        """Raise NeverSentError at the last moment if the request must not leave."""
        # A used-up budget does not hold back an intent that was committed: it is within the budget.
        stopped = self.progress.stop not in {None, Stop.BUDGET}
        if stopped or (owner is not None and owner.cancelling()):
            raise NeverSentError("the run was stopped before it was sent")
        refuse_stale(began, self._clock())

    def _refused_intent(self, entry: int, request: OrderRequest, answer: Answer) -> Placed | None:
        match answer:
            case IntentRefusal.ELSEWHERE:
                self.progress.held += 1
                self.progress.held_back[entry] = reason = _(answer.value)
                return Placed(entry, State.NOT_SENT, error=reason)
            case IntentRefusal.BUDGET | IntentRefusal.NO_BOUND:
                link = request.values.get("link", "")
                self.progress.stop_for(Stop.BUDGET, _("before {link}: {reason}", link=link, reason=_(answer.value)))
        return None

    def _finish(self, outcome: Outcome, error: CallError | None, change: Answer) -> Placed:
        """Count an outcome that is on disk, and return it; raise its error if the order is planned again."""
        if not isinstance(change, Transition):
            words = _("this order was resolved while it was being sent")
            return Placed(outcome.entry, State.IN_DOUBT, error=words)
        if change.alarm:
            self.progress.alarms.append(change.alarm)
        self._count(change.state, error, change.alarm)
        if isinstance(error, DuplicateOrderError):
            self.progress.held_back[outcome.entry] = outcome.error
        if change.state is State.NOT_SENT and error is not None and not isinstance(error, DuplicateOrderError):
            raise error
        return Placed(outcome.entry, change.state, change.order_id, change.alarm or outcome.error)

    def _count(self, state: State, error: CallError | None, alarm: str) -> None:
        self.progress.accepted += state is State.PLACED
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
    """Return the outcome of an attempt whose `add` raised an error."""
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
"""After these errors the order itself may be valid: it stays planned."""
