"""Order ids that the journal cannot take: kept in a file that was written beforehand, until the next run takes them up.

The disk may be full when the panel's answer comes. The file's blocks are there by then, and are written over in place.
It is plain text, a line for each order id, so that a person can read it, too.
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

_log = logging.getLogger(__name__)

LINE = 512
"""Bytes of a line, a disk's smallest sector: one line that is torn tears no other. The longest is half of it."""

LINES = 1 + 512
"""A line for people, and twice as many order ids as can be under way at once."""

_FOR_PEOPLE = b"# Order ids that the journal could not take. The next run takes them up: do not delete this file."
_NAME = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Line:
    """One order id, and all that is needed to find its row."""

    journal: str
    run: str
    entry: int
    attempt: int
    order_id: str
    at: str


class RescueFile:
    """The file of one placing run; `keep` needs no further block of the disk. Threads may share it."""

    def __init__(self, path: Path, journal_uuid: str, run_id: str, file: int) -> None:
        self.path = path
        self._journal_uuid, self._run_id = journal_uuid, run_id
        self._file = file
        self._kept: dict[Outcome, int] = {}
        self._writing = threading.Lock()

    @classmethod
    def allocate(cls, folder: Path, journal_uuid: str, run_id: str) -> Self:
        """Write the whole file to disk. JournalError where there is no room for it: then nothing may be sent."""
        try:
            path, file = _allocate(folder, run_id)
        except OSError as error:
            words = "nothing is sent without room for the order ids that a full disk would lose"
            raise JournalError(f"no rescue file can be made in {folder} ({error}): {words}") from error
        return cls(path, journal_uuid, run_id, file)

    def keep(self, outcomes: Iterable[Outcome], now: str) -> None:
        """Write order ids to disk, each once. OSError where even that fails."""
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
        """Tell whether this order id stands in the file, and only there."""
        return outcome in self._kept

    def forget(self, outcome: Outcome) -> None:
        """Take it that the journal has an outcome now: its line may be written over."""
        self._kept.pop(outcome, None)

    def close(self) -> None:
        """Close the file, and remove it if it holds nothing that the journal has not."""
        os.close(self._file)
        if not self._kept:
            with suppress(OSError):  # what is left is on record: the next run finds that, and removes it
                self.path.unlink()

    def _is_in_place(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        return False

    def _begin_elsewhere(self) -> set[Outcome]:
        """Begin a new file among the user's data, for somebody deleted this one; give what it must hold, too."""
        again = set(self._kept)
        os.close(self._file)
        self.path, self._file = _allocate(folder_of(None, self._journal_uuid), self._run_id)
        self._kept.clear()
        return again

    def _free_places(self) -> Iterator[int]:
        taken = set(self._kept.values())
        return (place for place in count(1) if place not in taken)  # beyond the end the file grows, if the disk lets it

    def _line(self, outcome: Outcome, now: str) -> Line:
        order_id = outcome.order_id or ""
        return Line(self._journal_uuid, self._run_id, outcome.entry, outcome.attempt, order_id, now)


def _allocate(folder: Path, run_id: str) -> tuple[Path, int]:
    path = folder / f"{run_id}.{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
    try:
        # Line ends, not zeros: no file system takes them for a hole that needs no room.
        _write(file, 0, _FOR_PEOPLE.ljust(LINE, b"\n") + b"\n" * (LINE * (LINES - 1)))
        sqlite_file.sync_folder(folder)
    except BaseException:
        os.close(file)
        path.unlink()
        raise
    return path, file


def folder_of(journal_file: Path | None, journal_uuid: str) -> Path:
    """Name the folder for a journal's rescue files: beside its file, or where it has none, among the user's data."""
    if journal_file is not None:
        return journal_file.with_name(journal_file.name + ".rescue")
    return user_data_path("smmplus") / "rescue" / journal_uuid


def files_in(folder: Path) -> list[Path]:
    """Find the rescue files in a folder."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("the rescue files in %s cannot be looked for: %s", folder, error)
        return []


def read(path: Path) -> tuple[list[Line], int]:
    """Read a rescue file: its lines, and how many cannot be read. OSError where the file cannot."""
    data = path.read_bytes()
    written = [data[start : start + LINE].strip(b"\n \0") for start in range(LINE, len(data), LINE)]
    lines = [_parsed(text) for text in written if text]
    return [line for line in lines if line is not None], lines.count(None)


def _write_line(file: int, place: int, line: Line) -> None:
    text = json.dumps(asdict(line)).encode()
    sqlite_file.write_at(file, place * LINE, (_checksum(text) + b" " + text).ljust(LINE - 1) + b"\n")


def _parsed(text: bytes) -> Line | None:
    checksum, _, said = text.partition(b" ")
    return Line(**json.loads(said)) if checksum == _checksum(said) else None


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode()


def _write(file: int, place: int, data: bytes) -> None:
    sqlite_file.write_at(file, place, data)
    os.fsync(file)
