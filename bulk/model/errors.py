"""Errors about a sheet as a whole, and the exit statuses of commands.

::

    SheetError               the file cannot be used: what, where, and what to do
    ├── RefusedFileError     the file is not opened: unsafe, too large, or of another kind
    └── CannotSpliceError    results cannot go into the file itself; caught inside `bulk.writing`

A bad cell raises nothing. It becomes a :class:`bulk.model.sheet.Problem`, so that all of them are shown at once.
"""

from collections.abc import Sequence
from enum import IntEnum


class SheetError(Exception):
    """A file cannot be used as a sheet of orders. The message names file, sheet and cell, and the remedy.

    :param headers: the cells of the row that may be the header, where none was understood as one.
    """

    def __init__(self, text: str, headers: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.headers = tuple(headers)


class RefusedFileError(SheetError):
    """A file is not opened: it is too large when unpacked, encrypted, or not what its name says."""


class CannotSpliceError(SheetError):
    """Results cannot go into a file without harming something else in it. They go to a file next to it."""


class ExitStatus(IntEnum):
    """The exit status of a command."""

    DONE = 0
    USAGE = 2
    PROBLEMS = 3
    """Rows have problems or were refused, or a person must answer a question."""
    IN_DOUBT = 4
    ACCOUNT = 5
    """The account stopped the run: key, funds or budget."""
    IN_USE = 6
    UNFINISHED = 7
    """Not done yet: declined, interrupted, or the panel is out of reach. Run it again."""
