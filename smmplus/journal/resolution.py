"""Resolution: record what an order in doubt really is, and take a mistaken resolution back.

Every resolution is a note: who resolved the order, when and why. The note before it keeps the doubt that it ended, so
that taking it back makes the order what it was: in doubt since then, for that reason, at the price that was expected.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from smmplus.commands import local_time
from smmplus.errors import JournalConflictError
from smmplus.journal import queries
from smmplus.journal.entry import Entry, decimal_or_none, text_or_none
from smmplus.journal.schema import balances, batches, campaigns, entries, notes, order_ids, status_changes
from smmplus.journal.state_machine import SPENT, Event, State, after
from smmplus.orders.decimals import EXACT, code_of, minus
from smmplus.texts import _, marked

STILL_UNDER_WAY = timedelta(minutes=2)
"""After a connection broke, a panel may work on the request for as long as its server lets a script run."""

IS_ORDER, NOT_PLACED, TAKEN_BACK, DOUBT = "is order ", "was not placed", "taken back: ", "doubt"
"""What a note is about, or how that begins."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt that was resolved."""

    at: str
    """Since when the order was in doubt."""
    run_id: str | None
    attempt: int
    sent_at: str | None
    cost: Decimal | None
    error: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a doubt was resolved."""

    at: str
    what: str
    doubt: Doubt

    @property
    def order_id(self) -> str | None:
        """The order that it was; None if it was not placed."""
        return self.what.removeprefix(IS_ORDER) if self.what.startswith(IS_ORDER) else None


def notes_of(connection: Connection, entry_id: int) -> list[Row[tuple[object, ...]]]:
    """Return the notes about an entry, in the order in which they were written."""
    return list(connection.execute(select(notes).where(notes.c.entry_id == entry_id).order_by(notes.c.id)))


def read_doubt(note: Row[tuple[object, ...]]) -> Doubt:
    """Read a note that keeps a doubt."""
    kept = json.loads(note.why)
    return Doubt(
        note.at, note.who or None, kept["attempt"], kept["sent_at"], decimal_or_none(kept["cost"]), kept["error"]
    )


def latest_resolution(connection: Connection, entry_id: int) -> Resolution | None:
    """Return an entry's latest resolution; None if there is none, or it was taken back."""
    doubt: Doubt | None = None
    found: Resolution | None = None
    for note in notes_of(connection, entry_id):
        if note.what == DOUBT:
            doubt = read_doubt(note)
        elif note.what.startswith(TAKEN_BACK):
            found = None
        elif doubt is not None and (note.what == NOT_PLACED or note.what.startswith(IS_ORDER)):
            found = Resolution(note.at, note.what, doubt)
    return found


def taken_back(connection: Connection, account_id: int, ids: Iterable[str]) -> dict[str, list[Entry]]:
    """Return which of these order ids were taken back, each with the entries that it was taken back from."""
    beginning, wanted = f"{TAKEN_BACK}{IS_ORDER}", set(ids)
    query = select(notes.c.what, notes.c.entry_id).join(entries, entries.c.id == notes.c.entry_id).join(campaigns)
    where = (campaigns.c.account_id == account_id) & notes.c.what.startswith(beginning, autoescape=True)
    rows = connection.execute(query.where(where).order_by(notes.c.id.desc()))
    pairs = [(order_id, row.entry_id) for row in rows if (order_id := row.what.removeprefix(beginning)) in wanted]
    known = queries.with_ids(connection, (number for _order_id, number in pairs))
    found: dict[str, list[Entry]] = {}
    for order_id, number in pairs:
        found.setdefault(order_id, []).append(known[number])
    return found


def resolve_as_placed(
    connection: Connection, entry: Entry, account_id: int, order_id: str, who: str, why: str, now: str
) -> None:
    """Record which order an entry in doubt is."""
    _must_be_in_doubt(entry)
    owner = queries.with_order_id_at_panel(connection, account_id, order_id)
    must_be_unclaimed(order_id, owner, entry)
    first = entry.order_id or order_id
    alarm = "" if first == order_id else f"two orders for one row: {first} and {order_id}"
    move(connection, entry, Event.FOUND, {"settled_at": now, "order_id": first, "error": alarm})
    if alarm:
        _note(connection, entry, who, "alarm", alarm, now)
    if owner is None:
        row = {"account_id": account_id, "order_id": order_id, "entry_id": entry.id, "attempt": entry.attempt}
        connection.execute(insert(order_ids), {**row, "recorded_at": now})
    _note_resolution(connection, entry, who, f"{IS_ORDER}{order_id}", why, now)


def must_be_unclaimed(order_id: str, owner: Entry | None, entry: Entry) -> None:
    """Raise JournalConflictError if an order already belongs to another entry."""
    if owner is not None and owner.id != entry.id:
        text = marked("order {order_id} already belongs to {order} of account {account!r}")
        text = marked("order {order_id} already belongs to {order}") if owner.account == entry.account else text
        raise JournalConflictError(_(text, order_id=order_id, order=owner.name, account=owner.account))


def resolve_as_not_placed(
    connection: Connection, entry: Entry, who: str, why: str, now: str, is_alive: Callable[[str], bool]
) -> None:
    """Record that an entry in doubt was not placed, so that the next run may send it.

    Raises JournalConflictError while the request may still be under way, here or at the panel.
    """
    if entry.state is State.SENDING and entry.run_id and is_alive(entry.run_id):
        raise JournalConflictError(
            _("{order} is being sent by a live process: stop that process first", order=entry.name)
        )
    _must_be_in_doubt(entry)
    until = datetime.fromisoformat(entry.sent_at or now) + STILL_UNDER_WAY
    if datetime.fromisoformat(now) < until:
        raise JournalConflictError(
            _(
                "{order} was sent less than two minutes ago, and the panel may still place it: check the order page "
                "again after {time}",
                order=entry.name,
                time=local_time(until, seconds=True),
            )
        )
    # If the order of an earlier attempt is known, it is the row's order: planned again, it would be placed twice.
    event = Event.NOT_PLACED if entry.order_id is None else Event.FOUND
    move(connection, entry, event, {"settled_at": now, "error": ""})
    _note_resolution(connection, entry, who, NOT_PLACED, why, now)


def _must_be_in_doubt(entry: Entry) -> None:
    if entry.state is not State.IN_DOUBT:
        text = marked("{order} is not in doubt: it is {state} as order {order_id}")
        text = text if entry.order_id else marked("{order} is not in doubt: it is {state}")
        state = _(entry.state.words).lower()
        raise JournalConflictError(_(text, order=entry.name, state=state, order_id=entry.order_id))


def take_back(connection: Connection, entry: Entry, who: str, why: str, now: str) -> None:
    """Take back how an entry was resolved: it is in doubt again, as it was, and no run sends it.

    An order id is free again if the resolution recorded it, and with it goes what the panel said of that order. If the
    panel has answered with another order id since, the entry is that order. Raises JournalConflictError if the entry
    was sent since, or the panel's answer leaves no doubt.
    """
    current = queries.with_ids(connection, [entry.id])[entry.id]
    if (current.state, current.attempt, current.settled_at) != (entry.state, entry.attempt, entry.settled_at):
        raise _changed(entry)
    resolution = _must_be_resolved(connection, current)
    doubt = resolution.doubt
    answer = _answer_since(connection, current, resolution)
    freed = _free(connection, current, resolution)
    values = {"settled_at": doubt.at, "error": doubt.error, "cost": text_or_none(doubt.cost), **freed}
    move(connection, replace(current, cost=doubt.cost), Event.TAKEN_BACK, values)
    if answer is not None:
        placed = {"order_id": answer.order_id, "error": ""} if freed else {"error": current.error}
        back = replace(current, state=State.IN_DOUBT)
        move(connection, back, Event.LATE_ORDER_ID, {"settled_at": answer.recorded_at, **placed})
    elif current.state is State.PLACED:
        _no_longer_debited(connection, current, resolution.at)
    _reopen_batch(connection, current)
    _note(connection, entry, who, f"{TAKEN_BACK}{resolution.what}", why, now)


def _must_be_resolved(connection: Connection, entry: Entry) -> Resolution:
    if entry.state is State.IN_DOUBT:
        raise JournalConflictError(_("{order} is in doubt: there is nothing to take back", order=entry.name))
    found = latest_resolution(connection, entry.id)
    if found is None:
        raise JournalConflictError(
            _(
                "{order} is {state}, and nobody has resolved it: there is nothing to take back",
                order=entry.name,
                state=_(entry.state.words).lower(),
            )
        )
    if entry.attempt != found.doubt.attempt:
        raise JournalConflictError(
            _("{order} was sent again since it was resolved: that cannot be taken back", order=entry.name)
        )
    return found


def _answer_since(connection: Connection, entry: Entry, resolution: Resolution) -> Row[tuple[object, ...]] | None:
    """Return the order id that the panel answered after a resolution as another order; None if it did not answer."""
    if entry.state is not State.PLACED or entry.settled_at == resolution.at:
        return None
    columns = order_ids.c
    others = (columns.entry_id == entry.id) & (columns.attempt == entry.attempt) & (columns.recorded_at > resolution.at)
    answer = connection.execute(select(order_ids).where(others).order_by(columns.recorded_at)).first()
    if answer is None or resolution.order_id is None:
        raise JournalConflictError(
            _(
                "the panel's answer to {order} arrived since: it is order {order_id}. There is nothing to take back",
                order=entry.name,
                order_id=entry.order_id,
            )
        )
    return answer


_NO_STATUS: Mapping[str, object] = {
    "order_status": "",
    "final": 0,
    "charge": None,
    "start_count": None,
    "remains": None,
    "currency": "",
    "polled_at": None,
}


def _free(connection: Connection, entry: Entry, resolution: Resolution) -> Mapping[str, object]:
    """Free the order id that a resolution recorded, and return what that changes in the entry."""
    columns = order_ids.c
    same = (columns.entry_id == entry.id) & (columns.order_id == resolution.order_id)
    recorded = same & (columns.recorded_at == resolution.at)
    if not connection.execute(delete(order_ids).where(recorded)).rowcount or entry.order_id != resolution.order_id:
        return {}
    connection.execute(delete(status_changes).where(status_changes.c.entry_id == entry.id))
    return {"order_id": None, **_NO_STATUS}


def _no_longer_debited(connection: Connection, entry: Entry, since: str) -> None:
    """Let balances that were read since a time not count an order as certainly debited.

    Otherwise they would show an unexplained drop as soon as it turns out that the order was not placed.
    """
    campaign = connection.execute(select(campaigns).where(campaigns.c.id == entry.campaign_id)).one()
    seen = (balances.c.account_id == campaign.account_id) & (balances.c.asked_at >= since)
    for row in connection.execute(select(balances).where(seen)).all():
        if entry.cost and code_of(campaign.currency) in {code_of(row.currency), ""}:
            accepted = str(minus(Decimal(row.accepted), entry.cost))
            connection.execute(update(balances).where(balances.c.id == row.id).values(accepted=accepted))


def _reopen_batch(connection: Connection, entry: Entry) -> None:
    """Let the batch of an entry be unfinished again, so that its sheet's rows are these orders without a question."""
    columns = batches.c
    of_sheet = (columns.campaign_id == entry.campaign_id) & (columns.source == entry.source)
    newest = select(func.max(columns.id)).where(of_sheet).scalar_subquery()
    where = (columns.id == entry.batch_id) & (columns.id == newest)
    connection.execute(update(batches).where(where).values(finished_at=None))


def move(connection: Connection, entry: Entry, event: Event, values: Mapping[str, object]) -> None:
    """Write a change of state and what a campaign has spent; raise JournalConflictError if the entry has changed."""
    state = after(entry.state, event)
    same = (entries.c.id == entry.id) & (entries.c.state == entry.state.value) & (entries.c.attempt == entry.attempt)
    changed = connection.execute(update(entries).where(same).values(state=state.value, **values))
    # The entry was read in an earlier transaction, and another process may have changed it since.
    if changed.rowcount != 1:
        raise _changed(entry)
    if entry.cost and (state in SPENT) != (entry.state in SPENT):
        spent = connection.execute(select(campaigns.c.spent).where(campaigns.c.id == entry.campaign_id)).scalar_one()
        add_or_subtract = EXACT.add if state in SPENT else EXACT.subtract
        now = {"spent": str(add_or_subtract(Decimal(spent), entry.cost))}
        connection.execute(update(campaigns).where(campaigns.c.id == entry.campaign_id).values(now))


def _changed(entry: Entry) -> JournalConflictError:
    return JournalConflictError(_("{order} has changed meanwhile: look at it again", order=entry.name))


def _note_resolution(connection: Connection, entry: Entry, who: str, what: str, why: str, now: str) -> None:
    kept = {"attempt": entry.attempt, "sent_at": entry.sent_at, "cost": text_or_none(entry.cost), "error": entry.error}
    _note(connection, entry, entry.run_id or "", DOUBT, json.dumps(kept), entry.settled_at or now)
    _note(connection, entry, who, what, why, now)


def _note(connection: Connection, entry: Entry, who: str, what: str, why: str, now: str) -> None:
    connection.execute(insert(notes), {"entry_id": entry.id, "at": now, "who": who, "what": what, "why": why})
