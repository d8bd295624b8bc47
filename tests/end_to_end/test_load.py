"""A sheet of 10,000 rows is placed and written back, and followed a hundred orders a call."""

import pytest

from tests.end_to_end.command import Workplace, orders, read_rows

pytestmark = pytest.mark.e2e

ROWS = 10_000


def test_ten_thousand_rows_are_placed_once_and_followed_a_hundred_a_call(workplace: Workplace):
    rows = orders(ROWS)
    sheet = workplace.sheet("large.xlsx", rows)
    placed = workplace.run(sheet, "--in-flight", "64")
    assert (placed.status, placed.json["sent"]) == (0, ROWS)
    assert (workplace.ledger.count(), workplace.ledger.calls("add")) == (ROWS, ROWS)
    workplace.assert_each_row_once(sheet, rows)
    workplace.panel.advance(5000)
    asked = workplace.command("status", sheet, "--json", "--rate", "0")
    assert (asked.status, asked.json["sent"]) == (0, 0)
    assert workplace.ledger.calls("status") == ROWS // 100
    assert {row["order_status"] for row in read_rows(sheet)} == {"Completed"}
    assert workplace.ledger.calls("add") == ROWS
