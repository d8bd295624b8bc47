"""PURE: rows that are new to a restored journal: they may have been placed since its backup, and would be once more."""

from bulk.plan import Plan, Sending
from bulk.surfaces import Surface
from smmplus.numbers import plain


def way_out(surface: Surface) -> str:
    """Say what a person does about rows that may have been placed since the backup."""
    return (
        "Look at the panel's order page for orders of that time. Take rows that are there out of the sheet, or write "
        f"their ids into its order_id column and pass {surface.phrase(skip_bad=True)}"
    )


def unknown_rows(plan: Plan) -> list[Sending]:
    """Give the rows to be sent that may have been placed since the backup.

    An entry, where there is one, was planned since the restoring, by a run that a person agreed to, or a person settled
    it: whatever the backup held unsent is in doubt.
    """
    if plan.place.backup is None:
        return []
    return [item for item in (*plan.sending, *plan.later) if item.entry is None]


def of_unknown_rows(plan: Plan) -> str:
    """Say what a restored journal may not know of a plan; "" where there is nothing to say."""
    unknown, backup = unknown_rows(plan), plan.place.backup
    if not unknown or backup is None:
        return ""
    rows = "1 row to be sent is" if len(unknown) == 1 else f"{len(unknown)} rows to be sent are"
    return (
        f"this journal {backup.words}, and knows no order placed in between. {rows} new to it, and may have been "
        f"placed then, {plan.sheet.where(unknown[0].row.number)} the first{_of_fall(plan)}"
    )


def _of_fall(plan: Plan) -> str:
    fall = plan.signs.fall
    if fall is None:
        return ""
    amount = f"{plain(fall.unexplained)} {fall.currency}".strip()
    return f"; since {_told(fall.since)} the balance fell by {amount} more than it knows"


def _told(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"
