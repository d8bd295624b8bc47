"""An order in the journal as a frozen value, and how it is read from its row."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from sys import intern
from typing import Any

from sqlalchemy import Row, Select, select

from smmplus.errors import JournalError
from smmplus.journal.backends import sqlite_file
from smmplus.journal.schema import accounts, batches, campaigns, entries
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import minus
from smmplus.orders.models import COMPLETE, OrderRequest, Phase, phase
from smmplus.texts import _, marked


@dataclass(frozen=True, slots=True)
class Planned:
    """An order that is to be placed: its key, its content and its expected cost."""

    key: str
    request: OrderRequest
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of one order. Times are UTC in ISO 8601, amounts in the account's currency."""

    id: int
    account: str
    campaign: str
    campaign_id: int
    batch_id: int
    source: str
    """The name of the sheet's file, or of the task."""
    batch_finished: bool
    key: str
    content: str
    fingerprint: str
    cost: Decimal | None
    state: State
    attempt: int
    run_id: str | None
    sent_at: str | None
    settled_at: str | None
    order_id: str | None
    error: str
    meaning: str
    order_status: str
    final: bool
    charge: Decimal | None
    start_count: str | None
    remains: str | None
    currency: str
    polled_at: str | None

    @property
    def name(self) -> str:
        """The name of the order for people: campaign and key."""
        return f"{self.campaign}/{self.key}"

    @property
    def request(self) -> OrderRequest:
        """What is ordered."""
        return OrderRequest.from_content(self.content)

    @property
    def refunded(self) -> Decimal:
        """What the panel took less than was expected of an order that it canceled or delivered in part."""
        is_cut_short = phase(self.order_status) is Phase.FINAL and self.order_status.lower() not in COMPLETE
        if not is_cut_short or self.cost is None or self.charge is None:
            return Decimal(0)
        return max(Decimal(0), minus(self.cost, self.charge))


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What the panel said of an order, from a time on."""

    at: str
    order_status: str
    charge: Decimal | None
    start_count: str | None
    remains: str | None


def key_of(request: OrderRequest, nth: int) -> str:
    """Return the key of the nth of a campaign's equal orders (from 1): by content, never by row number or file."""
    return f"{request.fingerprint[:16]}-{nth}"


def nth_of(key: str) -> int:
    """Return which of a campaign's equal orders a key is for; 0 for a key that is not made by `key_of`."""
    number = key.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


def select_entries() -> Select[tuple[object, ...]]:
    """Return the statement whose rows `read_entry` reads."""
    return (
        select(
            entries,
            campaigns.c.name.label("campaign"),
            accounts.c.name.label("account"),
            batches.c.source,
            batches.c.finished_at,
        )
        .join(campaigns, campaigns.c.id == entries.c.campaign_id)
        .join(accounts, accounts.c.id == campaigns.c.account_id)
        .join(batches, batches.c.id == entries.c.batch_id)
    )


def read_entry(row: Row[tuple[object, ...]]) -> Entry:
    """Read an entry from a row of `select_entries`. Raises JournalError if it is damaged."""
    # Texts are interned: many entries share their times and names, and 100,000 of them are held at a time.
    pairs = row._mapping.items()  # noqa: SLF001 (the documented way to a row's names)
    values: dict[str, Any] = {name: intern(value) if type(value) is str else value for name, value in pairs}
    with readable(values["id"]):
        finished = values.pop("finished_at") is not None
        for name in ("cost", "charge"):
            values[name] = decimal_or_none(values[name])
        values.update(state=State(values["state"]), final=bool(values["final"]), batch_finished=finished)
        # SQLite and PostgreSQL do not verify texts: an error of the disk in one would make it another order.
        if sha256(values["content"].encode()).hexdigest() != values["fingerprint"]:
            raise ValueError("its content does not match its fingerprint")
        return Entry(**values)


@contextmanager
def readable(entry_id: object) -> Iterator[None]:
    """Raise JournalError if an entry cannot be read in the block."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        text = marked(
            "the record of order number {number} in the journal is damaged ({error!r}). Nothing is sent. {rule}"
        )
        raise JournalError(_(text, number=entry_id, error=error, rule=_(sqlite_file.KEEP))) from error


@lru_cache(maxsize=4096)
def decimal_or_none(text: str | None) -> Decimal | None:
    """Read an amount that the journal wrote."""
    return None if text is None else Decimal(text)


def text_or_none(amount: Decimal | None) -> str | None:
    """Write an amount for the journal, exactly."""
    return None if amount is None else str(amount)
