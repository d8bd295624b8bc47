"""Match each row of a sheet with an order of the journal. Never by row number or path: people sort and copy sheets."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bulk.model.sheet import Problem, Sheet
from bulk.planning.orders import OrderRow
from smmplus.commands import command
from smmplus.journal.entry import Entry, key_of, nth_of
from smmplus.journal.state_machine import State
from smmplus.texts import _, counted, marked

ORDERED = frozenset({State.SENDING, State.PLACED, State.IN_DOUBT})
"""States in which money was spent, or may have been."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows that may concern a sheet."""

    by_order_id: Mapping[str, Entry]
    by_fingerprint: Sequence[Entry]
    """Entries of the account that order the same as a row, in all campaigns."""
    of_batch: Sequence[Entry]
    """Entries of the sheet's unfinished batch."""
    taken_back: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    """Order ids that were written into sheets after wrong resolutions, with the entries that were resolved wrongly."""

    def carried_by(self, row: OrderRow, taken: Collection[int]) -> Entry | None:
        """Return the entry whose order id a row carries, or carried by mistake; not one of those that are `taken`."""
        entry = self.by_order_id.get(row.order_id)
        if entry is not None and entry.fingerprint == row.request.fingerprint:
            return entry
        former = (each for each in self.taken_back.get(row.order_id, ()) if each.id not in taken)
        return next((each for each in former if each.fingerprint == row.request.fingerprint), entry)


@dataclass(slots=True)
class Matching:
    """Which order each row is. A row is in one of `entries`, `new` and `questions`, or in `problems`, or left out."""

    entries: dict[int, Entry] = field(default_factory=dict)
    """Row -> the order that it is."""
    new: dict[int, str] = field(default_factory=dict)
    """Row -> the key under which it will be ordered."""
    questions: dict[int, Entry] = field(default_factory=dict)
    """Row -> an equal order of another run: only a person knows whether it is the same order."""
    repeated: dict[int, Entry] = field(default_factory=dict)
    """Row -> an equal order of another campaign that a person decided to place again."""
    problems: list[Problem] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    """Orders of the unfinished batch that have no row anymore."""


def match_rows(
    sheet: Sheet,
    rows: Mapping[int, OrderRow],
    known: Known,
    *,
    campaign_id: int,
    batch_id: int | None,
    adopt: bool = False,
    is_named: bool = False,
    left_out: frozenset[int] = frozenset(),
) -> Matching:
    """Match the rows of a sheet with the orders that the journal knows.

    A row that carries an order id is that order, or wrong. An id that was taken back stands for the order that it was
    written for. The other rows are, in turn: the equal orders of the sheet's unfinished batch; equal orders placed
    elsewhere (the question, or the answer `adopt`); equal entries of the campaign that were never placed, the batch's
    own first; new. `is_named` means that a person named the campaign: rows that equal orders of other campaigns are
    then placed again without a question.

    Rows that are left out come last among equal ones. Of them only those that are orders are kept, to be tracked.
    """
    matching = Matching()
    _match_order_ids(sheet, rows, known, matching)
    taken = {entry.id for entry in matching.entries.values()}
    refused = {problem.row for problem in matching.problems}
    groups: dict[str, list[int]] = defaultdict(list)
    # The sort is stable: equal rows that are not left out keep their order, and get what was ordered for them.
    for row in sorted(rows.values(), key=lambda row: row.number in left_out) if left_out else rows.values():
        if not row.order_id and row.number not in refused:
            groups[row.request.fingerprint].append(row.number)
    carried, candidates = {row.order_id for row in rows.values()}, defaultdict[str, list[Entry]](list)
    # An order whose ID is at a row that was changed since is the last that an equal row is taken for.
    for entry in sorted(known.by_fingerprint, key=lambda entry: entry.order_id in carried):
        candidates[entry.fingerprint].append(entry)
    for fingerprint, numbers in groups.items():
        equal = _Equal.of(candidates[fingerprint], taken, campaign_id=campaign_id, batch_id=batch_id, is_named=is_named)
        _match_equal(numbers, equal, rows, matching, adopt=adopt)
    for number in left_out:
        _leave_out(number, matching)
    with_row = {entry.id for entry in (*matching.entries.values(), *matching.questions.values())}
    matching.missing = [entry for entry in known.of_batch if entry.state in ORDERED and entry.id not in with_row]
    return matching


def _leave_out(row: int, matching: Matching) -> None:
    matching.new.pop(row, None)
    matching.questions.pop(row, None)
    if row in matching.entries and matching.entries[row].state not in ORDERED:
        del matching.entries[row]


@dataclass(frozen=True, slots=True)
class _Equal:
    """The journal's entries that are equal to some rows, by how they are matched."""

    own: list[Entry]
    """Orders of the unfinished batch."""
    elsewhere: list[Entry]
    """Other orders that a person must be asked about."""
    others: list[Entry]
    """Orders of other campaigns that need no question, the latest first."""
    unplaced: list[Entry]
    """What the campaign never placed."""
    highest: int
    """The highest number in the keys of the campaign's equal entries."""

    @classmethod
    def of(
        cls, entries: Iterable[Entry], taken: set[int], *, campaign_id: int, batch_id: int | None, is_named: bool
    ) -> "_Equal":
        entries = list(entries)
        here = [entry for entry in entries if entry.campaign_id == campaign_id]
        free = [entry for entry in entries if entry.id not in taken]
        free_here = [entry for entry in free if entry.campaign_id == campaign_id]
        unplaced = [entry for entry in free_here if entry.state not in ORDERED]
        return cls(
            own=[entry for entry in free_here if entry.state in ORDERED and entry.batch_id == batch_id],
            elsewhere=[
                entry
                for entry in free
                if entry.state in ORDERED
                and (entry.batch_id != batch_id if entry.campaign_id == campaign_id else not is_named)
            ],
            others=sorted(
                (entry for entry in free if is_named and entry.state in ORDERED and entry.campaign_id != campaign_id),
                key=lambda entry: entry.sent_at or "",
                reverse=True,
            ),
            unplaced=sorted(unplaced, key=lambda entry: (entry.batch_id != batch_id, entry.id)),
            highest=max((nth_of(entry.key) for entry in here), default=0),
        )


def _match_equal(
    numbers: list[int], equal: _Equal, rows: Mapping[int, OrderRow], matching: Matching, *, adopt: bool
) -> None:
    elsewhere = matching.entries if adopt else matching.questions
    left = numbers
    for target, entries in (
        (matching.entries, equal.own),
        # Before entries that were never placed: the row may have been placed under another name since.
        (elsewhere, equal.elsewhere),
    ):
        target.update(zip(left, entries, strict=False))
        left = left[len(entries) :]
    matching.repeated.update(zip(left, equal.others, strict=False))
    matching.entries.update(zip(left, equal.unplaced, strict=False))
    for nth, row in enumerate(left[len(equal.unplaced) :], start=equal.highest + 1):
        matching.new[row] = key_of(rows[row].request, nth)


def _match_order_ids(
    sheet: Sheet,
    rows: Mapping[int, OrderRow],
    known: Known,
    matching: Matching,
) -> None:
    owners: dict[int, int] = {}
    doubts = {entry.fingerprint: entry for entry in known.by_fingerprint if entry.state is State.IN_DOUBT}
    for row in rows.values():
        if not row.order_id:
            continue
        entry = known.carried_by(row, owners)
        wrong = _order_id_problem(sheet, row, entry, owners, doubts.get(row.request.fingerprint))
        if wrong:
            where = sheet.where(row.number, "order_id")
            matching.problems.append(Problem(where, "order_id", row.order_id, *wrong, row.number))
        elif entry is not None:
            owners[entry.id] = row.number
            matching.entries[row.number] = entry


def _order_id_problem(
    sheet: Sheet, row: OrderRow, entry: Entry | None, owners: Mapping[int, int], doubt: Entry | None
) -> tuple[str, str] | None:
    if entry is None and doubt is not None:
        settled = command("resolve", doubt.name, account=doubt.account, order_id=row.order_id)
        remedy = _("if it is this order: `{command}`", command=settled)
        return _("the journal knows no such order, and an equal one is in doubt"), remedy
    if entry is None:
        remedy = _("use the journal and account it was ordered with, or clear the cell to place the row")
        return _("the journal knows no such order"), remedy
    if entry.fingerprint != row.request.fingerprint:
        was = ", ".join(
            [f"service {entry.request.service}", *(f"{name} {text}" for name, text in entry.request.fields)]
        )
        message = _("this order was placed for something else ({order})", order=was)
        return message, _("undo the change, or clear the order_id to place it")
    if entry.id in owners:
        message = _("{where} carries the same order", where=sheet.where(owners[entry.id]))
        return message, _("clear the order_id of the row that is not this order")
    return None


def repeats_message(repeats: Collection[Entry], rows: int, now: str) -> str:
    """Return which campaigns have equal orders, how many and since when; "" for none. Times are in ISO 8601."""
    if not repeats:
        return ""
    latest = sorted(repeats, key=lambda entry: entry.sent_at or "", reverse=True)
    names = list(dict.fromkeys(entry.campaign for entry in latest))
    values = {"rows": counted(rows, "row"), "time": time_since(latest[0].sent_at or now, now)}
    campaigns = repr(names[0])
    if len(names) > 1:
        campaigns = _("{campaign} and {count} more", campaign=campaigns, count=len(names) - 1)
    if len(repeats) == 1:
        text = _("1 of {rows} equals an order of campaign {campaigns}, placed {time}: they would be placed again")
    else:
        text = _("{count} of {rows} equal orders of campaign {campaigns}, placed {time}: they would be placed again")
    return text.format(count=len(repeats), campaigns=campaigns, **values)


def time_since(then: str, now: str) -> str:
    """Return how long ago a time was: "5 minutes ago"."""
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    for unit, length in ((marked("day"), 86400), (marked("hour"), 3600), (marked("minute"), 60)):
        if seconds >= length:
            return _("{duration} ago", duration=counted(int(seconds // length), unit))
    return _("less than a minute ago")
