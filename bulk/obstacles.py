"""PURE: what must be mended or answered by a person before a run sends anything."""

from bulk.approval import unapproved
from bulk.controls import wrong_rows, wrong_total
from bulk.options import Options
from bulk.plan import Plan
from bulk.restored import of_unknown_rows, way_out
from smmplus.commands import Value
from smmplus.journal.entry import Entry

Answers = tuple[dict[str, Value], ...]
"""Remedies that answer what stands in the way, each by itself."""


def obstacle(plan: Plan, options: Options, *, asks: bool = False) -> str:
    """Say what stands in the way of a run and what to do about it; "" where nothing does.

    `asks` says that a person will see the plan and be asked: what the answer settles is no obstacle then.
    """
    return _found(plan, options, asks=asks)[0]


def answers(plan: Plan, options: Options) -> Answers:
    """Give the remedies that a person can answer an obstacle with; none where something must be corrected."""
    return _found(plan, options, asks=False)[1]


def _found(plan: Plan, options: Options, *, asks: bool) -> tuple[str, Answers]:
    say = options.surface.phrase
    if plan.binding.questions:
        anew = f"{plan.place.campaign} 2"
        words = _question(list(plan.binding.questions.values()), say(adopt=True), say(campaign=anew))
        return words, ({"adopt": True}, {"campaign": anew})
    if plan.binding.missing and not options.ignore_missing:
        return _missing(plan.binding.missing, say(ignore_missing=True)), ({"ignore_missing": True},)
    if wrong := _of_every_row(plan) or wrong_rows(plan, options):
        return wrong, ()
    if plan.problems and not options.skip_bad:
        count = len({problem.row for problem in plan.problems})
        words = f"{count} {_rows(count)} with problems, nothing was sent: fix them, or leave them out with "
        return words + say(skip_bad=True), ({"skip_bad": True},)
    if wrong := wrong_total(plan, options) or unapproved(plan):
        return wrong, ()
    words = _since_backup(plan, options, asks=asks)
    return words, ({"not_placed_since_backup": True},) if words else ()


def _of_every_row(plan: Plan) -> str:
    first = next((problem for problem in plan.problems if problem.row is None), None)
    if first is None:
        return ""
    return f"{first.where}: {first.message}. It concerns every row, nothing was sent: {first.remedy}"


def _since_backup(plan: Plan, options: Options, *, asks: bool) -> str:
    words = "" if asks or options.not_placed_since_backup else of_unknown_rows(plan)
    yes = f"If none of the others was placed since then, pass {options.surface.phrase(not_placed_since_backup=True)}"
    return f"{words}. Nothing was sent. {way_out(options.surface)}. {yes}" if words else ""


def _question(entries: list[Entry], same: str, anew: str) -> str:
    count, others = len(entries), " and others" if len(entries) > 1 else ""
    return (
        f"{count} {_rows(count)} {'equals an order' if count == 1 else 'equal orders'} placed before: "
        f"{told(entries[0])}{others}. Nothing was sent. If they are the same orders, pass {same}. "
        f"To order them once more, pass a new campaign name, such as {anew}"
    )


def _missing(entries: list[Entry], meant: str) -> str:
    count, first = len(entries), entries[0]
    return (
        f"{count} {'order' if count == 1 else 'orders'} of the last, unfinished run of this sheet "
        f"{'has' if count == 1 else 'have'} no row any more: {told(first)}{' and others' if count > 1 else ''}. "
        f"Nothing was sent. Undo the change of the row, or pass {meant} if it is meant"
    )


def told(entry: Entry) -> str:
    """Tell what was ordered, when and where."""
    link = entry.request.values.get("link", entry.request.values.get("username", ""))
    order = f"order {entry.order_id}" if entry.order_id else "an order in doubt"
    return (
        f"{order} (service {entry.request.service}, {link}) of {entry.source}, campaign {entry.campaign!r}, "
        f"{(entry.sent_at or '')[:16].replace('T', ' ')} UTC"
    )


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
