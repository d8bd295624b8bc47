"""The journal: the record of every order, on disk before it is sent. Sheets are views of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert, select, update

from smmplus.errors import JournalInUseError
from smmplus.journal import accounts, group_commit, queries, refills_and_cancels
from smmplus.journal import rescue_file as rescue
from smmplus.journal.backends import file_locks
from smmplus.journal.backends.open import default_url
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.recovery import recover, resolution
from smmplus.journal.run_presence import OpenJournal, user_name
from smmplus.journal.schema import batches, campaigns
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderStatus


class Journal(OpenJournal):
    """An open journal; use it with `with`. Every method is one transaction, durable when it returns.

    Raises JournalError where the database cannot be used. A journal that lacks its latest commits is one that was
    restored from a backup from then on (`recovery`). `now` tells the time, with its time zone. `rescues` is the
    folder for order ids that the database cannot take; by default it is beside a SQLite file, and in the user's data
    folder where the journal is in PostgreSQL.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rescues: Path | None = None,
    ) -> None:
        super().__init__(url or default_url(), now=now, rescues=rescues)
        try:
            lost = recover.notice_losses(self)
        except BaseException:
            self.close()
            raise
        if lost:  # the uuid is another now, and locks at a server go by it
            self.close()
            self._open(url or default_url())

    def rescue_file(self) -> rescue.RescueFile:
        """Make room on disk for this run's order ids; JournalError where there is none."""
        return rescue.RescueFile.allocate(self.rescues, self.uuid, self.begin_run())

    def ensure_account(self, url: str, name: str, *, key: str | None = None) -> int:
        """Return an account's number, made if it is new. It is a panel's URL and a name, in their normal forms.

        A caller that is about to spend money passes the API `key`: JournalConflictError where it is another account's.
        """
        with self.transaction() as connection:
            account_id = accounts.find_or_make(connection, url, name)
        if key is not None:
            with self.transaction() as connection:
                accounts.must_be_its_own(connection, account_id, key)
        return account_id

    def accounts_with_same_key(self, account_id: int) -> list[int]:
        """Give the accounts that were used with a key that an account was used with, itself among them."""
        with self.reading() as connection:
            return accounts.same_key(connection, account_id)

    def ensure_campaign(self, account_id: int, name: str) -> int:
        """Return a campaign's number, made if it is new; names that differ in blanks, case or form alone are one."""
        with self.transaction() as connection:
            return queries.ensure_campaign(connection, account_id, name)

    def spent(self, campaign_id: int) -> Decimal:
        """Give what a campaign has spent, doubt included, at the prices that were read."""
        with self.reading() as connection:
            return Decimal(
                connection.execute(select(campaigns.c.spent).where(campaigns.c.id == campaign_id)).scalar_one()
            )

    def latest_batch(self, campaign_id: int, source: str, *, finished: bool = False) -> int | None:
        """Give the latest batch of a campaign and a file or task that is unfinished, or, if asked for, any."""
        columns = batches.c
        where = (columns.campaign_id == campaign_id) & (columns.source == source)
        if not finished:
            where &= columns.finished_at.is_(None)
        with self.reading() as connection:
            found = connection.execute(select(columns.id).where(where).order_by(columns.id.desc())).scalars().first()
        return None if found is None else int(found)

    def open_batch(self, campaign_id: int, source: str) -> int:
        """Begin a batch."""
        values = {"campaign_id": campaign_id, "source": source, "created_at": self.time()}
        with self.transaction() as connection:
            return int(connection.execute(insert(batches).values(values).returning(batches.c.id)).scalar_one())

    def finish_batch(self, batch_id: int) -> None:
        """Say that every row is settled, and that the sheet on disk carries the order ids."""
        with self.transaction() as connection:
            connection.execute(update(batches).where(batches.c.id == batch_id).values(finished_at=self.time()))

    def of_batch(self, batch_id: int) -> list[Entry]:
        """Give a batch's entries."""
        with self.reading() as connection:
            return queries.of_batch(connection, batch_id)

    def of_campaign(self, campaign_id: int) -> list[Entry]:
        """Give a campaign's accepted orders."""
        with self.reading() as connection:
            return queries.of_campaign(connection, campaign_id)

    def with_ids(self, ids: Iterable[int]) -> dict[int, Entry]:
        """Give entries by number."""
        with self.reading() as connection:
            return queries.with_ids(connection, ids)

    def with_keys(self, campaign_id: int, keys: Iterable[str]) -> dict[str, Entry]:
        """Find a campaign's entries by key."""
        with self.reading() as connection:
            return queries.with_keys(connection, campaign_id, keys)

    def numbers_of(self, campaign_id: int, keys: Iterable[str]) -> dict[str, int]:
        """Find the numbers of a campaign's entries by key."""
        with self.reading() as connection:
            return queries.numbers_of(connection, campaign_id, keys)

    def with_order_ids(self, account_id: int, order_ids: Iterable[str]) -> dict[str, Entry]:
        """Find an account's entries by order id."""
        with self.reading() as connection:
            return queries.with_order_ids(connection, account_id, order_ids)

    def with_fingerprints(self, account_id: int, fingerprints: Iterable[str]) -> list[Entry]:
        """Find an account's entries that order the same."""
        with self.reading() as connection:
            return queries.with_fingerprints(connection, account_id, fingerprints)

    def plan(
        self,
        campaign_id: int,
        batch_id: int,
        new: Sequence[Planned],
        again: Mapping[int, Planned],
    ) -> None:
        """Let a batch hold new entries, and entries (by number) that are planned or refused and to be placed again."""
        with self.transaction() as connection:
            queries.plan(connection, campaign_id, batch_id, new)
            queries.plan_again(connection, batch_id, again)

    def record_statuses(self, statuses: Mapping[int, OrderStatus]) -> None:
        """Write down what the panel said of accepted orders, by entry."""
        with self.transaction() as connection:
            queries.record_statuses(connection, statuses, self.time())

    def commit(self, moves: Sequence[group_commit.Move]) -> list[group_commit.Answer]:
        """Commit intents and outcomes together, and return an answer to each. An intent counts once this returned."""
        sends = any(isinstance(move, group_commit.Intent) for move in moves)
        if sends:
            self._locks.confirm()  # who is taken for dead may send nothing, and yet has outcomes to write
        with self.run_transaction() as (connection, run_id):
            answers = group_commit.apply(connection, moves, run_id=run_id, now=self.time())
        if sends:
            self._database.confirm()  # they may have been committed into a file that is gone
        return answers

    def hold_campaign(self, campaign_id: int, *, wait: float) -> None:
        """Keep other runs out of a campaign until this journal is closed; JournalInUseError says who is in it."""
        run_id = self.begin_run()
        taken = self._locks.take(f"campaign-{campaign_id}", wait=wait)
        with self.transaction() as connection:
            if not taken:
                raise JournalInUseError(file_locks.of_campaign(connection, campaign_id))
            connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(holder=run_id))

    def recover_crashed_runs(self) -> list[Entry]:
        """Put on record the order ids that crashed runs rescued, and in doubt what else they left; return that."""
        recover.take_up(self)
        with self.transaction() as connection:
            refills_and_cancels.mark_in_doubt(connection, self.is_run_alive, self.time())
            return resolution.mark_in_doubt(connection, self.is_run_alive, self.time())

    def in_doubt(self, account_id: int | None = None) -> list[Entry]:
        """Give the entries in doubt, of one account or of all."""
        with self.reading() as connection:
            return queries.unsettled(connection, account_id, State.IN_DOUBT)

    def find(self, account_id: int, name: str) -> Entry:
        """Find the entry that a person means by "campaign/key"."""
        with self.reading() as connection:
            return resolution.find(connection, name, account_id)

    def resolve_as_placed(
        self, account_id: int, entry: Entry, order_id: str, *, why: str, who: str | None = None
    ) -> None:
        """Resolve an entry in doubt as this order. `who` says so; by default the user of this machine."""
        with self.transaction() as connection:
            resolution.resolve_as_placed(connection, entry, account_id, order_id, who or user_name(), why, self.time())

    def resolve_as_not_placed(self, entry: Entry, *, why: str) -> None:
        """Resolve an entry in doubt as not placed: the next run may send it."""
        with self.transaction() as connection:
            resolution.resolve_as_not_placed(connection, entry, user_name(), why, self._now(), self.is_run_alive)
