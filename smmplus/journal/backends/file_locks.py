"""Telling a live process from a dead one, by locks that the operating system drops with the process."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from smmplus.errors import JournalError
from smmplus.journal.backends import location, sqlite
from smmplus.journal.schema import campaigns, runs
from smmplus.texts import _


class Locks(Protocol):
    """The locks of one journal. They end with the process that holds them, however it ends."""

    def take(self, name: str, *, wait: float = 0.0) -> bool:
        """Take a lock, or keep it, waiting at most `wait` seconds; False where another process holds it."""

    def drop(self, name: str, *, forever: bool = False) -> None:
        """Give a lock back; `forever` for a name that is never used again."""

    def drop_all(self) -> None:
        """Give every lock back."""

    def confirm(self) -> None:
        """Raise JournalError where locks that were taken may have been lost: others may take this process for dead."""


LOOK_SECONDS = 0.2
"""How long a lock is waited for before the process that holds it counts as alive."""


def is_free(locks: Locks, name: str) -> bool:
    """Return whether no process holds a lock whose name is never used again."""
    # Another process that only looks holds it for a moment, too: it must not be taken for the one that is meant.
    free = locks.take(name, wait=LOOK_SECONDS)
    if free:
        locks.drop(name, forever=True)
    return free


class FileLocks:
    """Lock files in a folder next to the journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def take(self, name: str, *, wait: float = 0.0) -> bool:
        """Take a lock, or keep it, waiting at most `wait` seconds; False where another process holds it."""
        if name in self._held:
            return True
        lock = FileLock(self._folder / f"{name}.lock", timeout=wait, thread_local=False)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:  # a full disk, no right to write
            raise JournalError(_("no lock can be made that shows others who is alive: {error}", error=error)) from error
        self._held[name] = lock
        return True

    def drop(self, name: str, *, forever: bool = False) -> None:
        """Give a lock back; `forever` removes its file, for a name that is never used again."""
        lock = self._held.pop(name, None)
        if lock is None:
            return
        lock.release()
        if forever:
            with suppress(OSError):  # Windows keeps a file that another process is just looking at
                Path(lock.lock_file).unlink()

    def drop_all(self) -> None:
        """Give every lock back."""
        for name in list(self._held):
            self.drop(name)

    def confirm(self) -> None:
        """Do nothing: the operating system takes no lock from a process that lives."""


_MOST = 20
"""Runs that are looked at; those that were killed never ended, and are passed over."""


def of_campaign(connection: Connection, campaign_id: int) -> str:
    """Say which run is in a campaign."""
    about = (campaigns.c.name, runs.c.pid, runs.c.host, runs.c.user, runs.c.started_at)
    joined = select(*about).join(runs, runs.c.id == campaigns.c.holder)
    found = connection.execute(joined.where(campaigns.c.id == campaign_id)).first()
    if found is None:
        return _("another run is placing this campaign")
    return _(
        "campaign {campaign!r} is being placed by {process}: wait for it, or stop it",
        campaign=found.name,
        process=_process(found),
    )


def of_journal(connection: Connection, is_alive: Callable[[str], bool], own: str | None) -> str:
    """Name the other runs that are alive, one of which may hold the whole journal; "" where there is none."""
    latest = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at.desc()).limit(_MOST)
    found = [_process(run) for run in connection.execute(latest) if run.id != own and is_alive(run.id)]
    return _("; under way are {processes}", processes=", ".join(found)) if found else ""


def of_file(path: Path) -> str:
    """Say the same of a journal in a file that was held while it was to be opened."""
    path = location.real(path)
    engine, locks = sqlite.engine_of(path), FileLocks(path.with_name(path.name + ".locks"))

    def is_alive(run_id: str) -> bool:
        return not is_free(locks, f"run-{run_id}")

    try:
        with engine.execution_options(**{sqlite.READING: True}).begin() as connection:
            return of_journal(connection, is_alive, None)
    except SQLAlchemyError:
        return ""
    finally:
        engine.dispose()


def _process(run: Row[*tuple[Any, ...]]) -> str:
    return process_words(run.pid, run.host, run.user, run.started_at)


def process_words(pid: int, host: str, user: str, since: str) -> str:
    """Name a run's process for people."""
    return _("process {pid} on {host} ({user}) since {since}", pid=pid, host=host, user=user, since=since)
