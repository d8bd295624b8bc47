"""How a person wants a file to be read."""

from dataclasses import dataclass
from typing import Literal, get_args

from bulk.errors import SheetError
from bulk.reading.columns import HeaderNames
from bulk.surfaces import COMMAND_LINE, Surface

Hidden = Literal["refuse", "include", "skip"]


@dataclass(frozen=True, slots=True)
class How:
    """How a file is to be read; the defaults guess nothing. Plain values: they go to another process as they are."""

    sheet: str | None = None
    """Which worksheet; needed where several visible ones hold orders."""
    encoding: str | None = None
    """Of a file of text that neither has a byte-order mark nor is UTF-8."""
    hidden: Hidden = "refuse"
    """Hidden and filtered rows are problems, or rows like any other, or left out."""
    locale: str | None = None
    """How text writes whole numbers, such as "id": "1.000" is one thousand. Without it nothing separates thousands."""
    headers: HeaderNames = ()
    """What headers mean by a person's word."""
    surface: Surface = COMMAND_LINE
    """Where messages about the file are read."""

    def __post_init__(self) -> None:
        if self.hidden not in get_args(Hidden):
            raise SheetError(f"hidden rows cannot be treated as {self.hidden!r}: say {', '.join(get_args(Hidden))}")
