"""Atomic writing: a file is on disk as a whole, or not at all."""

import contextlib
import errno
import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from bulk.model.errors import SheetError
from smmplus.texts import _, marked


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


_SUFFIX = ".smmplus.tmp"
_OLD_SECONDS = 3600.0

_TEXTS = {
    errno.ENOSPC: marked("{path}: cannot be written: {error}. The disk is full: free some space, and run again."),
    errno.EDQUOT: marked(
        "{path}: cannot be written: {error}. Your share of the disk is full: free some space, and run again."
    ),
    errno.EROFS: marked(
        "{path}: cannot be written: {error}. The disk is read-only: copy the file to another place, and run again."
    ),
}
_CHECK = marked("{path}: cannot be written: {error}. Check the permissions of the file and its folder, and run again.")
_CLOSE = marked(
    "{path}: cannot be written: {error}. Close it in other programs, and check the permissions of the file and its "
    "folder, and run again."
)


def write_atomically(
    target: Path, write: Callable[[BinaryIO], None], *, mode_of: Path | None, still: Callable[[], bool] = lambda: True
) -> str | None:
    """Write a temporary file next to the target, and replace the target with it in one step.

    :param write: writes the content into a file that is open for reading and writing.
    :param mode_of: the file whose permissions (and owner, if allowed) the new file gets; None: only the owner
        can read it.
    :param still: called right before the step; if it returns False, nothing changes.
    :returns: the SHA-256 of the new file; None if `still` returned False.
    :raises SheetError: if the disk is full or writing is not allowed; the target is unchanged.
    """
    try:
        return _store(target, write, mode_of, still)
    except OSError as error:
        raise SheetError(_failure(target, error)) from error


def _store(
    target: Path, write: Callable[[BinaryIO], None], mode_of: Path | None, still: Callable[[], bool]
) -> str | None:
    prefix = f".{target.name[:80]}."
    _sweep(target.parent, prefix)
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        digest = digest_of(temporary.read_bytes())
        if mode_of is not None:
            _copy_mode(mode_of, temporary)
        if not still():
            return None
        temporary.replace(target)
        _sync_folder(target.parent)
        return digest
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove temporary files of killed processes. A file that is being written now is never that old."""
    for left in folder.glob(f"{glob.escape(prefix)}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _OLD_SECONDS:
                left.unlink()


def _copy_mode(source: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.copymode(source, target)
        if hasattr(os, "chown"):
            owner = source.stat()
            with contextlib.suppress(PermissionError):
                os.chown(target, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power failure, if the platform can: Windows opens no folders."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _failure(target: Path, error: OSError) -> str:
    text = _CLOSE if isinstance(error, PermissionError) else _TEXTS.get(error.errno or 0, _CHECK)
    return _(text, path=target, error=error.strerror or error)
