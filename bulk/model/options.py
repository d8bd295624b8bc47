"""Options of a run, described once for the command line, Python and Airflow.

The API key is never an option: process lists and shell histories show arguments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Literal, get_args

from bulk.model.errors import SheetError
from bulk.model.fields import HeaderNames
from bulk.model.surfaces import COMMAND_LINE, Surface
from smmplus.errors import ConfigurationError
from smmplus.orders.models import Phase, phase
from smmplus.texts import _, marked

Hidden = Literal["refuse", "include", "skip"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file. The defaults guess nothing. Plain values, so that they can be sent to another process."""

    sheet: str | None = None
    """The worksheet to read; required if several visible ones hold orders."""
    encoding: str | None = None
    """The encoding of a text file that has no byte-order mark and is not UTF-8."""
    hidden: Hidden = "refuse"
    """Whether hidden and filtered rows are problems, rows like any other, or left out."""
    locale: str | None = None
    """The number format of text, for example "id": "1.000" is one thousand. Without it nothing separates thousands."""
    headers: HeaderNames = ()
    """Headers that the user mapped."""
    use_hyperlinks: bool = False
    """Whether a link is the address that its cell leads to, whatever the cell shows."""
    surface: Surface = COMMAND_LINE
    """Where messages about the file are read."""

    def __post_init__(self) -> None:
        if self.hidden not in get_args(Hidden):
            raise SheetError(
                _(
                    "hidden is {value!r}: it must be one of {values}",
                    value=self.hidden,
                    values=", ".join(get_args(Hidden)),
                )
            )


_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_in(text: str) -> float | None:
    """Return the seconds of a duration as people write it: 90s, 5m, 6h, 2d. None if it is not one."""
    found = _DURATION.fullmatch(text.strip())
    return None if found is None else float(found[1]) * _SECONDS[found[2]]


_MARKED = re.compile(r"\.problems(-[0-9]+)?$")


def original_stem(stem: str) -> str:
    """Return the stem of the sheet that a problem copy was made of: "week" for "week.problems-2"."""
    return _MARKED.sub("", stem)


def problem_copy_paths(sheet: Path) -> Iterator[Path]:
    """Yield the paths of a sheet's problem copies: week.problems.xlsx, week.problems-2.xlsx and so on."""
    stem = original_stem(sheet.stem)
    for number in count(1):
        yield sheet.with_name(f"{stem}.problems{'' if number == 1 else f'-{number}'}.xlsx")


Group = Literal["Input", "Safety", "Budget", "Recovery", "Output"]


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """The description of an option, the same on every surface."""

    help: str
    group: Group
    """The group in which the help of a command lists it."""
    metavar: str | None = None
    least: float | None = None
    most: float | None = None


def _option(default: object, *about: Any) -> Any:  # noqa: ANN401 (a field of any type)
    return field(default=default, metadata={"about": OptionInfo(*about)})


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one run of one sheet. The defaults are the careful ones.

    Only this class describes the options of the commands, the arguments of `bulk.check`, `run` and `status`, and the
    parameters of the operators for sheets.
    """

    path: Path
    account: str = _option(
        "default", "Account to use; its API key is from `smmplus login`, or in SMMPLUS_API_KEY_<NAME>.", "Input", "NAME"
    )
    campaign: str | None = _option(
        None,
        "Campaign name; by default the file's name. A run under a new name places identical rows again.",
        "Input",
        "NAME",
    )
    sheet: str | None = _option(None, "Worksheet to read. Required if several contain orders.", "Input", "NAME")
    encoding: str | None = _option(None, "Encoding of a CSV file that is not UTF-8, such as cp1252.", "Input", "NAME")
    hidden: Hidden = _option(
        "refuse", "Refuse hidden and filtered rows, include them like any other, or skip them.", "Input"
    )
    locale: str | None = _option(
        None, 'Number format of text cells, such as "id" (1.000 is one thousand) or "en" (1,000).', "Input", "NAME"
    )
    headers: HeaderNames = _option(
        (), "Map headers of the sheet to fields, once for each header.", "Input", "HEADER=FIELD"
    )
    use_hyperlinks: bool = _option(False, "Order the addresses that cells of links lead to, not their text.", "Input")
    remember_map: bool = _option(False, "Save the mapped headers next to the sheet, for later runs.", "Input")
    skip_bad: bool = _option(False, "Leave out rows with problems, and place the others.", "Safety")
    allow_duplicates: bool = _option(False, "Place identical rows as separate orders.", "Safety")
    adopt: bool = _option(
        False, "Link rows to identical orders placed earlier instead of placing them again.", "Safety"
    )
    first: int | None = _option(None, "Place at most N orders in this run.", "Safety", "N", 1)
    expect_rows: int | None = _option(None, "Stop unless the sheet has exactly N rows with orders.", "Safety", "N", 0)
    expect_fingerprint: str | None = _option(
        None, "Place exactly what the check with this fingerprint showed, or nothing.", "Safety", "FINGERPRINT"
    )
    max_spend: Decimal | None = _option(
        None, "Set the campaign's total budget, over all its runs; later runs remember it.", "Budget", "AMOUNT"
    )
    expect_total: Decimal | None = _option(
        None, "Stop unless the sheet's total cost equals AMOUNT, to the digits written.", "Budget", "AMOUNT"
    )
    ignore_missing: bool = _option(False, "Continue although rows of the unfinished run were deleted.", "Recovery")
    not_placed_since_backup: bool = _option(
        False,
        "After a restore, or a lost end of the journal: confirm that new rows were not already placed.",
        "Recovery",
    )
    retry_refused: bool = _option(False, "Retry rows that the panel refused for an unrecognized reason.", "Recovery")
    wait: float | None = _option(
        0.0, "How long to track the orders, such as 5m or 6h; final: until all are finished.", "Output", "DURATION"
    )
    """Seconds; None until all are finished."""
    final: tuple[str, ...] = _option(
        (), "Count orders with this unknown status as finished; later commands remember it.", "Output", "STATUS"
    )
    poll: float = _option(60.0, "Seconds between status checks.", "Output", "SECONDS", 0.1)
    rate: float = _option(1.0, "API calls per second; 0 for no limit.", "Output", "N", 0)
    in_flight: int = _option(16, "Maximum concurrent API calls.", "Output", "N", 1, 256)
    colours: bool = _option(True, "Color the statuses in a workbook.", "Output")
    batch: str | None = None
    """The name of the batch, finished or not, set by a task. None: the file's name, as long as it is unfinished."""
    write_every: float = 180.0
    """Seconds between two write-backs of a long run."""
    prices_every: float = 600.0
    """Seconds between two calls for the price list and the balance while orders are placed."""
    lock_wait: float = 10.0
    """Seconds to wait for another run of the campaign."""
    surface: Surface = COMMAND_LINE
    """Where the messages of the run are read."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError for numbers with another meaning: the first -1 rows are all but the last."""
        for option in ("first", "expect_rows", "in_flight"):
            value, least = getattr(self, option), OPTIONS[option].least
            if value is not None and least is not None and value < least:
                name = self.surface.name(option)
                raise ConfigurationError(
                    _("{option} is {value}: it must be {least:g} or more", option=name, value=value, least=least)
                )
        for status in self.final:
            must_be_unknown(status)
        text, useless = _WITHOUT_EFFECT.get(self.path.suffix.lower(), ("", ()))
        for option in useless:
            if getattr(self, option) != DEFAULTS[option]:
                raise ConfigurationError(_(text, option=self._written(option), name=self.path.name))
        if self.wait == 0 and self.poll != DEFAULTS["poll"]:
            poll, wait = self.surface.name("poll"), self.surface.name("wait")
            raise ConfigurationError(
                _("{option} has no effect without {other}: pass both, or neither", option=poll, other=wait)
            )

    def _written(self, option: str) -> str:
        """Name an option that has a value as a person wrote it: `--visible-only`, not `--hidden`."""
        value = getattr(self, option)
        return self.surface.phrase(**{option: value}) if option in {"hidden", "colours"} else self.surface.name(option)

    @property
    def read_options(self) -> ReadOptions:
        """How to read the file."""
        return ReadOptions(
            self.sheet, self.encoding, self.hidden, self.locale, self.headers, self.use_hyperlinks, self.surface
        )

    @property
    def campaign_name(self) -> str:
        """The campaign, by default the file's name without its ending. A problem copy has its sheet's campaign."""
        return self.campaign or original_stem(self.path.stem)

    @property
    def source(self) -> str:
        """The name of the batch: by default the sheet's file name, in whichever folder it is."""
        return self.batch or self.path.name


def must_be_unknown(status: str) -> None:
    """Raise ConfigurationError if an order status is known: only the panel says what it means."""
    if not status.strip():
        raise ConfigurationError(_("the status that counts as finished is empty"))
    if phase(status) is not Phase.UNKNOWN:
        raise ConfigurationError(
            _("{status!r} is a known status: only unknown ones can be declared finished", status=status)
        )


OPTIONS: Mapping[str, OptionInfo] = {each.name: each.metadata["about"] for each in fields(Options) if each.metadata}
"""Option -> its description, for each option that a user sets."""

DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(Options)}

_WITHOUT_EFFECT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (".csv", ".tsv", ".txt"),
        (
            marked("{option} has no effect on {name}, which is a text file: leave it out"),
            ("sheet", "hidden", "colours"),
        ),
    ),
    **dict.fromkeys(
        (".xlsx", ".xlsm"),
        (marked("{option} has no effect on {name}, which is a workbook: leave it out"), ("encoding",)),
    ),
}
"""Ending of a file -> the error about an option without effect, and the options that have none for it."""

READING = ("account", "campaign", "sheet", "encoding", "hidden", "locale", "headers", "use_hyperlinks")
"""The options of every command on a sheet."""

PLACING = (
    "skip_bad", "allow_duplicates", "adopt", "first", "expect_rows", "expect_fingerprint", "max_spend", "expect_total",
    "ignore_missing", "not_placed_since_backup", "retry_refused",
)  # fmt: skip
"""Further options of `check` and `run`."""

PACE = ("wait", "final", "poll", "rate", "in_flight", "colours")

OF_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "check": (*READING, "remember_map", *PLACING),
    "run": (*READING, "remember_map", *PLACING, *PACE),
    "status": (*READING, "wait", "final", "poll", "rate", "colours"),
    "watch": (
        *(option for option in READING if option != "campaign"), "skip_bad", "allow_duplicates", "max_spend", "rate",
        "in_flight", "colours",
    ),
}  # fmt: skip
"""The options of each command on sheets."""


def with_effect(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have an effect on a kind of file: in a folder are files of several kinds."""
    useless = _WITHOUT_EFFECT.get(path.suffix.lower(), ("", ()))[1]
    return {option: value for option, value in given.items() if option not in useless}
