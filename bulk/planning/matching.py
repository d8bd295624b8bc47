"""PURE: which order of the journal each row of a sheet is. Never by row number or path: people sort and copy sheets."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bulk.model.sheet import Problem, Sheet
from bulk.planning.orders import OrderRow
from smmplus.commands import command
from smmplus.journal.entry import Entry, key_of, nth_of
from smmplus.journal.state_machine import State

ORDERED = frozenset({State.SUBMITTING, State.ACCEPTED, State.IN_DOUBT})
"""States in which money was spent, or may have been."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows that may concern a sheet."""

    by_order_id: Mapping[str, Entry]
    by_fingerprint: Sequence[Entry]
    """Entries of the account that order the same as a row, in all campaigns."""
    of_batch: Sequence[Entry]
    """Entries of the sheet's unfinished batch."""


@dataclass(slots=True)
class Matching:
    """Who is who. Every row is in exactly one of `entries`, `new`, `questions`, or named in `problems`, or left out."""

    entries: dict[int, Entry] = field(default_factory=dict)
    """Row -> the order that it is."""
    new: dict[int, str] = field(default_factory=dict)
    """Row -> the key under which it will be ordered."""
    questions: dict[int, Entry] = field(default_factory=dict)
    """Row -> an order placed elsewhere that is equal: a person must say whether it is the same."""
    anew: dict[int, Entry] = field(default_factory=dict)
    """Row -> an equal order of another campaign, of which a person has said that it is ordered anew."""
    problems: list[Problem] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    """Orders of the unfinished batch that no row stands for any more."""


def match_rows(
    sheet: Sheet,
    rows: Mapping[int, OrderRow],
    known: Known,
    *,
    campaign_id: int,
    batch_id: int | None,
    adopt: bool = False,
    anew: bool = False,
    left_out: frozenset[int] = frozenset(),
) -> Matching:
    """Find out which order each row is.

    A row that carries an order id is that order, or wrong. The other rows are, in turn: the equal orders of the
    sheet's unfinished batch; equal orders placed elsewhere (the question, or the answer `adopt`); equal entries of the
    campaign that were never placed, the batch's own first; new. `anew` says that the campaign was named by a person,
    so that equal orders of other campaigns are not asked about.

    Rows that are left out come last among equal ones, and are none of this but orders: those go on to be followed.
    """
    binding = Matching()
    _bind_ids(sheet, rows, known.by_order_id, known.by_fingerprint, binding)
    bound = {entry.id for entry in binding.entries.values()}
    refused = {problem.row for problem in binding.problems}
    groups: dict[str, list[int]] = defaultdict(list)
    # Stable: equal rows that are not left out keep their order, and take what was ordered for them.
    for row in sorted(rows.values(), key=lambda row: row.number in left_out) if left_out else rows.values():
        if not row.order_id and row.number not in refused:
            groups[row.request.fingerprint].append(row.number)
    candidates: dict[str, list[Entry]] = defaultdict(list)
    for entry in known.by_fingerprint:
        candidates[entry.fingerprint].append(entry)
    for fingerprint, numbers in groups.items():
        equal = _Equal.of(candidates[fingerprint], bound, campaign_id=campaign_id, batch_id=batch_id, anew=anew)
        _bind_equal(numbers, equal, rows, binding, adopt=adopt)
    for number in left_out:
        _leave_out(number, binding)
    stands = {entry.id for entry in (*binding.entries.values(), *binding.questions.values())}
    binding.missing = [entry for entry in known.of_batch if entry.state in ORDERED and entry.id not in stands]
    return binding


def _leave_out(row: int, binding: Matching) -> None:
    binding.new.pop(row, None)
    binding.questions.pop(row, None)
    if row in binding.entries and binding.entries[row].state not in ORDERED:
        del binding.entries[row]


@dataclass(frozen=True, slots=True)
class _Equal:
    """The journal's entries that are equal to some rows, by what they mean for them."""

    own: list[Entry]
    """Orders of the unfinished batch."""
    elsewhere: list[Entry]
    """Other orders that a person must be asked about."""
    others: list[Entry]
    """Orders of other campaigns that nobody is asked about, the latest first."""
    unplaced: list[Entry]
    """What the campaign never placed."""
    highest: int
    """The highest number among the campaign's equal entries."""

    @classmethod
    def of(
        cls, entries: Iterable[Entry], bound: set[int], *, campaign_id: int, batch_id: int | None, anew: bool
    ) -> "_Equal":
        entries = list(entries)
        here = [entry for entry in entries if entry.campaign_id == campaign_id]
        free = [entry for entry in entries if entry.id not in bound]
        free_here = [entry for entry in free if entry.campaign_id == campaign_id]
        unplaced = [entry for entry in free_here if entry.state not in ORDERED]
        return cls(
            own=[entry for entry in free_here if entry.state in ORDERED and entry.batch_id == batch_id],
            elsewhere=[
                entry
                for entry in free
                if entry.state in ORDERED
                and (entry.batch_id != batch_id if entry.campaign_id == campaign_id else not anew)
            ],
            others=sorted(
                (entry for entry in free if anew and entry.state in ORDERED and entry.campaign_id != campaign_id),
                key=lambda entry: entry.sent_at or "",
                reverse=True,
            ),
            unplaced=sorted(unplaced, key=lambda entry: (entry.batch_id != batch_id, entry.id)),
            highest=max((nth_of(entry.key) for entry in here), default=0),
        )


def _bind_equal(
    numbers: list[int], equal: _Equal, rows: Mapping[int, OrderRow], binding: Matching, *, adopt: bool
) -> None:
    elsewhere = binding.entries if adopt else binding.questions
    left = numbers
    for target, entries in (
        (binding.entries, equal.own),
        # Before what was never placed: it may have been ordered under another name since, and would be ordered twice.
        (elsewhere, equal.elsewhere),
    ):
        target.update(zip(left, entries, strict=False))
        left = left[len(entries) :]
    binding.anew.update(zip(left, equal.others, strict=False))
    binding.entries.update(zip(left, equal.unplaced, strict=False))
    for nth, row in enumerate(left[len(equal.unplaced) :], start=equal.highest + 1):
        binding.new[row] = key_of(rows[row].request, nth)


def _bind_ids(
    sheet: Sheet,
    rows: Mapping[int, OrderRow],
    by_order_id: Mapping[str, Entry],
    equal: Sequence[Entry],
    binding: Matching,
) -> None:
    owners: dict[int, str] = {}
    doubts = {entry.fingerprint: entry for entry in equal if entry.state is State.IN_DOUBT}
    for row in rows.values():
        if not row.order_id:
            continue
        entry = by_order_id.get(row.order_id)
        wrong = _wrong_id(row, entry, owners, doubts.get(row.request.fingerprint))
        if wrong:
            where = sheet.where(row.number, "order_id")
            binding.problems.append(Problem(where, "order_id", row.order_id, *wrong, row.number))
        elif entry is not None:
            owners[entry.id] = sheet.where(row.number)
            binding.entries[row.number] = entry


def _wrong_id(
    row: OrderRow, entry: Entry | None, owners: Mapping[int, str], doubt: Entry | None
) -> tuple[str, str] | None:
    if entry is None and doubt is not None:
        settled = command("resolve", doubt.name, account=doubt.account, order_id=row.order_id)
        return "the journal knows no such order, and an equal one is in doubt", f"if it is this order: `{settled}`"
    if entry is None:
        remedy = "use the journal and account it was ordered with, or empty the cell to order the row"
        return "the journal knows no such order", remedy
    if entry.fingerprint != row.request.fingerprint:
        was = ", ".join(
            [f"service {entry.request.service}", *(f"{name} {text}" for name, text in entry.request.fields)]
        )
        return f"this order was placed for something else ({was})", "undo the change, or empty the order_id to order it"
    if entry.id in owners:
        return f"{owners[entry.id]} carries the same order", "empty the order_id of the row that is not this order"
    return None


def repeats_message(repeats: Collection[Entry], rows: int, now: str) -> str:
    """Say which campaigns hold equal orders, how many and since when; "" where none does. Times are in ISO 8601."""
    if not repeats:
        return ""
    latest = sorted(repeats, key=lambda entry: entry.sent_at or "", reverse=True)
    names = list(dict.fromkeys(entry.campaign for entry in latest))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    equal = "equals an order" if len(repeats) == 1 else "equal orders"
    return (
        f"{len(repeats)} of {rows} {'row' if rows == 1 else 'rows'} {equal} of campaign {names[0]!r}{more}, placed "
        f"{ago(latest[0].sent_at or now, now)}: they would be ordered once more"
    )


def ago(then: str, now: str) -> str:
    """Say how long ago a time was: "5 minutes ago"."""
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "less than a minute ago"
