"""`smmplus demo`, the whole job on sample sheets against a simulated panel, and `smmplus sandbox`, that panel alone."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bulk.cli.error_handling import failing
from bulk.cli.json_output import outcome_object, print_json
from bulk.cli.options import AsJson
from bulk.cli.progress import listener_for
from bulk.cli.tables import console, show_outcome, show_plan, show_sheet
from bulk.model.errors import SheetError
from bulk.model.options import Options
from bulk.reading import read_sheet
from bulk.running import run
from bulk.running.events import RunListener
from bulk.running.result import RunResult
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError
from smmplus.journal.journal import Journal
from smmplus.texts import _

_SPEED = "600"
"""Sandbox seconds a second: orders that take 20 minutes are final in 2 seconds."""

_MARK = ".made-by-smmplus-demo"


@failing
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Folder for the sample sheets.", metavar="FOLDER")] = Path(
        "smmplus-demo"
    ),
    page: Annotated[bool, typer.Option("--page", help="Show the page of `smmplus serve`, with samples.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try everything on sample sheets, without an account.

    Orders go to a simulated panel. No money is spent.
    """
    if page:
        _page(folder)
        return
    out, progress = console(quiet=as_json), console(stderr=True, quiet=as_json)
    _fresh_copies(folder)
    with _simulated_panel(folder) as panel, Journal(f"sqlite:///{(folder / 'journal.sqlite3').absolute()}") as journal:
        _title(out, _("1. A sheet with mistakes: smmplus check {path}", path=folder / "with_problems.csv"))
        _check(out, Options(folder / "with_problems.csv", rate=0), panel, journal)
        _title(out, _("2. A campaign: smmplus run {path}", path=folder / "campaign.xlsx"))
        options = Options(folder / "campaign.xlsx", rate=0, wait=None, poll=1)
        _run(out, progress, options, panel, journal)
        _title(out, _("3. The sheet now: {path}", path=options.path))
        show_sheet(out, read_sheet(options.path))
        _title(out, _("4. The same command once more"))
        outcome = _run(out, progress, options, panel, journal)
    if as_json:
        print_json(outcome_object(outcome))
    words = _("Done. Look at {path}: formulas, colours and notes are as they were.", path=folder / "campaign.xlsx")
    _title(out, words)


def _page(folder: Path) -> None:
    """Serve the page with three sheets, of which one is placed."""
    from bulk.cli.serve import local_home, serve_page  # noqa: PLC0415 (needs the extra packages)

    _fresh_copies(folder)
    with _simulated_panel(folder) as panel:
        journal = f"sqlite:///{(folder / 'journal.sqlite3').absolute()}"
        os.environ.update(SMMPLUS_API_KEY=panel.key, SMMPLUS_API_URL=panel.url, SMMPLUS_JOURNAL=journal)
        home = local_home(folder / "uploads", rate=0)
        for name in ("kampanye.csv", "with_problems.csv", "campaign.xlsx"):
            data = (folder / name).read_bytes()
            upload = home.uploads.add(name, data, account="default", campaign=Path(name).stem, by="demo")
            if name == "kampanye.csv":
                with home.journal("default") as opened:
                    options = upload.options(home.uploads.file_of(upload), rate=0)
                    run.run(options, panel, opened, RunListener(agreed=True))
        serve_page(home, "127.0.0.1", 0, browser=True)


def _check(out: Console, options: Options, panel: Panel, journal: Journal) -> None:
    plan = run.check(options, panel, journal)
    show_plan(out, plan)
    if plan.blocker:
        out.print(Text(plan.blocker.message, "red"))


def _run(out: Console, progress: Console, options: Options, panel: Panel, journal: Journal) -> RunResult:
    with listener_for(out, progress, agreed=True) as listener:
        outcome = run.run(options, panel, journal, listener)
    show_outcome(out, outcome)
    if outcome.exit_status:
        raise typer.Exit(int(outcome.exit_status))
    return outcome


def _title(out: Console, text: str) -> None:
    out.print()
    out.print(Text(text, "bold cyan"))


def _fresh_copies(folder: Path) -> None:
    """Copy the sample sheets into a folder of the demo's own; one that is somebody else's is left alone."""
    if folder.exists() and not (folder / _MARK).exists():
        raise SheetError(
            _("{folder} exists already and was not made by the demo. Use another one with --folder", folder=folder)
        )
    try:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_samples(), folder)
        (folder / _MARK).touch()
    except OSError as error:  # copytree gathers its errors, which have no words of their own
        reason = error.strerror or error
        raise SheetError(
            _("{folder} cannot be written ({reason}): use another one with --folder", folder=folder, reason=reason)
        ) from error


def _samples() -> Path:
    """Find the sample sheets: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "sample_sheets"
    return inside if inside.is_dir() else package.parent / "sample_sheets"


@contextmanager
def _simulated_panel(folder: Path) -> Iterator[Panel]:
    command = [
        sys.executable,
        "-m",
        "smmplus.sandbox",
        "--port",
        "0",
        "--speed",
        _SPEED,
        "--ledger",
        str(folder / "ledger.jsonl"),
        "--until-eof",
    ]
    # The input is only there to end with this process, however that ends: the panel would hold its port for ever.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 (our own arguments)
        try:
            yield _first_lines(process)
        finally:
            process.terminate()


def _first_lines(process: "subprocess.Popen[str]") -> Panel:
    """Read the address and the key that the sandbox prints first."""
    found: dict[str, str] = {}
    for line in process.stdout or ():
        name, value = line.strip().partition(": ")[::2]
        found[name] = value
        if "address" in found and "key" in found:
            return Panel(key=found["key"].split()[-1], url=found["address"])
    raise ConfigurationError(_("the simulated panel did not start"))


sandbox = typer.Typer(rich_markup_mode=None, add_completion=False)


@sandbox.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def _sandbox(context: typer.Context) -> None:
    """Start a simulated panel."""
    # In this process: a child would go on, and hold the port, if a signal ended only this one. It is not imported,
    # because nothing of the client may share code with the panel that tests it.
    sys.argv[1:] = context.args
    runpy.run_module("smmplus.sandbox", run_name="__main__", alter_sys=True)
