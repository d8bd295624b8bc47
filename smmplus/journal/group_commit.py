"""Group commit: write all waiting intents and outcomes in one transaction.

A commit that reaches the disk takes milliseconds. Sharing it between the orders under way makes placing twenty times
as fast (measured). All rows are read first, `state_machine.settle` decides on each move, then all rows are written.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from sqlalchemy import Connection, Insert, Update, bindparam, insert, select, update

from smmplus.journal.entry import decimal_or_none, readable
from smmplus.journal.schema import campaigns, entries, notes, order_ids
from smmplus.journal.state_machine import SPENT, Current, Event, Outcome, State, Transition, after, settle
from smmplus.orders.decimals import EXACT
from smmplus.texts import marked


class IntentRefusal(Enum):
    """Why an intent was refused: nothing may be sent."""

    NOT_PLANNED = marked("another process is sending it, or it has its outcome")
    BUDGET = marked("it costs more than is left of the budget")
    ELSEWHERE = marked("an equal order was placed in another campaign meanwhile: run it again to see it")
    NO_BOUND = marked("its cost is not known in advance, and there is a budget")


@dataclass(frozen=True, slots=True)
class Intent:
    """The intent to send an entry."""

    entry: int
    max_spend: Decimal | None = None
    """What its campaign may spend in all, next to the budget in the journal; None for no limit."""
    twins: frozenset[int] | None = None
    """Entries of other campaigns that may order the same, because a person or the sheet allowed it; None for any.

    This was checked when the run was planned, and is checked again here: two copies of a sheet, started at once under
    two names, would both find nothing and both be sent.
    """


@dataclass(frozen=True, slots=True)
class Attempt:
    """A committed intent: this entry may be sent now, once."""

    entry: int
    number: int


Move = Intent | Outcome
Answer = Attempt | IntentRefusal | Transition | None
"""For an intent an Attempt or an IntentRefusal; for an outcome the Transition, or None if it was stale."""


@dataclass(slots=True)
class _Known:
    current: Current
    fingerprint: str
    campaign_id: int
    account_id: int
    budget: Decimal | None


def apply(connection: Connection, moves: Sequence[Move], *, run_id: str, now: str) -> list[Answer]:
    """Apply moves in their order, and return the answer to each."""
    group = _Group(connection, moves, run_id=run_id, now=now)
    answers = [group.apply(move) for move in moves]
    group.write()
    return answers


class _Group:
    def __init__(self, connection: Connection, moves: Sequence[Move], *, run_id: str, now: str) -> None:
        self._connection, self._run_id, self._now = connection, run_id, now
        self._known: dict[int, _Known] = {}
        self._spent: dict[int, Decimal] = {}
        self._owners = _read_owners(connection, moves)
        self._read_known({move.entry for move in moves})
        self._equal = self._read_equal(moves)
        self._intents: list[dict[str, object]] = []
        self._outcomes: list[dict[str, object]] = []
        self._ids: list[dict[str, object]] = []
        self._notes: list[dict[str, object]] = []

    def _read_known(self, ids: Iterable[int]) -> None:
        for row in self._connection.execute(_KNOWN, {"ids": sorted(ids)}):
            with readable(row.id):
                current = Current(State(row.state), row.attempt, row.order_id, decimal_or_none(row.cost))
                budget = decimal_or_none(row.budget)
                self._known[row.id] = _Known(current, row.fingerprint, row.campaign_id, row.account_id, budget)
                self._spent[row.campaign_id] = Decimal(row.spent)

    def _read_equal(self, moves: Sequence[Move]) -> dict[tuple[int, str], list[tuple[int, int]]]:
        """Find placed or possibly placed orders that equal those of intents for which not every twin is allowed."""
        asking = {move.entry for move in moves if isinstance(move, Intent) and move.twins is not None}
        fingerprints = sorted({self._known[entry].fingerprint for entry in asking})
        found: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
        for row in self._connection.execute(_EQUAL, {"fingerprints": fingerprints}) if fingerprints else ():
            found[row.account_id, row.fingerprint].append((row.id, row.campaign_id))
        return found

    def apply(self, move: Move) -> Answer:
        return self._intend(move) if isinstance(move, Intent) else self._settle(move)

    def _intend(self, intent: Intent) -> Attempt | IntentRefusal:
        known = self._known[intent.entry]
        current = known.current
        if current.state is not State.NOT_SENT:
            return IntentRefusal.NOT_PLANNED
        if intent.twins is not None and not self._twins_of(known) <= intent.twins:
            return IntentRefusal.ELSEWHERE
        if refusal := self._over_budget(intent, known):
            return refusal
        state, number = after(current.state, Event.INTENT), current.attempt + 1
        self._spend(known.campaign_id, current.cost or Decimal(0))
        known.current = Current(state, number, current.order_id, current.cost)
        self._intents.append({"of": intent.entry, "new_attempt": number, "new_run": self._run_id, "now": self._now})
        return Attempt(intent.entry, number)

    def _over_budget(self, intent: Intent, known: _Known) -> IntentRefusal | None:
        """Compare an intent with the smaller of its own limit and its campaign's budget.

        Budget and spending are read in this transaction: another run of the campaign has either committed before it,
        and is counted, or commits after it.
        """
        bounds = [bound for bound in (intent.max_spend, known.budget) if bound is not None]
        if not bounds:
            return None
        if known.current.cost is None:
            return IntentRefusal.NO_BOUND
        return (
            IntentRefusal.BUDGET
            if EXACT.add(self._spent[known.campaign_id], known.current.cost) > min(bounds)
            else None
        )

    def _spend(self, campaign_id: int, amount: Decimal) -> None:
        self._spent[campaign_id] = EXACT.add(self._spent[campaign_id], amount)

    def _twins_of(self, known: _Known) -> frozenset[int]:
        equal = self._equal.get((known.account_id, known.fingerprint), [])
        return frozenset(entry for entry, campaign in equal if campaign != known.campaign_id)

    def _settle(self, outcome: Outcome) -> Transition | None:
        known = self._known[outcome.entry]
        foreign, outcome = outcome.order_id, self._refuse_foreign_id(known, outcome)
        change = settle(known.current, outcome)
        if change is None:
            return None
        if foreign != outcome.order_id:
            change = replace(change, alarm=outcome.error)
        self._spend(known.campaign_id, change.spent)
        self._write_outcome(outcome, change)
        self._write_id(known, outcome)
        known.current = Current(change.state, known.current.attempt, change.order_id, known.current.cost)
        return change

    def _refuse_foreign_id(self, known: _Known, outcome: Outcome) -> Outcome:
        """Turn an outcome with the order id of another entry into a doubt: an order belongs to one entry only."""
        owner = self._owners.get((known.account_id, outcome.order_id))
        if owner in {None, outcome.entry}:
            return outcome
        error = f"the panel answered with order {outcome.order_id}, which already belongs to another row"
        return Outcome(outcome.entry, outcome.attempt, Event.DOUBT, error=error)

    def _write_outcome(self, outcome: Outcome, change: Transition) -> None:
        self._outcomes.append(
            {
                "of": outcome.entry,
                "new_state": change.state.value,
                "new_order_id": change.order_id,
                "new_error": change.alarm or outcome.error,
                "new_meaning": outcome.meaning,
                "now": self._now,
            }
        )
        if change.alarm:
            note = {"entry_id": outcome.entry, "at": self._now, "who": self._run_id, "what": "alarm"}
            self._notes.append({**note, "why": change.alarm})

    def _write_id(self, known: _Known, outcome: Outcome) -> None:
        if outcome.order_id is None or (known.account_id, outcome.order_id) in self._owners:
            return
        self._owners[known.account_id, outcome.order_id] = outcome.entry
        self._ids.append(
            {
                "account_id": known.account_id,
                "order_id": outcome.order_id,
                "entry_id": outcome.entry,
                "attempt": outcome.attempt,
                "recorded_at": self._now,
            }
        )

    def write(self) -> None:
        spent: list[dict[str, object]] = [
            {"of": campaign, "new_spent": str(amount)} for campaign, amount in self._spent.items()
        ]
        self._write(_OUTCOME, self._outcomes)  # first: what was held back may be sent again in this commit
        self._write(_INTENT, self._intents)
        self._write(_ORDER_ID, self._ids)
        self._write(_NOTE, self._notes)
        self._write(_SPENT, spent)

    def _write(self, statement: Insert | Update, rows: list[dict[str, object]]) -> None:
        if rows:
            self._connection.execute(statement, rows)


# The statements are made once: SQLAlchemy then finds them in its cache without comparing them part by part, which would
# take a third of the processor time (measured).
_INTENT = (
    update(entries)
    .where(entries.c.id == bindparam("of"))
    .values(
        state=State.SENDING.value,
        attempt=bindparam("new_attempt"),
        run_id=bindparam("new_run"),
        sent_at=bindparam("now"),
        settled_at=None,
        error="",
        meaning="",
    )
)
_OUTCOME = (
    update(entries)
    .where(entries.c.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        order_id=bindparam("new_order_id"),
        error=bindparam("new_error"),
        meaning=bindparam("new_meaning"),
        settled_at=bindparam("now"),
    )
)
_ORDER_ID = insert(order_ids)
_NOTE = insert(notes)
_SPENT = update(campaigns).where(campaigns.c.id == bindparam("of")).values(spent=bindparam("new_spent"))
_KNOWN = (
    select(
        entries.c.id,
        entries.c.state,
        entries.c.attempt,
        entries.c.order_id,
        entries.c.cost,
        entries.c.fingerprint,
        entries.c.campaign_id,
        campaigns.c.account_id,
        campaigns.c.spent,
        campaigns.c.budget,
    )
    .join(campaigns, campaigns.c.id == entries.c.campaign_id)
    .where(entries.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
"""Entries and their campaigns are locked, so that they cannot change between the decision and the writing."""
_EQUAL = (
    select(entries.c.id, entries.c.fingerprint, entries.c.campaign_id, campaigns.c.account_id)
    .join(campaigns, campaigns.c.id == entries.c.campaign_id)
    .where(
        entries.c.fingerprint.in_(bindparam("fingerprints", expanding=True)),
        entries.c.state.in_([state.value for state in SPENT]),
    )
)
_OWNERS = select(order_ids.c.account_id, order_ids.c.order_id, order_ids.c.entry_id).where(
    order_ids.c.order_id.in_(bindparam("ids", expanding=True))
)


def _read_owners(connection: Connection, moves: Sequence[Move]) -> dict[tuple[int, str | None], int]:
    ids = [move.order_id for move in moves if isinstance(move, Outcome) and move.order_id]
    found = connection.execute(_OWNERS, {"ids": ids}) if ids else ()
    return {(row.account_id, row.order_id): row.entry_id for row in found}
