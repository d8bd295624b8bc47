"""`smmplus check`, `run` and `status`: the commands on a sheet."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing, without_output
from bulk.cli.json_lines import JsonLines
from bulk.cli.json_output import Json, outcome_object, plan_object, print_json
from bulk.cli.order_statuses import OrderIds, show_statuses
from bulk.cli.progress import Bars, Lines, listener_for
from bulk.cli.tables import (
    WARNING,
    console,
    show_answers,
    show_fingerprint,
    show_outcome,
    show_plan,
    show_problems,
    show_refused,
    show_warnings,
)
from bulk.model.errors import ExitStatus
from bulk.model.options import Options
from bulk.planning.plan import Plan
from bulk.problem_copy import ProblemCopy, write_problem_copy
from bulk.running import run as runner
from bulk.running.advice import again
from bulk.running.events import RunListener
from bulk.running.result import RunResult
from smmplus.errors import ConfigurationError
from smmplus.texts import _, counted


def consoles(*, as_json: bool) -> tuple[Console, Console]:
    """Give the console for results and the one for progress; nothing but the object is printed for a program."""
    return console(quiet=as_json), console(stderr=True, quiet=as_json)


@failing
@given.takes_options_of("check")
def check(options: Options, *, mark: given.Mark = False, as_json: given.AsJson = False) -> None:
    """Check a sheet and show what it would cost.

    Places nothing. Of several sheets, the exit status is that of the first one that is not 0.
    """
    if mark and given.is_standard_input(options.path):
        raise ConfigurationError(_("--mark needs a file, next to which it writes"))
    with given.open_journal() as journal:
        plan = runner.check(options, given.panel_for(options.account), journal)
    if given.is_standard_input(options.path):  # commands that are shown name a file that a person has
        shown = replace(plan.options, path=Path("FILE"), campaign=plan.campaign.name)
        plan = replace(plan, sheet=replace(plan.sheet, path=Path("-")), options=shown)
    out = console(quiet=as_json)
    blocked = plan.blocker.message if plan.blocker else ""
    short = plan.short_by or plan.over_budget
    show_plan(out, plan)
    show_refused(out, plan)
    if blocked:
        out.print(blocked, style="red", markup=False, soft_wrap=True)
        show_answers(out, plan, "check")
    elif plan.to_send:
        show_fingerprint(out, plan)
    marked = _mark(out, plan) if mark else None
    outcome = RunResult(plan, plan.matching.entries, blocked=blocked or "only checked")
    status = ExitStatus.PROBLEMS if blocked else ExitStatus.ACCOUNT if short else ExitStatus.DONE
    if outcome.exit_status is ExitStatus.IN_DOUBT:
        status = outcome.exit_status
    if as_json:
        end = {"blocked": blocked, "exit_status": int(status)} | (_marked_object(marked) if mark else {})
        print_json(plan_object(plan, gather=iter) | end)
    raise typer.Exit(int(status))


def _mark(out: Console, plan: Plan) -> ProblemCopy | None:
    """Write the copy of a sheet with problems, and say where it is; None where there is nothing to mark."""
    if not plan.problems:
        out.print(_("No problems to mark."))
        return None
    marked = write_problem_copy(plan.sheet, plan.problems)
    words = _(
        "Wrote {path} with the problems marked. Fix them there, save it, and run that file. {sheet} was not changed.",
        path=marked.path,
        sheet=plan.sheet.path.name,
    )
    out.print(Text(words, "bold"))
    if marked.lost:
        out.print(Text(marked.lost, WARNING))
    if marked.unexplained:
        cells = counted(marked.unexplained, "colored cell")
        words = _("{cells} without a comment: see the list above", cells=cells)
        out.print(Text(words, WARNING))
    return marked


def _marked_object(marked: ProblemCopy | None) -> Json:
    """Describe the copy to a program."""
    if marked is None:
        return {"marked": None}
    return {"marked": str(marked.path), "marked_lost": marked.lost, "marked_without_comment": marked.unexplained}


@failing
@given.takes_options_of("run")
def run(
    options: Options,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Place the orders without asking first.", rich_help_panel="Safety")
    ] = False,
    as_json: given.AsJson = False,
    as_lines: given.AsLines = False,
) -> None:
    """Place the orders in a sheet.

    Shows the cost and asks first. Each row is placed once, however often this is run. Order IDs and statuses are
    written into the sheet.
    """
    if (as_json or as_lines) and not yes:
        option = "--json" if as_json else "--json-lines"
        raise ConfigurationError(_("{option} needs --yes, because it cannot ask", option=option))
    panel = given.panel_for(options.account)
    listening = _listening(options, agreed=yes, as_json=as_json, as_lines=as_lines)
    with listening as listener, given.open_journal() as journal:
        outcome = runner.run(options, panel, journal, listener)
    _end(outcome, as_json=as_json or as_lines)


@failing
@given.takes_options_of("status")
def status(
    options: Options | None,
    *,
    account: str = "",
    campaign: str | None = None,
    final: list[str] | None = None,
    order_id: OrderIds = None,
    every: Annotated[
        bool, typer.Option("--all", help="All open orders of the account.", rich_help_panel="Input")
    ] = False,
    as_json: given.AsJson = False,
    as_lines: given.AsLines = False,
) -> None:
    """Update order statuses in a sheet, or show those of orders.

    Places nothing.
    """
    if options is None:
        show_statuses(account, campaign, order_id or (), final or (), every=every, as_json=as_json)
        return
    if order_id or every:
        raise ConfigurationError(_("Pass a sheet, --campaign, --order-id or --all"))
    panel = given.panel_for(options.account)
    listening = _listening(options, agreed=False, as_json=as_json, as_lines=as_lines)
    with listening as listener, given.open_journal() as journal:
        outcome = runner.status(options, panel, journal, listener)
    as_json = as_json or as_lines
    out = console(quiet=as_json)
    if outcome.plan.problems:
        show_problems(out, outcome.plan.problems)
    show_warnings(out, outcome.plan.journal_warnings.warnings)
    _end(outcome, as_json=as_json, name="status")


def _listening(
    options: Options, *, agreed: bool, as_json: bool, as_lines: bool
) -> "Lines | Bars | nullcontext[RunListener]":
    if as_json and as_lines:
        raise ConfigurationError(_("{one} and {other} cannot be used together", one="--json", other="--json-lines"))
    if as_lines:
        return nullcontext(JsonLines(agreed=agreed))
    if as_json:
        return nullcontext(RunListener(agreed=agreed))
    later = "" if options.wait == 0 else again("status", options, wait=None, poll=None)
    return listener_for(*consoles(as_json=False), agreed=agreed, later=later)


def _end(outcome: RunResult, *, as_json: bool, name: str = "run") -> None:
    with without_output():
        if as_json:
            print_json(outcome_object(outcome, gather=iter))
        out = console(quiet=as_json)
        if outcome.declined:
            out.print(_("Cancelled. Nothing was sent."))
        else:
            show_outcome(out, outcome, name)
    raise typer.Exit(int(outcome.exit_status))
