"""What a person asks of a job."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bulk.naming import name_without_mark
from bulk.reading.columns import HeaderNames
from bulk.reading.how import Hidden, How


@dataclass(frozen=True, slots=True)
class Options:
    """One job on one sheet; the defaults are the careful ones."""

    path: Path
    account: str = "default"
    campaign: str | None = None
    """Named by a person: equal orders of other campaigns are then ordered anew. None: the file's name."""
    batch: str | None = None
    """What the batch is known by, finished or not: a task. None: the file's name, as long as it is unfinished."""
    sheet: str | None = None
    encoding: str | None = None
    hidden: Hidden = "refuse"
    locale: str | None = None
    """How the sheet's text writes whole numbers, such as "id"."""
    headers: HeaderNames = ()
    """What headers mean by a person's word: (header, field)."""
    remember_map: bool = False
    """Keep what headers mean beside the sheet, for later runs."""
    skip_bad: bool = False
    allow_duplicates: bool = False
    adopt: bool = False
    """Equal orders placed elsewhere are the same."""
    ignore_missing: bool = False
    """Orders of the unfinished batch whose rows are gone are meant to be gone."""
    not_placed_since_backup: bool = False
    """Rows that a restored journal does not know were not placed since its backup; kept for the campaign."""
    retry_refused: bool = False
    """Send rows again that were refused with a text that is not known."""
    max_spend: Decimal | None = None
    """What the campaign may spend over all its runs, kept in the journal from here on; None: what the journal keeps."""
    first: int | None = None
    """How many rows to send at most, in the sheet's order; None for all."""
    expect_rows: int | None = None
    """How many rows with orders the sheet must hold."""
    expect_total: Decimal | None = None
    """What the whole sheet must cost, to the digits that are written."""
    expect_fingerprint: str | None = None
    """What a check gave: exactly what it would send is sent, or nothing."""
    rate: float = 1.0
    """Calls a second; 0 for no limit."""
    in_flight: int = 16
    colours: bool = True
    """Give the statuses in a workbook colours."""
    wait: float | None = None
    """Seconds to follow the orders; None until all are final."""
    poll: float = 60.0
    """Seconds between two rounds of statuses."""
    write_every: float = 180.0
    """Seconds between two write-backs of a long run."""
    prices_every: float = 600.0
    """Seconds between two looks at the price list and the balance while orders are placed."""
    lock_wait: float = 10.0
    """Seconds to wait for another run of the campaign."""

    @property
    def how(self) -> How:
        """How the file is to be read."""
        return How(self.sheet, self.encoding, self.hidden, self.locale, self.headers)

    @property
    def campaign_name(self) -> str:
        """The campaign, by default named like the file without its ending; a copy to mend belongs to its sheet's."""
        return self.campaign or name_without_mark(self.path.stem)

    @property
    def source(self) -> str:
        """What the batch is known by: by default the sheet's file name, in whichever folder it lies."""
        return self.batch or self.path.name
