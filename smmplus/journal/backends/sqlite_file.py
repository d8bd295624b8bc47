"""The file of a SQLite journal: looked at before it is opened, and made whole or not at all.

A file that is there must be a whole journal. An empty or a damaged one is never taken for a new one: the journal made
in its place would know no order, and order all of them again.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from smmplus.errors import JournalError
from smmplus.texts import _, marked

THOROUGH_BYTES = 64 * 2**20
"""Up to this size (some 120,000 orders) tables and indexes are held against each other on opening, which takes a third
of a second at most (measured): an index that misses an order would let it be placed again. Beyond it only the
structure is looked at, a tenth of a second for each 100 MB."""

_BUSY_SECONDS = 30.0

KEEP = marked(
    "Keep this file and all files next to it: they may be the only record of your orders. "
    "`smmplus journal check` says more. If you have a backup, move these files away and "
    "`smmplus journal restore BACKUP`"
)


def is_damage(error: BaseException) -> bool:
    """Tell whether an error of SQLite says that the file is damaged, or no database at all."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def damaged(where: object, reason: object) -> JournalError:
    """Say that a journal is damaged, and what to do."""
    text = _(
        "the journal {journal} cannot be used, it is damaged: {reason}. {rule}",
        journal=where,
        reason=reason,
        rule=_(KEEP),
    )
    return JournalError(text)


def is_there(path: Path) -> bool:
    """Tell whether there is a journal's file; JournalError where there was one, and it is gone."""
    if os.path.lexists(path):
        return True
    if traces := [
        str(trace) for trace in _beside(path) if trace.is_dir() or (trace.is_file() and trace.stat().st_size)
    ]:
        raise JournalError(
            _(
                "the journal {journal} is gone: {files} shows that one was here. Bring it back, or use a backup: "
                "`smmplus journal restore BACKUP`. A new journal would know none of its orders: if that is meant, move "
                "what was left away",
                journal=path,
                files=", ".join(traces),
            )
        )
    return False


def must_be_whole(path: Path) -> dict[str, str]:
    """Look at a file without changing it, and give what it says of itself in its table `meta`.

    Raises JournalError where it is no journal, or a damaged one.
    """
    if not path.is_file():
        raise JournalError(
            _(
                "the journal {journal} cannot be used: it is not a file. Name another one in SMMPLUS_JOURNAL",
                journal=path,
            )
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise JournalError(
            _("the journal {journal} cannot be used: this user lacks the rights to read and write it", journal=path)
        )
    if path.stat().st_size == 0:
        raise damaged(path, _("the file is empty, and a journal never is. If it was never one, move it away"))
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        ) as connection:
            _look(path, connection)
            return dict(connection.execute("SELECT name, value FROM meta"))
    except sqlite3.Error as error:
        if is_damage(error):
            raise damaged(path, error) from error
        raise


def _look(path: Path, connection: sqlite3.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "meta" not in tables:
        raise JournalError(
            _("{path} is another program's database, and no journal: name another file in SMMPLUS_JOURNAL", path=path)
        )
    thorough = path.stat().st_size <= THOROUGH_BYTES
    (found,) = connection.execute("PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, " ".join(found.removeprefix("*** in database main ***").split()))
    if not tables:
        raise damaged(path, _("it has no tables. If you copied it, also copy the file next to it that ends with -wal"))


@contextmanager
def new_file(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a place to make a file in, which then takes its name in one step; FileExistsError if that is taken.

    What is made must be closed when the body ends. It is on disk when this returns, or nothing is there. `replace` lets
    it take the place of a file that is there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(_("{path} is not a folder", path=path.parent)) from error
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".new", dir=path.parent))
    try:
        made = folder / path.name
        yield made
        _sync(made, os.O_RDWR)
        if replace:
            made.replace(path)
        else:
            _put(made, path)
        with suppress(OSError):  # Windows opens no folders
            _sync(path.parent, os.O_RDONLY)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(made: Path, path: Path) -> None:
    # Files that another journal left next to it would be read as this one's latest changes.
    if left := [beside for beside in _beside(path) if beside.is_file() and beside.stat().st_size]:
        raise FileExistsError(_("{path} belongs to another journal: move it away", path=left[0]))
    try:
        path.hardlink_to(made)  # unlike a change of name, it never takes the place of what is there
    except FileExistsError:
        raise
    except OSError:  # no hard links here: FAT
        if os.path.lexists(path):
            raise FileExistsError(_("{path} is there already", path=path)) from None
        made.rename(path)


def _beside(path: Path) -> Iterator[Path]:
    """Return the files that a journal leaves next to its own."""
    return (path.with_name(path.name + ending) for ending in ("-wal", "-journal", ".locks", ".runs"))


def write_at(file: int, place: int, data: bytes) -> None:
    """Write bytes over others in an open file."""
    os.lseek(file, place, os.SEEK_SET)
    while data:
        data = data[os.write(file, data) :]


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    if hasattr(os, "O_DIRECTORY"):  # Windows: a folder cannot be opened, and needs no such thing
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, how: int) -> None:
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
