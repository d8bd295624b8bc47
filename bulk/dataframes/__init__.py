"""Orders in pandas DataFrames, for notebooks and tasks: checked, placed once and followed as those of a sheet are."""

import functools
import inspect
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, cast, get_type_hints

import pandas as pd

from bulk.dataframes.results import RunError, checked, joined
from bulk.files.account_settings import DEFAULT_ACCOUNT, account_named, default_account, panel_of, prompt_for_key
from bulk.model.errors import ExitStatus
from bulk.model.options import DEFAULTS, OPTIONS, Options
from bulk.model.sheet import Sheet
from bulk.model.surfaces import PYTHON
from bulk.planning.approval import parse_fingerprint
from bulk.planning.plan import Plan
from bulk.reading.dataframe import sheet_of_frame
from bulk.running import run as runner
from bulk.running.advice import describe_rows, next_steps
from bulk.running.events import RunListener, waiting_words
from bulk.running.interrupts import run_in_thread
from bulk.running.result import RunResult
from smmplus.api.panel import Panel
from smmplus.commands import Value
from smmplus.errors import ConfigurationError
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import State

Money = Decimal | str | int | None
"""An amount of money; never a float, which is no amount."""

NAME = "DataFrame"
"""The name of a DataFrame by default."""

Function = TypeVar("Function", bound=Callable[..., pd.DataFrame])

_LOG = logging.getLogger("bulk")
_MOST_TOLD = 20


class Asked(TypedDict, total=False):
    """The options that all three functions take besides the campaign. `bulk.model.options` describes them."""

    name: str
    account: str | None
    locale: str | None
    rate: float
    panel: Panel | None
    journal: Journal | str | None


class AskedOfCheck(Asked, total=False):
    """What a check may be asked."""

    skip_bad: bool
    allow_duplicates: bool
    adopt: bool
    first: int | None
    expect_rows: int | None
    expect_fingerprint: str | None
    max_spend: Money
    expect_total: Money
    ignore_missing: bool
    not_placed_since_backup: bool
    retry_refused: bool


class AskedOfRun(AskedOfCheck, total=False):
    """What a run may be asked."""

    in_flight: int
    wait: float | None
    poll: float
    listener: RunListener | None


_OWN = {
    "name": (NAME, "Name of this DataFrame within its campaign. A second one needs another name."),
    "account": (None, "Account to use. By default that of the commands; with a panel, it is named default."),
    "wait": (0.0, "Seconds to track the orders once they are placed; None until all are finished."),
    "panel": (None, "Panel and API key. By default from the environment."),
    "journal": (None, "Journal or its URL. By default from SMMPLUS_JOURNAL, or the user's own journal."),
    "listener": (None, 'Receives everything that happens; by default warnings go to the logger "bulk".'),
}
"""Default and description of what only these functions have, or have in another way."""


def _described(asked: type) -> Callable[[Function], Function]:
    """Give a function's signature and documentation the arguments that `asked` names, and refuse any other."""

    def described(function: Function) -> Function:
        own = [each for each in inspect.signature(function).parameters.values() if each.kind is not each.VAR_KEYWORD]
        about = {name: _OWN.get(name) or (DEFAULTS[name], OPTIONS[name].help) for name in get_type_hints(asked)}
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=about[name][0], annotation=kind)
            for name, kind in get_type_hints(asked).items()
        ]
        signature = inspect.signature(function).replace(parameters=[*own, *more])

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (the signature's)
            signature.bind(*arguments, **named)
            return function(*arguments, **named)

        words = "\n".join(f"    :param {name}: {told}" for name, (_, told) in about.items())
        call.__doc__ = (function.__doc__ or "").replace("    :returns:", f"{words}\n    :returns:", 1)
        call.__signature__ = signature  # type: ignore[attr-defined]
        return cast("Function", call)

    return described


@_described(AskedOfCheck)
def check(frame: pd.DataFrame, *, campaign: str | None = None, **asked: Unpack[AskedOfCheck]) -> pd.DataFrame:
    """Give a DataFrame back with what is wrong with its rows, and what they would cost. Sends nothing.

    Added are the columns `problems` and `warnings` (text, "" for none) and `price` (a Decimal, the most that the row
    can cost; None for rows that are not sent, or without a bound). Columns of these names are replaced in what is given
    back; the DataFrame itself is not touched. Its `attrs` hold `campaign`, `rows`, `to_send`, `total`, `balance`,
    `currency`, in `fingerprint` what a run of the same campaign can be held to, and in `blocked` why a run would send
    nothing. Without a campaign all rows are new.

    Errors are those of :func:`run`; problems are none.

    :param frame: a row an order; its columns are named as those of a sheet are. It is not touched.
    :param campaign: Campaign name.
    :returns: a copy with these columns.
    """
    options, sheet = _options(campaign or NAME, asked), _sheet(frame, asked)
    with _opened(asked.get("journal")) as opened:
        plan = runner.check(options, _panel(asked), opened, sheet=sheet)
    return checked(frame, plan)


@_described(AskedOfRun)
def run(frame: pd.DataFrame, *, campaign: str, **asked: Unpack[AskedOfRun]) -> pd.DataFrame:
    """Place every row of a DataFrame once, and give it back with the columns of the results. Spends money.

    Called again for the same campaign and name, whatever became of the first call, rows that were placed are not placed
    again: they get their results. Rows of any other campaign are placed again.

    :param frame: a row an order; its columns are named as those of a sheet are. It is not touched.
    :param campaign: Campaign name. A new name places identical rows again.
    :returns: a copy with `order_id`, `order_status`, `currency` and `error` (text, "" for none), `charge` (Decimal or
        None), `start_count` and `remains` (Int64) and `updated_at` (UTC), in the columns that have these names, or at
        the right. Rows that the panel refused, and those left out by `skip_bad`, say why in `error`.
    :raises RunError: if nothing was sent, orders are in doubt, or the run stopped before its end; `results` has what is
        known of each row.
    :raises SheetError: if there are no columns to order by.
    :raises SmmPlusError: if the panel does not answer before anything was sent, or the journal cannot be used.
    """
    options, sheet = _options(campaign, asked), _sheet(frame, asked)
    panel, listener = _panel(asked), asked.get("listener") or _Logging(agreed=True)

    def work() -> RunResult:
        # Opened where the work is done: who no longer waits for it must not close the journal under it.
        with _opened(asked.get("journal")) as opened:
            return runner.run(options, panel, opened, listener, sheet=sheet)

    outcome = run_in_thread(work)
    results = joined(frame, outcome)
    for alarm in outcome.alarms:
        _LOG.critical("%s", alarm)
    _log_rows(outcome)
    if outcome.exit_status in {ExitStatus.DONE, ExitStatus.PROBLEMS} and not outcome.blocked:
        return results
    raise RunError("; ".join(_why(outcome)), results, outcome)


@_described(Asked)
def status(frame: pd.DataFrame, *, campaign: str, **asked: Unpack[Asked]) -> pd.DataFrame:
    """Ask once where the open orders of a DataFrame stand, and give it back with the results. Places nothing.

    Columns and errors are those of :func:`run`; orders in doubt are no error here.

    :param frame: as it was given to :func:`run`.
    :param campaign: Campaign name.
    :returns: a copy with the results.
    """
    options, sheet = _options(campaign, asked), _sheet(frame, asked)
    panel, listener = _panel(asked), _Logging(agreed=False)

    def work() -> RunResult:
        with _opened(asked.get("journal")) as opened:
            return runner.status(options, panel, opened, listener, sheet=sheet)

    outcome = run_in_thread(work)
    results = joined(frame, outcome)
    if outcome.stop is None and not outcome.unfollowed:
        return results
    raise RunError("; ".join(_why(outcome)), results, outcome)


def how_to_repeat(**changed: Value) -> str:
    """Say how a function is called once more."""
    if changed:
        return f"call it again with {PYTHON.phrase(**changed)}"
    return "Call it again to continue. Placed orders are not repeated"


def _why(outcome: RunResult) -> Iterator[str]:
    """Say why a run did not come to its end, and how to go on."""
    if outcome.blocked:
        yield outcome.blocked
        for each in outcome.plan.problems[:_MOST_TOLD]:
            yield f"{each.where}: {each.message} ({each.remedy})"
    for row, order_id in outcome.unrecorded.items():
        where = outcome.plan.sheet.where(row)
        yield f"{where} is order {order_id}, which could not be recorded in the journal: write it down"
    if doubts := outcome.count(State.IN_DOUBT):
        yield f"{doubts} in doubt, and not sent again"
    if outcome.stop is not None:
        yield f"stopped: {outcome.stop.value} ({outcome.reason}); {outcome.unsent} not sent"
    elif outcome.unfollowed:
        yield f"tracking stopped: {outcome.unfollowed}"
    if not outcome.blocked:
        yield from next_steps(outcome, how_to_repeat, "`")


def _log_rows(outcome: RunResult) -> None:
    """Name the rows that are no orders, and how they become some where no error says it."""
    for words in describe_rows(outcome, "see the column error of the results"):
        _LOG.warning("%s", words)
    if outcome.exit_status is ExitStatus.PROBLEMS and not outcome.blocked:
        for words in next_steps(outcome, how_to_repeat, "`"):
            _LOG.warning("%s", words)


class _Logging(RunListener):
    """Writes what a person should know into a log."""

    def planned(self, plan: Plan) -> None:
        """Tell what should be thought of before money is spent."""
        for each in plan.warnings[:_MOST_TOLD]:
            _LOG.warning("%s: %s", each.where, each.message)
        if len(plan.warnings) > _MOST_TOLD:
            _LOG.warning("and %d more warnings", len(plan.warnings) - _MOST_TOLD)
        for words in (*([plan.repeats] if plan.repeats else []), *plan.journal_warnings.warnings):
            _LOG.warning("%s", words)

    def waiting(self, words: str, until: datetime) -> None:
        """Tell why nothing seems to happen."""
        _LOG.warning("%s", waiting_words(words, until))

    def note(self, text: str) -> None:
        """Tell it."""
        _LOG.warning("%s", text)


def _options(campaign: str, asked: Mapping[str, Any]) -> Options:
    """Read the options of a call. A caller that passes a panel also passes its account's name."""
    given = {name: value for name, value in asked.items() if name in OPTIONS and name != "locale"}
    name = _named(asked.get("name", NAME), "name")
    given |= {name: _amount(given.get(name), name) for name in ("max_spend", "expect_total")}
    given["account"] = _account(asked)
    if given.get("expect_fingerprint") is not None:
        given["expect_fingerprint"] = parse_fingerprint(given["expect_fingerprint"], "expect_fingerprint")
    return Options(Path(name), campaign=_named(campaign, "campaign"), batch=name, surface=PYTHON, **given)


def _sheet(frame: pd.DataFrame, asked: Asked) -> Sheet:
    return sheet_of_frame(frame, asked.get("name", NAME), locale=asked.get("locale"))


def _account(asked: Mapping[str, Any]) -> str:
    account = asked.get("account")
    if asked.get("panel") is not None:
        return account or DEFAULT_ACCOUNT
    return account_named(account) if account else default_account(os.environ)


def _panel(asked: Asked) -> Panel:
    return asked.get("panel") or panel_of(_account(asked), os.environ, ask=prompt_for_key())


@contextmanager
def _opened(journal: Journal | str | None) -> Iterator[Journal]:
    if isinstance(journal, Journal):
        yield journal
        return
    with Journal(journal or os.environ.get("SMMPLUS_JOURNAL")) as opened:
        yield opened


def _named(text: object, argument: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"{argument} {text!r} is not a name, such as 'week 7'")
    return text


_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def _amount(value: object, argument: str) -> Decimal | None:
    if value is None:
        return None
    is_exact = isinstance(value, Decimal | str | int) and not isinstance(value, bool)
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if not is_exact or not _AMOUNT.fullmatch(text):
        raise ConfigurationError(f"{argument} is {value!r}: write an amount as text or Decimal, such as '99.50'")
    return Decimal(text)
