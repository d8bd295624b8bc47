import pytest

from bulk.model.sheet import Sheet
from bulk.planning.orders import order_rows
from bulk.reading import read_sheet

pytestmark = pytest.mark.usefixtures("read_here")


def read(tmp_path, text: str) -> Sheet:
    path = tmp_path / "orders.txt"
    path.write_text(text, encoding="utf-8")
    return read_sheet(path)


@pytest.mark.parametrize(
    "line", ["7 | https://x.com/1 | 100", "7|100|https://x.com/1", " 7\u00a0| 100 |https://x.com/1 "]
)
def test_link_and_quantity_may_stand_in_either_order(tmp_path, line):
    sheet = read(tmp_path, line)
    assert sheet.frame.loc[1].to_dict() == {"service": "7", "link": "https://x.com/1", "quantity": "100"}
    assert (sheet.kind, sheet.header_row, sheet.problems) == ("mass_order", 0, ())


@pytest.mark.parametrize(
    "line",
    [
        "7 | 200 | 100",
        "7 | x | y",
        "7 | x | 0",
        "7 | x | 1.5",
        "7 | x | \uff15",
        "7 | x | 007",
        "7 | x",
        "7 | x | 5 | y",
        "7",
    ],
)
def test_a_line_that_can_be_read_two_ways_or_none_is_a_problem(tmp_path, line):
    sheet = read(tmp_path, f"\n{line}\n8 | y | 5\n")
    (problem,) = sheet.problems
    assert (problem.where, problem.row, problem.value) == ("line 2", 2, line)
    assert list(sheet.frame["service"]) == [line, "8"]
    assert list(order_rows(sheet)) == [3]


def test_each_line_is_told_for_itself(tmp_path):
    sheet = read(tmp_path, "\ufeff7 | x | 5\r\n8 | 6 | y\r\n")
    assert list(sheet.frame["quantity"]) == ["5", "6"]


def test_an_unseen_character_in_a_link_is_a_problem(tmp_path):
    (problem,) = read(tmp_path, "7 | x\u200by | 5").problems
    assert problem.where == "line 1, link"
