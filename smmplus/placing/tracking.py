"""Track orders: ask for statuses, 100 a call, and record them in the journal."""

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
    UnknownRefusalError,
    UnreadableAnswerError,
)
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.refills_and_cancels import has_refills, record_refill_statuses, refills_of
from smmplus.orders.models import OrderStatus, Phase
from smmplus.texts import _

if TYPE_CHECKING:
    from smmplus.api.async_client import AsyncClient

Answer = TypeVar("Answer")

LONGEST_PAUSE = 600.0
"""The longest pause between two rounds, in seconds, while no status changes."""


def open_orders(entries: Sequence[Entry]) -> dict[str, int]:
    """Return the orders whose status may still change: order id -> number of the entry."""
    return {entry.order_id: entry.id for entry in entries if entry.order_id is not None and not entry.final}


class Round(NamedTuple):
    """The result of asking for all orders once."""

    found: dict[int, OrderStatus | FollowUpError]
    """By entry. An order that the panel leaves out of its answers is not here: that says nothing about it."""
    fault: CallError | None
    """Why some orders could not be asked for; None if all were."""


async def poll(client: "AsyncClient", journal: Journal, orders: Mapping[str, int]) -> Round:
    """Ask for the statuses of `orders` (order id -> entry), and record the answers.

    A call that fails only skips its own 100 orders in this round. Raises AccountError if the panel refuses the account,
    and AddressError if its URL is wrong, after the answers so far are recorded.
    """
    parts, fault = await _ask_all(client, hundreds(orders))
    found = {orders[order_id]: answer for order_id, answer in merged(parts).items()}
    known = {entry: answer for entry, answer in found.items() if isinstance(answer, OrderStatus)}
    if known:
        asked = {entry: order_id for order_id, entry in orders.items()}
        found |= await asyncio.to_thread(journal.record_statuses, known, asked)
    if isinstance(fault, AccountError | AddressError):
        raise fault
    return Round(found, fault)


async def poll_refills(client: "AsyncClient", journal: Journal, entries: Iterable[int]) -> CallError | None:
    """Ask for the statuses of the entries' open refills, and record them. Return why some could not be asked for."""
    open_ones = await asyncio.to_thread(_open_refills, journal, list(entries))
    if not open_ones:
        return None
    try:
        answers = await client.refill_statuses(open_ones)
    except CallError as error:
        return error
    known = {open_ones[refill_id]: answer for refill_id, answer in answers.items() if isinstance(answer, str)}
    await asyncio.to_thread(_record_refills, journal, known)
    return None


def _open_refills(journal: Journal, entries: Sequence[int]) -> dict[str, int]:
    """Return refill id -> number of the request."""
    with journal.reading() as connection:
        found = refills_of(connection, entries).values() if has_refills(connection) else ()
    return {item.answer: item.id for item in found if item.is_open_refill and item.answer}


def _record_refills(journal: Journal, statuses: Mapping[int, str]) -> None:
    with journal.transaction() as connection:
        record_refill_statuses(connection, statuses, journal.time())


async def _ask_all(
    client: "AsyncClient", parts: Iterable[Sequence[str]]
) -> tuple[list[dict[str, OrderStatus | FollowUpError]], CallError | None]:
    """Ask for all parts, until an error concerns all of them. Return the answers, and the gravest error."""
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
    """Return the error of a call. Any other exception is a bug, and raised."""
    error = task.exception()
    if error is None or isinstance(error, CallError):
        return error
    raise error


def _concerns_all(fault: CallError) -> bool:
    """Return whether the other calls would fail in the same way. The client has already repeated this one."""
    return _gravity(fault) > 0


def _gravity(fault: CallError) -> int:
    if isinstance(fault, AccountError | AddressError):
        return 2
    return int(isinstance(fault, BusyError) or not isinstance(fault, RefusedError | UnreadableAnswerError))


async def ask_hundred(client: "AsyncClient", ids: Sequence[str]) -> dict[str, OrderStatus | FollowUpError]:
    """Ask for up to 100 orders. Some panels answer one bad id with an error for all: halving finds it."""
    return await bisect_errors(client.order_statuses, ids)


async def bisect_errors(
    ask: Callable[[Sequence[str]], Awaitable[dict[str, Answer | FollowUpError]]], ids: Sequence[str]
) -> dict[str, Answer | FollowUpError]:
    """Ask for ids, and for each half of them if the panel answers with one error for all."""
    try:
        return await ask(ids)
    except FollowUpError as error:
        if isinstance(error, UnknownRefusalError):
            raise  # it may be about the call: half of it would be refused as well
        if len(ids) == 1:
            return {ids[0]: error}
    middle = len(ids) // 2
    return await bisect_errors(ask, ids[:middle]) | await bisect_errors(ask, ids[middle:])


def not_understood(answers: Iterable[OrderStatus | FollowUpError]) -> list[str]:
    """Return messages about statuses that are not understood: unknown words, and numbers that cannot be read."""
    statuses = [answer for answer in answers if isinstance(answer, OrderStatus)]
    words = dict.fromkeys(status.status for status in statuses if status.phase is Phase.UNKNOWN)
    numbers = dict.fromkeys(status.unread for status in statuses if status.unread)
    return [
        *(_("unknown order status {status!r}: its orders count as unfinished", status=word[:40]) for word in words),
        *(_("the panel's {value} cannot be read: nothing is computed from it", value=value) for value in numbers),
    ]


def is_understood(answer: OrderStatus | FollowUpError) -> bool:
    """Return whether an answer is understood: a known status, or a refusal."""
    return isinstance(answer, FollowUpError) or answer.phase is not Phase.UNKNOWN


def next_pause(pause: float, least: float, *, moved: bool) -> float:
    """Return the next pause: longer by half while no status changes, and the shortest again after a change."""
    return least if moved else min(pause * 1.5, max(LONGEST_PAUSE, least))
