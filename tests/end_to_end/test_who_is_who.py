"""Which order a row is: sorted, copied, edited and duplicated sheets, and last week's."""

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command import (
    RESULTS,
    SHOP_KEY,
    Ledger,
    Order,
    Workplace,
    orders,
    read_rows,
    wait_until,
    write_sheet,
)
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e

TWO_OF_SAME = [{**orders(1)[0]}, {**orders(1)[0]}]


@pytest.fixture(scope="module")
def finished_week(shared_panel: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Place and write back a sheet of four rows, once for all tests that begin with one."""
    workplace = Workplace(tmp_path_factory.mktemp("week"), shared_panel, Ledger.from_here(shared_panel))
    assert workplace.run(workplace.sheet("week.csv", orders(4))).status == 0
    workplace.ledger.earlier = workplace.ledger.orders()
    return workplace


@pytest.fixture
def placed(finished_week: Workplace, workplace: Workplace) -> Path:
    """Give each test its own copy of the placed sheet and of the journal."""
    shutil.copytree(finished_week.folder, workplace.folder, dirs_exist_ok=True)
    workplace.ledger.earlier = finished_week.ledger.earlier
    return workplace.folder / "week.csv"


def change(sheet: Path, *rows: Order) -> None:
    """Save the sheet with other rows, as a person would."""
    write_sheet(sheet, rows)


def edited(row: Order, **changes: str) -> Order:
    return {**row, **changes}


def unplaced(row: Order) -> Order:
    """Empty the results of a row."""
    return {**row, **dict.fromkeys(RESULTS, "")}


def stays_out(workplace: Workplace, sheet: Path, *options: str, placed: int, status: int = 3) -> str:
    """Check that a run sends nothing and ends with this status; give what it said to a person."""
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--wait", "0", *options)
    assert done.status == status, done
    assert workplace.ledger.count() == placed
    return done.said


def test_the_same_sheet_again_places_nothing_new_and_says_so(workplace: Workplace, placed: Path):
    before = placed.read_bytes()
    assert "No new orders were placed" in stays_out(workplace, placed, placed=4, status=0)
    assert placed.read_bytes() == before


def test_sorting_changes_nothing(workplace: Workplace, placed: Path):
    change(placed, *reversed(read_rows(placed)))
    assert workplace.run(placed).json["sent"] == 0
    workplace.assert_each_row_once(placed, list(reversed(orders(4))))


def test_an_inserted_row_is_the_only_one_that_is_placed(workplace: Workplace, placed: Path):
    new = unplaced(orders(1, name="new")[0])
    first, *others = read_rows(placed)
    change(placed, first, new, *others)
    done = workplace.run(placed)
    assert (done.status, done.json["sent"]) == (0, 1)
    workplace.assert_each_row_once(placed)


def test_a_deleted_row_changes_nothing(workplace: Workplace, placed: Path):
    change(placed, *read_rows(placed)[1:])
    done = workplace.run(placed)
    assert (done.status, done.json["sent"]) == (0, 0)
    assert workplace.ledger.count() == 4


def test_a_copy_with_its_ids_under_another_name_places_nothing(workplace: Workplace, placed: Path):
    copy = workplace.folder / "copies" / "copy of week.csv"
    copy.parent.mkdir()
    copy.write_bytes(placed.read_bytes())
    done = workplace.run(copy)
    assert (done.status, done.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(copy, orders(4))


@pytest.mark.parametrize("name", ["week.csv", "copy.csv"])
def test_a_fresh_copy_stops_with_the_question_until_told_that_it_is_the_same(
    workplace: Workplace, placed: Path, name: str
):
    copy = workplace.sheet(f"fresh/{name}", orders(4))
    said = stays_out(workplace, copy, placed=4)
    first = workplace.ledger.orders()[0]
    # What was ordered, where and when.
    assert all(
        word in said for word in (first["order"], first["link"], "week.csv", "'week'", "UTC", "--adopt", "--campaign")
    )
    adopted = workplace.run(copy, "--adopt")
    assert (adopted.status, adopted.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(copy, orders(4))


def test_check_asks_the_same_question(workplace: Workplace, placed: Path):
    copy = workplace.sheet("fresh/week.csv", orders(4))
    checked = workplace.command("check", copy, "--json")
    assert checked.status == 3
    assert [question["row"] for question in checked.json["questions"]] == [2, 3, 4, 5]
    assert "--adopt" in checked.json["blocked"]


def test_a_fresh_copy_with_one_new_row_asks_before_it_sends_even_that(workplace: Workplace, placed: Path):
    copy = workplace.sheet("fresh/week.csv", [*orders(4), *orders(1, name="new")])
    stays_out(workplace, copy, placed=4)
    adopted = workplace.run(copy, "--adopt")
    assert (adopted.status, adopted.json["sent"]) == (0, 1)
    workplace.assert_each_row_once(copy)


def test_last_weeks_sheet_is_ordered_anew_under_the_name_of_a_campaign_and_once_only(
    workplace: Workplace, placed: Path
):
    copy = workplace.sheet("fresh/week.csv", orders(4))
    anew = workplace.run(copy, "--campaign", "week 2")
    assert (anew.status, anew.json["sent"]) == (0, 4)
    assert workplace.ledger.count() == 8
    stays_out(workplace, workplace.sheet("fresh/week.csv", orders(4)), "--campaign", "week 2", placed=8)
    again = workplace.run(placed)
    assert (again.status, again.json["sent"]) == (0, 0)


def test_last_weeks_sheet_with_its_ids_and_new_rows_places_the_new_ones(workplace: Workplace, placed: Path):
    new = [unplaced(row) for row in orders(2, name="this-week")]
    change(placed, *read_rows(placed), *new)
    assert workplace.run(placed).json["sent"] == 2
    workplace.assert_each_row_once(placed)


@pytest.mark.parametrize(
    ("field", "value"), [("link", "https://instagram.com/p/other"), ("quantity", "200"), ("service", "1")]
)
def test_a_placed_row_that_was_edited_is_a_problem(workplace: Workplace, placed: Path, field: str, value: str):
    first, *others = read_rows(placed)
    change(placed, edited(first, **{field: value}), *others)
    said = stays_out(workplace, placed, placed=4)
    assert "placed for something else" in said
    assert first["link"] in said


def test_a_row_copied_with_its_id_and_a_changed_link_is_a_problem_and_not_silently_unplaced(
    workplace: Workplace, placed: Path
):
    rows = read_rows(placed)
    copied = edited(rows[0], link="https://instagram.com/p/copied")
    change(placed, *rows, copied)
    assert "placed for something else" in stays_out(workplace, placed, placed=4)
    change(placed, *rows, unplaced(copied))
    assert workplace.run(placed).json["sent"] == 1
    workplace.assert_each_row_once(placed)


def test_a_row_duplicated_with_its_id_is_a_problem(workplace: Workplace, placed: Path):
    rows = read_rows(placed)
    change(placed, *rows, rows[1])
    assert "row 3 carries the same order" in stays_out(workplace, placed, placed=4)


def test_a_row_duplicated_without_its_id_is_a_problem_until_it_is_said_to_be_meant(workplace: Workplace, placed: Path):
    rows = read_rows(placed)
    change(placed, *rows, unplaced(rows[1]))
    assert "duplicate of row 3" in stays_out(workplace, placed, placed=4)
    meant = workplace.run(placed, "--allow-duplicates")
    assert (meant.status, meant.json["sent"]) == (0, 1)
    workplace.assert_each_row_once(placed)


def test_an_id_that_the_journal_does_not_know_is_a_problem(workplace: Workplace):
    sheet = workplace.sheet("foreign.csv", [{**orders(1)[0], "order_id": "987654321"}])
    assert "the journal knows no such order" in stays_out(workplace, sheet, placed=0)


def test_equal_rows_are_a_problem_until_they_are_said_to_be_meant(workplace: Workplace):
    sheet = workplace.sheet("twins.csv", TWO_OF_SAME)
    assert "duplicate of row 2" in stays_out(workplace, sheet, placed=0)
    assert workplace.run(sheet, "--allow-duplicates").json["sent"] == 2
    workplace.assert_each_row_once(sheet, TWO_OF_SAME)
    assert workplace.run(sheet).json["sent"] == 0


def test_of_equal_rows_one_in_doubt_stays_in_doubt_and_none_is_sent_again(workplace: Workplace):
    sheet = workplace.sheet("triplets.csv", [*TWO_OF_SAME, orders(1)[0]])
    assert workplace.run_without(2, sheet, "--allow-duplicates").status == 4
    change(sheet, *map(unplaced, read_rows(sheet)))
    again = workplace.run(sheet, "--allow-duplicates")
    assert (again.status, again.json["sent"]) == (4, 0)
    assert workplace.ledger.count() == 3
    assert len({row["order_id"] for row in read_rows(sheet)} - {""}) == 2


def test_an_unfinished_run_goes_on_when_the_sheet_was_sorted_meanwhile(workplace: Workplace):
    rows = orders(6)
    sheet = workplace.sheet("sorted.csv", rows)
    workplace.panel.faults({"fault": "refuse", "text": "Not enough funds on balance", "action": "add", "calls": [4]})
    assert workplace.run(sheet, "--in-flight", "1").status == 5
    workplace.panel.faults()
    change(sheet, *reversed(read_rows(sheet)))
    assert workplace.run(sheet).json["sent"] == 3
    workplace.assert_each_row_once(sheet, list(reversed(rows)))


def test_an_unfinished_run_goes_on_with_a_fresh_copy_of_the_same_name(workplace: Workplace):
    rows = orders(5)
    sheet = workplace.sheet("mail/sheet.csv", rows)
    with workplace.start("run", sheet, "--yes", "--rate", "0", "--wait", "final") as running:
        wait_until(lambda: workplace.ledger.calls("status") > 0, "all are placed and followed")
        running.kill()
    copy = workplace.sheet("downloads/sheet.csv", rows)
    done = workplace.run(copy)
    assert (done.status, done.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(copy, rows)


@pytest.mark.parametrize("options", [(), ("--campaign", "spring")], ids=["other campaign", "same campaign"])
def test_a_copy_of_an_unfinished_sheet_under_another_name_stops_with_the_question(
    workplace: Workplace, options: tuple[str, ...]
):
    assert workplace.run_without(2, workplace.sheet("first.csv", orders(3)), *options).status == 4
    said = stays_out(workplace, workplace.sheet("second.csv", orders(3)), *options, placed=3)
    assert "first.csv" in said
    assert "--adopt" in said


def test_an_order_in_doubt_whose_row_was_edited_stops_the_run(workplace: Workplace):
    sheet = workplace.sheet("edited.csv", orders(3))
    assert workplace.run_without(1, sheet).status == 4
    doubtful, *others = read_rows(sheet)
    change(sheet, edited(unplaced(doubtful), quantity="150"), *others)
    said = stays_out(workplace, sheet, placed=3, status=4)
    assert "no row any more" in said
    assert "--ignore-missing" in said
    meant = workplace.run(sheet, "--ignore-missing")
    assert (meant.status, meant.json["sent"]) == (4, 1)
    assert workplace.ledger.count() == 4
    workplace.assert_books_agree()


def test_a_placed_order_of_an_unfinished_run_whose_row_was_edited_stops_the_run(workplace: Workplace):
    sheet = workplace.sheet("edited.csv", orders(3))
    workplace.panel.faults({"fault": "refuse", "text": "Not enough funds on balance", "action": "add", "calls": [2]})
    assert workplace.run(sheet, "--in-flight", "1").status == 5
    workplace.panel.faults()
    first, *others = read_rows(sheet)
    change(sheet, edited(unplaced(first), quantity="150"), *others)
    assert "no row any more" in stays_out(workplace, sheet, placed=1)


def test_another_account_has_orders_of_its_own(workplace: Workplace, placed: Path):
    workplace.settings["SMMPLUS_API_KEY_SHOP"] = SHOP_KEY
    assert "the journal knows no such order" in stays_out(workplace, placed, "--account", "shop", placed=4)
    copy = workplace.sheet("shop/week.csv", orders(4))
    done = workplace.run(copy, "--account", "shop")
    assert (done.status, done.json["sent"]) == (0, 4)
    assert [order["key"] for order in workplace.ledger.orders()] == ["test"] * 4 + ["shop"] * 4


def test_an_account_never_falls_back_to_the_key_of_another(workplace: Workplace):
    sheet = workplace.sheet("week.csv", orders(1))
    assert "SMMPLUS_API_KEY_SHOP" in stays_out(workplace, sheet, "--account", "shop", placed=0, status=2)


def test_another_key_of_the_same_account_changes_nothing(workplace: Workplace, placed: Path):
    again = workplace.command("run", placed, "--yes", "--json", "--wait", "0", SMMPLUS_API_KEY=SHOP_KEY)
    assert (again.status, again.json["sent"]) == (0, 0)


def test_a_sheet_with_one_row_bad_sends_nothing_and_with_skip_bad_the_rest(workplace: Workplace):
    good, bad = orders(3), {**orders(1, name="bad")[0], "quantity": "5"}
    sheet = workplace.sheet("bad.csv", [*good, bad])
    said = stays_out(workplace, sheet, placed=0)
    assert "line 5, Jumlah" in said
    assert "--skip-bad" in said
    done = workplace.run(sheet, "--skip-bad")
    assert (done.status, done.json["sent"]) == (3, 3)
    rows = read_rows(sheet)
    assert "minimum" in rows[3]["error"]
    change(sheet, *rows[:3], edited(rows[3], quantity="50"))
    mended = workplace.run(sheet)
    assert (mended.status, mended.json["sent"]) == (0, 1)
    workplace.assert_each_row_once(sheet)
    assert read_rows(sheet)[3]["error"] == ""
