"""Orders in pandas DataFrames, for notebooks and tasks: checked, placed once and followed as those of a sheet are."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pandas as pd

from bulk import runner
from bulk.advice import next_steps, rows_told
from bulk.approval import fingerprint_of
from bulk.errors import RunError
from bulk.frame_results import checked, joined
from bulk.in_python import in_python, once_more
from bulk.obstacles import obstacle
from bulk.options import Options
from bulk.outcome import ExitStatus, Outcome
from bulk.outside_a_loop import outside_a_loop
from bulk.plan import Plan
from bulk.reading.from_frame import sheet_of_frame
from bulk.settings import DEFAULT_ACCOUNT, account_named, panel_of, prompt_for_key
from bulk.watching import Watcher
from smmplus.errors import ConfigurationError
from smmplus.journal.states import State
from smmplus.journal.store import Journal
from smmplus.panel import Panel

Money = Decimal | str | int | None
"""An amount of money; never a float, which is no amount."""

NAME = "DataFrame"
"""What a DataFrame is called that nobody gave a name."""

_LOG = logging.getLogger("bulk")
_MOST_TOLD = 20


def check(
    frame: pd.DataFrame,
    *,
    campaign: str | None = None,
    name: str = NAME,
    account: str = DEFAULT_ACCOUNT,
    locale: str | None = None,
    allow_duplicates: bool = False,
    adopt: bool = False,
    ignore_missing: bool = False,
    retry_refused: bool = False,
    max_spend: Money = None,
    first: int | None = None,
    expect_rows: int | None = None,
    expect_total: Money = None,
    expect_fingerprint: str | None = None,
    rate: float = 1.0,
    panel: Panel | None = None,
    journal: Journal | str | None = None,
) -> pd.DataFrame:
    """Give a DataFrame back with what is wrong with its rows, and what they would cost. Sends nothing.

    Added are the columns `problems` and `warnings` (text, "" for none) and `price` (a Decimal, the most that the row
    can cost; None for rows that are not sent, or without a bound). Columns of these names are replaced in what is given
    back; the DataFrame itself is not touched. Its `attrs` tell `campaign`, `rows`, `to_send`, `total`, `balance`,
    `currency`, in `fingerprint` what a run of the same campaign can be held to, and in `blocked` why a run would send
    nothing. Without a campaign all rows are new.

    The other arguments are those of :func:`run`, and so are the errors; problems are none.
    """
    options = Options(
        Path(name), account=_account(account, panel), campaign=_named(campaign or NAME, "campaign"),
        batch=_named(name, "name"), allow_duplicates=allow_duplicates, adopt=adopt, ignore_missing=ignore_missing,
        retry_refused=retry_refused, max_spend=_amount(max_spend, "max_spend"), first=first, expect_rows=expect_rows,
        expect_total=_amount(expect_total, "expect_total"), expect_fingerprint=_fingerprint(expect_fingerprint),
        rate=rate,
    )  # fmt: skip
    sheet = sheet_of_frame(frame, name, locale=locale)
    with _opened(journal) as opened:
        plan = runner.check(options, panel or _panel(account), opened, sheet=sheet)
    return checked(frame, plan, obstacle(plan, options), in_python)


def run(
    frame: pd.DataFrame,
    *,
    campaign: str,
    name: str = NAME,
    account: str = DEFAULT_ACCOUNT,
    locale: str | None = None,
    skip_bad: bool = False,
    allow_duplicates: bool = False,
    adopt: bool = False,
    ignore_missing: bool = False,
    retry_refused: bool = False,
    max_spend: Money = None,
    first: int | None = None,
    expect_rows: int | None = None,
    expect_total: Money = None,
    expect_fingerprint: str | None = None,
    rate: float = 1.0,
    in_flight: int = 16,
    wait: float | None = 0.0,
    poll: float = 60.0,
    panel: Panel | None = None,
    journal: Journal | str | None = None,
    watcher: Watcher | None = None,
) -> pd.DataFrame:
    """Place every row of a DataFrame once, and give it back with the columns of the results. Spends money.

    Called again for the same campaign and name, whatever became of the first call, rows that were placed are not placed
    again: they get their results. Rows of any other campaign are ordered anew.

    :param frame: a row an order; its columns are named as those of a sheet are. It is not touched.
    :param campaign: under which name it is ordered.
    :param name: what this DataFrame is known by within its campaign; another one needs another name.
    :param account: whose key is in SMMPLUS_API_KEY_NAME; by default the key is in SMMPLUS_API_KEY.
    :param locale: how text writes whole numbers, such as "id"; None for plain digits.
    :param skip_bad: leave rows with problems out, and send the rest.
    :param allow_duplicates: equal rows are meant.
    :param adopt: equal orders that were placed before are the same.
    :param ignore_missing: rows that are gone since the last call are meant to be gone.
    :param retry_refused: send rows again that were refused with a text that is in no list.
    :param max_spend: what the campaign may spend over all its runs, in the account's currency.
    :param first: send so many rows at most.
    :param expect_rows: how many rows there must be.
    :param expect_total: what they must cost in all.
    :param expect_fingerprint: what :func:`check` gave for the same campaign and name, in `attrs["fingerprint"]`:
        exactly what it would send is sent, or nothing.
    :param rate: calls a second; 0 for no limit.
    :param in_flight: calls under way at once.
    :param wait: seconds to follow the orders once they are placed; None until all are final.
    :param poll: seconds between two rounds of statuses.
    :param panel: the panel and the key, where they are not in the environment.
    :param journal: the journal or its URL; by default what SMMPLUS_JOURNAL names, or the user's own.
    :param watcher: hears of everything that happens; by default warnings go to the logger "bulk".
    :returns: a copy with `order_id`, `order_status`, `currency` and `error` (text, "" for none), `charge` (Decimal or
        None), `start_count` and `remains` (Int64) and `updated_at` (UTC), in the columns that have these names, or at
        the right. Rows that the panel refused, and those left out by `skip_bad`, say why in `error`.
    :raises RunError: if nothing was sent, orders are in doubt, or the run stopped before its end; `results` has what is
        known of each row.
    :raises SheetError: if there are no columns to order by.
    :raises SmmPlusError: if the panel does not answer before anything was sent, or the journal cannot be used.
    """
    options = Options(
        Path(name), account=_account(account, panel), campaign=_named(campaign, "campaign"), batch=_named(name, "name"),
        skip_bad=skip_bad, allow_duplicates=allow_duplicates, adopt=adopt, ignore_missing=ignore_missing,
        retry_refused=retry_refused, max_spend=_amount(max_spend, "max_spend"), first=first, expect_rows=expect_rows,
        expect_total=_amount(expect_total, "expect_total"), expect_fingerprint=_fingerprint(expect_fingerprint),
        rate=rate, in_flight=in_flight, wait=wait, poll=poll,
    )  # fmt: skip
    sheet = sheet_of_frame(frame, name, locale=locale)
    used, watching = panel or _panel(account), watcher or _Logging(agreed=True)

    def work() -> Outcome:
        # Opened where the work is done: who no longer waits for it must not close the journal under it.
        with _opened(journal) as opened:
            return runner.run(options, used, opened, watching, sheet=sheet)

    outcome = outside_a_loop(work)
    results = joined(frame, outcome, in_python)
    for alarm in outcome.alarms:
        _LOG.critical("%s", alarm)
    _log_rows(outcome)
    if outcome.exit_status in {ExitStatus.DONE, ExitStatus.PROBLEMS} and not outcome.blocked:
        return results
    raise RunError("; ".join(_why(outcome)), results, outcome)


def status(
    frame: pd.DataFrame,
    *,
    campaign: str,
    name: str = NAME,
    account: str = DEFAULT_ACCOUNT,
    locale: str | None = None,
    rate: float = 1.0,
    panel: Panel | None = None,
    journal: Journal | str | None = None,
) -> pd.DataFrame:
    """Ask once where the open orders of a DataFrame stand, and give it back with the results. Places nothing.

    Arguments, columns and errors are those of :func:`run`; orders in doubt are no error here.
    """
    options = Options(
        Path(name), account=_account(account, panel), campaign=_named(campaign, "campaign"), batch=_named(name, "name"),
        rate=rate,
    )  # fmt: skip
    sheet = sheet_of_frame(frame, name, locale=locale)
    used, watching = panel or _panel(account), _Logging(agreed=False)

    def work() -> Outcome:
        with _opened(journal) as opened:
            return runner.status(options, used, opened, watching, sheet=sheet)

    outcome = outside_a_loop(work)
    results = joined(frame, outcome, in_python)
    if outcome.stop is None and not outcome.unfollowed:
        return results
    raise RunError("; ".join(_why(outcome)), results, outcome)


def _why(outcome: Outcome) -> Iterator[str]:
    """Say why a run did not come to its end, and how to go on."""
    if outcome.blocked:
        yield in_python(outcome.blocked)
        for each in outcome.plan.problems[:_MOST_TOLD]:
            yield in_python(f"{each.where}: {each.message} ({each.remedy})")
    for row, order_id in outcome.unrecorded.items():
        yield f"{outcome.plan.sheet.where(row)} is order {order_id}, which the journal could not take: write it down"
    if doubts := outcome.count(State.IN_DOUBT):
        yield f"{doubts} in doubt, and not sent again"
    if outcome.stop is not None:
        yield f"stopped: {outcome.stop.value} ({outcome.reason}); {outcome.unsent} not sent"
    elif outcome.unfollowed:
        yield f"the orders were not followed to the end: {outcome.unfollowed}"
    if not outcome.blocked:
        yield from next_steps(outcome, once_more, "`")


def _log_rows(outcome: Outcome) -> None:
    """Name the rows that are no orders, and how they become some where no error says it."""
    for words in rows_told(outcome, "see the column error of the results"):
        _LOG.warning("%s", words)
    if outcome.exit_status is ExitStatus.PROBLEMS and not outcome.blocked:
        for words in next_steps(outcome, once_more, "`"):
            _LOG.warning("%s", words)


class _Logging(Watcher):
    """Writes what a person should know into a log."""

    def planned(self, plan: Plan) -> None:
        """Tell what should be thought of before money is spent."""
        for each in plan.warnings[:_MOST_TOLD]:
            _LOG.warning("%s: %s", each.where, each.message)
        if len(plan.warnings) > _MOST_TOLD:
            _LOG.warning("and %d more to think of twice", len(plan.warnings) - _MOST_TOLD)
        for words in (*([plan.repeats] if plan.repeats else []), *plan.signs.warnings):
            _LOG.warning("%s", words)

    def note(self, text: str) -> None:
        """Tell it."""
        _LOG.warning("%s", text)


def _account(account: str, panel: Panel | None) -> str:
    """Give an account's name; whoever gives a panel gives its account as the journal knows it."""
    return account_named(account) if panel is None else account


def _panel(account: str) -> Panel:
    return panel_of(account, os.environ, ask=prompt_for_key())


@contextmanager
def _opened(journal: Journal | str | None) -> Iterator[Journal]:
    if isinstance(journal, Journal):
        yield journal
        return
    with Journal(journal or os.environ.get("SMMPLUS_JOURNAL")) as opened:
        yield opened


def _named(text: object, argument: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(f"{argument} is {text!r}: it is a name, such as 'week 7'")
    return text


def _fingerprint(given: str | None) -> str | None:
    return None if given is None else fingerprint_of(given, "expect_fingerprint")


_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def _amount(value: object, argument: str) -> Decimal | None:
    if value is None:
        return None
    is_exact = isinstance(value, Decimal | str | int) and not isinstance(value, bool)
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if not is_exact or not _AMOUNT.fullmatch(text):
        raise ConfigurationError(f"{argument} is {value!r}: write an amount as text or Decimal, such as '99.50'")
    return Decimal(text)
