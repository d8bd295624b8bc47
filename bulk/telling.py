"""PURE: what is said of a plan wherever it is told: on a screen, in a task's log."""

from bulk.plan import Plan
from bulk.reading.columns import SWITCH_NAMES


def said_of_columns(plan: Plan) -> list[str]:
    """Say what headers stand for by a person's word, and which rows a column leaves out."""
    sheet, said = plan.sheet, []
    if sheet.headers:
        meant = ", ".join(f"{header!r} is {field}" for header, field in sheet.headers)
        kept = f" (kept in {sheet.headers_from.name})" if sheet.headers_from else ""
        said.append(f"headers as you say: {meant}{kept}")
    if plan.left_out:
        columns = " and ".join(repr(sheet.columns[name].header) for name in SWITCH_NAMES if name in sheet.columns)
        count, verb = ("1 row", "is") if len(plan.left_out) == 1 else (f"{len(plan.left_out)} rows", "are")
        said.append(f"{count} {verb} left out by the column {columns}")
    return said
