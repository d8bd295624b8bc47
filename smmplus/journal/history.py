"""The life of one order: sent, answered, resolved, its statuses, refills and cancels, as far as the journal keeps it.

The journal keeps when the latest attempt was sent. Of earlier attempts it keeps the order ids and the doubts.
"""

from collections.abc import Iterator, Mapping
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
    events = [
        *_planned(connection, entry),
        *_sent(connection, entry),
        *_noted(connection, entry),
        *_answered(connection, entry),
        *_statuses(connection, entry),
        *_requested(connection, entry),
    ]
    return sorted(events, key=lambda event: event.at)


def _event(at: str, kind: str, **about: object) -> LifeEvent:
    return LifeEvent(at, kind, {name: str(value) for name, value in about.items() if value not in {None, ""}})


def _planned(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    batch = connection.execute(select(batches).where(batches.c.id == entry.batch_id)).one()
    yield _event(batch.created_at, "planned", source=batch.source)


def _sent(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    """Yield the latest attempt, and how it ended if that left no order id."""
    run = connection.execute(select(runs).where(runs.c.id == entry.run_id)).first()
    by = {} if run is None else {"user": run.user, "host": run.host}
    if entry.sent_at is not None:
        yield _event(entry.sent_at, "sent", attempt=entry.attempt, **by)
    if entry.settled_at is not None and entry.state in {State.IN_DOUBT, State.REJECTED}:
        yield _event(entry.settled_at, entry.state.value, attempt=entry.attempt, error=entry.error)


def _noted(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    """Yield what persons and programs recorded about it, and the doubts that ended so."""
    for note in resolution.notes_of(connection, entry.id):
        if note.what == resolution.DOUBT:
            doubt = resolution.read_doubt(note)
            yield _event(doubt.at, "in_doubt", attempt=doubt.attempt, error=doubt.error)
        elif note.what == "alarm":
            yield _event(note.at, "alarm", error=note.why)
        elif note.what.startswith(resolution.TAKEN_BACK):
            yield _event(note.at, "taken_back", **_answer_in(note), who=note.who, why=note.why)
        else:
            yield _event(note.at, "resolved", **_answer_in(note), who=note.who, why=note.why)


def _answer_in(note: Row[tuple[object, ...]]) -> dict[str, str]:
    """Return the order that a note names; nothing if it says that the order was not placed."""
    what = str(note.what).removeprefix(resolution.TAKEN_BACK)
    return {"order_id": what.removeprefix(resolution.IS_ORDER)} if what.startswith(resolution.IS_ORDER) else {}


def _answered(connection: Connection, entry: Entry) -> Iterator[LifeEvent]:
    """Yield the order ids that the panel answered. One that a resolution recorded is in its note."""
    resolved_at = {note.at for note in resolution.notes_of(connection, entry.id)}
    for row in connection.execute(select(order_ids).where(order_ids.c.entry_id == entry.id)):
        if row.recorded_at not in resolved_at:
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
