"""The columns `skip` and `enabled`: rows that a person leaves out."""

import pytest

from bulk.model.sheet import Problem
from bulk.planning.blockers import row_count
from bulk.planning.orders import row_filters
from smmplus.journal.state_machine import State
from tests.bulk.plans import LINK, blocker_of, row, sheet_of


@pytest.mark.parametrize("word", ["yes", "Y", "TRUE", "1", "x", "X", "on", "ya", "Ya", "\u2713"])
def test_yes_to_skip_leaves_a_row_out(word):
    assert row_filters(sheet_of(row(skip=word), row())).left_out == {2}


@pytest.mark.parametrize("word", ["", "no", "N", "FALSE", "0", "off", "Tidak"])
def test_no_or_nothing_sends_it(word):
    switches = row_filters(sheet_of(row(skip=word)))
    assert (switches.left_out, switches.problems) == (frozenset(), ())


@pytest.mark.parametrize(
    ("word", "left_out"), [("yes", set()), ("TRUE", set()), ("no", {2}), ("0", {2}), ("tidak", {2})]
)
def test_enabled_says_it_the_other_way_round(word, left_out):
    switches = row_filters(sheet_of(row(enabled=word)))
    assert (switches.left_out, switches.problems) == (left_out, ())


@pytest.mark.parametrize(
    ("name", "word"),
    [("skip", "maybe"), ("skip", "2"), ("skip", "-"), ("enabled", ""), ("enabled", "x"), ("enabled", "?")],
)
def test_odd_words_are_problems_of_their_cells_and_leave_nothing_out(name, word):
    switches = row_filters(sheet_of(row(**{name: word}), kind="xlsx"))
    (problem,) = switches.problems
    assert (switches.left_out, problem.where, problem.field, problem.value, problem.row) == (set(), "D2", name, word, 2)
    assert "write yes" in problem.remedy


def test_either_column_leaves_out():
    assert row_filters(sheet_of(row(skip="x", enabled="yes"), row(skip="", enabled="no"))).left_out == {2, 3}


def test_rows_left_out_are_not_sent_and_are_counted(week):
    plan = week.plan(sheet_of(row(skip="x"), row(LINK + "/2"), row(LINK + "/3", skip="yes")))
    assert ([item.row.number for item in plan.to_send], plan.left_out) == ([3], {2, 4})
    assert (row_count(plan), plan.problems) == (1, ())


def test_what_is_wrong_with_a_row_that_is_left_out_stops_nobody(week):
    unread = Problem("C3", "quantity", "#N/A", "is an error of the spreadsheet", "Mend it.", 3)
    sheet = sheet_of(row(), row(quantity="#N/A", skip="x"), row("no link", skip="x"), problems=[unread])
    plan = week.plan(sheet)
    assert (plan.problems, [item.row.number for item in plan.to_send]) == ((), [2])
    assert blocker_of(plan) == ""


def test_a_switch_that_cannot_be_read_is_a_problem_all_the_same(week):
    unread = Problem("D2", "skip", "#N/A", "is an error of the spreadsheet", "Mend it.", 2)
    plan = week.plan(sheet_of(row(skip="#N/A"), problems=[unread]))
    assert (plan.problems, plan.to_send) == ((unread,), ())


def test_an_odd_word_stops_the_run(week):
    sheet = sheet_of(row(skip="perhaps"))
    plan = week.plan(sheet)
    assert "1 row has problems" in blocker_of(plan)


def test_an_order_that_is_placed_stays_followed(week):
    placed = week.accepted()
    plan = week.plan(sheet_of(row(skip="x")))
    assert (plan.matching.entries[2].id, plan.matching.missing, plan.left_out) == (placed.id, [], frozenset())


def test_an_order_in_doubt_stays_in_doubt(week):
    week.in_doubt()
    assert week.plan(sheet_of(row(skip="x"))).with_state(State.IN_DOUBT).keys() == {2}


@pytest.mark.parametrize("state", ["planned", "refused"])
def test_what_was_never_placed_is_left_out(week, state):
    getattr(week, state)()
    plan = week.plan(sheet_of(row(skip="x")))
    assert (plan.to_send, dict(plan.matching.entries), plan.left_out) == ((), {}, {2})


def test_of_equal_rows_the_one_that_is_not_left_out_is_what_was_ordered(week):
    """A crash before the write-back leaves no id in the sheet: a row above, left out, must not take the order away."""
    placed = week.accepted()
    plan = week.plan(sheet_of(row(skip="x"), row()))
    assert {number: entry.id for number, entry in plan.matching.entries.items()} == {3: placed.id}
    assert (plan.to_send, plan.left_out) == ((), {2})


def test_a_row_that_is_left_out_equals_no_other(week):
    plan = week.plan(sheet_of(row(skip="x"), row()))
    assert (plan.problems, [item.row.number for item in plan.to_send]) == ((), [3])


def test_but_one_that_is_placed_does(week):
    week.accepted()
    plan = week.plan(sheet_of(row(order_id="501", skip="x"), row()))
    assert [(problem.row, problem.message) for problem in plan.problems] == [(3, "duplicate of row 2")]


def test_nobody_is_asked_about_a_row_that_is_left_out(week):
    week.accepted()
    week.finish()
    asked = week.plan(sheet_of(row()), unfinished=False)
    left_out = week.plan(sheet_of(row(skip="x")), unfinished=False)
    assert (asked.matching.questions.keys(), left_out.matching.questions) == ({2}, {})


def test_a_row_taken_in_again_is_sent_once(week):
    week.planned()
    plan = week.plan(sheet_of(row()))
    assert [item.entry is not None for item in plan.to_send] == [True]
