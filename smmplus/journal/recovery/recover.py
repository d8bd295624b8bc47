"""Recovery: put on record what crashed runs left, and find out where the journal itself lost its latest commits.

A crashed run may have left order ids in its rescue file. They go into the journal before anything else is decided on
what the run left, also where the journal is about to become another one because commits of it are lost.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, select

from smmplus.journal import group_commit, lost_commits, rescue_file
from smmplus.journal import queries as entry_queries
from smmplus.journal.rescue_file import Line
from smmplus.journal.run_presence import OpenJournal
from smmplus.journal.schema import entries, order_ids, runs
from smmplus.journal.state_machine import Event, Outcome, Transition

_log = logging.getLogger(__name__)


def notice_losses(journal: OpenJournal) -> bool:
    """Hold a journal against the traces of its runs; where it lacks any, make it one that was restored.

    JournalInUseError where it lacks what a live run did.
    """
    traces, beside = journal.traces.found(), journal.path is not None  # read first: those of live runs grow
    with journal.reading() as connection:
        seen = lost_commits.standing(connection, traces, journal.may_live, beside=beside)
    if seen.why:  # order ids that wait for this journal are known by its uuid
        take_up(journal)
    if not (seen.why or seen.dead):
        return False
    with journal.transaction() as connection:
        seen = lost_commits.standing(
            connection, traces, journal.may_live, beside=beside
        )  # another may have been quicker
        if not seen.why:
            lost_commits.mark_closed(connection, seen.dead)
            return False
        at, doubts = lost_commits.take_for_lost(connection, seen, journal.time())
    _log.warning(_told(journal.where, seen.why, at, doubts))
    return True


def _told(where: str, why: str, at: str, doubts: int) -> str:
    orders = f"{doubts} orders that it holds unsent are in doubt (`smmplus doubts`), and r" if doubts else "R"
    return (
        f"the journal {where} has lost what was written into it after {at}: {why}. {orders}ows that are new to it are "
        "not sent before you say that they were not placed since. If the whole journal still is somewhere, bring it "
        "back with all that begins with its name"
    )


def take_up(journal: OpenJournal) -> None:
    """Put the order ids that dead runs left in their rescue files into the journal, and remove those files.

    Once more after a crash does no harm. What cannot be read, or fits nothing in this journal, stays where it is; a
    person is told of it, and of every alarm, in the log.
    """
    for path in found(journal):
        if journal.is_run_alive(path.name.partition(".")[0]):
            continue
        try:
            lines, damaged = rescue_file.read(path)
        except FileNotFoundError:
            continue  # another process was quicker
        except OSError as error:
            _log.warning("the rescue file %s may hold order ids, and cannot be read: %s", path, error)
            continue
        strange = _attach(journal, path, lines)
        if damaged or strange:
            _tell_of_what_stays(path, damaged, strange)
        else:
            path.unlink(missing_ok=True)


def found(journal: OpenJournal) -> list[Path]:
    """Find a journal's rescue files: in its folder, and of runs whose folder was deleted, among the user's data."""
    folders = dict.fromkeys([journal.rescues, rescue_file.folder_of(None, journal.uuid)])
    return [path for folder in folders for path in rescue_file.files_in(folder)]


def is_left(journal: OpenJournal, connection: Connection) -> bool:
    """Tell whether a file holds an order id that `take_up` would put on record."""
    for path in found(journal):
        with suppress(OSError):
            lines, _ = rescue_file.read(path)
            fitting, _ = _told_apart(connection, lines, journal.uuid)
            if any(not _is_on_record(connection, line) for line in fitting):
                return True
    return False


def _attach(journal: OpenJournal, path: Path, lines: Sequence[Line]) -> list[Line]:
    """Put lines on record in one transaction, and give those that fit nothing in this journal."""
    if not lines:
        return []
    journal_uuid = journal.uuid
    with journal.transaction() as connection:
        fitting, strange = _told_apart(connection, lines, journal_uuid)
        new = [line for line in fitting if not _is_on_record(connection, line)]
        alarms = [words for line in new for words in _settle(connection, line, journal.time())]
    if new:
        _log.warning("order ids were in the rescue file %s, and are on record now: %s", path, _ids(new))
    for alarm in alarms:
        _log.error("ALARM: %s", alarm)
    return strange


def _settle(connection: Connection, line: Line, now: str) -> Iterator[str]:
    outcome = Outcome(line.entry, line.attempt, Event.ORDER_ID, line.order_id)
    (change,) = group_commit.apply(connection, [outcome], run_id=line.run, now=now)
    entry = entry_queries.with_ids(connection, [line.entry])[line.entry]
    if not isinstance(change, Transition):
        yield f"{entry.name}: the panel answered with order {line.order_id}, which is another row's already"
    elif change.alarm:
        yield f"{entry.name}: {change.alarm}"


def _told_apart(connection: Connection, lines: Sequence[Line], journal_uuid: str) -> tuple[list[Line], list[Line]]:
    """Give the lines that belong into this journal, and those that fit nothing in it."""
    known = _known(connection, lines)
    strange = [line for line in lines if line.journal != journal_uuid or not _fits(line, known.get(line.entry))]
    return [line for line in lines if line not in strange], strange


def _known(connection: Connection, lines: Sequence[Line]) -> dict[int, tuple[int, str]]:
    """Give number and run of the latest sending, by entry, for lines of runs that this journal knows."""
    known_runs = select(runs.c.id).where(runs.c.id.in_({line.run for line in lines}))
    there = set(connection.execute(known_runs).scalars())
    ids = {line.entry for line in lines if line.run in there}
    found = select(entries.c.id, entries.c.attempt, entries.c.run_id).where(entries.c.id.in_(ids))
    return {row.id: (row.attempt, row.run_id or "") for row in connection.execute(found)}


def _fits(line: Line, sent: tuple[int, str] | None) -> bool:
    """Tell whether an entry was sent as the line says. In a journal from a backup its number may be another's."""
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
    told = [f"order {line.order_id} (sent at {line.at}) fits nothing in this journal" for line in strange]
    told += [f"{damaged} of its lines cannot be read"] if damaged else []
    _log.warning(
        "the rescue file %s stays: %s. Look for those orders at the panel, settle them with `smmplus resolve`, and "
        "delete the file",
        path,
        "; ".join(told),
    )
