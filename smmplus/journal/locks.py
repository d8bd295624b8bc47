"""Telling a live process from a dead one, by locks that the operating system drops with the process."""

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from smmplus.errors import JournalError


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


class FileLocks:
    """Files in a folder beside the journal."""

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
            raise JournalError(f"no lock can be made that shows others who is alive: {error}") from error
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
