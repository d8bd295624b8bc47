"""Restore a journal from a backup: an explicit step, because the backup lacks the orders placed since.

Orders that were planned or refused in the backup may have been sent since, and are put in doubt. The journal gets a new
uuid, so that an Airflow task that began with the lost one stops.
"""

import sqlite3
import tempfile
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from smmplus.commands import local_time
from smmplus.errors import JournalConflictError, JournalError
from smmplus.journal import lost_commits, metadata, schema
from smmplus.journal.backends import location, postgres, run_traces, sqlite, sqlite_file
from smmplus.journal.backends.open import snapshot, translated
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.backup_and_move import fill_postgres
from smmplus.texts import _, marked


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored journal."""

    at: str
    """When the backup was made. Orders placed since then are not known."""
    doubts: int
    """Orders that were put in doubt, because they may have been sent since."""


def made_at(backup: Path) -> str:
    """Return when a backup was made; raise JournalError if the file is not a backup."""
    with translated(str(backup)):
        at = sqlite_file.must_be_whole(backup).get(metadata.BACKUP)
    if at is None:
        raise JournalError(
            _(
                "{path} is not a backup that `smmplus journal copy` made. If it is your journal itself, name it in "
                "SMMPLUS_JOURNAL",
                path=backup,
            )
        )
    return at


def restore(backup: Path, url: str, now: str) -> Restored:
    """Make a journal of a backup. Raises JournalConflictError if there is a journal. The backup is not changed."""
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
            raise _taken(_("{path} is there", path=path))
        try:
            with sqlite_file.new_file(path) as made:
                doubts = _make(backup, made, at, now)
        except FileExistsError as error:
            raise _taken(error) from error
        run_traces.forget(path)  # traces of runs of the lost journal: what they did is in doubt now
    return Restored(at, doubts)


def _taken(what: object) -> JournalConflictError:
    return JournalConflictError(
        _(
            "{problem}: move it away, with all files that begin with its name, and keep it: it may have orders that "
            "the backup does not have",
            problem=what,
        )
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
            return lost_commits.put_in_doubt(connection, at, now, f"the journal was restored from a backup of {at}")
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Backup:
    """The backup that a journal was restored from. Times are UTC in ISO 8601."""

    made_at: str
    restored_at: str
    """When it was restored; "" if that is not known."""
    lost: str = ""
    """The sign that the journal lost its latest commits; "" if a person restored a backup."""

    @property
    def words(self) -> str:
        """What happened to the journal, as the end of a sentence."""
        made, restored = local_time(self.made_at), local_time(self.restored_at)
        if self.lost and self.restored_at:
            text = marked("has lost what was written into it after {made} (noticed on {restored}: {sign})")
        elif self.lost:
            text = marked("has lost what was written into it after {made} (noticed: {sign})")
        elif self.restored_at:
            text = marked("was restored on {restored} from a backup of {made}")
        else:
            text = marked("was restored from a backup of {made}")
        return _(text, made=made, restored=restored, sign=self.lost)


def backup_of(journal: Journal) -> Backup | None:
    """Return the backup that a journal was restored from; None if it was not restored."""
    made_at = (said := _said(journal)).get(metadata.RESTORED)
    return None if made_at is None else Backup(made_at, said.get(metadata.RESTORED_AT, ""), said.get(metadata.LOST, ""))


def unconfirmed_backup(journal: Journal, campaign_id: int) -> Backup | None:
    """Return the backup until a person confirms that no order placed since then is sent again; else None."""
    said = _said(journal)
    settled = {said.get(metadata.SETTLED), said.get(metadata.settled(campaign_id))}
    return None if said[metadata.UUID_NAME] in settled else backup_of(journal)


def confirm_restored(journal: Journal, campaign_id: int | None = None) -> None:
    """Record that no order placed since the backup will be sent again: for one campaign, or for all."""
    with journal.transaction() as connection:
        metadata.put(connection, metadata.settled(campaign_id), metadata.read(connection)[metadata.UUID_NAME])


def _said(journal: Journal) -> dict[str, str]:
    with journal.reading() as connection:
        return metadata.read(connection)
