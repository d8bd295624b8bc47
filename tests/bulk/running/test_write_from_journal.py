"""Writing what the journal knows into a sheet, however people have sorted or copied it."""

import csv
from dataclasses import replace

import pytest

from bulk.model.options import Options
from bulk.running.write_from_journal import write_back
from tests.bulk.plans import LINK, Ledger, request

pytestmark = pytest.mark.usefixtures("read_here")

URL = "https://smm.plus/api/v2"


def links(*names):
    return [f"{LINK}/{name}" for name in names]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "week.csv"


@pytest.fixture
def write(path):
    """Give a function that writes a sheet of orders for these links, with the ids that are given."""

    def rows(*names, ids=None):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["service", "link", "quantity", *(["order_id"] if ids else [])])
            writer.writerows(
                ["2", link, "100", *([ids.get(name, "")] if ids else [])]
                for name, link in zip(names, links(*names), strict=True)
            )

    return rows


@pytest.fixture
def results(path, journal):
    """Give a function that writes the results, and gives the order ids by row as they stand in the sheet then."""

    def write_them(**more):
        write_back(replace(Options(path, campaign="week", batch="week.csv"), **more), URL, journal)
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [row.get("order_id", "") for row in csv.DictReader(file)]

    return write_them


@pytest.fixture
def placed(week):
    """Place two orders."""
    return [week.accepted(number, request(link)) for number, link in zip(("501", "502"), links("a", "b"), strict=True)]


def test_ids_are_written_into_their_rows(write, results, placed):
    write("a", "b")
    assert results() == ["501", "502"]


def test_a_sorted_or_copied_sheet_gets_the_ids_of_its_rows(write, results, placed, path):
    write("b", "a")
    assert results() == ["502", "501"]


def test_a_second_time_writes_nothing(write, results, placed, path, journal):
    write("a", "b")
    results()
    entries, written = write_back(Options(path, campaign="week", batch="week.csv"), URL, journal)
    assert written is None
    assert [entry.order_id for entry in entries.values()] == ["501", "502"]


def test_what_was_not_ordered_and_what_has_no_row_stays_as_it_is(write, results, placed):
    write("new", "b")
    assert results() == ["", "502"]


def test_equal_rows_are_an_order_each_and_a_row_that_carries_an_id_is_that_order(results, week, path):
    for number, nth in (("501", 1), ("502", 2)):
        week.accepted(number, request(links("a")[0]), nth=nth)
    (link,) = links("a")
    path.write_text(f"service,link,quantity,order_id\n2,{link},100,\n2,{link},100,501\n", "utf-8")
    assert results() == ["502", "501"]


def test_the_sheets_own_batch_comes_first(write, results, journal, week):
    """An equal order of an earlier batch of the campaign is not this sheet's."""
    Ledger.of(journal, source="earlier.csv").accepted("401", request(links("a")[0]), nth=7)
    week.accepted("501", request(links("a")[0]))
    write("a")
    assert results() == ["501"]


def test_orders_of_another_campaign_or_account_are_not_this_sheets(write, results, journal):
    Ledger.of(journal, campaign="other").accepted("501", request(links("a")[0]))
    Ledger.of(journal, account="shop").accepted("502", request(links("a")[0]))
    write("a")
    assert results() == [""]


@pytest.mark.parametrize("finished", [False, True])
def test_a_finished_batch_is_written_as_well(write, results, placed, week, finished):
    if finished:
        week.finish()
    write("a", "b")
    assert results() == ["501", "502"]


def test_an_id_that_nobody_knows_is_told_in_its_row(write, results, placed, path):
    write("a", ids={"a": "999"})
    assert results() == ["999"]
    assert "the journal knows no such order" in path.read_text("utf-8-sig")


def test_states_and_words_are_written(write, results, week, path):
    week.in_doubt(request(links("a")[0]))
    week.refused(request(links("b")[0]), error="Bad link")
    write("a", "b")
    results()
    text = path.read_text("utf-8-sig")
    assert "Bad link" in text
    assert "doubt" in text.casefold()
