"""PURE: control totals: whether the sheet is the one that a person means, by its rows and by its sum.

Both are about the whole sheet, whatever is placed already: the same command fits once more after a crash.
"""

from collections.abc import Mapping
from decimal import Decimal

from bulk.options import Options
from bulk.plan import Plan
from smmplus.numbers import EXACT, minus, plain, total


def wrong_rows(plan: Plan, options: Options) -> str:
    """Say that the sheet holds more or fewer rows than expected; "" where it does not."""
    found = row_count(plan)
    if options.expect_rows in {None, found}:
        return ""
    return f"the sheet holds {found} rows, and {options.expect_rows} were expected: nothing was sent"


def wrong_total(plan: Plan, options: Options) -> str:
    """Say that the sheet costs more or less than expected, or that nobody can know; "" where it fits."""
    if options.expect_total is None:
        return ""
    costs = row_costs(plan)
    if unknown := sorted(row for row in row_numbers(plan) if costs.get(row) is None):
        return (
            f"the sheet's cost cannot be compared with {options.expect_total:f}, nothing was sent: nobody knows what "
            f"{len(unknown)} of its rows cost, the first of them row {unknown[0]}"
        )
    found = total(cost for cost in costs.values() if cost is not None)
    if fits(found, options.expect_total):
        return ""
    return f"the sheet costs {plain(found)}, and {options.expect_total:f} was expected: nothing was sent"


def row_numbers(plan: Plan) -> set[int]:
    """Give the rows of a sheet that hold orders, those that could not be read among them, those left out not."""
    unreadable = {problem.row for problem in plan.sheet.problems if problem.row is not None}
    return ({int(number) for number in plan.sheet.frame.index} | unreadable) - plan.left_out


def row_count(plan: Plan) -> int:
    """Count the rows of a sheet that hold orders: placed, to be sent, refused, or with problems."""
    return len(row_numbers(plan))


def row_costs(plan: Plan) -> Mapping[int, Decimal | None]:
    """Price every row: as the journal has it where it is in there, at today's price where it is to be sent."""
    to_send = {item.row.number: item.planned.cost for item in (*plan.sending, *plan.later)}
    return {row: entry.cost for row, entry in plan.binding.entries.items()} | to_send


def fits(found: Decimal, expected: Decimal) -> bool:
    """Tell whether an amount reads as expected at the digits that were written: 12.4995 as 12.50, 12.4 not.

    It may differ by half of the last digit written, in either direction: spreadsheets and panels round differently.
    """
    exponent = min(0, int(expected.as_tuple().exponent))
    return EXACT.multiply(minus(found, expected).copy_abs(), Decimal(2)) <= Decimal(1).scaleb(exponent, EXACT)
