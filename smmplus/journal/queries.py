"""Find entries, plan them, and record their statuses. Every function runs in the caller's transaction."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from smmplus.journal import metadata
from smmplus.journal.entry import (
    Entry,
    Planned,
    StatusChange,
    decimal_or_none,
    read_entry,
    select_entries,
    text_or_none,
)
from smmplus.journal.normal_forms import normal_name
from smmplus.journal.schema import accounts, campaigns, entries, meta, order_ids, status_changes
from smmplus.journal.state_machine import SPENT, Event, State, after
from smmplus.orders.models import OrderRequest, OrderStatus, Phase

_MOST_VALUES = 500
"""Values in one IN list. SQLite takes 32,766, and 999 before version 3.32 (https://sqlite.org/limits.html)."""

_PAGE = 1000
"""Rows that are read at a time if all at once would take much memory."""


def find_campaign(connection: Connection, account_id: int, name: str) -> int | None:
    """Find a campaign by its name: one with the exact spelling comes first. None if there is none."""
    columns = campaigns.c
    alike = (columns.account_id == account_id) & ((columns.name == name) | (columns.normal == normal_name(name)))
    rows = connection.execute(select(columns.id, columns.name).where(alike)).all()
    return min(((row.name != name, int(row.id)) for row in rows), default=(False, None))[1]


def ensure_campaign(connection: Connection, account_id: int, name: str) -> int:
    """Return a campaign's number, and create it if it is new."""
    if (found := find_campaign(connection, account_id, name)) is not None:
        return found
    values = {"account_id": account_id, "name": name, "normal": normal_name(name)}
    return int(connection.execute(insert(campaigns).values(values).returning(campaigns.c.id)).scalar_one())


def of_batch(connection: Connection, batch_id: int) -> list[Entry]:
    """Return the entries of a batch, in the order in which they were planned."""
    return _found(connection, entries.c.batch_id == batch_id)


_NEEDS = {State.IN_DOUBT: 0, State.REJECTED: 1, State.NOT_SENT: 2, State.SENDING: 2}


def page_of_batch(connection: Connection, batch_id: int, first: int, most: int) -> list[Entry]:
    """Return some entries of a batch, those that need a person first."""
    rank = case({state.value: rank for state, rank in _NEEDS.items()}, value=entries.c.state, else_=3)
    statement = select_entries().where(entries.c.batch_id == batch_id).order_by(rank, entries.c.id)
    return [read_entry(row) for row in connection.execute(statement.offset(first).limit(most))]


def of_campaign(connection: Connection, campaign_id: int) -> list[Entry]:
    """Return a campaign's accepted orders, in the order in which they were planned."""
    return _found(connection, (entries.c.campaign_id == campaign_id) & (entries.c.state == State.PLACED.value))


def open_of_account(connection: Connection, account_id: int) -> list[Entry]:
    """Return an account's placed orders that are not finished, in the order in which they were planned."""
    columns, mine = entries.c, select(campaigns.c.id).where(campaigns.c.account_id == account_id)
    is_open = (columns.state == State.PLACED.value) & (columns.final == 0)
    return _found(connection, is_open & columns.campaign_id.in_(mine))


def of_report(
    connection: Connection,
    account_id: int | None,
    campaign_ids: Sequence[int] | None,
    since: str | None,
    until: str | None,
) -> list[Entry]:
    """Return the orders of an account or of all, of some campaigns or of all, in the order in which they were planned.

    With `since` or `until`, only those that were last sent from the one time on, and before the other.
    """
    conditions: list[ColumnElement[bool]] = []
    if campaign_ids is not None:
        conditions.append(entries.c.campaign_id.in_(campaign_ids))
    if account_id is not None:
        mine = select(campaigns.c.id).where(campaigns.c.account_id == account_id)
        conditions.append(entries.c.campaign_id.in_(mine))
    if since is not None:
        conditions.append(entries.c.sent_at >= since)
    if until is not None:
        conditions.append(entries.c.sent_at < until)
    return _found(connection, and_(true(), *conditions))


def campaigns_named(connection: Connection, account_id: int | None, name: str) -> list[int]:
    """Return the campaigns of a name, in one account or in all."""
    owners = [account_id] if account_id is not None else connection.execute(select(accounts.c.id)).scalars().all()
    found = (find_campaign(connection, owner, name) for owner in owners)
    return [campaign_id for campaign_id in found if campaign_id is not None]


def campaign_currencies(connection: Connection) -> dict[int, str]:
    """Return the currency of each campaign's costs; "" if it is not known."""
    return {row.id: row.currency for row in connection.execute(select(campaigns.c.id, campaigns.c.currency))}


def spent_contents(connection: Connection, campaign_id: int) -> Iterator[tuple[int, str]]:
    """Yield number and content of a campaign's orders that were paid for, or may have been.

    It uses the index of the campaign: 5 µs each (measured with 300,000 orders).
    """
    spent = [state.value for state in SPENT]
    where = (entries.c.campaign_id == campaign_id) & entries.c.state.in_(spent)
    query = select(entries.c.id, entries.c.content).where(where)
    for row in connection.execute(query, execution_options={"yield_per": _PAGE}):
        yield row.id, row.content


def ordered_services(connection: Connection, account_id: int) -> dict[str, set[str]]:
    """Return the services that an account ordered, or may have ordered, with the names of the campaigns."""
    where = (campaigns.c.account_id == account_id) & entries.c.state.in_([state.value for state in SPENT])
    query = select(campaigns.c.name, entries.c.content).join(campaigns, campaigns.c.id == entries.c.campaign_id)
    found: dict[str, set[str]] = {}
    for row in connection.execute(query.where(where), execution_options={"yield_per": _PAGE}):
        found.setdefault(OrderRequest.from_content(row.content).service, set()).add(row.name)
    return found


@dataclass(frozen=True, slots=True)
class Count:
    """How many orders of a campaign are in a state and have a status."""

    campaign_id: int
    state: State
    order_status: str
    is_final: bool
    orders: int


def count(connection: Connection, batch_id: int | None = None) -> list[Count]:
    """Count the orders of each campaign, or those of a batch, by state and status."""
    columns = entries.c
    kinds = (columns.campaign_id, columns.state, columns.order_status, columns.final)
    counted = select(*kinds, func.count().label("orders")).group_by(*kinds)
    if batch_id is not None:
        counted = counted.where(columns.batch_id == batch_id)
    return [
        Count(row.campaign_id, State(row.state), row.order_status, bool(row.final), row.orders)
        for row in connection.execute(counted)
    ]


def numbers_of_batch(connection: Connection, batch_id: int) -> list[int]:
    """Return the numbers of a batch's entries, in the order in which they were planned."""
    query = select(entries.c.id).where(entries.c.batch_id == batch_id).order_by(entries.c.id)
    return list(connection.execute(query).scalars())


def with_keys(connection: Connection, campaign_id: int, keys: Iterable[str]) -> dict[str, Entry]:
    """Return a campaign's entries by their keys."""
    parts = (
        _found(connection, (entries.c.campaign_id == campaign_id) & entries.c.key.in_(part)) for part in parts_of(keys)
    )
    return {entry.key: entry for part in parts for entry in part}


def numbers_of(connection: Connection, campaign_id: int, keys: Iterable[str]) -> dict[str, int]:
    """Return the numbers of a campaign's entries by their keys."""
    here = entries.c.campaign_id == campaign_id
    parts = (
        connection.execute(select(entries.c.key, entries.c.id).where(here, entries.c.key.in_(part)))
        for part in parts_of(keys)
    )
    return {row.key: row.id for part in parts for row in part}


def with_fingerprints(connection: Connection, account_id: int, fingerprints: Iterable[str]) -> list[Entry]:
    """Return an account's entries with these contents, in all campaigns."""
    # The account is compared here and not in the query: SQLite would read all entries of the account each time
    # (measured: 43 s instead of 1.5 s for a sheet of 100,000 rows).
    own = set(connection.execute(select(campaigns.c.id).where(campaigns.c.account_id == account_id)).scalars())
    parts = (_found(connection, entries.c.fingerprint.in_(part)) for part in parts_of(fingerprints))
    return [entry for part in parts for entry in part if entry.campaign_id in own]


def with_order_ids(connection: Connection, account_id: int, ids: Iterable[str]) -> dict[str, Entry]:
    """Return an account's entries by order id, also by a second order id of an entry."""
    owners = owners_of(connection, account_id, ids)
    known = with_ids(connection, owners.values())
    return {order_id: known[entry_id] for order_id, entry_id in owners.items()}


def with_order_id_at_panel(connection: Connection, account_id: int, order_id: str) -> Entry | None:
    """Find the entry with an order id at an account's panel, in all its accounts: one key may have two names."""
    url = select(accounts.c.url).where(accounts.c.id == account_id).scalar_subquery()
    found = connection.execute(
        select(order_ids.c.entry_id)
        .join(accounts, accounts.c.id == order_ids.c.account_id)
        .where(accounts.c.url == url, order_ids.c.order_id == order_id)
        .order_by(order_ids.c.account_id != account_id)
    ).scalars()
    owner = found.first()
    return None if owner is None else with_ids(connection, [owner])[owner]


def owners_of(connection: Connection, account_id: int, ids: Iterable[str]) -> dict[str, int]:
    """Return the numbers of an account's entries by order id."""
    owners: dict[str, int] = {}
    for part in parts_of(ids):
        columns = order_ids.c
        where = (columns.account_id == account_id) & columns.order_id.in_(part)
        found = connection.execute(select(columns.order_id, columns.entry_id).where(where))
        owners.update({row.order_id: row.entry_id for row in found})
    return owners


def with_ids(connection: Connection, ids: Iterable[int]) -> dict[int, Entry]:
    """Return entries by their numbers."""
    parts = (_found(connection, entries.c.id.in_(part)) for part in parts_of(ids))
    return {entry.id: entry for part in parts for entry in part}


def has_sent(connection: Connection, account_id: int) -> bool:
    """Return whether any order of an account was ever sent with this journal."""
    sent = select(entries.c.id).join(campaigns, campaigns.c.id == entries.c.campaign_id)
    where = (campaigns.c.account_id == account_id) & (entries.c.attempt > 0)
    return connection.execute(sent.where(where).limit(1)).first() is not None


def unsettled(connection: Connection, account_id: int | None, state: State) -> list[Entry]:
    """Return the entries in a state, sending or in doubt, of one account or of all."""
    # The condition of the partial index is repeated literally: SQLite only uses the index if it finds it in the query.
    states = [State.SENDING.value, State.IN_DOUBT.value]
    open_ones = entries.c.state.in_(bindparam("open_ones", states, expanding=True, literal_execute=True))
    where = open_ones & (entries.c.state == state.value)
    if account_id is not None:
        where &= accounts.c.id == account_id
    return _found(connection, where)


def plan(connection: Connection, campaign_id: int, batch_id: int, planned: Sequence[Planned]) -> None:
    """Create entries that are to be placed."""
    rows = (
        {
            "campaign_id": campaign_id,
            "batch_id": batch_id,
            "key": item.key,
            "fingerprint": item.request.fingerprint,
            "content": item.request.content,
            "cost": text_or_none(item.cost),
            "state": State.NOT_SENT.value,
        }
        for item in planned
    )
    # 100,000 rows at once would take 200 MB on their way into the database.
    while part := list(islice(rows, _MOST_VALUES)):
        connection.execute(insert(entries), part)


def plan_again(connection: Connection, batch_id: int, planned: Mapping[int, Planned]) -> None:
    """Put entries that are planned or were refused into this batch, at the present price."""
    known = _states(connection, planned)
    rows = []
    for entry_id, item in planned.items():
        state = known[entry_id]
        if state is State.REJECTED:
            state = after(state, Event.NEW_RUN)
        if state is State.NOT_SENT:  # otherwise another process is placing it
            rows.append({"of": entry_id, "new_state": state.value, "new_cost": text_or_none(item.cost)})
    statement = update(entries).where(entries.c.id == bindparam("of"))
    if rows:
        values = {"state": bindparam("new_state"), "cost": bindparam("new_cost"), "batch_id": batch_id}
        connection.execute(statement.values(**values), rows)


def _states(connection: Connection, ids: Iterable[int]) -> dict[int, State]:
    query = select(entries.c.id, entries.c.state)
    parts = (connection.execute(query.where(entries.c.id.in_(part))) for part in parts_of(ids))
    return {row.id: State(row.state) for part in parts for row in part}


def record_statuses(
    connection: Connection, statuses: Mapping[int, OrderStatus], now: str, order_ids: Mapping[int, str] | None = None
) -> None:
    """Record the statuses of accepted orders. `order_ids` names the order that each status is of.

    An entry that is not that order is left alone: a resolution may have been taken back while the panel was asked.
    """
    # 100,000 statuses at once would take 100 MB on their way into the database.
    items = iter(statuses.items())
    while part := dict(islice(items, _MOST_VALUES)):
        _record_some(connection, part, now, order_ids)


def _record_some(
    connection: Connection, statuses: Mapping[int, OrderStatus], now: str, order_ids: Mapping[int, str] | None
) -> None:
    columns = entries.c
    query = select(columns.id, columns.order_id, *(columns[name] for name in _SAID))
    known = {row.id: row for row in connection.execute(query.where(columns.id.in_(statuses)))}
    if order_ids is not None:
        statuses = {
            entry_id: status
            for entry_id, status in statuses.items()
            if entry_id in known and known[entry_id].order_id == order_ids[entry_id]
        }
    _keep_changes(connection, statuses, {entry_id: tuple(row[2:]) for entry_id, row in known.items()}, now)
    rows = [
        {
            "of": entry_id,
            "new_status": status.status,
            "new_final": int(status.phase is Phase.FINAL),
            "new_charge": text_or_none(status.charge),
            "new_start": None if status.start_count is None else str(status.start_count),
            "new_remains": None if status.remains is None else str(status.remains),
            "new_currency": status.currency,
            "new_error": f"{_UNREAD}{status.unread}" if status.unread else "",
        }
        for entry_id, status in statuses.items()
    ]
    if rows:
        connection.execute(_STATUS.values(polled_at=now), rows)


def with_declared(connection: Connection, statuses: Mapping[int, OrderStatus]) -> dict[int, OrderStatus]:
    """Return statuses of one account's orders, marked where a person said that such a status is final."""
    a_number = next(iter(statuses), None)
    account = select(campaigns.c.account_id).join(entries, entries.c.campaign_id == campaigns.c.id)
    account_id = connection.execute(account.where(entries.c.id == a_number)).scalar_one_or_none()
    words = frozenset() if account_id is None else final_words(connection, account_id)
    return {
        entry_id: replace(status, is_declared_final=True) if words and normal_name(status.status) in words else status
        for entry_id, status in statuses.items()
    }


def final_words(connection: Connection, account_id: int) -> frozenset[str]:
    """Return the statuses that a person said are final for an account, in their normal form."""
    query = select(meta.c.value).where(meta.c.name == metadata.final_words(account_id))
    return frozenset(json.loads(connection.execute(query).scalar_one_or_none() or "[]"))


def declare_final(connection: Connection, account_id: int, words: Iterable[str]) -> None:
    """Record statuses that are final for an account. Orders with them are found finished when they are next asked."""
    known = final_words(connection, account_id) | {normal_name(word) for word in words}
    metadata.put(connection, metadata.final_words(account_id), json.dumps(sorted(known)))


def declare_open(connection: Connection, account_id: int, word: str) -> bool:
    """Take back that a status is final, and open its orders again; return whether it was declared."""
    known = final_words(connection, account_id)
    if normal_name(word) not in known:
        return False
    metadata.put(connection, metadata.final_words(account_id), json.dumps(sorted(known - {normal_name(word)})))
    mine = select(campaigns.c.id).where(campaigns.c.account_id == account_id)
    where = entries.c.campaign_id.in_(mine) & (entries.c.final == 1)
    found = connection.execute(select(entries.c.id, entries.c.order_status).where(where))
    again = [row.id for row in found if normal_name(row.order_status) == normal_name(word)]
    for part in parts_of(again):
        connection.execute(update(entries).where(entries.c.id.in_(part)).values(final=0))
    return True


def last_changes(connection: Connection, entry_ids: Iterable[int], until: str = "9") -> dict[int, str]:
    """Return when the panel last said something new of orders, of those that have not changed after `until`."""
    columns, found = status_changes.c, dict[int, str]()
    for part in parts_of(entry_ids):
        latest = select(columns.entry_id, func.max(columns.at).label("at")).where(columns.entry_id.in_(part))
        unchanged = latest.group_by(columns.entry_id).having(func.max(columns.at) <= until)
        found |= {row.entry_id: row.at for row in connection.execute(unchanged)}
    return found


def _keep_changes(
    connection: Connection, statuses: Mapping[int, OrderStatus], known: Mapping[int, tuple[object, ...]], now: str
) -> None:
    """Keep what the panel says of orders where it is not what it said last, which is `known`."""
    now_said = {entry_id: _said(status) for entry_id, status in statuses.items()}
    rows = [
        {"entry_id": entry_id, "at": now, **dict(zip(_SAID, said, strict=True))}
        for entry_id, said in now_said.items()
        if known.get(entry_id, said) != said
    ]
    if rows:
        connection.execute(insert(status_changes), rows)


_SAID = ("order_status", "charge", "start_count", "remains")


def _said(status: OrderStatus) -> tuple[str | None, ...]:
    counts = (None if count is None else str(count) for count in (status.start_count, status.remains))
    return (status.status, text_or_none(status.charge), *counts)


def status_changes_of(connection: Connection, entry_ids: Iterable[int]) -> dict[int, list[StatusChange]]:
    """Return what the panel said of orders, each time that it said something else, the first one first."""
    found: dict[int, list[StatusChange]] = {}
    columns = status_changes.c
    for part in parts_of(entry_ids):
        rows = connection.execute(select(status_changes).where(columns.entry_id.in_(part)).order_by(columns.id))
        for row in rows:
            change = StatusChange(row.at, row.order_status, decimal_or_none(row.charge), row.start_count, row.remains)
            found.setdefault(row.entry_id, []).append(change)
    return found


_UNREAD = "cannot be read: "

_STATUS = (
    update(entries)
    .where(entries.c.id == bindparam("of"))
    .values(
        order_status=bindparam("new_status"),
        final=bindparam("new_final"),
        charge=bindparam("new_charge"),
        start_count=bindparam("new_start"),
        remains=bindparam("new_remains"),
        currency=bindparam("new_currency"),
        # An alarm of an accepted order is kept. A message that a number cannot be read is replaced by the next status.
        error=case(
            (or_(entries.c.error == "", entries.c.error.startswith(_UNREAD)), bindparam("new_error", type_=String)),
            else_=entries.c.error,
        ),
    )
)


def _found(connection: Connection, where: ColumnElement[bool]) -> list[Entry]:
    return [read_entry(row) for row in connection.execute(select_entries().where(where).order_by(entries.c.id))]


def parts_of(values: Iterable[object]) -> Iterator[list[object]]:
    """Yield values, each once, as many at a time as one IN list takes."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), _MOST_VALUES):
        yield unique[start : start + _MOST_VALUES]
