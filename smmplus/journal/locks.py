"""Telling a live process from a dead one: file locks, which the operating system drops with the process."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


class Locks:
    """The locks of one journal, files in a folder beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, FileLock] = {}

    def take(self, name: str, *, wait: float = 0.0) -> bool:
        """Take a lock, or keep it, waiting at most `wait` seconds; False where another process holds it."""
        if name in self._held:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{name}.lock", timeout=wait, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return False
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
