"""Following orders: statuses in calls of 100, into the journal."""

import asyncio
from collections.abc import Mapping, Sequence

from smmplus.async_client import AsyncClient
from smmplus.errors import FollowUpError
from smmplus.journal.entry import Entry
from smmplus.journal.store import Journal
from smmplus.models import OrderStatus

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
    answers = await client.order_statuses(orders)
    found = {orders[order_id]: answer for order_id, answer in answers.items()}
    known = {entry: answer for entry, answer in found.items() if isinstance(answer, OrderStatus)}
    await asyncio.to_thread(journal.record_statuses, known)
    return found


def next_pause(pause: float, least: float, *, moved: bool) -> float:
    """PURE: wait longer, by half, while nothing moves, and as shortly as asked for when something did."""
    return least if moved else min(pause * 1.5, max(LONGEST_PAUSE, least))
