"""Writing what the journal knows into a sheet, and nothing else: no panel is asked, no order is sent."""

from bulk.binding import Binding, Known, bind
from bulk.options import Options
from bulk.orders import order_rows
from bulk.reading import read_as
from bulk.switches import switches_of
from bulk.write_back import WriteBack
from bulk.writing import Written
from smmplus.journal.entry import Entry
from smmplus.journal.store import Journal


def write_results_of(options: Options, url: str, journal: Journal) -> tuple[dict[int, Entry], Written | None]:
    """Write what the journal knows of a campaign into a sheet; gives each row's entry, and where the results are.

    Rows that carry an order id are that order; others are the campaign's equal orders, in their order. What has no row,
    or no order, stays as it is; None where everything stands there already. Raises SheetError and JournalError.
    """
    sheet = read_as(options.path, options.how)
    rows = order_rows(sheet)
    left_out = switches_of(sheet).left_out
    account_id = journal.ensure_account(url, options.account)
    campaign_id = journal.ensure_campaign(account_id, options.campaign_name)
    equal = journal.with_fingerprints(account_id, (row.request.fingerprint for row in rows.values()))
    known = Known(
        by_order_id=journal.with_order_ids(account_id, (row.order_id for row in rows.values() if row.order_id)),
        by_fingerprint=[entry for entry in equal if entry.campaign_id == campaign_id],
        of_batch=[],
    )
    # The sheet's own batch comes first; beyond it nothing is asked, for nothing is sent for a wrong guess.
    batch_id = journal.latest_batch(campaign_id, options.source, finished=True)
    binding: Binding = bind(
        sheet, rows, known, campaign_id=campaign_id, batch_id=batch_id, adopt=True, anew=True, left_out=left_out
    )
    watched = {row: entry.id for row, entry in binding.entries.items()}
    results = WriteBack(sheet, binding.problems, journal, watched, colours=options.colours)
    written = results.write({})
    return results.entries(), written
