"""The sheet on disk follows the journal, and nothing else of it changes."""

import csv

import openpyxl
import pytest

from bulk.model.errors import SheetError
from bulk.reading import read_sheet
from bulk.running.write_from_journal import WriteBack
from smmplus.errors import JournalError
from smmplus.orders.models import OrderStatus
from tests.bulk.plans import LINK, request

pytestmark = pytest.mark.usefixtures("read_here")

HEADER = "service,link,quantity"
ROWS = (f"2,{LINK},100", f"2,{LINK}/2,100")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text("\n".join([HEADER, *ROWS, ""]), "utf-8")
    return path


def written(path):
    """Read the rows of a CSV file back."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return dict(enumerate(csv.DictReader(file), start=2))


def write_back(week, path, entries=(), **options):
    """Watch a sheet's rows, and what else is named by row."""
    plan = week.plan(read_sheet(path), **options)
    watched = {row: entry.id for row, entry in plan.matching.entries.items()}
    return WriteBack(plan.sheet, plan.problems, week.journal, watched | dict(entries))


def test_ids_reach_the_sheet(week, path):
    week.accepted("501")
    results = write_back(week, path)
    done = results.write({})
    assert (done.path, done.in_place, results.last, results.in_place) == (path, True, done, True)
    rows = written(path)
    assert (rows[2]["order_id"], rows[2]["order_status"], rows[3]["order_id"]) == ("501", "Placed", "")


def test_nothing_new_is_not_written(week, path):
    week.accepted("501")
    results = write_back(week, path)
    results.write({})
    before = path.stat().st_mtime_ns
    assert results.write({}) is None
    assert write_back(week, path).write({}) is None
    assert path.stat().st_mtime_ns == before
    assert results.in_place


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_text_that_no_cell_can_hold_as_it_is_is_not_new_every_time(week, path, ending):
    week.refused(error=" First line\r\nsecond\x07 line, ünwritable \x00\t")
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for line in (HEADER, *ROWS):
            book.active.append(line.split(","))
        path = path.with_suffix(".xlsx")
        book.save(path)
    assert write_back(week, path).write({}).in_place
    assert write_back(week, path).write({}) is None


def test_what_is_new_later_is_written_over_what_stood_there(week, path):
    entry = week.accepted("501")
    results = write_back(week, path)
    results.write({})
    week.journal.record_statuses({entry.id: OrderStatus("Completed", None, 5, 0, "USD")})
    assert results.write({}).in_place
    assert (written(path)[2]["order_status"], written(path)[2]["start_count"]) == ("Completed", "5")


def test_a_sheet_without_any_order_is_left_alone(week, path):
    before = path.read_bytes()
    assert write_back(week, path).write({}) is None
    assert path.read_bytes() == before


def test_an_id_that_the_journal_could_not_take_reaches_the_sheet(week, path):
    entry = week.submitting()
    results = write_back(week, path)
    results.write({entry.id: "777"})
    assert (written(path)[2]["order_id"], written(path)[2]["order_status"]) == ("777", "Placed")


def test_it_reaches_the_sheet_also_where_the_journal_cannot_be_read(week, path, monkeypatch):
    entry = week.submitting()
    results = write_back(week, path)
    monkeypatch.setattr(week.journal, "with_ids", fails)
    results.write({entry.id: "777"})
    assert written(path)[2]["order_id"] == "777"


def fails(*_):
    raise JournalError("the disk is gone")


def test_a_journal_that_cannot_be_read_is_an_error_where_nothing_depends_on_it(week, path, monkeypatch):
    week.submitting()
    results = write_back(week, path)
    monkeypatch.setattr(week.journal, "with_ids", fails)
    with pytest.raises(JournalError, match="the disk is gone"):
        results.write({})


def test_rows_with_problems_get_their_words_and_no_other_cell(week, path):
    path.write_text(f"{HEADER},charge\n2,{LINK},5,mine\n", "utf-8")
    write_back(week, path).write({})
    row = written(path)[2]
    assert row["error"] == "line 2, quantity: 5 is less than the service's minimum (at least 10)"
    assert (row["charge"], set(row)) == ("mine", {"service", "link", "quantity", "charge", "error"})


def test_a_planned_row_that_has_a_problem_now_is_told_why_it_is_left_out(week, path):
    week.planned()
    plan = week.plan(read_sheet(path), balance="1000")
    assert plan.problems == ()
    path.write_text("\n".join([HEADER, ROWS[0], ROWS[0], ""]), "utf-8")
    write_back(week, path, {3: week.planned(nth=2).id}).write({})
    rows = written(path)
    assert (rows[2]["error"], rows[2]["order_status"]) == ("", "Not sent")
    assert "duplicate of row 2" in rows[3]["error"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("week.csv", f"{HEADER}\n{ROWS[0]}\n2,too,many,cells,here\n"),
        ("week.txt", f"2 | {LINK} | 100\nno order at all\n"),
    ],
)
def test_a_line_that_is_no_row_has_no_cells_for_its_problem(week, tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    week.accepted("501")
    results = write_back(week, path)
    assert "501" in results.write({}).path.read_text("utf-8-sig")


def test_a_file_saved_meanwhile_is_left_alone_and_the_results_go_beside_it(week, path):
    week.accepted("501")
    results = write_back(week, path)
    path.write_text("somebody's work", "utf-8")
    done = results.write({})
    assert path.read_text("utf-8") == "somebody's work"
    assert (done.path.name, done.in_place, results.in_place) == ("week.results.csv", False, False)
    assert written(done.path)[2]["order_id"] == "501"


def test_beside_it_they_are_written_until_they_are_in_the_sheet(week, path):
    week.accepted("501")
    results = write_back(week, path)
    lock = path.with_name(f"~${path.name}")
    lock.touch()
    assert not results.write({}).in_place
    lock.unlink()
    assert results.write({}).in_place
    assert results.in_place
    assert written(path)[2]["order_id"] == "501"


def test_a_folder_that_cannot_be_written_is_an_error_and_changes_nothing(week, path, monkeypatch):
    def full(*_, **__):
        raise SheetError("the disk is full")

    week.accepted("501")
    results = write_back(week, path)
    before = path.read_bytes()
    monkeypatch.setattr("bulk.writing.write_atomically", full)
    with pytest.raises(SheetError, match="the disk is full"):
        results.write({})
    assert (path.read_bytes(), results.last) == (before, None)


def test_the_entries_of_the_rows_are_as_the_journal_knows_them(week, path):
    entry = week.submitting()
    results = write_back(week, path)
    assert results.entries() == {2: week.now(entry)}


def test_rows_that_are_sent_are_watched_once_they_have_entries(week, path):
    watched = {}
    results = WriteBack(read_sheet(path), (), week.journal, watched)
    watched[3] = week.accepted("502", request(LINK + "/2")).id
    results.write({})
    assert written(path)[3]["order_id"] == "502"


def test_a_row_with_a_surplus_value_gets_its_error_and_stays_wrong(week, path):
    """New columns must not stand over the foreign value: on the next run, the row would look right."""
    path.write_text(f"{HEADER}\n2,{LINK}?a=1,200,100\n2,{LINK},100,\n", "utf-8")
    for _ in range(2):
        write_back(week, path).write({})
        rows = written(path)
        assert "'100' to the right of the last column" in rows[2]["error"]
        assert (rows[3]["error"], rows[2][None]) == ("", ["100"])
        assert [problem.row for problem in read_sheet(path).problems] == [2]
