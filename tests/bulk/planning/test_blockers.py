"""What must be mended or answered before a run sends anything."""

from bulk.model.sheet import Problem
from bulk.planning.blockers import describe_order
from smmplus.commands import local_time
from smmplus.journal.state_machine import State
from smmplus.orders.models import OrderRequest
from tests.bulk.plans import LINK, Ledger, blocker_of, entry_of, request, row, sheet_of


def said(week, *rows, problems=(), unfinished=True, **options):
    sheet = sheet_of(*rows, problems=problems)
    return blocker_of(week.plan(sheet, unfinished=unfinished, **options))


def test_nothing_stands_in_the_way_of_right_rows(week):
    assert said(week, row()) == ""


def test_a_question_tells_what_was_ordered_when_and_where(week):
    entry = Ledger.of(week.journal, "last", "last.csv").accepted("501")
    words = said(week, row())
    assert words.startswith(f"1 row equals an order placed before: order 501 (service 2, {LINK}) of last.csv, ")
    assert "campaign 'last', " + local_time(entry.sent_at) in words
    assert "--adopt" in words
    assert words.endswith("To place them again, pass --campaign week")


def test_a_campaign_that_has_the_orders_gets_another_name(week):
    week.accepted("501")
    words = said(week, row(), unfinished=False)
    assert words.endswith("To place them again, pass --campaign 'week 2'")


def test_several_questions_are_told_with_one_example(week):
    last = Ledger.of(week.journal, "last")
    last.accepted("501"), last.accepted("502", nth=2)
    words = said(week, row(), row())
    assert words.startswith("2 rows equal orders placed before: order 501")
    assert " and others. If they are the same" in words


def test_an_order_without_a_row_is_told_with_the_way_out(week):
    week.accepted("501")
    words = said(week, row(LINK + "/2"))
    assert words.startswith("1 order of the last, unfinished run of this sheet has no row any more: order 501")
    assert "--ignore-missing" in words


def test_several_orders_without_rows_are_counted(week):
    week.accepted("501"), week.in_doubt(nth=2)
    assert said(week, row(LINK + "/2")).startswith("2 orders of the last, unfinished run of this sheet have no row")


def test_orders_that_are_meant_to_be_gone_are_no_obstacle(week):
    week.accepted("501")
    assert said(week, row(LINK + "/2"), ignore_missing=True) == ""


def test_problems_are_counted_by_row(week):
    assert said(week, row(quantity="x", link="y")).startswith(
        "1 row has problems. Fix it, or leave it out with --skip-bad"
    )
    assert said(week, row(quantity="x"), row(quantity="y")).startswith(
        "2 rows have problems. Fix them, or leave them out"
    )


def test_rows_with_problems_may_be_left_out(week):
    assert said(week, row(quantity="x"), skip_bad=True) == ""


def test_what_is_wrong_with_the_whole_sheet_cannot_be_left_out(week):
    hidden = Problem("column D", "runs", "runs", "is hidden", "Unhide it, or delete it.")
    words = said(week, row(), problems=[hidden], skip_bad=True)
    assert words == "column D: is hidden. This affects every row: Unhide it, or delete it."


def test_the_question_comes_before_all_else(week):
    Ledger.of(week.journal, "last").accepted("501")
    week.accepted("502", request(LINK + "/gone"))
    assert "--adopt" in said(week, row(), row(quantity="x"))
    assert "--ignore-missing" in said(week, row(quantity="x"))


def test_an_order_without_an_id_is_told_as_one_in_doubt():
    subscription = OrderRequest.of("7", {"username": "anna"})
    assert describe_order(entry_of(subscription, state=State.IN_DOUBT)) == (
        "an order in doubt (service 7, anna) of week.csv, campaign 'week', 3 Feb 2026, 04:05 UTC"
    )
