"""The journal's tables. Amounts and times are text (exact on every database); times are UTC in ISO 8601."""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

VERSION = 2

metadata = MetaData()

_UNSETTLED = text("state IN ('submitting', 'in_doubt')")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""`uuid` tells journals apart; `version` is this schema's."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("url", "name"),
)
"""The panel's URL and a name. The API key may change, and is in no table."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
)
"""Processes that place orders. Whether one is alive its lock tells, not this table."""

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("spent", Text, nullable=False, server_default="0"),
    Column("holder", Text, ForeignKey("runs.id")),
    Column("budget", Text),
    UniqueConstraint("account_id", "name"),
)
"""`spent` is the sum of the costs of entries that are submitting, accepted or in doubt, kept in the same commits;
`budget` what it may come to, over all runs; null for no bound."""

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
"""One job of one sheet; finished when every row is settled and the sheet on disk carries the order ids."""

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
    Column("error", Text, nullable=False, server_default=""),
    Column("meaning", Text, nullable=False, server_default=""),
    Column("order_status", Text, nullable=False, server_default=""),
    Column("final", Integer, nullable=False, server_default="0"),
    Column("charge", Text),
    Column("start_count", Text),
    Column("remains", Text),
    Column("currency", Text, nullable=False, server_default=""),
    Column("polled_at", Text),
    UniqueConstraint("campaign_id", "key"),
    Index("ix_entries_batch", "batch_id"),
    Index("ix_entries_fingerprint", "fingerprint"),
    Index("ix_entries_unsettled", "state", sqlite_where=_UNSETTLED, postgresql_where=_UNSETTLED),
)
"""One row of a sheet, or one order of a task. (campaign, key) is who it is; the fingerprint is what is ordered."""

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
"""Every order id that the panel ever gave; an order belongs to one entry only."""

balances = Table(
    "balances",
    metadata,
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
"""What the panel said an account holds, with the times just before it was asked and just after it had answered. Around
it stands what the journal knew: `accepted`, the costs of accepted orders just before, which it has surely debited;
`spent`, the costs of all that are being sent, accepted or in doubt just after, which is the most that it can have."""

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", Integer, ForeignKey("entries.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
)
"""What persons settled, with their reasons, and alarms."""
