"""Bringing an older journal up to date, in the transaction that opens it.

Each step is written out as the schema was then: a step that looked at `schema` would change with it.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from smmplus.errors import JournalError
from smmplus.journal import schema
from smmplus.journal.names import normal_name, normal_url


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


def _to_four(connection: Connection) -> None:
    _names(connection)
    _currencies(connection)
    _checks(connection)


def _names(connection: Connection) -> None:
    """Bring names and addresses into their normal forms.

    Two that come to one keep apart, for each has orders under keys of its own: the later one's form is one that no name
    has, and it is found as long as it is spelled just so.
    """
    for table in ("accounts", "campaigns"):
        kind = _BYTES.compile(connection.dialect)
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN normal {kind} NOT NULL DEFAULT ''"))
    _normal_accounts(connection)
    _normal_campaigns(connection)
    connection.execute(text("CREATE UNIQUE INDEX ix_accounts_normal ON accounts (url, normal)"))
    connection.execute(text("CREATE UNIQUE INDEX ix_campaigns_normal ON campaigns (account_id, normal)"))
    then = MetaData()
    Table("accounts", then, Column("id", Integer, primary_key=True))
    keys = Table(
        "account_keys",
        then,
        Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
        Column("hash", _BYTES, primary_key=True),
        Index("ix_account_keys_hash", "hash"),
    )
    said = Table(
        "said_of_accounts",
        then,
        Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
        Column("same_as", Integer, ForeignKey("accounts.id"), nullable=False),
    )
    for made in (keys, said):
        made.create(connection)
    connection.execute(insert(schema.meta), {"name": "salt", "value": secrets.token_hex(32)})


def _normal_accounts(connection: Connection) -> None:
    rows = connection.execute(text("SELECT id, url, name FROM accounts")).all()
    taken: set[tuple[str, str]] = set()
    # Those that are in the normal form already first: no other may take their place.
    for row in sorted(rows, key=lambda row: (normal_url(row.url) != row.url, row.id)):
        url, normal = normal_url(row.url), normal_name(row.name)
        if (url, normal) in taken:
            url = row.url
        if (url, normal) in taken:
            normal = f"\n{row.id}"
        taken.add((url, normal))
        values = {"id": row.id, "url": url, "normal": normal}
        connection.execute(text("UPDATE accounts SET url = :url, normal = :normal WHERE id = :id"), values)


def _normal_campaigns(connection: Connection) -> None:
    taken: set[tuple[int, str]] = set()
    for row in connection.execute(text("SELECT id, account_id, name FROM campaigns ORDER BY id")).all():
        normal = normal_name(row.name)
        if (row.account_id, normal) in taken:
            normal = f"\n{row.id}"
        taken.add((row.account_id, normal))
        connection.execute(
            text("UPDATE campaigns SET normal = :normal WHERE id = :id"), {"id": row.id, "normal": normal}
        )


def _currencies(connection: Connection) -> None:
    """Let campaigns have a currency: the one of their orders' charges, or of all balances of their account.

    Where these are none or several, it stays unknown until the next run.
    """
    connection.execute(text("ALTER TABLE campaigns ADD COLUMN currency TEXT NOT NULL DEFAULT ''"))
    charged = text("SELECT DISTINCT campaign_id AS id, currency FROM entries WHERE charge IS NOT NULL")
    of_campaigns = _only_ones(connection.execute(charged).all())
    of_accounts = _only_ones(connection.execute(text("SELECT DISTINCT account_id AS id, currency FROM balances")).all())
    used = text("SELECT id, account_id FROM campaigns WHERE spent <> '0' OR budget IS NOT NULL")
    for row in connection.execute(used).all():
        currency = of_campaigns.get(row.id) or of_accounts.get(row.account_id, "")
        connection.execute(
            text("UPDATE campaigns SET currency = :currency WHERE id = :id"), {"id": row.id, "currency": currency}
        )


def _only_ones(rows: Iterable[Row[Any]]) -> dict[int, str]:
    """Give the currency of each that has but one."""
    found: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        found[row.id] |= {row.currency} - {""}
    return {number: next(iter(several)) for number, several in found.items() if len(several) == 1}


def _checks(connection: Connection) -> None:
    then = MetaData()
    Table("campaigns", then, Column("id", Integer, primary_key=True))
    table = Table(
        "checks",
        then,
        Column("id", Integer, primary_key=True),
        Column("campaign_id", Integer, ForeignKey("campaigns.id"), nullable=False),
        Column("fingerprint", _BYTES, nullable=False),
        Column("at", _BYTES, nullable=False),
        Column("content", LargeBinary, nullable=False),
        UniqueConstraint("campaign_id", "fingerprint"),
    )
    table.create(connection)


_STEPS: dict[int, Callable[[Connection], None]] = {1: _budgets_and_balances, 2: _follow_ups, 3: _to_four}
"""Version -> what makes the next one of it."""
