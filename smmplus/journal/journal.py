"""`Journal`: the record of every order, on disk before it is sent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert, select, update

from smmplus.errors import JournalInUseError
from smmplus.journal import accounts, group_commit, queries, recovery, refills_and_cancels, resolution
from smmplus.journal import rescue_file as rescue
from smmplus.journal.backends import file_locks
from smmplus.journal.backends.open import default_url
from smmplus.journal.entry import Entry, Planned
from smmplus.journal.run_presence import OpenJournal, user_name
from smmplus.journal.schema import batches, campaigns
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderStatus


class Journal(OpenJournal):
    """An open journal; use it with `with`. Every method is one transaction, durable when it returns.

    `url` is that of a SQLite file (sqlite:////folder/journal.sqlite3) or a PostgreSQL database; by default it is a file
    in the user's data folder. `now` returns the time, with its time zone. `rescues` is the folder for order ids that
    the database cannot take; by default it is next to a SQLite file, and in the user's data folder for PostgreSQL.

    Raises JournalError if the database cannot be used. A journal that lacks its latest commits counts as one that was
    restored from a backup (`smmplus.journal.lost_commits`).
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
            lost = recovery.notice_losses(self)
        except BaseException:
            self.close()
            raise
        if lost:  # the journal has a new uuid now, and the names of PostgreSQL locks contain it
            self.close()
            self._open(url or default_url())

    def rescue_file(self) -> rescue.RescueFile:
        """Make the rescue file of this run; raise JournalError if there is no room for it."""
        return rescue.RescueFile.allocate(self.rescues, self.uuid, self.begin_run())

    def ensure_account(self, url: str, name: str, *, key: str | None = None) -> int:
        """Return an account's number, and create it if it is new. An account is a panel's URL and a name.

        A caller that is about to spend money passes the API `key`. Raises JournalConflictError if it is the key of
        another account.
        """
        with self.transaction() as connection:
            account_id = accounts.find_or_make(connection, url, name)
        if key is not None:
            with self.transaction() as connection:
                accounts.must_be_its_own(connection, account_id, key)
        return account_id

    def accounts_with_same_key(self, account_id: int) -> list[int]:
        """Return the accounts that share an API key with an account, including itself."""
        with self.reading() as connection:
            return accounts.same_key(connection, account_id)

    def ensure_campaign(self, account_id: int, name: str) -> int:
        """Return a campaign's number, and create it if it is new. Names that only differ in blanks or case are one."""
        with self.transaction() as connection:
            return queries.ensure_campaign(connection, account_id, name)

    def spent(self, campaign_id: int) -> Decimal:
        """Return what a campaign has spent, orders in doubt included, at the prices that were read."""
        with self.reading() as connection:
            return Decimal(
                connection.execute(select(campaigns.c.spent).where(campaigns.c.id == campaign_id)).scalar_one()
            )

    def latest_batch(self, campaign_id: int, source: str, *, finished: bool = False) -> int | None:
        """Return the latest unfinished batch of a campaign and a source; with `finished`, the latest of all."""
        columns = batches.c
        where = (columns.campaign_id == campaign_id) & (columns.source == source)
        if not finished:
            where &= columns.finished_at.is_(None)
        with self.reading() as connection:
            found = connection.execute(select(columns.id).where(where).order_by(columns.id.desc())).scalars().first()
        return None if found is None else int(found)

    def open_batch(self, campaign_id: int, source: str) -> int:
        """Create a batch, and return its number."""
        values = {"campaign_id": campaign_id, "source": source, "created_at": self.time()}
        with self.transaction() as connection:
            return int(connection.execute(insert(batches).values(values).returning(batches.c.id)).scalar_one())

    def finish_batch(self, batch_id: int) -> None:
        """Record that every row has its outcome, and that the sheet on disk has the order ids."""
        with self.transaction() as connection:
            connection.execute(update(batches).where(batches.c.id == batch_id).values(finished_at=self.time()))

    def of_batch(self, batch_id: int) -> list[Entry]:
        """Return the entries of a batch."""
        with self.reading() as connection:
            return queries.of_batch(connection, batch_id)

    def of_campaign(self, campaign_id: int) -> list[Entry]:
        """Return the accepted orders of a campaign."""
        with self.reading() as connection:
            return queries.of_campaign(connection, campaign_id)

    def with_ids(self, ids: Iterable[int]) -> dict[int, Entry]:
        """Return entries by their numbers."""
        with self.reading() as connection:
            return queries.with_ids(connection, ids)

    def with_keys(self, campaign_id: int, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of a campaign by their keys."""
        with self.reading() as connection:
            return queries.with_keys(connection, campaign_id, keys)

    def numbers_of(self, campaign_id: int, keys: Iterable[str]) -> dict[str, int]:
        """Return the numbers of a campaign's entries by their keys."""
        with self.reading() as connection:
            return queries.numbers_of(connection, campaign_id, keys)

    def with_order_ids(self, account_id: int, order_ids: Iterable[str]) -> dict[str, Entry]:
        """Return an account's entries by order id."""
        with self.reading() as connection:
            return queries.with_order_ids(connection, account_id, order_ids)

    def with_fingerprints(self, account_id: int, fingerprints: Iterable[str]) -> list[Entry]:
        """Return an account's entries with these contents, in all campaigns."""
        with self.reading() as connection:
            return queries.with_fingerprints(connection, account_id, fingerprints)

    def plan(
        self,
        campaign_id: int,
        batch_id: int,
        new: Sequence[Planned],
        again: Mapping[int, Planned],
    ) -> None:
        """Put orders into a batch: `new` ones, and by their numbers those to be placed `again` (planned or refused)."""
        with self.transaction() as connection:
            queries.plan(connection, campaign_id, batch_id, new)
            queries.plan_again(connection, batch_id, again)

    def record_statuses(
        self, statuses: Mapping[int, OrderStatus], order_ids: Mapping[int, str] | None = None
    ) -> dict[int, OrderStatus]:
        """Record the statuses of one account's placed orders, by entry, where it is the order in `order_ids`.

        Return them, marked where a person said that such a status is final.
        """
        with self.transaction() as connection:
            marked = queries.with_declared(connection, statuses)
            queries.record_statuses(connection, marked, self.time(), order_ids)
        return marked

    def commit(self, moves: Sequence[group_commit.Move]) -> list[group_commit.Answer]:
        """Commit intents and outcomes in one transaction, and return the answer to each.

        An order may be sent once this has returned an `Attempt` for its intent, and not before.
        """
        sends = any(isinstance(move, group_commit.Intent) for move in moves)
        if sends:
            self._locks.confirm()  # a process that others take for dead sends nothing, and may still write outcomes
        with self.run_transaction() as (connection, run_id):
            answers = group_commit.apply(connection, moves, run_id=run_id, now=self.time())
        if sends:
            self._database.confirm()  # the file may have been deleted under the transaction
        return answers

    def hold_campaign(self, campaign_id: int, *, wait: float) -> None:
        """Lock a campaign until this journal is closed; raise JournalInUseError if another run has locked it."""
        run_id = self.begin_run()
        taken = self._locks.take(f"campaign-{campaign_id}", wait=wait)
        with self.transaction() as connection:
            if not taken:
                raise JournalInUseError(file_locks.of_campaign(connection, campaign_id))
            connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(holder=run_id))

    def recover_crashed_runs(self) -> list[Entry]:
        """Put on record the order ids that crashed runs rescued, and in doubt what else they left; return that."""
        recovery.record_rescued_ids(self)
        with self.transaction() as connection:
            refills_and_cancels.mark_in_doubt(connection, self.is_run_alive, self.time())
            return recovery.mark_in_doubt(connection, self.is_run_alive, self.time())

    def in_doubt(self, account_id: int | None = None) -> list[Entry]:
        """Return the entries in doubt, of one account or of all."""
        with self.reading() as connection:
            return queries.unsettled(connection, account_id, State.IN_DOUBT)

    def find(self, account_id: int, name: str) -> Entry:
        """Find an entry by its name, "campaign/key"; raise JournalConflictError if there is none."""
        with self.reading() as connection:
            return recovery.find_by_name(connection, name, account_id)

    def resolve_as_placed(
        self, account_id: int, entry: Entry, order_id: str, *, why: str, who: str | None = None
    ) -> None:
        """Resolve an entry in doubt as this order. `who` is on record for it; by default the user of this machine."""
        with self.transaction() as connection:
            resolution.resolve_as_placed(connection, entry, account_id, order_id, who or user_name(), why, self.time())

    def resolve_as_not_placed(self, entry: Entry, *, why: str) -> None:
        """Resolve an entry in doubt as not placed. The next run may send it."""
        with self.transaction() as connection:
            resolution.resolve_as_not_placed(connection, entry, user_name(), why, self.time(), self.is_run_alive)

    def taken_back(self, account_id: int, ids: Iterable[str]) -> dict[str, list[Entry]]:
        """Return which of these order ids were taken back, each with the entries that it was taken back from."""
        with self.reading() as connection:
            return resolution.taken_back(connection, account_id, ids)

    def take_back(self, entry: Entry, *, why: str) -> None:
        """Take back how an entry was resolved: it is in doubt again, and no run sends it.

        Raises JournalConflictError if it was sent since, or was never resolved.
        """
        with self.transaction() as connection:
            resolution.take_back(connection, entry, user_name(), why, self.time())
