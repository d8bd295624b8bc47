"""Control totals."""

from decimal import Decimal

import pytest

from bulk.model.sheet import Problem
from bulk.planning.blockers import equals_as_written, row_count
from smmplus.api.error_texts import Meaning
from smmplus.journal.state_machine import Event
from tests.bulk.plans import LINK, blocker_of, request, row, service, sheet_of

UNREAD = Problem("line 9", "", "2,a,b,c", "has 4 columns where the header has 3", "mend it", 9)
POSTS = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0"}


def said(week, *rows, problems=(), services=(), **options):
    sheet = sheet_of(*rows, problems=problems)
    return blocker_of(week.plan(sheet, *services, **options))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("12.4995", "12.50"),
        ("12.495", "12.50"),
        ("12.505", "12.50"),
        ("12.5", "12.50"),
        ("12.5", "12"),
        ("11.5", "12"),
        ("12.4995", "12.4995"),
        ("0", "0"),
        ("12345678901234567890.12345678901234567891", "12345678901234567890.12345678901234567891"),
    ],
)
def test_what_reads_as_expected_at_the_digits_written_fits(found, expected):
    assert equals_as_written(Decimal(found), Decimal(expected))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("12.4949", "12.50"),
        ("12.5051", "12.50"),
        ("12.4995", "12.5000"),
        ("12.51", "12"),
        ("12345678901234567890.12345678901234567892", "12345678901234567890.12345678901234567891"),
    ],
)
def test_what_reads_otherwise_does_not(found, expected):
    assert not equals_as_written(Decimal(found), Decimal(expected))


def test_a_sheet_of_as_many_rows_as_expected_may_go(week):
    assert said(week, row(), row(LINK + "/2"), expect_rows=2) == ""


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_another_number_of_rows_is_told_with_both_numbers(week, expected):
    words = said(week, row(), row(LINK + "/2"), expect_rows=expected)
    assert words == f"Expected {expected} {'row' if expected == 1 else 'rows'} with orders, found 2"


def test_rows_count_whether_placed_refused_waiting_wrong_or_unreadable(week):
    week.accepted("501")
    week.refused(request(LINK + "/2"), meaning=Meaning.UNKNOWN.name)
    rows = (row(), row(LINK + "/2"), row(LINK + "/3"), row(LINK + "/4"), row(quantity="x"))
    assert row_count(week.plan(sheet_of(*rows, problems=[UNREAD]), first=1)) == 6


def test_the_number_of_rows_is_told_before_what_is_wrong_with_them(week):
    assert "Expected 2 rows" in said(week, row(quantity="x"), expect_rows=2)


def test_a_sheet_of_the_expected_cost_may_go(week):
    assert said(week, row(), row(LINK + "/2"), expect_total=Decimal("0.30")) == ""


def test_another_cost_is_told_with_both_numbers(week):
    words = said(week, row(), row(LINK + "/2"), expect_total=Decimal("0.20"))
    assert words == "Expected a total cost of 0.20, found 0.3"


def test_placed_rows_cost_what_the_journal_says(week):
    week.planned(cost="7")
    week.settled(Event.ORDER_ID, request(LINK + "/2"), "502")
    rows = (row(order_id=""), row(LINK + "/2"), row(LINK + "/3"))
    assert said(week, *rows, services=[service(rate="2")], expect_total=Decimal("0.55")) == ""


def test_a_refused_row_that_is_not_tried_again_still_belongs_to_the_sheet(week):
    week.refused(meaning=Meaning.UNKNOWN.name)
    assert said(week, row(), row(LINK + "/2"), expect_total=Decimal("0.30")) == ""


def test_rows_that_wait_for_a_later_run_belong_to_the_sheet(week):
    assert said(week, row(), row(LINK + "/2"), first=1, expect_total=Decimal("0.30"), expect_rows=2) == ""


@pytest.mark.parametrize(("rows", "unknown"), [([row(), POSTS], 3), ([POSTS, row(quantity="x")], 2)])
def test_a_row_whose_cost_nobody_knows_makes_it_impossible(week, rows, unknown):
    services = (service(), service("7", kind="Subscriptions"))
    words = said(week, *rows, services=services, skip_bad=True, expect_total=Decimal("0.30"))
    assert words.startswith("Expected a total cost of 0.30, but the cost of ")
    assert words.endswith(f"is unknown, such as row {unknown}")


def test_a_row_that_could_not_be_read_makes_it_impossible(week):
    words = said(week, row(), problems=[UNREAD], skip_bad=True, expect_total=Decimal("0.15"))
    assert words.endswith("the cost of 1 row is unknown, such as row 9")


def test_problems_are_told_before_the_cost(week):
    assert "--skip-bad" in said(week, row(quantity="x"), expect_total=Decimal("0.30"))
