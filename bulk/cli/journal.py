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
from smmplus.texts import _, counted, marked

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
            lost = _("has lost its latest commits: {why}. The next run says what to do", why=why)
            findings.append(Violation(_("the journal"), lost))
    except JournalInUseError:  # whether it is intact is not known
        raise
    except JournalError as error:
        findings.append(Violation(_("the journal"), str(error)))
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
        _say(_("Wrote {orders} to {path}", orders=counted(orders, "order"), path=file))


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
    orders = counted(copied.orders, "order")
    _say(_("Copied {orders} to {path}, read back and compared", orders=orders, path=copied.where))
    if postgres.is_meant_by(to):
        _say(_("The journal has moved there: set SMMPLUS_JOURNAL to {url}. The file no longer places orders.", url=to))
    if copied.findings:
        _show_findings(_("the journal"), list(copied.findings))


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
        made = _(
            "The backup was made on {time}. It does not contain orders placed since then. {advice}",
            time=local_time(at),
            advice=_(_SINCE),
        )
        _say(made)
    if not (yes or asked(_("Use it as the journal?"))):
        raise ConfigurationError(_("not confirmed, nothing was restored. To skip the question, add --yes"))
    restored = restore(backup, _url(), datetime.now(UTC).isoformat(timespec="milliseconds"))
    if as_json:
        print_json({"journal": name_of(_url()), "backup_of": restored.at, "doubts": restored.doubts})
        return
    _say(_("{path} is the journal now.", path=name_of(_url())))
    if restored.doubts:
        orders = counted(restored.doubts, "order")
        _say(
            _(
                "{orders} in doubt: they may have been placed since the backup. To list them: smmplus doubts",
                orders=orders,
            )
        )


_SINCE = marked(
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
                _(
                    "{path} was not restored from a backup and lost nothing: there is nothing to confirm",
                    path=opened.where,
                )
            )
        time = local_time(backup.made_at)
        if not (yes or asked(_("Is every row that was placed after {time} out of every sheet?", time=time))):
            raise ConfigurationError(_("not confirmed, nothing was recorded. To skip the question, add --yes"))
        confirm_restored(opened)
    if as_json:
        print_json({"journal": opened.where, "settled": True})
    else:
        _say(_("{path}: runs no longer ask about orders placed after {time}", path=opened.where, time=time))


def _move(to: str) -> Copied:
    url = _url()
    if not postgres.is_meant_by(url) and (orders := finish_move(sqlite.path_of(url), to)) is not None:
        return Copied(name_of(to), orders, ())
    with _opened() as opened:
        if opened.path is None:
            raise ConfigurationError(
                _("the journal is in PostgreSQL already. Copy it there with pg_dump, or into a file as a backup")
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
        raise JournalError(_("there is no journal {path} yet", path=name_of(url)))
    return Journal(url)


def _say(words: str) -> None:
    console().print(words, markup=False, soft_wrap=True)


def _show_summary(summary: Summary) -> None:
    out = console()
    about = ((_("journal"), summary.where), ("uuid", summary.uuid), (_("version"), summary.version))
    for name, value in about:
        out.print(Text(f"{name}: {value}"), soft_wrap=True)
    out.print(_("size: {megabytes:.1f} MB", megabytes=summary.size / 1_000_000))
    if summary.lost:
        words = _(
            "it lost everything recorded after {time} ({why}): orders placed since then may be unknown",
            time=local_time(summary.restored),
            why=summary.lost,
        )
        out.print(Text(words, WARNING), soft_wrap=True)
    elif summary.restored:
        words = _(
            "restored from a backup of {time}: orders placed between the backup and its restoration are unknown",
            time=local_time(summary.restored),
        )
        out.print(Text(words, WARNING))
    heads = (_("account"), _("panel"), _("state"), _("orders"))
    shown = table(*heads, right=heads[-1:], wrap=heads[1:2])
    for count in summary.counts:
        shown.add_row(*(Text(cell) for cell in (count.account, count.url, _(count.state.words), str(count.orders))))
    out.print(shown if summary.counts else _("No orders yet."))
    if doubts := summary.orders(State.IN_DOUBT):
        out.print(Text(_("{orders} in doubt. To list: smmplus doubts", orders=counted(doubts, "order")), WARNING))
    for path in summary.rescues:
        words = _("{path} keeps order IDs that the next run records: do not delete it", path=path)
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
        out.print(Text(_("{path}: no problems found", path=where)), soft_wrap=True)
        return
    out.print(Text(_("{path}: problems found:", path=where), "red"), soft_wrap=True)
    for finding in findings[:MOST_PROBLEMS]:
        out.print(Text(f"  {finding.where}: {finding.what}"), soft_wrap=True)
    if len(findings) > MOST_PROBLEMS:
        more = len(findings) - MOST_PROBLEMS
        out.print(_("… and {count} more (--json shows up to {limit})", count=more, limit=MOST_FINDINGS))
    out.print(_("Do not place orders with it until this is explained. Keep the file as it is, and look for a backup."))
