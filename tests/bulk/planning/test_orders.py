"""From the rows of a sheet to what they order."""

import re
from dataclasses import replace

import pytest

from bulk.model.cell_values import plain_digits
from bulk.model.sheet import Problem
from bulk.planning.orders import OrderRow, check_rows, equal_rows, order_rows
from bulk.planning.plan import column_notes
from bulk.reading import read_sheet
from smmplus.orders.models import OrderRequest
from tests.bulk.plans import LINK, request, row, service, sheet_of

SERVICES = {"2": service("2", least=10)}


def test_a_row_is_its_service_and_its_filled_fields():
    sheet = sheet_of(row(runs="", order_id="501", error="old", note="mine"))
    assert order_rows(sheet) == {2: OrderRow(2, request(), "501")}


def test_a_sheet_without_a_column_for_ids_carries_none():
    assert order_rows(sheet_of(row()))[2].order_id == ""


def test_rows_are_known_by_their_numbers_in_the_file():
    assert list(order_rows(sheet_of(row(), row(LINK + "/2"), numbers=[4, 9]))) == [4, 9]


def test_a_row_that_could_not_be_read_faithfully_is_left_out():
    problem = Problem("C2", "quantity", "1,000", "is not plain digits", "Write 1000.", 2)
    assert list(order_rows(sheet_of(row(), row(), problems=[problem]))) == [3]


def test_a_problem_tells_its_cell_value_and_remedy():
    sheet = sheet_of(row(quantity="5"), kind="xlsx")
    (problem,) = check_rows(sheet, order_rows(sheet).values(), SERVICES)
    assert (problem.where, problem.field, problem.value, problem.row) == ("C2", "quantity", "5", 2)
    assert (problem.message, problem.remedy) == ("5 is less than the service's minimum", "at least 10")


def test_a_field_without_a_column_is_told_by_its_row():
    sheet = sheet_of({"service": "2", "link": LINK})
    (problem,) = check_rows(sheet, order_rows(sheet).values(), SERVICES)
    assert (problem.where, problem.field, problem.value) == ("row 2", "quantity", "")


def test_a_missing_column_is_told():
    sheet = sheet_of({"service": "2", "link": LINK})
    (problem,) = check_rows(sheet, order_rows(sheet).values(), SERVICES)
    assert problem.remedy == "fill in quantity (the sheet has no column quantity: add it)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.000", "id"),
        ("1,000", "en"),
        ("1 000", "fr"),
        ("1\u2019000", "de_CH"),
        ("10.5", None),
        ("many", None),
    ],
)
def test_a_number_that_may_be_thousands_is_refused_with_the_locale_that_reads_it(text, told):
    sheet = sheet_of(row(quantity=text), kind="xlsx")
    (problem,) = check_rows(sheet, order_rows(sheet).values(), SERVICES)
    assert (problem.where, problem.value) == ("C2", text)
    assert re.findall("--locale (.*)", problem.remedy) == ([told] if told else [])
    assert not told or plain_digits(text, told) == "1000"


def test_a_service_that_is_not_offered_is_told_with_its_number():
    sheet = sheet_of(row(service="99"))
    (problem,) = check_rows(sheet, order_rows(sheet).values(), SERVICES)
    assert (problem.where, problem.value) == ("line 2, service", "99")


def test_right_rows_have_no_problems():
    sheet = sheet_of(row(), row(LINK + "/2"))
    assert check_rows(sheet, order_rows(sheet).values(), SERVICES) == []


@pytest.mark.parametrize("text", ["a  ", "a\n\n b", "a\u2028b", "\u00a0a", "ab"])
def test_an_order_is_in_the_normal_form(text):
    (made,) = order_rows(sheet_of(row(text, comments=text))).values()
    assert made.request == request(text, comments=text)


def equal(sheet, *to_send):
    rows = order_rows(sheet)
    return {problem.row: problem.message for problem in equal_rows(sheet, [rows[n] for n in to_send], rows.values())}


def test_the_later_of_equal_rows_is_the_problem():
    assert equal(sheet_of(row(), row(), row()), 2, 3, 4) == {
        3: "duplicate of row 2",
        4: "duplicate of row 2",
    }


def test_a_row_that_equals_a_placed_one_below_is_the_problem():
    assert equal(sheet_of(row(), row(order_id="501")), 2) == {2: "duplicate of row 3"}


def test_equal_rows_that_are_both_placed_are_none():
    assert equal(sheet_of(row(order_id="501"), row(order_id="502"))) == {}


def test_rows_that_differ_in_one_field_are_not_equal():
    sheet = sheet_of(row(), row(quantity="101"), row(service="3"), row(LINK + "/2"), row(runs="2", interval="5"))
    assert equal(sheet, 2, 3, 4, 5, 6) == {}


def test_an_equal_row_is_told_with_its_link():
    sheet = sheet_of(row(), row())
    rows = order_rows(sheet)
    (problem,) = equal_rows(sheet, rows.values(), rows.values())
    assert (problem.where, problem.value, "--allow-duplicates" in problem.remedy) == ("row 3", LINK, True)


def test_equal_rows_without_a_link_are_told_too():
    order = OrderRow(2, OrderRequest.of("9", {"username": "anna"}), "")
    rows = [order, OrderRow(3, order.request, "")]
    assert [problem.value for problem in equal_rows(sheet_of(row()), rows, rows)] == [""]


def test_all_problems_of_a_row_are_shown_at_once(week, tmp_path):
    """Also those of a cell that cannot be read beside those of cells that can."""
    path = tmp_path / "week.csv"
    path.write_text("service,username,min,max,delay,expiry,posts\n2,name,50,20,7,31/12/2026,x\n", "utf-8")
    plan = week.plan(read_sheet(path), service(kind="Subscriptions"), unfinished=False)
    assert {problem.field for problem in plan.problems} == {"min", "delay", "expiry", "posts"}


def test_a_quantity_is_held_to_the_limits_beside_other_problems(week):
    found = week.plan(sheet_of(row(link="x", quantity="1", runs="y", interval="5")), service(least=10)).problems
    assert {problem.field for problem in found} == {"link", "quantity", "runs"}


def test_a_row_that_could_not_be_split_is_only_that(week, tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity\n2,{LINK},1,5\n", "utf-8")
    assert len(week.plan(read_sheet(path)).problems) == 1


@pytest.mark.parametrize("none", ["0", "-", "\u2013", " - "])
def test_none_in_runs_and_interval_is_no_drip_feed(none):
    assert order_rows(sheet_of(row(runs=none, interval=none)))[2].request == request()


@pytest.mark.parametrize(("service", "link"), [("", ""), ("Total", ""), ("", "TOTAL:"), ("Jumlah", "")])
def test_a_total_below_the_orders_is_named_as_one(service, link):
    (problem,) = found(row(service=service, link=link, quantity="300"))
    assert problem.message == "the row has a quantity but no service"
    assert "if it is a total, delete it or write yes into a column skip" in problem.remedy


def test_a_service_by_its_name_is_answered_with_its_id():
    (problem,) = found(row(service="likes"))
    assert problem.remedy == "did you mean 2 (Likes)? Write 2"


NAMED = {"2": "Instagram Likes [instant]", "3": "TikTok Likes", "4": "Instagram Comment Likes"}
MEANT = ", ".join(f"{number} ({name})" for number, name in NAMED.items())


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Instagram Likes", "did you mean 2 (Instagram Likes [instant])? Write 2"),
        (
            "LIKES",
            f"did you mean one of {', '.join(f'{number} ({name})' for number, name in NAMED.items())}? Write its id",
        ),
        ("tiktok", "did you mean 3 (TikTok Likes)? Write 3"),
        ("Twitter", "look up the id with `smmplus services`"),
        ("999", "look up the id with `smmplus services`"),
        ("[instant] unknown", "look up the id with `smmplus services`"),
    ],
)
def test_a_service_by_a_part_of_its_name_is_answered_with_what_it_may_mean(text, remedy):
    likes = SERVICES["2"]
    services = {number: replace(likes, id=number, name=name) for number, name in NAMED.items()}
    sheet = sheet_of(row(service=text))
    (problem,) = check_rows(sheet, order_rows(sheet).values(), services)
    assert problem.remedy == remedy


def test_a_number_that_a_formula_left_with_a_fraction_is_to_be_rounded():
    (problem,) = found(row(quantity="99.99999999999999"))
    assert "=ROUND(" in problem.remedy


def found(cells):
    sheet = sheet_of(cells)
    return check_rows(sheet, order_rows(sheet).values(), SERVICES)


def test_none_in_runs_is_told_once(week):
    sheet = sheet_of(row(runs="0", interval="0"), row(f"{LINK}/2", runs="-", interval=""), row(f"{LINK}/3"))
    plan = week.plan(sheet, unfinished=False)
    assert (len(plan.to_send), plan.problems) == (3, ())
    assert column_notes(plan) == ["0 or - in runs or interval means no drip-feed (2 rows)"]
