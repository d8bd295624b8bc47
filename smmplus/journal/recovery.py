"""Recovery: record what crashed runs left, put orders in doubt, and detect a journal that lost its latest commits.

A crashed run may have left order ids in its rescue file. They are recorded first, before its orders are put in doubt,
and before a journal that lost commits gets its new uuid.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, select

from smmplus.commands import local_time
from smmplus.errors import JournalConflictError
from smmplus.journal import group_commit, lost_commits, rescue_file
from smmplus.journal import queries as entry_queries
from smmplus.journal.entry import Entry
from smmplus.journal.rescue_file import Line
from smmplus.journal.resolution import move
from smmplus.journal.run_presence import OpenJournal
from smmplus.journal.schema import entries, order_ids, runs
from smmplus.journal.state_machine import Event, Outcome, State, Transition
from smmplus.texts import _, marked

_log = logging.getLogger(__name__)


def notice_losses(journal: OpenJournal) -> bool:
    """Compare a journal with the traces of its runs. If it lacks commits, treat it as restored, and return True.

    Raises JournalInUseError if it lacks what a live run did.
    """
    traces, beside = (
        journal.traces.found(),
        journal.path is not None,
    )  # read before the journal, because traces of live runs grow
    with journal.reading() as connection:
        seen = lost_commits.compare(connection, traces, journal.may_live, beside=beside)
    if seen.why:  # before the uuid changes: rescue files name the journal by it
        record_rescued_ids(journal)
    if not (seen.why or seen.dead):
        return False
    with journal.transaction() as connection:
        seen = lost_commits.compare(
            connection, traces, journal.may_live, beside=beside
        )  # another process may have done it meanwhile
        if not seen.why:
            lost_commits.mark_closed(connection, seen.dead)
            return False
        at, doubts = lost_commits.treat_as_restored(connection, seen, journal.time())
    _log.warning(_told(journal.where, seen.why, at, doubts))
    return True


def _told(where: str, why: str, at: str, doubts: int) -> str:
    orders = _("Its {count} unsent orders are in doubt now (`smmplus doubts`).", count=doubts) + " " if doubts else ""
    return _(
        "the journal {journal} has lost what was written into it after {time}: {why}. {orders}Rows that are new to it "
        "are not sent before you confirm that they were not placed since. If the complete journal still exists, bring "
        "it back with all files that begin with its name",
        journal=where,
        time=local_time(at),
        why=why,
        orders=orders,
    )


def record_rescued_ids(journal: OpenJournal) -> None:
    """Record the order ids that dead runs left in their rescue files, and remove those files.

    It can be repeated after a crash. A file with lines that cannot be read, or do not belong to this journal, is kept.
    That, and every alarm, is logged.
    """
    for path in rescue_files(journal):
        if journal.is_run_alive(path.name.partition(".")[0]):
            continue
        try:
            lines, damaged = rescue_file.read_lines(path)
        except FileNotFoundError:
            continue  # another process has recorded it
        except OSError as error:
            _log.warning(
                _("the rescue file {path} may hold order ids, and cannot be read: {error}", path=path, error=error)
            )
            continue
        strange = _record(journal, path, lines)
        if damaged or strange:
            _tell_of_what_stays(path, damaged, strange)
        else:
            path.unlink(missing_ok=True)


def rescue_files(journal: OpenJournal) -> list[Path]:
    """Return a journal's rescue files: in its folder and, if that was deleted, in the user's data folder."""
    folders = dict.fromkeys([journal.rescues, rescue_file.folder_of(None, journal.uuid)])
    return [path for folder in folders for path in rescue_file.files_in(folder)]


def is_left(journal: OpenJournal, connection: Connection) -> bool:
    """Return whether a file has an order id that `record_rescued_ids` would record."""
    for path in rescue_files(journal):
        with suppress(OSError):
            lines = rescue_file.read_lines(path)[0]
            fitting, _strange = _told_apart(connection, lines, journal.uuid)
            if any(not _is_on_record(connection, line) for line in fitting):
                return True
    return False


def _record(journal: OpenJournal, path: Path, lines: Sequence[Line]) -> list[Line]:
    """Record lines in one transaction, and return those that do not belong to this journal."""
    if not lines:
        return []
    journal_uuid = journal.uuid
    with journal.transaction() as connection:
        fitting, strange = _told_apart(connection, lines, journal_uuid)
        new = [line for line in fitting if not _is_on_record(connection, line)]
        alarms = [words for line in new for words in _settle(connection, line, journal.time())]
    if new:
        _log.warning(_("order ids from the rescue file {path} were recorded: {ids}", path=path, ids=_ids(new)))
    for alarm in alarms:
        _log.error("ALARM: %s", alarm)
    return strange


def _settle(connection: Connection, line: Line, now: str) -> Iterator[str]:
    outcome = Outcome(line.entry, line.attempt, Event.ORDER_ID, line.order_id)
    (change,) = group_commit.apply(connection, [outcome], run_id=line.run, now=now)
    entry = entry_queries.with_ids(connection, [line.entry])[line.entry]
    if not isinstance(change, Transition):
        yield _(
            "{order}: the panel answered with order {order_id}, which already belongs to another row",
            order=entry.name,
            order_id=line.order_id,
        )
    elif change.alarm:
        yield f"{entry.name}: {change.alarm}"


def _told_apart(connection: Connection, lines: Sequence[Line], journal_uuid: str) -> tuple[list[Line], list[Line]]:
    """Return the lines that belong to this journal, and those that do not."""
    known = _known(connection, lines)
    strange = [line for line in lines if line.journal != journal_uuid or not _fits(line, known.get(line.entry))]
    return [line for line in lines if line not in strange], strange


def _known(connection: Connection, lines: Sequence[Line]) -> dict[int, tuple[int, str]]:
    """Return number and run of the latest attempt, by entry, for lines of runs that this journal knows."""
    known_runs = select(runs.c.id).where(runs.c.id.in_({line.run for line in lines}))
    there = set(connection.execute(known_runs).scalars())
    ids = {line.entry for line in lines if line.run in there}
    found = select(entries.c.id, entries.c.attempt, entries.c.run_id).where(entries.c.id.in_(ids))
    return {row.id: (row.attempt, row.run_id or "") for row in connection.execute(found)}


def _fits(line: Line, sent: tuple[int, str] | None) -> bool:
    """Return whether an entry was sent as the line says. In a restored journal the number may be another's."""
    if sent is None:
        return False
    attempt, run = sent
    return attempt > line.attempt or (attempt == line.attempt and run == line.run)


def _is_on_record(connection: Connection, line: Line) -> bool:
    columns = order_ids.c
    same = (columns.entry_id == line.entry) & (columns.order_id == line.order_id)
    return connection.execute(select(columns.entry_id).where(same)).first() is not None


def _ids(lines: Sequence[Line]) -> str:
    return ", ".join(line.order_id for line in lines)


def _tell_of_what_stays(path: Path, damaged: int, strange: Sequence[Line]) -> None:
    text = marked("order {order_id} (sent at {at}) does not belong to this journal")
    lines = [_(text, order_id=line.order_id, at=line.at) for line in strange]
    lines += [_("{count} of its lines cannot be read", count=damaged)] if damaged else []
    _log.warning(
        _(
            "the rescue file {path} is kept: {reasons}. Look for those orders on the panel's order page, resolve them "
            "with `smmplus resolve`, and delete the file",
            path=path,
            reasons="; ".join(lines),
        )
    )


def mark_in_doubt(connection: Connection, is_alive: Callable[[str], bool], now: str) -> list[Entry]:
    """Put entries in doubt that crashed runs left as sending, and return them."""
    dead: dict[str | None, bool] = {}
    left = []
    for entry in entry_queries.unsettled(connection, None, State.SENDING):
        if entry.run_id not in dead:
            dead[entry.run_id] = entry.run_id is None or not is_alive(entry.run_id)
        if dead[entry.run_id]:
            left.append(entry)
    error = "the process that sent it is gone; it is not known whether the panel placed it"
    for entry in left:
        move(connection, entry, Event.DEATH, {"settled_at": now, "error": error})
    return left


def find_by_name(connection: Connection, name: str, account_id: int) -> Entry:
    """Find an entry by its name, "campaign/key"; raise JournalConflictError if there is none."""
    campaign, _slash, key = name.rpartition("/")
    campaign_id = entry_queries.find_campaign(connection, account_id, campaign)
    found = {} if campaign_id is None else entry_queries.with_keys(connection, campaign_id, [key])
    if key not in found:
        raise JournalConflictError(
            _("there is no order {order!r} in the journal: `smmplus doubts` shows the names", order=name)
        )
    return found[key]
