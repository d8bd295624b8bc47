"""`smmplus journal`: what it holds, whether it is sound, and how it is exported, backed up, moved and restored."""

import os
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.journal_export import export_csv
from bulk.cli.json_output import print_json
from bulk.cli.progress import asked
from bulk.cli.tables import MOST_PROBLEMS, WARNING, console, table
from bulk.model.errors import ExitStatus
from smmplus.commands import local_time
from smmplus.errors import ConfigurationError, JournalError, JournalInUseError
from smmplus.journal.backends import postgres, sqlite
from smmplus.journal.backends.open import default_url, snapshot
from smmplus.journal.backends.open import where as name_of
from smmplus.journal.backends.sqlite_file import is_there
from smmplus.journal.journal import Journal
from smmplus.journal.lost_commits import why_lost
from smmplus.journal.maintenance.backup_and_move import Copied, back_up, finish_move, move
from smmplus.journal.maintenance.integrity import Summary, Violation, audit, summary_of
from smmplus.journal.maintenance.restore import backup_of, confirm_restored, made_at, restore
from smmplus.journal.state_machine import State
from smmplus.texts import counted

MOST_FINDINGS = 1000

journal = typer.Typer(rich_markup_mode=None, add_completion=False)


@journal.callback(invoke_without_command=True)
def _journal(context: typer.Context, as_json: given.AsJson = False) -> None:
    """Show, verify, export or back up the journal.

    Without a command: which journal it is, how large it is, and how many orders are in each state.
    """
    if context.invoked_subcommand is None:
        _show(as_json=as_json)


@failing
def _show(*, as_json: bool) -> None:
    with _opened() as opened:
        summary = summary_of(opened)
    if as_json:
        print_json(_summary_object(summary))
    else:
        _show_summary(summary)


@journal.command()
@failing
def check(
    which: Annotated[
        str | None, typer.Argument(help="File of a journal or a backup. By default, the journal.", metavar="[FILE]")
    ] = None,
    as_json: given.AsJson = False,
) -> None:
    """Verify the integrity of a journal or a backup.

    Changes nothing. The exit status is 3 if a problem is found.
    """
    url = _url() if which is None else _url_of(which)
    findings: list[Violation] = []
    try:
        with snapshot(url) as connection:
            findings += islice(audit(connection), MOST_FINDINGS)
        if not findings and (why := why_lost(url)):
            findings.append(
                Violation("the journal", f"has lost its latest commits: {why}. The next run says what to do")
            )
    except JournalInUseError:  # whether it is intact is not known
        raise
    except JournalError as error:
        findings.append(Violation("the journal", str(error)))
    if as_json:
        found = [{"where": finding.where, "what": finding.what} for finding in findings]
        print_json({"journal": name_of(url), "sound": not findings, "findings": found})
    else:
        _show_findings(name_of(url), findings)
    if findings:
        raise typer.Exit(int(ExitStatus.PROBLEMS))


@journal.command()
@failing
def export(
    file: Annotated[Path, typer.Argument(help="The CSV file to write; - for standard output.", allow_dash=True)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Write all orders to a CSV file, with exact amounts."""
    with snapshot(_url()) as connection:
        orders = export_csv(connection, None if str(file) == "-" else file, force=force)
    if as_json:
        print_json({"file": str(file), "orders": orders}, err=str(file) == "-")
    elif str(file) != "-":
        _say(f"Wrote {counted(orders, 'order')} to {file}")


@journal.command()
@failing
def copy(
    to: Annotated[
        str, typer.Argument(help="A new file: a backup. Or postgresql://user@host/database: it moves there.")
    ],
    as_json: given.AsJson = False,
) -> None:
    """Back up the journal, or move it to PostgreSQL.

    A backup can be made while orders are placed.
    """
    if postgres.is_meant_by(to):
        copied = _move(to)
    else:
        with _opened() as opened:
            copied = back_up(_url(), sqlite.path_of(_url_of(to)), opened.time())
    if as_json:
        findings = [{"where": finding.where, "what": finding.what} for finding in copied.findings]
        print_json({"copy": copied.where, "orders": copied.orders, "findings": findings})
        return
    _say(f"Copied {counted(copied.orders, 'order')} to {copied.where}, read back and compared")
    if postgres.is_meant_by(to):
        _say(f"The journal has moved there: set SMMPLUS_JOURNAL to {to}. The file no longer places orders.")
    if copied.findings:
        _show_findings("the journal", list(copied.findings))


@journal.command(name="restore")
@failing
def restore_command(
    backup: Annotated[Path, typer.Argument(help="A backup that `smmplus journal copy` made.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Restore the journal from a backup.

    The backup does not contain orders that were placed after it was made.
    """
    at = made_at(backup)
    if not as_json:
        _say(f"The backup was made on {local_time(at)}. It does not contain orders placed since then. {_SINCE}")
    if not (yes or asked("Use it as the journal?")):
        raise ConfigurationError("not confirmed, nothing was restored. To skip the question, add --yes")
    restored = restore(backup, _url(), datetime.now(UTC).isoformat(timespec="milliseconds"))
    if as_json:
        print_json({"journal": name_of(_url()), "backup_of": restored.at, "doubts": restored.doubts})
        return
    _say(f"{name_of(_url())} is the journal now.")
    if restored.doubts:
        _say(
            f"{counted(restored.doubts, 'order')} in doubt: they may have been placed since the backup. "
            "To list them: smmplus doubts"
        )


_SINCE = (
    "Check the panel's order page for later orders. A sheet that has their rows without order IDs would place them "
    "again: delete those rows first."
)


@journal.command(name="settle")
@failing
def settle_command(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: given.AsJson = False,
) -> None:
    """Confirm that sheets match a restored journal.

    Before, take rows that were placed after the backup out of every sheet. After that, runs stop asking about them.
    """
    with _opened() as opened:
        backup = backup_of(opened)
        if backup is None:
            raise ConfigurationError(
                f"{opened.where} was not restored from a backup and lost nothing: there is nothing to confirm"
            )
        if not (yes or asked(f"Is every row that was placed after {local_time(backup.made_at)} out of every sheet?")):
            raise ConfigurationError("not confirmed, nothing was recorded. To skip the question, add --yes")
        confirm_restored(opened)
    if as_json:
        print_json({"journal": opened.where, "settled": True})
    else:
        _say(f"{opened.where}: runs no longer ask about orders placed after {local_time(backup.made_at)}")


def _move(to: str) -> Copied:
    url = _url()
    if not postgres.is_meant_by(url) and (orders := finish_move(sqlite.path_of(url), to)) is not None:
        return Copied(name_of(to), orders, ())
    with _opened() as opened:
        if opened.path is None:
            raise ConfigurationError(
                "the journal is in PostgreSQL already. Copy it there with pg_dump, or into a file as a backup"
            )
        return move(opened, to)


def _url() -> str:
    return os.environ.get("SMMPLUS_JOURNAL") or default_url()


def _url_of(file: str) -> str:
    """Take a file's path for a journal's URL."""
    return file if "://" in file else sqlite.url_of(Path(file).expanduser())


def _opened() -> Journal:
    """Open the journal; where there is none yet, none is made for being looked at."""
    url = _url()
    if not postgres.is_meant_by(url) and not is_there(sqlite.path_of(url)):
        raise JournalError(f"there is no journal {name_of(url)} yet")
    return Journal(url)


def _say(words: str) -> None:
    console().print(words, markup=False, soft_wrap=True)


def _show_summary(summary: Summary) -> None:
    out = console()
    for name, value in (("journal", summary.where), ("uuid", summary.uuid), ("version", summary.version)):
        out.print(Text(f"{name}: {value}"), soft_wrap=True)
    out.print(f"size: {summary.size / 1_000_000:.1f} MB")
    if summary.lost:
        words = (
            f"it lost everything recorded after {local_time(summary.restored)} ({summary.lost}): orders placed since "
            "then may be unknown"
        )
        out.print(Text(words, WARNING), soft_wrap=True)
    elif summary.restored:
        words = (
            f"restored from a backup of {local_time(summary.restored)}: orders placed between the backup and its "
            "restoration are unknown"
        )
        out.print(Text(words, WARNING))
    shown = table("account", "panel", "state", "orders", right=("orders",), wrap=("panel",))
    for count in summary.counts:
        shown.add_row(*(Text(cell) for cell in (count.account, count.url, count.state.words, str(count.orders))))
    out.print(shown if summary.counts else "No orders yet.")
    if doubts := summary.orders(State.IN_DOUBT):
        out.print(Text(f"{counted(doubts, 'order')} in doubt. To list: smmplus doubts", WARNING))
    for path in summary.rescues:
        words = f"{path} keeps order IDs that the next run records: do not delete it"
        out.print(Text(words, WARNING), soft_wrap=True)


def _summary_object(summary: Summary) -> dict[str, object]:
    return {
        "journal": summary.where,
        "uuid": summary.uuid,
        "schema_version": int(summary.version),
        "size": summary.size,
        "orders": [
            {"account": count.account, "url": count.url, "state": count.state.value, "orders": count.orders}
            for count in summary.counts
        ],
        "in_doubt": summary.orders(State.IN_DOUBT),
        "restored_from_backup_of": summary.restored or None,
        "lost": summary.lost or None,
        "rescue_files": [str(path) for path in summary.rescues],
    }


def _show_findings(where: str, findings: list[Violation]) -> None:
    out = console()
    if not findings:
        out.print(Text(f"{where}: no problems found"), soft_wrap=True)
        return
    out.print(Text(f"{where}: problems found:", "red"), soft_wrap=True)
    for finding in findings[:MOST_PROBLEMS]:
        out.print(Text(f"  {finding.where}: {finding.what}"), soft_wrap=True)
    if len(findings) > MOST_PROBLEMS:
        out.print(f"… and {len(findings) - MOST_PROBLEMS} more (--json shows up to {MOST_FINDINGS})")
    out.print("Do not place orders with it until this is explained. Keep the file as it is, and look for a backup.")
