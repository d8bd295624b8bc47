"""Refills and cancels in the journal: asked for once under a key, like orders, with states of their own."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, Row, insert, literal_column, select, update

from smmplus.journal.queries import parts_of
from smmplus.journal.schema import follow_ups, order_ids
from smmplus.orders.models import NOT_REFILLED, REFILLED


class RequestKind(StrEnum):
    """What is asked for."""

    REFILL = "refill"
    CANCEL = "cancel"


class RequestState(StrEnum):
    """The state of a request. Only the panel's answer makes it `ACCEPTED` or `REJECTED`."""

    NOT_SENT = "not_sent"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


class RequestMove(StrEnum):
    """What changes the state of a follow-up."""

    INTENT = "intent"
    """It is about to be sent. Committed to disk before the request leaves."""
    YES = "yes"
    """The panel accepted it."""
    NO = "no"
    """The panel refused it."""
    HELD_BACK = "held_back"
    """The request certainly never left, or the panel said "not now", or it refused the account."""
    DOUBT = "doubt"
    """It may have been accepted: the answer was lost or leaves doubt."""


MOVES: dict[RequestState, dict[RequestMove, RequestState]] = {
    RequestState.NOT_SENT: {RequestMove.INTENT: RequestState.SENDING},
    RequestState.SENDING: {
        RequestMove.YES: RequestState.ACCEPTED,
        RequestMove.NO: RequestState.REJECTED,
        RequestMove.HELD_BACK: RequestState.NOT_SENT,
        RequestMove.DOUBT: RequestState.IN_DOUBT,
    },
    # It may be asked for again: what is refused today may be accepted tomorrow, and it costs nothing.
    RequestState.REJECTED: {RequestMove.INTENT: RequestState.SENDING},
    RequestState.IN_DOUBT: {},
    RequestState.ACCEPTED: {},
}


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A refill or a cancel of one order, as the journal knows it."""

    id: int
    order_id: str
    state: RequestState
    attempt: int
    run_id: str | None
    answer: str
    """The refill's id, or the panel's answer to a cancel."""
    error: str
    sent_at: str | None = None
    status: str = ""
    """What the panel last said of the refill."""

    @property
    def is_open_refill(self) -> bool:
        """Whether the panel accepted it as a refill, and has not finished it."""
        return self.state is RequestState.ACCEPTED and is_refill_open(self.status)


def is_refill_open(status: str) -> bool:
    """Return whether a refill is open by its status. One that the panel said nothing of, or nothing known, is."""
    return status.casefold() not in REFILLED | NOT_REFILLED


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of one attempt."""

    follow_up: FollowUp
    move: RequestMove
    answer: str = ""
    error: str = ""


def asked(
    connection: Connection, account_id: int, kind: RequestKind, key: str, order_ids: Iterable[str], *, former: str = ""
) -> list[FollowUp]:
    """Return what the journal knows of these follow-ups. New ones are planned.

    Keys that begin with `former` are those of the same caller.
    """
    wanted = list(dict.fromkeys(order_ids))
    who = {"account_id": account_id, "kind": kind.value, "key": key}
    known = _found(connection, who, former)
    rows = [
        {**who, "order_id": order_id, "state": RequestState.NOT_SENT.value}
        for order_id in wanted
        if order_id not in known
    ]
    if rows:
        connection.execute(insert(follow_ups), rows)
        known = _found(connection, who, former)
    return [known[order_id] for order_id in wanted]


def of_key(connection: Connection, account_id: int, kind: RequestKind, key: str, *, former: str = "") -> list[FollowUp]:
    """Return what the journal knows of all follow-ups under a key. Nothing is planned."""
    return list(_found(connection, {"account_id": account_id, "kind": kind.value, "key": key}, former).values())


def of_orders(
    connection: Connection, account_id: int, kind: RequestKind, order_ids: Iterable[str]
) -> dict[str, list[FollowUp]]:
    """Return every request about these orders under any key, the latest first."""
    columns, found = follow_ups.c, defaultdict[str, list[FollowUp]](list)
    about = (columns.account_id == account_id) & (columns.kind == kind.value)
    for part in parts_of(order_ids):
        where = about & columns.order_id.in_(part)
        for row in connection.execute(select(follow_ups).where(where).order_by(columns.sent_at.desc())):
            found[row.order_id].append(_read(row))
    return dict(found)


def of_entries(connection: Connection, entry_ids: Iterable[int]) -> dict[int, list[tuple[RequestKind, FollowUp]]]:
    """Return every request about these entries' orders, the first one first."""
    found = defaultdict[int, list[tuple[RequestKind, FollowUp]]](list)
    same = (order_ids.c.account_id == follow_ups.c.account_id) & (order_ids.c.order_id == follow_ups.c.order_id)
    both = select(follow_ups, order_ids.c.entry_id).join(order_ids, same).order_by(follow_ups.c.id)
    for part in parts_of(entry_ids):
        for row in connection.execute(both.where(order_ids.c.entry_id.in_(part))):
            found[row.entry_id].append((RequestKind(row.kind), _read(row)))
    return dict(found)


def has_refills(connection: Connection) -> bool:
    """Return whether any refill was requested with this journal: most journals have none to look for."""
    refills = select(follow_ups.c.id).where(follow_ups.c.kind == RequestKind.REFILL.value)
    return connection.execute(refills.limit(1)).first() is not None


def refills_of(connection: Connection, entry_ids: Iterable[int]) -> dict[int, FollowUp]:
    """Return the latest request for a refill of each of these entries, if there is one."""
    found = dict[int, FollowUp]()
    for entry_id, asked in of_entries(connection, entry_ids).items():
        refills = [item for kind, item in asked if kind is RequestKind.REFILL and item.sent_at]
        found |= {entry_id: max(refills, key=lambda item: item.sent_at or "")} if refills else {}
    return found


def open_refills(connection: Connection, account_id: int) -> list[int]:
    """Return the entries of an account whose refills the panel accepted and has not finished yet."""
    columns, of_order = follow_ups.c, order_ids.c
    same = (of_order.account_id == columns.account_id) & (of_order.order_id == columns.order_id)
    accepted = (columns.kind == RequestKind.REFILL.value) & (columns.state == RequestState.ACCEPTED.value)
    query = select(of_order.entry_id, columns.status).join(follow_ups, same).where(columns.account_id == account_id)
    return [row.entry_id for row in connection.execute(query.where(accepted)) if is_refill_open(row.status)]


def record_refill_statuses(connection: Connection, statuses: Mapping[int, str], now: str) -> None:
    """Record what the panel says of refills, by the number of the request."""
    for number, status in statuses.items():
        connection.execute(update(follow_ups).where(follow_ups.c.id == number).values(status=status, polled_at=now))


def mark_in_doubt(connection: Connection, is_alive: Callable[[str], bool], now: str) -> None:
    """Put follow-ups in doubt that crashed runs left as sending."""
    where = follow_ups.c.state == literal_column(f"'{RequestState.SENDING.value}'")
    left = connection.execute(select(follow_ups.c.id, follow_ups.c.run_id).where(where)).all()
    dead = [row.id for row in left if row.run_id is None or not is_alive(row.run_id)]
    if dead:
        error = "the process that sent it is gone; it is not known whether the panel accepted it"
        values = {"state": RequestState.IN_DOUBT.value, "settled_at": now, "error": error}
        connection.execute(update(follow_ups).where(follow_ups.c.id.in_(dead)).values(values))


def intend(connection: Connection, wanted: Sequence[FollowUp], run_id: str, now: str) -> list[FollowUp]:
    """Write intents, and return those that may be sent after the commit. The others are taken by another process."""
    about = {"run_id": run_id, "sent_at": now, "settled_at": None, "answer": "", "error": ""}
    taken = []
    for item in wanted:
        sent = replace(item, state=MOVES[item.state][RequestMove.INTENT], attempt=item.attempt + 1, run_id=run_id)
        if _moved(connection, item, {**about, "state": sent.state.value, "attempt": sent.attempt}):
            taken.append(sent)
    return taken


def record_outcomes(connection: Connection, outcomes: Iterable[Settled], now: str) -> None:
    """Write outcomes. A follow-up that changed meanwhile keeps its state, but a yes is always recorded."""
    for outcome in outcomes:
        item, state = outcome.follow_up, MOVES[outcome.follow_up.state][outcome.move]
        values = {"state": state.value, "settled_at": now, "answer": outcome.answer, "error": outcome.error}
        if not _moved(connection, item, values) and outcome.move is RequestMove.YES:
            connection.execute(update(follow_ups).where(follow_ups.c.id == item.id).values(values))


def _moved(connection: Connection, item: FollowUp, values: Mapping[str, object]) -> bool:
    columns = follow_ups.c
    same = (columns.id == item.id) & (columns.state == item.state.value) & (columns.attempt == item.attempt)
    return connection.execute(update(follow_ups).where(same).values(values)).rowcount == 1


def _found(connection: Connection, who: Mapping[str, object], former: str) -> dict[str, FollowUp]:
    columns = follow_ups.c
    own = columns.key == who["key"]
    if former:
        own |= columns.key.startswith(former, autoescape=True)
    where = (columns.account_id == who["account_id"]) & (columns.kind == who["kind"]) & own
    found = [_read(row) for row in connection.execute(select(follow_ups).where(where).order_by(columns.id.desc()))]
    # Of several for one order, the one that got furthest counts.
    return {item.order_id: item for item in sorted(found, key=lambda item: _FURTHEST.index(item.state))}


def _read(row: Row[tuple[object, ...]]) -> FollowUp:
    return FollowUp(
        row.id,
        row.order_id,
        RequestState(row.state),
        row.attempt,
        row.run_id,
        row.answer,
        row.error,
        row.sent_at,
        row.status,
    )


_FURTHEST = (
    RequestState.NOT_SENT,
    RequestState.REJECTED,
    RequestState.SENDING,
    RequestState.IN_DOUBT,
    RequestState.ACCEPTED,
)
