"""What can be wrong with a sheet as a whole.

::

    SheetError               the file cannot be used: what, where, and what to do
    ├── RefusedFileError     looked at before a reader opened it, and refused
    └── CannotSpliceError    results cannot go into the file itself; never leaves `bulk.writing`

A single bad cell is no exception but a :class:`bulk.model.sheet.Problem`: all of them are shown at once.
"""

from enum import IntEnum


class SheetError(Exception):
    """A file that cannot be used as a sheet of orders; the message names file, sheet and cell, and the remedy."""


class RefusedFileError(SheetError):
    """A file that is not opened at all: too large when unpacked, encrypted, not what its name says."""


class CannotSpliceError(SheetError):
    """Results cannot be put into this file without harming something else in it; they go to a file beside it."""


class ExitStatus(IntEnum):
    """What a script learns from a command."""

    DONE = 0
    USAGE = 2
    PROBLEMS = 3
    """Rows with problems, refused rows, or a question that a person must answer."""
    IN_DOUBT = 4
    ACCOUNT = 5
    """Stopped for the account: key, funds, budget."""
    IN_USE = 6
    UNFINISHED = 7
    """Run it again: declined, interrupted, panel out of reach."""
