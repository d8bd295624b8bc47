"""A journal that lacks its latest commits: its log was lost, or it is an older copy of itself.

It is treated as one that was restored from a backup: what it holds unsent may have been sent, rows that are new to it
may have been placed, and only a person can know. It is another journal from then on, so that a task of Airflow that
began with what was lost stops.
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


@dataclass(frozen=True, slots=True)
class Standing:
    """What a journal knows, held against the traces of its runs."""

    why: str
    """How it shows that commits are lost; "" where none are."""
    dead: frozenset[str]
    """Runs that died with the journal open."""
    lacking: tuple[Trace, ...]
    """Traces of runs that the journal does not know."""
    commits: int


def why_lost(url: str) -> str:
    """Say how a journal shows that it lost commits, without changing it; "" where it shows nothing, or is a backup."""
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
        return standing(connection, found, is_alive, beside=True).why


def must_be_whole(
    connection: Connection, found: Sequence[Trace], is_alive: Callable[[str], bool], where: str, *, beside: bool
) -> None:
    """Refuse to begin a run in a journal that lost commits since it was opened; opened once more, it is dealt with."""
    if why := standing(connection, found, is_alive, beside=beside).why:
        raise JournalError(f"the journal {where} has lost commits: {why}. Nothing was sent; run it again")


def standing(
    connection: Connection, found: Sequence[Trace], is_alive: Callable[[str], bool], *, beside: bool
) -> Standing:
    """Hold a journal against traces that were read before it: those of live runs grow.

    `beside` says that the traces of all its runs must be here. JournalInUseError where it lacks what a live run did.
    """
    said = metadata.read(connection)
    known = set(connection.execute(select(runs.c.id).where(runs.c.id.in_({trace.run for trace in found}))).scalars())
    commits = int(said.get(metadata.COMMITS, "0"))
    ahead = list(contradictions(found, known, commits))
    if alive := [trace for trace in ahead if is_alive(trace.run)]:
        raise JournalInUseError(
            f"{alive[0]} is placing orders, and this journal does not know what it did: the file was replaced under "
            "it. Nothing was sent. Stop that process, bring back the file that it used, with all that begins with its "
            "name, and run again"
        )
    dead = frozenset(run for run in metadata.opens(said) if not is_alive(run))
    traceless = dead - {trace.run for trace in found} if beside else frozenset()
    lacking = tuple(trace for trace in ahead if trace.run not in known)
    highest = max([commits, *(trace.commits for trace in found)])
    return Standing(_words(ahead, known, traceless), dead, lacking, highest)


def contradictions(found: Iterable[Trace], known: Collection[str], commits: int) -> Iterator[Trace]:
    """PURE: give the traces of what a journal lacks. A run that had committed nothing lacks nothing."""
    return (trace for trace in found if trace.commits and (trace.run not in known or trace.commits > commits))


def _words(ahead: Sequence[Trace], known: Collection[str], traceless: Collection[str]) -> str:
    for trace in ahead:
        what = "it lacks the last commits of" if trace.run in known else "it does not know"
        return f"{what} the run of {trace}"
    if traceless:
        return "a run had it open, and died, and nothing of what lay next to it is here"
    return ""


def take_for_lost(connection: Connection, standing: Standing, now: str) -> tuple[str, int]:
    """Make a journal that lacks commits one that was restored; give up to when it knows all, and how many doubts."""
    at = _latest(connection) or min((trace.started_at for trace in standing.lacking), default=now)
    for name, value in {
        metadata.UUID_NAME: str(uuid4()),
        metadata.RESTORED: at,
        metadata.RESTORED_AT: now,
        metadata.LOST: standing.why,
        metadata.COMMITS: str(standing.commits + 1),
    }.items():
        metadata.put(connection, name, value)
    rows = {
        trace.run: {"id": trace.run, "pid": trace.pid, "host": trace.host, "user": trace.user, "ended_at": now}
        | {"started_at": trace.started_at}
        for trace in standing.lacking
    }
    if rows:  # known from here on: nothing of this is noticed a second time
        connection.execute(insert(runs), list(rows.values()))
    mark_closed(connection, standing.dead)
    return at, doubt(connection, at, now, f"the journal lost what was written into it after {at}")


def mark_closed(connection: Connection, dead: Iterable[str]) -> None:
    """Write down that runs do not have the journal open any more."""
    for run in dead:
        metadata.take_away(connection, f"{metadata.OPEN}{run}")


def doubt(connection: Connection, at: str, now: str, why: str) -> int:
    """Put into doubt what was not sent at a time since when orders are unknown: nobody knows what became of it."""
    words = f"{why}: it may have been placed since"
    spent = {row.id: EXACT.create_decimal(row.spent) for row in connection.execute(select(campaigns))}
    rows = []
    for row in connection.execute(_UNSENT):
        state = after(State(row.state), Event.RESTORED)
        rows.append({"of": row.id, "new_state": state.value})
        spent[row.campaign_id] = EXACT.add(spent[row.campaign_id], decimal_or_none(row.cost) or 0)
    if rows:
        # The earliest moment at which they may have been sent.
        connection.execute(_DOUBT.values(error=words, sent_at=at, settled_at=now, meaning=""), rows)
        values: list[Mapping[str, object]] = [
            {"of": campaign, "new_spent": str(amount)} for campaign, amount in spent.items()
        ]
        connection.execute(_SPENT, values)
    return len(rows)


def _latest(connection: Connection) -> str:
    """Find the latest time that a journal knows: up to then nothing is lost."""
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
    entries.c.state.in_([State.PLANNED.value, State.REJECTED.value])
)
_DOUBT = update(entries).where(entries.c.id == bindparam("of")).values(state=bindparam("new_state"))
_SPENT = update(campaigns).where(campaigns.c.id == bindparam("of")).values(spent=bindparam("new_spent"))
