"""What can be wrong with a sheet as a whole.

::

    SheetError               the file cannot be used: what, where, and what to do
    ├── RefusedFileError     looked at before a reader opened it, and refused
    └── CannotSpliceError    results cannot go into the file itself; never leaves `bulk.writing`

A single bad cell is no exception but a :class:`bulk.sheet.Problem`: all of them are shown at once.
:class:`RunError` is about a DataFrame, which has no exit status to say what came of it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from bulk.outcome import ExitStatus, Outcome
    from bulk.sheet import Problem


class SheetError(Exception):
    """A file that cannot be used as a sheet of orders; the message names file, sheet and cell, and the remedy."""


class RunError(Exception):
    """A run of a DataFrame that did not come to its end; the message says why, and what to do.

    What is known of its rows is in `results`, the DataFrame that would have been given back.
    """

    def __init__(self, message: str, results: "pd.DataFrame", outcome: "Outcome") -> None:
        super().__init__(message)
        self.results = results
        self.outcome = outcome

    @property
    def problems(self) -> "tuple[Problem, ...]":
        """What is wrong with rows."""
        return self.outcome.plan.problems

    @property
    def exit_status(self) -> "ExitStatus":
        """The exit status that the command would end with."""
        return self.outcome.exit_status


class RefusedFileError(SheetError):
    """A file that is not opened at all: too large when unpacked, encrypted, not what its name says."""


class CannotSpliceError(SheetError):
    """Results cannot be put into this file without harming something else in it; they go to a file beside it."""
