"""Following orders: statuses in calls of 100, into the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from smmplus.api.protocol import hundreds, merged
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    FollowUpError,
    RefusedError,
    UnreadableAnswerError,
)
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.orders.models import OrderStatus, Phase

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

Item = TypeVar("Item")

LONGEST_PAUSE = 600.0
"""Seconds between two rounds at the most, when nothing moves."""


def open_orders(entries: Sequence[Entry]) -> dict[str, int]:
    """PURE: the orders whose status may still change: order id -> entry."""
    return {entry.order_id: entry.id for entry in entries if entry.order_id is not None and not entry.final}


class Round(NamedTuple):
    """What one round of questions brought."""

    found: dict[int, OrderStatus | FollowUpError]
    """By entry. What the panel leaves out of its answers is not here: that says nothing about an order."""
    fault: CallError | None
    """Why some orders could not be asked for; None where all were."""


async def poll(client: "AsyncClient", journal: Journal, orders: Mapping[str, int]) -> Round:
    """Ask where orders stand, order id -> entry, and write down what is answered.

    One call that fails costs its own 100 orders a round and no others. Raises AccountError where the panel refuses the
    account, AddressError where its URL is wrong; what was answered before is written down all the same.
    """
    parts, fault = await _ask_all(client, hundreds(orders))
    found = {orders[order_id]: answer for order_id, answer in merged(parts).items()}
    known = {entry: answer for entry, answer in found.items() if isinstance(answer, OrderStatus)}
    if known:
        await asyncio.to_thread(journal.record_statuses, known)
    if isinstance(fault, AccountError | AddressError):
        raise fault
    return Round(found, fault)


async def _ask_all(
    client: "AsyncClient", parts: Iterable[Sequence[str]]
) -> tuple[list[dict[str, OrderStatus | FollowUpError]], CallError | None]:
    """Ask for every hundred, until something concerns them all; give the answers, and the gravest of the faults."""
    asking = {asyncio.create_task(ask_hundred(client, ids)) for ids in parts}
    faults: list[CallError] = []
    waiting = asking
    try:
        while waiting and not any(map(_concerns_all, faults)):
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            faults += filter(None, map(_fault_of, done))
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    answered = [task.result() for task in asking if not task.cancelled() and task.exception() is None]
    return answered, max(faults, key=_gravity, default=None)


def _fault_of(task: "asyncio.Task[Any]") -> CallError | None:
    """Give the fault of a call; any other exception is a mistake of ours, and raised."""
    error = task.exception()
    if error is None or isinstance(error, CallError):
        return error
    raise error


def _concerns_all(fault: CallError) -> bool:
    """PURE: tell whether the other calls would fail alike. The client has repeated this one already."""
    return _gravity(fault) > 0


def _gravity(fault: CallError) -> int:
    if isinstance(fault, AccountError | AddressError):
        return 2
    return int(isinstance(fault, BusyError) or not isinstance(fault, RefusedError | UnreadableAnswerError))


async def ask_hundred(client: "AsyncClient", ids: Sequence[str]) -> dict[str, OrderStatus | FollowUpError]:
    """Ask for up to 100 orders. Some panels answer one bad id with an error for all: it is found by halving."""
    return await bisect_errors(client.order_statuses, ids)


async def bisect_errors(
    ask: Callable[[Sequence[str]], Awaitable[dict[str, Item | FollowUpError]]], ids: Sequence[str]
) -> dict[str, Item | FollowUpError]:
    """Ask for many ids, and for ever fewer of them where the panel has one error for all; in the end it is one id's."""
    try:
        return await ask(ids)
    except FollowUpError as error:
        if len(ids) == 1:
            return {ids[0]: error}
    middle = len(ids) // 2
    return await bisect_errors(ask, ids[:middle]) | await bisect_errors(ask, ids[middle:])


def not_understood(answers: Iterable[OrderStatus | FollowUpError]) -> list[str]:
    """PURE: name what is not understood in statuses: words that are in no list, and numbers that cannot be read."""
    statuses = [answer for answer in answers if isinstance(answer, OrderStatus)]
    words = dict.fromkeys(status.status for status in statuses if status.phase is Phase.UNKNOWN)
    numbers = dict.fromkeys(status.unread for status in statuses if status.unread)
    return [
        *(f"the panel's status {word[:40]!r} is not known: its orders count as open" for word in words),
        *(f"the panel's {text} cannot be read: nothing is computed from it" for text in numbers),
    ]


def is_understood(answer: OrderStatus | FollowUpError) -> bool:
    """PURE: tell whether the panel's word for an order, or its refusal to tell one, says something."""
    return isinstance(answer, FollowUpError) or answer.phase is not Phase.UNKNOWN


def next_pause(pause: float, least: float, *, moved: bool) -> float:
    """PURE: wait longer, by half, while nothing moves, and as shortly as asked for when something did."""
    return least if moved else min(pause * 1.5, max(LONGEST_PAUSE, least))
