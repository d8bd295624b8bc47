"""The life of one order: sent, answered, resolved, its statuses, refills and cancels, as far as the journal keeps it.

The journal keeps when the latest attempt was sent. Of earlier attempts it keeps the order ids and the doubts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, select

from smmplus.journal import queries, resolution
from smmplus.journal.entry import Entry, text_or_none
from smmplus.journal.refills_and_cancels import FollowUp, RequestKind, of_entries
from smmplus.journal.schema import batches, order_ids, runs
from smmplus.journal.state_machine import State


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """Something that happened to an order."""

    at: str
    """The time in ISO 8601, UTC."""
    kind: str
    """planned, sent, answered, in_doubt, rejected, resolved, taken_back, alarm, status, refill or cancel."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Details by name, such as `order_id`, `attempt`, `who`, `why`, `error`, `status`; none is empty."""


def history_of(connection: Connection, entry: Entry) -> list[LifeEvent]:
    """Return everything that the journal knows of an order, in the order in which it happened."""
    notes = resolution.notes_of(connection, entry.id)
    events = [
        *_planned(connection, entry),
        *_sent(connection, entry, [resolution.read_doubt(note) for note in notes if note.what == resolution.DOUBT]),
        *_answered(connection, entry, notes),
        *map(_noted, notes),
        *_open_end(entry),
        *_statuses(connection, entry),
        *_requested(connection, entry),
    ]
    # A doubt that is open again after its resolution was taken back stands in the entry and in a note.
    once = {(event.at, event.kind, *sorted(event.about.items())): event for event in events}
    return sorted(once.values(), key=lambda event: event.at)


def _event(at: str, kind: str, **about: object) -> LifeEvent:
    return LifeEvent(at, kind, {name: str(value) for name, value in about.items() if value not in {None, ""}})


def _planned(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    batch = connection.execute(select(batches).where(batches.c.id == entry.batch_id)).one()
    yield _event(batch.created_at, "planned", source=batch.source)


def _sent(connection: Connection, entry: Entry, doubts: Iterable[resolution.Doubt]) -> Iterator[LifeEvent]:
    """Yield the latest attempt, and earlier ones that came into doubt."""
    attempts = {(each.sent_at, each.attempt): each.run_id for each in doubts}
    attempts[entry.sent_at, entry.attempt] = entry.run_id
    for (at, attempt), run_id in attempts.items():
        if at is not None and attempt > 0:  # a journal that was restored only knows that it may have been sent since
            run = connection.execute(select(runs).where(runs.c.id == run_id)).first()
            by = {} if run is None else {"user": run.user, "host": run.host}
            yield _event(at, "sent", attempt=attempt, **by)


def _open_end(entry: Entry) -> Iterator[LifeEvent]:
    """Yield how the latest attempt ended, if that left no order id."""
    if entry.settled_at is not None and entry.state in {State.IN_DOUBT, State.REJECTED}:
        yield _event(entry.settled_at, entry.state.value, attempt=entry.attempt or None, error=entry.error)


def _noted(note: Row[tuple[object, ...]]) -> LifeEvent:
    """Return what a person or a program recorded, or the doubt that ended so."""
    if note.what == resolution.DOUBT:
        doubt = resolution.read_doubt(note)
        return _event(doubt.at, "in_doubt", attempt=doubt.attempt or None, error=doubt.error)
    if note.what == "alarm":
        return _event(note.at, "alarm", error=note.why)
    kind = "taken_back" if note.what.startswith(resolution.TAKEN_BACK) else "resolved"
    return _event(note.at, kind, **_answer_in(note), who=note.who, why=note.why)


def _answer_in(note: Row[tuple[object, ...]]) -> dict[str, str]:
    """Return the order that a note names; nothing if it says that the order was not placed."""
    what = str(note.what).removeprefix(resolution.TAKEN_BACK)
    return {"order_id": what.removeprefix(resolution.IS_ORDER)} if what.startswith(resolution.IS_ORDER) else {}


def _answered(connection: Connection, entry: Entry, notes: Iterable[Row[tuple[object, ...]]]) -> Iterator[LifeEvent]:
    """Yield the order ids that the panel answered. One that a resolution recorded is in its note."""
    resolved = {(note.at, note.what) for note in notes}
    for row in connection.execute(select(order_ids).where(order_ids.c.entry_id == entry.id)):
        if (row.recorded_at, f"{resolution.IS_ORDER}{row.order_id}") not in resolved:
            yield _event(row.recorded_at, "answered", order_id=row.order_id, attempt=row.attempt)


def _statuses(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    for change in queries.status_changes_of(connection, [entry.id]).get(entry.id, ()):
        yield _event(
            change.at,
            "status",
            status=change.order_status,
            charge=text_or_none(change.charge),
            start_count=change.start_count,
            remains=change.remains,
        )


def _requested(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    """Yield each refill and cancel when it was sent, with what became of it."""
    for kind, request in of_entries(connection, [entry.id]).get(entry.id, ()):
        if request.sent_at is not None:
            yield _event(request.sent_at, kind.value, **_outcome(kind, request))


def _outcome(kind: RequestKind, request: FollowUp) -> dict[str, str]:
    refill = {"refill_id": request.answer, "status": request.status} if kind is RequestKind.REFILL else {}
    return {"state": request.state.value, "error": request.error, **refill}
