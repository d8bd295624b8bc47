"""What a person should think of twice before orders are sent. It never stops a run: a person decides."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bulk.links import form_of
from bulk.orders import OrderRow
from bulk.sheet import Problem, Sheet
from smmplus.journal.entry import Entry
from smmplus.journal.lookup import find_spent
from smmplus.journal.store import Journal
from smmplus.models import OrderRequest
from smmplus.order_types import FIELDS

_REMEDY = "if both are meant, go on; if not, take the row out"

Aim = tuple[str, str]
"""A service, and the form of what it is ordered for."""


def second_thoughts(
    sheet: Sheet, to_send: Sequence[OrderRow], bound: Mapping[int, Entry], journal: Journal, campaign_id: int
) -> list[Problem]:
    """Find rows to be sent whose service and link the campaign ordered before in another way, or the sheet has twice.

    Links are the same here if they differ only in form. Equal orders are no affair of this: they are known as such.

    :param bound: row -> the order that it is, of whichever campaign.
    """
    aims = {row.number: _aim(row.request) for row in to_send}
    aimed = {aim for aim in aims.values() if aim is not None}
    if not aimed:
        return []
    earlier = _by_aim(_spent(journal, campaign_id, aimed, bound.values()))
    rows_of = {entry.id: row for row, entry in bound.items()}
    firsts: dict[Aim, OrderRow] = {}
    found = []
    for row in to_send:
        aim = aims[row.number]
        if aim is None:
            continue
        others = [entry for entry in earlier.get(aim, ()) if entry.request != row.request]
        if others:
            found.append(_before(sheet, row, others, rows_of))
        first = firsts.setdefault(aim, row)
        if _place(first.request) != _place(row.request):
            found.append(_twice(sheet, row, first))
    return found


def _aim(request: OrderRequest) -> Aim | None:
    place = _place(request)
    return (request.service, form_of(place)) if place else None


def _place(request: OrderRequest) -> str:
    """Say what it is ordered for."""
    return request.values.get(_field(request), "")


def _field(request: OrderRequest) -> str:
    """Name the field that says what it is ordered for: subscriptions have a user in place of a link."""
    return "link" if "link" in request.values else "username"


def _spent(journal: Journal, campaign_id: int, aimed: set[Aim], bound: Iterable[Entry]) -> list[Entry]:
    of_campaign = find_spent(journal, campaign_id, lambda request: _aim(request) in aimed)
    # A row of the sheet may be an order of another campaign; what was not ordered binds no row of another one.
    others = [entry for entry in bound if entry.campaign_id != campaign_id]
    return sorted((*others, *of_campaign), key=lambda entry: entry.id)


def _by_aim(entries: Iterable[Entry]) -> Mapping[Aim, Sequence[Entry]]:
    groups: dict[Aim, list[Entry]] = defaultdict(list)
    for entry in entries:
        if (aim := _aim(entry.request)) is not None:
            groups[aim].append(entry)
    return groups


def _before(sheet: Sheet, row: OrderRow, others: Sequence[Entry], rows_of: Mapping[int, int]) -> Problem:
    last = others[-1]
    field, differs = _difference(row.request, last.request)
    more = f", and {len(others) - 1} more" if len(others) > 1 else ""
    number = rows_of.get(last.id)
    here = "" if number is None else f", which is {sheet.where(number)}"
    message = f"the same service and {_field(row.request)} were ordered before{differs}: {_told(last)}{here}{more}"
    value = row.request.values.get(field, "")
    return Problem(sheet.where(row.number, field), field, value, message, _REMEDY, row.number)


def _difference(now: OrderRequest, before: OrderRequest) -> tuple[str, str]:
    """Name the field in which an order differs from an earlier one, and say how."""
    values, was, field = now.values, before.values, _field(now)
    changed = [name for name in dict.fromkeys((*FIELDS, *values, *was)) if values.get(name, "") != was.get(name, "")]
    words = [_changed(name, was.get(name, "")) for name in changed if name != field]
    differs = f"with {' and '.join(words)}" if words else ""
    if field in changed:
        return field, f" as {_place(before)}, which differs only in form{', ' if differs else ''}{differs}"
    return "quantity" if "quantity" in changed else changed[0], f" {differs}"


def _changed(name: str, was: str) -> str:
    if not was:
        return f"no {name}"
    return f"other {name}" if "\n" in was or len(was) > 40 else f"{name} {was}"


def _told(entry: Entry) -> str:
    order = f"order {entry.order_id}" if entry.order_id else "an order in doubt"
    status = f", {entry.order_status}" if entry.order_status else ""
    return f"{order} of {(entry.sent_at or '')[:16].replace('T', ' ')} UTC{status}"


def _twice(sheet: Sheet, row: OrderRow, first: OrderRow) -> Problem:
    field, place = _field(row.request), _place(row.request)
    message = (
        f"differs only in form from {sheet.where(first.number, field)}, for the same service: {_place(first.request)}"
    )
    return Problem(sheet.where(row.number, field), field, place, message, _REMEDY, row.number)
