"""A folder that sheets are dropped into: which of them may be run, and where each goes.

::

    FOLDER/week.xlsx          dropped; it waits until it is whole, closed and approved
    FOLDER/running/week.xlsx  under way; only one watcher touches this folder
    FOLDER/done/week.xlsx     every row is placed, and the results are in the sheet
    FOLDER/problems/week.xlsx a person must look; week.xlsx.problems.txt says at what

A sheet only ever moves by one rename, after everything that belongs to the step before it is on disk. A watcher that
was killed finds the sheet where it was, and does that step again: the journal knows which rows are placed. A file keeps
its name on the way, because its campaign is named after it. If the name is taken, the file goes to a folder `2` in
there, or `3` and so on.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bulk.files.atomic_write import digest_of
from bulk.model.errors import ExitStatus
from bulk.planning.plan import Plan
from bulk.reading.file_checks import ENDINGS_OF_SHEETS
from bulk.running.result import RunResult
from smmplus.commands import command
from smmplus.orders.decimals import plain, total
from smmplus.placing.placer import Stop
from smmplus.texts import _

RUNNING, DONE, PROBLEMS = "running", "done", "problems"

WAITING, APPROVED, EXPLAINED = ".waiting.txt", ".approved.txt", ".problems.txt"
"""What a file about a sheet adds to the sheet's name: what it waits for, its approval, what is wrong with it."""

_RESULTS = re.compile(r"\.results(-[0-9]+)?$")
_FINGERPRINT = re.compile(r"[0-9a-f]{24}")


class Stamp(NamedTuple):
    """What shows that a file is still being written."""

    size: int
    modified: int
    """In nanoseconds."""


Listing = Mapping[str, Stamp]
"""Name -> stamp of each file of a folder."""


def list_files(folder: Path) -> Listing:
    """Return the files of a folder, without its folders and symbolic links; none if there is no folder."""
    try:
        with os.scandir(folder) as found:
            files = {each.name: each.stat() for each in found if each.is_file(follow_symlinks=False)}
    except FileNotFoundError:
        return {}
    return {name: Stamp(about.st_size, about.st_mtime_ns) for name, about in files.items()}


def is_sheet(name: str) -> bool:
    """Return whether a file is one that a person drops: not hidden, temporary, or written by this program."""
    path = Path(name)
    return (
        path.suffix.casefold() in ENDINGS_OF_SHEETS
        and not name.startswith((".", "~"))
        and not name.endswith((WAITING, APPROVED, EXPLAINED))
        and not _RESULTS.search(path.stem)
    )


def whole_sheets(now: Listing, before: Listing) -> list[str]:
    """Return the sheets that nobody wrote to between two looks, the oldest first."""
    whole = [name for name, stamp in now.items() if is_sheet(name) and stamp.size and before.get(name) == stamp]
    return sorted(whole, key=lambda name: (now[name].modified, name))


def approval_in(text: str) -> str:
    """Return the fingerprint that an approval holds, which is its last line; "" if that is something else."""
    last = text.strip().rpartition("\n")[2].strip().lower()
    return last if _FINGERPRINT.fullmatch(last) else ""


def reason_to_wait(plan: Plan, limit: Decimal | None, differences: Sequence[str] | None) -> str:
    """Return why a sheet must not be run yet; "" if it may be.

    `limit` is what a campaign without a budget of its own may spend. `differences` are those between the plan and its
    approval; None if there is no approval.
    """
    if plan.blocker is not None and plan.blocker.is_confirmable:
        return plan.blocker.message
    if plan.blocker is not None or not plan.to_send:
        return ""
    if not _is_within(plan, limit) and differences != []:
        return _why_not_approved(plan, limit, differences)
    if plan.over_budget:
        return _over_budget(plan)
    if plan.short_by:
        return _("the balance is short by {amount}", amount=_amount(plan, plan.short_by))
    return ""


def _is_within(plan: Plan, limit: Decimal | None) -> bool:
    """Return whether an amount was approved for each sheet, and this one costs no more than that."""
    if limit is None:
        return False
    if plan.max_spend is not None:
        return True  # the campaign's own budget counts
    return not plan.unbounded and total([plan.campaign.spent, plan.total]) <= limit


def _why_not_approved(plan: Plan, limit: Decimal | None, differences: Sequence[str] | None) -> str:
    if differences:
        return _("its approval is for something else: {differences}", differences="; ".join(differences[:5]))
    if limit is None:
        return _("it needs approval")
    if plan.unbounded:
        return _("{count} of its rows have no maximum cost, so that no amount approves them", count=plan.unbounded)
    spent = total([plan.campaign.spent, plan.total])
    return _(
        "with it, campaign {campaign!r} would have spent {spent}, and {limit} is approved for each",
        campaign=plan.campaign.name,
        spent=_amount(plan, spent),
        limit=_amount(plan, limit),
    )


def _over_budget(plan: Plan) -> str:
    needed = plain(total([plan.campaign.spent, plan.total]))
    return _(
        "it is over the budget of campaign {campaign!r} by {amount}. To raise that: {command}",
        campaign=plan.campaign.name,
        amount=_amount(plan, plan.over_budget),
        command=command("budget", plan.campaign.name, account=plan.options.account, set=needed),
    )


def _amount(plan: Plan, amount: Decimal) -> str:
    return f"{plain(amount)} {plan.prices.balance.currency}".strip()


_A_PERSON_DECIDES = frozenset({Stop.BUDGET, Stop.UNKNOWN, Stop.DOUBT, Stop.PRICE, Stop.SERVICE})
"""Reasons for which a run stopped that do not pass by themselves."""


def folder_for(outcome: RunResult) -> str:
    """Return the folder that a sheet goes to after its run; "" if it stays, and is run again later.

    It stays if the account, the panel or the journal stopped the run: what was not sent may still be sent then. An
    order in doubt is never sent again, and a person must look for it.
    """
    status = outcome.exit_status
    if status is ExitStatus.DONE:
        return DONE
    is_for_a_person = status in {ExitStatus.PROBLEMS, ExitStatus.IN_DOUBT} or outcome.stop in _A_PERSON_DECIDES
    return PROBLEMS if is_for_a_person else ""


def companions(sheet: Path) -> list[Path]:
    """Return the files with results next to a sheet that could not take them itself."""
    names = (name for name in list_files(sheet.parent) if _RESULTS.search(Path(name).stem))
    return [sheet.with_name(name) for name in sorted(names) if _RESULTS.sub("", Path(name).stem) == sheet.stem]


def reserve(folder: Path, sheet: Path) -> Path:
    """Return a free place for a sheet in a folder, where an empty file keeps it.

    An empty file is there already if a watcher was killed before it moved the sheet. A file that is there and has the
    content of one that comes along with the sheet is left from such a moment, too.
    """
    for place in _places(folder):
        target = place / sheet.name
        if any(not _takes(place / each.name, each) for each in companions(sheet)):
            continue
        place.mkdir(parents=True, exist_ok=True)
        try:
            target.open("x").close()
        except FileExistsError:
            if target.stat().st_size:
                continue
        return target
    raise AssertionError


def _places(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder / str(number) for number in count(2))


def _takes(target: Path, source: Path) -> bool:
    return not target.exists() or digest_of(target.read_bytes()) == digest_of(source.read_bytes())


def move(sheet: Path, target: Path) -> None:
    """Move a sheet to a place that is reserved for it, after what comes along with it."""
    for each in companions(sheet):
        each.replace(target.with_name(each.name))
    try:
        sheet.replace(target)
    except OSError:
        target.unlink()  # nothing keeps the place
        raise
