"""The rescue file of a run: order ids that the journal cannot take, until the next run records them.

The disk may be full when the panel's answer comes. So the file is allocated before anything is sent, and its blocks are
overwritten in place. It is plain text with one line for each order id, so that a person can read it, too.
"""

import hashlib
import json
import logging
import os
import re
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Self

from platformdirs import user_data_path

from smmplus.errors import JournalError
from smmplus.journal.backends import sqlite_file
from smmplus.journal.state_machine import Outcome
from smmplus.texts import _

_log = logging.getLogger(__name__)

LINE = 512
"""Bytes of a line: a disk's smallest sector, so that a torn write damages one line. The longest line is half of it."""

LINES = 1 + 512
"""A line for people, and twice as many order ids as can wait for a commit at once."""

_FOR_PEOPLE = b"# Order ids that the journal could not take. The next run records them: do not delete this file."
_NAME = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Line:
    """One order id, with what is needed to find its entry."""

    journal: str
    run: str
    entry: int
    attempt: int
    order_id: str
    at: str


class RescueFile:
    """The file of one run. `keep` needs no further block of the disk. Threads may share it."""

    def __init__(self, path: Path, journal_uuid: str, run_id: str, file: int) -> None:
        self.path = path
        self._journal_uuid, self._run_id = journal_uuid, run_id
        self._file = file
        self._kept: dict[Outcome, int] = {}
        self._writing = threading.Lock()

    @classmethod
    def allocate(cls, folder: Path, journal_uuid: str, run_id: str) -> Self:
        """Write the whole file to disk. Raises JournalError if there is no room for it: then nothing may be sent."""
        try:
            path, file = _allocate(folder, run_id)
        except OSError as error:
            raise JournalError(
                _(
                    "no rescue file can be made in {folder} ({error}). Nothing is sent, because a full disk would lose "
                    "the order ids",
                    folder=folder,
                    error=error,
                )
            ) from error
        return cls(path, journal_uuid, run_id, file)

    def keep(self, outcomes: Iterable[Outcome], now: str) -> None:
        """Write order ids to disk, each once. Raises OSError if even that fails."""
        with self._writing:
            new = {outcome for outcome in outcomes if outcome.order_id is not None and outcome not in self._kept}
            if new and not self._is_in_place():
                new |= self._begin_elsewhere()
            places = dict(zip(new, self._free_places(), strict=False))
            for outcome, place in places.items():
                _write_line(self._file, place, self._line(outcome, now))
            if places:
                os.fsync(self._file)
            self._kept |= places

    def holds(self, outcome: Outcome) -> bool:
        """Return whether this order id is in the file, and not in the journal."""
        return outcome in self._kept

    def forget(self, outcome: Outcome) -> None:
        """Forget an outcome that is in the journal now: its line may be overwritten."""
        self._kept.pop(outcome, None)

    def close(self) -> None:
        """Close the file, and remove it if the journal has all of its order ids."""
        os.close(self._file)
        if not self._kept:
            with suppress(OSError):  # the next run finds that all is recorded, and removes the file
                self.path.unlink()

    def _is_in_place(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        return False

    def _begin_elsewhere(self) -> set[Outcome]:
        """Begin a new file in the user's data folder, because this one was deleted. Return what to write again."""
        again = set(self._kept)
        os.close(self._file)
        self.path, self._file = _allocate(folder_of(None, self._journal_uuid), self._run_id)
        self._kept.clear()
        return again

    def _free_places(self) -> Iterator[int]:
        taken = set(self._kept.values())
        return (place for place in count(1) if place not in taken)  # beyond the end the file grows, if there is room

    def _line(self, outcome: Outcome, now: str) -> Line:
        order_id = outcome.order_id or ""
        return Line(self._journal_uuid, self._run_id, outcome.entry, outcome.attempt, order_id, now)


def _allocate(folder: Path, run_id: str) -> tuple[Path, int]:
    path = folder / f"{run_id}.{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
    try:
        # Line ends, not zeros: some file systems store zeros as a hole, without blocks.
        _write(file, 0, _FOR_PEOPLE.ljust(LINE, b"\n") + b"\n" * (LINE * (LINES - 1)))
        sqlite_file.sync_folder(folder)
    except BaseException:
        os.close(file)
        path.unlink()
        raise
    return path, file


def folder_of(journal_file: Path | None, journal_uuid: str) -> Path:
    """Return the folder of a journal's rescue files: next to its file or, without a file, in the user's data folder."""
    if journal_file is not None:
        return journal_file.with_name(journal_file.name + ".rescue")
    return user_data_path("smmplus") / "rescue" / journal_uuid


def files_in(folder: Path) -> list[Path]:
    """Return the rescue files in a folder."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning(_("the rescue files in {folder} cannot be listed: {error}", folder=folder, error=error))
        return []


def read_lines(path: Path) -> tuple[list[Line], int]:
    """Return the lines of a rescue file, and how many cannot be read. Raises OSError if the file cannot be read."""
    data = path.read_bytes()
    written = [data[start : start + LINE].strip(b"\n \0") for start in range(LINE, len(data), LINE)]
    lines = [_parsed(text) for text in written if text]
    return [line for line in lines if line is not None], lines.count(None)


def _write_line(file: int, place: int, line: Line) -> None:
    text = json.dumps(asdict(line)).encode()
    sqlite_file.write_at(file, place * LINE, (_checksum(text) + b" " + text).ljust(LINE - 1) + b"\n")


def _parsed(text: bytes) -> Line | None:
    checksum, _blank, said = text.partition(b" ")
    return Line(**json.loads(said)) if checksum == _checksum(said) else None


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode()


def _write(file: int, place: int, data: bytes) -> None:
    sqlite_file.write_at(file, place, data)
    os.fsync(file)
