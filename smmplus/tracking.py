"""Following orders: statuses in calls of 100, into the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from smmplus.async_client import AsyncClient
from smmplus.errors import FollowUpError
from smmplus.journal.entry import Entry
from smmplus.journal.store import Journal
from smmplus.models import OrderStatus
from smmplus.protocol import hundreds, merged

Item = TypeVar("Item")

LONGEST_PAUSE = 600.0
"""Seconds between two rounds at the most, when nothing moves."""


def open_orders(entries: Sequence[Entry]) -> dict[str, int]:
    """PURE: the orders whose status may still change: order id -> entry."""
    return {entry.order_id: entry.id for entry in entries if entry.order_id is not None and not entry.final}


async def poll(
    client: AsyncClient, journal: Journal, orders: Mapping[str, int]
) -> dict[int, OrderStatus | FollowUpError]:
    """Ask where orders stand and write it down; the result is by entry.

    What the panel leaves out of its answer is not in the result: that says nothing about an order.
    """
    parts = await asyncio.gather(*(ask_hundred(client, ids) for ids in hundreds(orders)))
    answers = merged(parts)
    found = {orders[order_id]: answer for order_id, answer in answers.items()}
    known = {entry: answer for entry, answer in found.items() if isinstance(answer, OrderStatus)}
    await asyncio.to_thread(journal.record_statuses, known)
    return found


async def ask_hundred(client: AsyncClient, ids: Sequence[str]) -> dict[str, OrderStatus | FollowUpError]:
    """Ask for up to 100 orders. Some panels answer one bad id with an error for all: it is found by halving."""
    return await halved(client.order_statuses, ids)


async def halved(
    ask: Callable[[Sequence[str]], Awaitable[dict[str, Item | FollowUpError]]], ids: Sequence[str]
) -> dict[str, Item | FollowUpError]:
    """Ask for many ids, and for ever fewer of them where the panel has one error for all; in the end it is one id's."""
    try:
        return await ask(ids)
    except FollowUpError as error:
        if len(ids) == 1:
            return {ids[0]: error}
    middle = len(ids) // 2
    return await halved(ask, ids[:middle]) | await halved(ask, ids[middle:])


def next_pause(pause: float, least: float, *, moved: bool) -> float:
    """PURE: wait longer, by half, while nothing moves, and as shortly as asked for when something did."""
    return least if moved else min(pause * 1.5, max(LONGEST_PAUSE, least))
