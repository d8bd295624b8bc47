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
from smmplus.journal import files, losses, marks, place, postgres, schema, sqlite, traces
from smmplus.journal.copying import fill_postgres
from smmplus.journal.database import translated
from smmplus.journal.snapshot import snapshot


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
        at = files.must_be_whole(backup).get(marks.BACKUP)
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
        place.must_hold(path)
        traces.must_be_free(place.real(path))
        if path.exists() or path.is_symlink():
            raise _taken(f"{path} is there")
        try:
            with files.new_file(path) as made:
                doubts = _make(backup, made, at, now)
        except FileExistsError as error:
            raise _taken(error) from error
        traces.forget(path)  # of runs that the lost journal knew: what they did is in doubt by now
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
            marks.take_away(connection, marks.BACKUP)
            marks.put(connection, marks.UUID_NAME, str(uuid.uuid4()))
            marks.put(connection, marks.RESTORED, at)
            marks.put(connection, marks.RESTORED_AT, now)
            marks.take_away(connection, marks.LOST)
            losses.mark_closed(connection, marks.opens(marks.read(connection)))  # they were in the backup's journal
            return losses.doubt(connection, at, now, f"the journal was restored from a backup of {at}")
    finally:
        engine.dispose()
