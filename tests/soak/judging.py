"""Whether a soak lost nothing and ordered nothing twice: sheet and journal held against the panel's ledger."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from tests.end_to_end.command import read_rows, without_results
from tests.invariants import broken_in_sheet, broken_when_settled, content_of, content_of_row, read_books
from tests.soak.soak import orders_of, rows


def broken(journal: str, ledger: Path, sheet: Path, count: int, paid: Decimal) -> list[str]:
    """Find what does not hold, in words. `paid` is what the panel's balance has lost."""
    books, placed, written = read_books(journal), list(orders_of(ledger)), read_rows(sheet)
    wanted = Counter(content_of_row(row) for row in rows(count))
    charged = sum((Decimal(order["charge"]) for order in placed), Decimal(0))
    found = [*broken_when_settled(books, placed), *broken_in_sheet(books, written)]
    if Counter(map(content_of, placed)) != wanted:
        found.append("the panel's orders are not the sheet's rows, each once")
    if [without_results(row) for row in written] != list(rows(count)):
        found.append("the sheet's own cells have changed")
    if len({row["order_id"] for row in written if row["order_id"]}) != count:
        found.append("some rows have no order id, or that of another row")
    if {charged} != {paid, *books.spent.values()}:
        found.append(f"{charged} was charged, the balance lost {paid}, and the journal counts {dict(books.spent)}")
    charges = {order["link"]: order["charge"] for order in placed}
    return found + [f"row {row['link']}: {row}" for row in written if not _is_right(row, charges)]


def _is_right(row: Mapping[str, str], charges: Mapping[str, str]) -> bool:
    return row["order_status"] == "Completed" and Decimal(row["charge"]) == Decimal(charges[row["link"]])
