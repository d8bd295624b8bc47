"""Check a journal against its rules: what must be true of every order, and of all orders together.

Each order is checked by functions of its row alone. Sums and pairs are read once, row by row, so that a large journal
does not need much memory.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, inspect, or_, select, text
from sqlalchemy.exc import SQLAlchemyError

from smmplus.journal import metadata, recovery, schema
from smmplus.journal.backends import postgres
from smmplus.journal.backends.open import is_busy
from smmplus.journal.entry import nth_of
from smmplus.journal.journal import Journal
from smmplus.journal.schema import accounts, balances, campaigns, entries, order_ids
from smmplus.journal.state_machine import SPENT, State
from smmplus.orders.decimals import EXACT
from smmplus.orders.models import OrderRequest
from smmplus.texts import _, marked

_PAGE = 1000
_MOST_OF_SQLITE = 20
"""The most lines of SQLite's own check. A damaged file may have thousands."""

_MADE_BY_US = re.compile(r"[0-9a-f]{16}-[0-9]+")
"""Keys that `key_of` makes. Others were chosen by a caller."""
_ALWAYS = ("key", "fingerprint", "content", "state", "error", "meaning", "order_status", "currency")
_AMOUNTS = ("cost", "charge")
_TIMES = ("sent_at", "settled_at", "polled_at")
_NEEDS: dict[State, tuple[str, ...]] = {
    State.NOT_SENT: (),
    State.SENDING: ("run_id", "sent_at"),
    State.PLACED: ("order_id",),
    State.REJECTED: ("sent_at", "settled_at"),
    State.IN_DOUBT: ("sent_at", "settled_at"),
}
_MAY_HAVE_AN_ORDER = frozenset({State.SENDING, State.PLACED, State.IN_DOUBT})
_MAY_BE_UNSENT = frozenset({State.NOT_SENT, State.IN_DOUBT})
"""A restored journal has orders in doubt that it never sent: they were planned in the backup."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An error in a journal."""

    where: str
    what: str


def audit(connection: Connection) -> Iterator[Violation]:
    """Yield all errors in a journal, in one reading transaction."""
    try:
        for look in (_storage, _tables, _said):
            broken = list(look(connection))
            yield from broken
            if broken:  # further checks of damaged tables are useless
                return
        for look in (_entries, _pairs, _other_amounts):
            yield from look(connection)
    except (SQLAlchemyError, ValueError) as error:
        reason = getattr(error, "orig", None) or error
        if is_busy(reason):  # it could not be checked
            raise
        yield Violation(_("the database"), _("cannot be read to its end: {reason}", reason=reason))


def entry_flaws(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors in the row of one order."""
    if wrong := [name for name in _ALWAYS if not isinstance(values[name], str)]:
        yield _("{fields}: no text", fields=", ".join(wrong))
        return
    yield from _content_flaws(values["content"], values["fingerprint"], values["key"])
    yield from (_no_amount(name, values[name]) for name in _AMOUNTS if not _is_amount(values[name]))
    for name in _TIMES:
        if not _is_time(values[name]):
            yield _("{field} is {value!r}, which is not a time", field=name, value=values[name])
    if values["state"] not in set(State):
        yield _("state is {value!r}, which is not a state", value=values["state"])
    else:
        yield from _state_flaws(State(values["state"]), values)


def _no_amount(name: str, value: object) -> str:
    return _("{field} is {value!r}, which is not an amount", field=name, value=value)


def _content_flaws(content: str, fingerprint: str, key: str) -> Iterator[str]:
    try:
        request = OrderRequest.from_content(content)
        if request.content != content:
            yield _("its content is not in its normal form")
        if request.fingerprint != fingerprint:
            yield _("its content does not match its fingerprint")
    except (ValueError, TypeError, AttributeError):
        yield _("its content cannot be read")
    if not key or (_MADE_BY_US.fullmatch(key) and not (key.startswith(f"{fingerprint[:16]}-") and nth_of(key))):
        yield _("its key {key!r} does not match its fingerprint", key=key)


def _state_flaws(state: State, values: Mapping[str, Any]) -> Iterator[str]:
    for name in _NEEDS[state]:
        if values[name] is None:
            yield _("it is {state}, and has no {field}", state=state.value, field=name)
    if values["order_id"] is not None and state not in _MAY_HAVE_AN_ORDER:
        yield _("it is {state}, and has order id {order_id}", state=state.value, order_id=values["order_id"])
    attempt = values["attempt"]
    if not isinstance(attempt, int) or attempt < 0 or (attempt == 0 and state not in _MAY_BE_UNSENT):
        yield _("it is {state}, and its attempt is {attempt!r}", state=state.value, attempt=attempt)


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
    """Add what an order may cost. Rows whose errors are reported elsewhere are not counted."""
    if values["state"] in SPENT and values["cost"] is not None and _is_amount(values["cost"]):
        spent[values["campaign_id"]] = EXACT.add(spent[values["campaign_id"]], Decimal(values["cost"]))


def _storage(connection: Connection) -> Iterator[Violation]:
    if connection.dialect.name != "sqlite":  # a server checks its own files
        return
    for (line,) in islice(connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_OF_SQLITE})"), _MOST_OF_SQLITE):
        if line != "ok":
            yield Violation(_("the file"), " ".join(line.removeprefix("*** in database main ***").split()))
    for row in islice(connection.exec_driver_sql("PRAGMA foreign_key_check"), _MOST_OF_SQLITE):
        what = _(
            "row {row} of {table} refers to a row of {other} that does not exist",
            row=row[1],
            table=row[0],
            other=row[2],
        )
        yield Violation(_("the file"), what)


def _tables(connection: Connection) -> Iterator[Violation]:
    place = postgres.SCHEMA if connection.dialect.name == "postgresql" else None
    found = inspect(connection)
    present = set(found.get_table_names(schema=place))
    if schema.meta.name not in present:
        what = _("is another program's, and no journal") if present else _("has no tables")
        yield Violation(_("the database"), what)
        return
    if (version := metadata.read(connection).get("version")) != str(schema.VERSION):
        text = marked(
            "its version is {version}, and this program checks version {current}: `smmplus doubts` brings an older one "
            "up to date"
        )
        yield Violation("meta", _(text, version=version, current=schema.VERSION))
        return
    for table in schema.metadata.sorted_tables:
        if table.name not in present:
            yield Violation(table.name, _("the table is not there"))
            continue
        columns = {column["name"] for column in found.get_columns(table.name, schema=place)}
        indexes = {index["name"] for index in found.get_indexes(table.name, schema=place)}
        for name in sorted(set(table.c.keys()) - columns):
            yield Violation(table.name, _("has no column {column}", column=name))
        named = {str(index.name) for index in table.indexes}
        for name in sorted(named - indexes):
            yield Violation(table.name, _("has no index {index}", index=name))


def _said(connection: Connection) -> Iterator[Violation]:
    if flaw := metadata.flaw(metadata.read(connection)):
        yield Violation("meta", flaw)


def _entries(connection: Connection) -> Iterator[Violation]:
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for row in _paged(connection, select(entries, campaigns.c.name.label("campaign")).join(campaigns)):
        values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
        _spend(spent, values)
        yield from (Violation(_name(row), flaw) for flaw in entry_flaws(values))
    for campaign in connection.execute(select(campaigns)):
        where = _("campaign {campaign!r}", campaign=campaign.name)
        if not _is_amount(campaign.budget):
            yield Violation(where, _("its budget is {budget!r}, which is not an amount", budget=campaign.budget))
        if not _is_amount(campaign.spent) or Decimal(campaign.spent) != spent[campaign.id]:
            yield Violation(
                where,
                _(
                    "it says that {spent} is spent, and its orders come to {total}",
                    spent=campaign.spent,
                    total=spent[campaign.id],
                ),
            )


def _pairs(connection: Connection) -> Iterator[Violation]:
    """Compare the order ids of entries with the table of all order ids."""
    for row in _paged(connection, _UNLISTED):
        text = marked("its order id {order_id} is order number {owner}'s in the list of ids")
        text = marked("its order id {order_id} is in no list of ids") if row.owner is None else text
        yield Violation(_name(row), _(text, order_id=row.order_id, owner=row.owner))
    for row in _paged(connection, _UNOWNED):
        yield Violation(
            _name(row),
            _("the list says that it is order {order_id}, and its record does not", order_id=row.listed),
        )


def _other_amounts(connection: Connection) -> Iterator[Violation]:
    for row in _paged(connection, select(balances)):
        wrong = [name for name in ("amount", "accepted", "spent") if not _is_amount(getattr(row, name))]
        for name in wrong:
            where = _("balance number {number}", number=row.id)
            yield Violation(where, _no_amount(name, getattr(row, name)))


def _name(row: Row[Any]) -> str:
    return _("order {order} (number {number})", order=f"{row.campaign}/{row.key}", number=row.id)


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


@dataclass(frozen=True, slots=True)
class Count:
    """The number of orders of one account in one state."""

    url: str
    account: str
    state: State
    orders: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The contents of a journal, in numbers."""

    where: str
    uuid: str
    version: str
    size: int
    """Bytes on disk, with the write-ahead log."""
    counts: tuple[Count, ...]
    restored: str
    """When its backup was made, or up to when a journal that lost commits is complete; "" for any other."""
    lost: str
    """The sign that the journal lost commits; "" if it did not."""
    rescues: tuple[Path, ...]
    """Rescue files: order ids that the database could not take."""

    def orders(self, state: State) -> int:
        """Return the number of orders of all accounts in a state."""
        return sum(count.orders for count in self.counts if count.state is state)


def summary_of(journal: Journal) -> Summary:
    """Return the summary of a journal."""
    with journal.reading() as connection:
        said = metadata.read(connection)
        return Summary(
            journal.where,
            said[metadata.UUID_NAME],
            said["version"],
            _size_of(journal.path, connection),
            _counts(connection),
            said.get(metadata.RESTORED, ""),
            said.get(metadata.LOST, ""),
            tuple(recovery.rescue_files(journal)),
        )


def _counts(connection: Connection) -> tuple[Count, ...]:
    which = (accounts.c.url, accounts.c.name, entries.c.state)
    statement = (
        select(*which, func.count())
        .select_from(entries.join(campaigns, campaigns.c.id == entries.c.campaign_id).join(accounts))
        .group_by(*which)
        .order_by(*which)
    )
    return tuple(Count(url, name, State(state), orders) for url, name, state, orders in connection.execute(statement))


def _size_of(path: Path | None, connection: Connection) -> int:
    if path is None:
        return int(connection.execute(_SIZE, {"name": postgres.SCHEMA}).scalar_one())
    log = path.with_name(path.name + "-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


_SIZE = text("""
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = to_regnamespace(:name)
""")
