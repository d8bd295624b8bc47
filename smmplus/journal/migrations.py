"""Bringing an older journal up to date, in the transaction that opens it.

Each step is written out as the schema was then: a step that looked at `schema` would change with it.
"""

from collections.abc import Callable

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from smmplus.errors import JournalError
from smmplus.journal import schema


def bring_up_to_date(connection: Connection) -> None:
    """Take every step from the version that is found to this program's; a newer journal is refused."""
    found = connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == "version")).scalar_one_or_none()
    version = int(found) if found and found.isascii() and found.isdigit() else 0
    if not 1 <= version <= schema.VERSION:
        raise JournalError(f"the journal has version {found}, and this program reads {schema.VERSION}: update it")
    for step in range(version, schema.VERSION):
        _STEPS[step](connection)
    if version < schema.VERSION:
        values = {"value": str(schema.VERSION)}
        connection.execute(update(schema.meta).where(schema.meta.c.name == "version").values(values))


def _budgets_and_balances(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE campaigns ADD COLUMN budget TEXT"))
    then = MetaData()
    Table("accounts", then, Column("id", Integer, primary_key=True))
    balances = Table(
        "balances",
        then,
        Column("id", Integer, primary_key=True),
        Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
        Column("asked_at", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("amount", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("accepted", Text, nullable=False),
        Column("spent", Text, nullable=False),
        Index("ix_balances_account", "account_id", "at"),
    )
    balances.create(connection)


_BYTES = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that is compared byte by byte, whatever language a PostgreSQL server sorts in."""


def _follow_ups(connection: Connection) -> None:
    then = MetaData()
    Table("accounts", then, Column("id", Integer, primary_key=True))
    Table("runs", then, Column("id", _BYTES, primary_key=True))
    submitting = text("state = 'submitting'")
    table = Table(
        "follow_ups",
        then,
        Column("id", Integer, primary_key=True),
        Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
        Column("kind", _BYTES, nullable=False),
        Column("key", _BYTES, nullable=False),
        Column("order_id", _BYTES, nullable=False),
        Column("state", _BYTES, nullable=False),
        Column("attempt", Integer, nullable=False, server_default="0"),
        Column("run_id", _BYTES, ForeignKey("runs.id")),
        Column("sent_at", _BYTES),
        Column("settled_at", _BYTES),
        Column("answer", Text, nullable=False, server_default=""),
        Column("error", Text, nullable=False, server_default=""),
        UniqueConstraint("account_id", "kind", "key", "order_id"),
        Index("ix_follow_ups_submitting", "state", sqlite_where=submitting, postgresql_where=submitting),
    )
    table.create(connection)


_STEPS: dict[int, Callable[[Connection], None]] = {1: _budgets_and_balances, 2: _follow_ups}
"""Version -> what makes the next one of it."""
