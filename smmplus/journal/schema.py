"""The tables of a journal, and the migration of a journal with older ones.

Amounts and times are text, which is exact in every database. Times are UTC in ISO 8601.
"""

import re
from collections.abc import Callable

import sqlalchemy
from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from smmplus.errors import JournalError
from smmplus.texts import _

VERSION = 2

metadata = MetaData()

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


Text = sqlalchemy.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that is compared byte by byte in both databases, because times are text. A server may sort by language."""


class Words(TypeDecorator[str]):
    """Text from elsewhere, for people: a panel's error, a machine's name.

    PostgreSQL does not store NUL, and no database half of a surrogate pair. Such a character is replaced, so that an
    outcome is not lost because of it. Names and contents identify orders: they are refused instead.
    """

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, PLR6301, RUF100
        """Replace characters that cannot be stored."""
        return value if value is None else _NOT_STORABLE.sub("\ufffd", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, PLR6301, RUF100
        """Replace NUL, which SQLite stores, on reading as well: a copy in PostgreSQL must have the same text."""
        return value.replace("\x00", "\ufffd") if value and "\x00" in value else value


_SENDING = text("state = 'sending'")
_UNSETTLED = text("state IN ('sending', 'in_doubt')")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""`uuid` identifies the journal, `version` is that of this schema, API keys are hashed with `salt`."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("normal", Text, nullable=False),
    UniqueConstraint("url", "name"),
    Index("ix_accounts_normal", "url", "normal", unique=True),
)
"""The panel's URL in its normal form, the name as it was first written, and the name in its normal form."""

account_keys = Table(
    "account_keys",
    metadata,
    Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
    Column("hash", Text, primary_key=True),
    Index("ix_account_keys_hash", "hash"),
)
"""Salted hashes of the API keys that an account was used with. The key itself is in no table."""

said_of_accounts = Table(
    "said_of_accounts",
    metadata,
    Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
    Column("same_as", Integer, ForeignKey("accounts.id"), nullable=False),
)
"""The account that an account is the same as, as a person said; itself if it is a separate one."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("host", Words, nullable=False),
    Column("user", Words, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
)
"""Processes that place orders. Whether one is alive is shown by its lock and not by this table."""

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("spent", Text, nullable=False, server_default="0"),
    Column("holder", Text, ForeignKey("runs.id")),
    Column("budget", Text),
    Column("normal", Text, nullable=False),
    Column("currency", Words, nullable=False, server_default=""),
    UniqueConstraint("account_id", "name"),
    Index("ix_campaigns_normal", "account_id", "normal", unique=True),
)
"""`spent` is the sum of the costs of entries that are sending, placed or in doubt, written in the same commits.
`budget` is the most that it may be, over all runs; null for no limit. `normal` is the name in its normal form.
`currency` is that of `spent`, `budget` and the costs of the entries: the account's currency when the first of them was
written; "" if it is not known."""

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("finished_at", Text),
    Index("ix_batches_campaign", "campaign_id", "source"),
)
"""The orders of one sheet or task. It is finished when each has its outcome, and the sheet has the order ids."""

entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("cost", Text),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("sent_at", Text),
    Column("settled_at", Text),
    Column("order_id", Text),
    Column("error", Words, nullable=False, server_default=""),
    Column("meaning", Words, nullable=False, server_default=""),
    Column("order_status", Words, nullable=False, server_default=""),
    Column("final", Integer, nullable=False, server_default="0"),
    Column("charge", Text),
    Column("start_count", Words),
    Column("remains", Words),
    Column("currency", Words, nullable=False, server_default=""),
    Column("polled_at", Text),
    UniqueConstraint("campaign_id", "key"),
    Index("ix_entries_batch", "batch_id"),
    Index("ix_entries_fingerprint", "fingerprint"),
    Index("ix_entries_unsettled", "state", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
)
"""One order: a row of a sheet, or an order of a task. (campaign, key) identifies it, `content` is what it orders."""

order_ids = Table(
    "order_ids",
    metadata,
    Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("entry_id", Integer, ForeignKey("entries.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Index("ix_order_ids_entry", "entry_id"),
)
"""Every order id that the panel answered. An order belongs to one entry only."""

balances = Table(
    "balances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("currency", Words, nullable=False),
    Column("accepted", Text, nullable=False),
    Column("spent", Text, nullable=False),
    Index("ix_balances_account", "account_id", "at"),
)
"""Balances of an account, with the times just before one was read and just after. `accepted` is the cost of accepted
orders just before: it is certainly debited. `spent` is the cost of all orders that are being sent, accepted or in doubt
just after: the most that can be debited."""

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", Integer, ForeignKey("entries.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("who", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("why", Words, nullable=False),
)
"""How persons resolved orders, with their reasons, and alarms."""

follow_ups = Table(
    "follow_ups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("sent_at", Text),
    Column("settled_at", Text),
    Column("answer", Words, nullable=False, server_default=""),
    Column("error", Words, nullable=False, server_default=""),
    Column("status", Words, nullable=False, server_default=""),
    Column("polled_at", Text),
    UniqueConstraint("account_id", "kind", "key", "order_id"),
    Index("ix_follow_ups_sending", "state", sqlite_where=_SENDING, postgresql_where=_SENDING),
    Index("ix_follow_ups_order", "account_id", "order_id"),
)
"""Refills and cancels: `key` identifies the request, `answer` is the refill's id or the panel's answer to a cancel,
`status` is what the panel last said of the refill."""

status_changes = Table(
    "status_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", Integer, ForeignKey("entries.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("order_status", Words, nullable=False),
    Column("charge", Text),
    Column("start_count", Words),
    Column("remains", Words),
    Index("ix_status_changes_entry", "entry_id"),
)
"""What the panel said of an order, each time that it said something else."""

checks = Table(
    "checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("campaign_id", "fingerprint"),
)
"""Checks of sheets that may be approved. `content` is the list of rows that would be sent, compressed."""


def _rename_states(connection: Connection) -> None:
    """Let states have the words that sheets have, and keep refills' statuses and the history of orders'."""
    is_postgres = connection.dialect.name == "postgresql"
    key, exact = ("SERIAL NOT NULL", 'TEXT COLLATE "C"') if is_postgres else ("INTEGER NOT NULL", "TEXT")
    for statement in (
        "DROP INDEX ix_entries_unsettled",
        "DROP INDEX ix_follow_ups_submitting",
        "UPDATE entries SET state = 'not_sent' WHERE state = 'planned'",
        "UPDATE entries SET state = 'sending' WHERE state = 'submitting'",
        "UPDATE entries SET state = 'placed' WHERE state = 'accepted'",
        "UPDATE follow_ups SET state = 'not_sent' WHERE state = 'planned'",
        "UPDATE follow_ups SET state = 'sending' WHERE state = 'submitting'",
        "CREATE INDEX ix_entries_unsettled ON entries (state) WHERE state IN ('sending', 'in_doubt')",
        "CREATE INDEX ix_follow_ups_sending ON follow_ups (state) WHERE state = 'sending'",
        "CREATE INDEX ix_follow_ups_order ON follow_ups (account_id, order_id)",
        "ALTER TABLE follow_ups ADD COLUMN status TEXT DEFAULT '' NOT NULL",
        f"ALTER TABLE follow_ups ADD COLUMN polled_at {exact}",
        (
            f"CREATE TABLE status_changes (id {key} PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES entries (id), "
            f"at {exact} NOT NULL, order_status TEXT NOT NULL, charge {exact}, start_count TEXT, remains TEXT)"
        ),
        "CREATE INDEX ix_status_changes_entry ON status_changes (entry_id)",
    ):
        connection.exec_driver_sql(statement)


_STEPS: dict[int, Callable[[Connection], None]] = {1: _rename_states}
"""Version -> the migration to the next one, with its tables written out: the tables in this module change later."""


def bring_up_to_date(connection: Connection) -> None:
    """Migrate a journal to this program's version. Raises JournalError if the journal is newer."""
    found = connection.execute(select(meta.c.value).where(meta.c.name == "version")).scalar_one_or_none()
    version = int(found) if found and found.isascii() and found.isdigit() else 0
    if not 1 <= version <= VERSION:
        raise JournalError(
            _(
                "the journal has version {version}, and this program reads version {current}: update this program",
                version=found,
                current=VERSION,
            )
        )
    for step in range(version, VERSION):
        _STEPS[step](connection)
    if version < VERSION:
        connection.execute(update(meta).where(meta.c.name == "version").values(value=str(VERSION)))
