"""Detect a journal that lacks its latest commits: its log was lost, or the file is an older copy.

Such a journal is treated like one that was restored from a backup: orders that it has as unsent may have been sent, and
rows that are new to it may have been placed. Only a person can know. It gets a new uuid, so that an Airflow task that
began with the lost commits stops.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Column, Connection, bindparam, func, insert, select, update

from smmplus.errors import JournalError, JournalInUseError
from smmplus.journal import metadata
from smmplus.journal.backends import location, postgres, sqlite
from smmplus.journal.backends.file_locks import FileLocks
from smmplus.journal.backends.open import snapshot
from smmplus.journal.backends.run_traces import Trace, Traces
from smmplus.journal.entry import decimal_or_none
from smmplus.journal.schema import balances, batches, campaigns, entries, follow_ups, notes, order_ids, runs
from smmplus.journal.state_machine import Event, State, after
from smmplus.orders.decimals import EXACT
from smmplus.texts import _


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a journal with the traces of its runs."""

    why: str
    """The sign that commits are lost; "" if none are."""
    dead: frozenset[str]
    """Runs that died while they had the journal open."""
    lacking: tuple[Trace, ...]
    """Traces of runs that the journal does not know."""
    commits: int


def why_lost(url: str) -> str:
    """Return the sign that a journal lost commits, without changing it; "" if there is none, or it is a backup."""
    if postgres.is_meant_by(url):
        return ""  # when it is opened
    with snapshot(url) as connection:
        said = metadata.read(connection)
    if metadata.unusable(said, url):
        return ""
    path = location.real(sqlite.path_of(url))
    locks, traces = FileLocks(path.with_name(path.name + ".locks")), Traces(path, said[metadata.UUID_NAME])

    def is_alive(run: str) -> bool:
        free = locks.take(f"run-{run}")
        locks.drop(f"run-{run}", forever=True)
        return not free or traces.is_alive(run)

    found = traces.found()
    with snapshot(url) as connection:
        return compare(connection, found, is_alive, beside=True).why


def must_be_whole(
    connection: Connection, found: Sequence[Trace], is_alive: Callable[[str], bool], where: str, *, beside: bool
) -> None:
    """Raise JournalError if a journal lost commits since it was opened. Opening it again handles that."""
    if why := compare(connection, found, is_alive, beside=beside).why:
        raise JournalError(
            _("the journal {journal} has lost commits: {why}. Nothing was sent; run it again", journal=where, why=why)
        )


def compare(
    connection: Connection, found: Sequence[Trace], is_alive: Callable[[str], bool], *, beside: bool
) -> Comparison:
    """Compare a journal with traces. The traces must be read before it, because those of live runs grow.

    `beside`: the traces of all its runs must be here. Raises JournalInUseError if it lacks what a live run did.
    """
    said = metadata.read(connection)
    known = set(connection.execute(select(runs.c.id).where(runs.c.id.in_({trace.run for trace in found}))).scalars())
    commits = int(said.get(metadata.COMMITS, "0"))
    ahead = list(contradictions(found, known, commits))
    if alive := [trace for trace in ahead if is_alive(trace.run)]:
        raise JournalInUseError(
            _(
                "{process} is placing orders, and this journal does not have its orders: the file was replaced. "
                "Nothing was sent. Stop that process, bring back the file that it used, with all files that begin with "
                "its name, and run again",
                process=alive[0].words,
            )
        )
    dead = frozenset(run for run in metadata.opens(said) if not is_alive(run))
    traceless = dead - {trace.run for trace in found} if beside else frozenset()
    lacking = tuple(trace for trace in ahead if trace.run not in known)
    highest = max([commits, *(trace.commits for trace in found)])
    return Comparison(_words(ahead, known, traceless), dead, lacking, highest)


def contradictions(found: Iterable[Trace], known: Collection[str], commits: int) -> Iterator[Trace]:
    """Yield the traces of what a journal lacks. A run that had committed nothing lacks nothing."""
    return (trace for trace in found if trace.commits and (trace.run not in known or trace.commits > commits))


def _words(ahead: Sequence[Trace], known: Collection[str], traceless: Collection[str]) -> str:
    for trace in ahead:
        what = "it lacks the last commits of" if trace.run in known else "it does not know"
        return f"{what} the run of {trace}"
    if traceless:
        return "a run died while it had the journal open, and the files that belong next to the journal are gone"
    return ""


def treat_as_restored(connection: Connection, seen: Comparison, now: str) -> tuple[str, int]:
    """Treat a journal that lacks commits as restored. Return up to when it is complete, and the number of doubts."""
    at = _latest(connection) or min((trace.started_at for trace in seen.lacking), default=now)
    for name, value in {
        metadata.UUID_NAME: str(uuid4()),
        metadata.RESTORED: at,
        metadata.RESTORED_AT: now,
        metadata.LOST: seen.why,
        metadata.COMMITS: str(seen.commits + 1),
    }.items():
        metadata.put(connection, name, value)
    rows = {
        trace.run: {"id": trace.run, "pid": trace.pid, "host": trace.host, "user": trace.user, "ended_at": now}
        | {"started_at": trace.started_at}
        for trace in seen.lacking
    }
    if rows:  # known from now on, so that this loss is not reported twice
        connection.execute(insert(runs), list(rows.values()))
    mark_closed(connection, seen.dead)
    return at, put_in_doubt(connection, at, now, f"the journal lost what was written into it after {at}")


def mark_closed(connection: Connection, dead: Iterable[str]) -> None:
    """Record that runs do not have the journal open any more."""
    for run in dead:
        metadata.take_away(connection, f"{metadata.OPEN}{run}")


def put_in_doubt(connection: Connection, at: str, now: str, why: str) -> int:
    """Put unsent orders in doubt, because they may have been sent since `at`. Return how many."""
    words = f"{why}: it may have been placed since"
    spent = {row.id: EXACT.create_decimal(row.spent) for row in connection.execute(select(campaigns))}
    rows = []
    for row in connection.execute(_UNSENT):
        state = after(State(row.state), Event.RESTORED)
        rows.append({"of": row.id, "new_state": state.value})
        spent[row.campaign_id] = EXACT.add(spent[row.campaign_id], decimal_or_none(row.cost) or 0)
    if rows:
        # `sent_at` is the earliest time at which they may have been sent.
        connection.execute(_DOUBT.values(error=words, sent_at=at, settled_at=now, meaning=""), rows)
        values: list[Mapping[str, object]] = [
            {"of": campaign, "new_spent": str(amount)} for campaign, amount in spent.items()
        ]
        connection.execute(_SPENT, values)
    return len(rows)


def _latest(connection: Connection) -> str:
    """Return the latest time in a journal: up to then nothing is lost."""
    return max(connection.execute(select(func.max(column))).scalar_one() or "" for column in _TIMES)


_TIMES: tuple[Column[str], ...] = (
    runs.c.started_at,
    runs.c.ended_at,
    batches.c.created_at,
    batches.c.finished_at,
    entries.c.sent_at,
    entries.c.settled_at,
    entries.c.polled_at,
    order_ids.c.recorded_at,
    balances.c.at,
    notes.c.at,
    follow_ups.c.sent_at,
    follow_ups.c.settled_at,
)
_UNSENT = select(entries.c.id, entries.c.campaign_id, entries.c.state, entries.c.cost).where(
    entries.c.state.in_([State.NOT_SENT.value, State.REJECTED.value])
)
_DOUBT = update(entries).where(entries.c.id == bindparam("of")).values(state=bindparam("new_state"))
_SPENT = update(campaigns).where(campaigns.c.id == bindparam("of")).values(spent=bindparam("new_spent"))
