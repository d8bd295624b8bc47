"""Keeps the sheet on disk up to date with the journal during a run."""

from collections.abc import Iterable, Mapping

from bulk.results import Cells, cells_of, cells_of_problems, changed, in_sheet
from bulk.sheet import Problem, Sheet
from bulk.writing import Written, write_results
from bulk.writing.result_text import clean
from smmplus.errors import JournalError
from smmplus.journal import Entry, Journal


class WriteBack:
    """Writes what the journal knows of a sheet's rows into it, as often as it is told to.

    `watched` tells which entry each row is; rows with problems get their words.
    """

    def __init__(self, sheet: Sheet, problems: Iterable[Problem], journal: Journal, watched: Mapping[int, int]) -> None:
        self.last: Written | None = None
        self._sheet = sheet
        self._journal = journal
        self._watched = watched
        words, rows = cells_of_problems(problems), sheet.frame.index
        # A line that could not be taken apart has no cells to write to.
        self._words = {row: cells for row, cells in words.items() if row in rows}
        self._digest = sheet.digest
        self._present: Mapping[int, Cells] = in_sheet(sheet)

    def entries(self) -> dict[int, Entry]:
        """Give what the journal knows of each row."""
        known = self._journal.with_ids(self._watched.values())
        return {row: known[entry] for row, entry in self._watched.items()}

    def write(self, unrecorded: Mapping[int, str]) -> Written | None:
        """Write what is new; None where nothing is. `unrecorded` are order ids that the journal could not take.

        Raises SheetError where nothing could be written, JournalError where there is nothing to write.
        """
        cells = self._wanted(unrecorded)
        if not changed(self._present, cells):
            return None
        self.last = write_results(self._sheet, cells, expected_digest=self._digest)
        if self.last.in_place:
            self._digest, self._present = self.last.digest, cells
        return self.last

    def _wanted(self, unrecorded: Mapping[int, str]) -> dict[int, Cells]:
        """Give the cells of every row. The entries are forgotten before anything is written: they take much memory."""
        try:
            known = self.entries()
        except JournalError:
            if not unrecorded:
                raise
            known = {}  # the journal is gone, and these ids are money: they at least must reach the sheet
        cells = dict(self._words)
        for row, found in known.items():
            # Why a row is left out is newer than what the journal says of an earlier run.
            cells[row] = cells_of(found) | self._words.get(row, {})
        for row, entry in self._watched.items():
            if entry in unrecorded:
                cells[row] = {**cells.get(row, {}), "order_id": unrecorded[entry], "order_status": "Placed"}
        return {row: {name: clean(text) for name, text in wanted.items()} for row, wanted in cells.items()}

    @property
    def in_place(self) -> bool:
        """Whether the sheet itself carries all that is known."""
        return self.last is None or self.last.in_place
