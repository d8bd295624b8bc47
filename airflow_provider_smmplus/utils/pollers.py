"""What sensors, triggers and waiting operators look at, round by round: one thing, asked in one way by all of them.

A watch is made by whoever waits. It keeps what is settled, so that the next round asks for less.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

MOST_NAMED = 5
"""So many orders are named in a message; the panel and the journal know the rest."""

UNKNOWN_ROUNDS = 3
"""An id that the panel says it does not know in so many rounds is believed to be unknown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed."""

    done: bool
    failed: str = ""
    """Why it can never be done any more; "" while it can."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many orders or refills have which status word."""
    words: str = ""
    """What was seen, for the log."""
    unsure: bool = False
    """Whether the panel said that it does not know an id, and is not believed yet."""
    strange: bool = False
    """Whether something in it cannot be read, which a person should look at."""


class Watch(Protocol):
    """Something that is waited for."""

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask once. Raises CallError."""
        ...


class _Words:
    """Status words by id, which of them are settled, and which ids the panel does not know."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.open = dict.fromkeys(map(str, ids))
        self.words: dict[str, str] = {}
        self._strayed: list[str] = []
        self.strange: list[str] = []
        """What was not understood."""
        self._unknown: Counter[str] = Counter()

    def take(self, number: str, word: str, *, reached: bool, final: bool) -> None:
        """Note a status word."""
        self.words[number] = word
        del self._unknown[number]
        if reached or final:
            self.open.pop(number, None)
        if final and not reached:
            self._strayed.append(number)

    def miss(self, number: str) -> None:
        """Note that the panel says it does not know an id."""
        self._unknown[number] += 1

    def seen(self, what: str) -> Seen:
        """Sum it up."""
        lost = [number for number in self.open if self._unknown[number] >= UNKNOWN_ROUNDS]
        ends = ", ".join(sorted({self.words[number] for number in self._strayed}))
        failed = _named(f"ended as {ends}", what, self._strayed) or _named("the panel does not know", what, lost)
        counts = dict(Counter(self.words.values()).most_common())
        told = ", ".join(f"{count} {word}" for word, count in counts.items()) or "no status yet"
        unsure = not failed and any(self._unknown[number] for number in self.open)
        words = "; ".join([f"{what}s: {told}; {len(self.open)} open", *dict.fromkeys(self.strange)])
        return Seen(not self.open and not failed, failed, counts, words, unsure, bool(self.strange))


async def all_of(looks: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them, and raise what the first of them raised.

    What has come is kept although another call failed, and nothing is left running into the next round.
    """
    for result in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


class OrdersWatch:
    """Orders, until each has one of the given statuses, or is final where none are given.

    An order that is final with another status can never get there: the watch has failed.
    """

    def __init__(self, order_ids: Sequence[str], statuses: Sequence[str] = ()) -> None:
        self._orders = _Words(order_ids)
        self._wanted = {status.casefold() for status in statuses}

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the open orders, 100 a call."""
        from smmplus.api.protocol import hundreds  # noqa: PLC0415 (not while a DAG file is parsed)

        self._orders.strange.clear()
        await all_of(self._look_at(client, ids) for ids in hundreds(self._orders.open))
        return self._orders.seen("order")

    async def _look_at(self, client: "AsyncClient", ids: Sequence[str]) -> None:
        """Take the answers call by call: those of thousands at once would hold up the event loop."""
        from smmplus.orders.models import OrderStatus, Phase  # noqa: PLC0415
        from smmplus.placing.tracking import ask_hundred, not_understood  # noqa: PLC0415

        answers = await ask_hundred(client, ids)
        self._orders.strange += not_understood(answers.values())
        for number, answer in answers.items():
            if isinstance(answer, OrderStatus):
                final = answer.phase is Phase.FINAL
                reached = answer.status.casefold() in self._wanted if self._wanted else final
                self._orders.take(number, answer.status, reached=reached, final=final)
            else:
                self._orders.miss(number)


class RefillsWatch:
    """Refills, until each is over; one that was rejected or failed fails the watch."""

    def __init__(self, refill_ids: Sequence[str]) -> None:
        self._refills = _Words(refill_ids)

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the open refills, 100 a call."""
        from smmplus.api.protocol import hundreds  # noqa: PLC0415 (not while a DAG file is parsed)

        self._refills.strange.clear()
        await all_of(self._look_at(client, ids) for ids in hundreds(self._refills.open))
        return self._refills.seen("refill")

    async def _look_at(self, client: "AsyncClient", ids: Sequence[str]) -> None:
        from smmplus.placing.tracking import bisect_errors  # noqa: PLC0415

        for number, answer in (await bisect_errors(client.refill_statuses, ids)).items():
            if isinstance(answer, str):
                word = answer.casefold()
                if word not in _REFILLED | _NOT_REFILLED | _REFILLING:
                    self._refills.strange.append(f"the panel's status {answer[:40]!r} of a refill is not known")
                self._refills.take(number, answer, reached=word in _REFILLED, final=word in _NOT_REFILLED)
            else:
                self._refills.miss(number)


_REFILLING = frozenset({"pending", "awaiting", "queued", "in progress", "inprogress", "in_progress", "processing"})
_REFILLED = frozenset({"completed", "success"})
_NOT_REFILLED = frozenset({"rejected", "error", "fail", "failed", "canceled", "cancelled"})


class BalanceWatch:
    """The balance, until it is at least so much, in the account's own currency."""

    def __init__(self, at_least: Decimal) -> None:
        self._at_least = at_least

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the balance."""
        held = await client.balance()
        words = f"the balance is {held.amount} {held.currency}, waited for: {self._at_least}"
        return Seen(held.amount >= self._at_least, words=words)


class ServiceWatch:
    """A service, until the panel offers it, at no more than a rate where one is given."""

    def __init__(self, service: str, max_rate: Decimal | None = None) -> None:
        self._service = service
        self._max_rate = max_rate

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the price list."""
        found = next((offered for offered in await client.services() if offered.id == self._service), None)
        if found is None:
            return Seen(done=False, words=f"service {self._service} is not offered")
        if found.unusable or found.rate is None:
            return Seen(done=False, words=f"service {self._service} cannot be ordered: {found.unusable}", strange=True)
        limit = "" if self._max_rate is None else f", waited for: at most {self._max_rate}"
        done = self._max_rate is None or found.rate <= self._max_rate
        return Seen(done, words=f"service {self._service} is offered at {found.rate}{limit}")


def _named(why: str, what: str, numbers: Sequence[str]) -> str:
    if not numbers:
        return ""
    names = ", ".join(numbers[:MOST_NAMED]) + (
        f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    )
    return f"{what} {names}: {why}" if len(numbers) == 1 else f"{len(numbers)} {what}s ({names}): {why}"
