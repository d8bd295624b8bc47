"""`smmplus watch`: runs the sheets that are dropped into a folder. `bulk.running.drop_folder` decides about them."""

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from filelock import FileLock, Timeout
from rich.console import Console

from bulk.cli import options as given
from bulk.cli.error_handling import failing, status_of
from bulk.cli.json_lines import JsonLines, print_event
from bulk.cli.json_output import outcome_object, print_json
from bulk.cli.progress import Lines
from bulk.cli.tables import WARNING, console, show_answers, show_outcome, show_plan
from bulk.files.atomic_write import digest_of, write_atomically
from bulk.model.errors import ExitStatus, SheetError
from bulk.model.options import Options
from bulk.planning.approval import differences
from bulk.planning.plan import Expected, Plan
from bulk.problem_copy import write_problem_copy
from bulk.reading.saved_headers import load_headers, merge_headers
from bulk.running import drop_folder
from bulk.running import run as runner
from bulk.running.drop_folder import APPROVED, DONE, EXPLAINED, PROBLEMS, RUNNING, WAITING, Listing, Stamp
from bulk.running.events import RunListener
from bulk.running.interrupts import Interrupts
from bulk.running.result import RunResult
from bulk.writing import open_elsewhere
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError, JournalInUseError, SmmPlusError
from smmplus.journal import lookup
from smmplus.journal.journal import Journal
from smmplus.placing.placer import Stop
from smmplus.texts import _

AGAIN_SECONDS = 60.0
"""Seconds after which a sheet that waits is looked at again, although neither it nor its approval changed."""

Every = Annotated[
    float, typer.Option("--every", help="Seconds between two looks into the folder.", metavar="SECONDS", min=0.01)
]
Once = Annotated[bool, typer.Option("--once", help="Run what is there, and end.")]


@failing
@given.takes_options_of("watch")
def watch(
    folder: Path,
    options_for: Callable[[Path], Options],
    *,
    every: Every = 5.0,
    once: Once = False,
    as_lines: given.AsLines = False,
) -> None:
    """Run the sheets that are dropped into a folder.

    A sheet is run when it is whole, closed, and approved: by --max-spend, or by a file next to it. Then it is moved to
    done/ or problems/. Each row is placed once, however often this is stopped or killed.
    """
    panel = given.panel_for(options_for(folder).account)
    with _alone(folder):
        watcher = Watcher(folder, options_for, panel, as_lines=as_lines)
        watcher.out.print(_("Watching {folder}", folder=folder), markup=False, soft_wrap=True)
        while not (watcher.stopped or asyncio.run(_is_stopped_within(every))):
            watcher.look()
            if once:
                break
    raise typer.Exit(int(watcher.status if once or watcher.stopped else ExitStatus.DONE))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other watchers out of a folder: each would run what it finds in `running`."""
    lock = FileLock(folder / ".smmplus-watch.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        words = _("another smmplus watch is watching {folder}: stop it first", folder=folder)
        raise JournalInUseError(words) from None
    except (OSError, NotImplementedError) as error:
        raise ConfigurationError(_("{folder} cannot be watched: {error}", folder=folder, error=error)) from error
    with lock:
        yield


async def _is_stopped_within(seconds: float) -> bool:
    with Interrupts() as stopping:
        await stopping.sleep(seconds)
        return stopping.asked


class _Approving(RunListener):
    """Agrees to what is still approved once the plan is made again, with the campaign locked."""

    may_spend: Callable[[Plan], bool]

    def confirm(self, plan: Plan) -> bool:
        return self.may_spend(plan)


class _Shown(_Approving, Lines):
    """Shows a run to a person."""


class _Printed(_Approving, JsonLines):
    """Prints a run for a program."""


_Stamps = tuple[Stamp | None, Stamp | None]
"""The stamps of a sheet and of its approval."""


class Watcher:
    """Looks into a folder now and then. All that it must not forget is in the folder and in the journal."""

    def __init__(
        self, folder: Path, options_for: Callable[[Path], Options], panel: Panel, *, as_lines: bool = False
    ) -> None:
        self.out = console(quiet=as_lines)
        self._as_lines = as_lines
        self.status = ExitStatus.DONE
        """The first one of the last look that is not 0."""
        self.stopped = False
        """Whether a person stopped the run of a sheet."""
        self._folder, self._options_for, self._panel = folder, options_for, panel
        self._dropped: Listing = drop_folder.list_files(folder)
        self._running: Listing = {}
        self._tried: dict[str, tuple[_Stamps, float]] = {}
        """Sheet -> its stamps when it was last looked into, and the time."""
        self._said: dict[str, str] = {}
        """Sheet -> what was last said of it."""

    def look(self) -> None:
        """Run every sheet that can be run, first those that were under way when a watcher was killed."""
        self.status = ExitStatus.DONE
        before, self._dropped = self._dropped, drop_folder.list_files(self._folder)
        self._running = drop_folder.list_files(self._folder / RUNNING)
        self._tidy()
        under_way = [self._folder / RUNNING / name for name in drop_folder.whole_sheets(self._running, self._running)]
        dropped = [self._folder / name for name in drop_folder.whole_sheets(self._dropped, before)]
        for sheet in [*under_way, *(each for each in dropped if each.name not in self._running)]:
            try:
                if is_open := open_elsewhere(sheet):
                    self._say(sheet.name, is_open, ExitStatus.IN_USE)
                elif not self.stopped and self._is_due(sheet.name):
                    self._handle(sheet)
            except OSError as error:  # the name is too long for a name made of it; if it is the output, this fails too
                self._wait(sheet, error.strerror or str(error), ExitStatus.UNFINISHED)

    def _tidy(self) -> None:
        """Forget sheets that were taken away."""
        here = self._dropped.keys() | self._running.keys()
        for known in (self._said, self._tried):
            for name in known.keys() - here:
                del known[name]
        for name in self._dropped:
            sheet = name.removesuffix(WAITING)
            if sheet != name and drop_folder.is_sheet(sheet) and sheet not in here:
                with suppress(OSError):
                    (self._folder / name).unlink()

    def _is_due(self, name: str) -> bool:
        stamps, at = self._tried.get(name, (None, 0.0))
        return stamps != self._stamps(name) or time.monotonic() - at >= AGAIN_SECONDS

    def _stamps(self, name: str) -> _Stamps:
        return self._running.get(name) or self._dropped.get(name), self._dropped.get(name + APPROVED)

    def _handle(self, sheet: Path) -> None:
        try:
            try:
                with given.open_journal() as journal:
                    self._run(sheet, journal)
            except SheetError as error:  # it cannot be read
                if not sheet.exists():  # somebody took it away
                    return
                words = str(error)
                self._move(sheet, PROBLEMS, ExitStatus.PROBLEMS, lambda _target: words)
        except SmmPlusError as error:  # the account, the panel or the journal: none of it is due to the sheet
            self._wait(sheet, str(error), status_of(error))

    def _run(self, sheet: Path, journal: Journal) -> None:
        """Check a sheet, and run it if it is approved."""
        options = self._options_for(sheet)
        limit = options.max_spend
        saved = load_headers(self._folder / sheet.name)  # they stay there, for the next sheet of this name
        options = replace(options, headers=merge_headers(options.headers, saved))
        plan = runner.check(replace(options, max_spend=None), self._panel, journal)
        changed, approval = self._approval(plan, journal)
        if reason := drop_folder.reason_to_wait(plan, limit, changed):
            self._wait(sheet, reason, ExitStatus.PROBLEMS, plan)
            return
        sheet = self._claim(sheet)
        if _digest(sheet) != plan.sheet.digest:  # somebody saved it meanwhile: it is checked again
            return
        plan = _at(sheet, plan)
        if plan.blocker:
            self._move(sheet, PROBLEMS, ExitStatus.PROBLEMS, lambda target: _explain_blocked(plan, target))
            return
        if changed == []:
            asked = replace(plan.options, expect_fingerprint=approval)
        else:
            asked = replace(plan.options, max_spend=limit if plan.campaign.budget is None else None)
        listener = self._listener(lambda plan: not drop_folder.reason_to_wait(plan, limit, changed))
        outcome = runner.run(asked, self._panel, journal, listener, sheet=plan.sheet)
        if not outcome.declined:  # else prices rose since the check: the next look says so
            self._settle(sheet, outcome, is_approved=changed == [])

    def _listener(self, may_spend: Callable[[Plan], bool]) -> _Approving:
        out, progress = self.out, console(stderr=True)
        listener = _Printed(agreed=True) if self._as_lines else _Shown(out, progress, agreed=True)
        listener.may_spend = may_spend
        return listener

    def _approval(self, plan: Plan, journal: Journal) -> tuple[list[str] | None, str]:
        """Return how a plan differs from what the file next to the sheet approves, and the fingerprint in there.

        The differences are None if there is no such file.
        """
        path = self._folder / f"{plan.sheet.path.name}{APPROVED}"
        try:
            fingerprint = drop_folder.approval_in(_text_of(path.read_bytes()))
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            return [_("{path} cannot be read: {error}", path=path, error=error.strerror)], ""
        if not fingerprint:
            return [_("the last line of {path} is not a fingerprint", path=path)], ""
        check = lookup.find(journal, plan.campaign.account_id, fingerprint)
        if check is not None:  # however often the sheet is checked meanwhile, the journal does not forget this check
            lookup.keep(journal, check.campaign_id, fingerprint, check.content)
        return differences(replace(plan, expected=Expected(fingerprint, check))), fingerprint

    def _claim(self, sheet: Path) -> Path:
        """Move a dropped sheet to `running`, where nobody else writes to it."""
        target = self._folder / RUNNING / sheet.name
        if sheet != target:
            with _files_moved(sheet):
                target.parent.mkdir(exist_ok=True)
                sheet.replace(target)
        return target

    def _settle(self, sheet: Path, outcome: RunResult, *, is_approved: bool) -> None:
        """Move a sheet to where it goes after its run, or leave it for a later one."""
        folder, written = drop_folder.folder_for(outcome), outcome.written
        if self._as_lines:
            print_json(outcome_object(outcome, gather=iter))
        self.stopped = outcome.stop is Stop.ASKED
        if written is not None and not written.in_place and _may_be_written_later(sheet, outcome):
            self._wait(sheet, written.reason, ExitStatus.UNFINISHED)
        elif not folder:
            show_outcome(self.out, outcome)
            reason = outcome.reason or outcome.unwritten or _("its order IDs could not be recorded in the journal")
            self._wait(sheet, reason, outcome.exit_status)
        else:
            explain = None if folder == DONE else lambda target: _explain_outcome(outcome, target)
            target = self._move(sheet, folder, outcome.exit_status, explain)
            if folder == DONE:
                show_outcome(self.out, _with_path(outcome, target))
            if is_approved:
                self._move_approval(sheet.name, target.parent)

    def _move(self, sheet: Path, folder: str, status: ExitStatus, explain: Callable[[Path], str] | None = None) -> Path:
        """Move a sheet to a folder, after a text that explains why; return where it is then."""
        words = ""
        with _files_moved(sheet):
            target = drop_folder.reserve(self._folder / folder, sheet)
            if explain is not None:
                words = explain(target)
                self.out.print(words, markup=False, soft_wrap=True)
                _write(target.with_name(target.name + EXPLAINED), f"{words.rstrip()}\n\n{self._back()}\n", sheet)
            drop_folder.move(sheet, target)
            (self._folder / f"{sheet.name}{WAITING}").unlink(missing_ok=True)
        self.out.print(_("Moved to {path}", path=target), markup=False, soft_wrap=True)
        if self._as_lines:
            print_event("sheet_moved", file=sheet.name, to=str(target), exit_status=int(status), reason=words)
        self._end(status)
        return target

    def _back(self) -> str:
        return _(
            "When this is settled, move the sheet back to {folder}. Rows that are placed are not ordered again.",
            folder=self._folder,
        )

    def _move_approval(self, name: str, folder: Path) -> None:
        """Keep an approval next to the sheet that it approved."""
        approval = self._folder / f"{name}{APPROVED}"
        if approval.exists():
            with _files_moved(approval):
                drop_folder.move(approval, drop_folder.reserve(folder, approval))

    def _end(self, status: ExitStatus) -> None:
        self.status = self.status or status

    def _wait(self, sheet: Path, reason: str, status: ExitStatus, plan: Plan | None = None) -> None:
        """Leave a sheet where it is, and write a file next to it if a person may approve it."""
        self._tried[sheet.name] = self._stamps(sheet.name), time.monotonic()
        if self._say(sheet.name, reason, status) and plan is not None:
            path = self._folder / f"{sheet.name}{WAITING}"
            with _files_moved(sheet):
                _write(path, f"{_explain_waiting(plan, reason, path)}\n{plan.fingerprint}\n", sheet)
            words = _("What it would cost, and how to approve it: {path}", path=path)
            self.out.print(words, markup=False, soft_wrap=True)

    def _say(self, name: str, reason: str, status: ExitStatus) -> bool:
        """Say why a sheet waits, once; return whether it is said now."""
        self._end(status)
        is_new, self._said[name] = self._said.get(name) != reason, reason
        if is_new and self._as_lines:
            print_event("sheet_waiting", file=name, reason=reason)
        elif is_new:
            self.out.print(_waits(name, reason), style=WARNING, markup=False, soft_wrap=True)
        return is_new


def _waits(name: str, reason: str) -> str:
    return _("{file} waits: {reason}", file=name, reason=reason)


def _may_be_written_later(sheet: Path, outcome: RunResult) -> bool:
    """Return whether results are next to a sheet because somebody has it open, or saved it during its run."""
    return bool(open_elsewhere(sheet)) or _digest(sheet) != outcome.plan.sheet.digest


def _digest(sheet: Path) -> str:
    with _files_moved(sheet):
        return digest_of(sheet.read_bytes())


@contextmanager
def _files_moved(sheet: Path) -> Iterator[None]:
    """Translate what goes wrong with files: the sheet waits then."""
    try:
        yield
    except (OSError, SheetError) as error:
        words = _(
            "{path} cannot be moved: {error}. Close it in other programs, and check the permissions of its folder",
            path=sheet,
            error=error,
        )
        raise ConfigurationError(words) from error


def _text_of(data: bytes) -> str:
    """Read a small text file; PowerShell writes UTF-16."""
    return data[:100_000].decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "replace")


def _write(path: Path, text: str, sheet: Path) -> None:
    def write(out: BinaryIO) -> None:
        out.write(text.encode(errors="backslashreplace"))  # of a name that is not UTF-8

    write_atomically(path, write, mode_of=sheet)


def _at(path: Path, plan: Plan) -> Plan:
    """Return a plan whose sheet is elsewhere, so that the commands that are shown name it there."""
    return replace(plan, sheet=replace(plan.sheet, path=path), options=replace(plan.options, path=path))


def _with_path(outcome: RunResult, path: Path) -> RunResult:
    written = outcome.written
    if written is not None:
        written = replace(written, path=path if written.in_place else path.with_name(written.path.name))
    return replace(outcome, plan=_at(path, outcome.plan), written=written)


def _printed(show: Callable[[Console], None]) -> str:
    """Return what is shown on a console."""
    out = io.StringIO()
    show(Console(file=out, width=140, highlight=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _explain_blocked(plan: Plan, target: Path) -> str:
    """Return what blocks a sheet, and write a copy of it with its problems marked."""

    def show(out: Console) -> None:
        show_plan(out, _at(target, plan))
        out.print(plan.blocker.message if plan.blocker else "", markup=False, soft_wrap=True)
        show_answers(out, _at(target, plan), "run")

    words = [_printed(show)]
    if plan.problems:
        try:
            marked = write_problem_copy(plan.sheet, plan.problems, folder=target.parent)
        except SheetError as error:
            words.append(str(error))
        else:
            words.append(_("The problems are marked in {path}.", path=marked.path))
    return "\n".join(words)


def _explain_outcome(outcome: RunResult, target: Path) -> str:
    return _printed(lambda out: show_outcome(out, _with_path(outcome, target)))


def _explain_waiting(plan: Plan, reason: str, path: Path) -> str:
    """Return what a sheet would cost, and how a person approves it."""
    name = path.name.removesuffix(WAITING)
    how = _(
        "To approve exactly this, rename this file to {name}. Its last line is the fingerprint of what is approved:",
        name=name + APPROVED,
    )
    return "\n".join([_printed(lambda out: show_plan(out, plan)), _waits(name, reason), "", how])
