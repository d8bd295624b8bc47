"""Using a backup in place of a lost journal: an explicit step, for orders placed since are unknown to it.

Nothing is sent again that the backup had not seen sent: whatever was planned or refused then may have been sent since,
and is in doubt. The journal is another one from here on, so that a task of Airflow that began with the lost one stops.
"""

import sqlite3
import tempfile
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from smmplus.errors import JournalConflictError, JournalError
from smmplus.journal import lost_commits, metadata, schema
from smmplus.journal.backends import location, postgres, run_traces, sqlite, sqlite_file
from smmplus.journal.backends.open import snapshot, translated
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.backup_and_move import fill_postgres


@dataclass(frozen=True, slots=True)
class Restored:
    """A journal that was made of a backup."""

    at: str
    """When the backup was made: what was ordered since then is unknown."""
    doubts: int
    """Orders that were put into doubt, for they may have been sent since."""


def made_at(backup: Path) -> str:
    """Tell when a backup was made; JournalError where a file is none."""
    with translated(str(backup)):
        at = sqlite_file.must_be_whole(backup).get(metadata.BACKUP)
    if at is None:
        raise JournalError(
            f"{backup} is no backup that `smmplus journal copy` made. If it is your journal itself, name it in "
            "SMMPLUS_JOURNAL"
        )
    return at


def restore(backup: Path, url: str, now: str) -> Restored:
    """Make a journal of a backup. Raises JournalConflictError where there is a journal; the backup stays as it is."""
    at = made_at(backup)
    if postgres.is_meant_by(url):
        with tempfile.TemporaryDirectory() as folder, translated(str(backup)):
            made = Path(folder) / "journal.sqlite3"
            doubts = _make(backup, made, at, now)
            with snapshot(sqlite.url_of(made)) as source:
                fill_postgres(url, source)
        return Restored(at, doubts)
    path = sqlite.path_of(url)
    with translated(str(path)):
        location.must_hold(path)
        run_traces.must_be_free(location.real(path))
        if path.exists() or path.is_symlink():
            raise _taken(f"{path} is there")
        try:
            with sqlite_file.new_file(path) as made:
                doubts = _make(backup, made, at, now)
        except FileExistsError as error:
            raise _taken(error) from error
        run_traces.forget(path)  # of runs that the lost journal knew: what they did is in doubt by now
    return Restored(at, doubts)


def _taken(what: object) -> JournalConflictError:
    return JournalConflictError(
        f"{what}: move it away, with all that begins with its name, and keep it: it may know orders that the backup "
        "does not know"
    )


def _make(backup: Path, made: Path, at: str, now: str) -> int:
    with (
        closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(made)) as new,
    ):
        old.backup(new)
    engine = sqlite.engine_of(made)
    try:
        with engine.begin() as connection:
            schema.bring_up_to_date(connection)
            metadata.take_away(connection, metadata.BACKUP)
            metadata.put(connection, metadata.UUID_NAME, str(uuid.uuid4()))
            metadata.put(connection, metadata.RESTORED, at)
            metadata.put(connection, metadata.RESTORED_AT, now)
            metadata.take_away(connection, metadata.LOST)
            lost_commits.mark_closed(
                connection, metadata.opens(metadata.read(connection))
            )  # they were in the backup's journal
            return lost_commits.doubt(connection, at, now, f"the journal was restored from a backup of {at}")
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Backup:
    """The backup that a journal was restored from. Times are UTC in ISO 8601."""

    made_at: str
    restored_at: str
    """"" where it was not written down."""
    lost: str = ""
    """How it was noticed that the journal lost its latest commits; "" where a person restored a backup."""

    @property
    def words(self) -> str:
        """PURE: say what happened to the journal, without a subject."""
        when = f" on {_told(self.restored_at)}" if self.restored_at else ""
        if self.lost:
            return f"has lost what was written into it after {_told(self.made_at)} (noticed{when}: {self.lost})"
        return f"was restored{when} from a backup of {_told(self.made_at)}"


def backup_of(journal: Journal) -> Backup | None:
    """Give the backup that a journal was restored from; None for one that was never lost."""
    made_at = (said := _said(journal)).get(metadata.RESTORED)
    return None if made_at is None else Backup(made_at, said.get(metadata.RESTORED_AT, ""), said.get(metadata.LOST, ""))


def unsettled(journal: Journal, campaign_id: int) -> Backup | None:
    """Give the backup, as long as nobody has settled that no order placed since then is sent again; else None."""
    said = _said(journal)
    settled = {said.get(metadata.SETTLED), said.get(metadata.settled(campaign_id))}
    return None if said[metadata.UUID_NAME] in settled else backup_of(journal)


def settle(journal: Journal, campaign_id: int | None = None) -> None:
    """Keep a person's word that no order placed since the backup will be sent again: of one campaign, or of all."""
    with journal.transaction() as connection:
        metadata.put(connection, metadata.settled(campaign_id), metadata.read(connection)[metadata.UUID_NAME])


def _said(journal: Journal) -> dict[str, str]:
    with journal.reading() as connection:
        return metadata.read(connection)


def _told(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"
