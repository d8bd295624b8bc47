"""Pollers: what sensors, triggers and waiting operators wait for, asked in rounds and in the same way by all of them.

A watch remembers what is finished, so that the next round asks for less.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from smmplus.orders.models import NOT_REFILLED, REFILLED, REFILLING

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

MOST_NAMED = 5
"""The most orders that a message names. The panel and the journal have the rest."""

UNKNOWN_ROUNDS = 3
"""An ID counts as unknown once the panel has answered so in this many rounds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one round."""

    done: bool
    failed: str = ""
    """Why it can never be done; "" as long as it can."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Status word -> number of orders or refills."""
    words: str = ""
    """What was seen, for the log."""
    unsure: bool = False
    """Whether the panel did not know an ID, but not yet in enough rounds."""
    strange: bool = False
    """Whether an answer was not understood, so that a person should look at it."""


class Watch(Protocol):
    """Something to wait for."""

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask once. Raise CallError if the panel does not answer."""
        ...


class _Statuses:
    """The status words of some IDs, which of them are finished, and which IDs the panel does not know."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.open = dict.fromkeys(map(str, ids))
        self.words: dict[str, str] = {}
        self._other_ends: list[str] = []
        self.strange: list[str] = []
        """Answers that were not understood."""
        self._unknown: Counter[str] = Counter()

    def record(self, number: str, word: str, *, reached: bool, final: bool) -> None:
        """Record a status word."""
        self.words[number] = word
        del self._unknown[number]
        if reached or final:
            self.open.pop(number, None)
        if final and not reached:
            self._other_ends.append(number)

    def record_unknown(self, number: str) -> None:
        """Record that the panel did not know an ID."""
        self._unknown[number] += 1

    def seen(self, what: str) -> Seen:
        """Return the result of the round."""
        lost = [number for number in self.open if self._unknown[number] >= UNKNOWN_ROUNDS]
        ends = ", ".join(sorted({self.words[number] for number in self._other_ends}))
        failed = _named(f"ended as {ends}", what, self._other_ends) or _named("the panel does not know", what, lost)
        counts = dict(Counter(self.words.values()).most_common())
        counted = ", ".join(f"{count} {word}" for word, count in counts.items()) or "no status yet"
        unsure = not failed and any(self._unknown[number] for number in self.open)
        words = "; ".join([f"{what}s: {counted}; {len(self.open)} open", *dict.fromkeys(self.strange)])
        return Seen(not self.open and not failed, failed, counts, words, unsure, bool(self.strange))


async def all_of(looks: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them, and raise the first exception.

    Results are kept although another call failed, and no call runs on into the next round.
    """
    for result in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


class OrdersWatch:
    """Waits until each order has one of some statuses, or is final if there are none.

    An order that is final with another status can never reach one of them: the watch fails.
    """

    def __init__(self, order_ids: Sequence[str], statuses: Sequence[str] = ()) -> None:
        self._orders = _Statuses(order_ids)
        self._wanted = {status.casefold() for status in statuses}

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the open orders, 100 a call."""
        from smmplus.api.protocol import hundreds  # noqa: PLC0415 (not while a DAG file is parsed)

        self._orders.strange.clear()
        await all_of(self._look_at(client, ids) for ids in hundreds(self._orders.open))
        return self._orders.seen("order")

    async def _look_at(self, client: "AsyncClient", ids: Sequence[str]) -> None:
        """Record the answers of each call at once: those of thousands together would block the event loop."""
        from smmplus.orders.models import OrderStatus, Phase  # noqa: PLC0415
        from smmplus.placing.tracking import ask_hundred, not_understood  # noqa: PLC0415

        answers = await ask_hundred(client, ids)
        self._orders.strange += not_understood(answers.values())
        for number, answer in answers.items():
            if isinstance(answer, OrderStatus):
                final = answer.phase is Phase.FINAL
                reached = answer.status.casefold() in self._wanted if self._wanted else final
                self._orders.record(number, answer.status, reached=reached, final=final)
            else:
                self._orders.record_unknown(number)


class RefillsWatch:
    """Waits until each refill is completed. One that was rejected or failed fails the watch."""

    def __init__(self, refill_ids: Sequence[str]) -> None:
        self._refills = _Statuses(refill_ids)

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
                if word not in REFILLED | NOT_REFILLED | REFILLING:
                    self._refills.strange.append(f"the panel's status {answer[:40]!r} of a refill is not known")
                self._refills.record(number, answer, reached=word in REFILLED, final=word in NOT_REFILLED)
            else:
                self._refills.record_unknown(number)


class BalanceWatch:
    """Waits until the balance is at least an amount, in the currency of the account."""

    def __init__(self, at_least: Decimal) -> None:
        self._at_least = at_least

    async def look(self, client: "AsyncClient") -> Seen:
        """Ask for the balance."""
        held = await client.balance()
        words = f"the balance is {held.amount} {held.currency}, waited for: {self._at_least}"
        return Seen(held.amount >= self._at_least, words=words)


class ServiceWatch:
    """Waits until the panel offers a service, at no more than a maximum rate if there is one."""

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
