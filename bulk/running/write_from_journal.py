"""Keep the sheet on disk up to date with the journal."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from bulk.model.options import Options
from bulk.model.sheet import Problem, Sheet
from bulk.planning.matching import Known, Matching, match_rows
from bulk.planning.orders import order_rows, row_filters
from bulk.reading import read_as
from bulk.running.result import Cells, differs_from_sheet, digest_of_cells, entry_cells, problem_cells, refill_cells
from bulk.writing import Written, write_results
from bulk.writing.result_cells import clean
from smmplus.errors import JournalError
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.refills_and_cancels import FollowUp, has_refills, refills_of


class WriteBack:
    """Writes what the journal knows of a sheet's rows into the sheet, each time it is called.

    `watched` is the entry of each row; rows with problems get them in their error cells.
    """

    def __init__(
        self,
        sheet: Sheet,
        problems: Iterable[Problem],
        journal: Journal,
        watched: Mapping[int, int],
        *,
        colours: bool = True,
    ) -> None:
        self.last: Written | None = None
        self._sheet = sheet
        self._journal = journal
        self._watched = watched
        self._colours = colours
        words, rows = problem_cells(problems), frozenset(sheet.rows)
        # A line that could not be taken apart has no cells to write to.
        self._words = {row: cells for row, cells in words.items() if row in rows}
        self._digest = sheet.digest
        self._cells_digest = ""
        """Of the cells that were written in place."""

    def entries(self) -> dict[int, Entry]:
        """Return what the journal knows of each row."""
        return dict(self.iter_entries())

    def write(self, unrecorded: Mapping[int, str]) -> Written | None:
        """Write what is new; return None if nothing is. `unrecorded` are order ids that the journal could not take.

        Raises SheetError if the sheet cannot be written, JournalError if the journal cannot be read.
        """
        if self._sheet.kind == "frame":
            return None  # it is given back at the end, with its results
        cells = self._wanted(unrecorded)
        now = digest_of_cells(cells)
        if now == self._cells_digest or not (self._cells_digest or differs_from_sheet(self._sheet, cells)):
            return None
        self.last = write_results(self._sheet, cells, expected_digest=self._digest, colours=self._colours)
        if self.last.in_place:
            self._digest, self._cells_digest = self.last.digest, now
        return self.last

    def _wanted(self, unrecorded: Mapping[int, str]) -> dict[int, Cells]:
        """Return the cells of every row."""
        cells = {row: _clean(words) for row, words in self._words.items()}
        try:
            for row, found in self.iter_entries():
                # Why a row is left out is newer than what the journal says of an earlier run.
                cells[row] = _clean(entry_cells(found)) | cells.get(row, {})
            for row, refill in self.refills().items():
                cells[row] = {**cells.get(row, {}), **_clean(refill_cells(refill))}
        except JournalError:
            if not unrecorded:
                raise
            # The journal is gone, and these ids are money: they at least must reach the sheet.
        for row, entry in self._watched.items():
            if entry in unrecorded:
                cells[row] = {**cells.get(row, {}), "order_id": unrecorded[entry], "order_status": "Placed"}
        return cells

    def iter_entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield what the journal knows, some hundred rows at a time: 100,000 entries at once take 100 MB."""
        watched = iter(list(self._watched.items()))
        while part := dict(islice(watched, 500)):
            known = self._journal.with_ids(part.values())
            yield from ((row, known[entry]) for row, entry in part.items())

    def refills(self) -> dict[int, FollowUp]:
        """Return the latest request for a refill of each row's order."""
        with self._journal.reading() as connection:
            found = refills_of(connection, self._watched.values()) if has_refills(connection) else {}
        return {row: found[entry] for row, entry in self._watched.items() if entry in found}

    @property
    def in_place(self) -> bool:
        """Whether the sheet itself has all that is known."""
        return self.last is None or self.last.in_place


def _clean(cells: Cells) -> Cells:
    return {name: clean(text) for name, text in cells.items()}


def write_back(options: Options, url: str, journal: Journal) -> tuple[dict[int, Entry], Written | None]:
    """Write what the journal knows of a campaign into a sheet. Return each row's entry, and where the results are.

    What has no row, or no order, stays as it is; None where everything stands there already. Raises SheetError and
    JournalError.
    """
    sheet, matching = find_orders(options, url, journal)
    watched = {row: entry.id for row, entry in matching.entries.items()}
    results = WriteBack(sheet, matching.problems, journal, watched, colours=options.colours)
    written = results.write({})
    return results.entries(), written


def find_orders(options: Options, url: str, journal: Journal) -> tuple[Sheet, Matching]:
    """Read a sheet, and find the orders of its rows in the journal.

    Rows that carry an order id are that order; others are the campaign's equal orders, in their order.
    """
    sheet = read_as(options.path, options.read_options)
    rows = order_rows(sheet)
    left_out = row_filters(sheet).left_out
    account_id = journal.ensure_account(url, options.account)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    equal = journal.with_fingerprints(account_id, (row.request.fingerprint for row in rows.values()))
    ids = [row.order_id for row in rows.values() if row.order_id]
    known = Known(
        by_order_id=journal.with_order_ids(account_id, ids),
        by_fingerprint=[entry for entry in equal if entry.campaign_id == campaign_id],
        of_batch=[],
        taken_back=journal.taken_back(account_id, ids),
    )
    # The sheet's own batch comes first; beyond it nothing is asked, for nothing is sent for a wrong guess.
    batch_id = journal.latest_batch(campaign_id, options.source, finished=True)
    matching = match_rows(
        sheet, rows, known, campaign_id=campaign_id, batch_id=batch_id, adopt=True, is_named=True, left_out=left_out
    )
    return sheet, matching
