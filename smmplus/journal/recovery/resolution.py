"""Orders in doubt: put the orders of crashed runs in doubt, and record how a person resolves them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, insert, select, update

from smmplus.errors import JournalConflictError
from smmplus.journal import queries as entry_queries
from smmplus.journal.entry import Entry
from smmplus.journal.schema import campaigns, entries, notes, order_ids
from smmplus.journal.state_machine import SPENT, Event, State, after
from smmplus.orders.decimals import minus

STILL_UNDER_WAY = timedelta(minutes=2)
"""After a connection broke, a panel may work on the request for as long as its server lets a script run."""


def mark_in_doubt(connection: Connection, is_alive: Callable[[str], bool], now: str) -> list[Entry]:
    """Put entries in doubt that crashed runs left as submitting, and return them."""
    dead: dict[str | None, bool] = {}
    left = []
    for entry in entry_queries.unsettled(connection, None, State.SUBMITTING):
        if entry.run_id not in dead:
            dead[entry.run_id] = entry.run_id is None or not is_alive(entry.run_id)
        if dead[entry.run_id]:
            left.append(entry)
    error = "the process that sent it is gone; it is not known whether the panel placed it"
    for entry in left:
        _write(connection, entry, Event.DEATH, {"settled_at": now, "error": error})
    return left


def find_by_name(connection: Connection, name: str, account_id: int) -> Entry:
    """Find an entry by its name, "campaign/key"; raise JournalConflictError if there is none."""
    campaign, _, key = name.rpartition("/")
    campaign_id = entry_queries.find_campaign(connection, account_id, campaign)
    found = {} if campaign_id is None else entry_queries.with_keys(connection, campaign_id, [key])
    if key not in found:
        raise JournalConflictError(f"there is no order {name!r} in the journal: `smmplus doubts` shows the names")
    return found[key]


def resolve_as_placed(
    connection: Connection, entry: Entry, account_id: int, order_id: str, who: str, why: str, now: str
) -> None:
    """Record which order an entry in doubt is."""
    _must_be_in_doubt(entry)
    owner = entry_queries.with_order_id_at_panel(connection, account_id, order_id)
    must_be_unclaimed(order_id, owner, entry)
    first = entry.order_id or order_id
    alarm = "" if first == order_id else f"two orders for one row: {first} and {order_id}"
    _write(connection, entry, Event.FOUND, {"settled_at": now, "order_id": first, "error": alarm})
    if alarm:
        _note(connection, entry, who, "alarm", alarm, now)
    if owner is None:
        row = {"account_id": account_id, "order_id": order_id, "entry_id": entry.id, "attempt": entry.attempt}
        connection.execute(insert(order_ids), {**row, "recorded_at": now})
    _note(connection, entry, who, f"is order {order_id}", why, now)


def must_be_unclaimed(order_id: str, owner: Entry | None, entry: Entry) -> None:
    """Raise JournalConflictError if an order already belongs to another entry."""
    if owner is not None and owner.id != entry.id:
        whose = owner.name if owner.account == entry.account else f"{owner.name} of account {owner.account!r}"
        raise JournalConflictError(f"order {order_id} already belongs to {whose}")


def resolve_as_not_placed(
    connection: Connection, entry: Entry, who: str, why: str, now: datetime, is_alive: Callable[[str], bool]
) -> None:
    """Record that an entry in doubt was not placed, so that the next run may send it.

    Raises JournalConflictError while the request may still be under way, here or at the panel.
    """
    if entry.state is State.SUBMITTING and entry.run_id and is_alive(entry.run_id):
        raise JournalConflictError(f"{entry.name} is being sent by a live process: stop that process first")
    _must_be_in_doubt(entry)
    until = datetime.fromisoformat(entry.sent_at or now.isoformat()) + STILL_UNDER_WAY
    if now < until:
        raise JournalConflictError(
            f"{entry.name} was sent less than two minutes ago, and the panel may still place it: check the order page "
            f"again after {until:%H:%M:%S} UTC"
        )
    # If the order of an earlier attempt is known, it is the row's order: planned again, it would be placed twice.
    event = Event.NOT_PLACED if entry.order_id is None else Event.FOUND
    _write(connection, entry, event, {"settled_at": now.isoformat(), "error": ""})
    _note(connection, entry, who, "was not placed", why, now.isoformat())


def _must_be_in_doubt(entry: Entry) -> None:
    if entry.state is not State.IN_DOUBT:
        order = f" as order {entry.order_id}" if entry.order_id else ""
        raise JournalConflictError(f"{entry.name} is not in doubt: it is {entry.state.value}{order}")


def _write(connection: Connection, entry: Entry, event: Event, values: dict[str, str]) -> None:
    state = after(entry.state, event)
    same = (entries.c.id == entry.id) & (entries.c.state == entry.state.value) & (entries.c.attempt == entry.attempt)
    changed = connection.execute(update(entries).where(same).values(state=state.value, **values))
    # The entry was read in an earlier transaction, and another process may have changed it since.
    if changed.rowcount != 1:
        raise JournalConflictError(f"{entry.name} has changed meanwhile: look at it again")
    if entry.cost and state not in SPENT:
        spent = connection.execute(select(campaigns.c.spent).where(campaigns.c.id == entry.campaign_id)).scalar_one()
        left = {"spent": str(minus(Decimal(spent), entry.cost))}
        connection.execute(update(campaigns).where(campaigns.c.id == entry.campaign_id).values(left))


def _note(connection: Connection, entry: Entry, who: str, what: str, why: str, now: str) -> None:
    connection.execute(insert(notes), {"entry_id": entry.id, "at": now, "who": who, "what": what, "why": why})
