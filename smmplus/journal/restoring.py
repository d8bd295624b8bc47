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

from sqlalchemy import Connection, bindparam, select, update

from smmplus.errors import JournalConflictError, JournalError
from smmplus.journal import files, marks, migrations, place, postgres, sqlite
from smmplus.journal.copying import fill_postgres
from smmplus.journal.database import translated
from smmplus.journal.entry import decimal_or_none
from smmplus.journal.schema import campaigns, entries
from smmplus.journal.snapshot import snapshot
from smmplus.journal.states import Event, State, after
from smmplus.numbers import EXACT


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
        if path.exists() or path.is_symlink():
            raise _taken(f"{path} is there")
        try:
            with files.new_file(path) as made:
                doubts = _make(backup, made, at, now)
        except FileExistsError as error:
            raise _taken(error) from error
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
            migrations.bring_up_to_date(connection)
            marks.take_away(connection, marks.BACKUP)
            marks.put(connection, marks.UUID_NAME, str(uuid.uuid4()))
            marks.put(connection, marks.RESTORED, at)
            marks.put(connection, marks.RESTORED_AT, now)
            return _doubt(connection, at, now)
    finally:
        engine.dispose()


def _doubt(connection: Connection, at: str, now: str) -> int:
    """Put into doubt what was not sent when the backup was made: nobody knows what became of it since."""
    words = f"the journal was restored from a backup of {at}: it may have been placed since"
    spent = {row.id: EXACT.create_decimal(row.spent) for row in connection.execute(select(campaigns))}
    rows = []
    for row in connection.execute(_UNSENT):
        state = after(State(row.state), Event.RESTORED)
        rows.append({"of": row.id, "new_state": state.value})
        spent[row.campaign_id] = EXACT.add(spent[row.campaign_id], decimal_or_none(row.cost) or 0)
    if rows:
        # The earliest moment at which they may have been sent.
        connection.execute(_DOUBT.values(error=words, sent_at=at, settled_at=now, meaning=""), rows)
        values = [{"of": campaign, "new_spent": str(amount)} for campaign, amount in spent.items()]
        connection.execute(_SPENT, values)
    return len(rows)


_UNSENT = select(entries.c.id, entries.c.campaign_id, entries.c.state, entries.c.cost).where(
    entries.c.state.in_([State.PLANNED.value, State.REJECTED.value])
)
_DOUBT = update(entries).where(entries.c.id == bindparam("of")).values(state=bindparam("new_state"))
_SPENT = update(campaigns).where(campaigns.c.id == bindparam("of")).values(spent=bindparam("new_spent"))
