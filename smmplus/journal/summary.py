"""What a journal holds, at a glance."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from smmplus.journal import marks, postgres, recovery
from smmplus.journal.schema import accounts, campaigns, entries
from smmplus.journal.states import State
from smmplus.journal.store import Journal


@dataclass(frozen=True, slots=True)
class Count:
    """How many orders of one account stand in one state."""

    url: str
    account: str
    state: State
    orders: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a journal holds."""

    where: str
    uuid: str
    version: str
    size: int
    """Bytes on disk, with what is not yet in the file itself."""
    counts: tuple[Count, ...]
    restored: str
    """When the backup was made that the journal comes from, or up to when one that lost commits knows all; else ""."""
    lost: str
    """How it was noticed that the journal lost commits; "" for one that did not."""
    rescues: tuple[Path, ...]
    """Files with order ids that the database could not take."""

    def orders(self, state: State) -> int:
        """Count the orders of all accounts in a state."""
        return sum(count.orders for count in self.counts if count.state is state)


def summary_of(journal: Journal) -> Summary:
    """Look at a journal."""
    with journal.reading() as connection:
        said = marks.read(connection)
        return Summary(
            journal.where,
            said[marks.UUID_NAME],
            said["version"],
            _size_of(journal.path, connection),
            _counts(connection),
            said.get(marks.RESTORED, ""),
            said.get(marks.LOST, ""),
            tuple(recovery.found(journal)),
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
