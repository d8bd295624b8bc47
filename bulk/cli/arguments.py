"""The arguments that commands share, and what they are turned into."""

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from bulk.approval import fingerprint_of
from bulk.errors import SheetError
from bulk.formats.numerals import check_locale
from bulk.reading.columns import HeaderNames
from bulk.reading.header_map import parse_headers
from bulk.reading.how import Hidden
from bulk.settings import DEFAULT_ACCOUNT, account_named, panel_of, prompt_for_key
from smmplus.client import Client
from smmplus.errors import ConfigurationError
from smmplus.journal.store import Journal
from smmplus.panel import Panel

File = Annotated[
    Path, typer.Argument(help="The sheet: .csv, .xlsx, or mass-order text (.txt).", exists=True, dir_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one machine-readable object.")]
Account = Annotated[
    str,
    typer.Option(
        "--account", help="Which account: its key is in SMMPLUS_API_KEY_NAME.", metavar="NAME", callback=account_named
    ),
]
Campaign = Annotated[
    str | None,
    typer.Option("--campaign", help="Order under this name, anew; by default the file's name.", metavar="NAME"),
]
Worksheet = Annotated[str | None, typer.Option("--sheet", help="Which worksheet.", metavar="NAME")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Of a CSV that is not UTF-8.", metavar="NAME")]
Mark = Annotated[
    bool,
    typer.Option("--mark", help="Also write name.problems.xlsx: the sheet with its problems marked and explained."),
]


def _known_locale(locale: str | None) -> str | None:
    try:
        if locale is not None:
            check_locale(locale)
    except SheetError as error:
        raise typer.BadParameter(str(error)) from error
    return locale


Locale = Annotated[
    str | None,
    typer.Option(
        "--locale",
        help="How numbers are written: with id, 1.000 is one thousand.",
        metavar="NAME",
        callback=_known_locale,
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="What a header of the sheet stands for; once for each header.", metavar="HEADER=FIELD"),
]
RememberMap = Annotated[
    bool, typer.Option("--remember-map", help="Keep what --map says beside the sheet, for later runs.")
]
IncludeHidden = Annotated[
    bool, typer.Option("--include-hidden", help="Hidden and filtered rows, and hidden columns, count like any other.")
]
VisibleOnly = Annotated[bool, typer.Option("--visible-only", help="Hidden and filtered rows are left out.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave rows with problems out, and send the rest.")]
Duplicates = Annotated[bool, typer.Option("--allow-duplicates", help="Equal rows are meant.")]
Adopt = Annotated[bool, typer.Option("--adopt", help="Equal orders placed before are the same: take their ids.")]
IgnoreMissing = Annotated[
    bool, typer.Option("--ignore-missing", help="Rows of the unfinished run that are gone are meant to be gone.")
]
NotPlacedSinceBackup = Annotated[
    bool,
    typer.Option(
        "--not-placed-since-backup",
        help="Rows that a journal does not know which was restored, or lost its end, were not placed since then.",
    ),
]
RetryRefused = Annotated[
    bool, typer.Option("--retry-refused", help="Send rows again that were refused with an unknown text.")
]
MaxSpend = Annotated[
    str | None,
    typer.Option(
        "--max-spend", help="What the campaign may spend, over all its runs; kept for later ones.", metavar="AMOUNT"
    ),
]
First = Annotated[
    int | None, typer.Option("--first", help="Send the first N rows that are to be sent, no more.", min=1, metavar="N")
]
ExpectRows = Annotated[
    int | None, typer.Option("--expect-rows", help="The sheet must hold exactly N rows.", min=0, metavar="N")
]
ExpectTotal = Annotated[
    str | None, typer.Option("--expect-total", help="What the whole sheet must cost.", metavar="AMOUNT")
]
ExpectFingerprint = Annotated[
    str | None,
    typer.Option(
        "--expect-fingerprint",
        help="Send exactly what the check with this fingerprint showed, or nothing.",
        metavar="FINGERPRINT",
    ),
]


def fingerprint(text: str | None) -> str | None:
    """Read a fingerprint that a person copied."""
    return None if text is None else fingerprint_of(text)


def finite(value: float | None) -> float | None:
    """Refuse nan and inf, which pass every comparison or none."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to count with")
    return value


Rate = Annotated[float, typer.Option("--rate", help="Calls a second; 0 for no limit.", min=0, callback=finite)]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait", help="Seconds to follow the orders; 0 not at all.", min=0, metavar="SECONDS", callback=finite
    ),
]
InFlight = Annotated[int, typer.Option("--in-flight", help="Calls under way at once.", min=1, max=256)]
Colours = Annotated[bool, typer.Option("--colours/--no-colours", help="Give the statuses in a workbook colours.")]
Poll = Annotated[
    float, typer.Option("--poll", help="Seconds between two rounds of statuses.", min=0.1, callback=finite)
]

DEFAULT = DEFAULT_ACCOUNT


def headers(said: list[str] | None, *, remember: bool = False) -> HeaderNames:
    """Read what a person says that headers stand for."""
    if remember and not said:
        raise ConfigurationError("--remember-map keeps what --map says: say --map as well")
    try:
        return parse_headers(said or ())
    except SheetError as error:
        raise ConfigurationError(str(error)) from error


_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
"""Digits and a point: in "1,234" one reads a thousand and the other one and a bit."""


def money(text: str | None, option: str = "--max-spend") -> Decimal | None:
    """Read an amount of money that a person typed."""
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text.strip()):
        raise ConfigurationError(f"{option} is {text!r}: write an amount such as 120 or 99.50")
    return Decimal(text.strip())


def hidden(*, include: bool, visible_only: bool) -> Hidden:
    """Read what a person says of hidden rows."""
    if include and visible_only:
        raise ConfigurationError("--include-hidden and --visible-only contradict each other: say one of them")
    return "include" if include else "skip" if visible_only else "refuse"


def panel_for(account: str) -> Panel:
    """Find the panel and the key of an account, in the environment or by asking."""
    return panel_of(account, os.environ, ask=prompt_for_key())


def open_journal() -> Journal:
    """Open the journal that `SMMPLUS_JOURNAL` names, or the user's own."""
    return Journal(os.environ.get("SMMPLUS_JOURNAL"))


@contextmanager
def client_for(account: str) -> Iterator[Client]:
    """Open a client for a few questions."""
    with Client(panel_for(account)) as client:
        yield client
