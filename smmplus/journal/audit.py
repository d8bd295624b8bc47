"""Holding a journal against its own rules: what must be true of every order, and of all of them together.

What is true of one order is decided by pure functions on its row; sums and pairs are gone through once, row by row, so
that a large journal needs no memory.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, inspect, or_, select
from sqlalchemy.exc import SQLAlchemyError

from smmplus.journal import marks, postgres, schema
from smmplus.journal.database import is_busy
from smmplus.journal.entry import nth_of
from smmplus.journal.schema import accounts, balances, campaigns, entries, order_ids
from smmplus.journal.states import SPENT, State
from smmplus.models import OrderRequest
from smmplus.numbers import EXACT

_PAGE = 1000
_MOST_OF_SQLITE = 20
"""Lines of SQLite's own check; a file that is torn has thousands."""

_MADE_BY_US = re.compile(r"[0-9a-f]{16}-[0-9]+")
"""Keys of `key_of`; others are an author's."""
_ALWAYS = ("key", "fingerprint", "content", "state", "error", "meaning", "order_status", "currency")
_AMOUNTS = ("cost", "charge")
_TIMES = ("sent_at", "settled_at", "polled_at")
_NEEDS: dict[State, tuple[str, ...]] = {
    State.PLANNED: (),
    State.SUBMITTING: ("run_id", "sent_at"),
    State.ACCEPTED: ("order_id",),
    State.REJECTED: ("sent_at", "settled_at"),
    State.IN_DOUBT: ("sent_at", "settled_at"),
}
_MAY_HAVE_AN_ORDER = frozenset({State.SUBMITTING, State.ACCEPTED, State.IN_DOUBT})
_MAY_BE_UNSENT = frozenset({State.PLANNED, State.IN_DOUBT})
"""In doubt without a sending is what a journal restored from a backup had planned."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be."""

    where: str
    what: str


def audit(connection: Connection) -> Iterator[Finding]:
    """Give all that is wrong with a journal, in one reading transaction; nothing for a journal that is sound."""
    try:
        for look in (_storage, _tables, _said):
            broken = list(look(connection))
            yield from broken
            if broken:  # what stands in torn tables says nothing more
                return
        for look in (_entries, _pairs, _other_amounts):
            yield from look(connection)
    except (SQLAlchemyError, ValueError) as error:
        reason = getattr(error, "orig", None) or error
        if is_busy(reason):  # nobody knows then whether it is sound
            raise
        yield Finding("the database", f"cannot be read to its end: {reason}")


def entry_flaws(values: Mapping[str, Any]) -> Iterator[str]:
    """PURE: tell what is wrong with one order's row, by itself."""
    if wrong := [name for name in _ALWAYS if not isinstance(values[name], str)]:
        yield f"{', '.join(wrong)}: no text"
        return
    yield from _content_flaws(values["content"], values["fingerprint"], values["key"])
    yield from (f"{name} is {values[name]!r}, no amount" for name in _AMOUNTS if not _is_amount(values[name]))
    yield from (f"{name} is {values[name]!r}, no time" for name in _TIMES if not _is_time(values[name]))
    if values["state"] not in set(State):
        yield f"state is {values['state']!r}, which there is not"
    else:
        yield from _state_flaws(State(values["state"]), values)


def _content_flaws(content: str, fingerprint: str, key: str) -> Iterator[str]:
    try:
        request = OrderRequest.from_content(content)
        if request.content != content:
            yield "its content is not in its normal form"
        if request.fingerprint != fingerprint:
            yield "its content does not fit its fingerprint"
    except (ValueError, TypeError, AttributeError):
        yield "its content cannot be read"
    if not key or (_MADE_BY_US.fullmatch(key) and not (key.startswith(f"{fingerprint[:16]}-") and nth_of(key))):
        yield f"its key {key!r} does not fit its fingerprint"


def _state_flaws(state: State, values: Mapping[str, Any]) -> Iterator[str]:
    for name in _NEEDS[state]:
        if values[name] is None:
            yield f"it is {state.value}, and has no {name}"
    if values["order_id"] is not None and state not in _MAY_HAVE_AN_ORDER:
        yield f"it is {state.value}, and has order id {values['order_id']}"
    attempt = values["attempt"]
    if not isinstance(attempt, int) or attempt < 0 or (attempt == 0 and state not in _MAY_BE_UNSENT):
        yield f"it is {state.value}, and its attempt is {attempt!r}"


def _is_amount(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _spend(spent: dict[int, Decimal], values: Mapping[str, Any]) -> None:
    """Add what an order may cost, exactly; rows whose flaws are told elsewhere count nothing."""
    if values["state"] in SPENT and values["cost"] is not None and _is_amount(values["cost"]):
        spent[values["campaign_id"]] = EXACT.add(spent[values["campaign_id"]], Decimal(values["cost"]))


def _storage(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":  # a server looks after its own files
        return
    for (line,) in islice(connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_OF_SQLITE})"), _MOST_OF_SQLITE):
        if line != "ok":
            yield Finding("the file", " ".join(line.removeprefix("*** in database main ***").split()))
    for row in islice(connection.exec_driver_sql("PRAGMA foreign_key_check"), _MOST_OF_SQLITE):
        yield Finding("the file", f"row {row[1]} of {row[0]} speaks of a row of {row[2]} that is not there")


def _tables(connection: Connection) -> Iterator[Finding]:
    place = postgres.SCHEMA if connection.dialect.name == "postgresql" else None
    found = inspect(connection)
    present = set(found.get_table_names(schema=place))
    if schema.meta.name not in present:
        yield Finding("the database", "is another program's, and no journal" if present else "has no tables")
        return
    if (version := marks.read(connection).get("version")) != str(schema.VERSION):
        words = "`smmplus doubts` brings an older one up to date"
        yield Finding("meta", f"its version is {version}, and this program checks version {schema.VERSION}: {words}")
        return
    for table in schema.metadata.sorted_tables:
        if table.name not in present:
            yield Finding(table.name, "the table is not there")
            continue
        columns = {column["name"] for column in found.get_columns(table.name, schema=place)}
        indexes = {index["name"] for index in found.get_indexes(table.name, schema=place)}
        yield from (Finding(table.name, f"has no column {name}") for name in sorted(set(table.c.keys()) - columns))
        named = {str(index.name) for index in table.indexes}
        yield from (Finding(table.name, f"has no index {name}") for name in sorted(named - indexes))


def _said(connection: Connection) -> Iterator[Finding]:
    if flaw := marks.flaw(marks.read(connection)):
        yield Finding("meta", flaw)


def _entries(connection: Connection) -> Iterator[Finding]:
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for row in _paged(connection, select(entries, campaigns.c.name.label("campaign")).join(campaigns)):
        values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
        _spend(spent, values)
        yield from (Finding(_name(row), flaw) for flaw in entry_flaws(values))
    for campaign in connection.execute(select(campaigns)):
        where = f"campaign {campaign.name!r}"
        if not _is_amount(campaign.budget):
            yield Finding(where, f"its budget is {campaign.budget!r}, no amount")
        if not _is_amount(campaign.spent) or Decimal(campaign.spent) != spent[campaign.id]:
            yield Finding(where, f"it says that {campaign.spent} is spent, and its orders come to {spent[campaign.id]}")


def _pairs(connection: Connection) -> Iterator[Finding]:
    """Hold the order ids of the orders against the table of all ids that the panel ever gave."""
    for row in _paged(connection, _UNLISTED):
        whose = "in no list" if row.owner is None else f"order number {row.owner}'s in the list"
        yield Finding(_name(row), f"its order id {row.order_id} is {whose} of ids")
    for row in _paged(connection, _UNOWNED):
        yield Finding(_name(row), f"the list says that it is order {row.listed}, and its record does not")


def _other_amounts(connection: Connection) -> Iterator[Finding]:
    for row in _paged(connection, select(balances)):
        wrong = [name for name in ("amount", "accepted", "spent") if not _is_amount(getattr(row, name))]
        yield from (
            Finding(f"balance number {row.id}", f"{name} is {getattr(row, name)!r}, no amount") for name in wrong
        )


def _name(row: Row[Any]) -> str:
    return f"order {row.campaign}/{row.key} (number {row.id})"


def _paged(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    yield from connection.execute(statement, execution_options={"yield_per": _PAGE})


_NAMED = (entries.c.id, entries.c.key, campaigns.c.name.label("campaign"))
_LISTED = and_(order_ids.c.account_id == campaigns.c.account_id, order_ids.c.order_id == entries.c.order_id)
_UNLISTED = (
    select(*_NAMED, entries.c.order_id, order_ids.c.entry_id.label("owner"))
    .select_from(entries.join(campaigns, campaigns.c.id == entries.c.campaign_id).outerjoin(order_ids, _LISTED))
    .where(entries.c.order_id.is_not(None))
    .where(or_(order_ids.c.entry_id.is_(None), order_ids.c.entry_id != entries.c.id))
)
_UNOWNED = (
    select(*_NAMED, order_ids.c.order_id.label("listed"))
    .select_from(order_ids)
    .join(accounts, accounts.c.id == order_ids.c.account_id)
    .join(entries, entries.c.id == order_ids.c.entry_id)
    .join(campaigns, campaigns.c.id == entries.c.campaign_id)
    .where(
        or_(
            entries.c.order_id.is_(None),
            campaigns.c.account_id != order_ids.c.account_id,
            order_ids.c.attempt > entries.c.attempt,
        )
    )
)
