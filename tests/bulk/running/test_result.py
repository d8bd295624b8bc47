"""The exit status says what came of a job."""

from pathlib import Path

import pytest

from bulk.model.errors import ExitStatus
from bulk.running.result import RunResult
from bulk.writing import Written
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, entry_of, row, sheet_of

DONE, PROBLEMS, IN_DOUBT, ACCOUNT, UNFINISHED = (
    ExitStatus.DONE,
    ExitStatus.PROBLEMS,
    ExitStatus.IN_DOUBT,
    ExitStatus.ACCOUNT,
    ExitStatus.UNFINISHED,
)
PLACED, REFUSED, DOUBTFUL, NOT_SENT = (
    {2: entry_of(state=state)} for state in (State.PLACED, State.REJECTED, State.IN_DOUBT, State.NOT_SENT)
)


@pytest.fixture
def nothing(week):
    """Plan a sheet with nothing to send."""
    week.accepted()
    return week.plan(sheet_of(row()))


@pytest.fixture
def one(week):
    """Plan a sheet with one row to send."""
    return week.plan(sheet_of(row()))


@pytest.mark.parametrize(
    ("entries", "about", "status"),
    [
        (PLACED, {}, DONE),
        (REFUSED, {}, PROBLEMS),
        (DOUBTFUL, {}, IN_DOUBT),
        (NOT_SENT, {}, UNFINISHED),
        ({}, {}, UNFINISHED),
        ({}, {"blocked": "mend them"}, PROBLEMS),
        (PLACED, {"stop": Stop.ACCOUNT}, ACCOUNT),
        (PLACED, {"stop": Stop.BUDGET}, ACCOUNT),
        (PLACED, {"stop": Stop.FUNDS}, ACCOUNT),
        *[(PLACED, {"stop": stop}, UNFINISHED) for stop in Stop if stop not in {Stop.ACCOUNT, Stop.FUNDS, Stop.BUDGET}],
        (PLACED, {"unfollowed": "interrupted"}, UNFINISHED),
        (PLACED, {"unwritten": "the disk is full"}, UNFINISHED),
        (PLACED, {"unrecorded": {2: "501"}}, UNFINISHED),
        # Where several hold: 4 before 5 before 7 before 3.
        (DOUBTFUL, {"stop": Stop.ACCOUNT}, IN_DOUBT),
        (DOUBTFUL, {"stop": Stop.DOUBT}, IN_DOUBT),
        (DOUBTFUL, {"unwritten": "the disk is full"}, IN_DOUBT),
        (DOUBTFUL, {"blocked": "mend them"}, IN_DOUBT),
        (DOUBTFUL | {3: entry_of(state=State.REJECTED)}, {}, IN_DOUBT),
        (NOT_SENT, {"stop": Stop.ACCOUNT}, ACCOUNT),
        (REFUSED, {"stop": Stop.BUDGET}, ACCOUNT),
        (PLACED, {"stop": Stop.ACCOUNT, "unfollowed": "interrupted"}, ACCOUNT),
        (REFUSED, {"stop": Stop.UNKNOWN}, UNFINISHED),
        (REFUSED, {"unwritten": "the disk is full"}, UNFINISHED),
    ],
)
def test_the_exit_status(one, entries, about, status):
    assert RunResult(one, entries, **about).exit_status is status


def test_nothing_to_do_is_done(nothing):
    assert RunResult(nothing, nothing.matching.entries).exit_status is DONE


def test_the_wait_being_over_is_done(nothing):
    open_order = {2: entry_of(order_status="In progress")}
    assert RunResult(nothing, open_order).exit_status is DONE


def test_results_in_a_file_beside_the_sheet_are_done(nothing):
    beside = Written(Path("week.results.csv"), "digest", in_place=False, reason="Excel has it open")
    assert RunResult(nothing, PLACED, written=beside).exit_status is DONE


def test_rows_left_out_for_their_problems_are_problems(week):
    plan = week.plan(sheet_of(row(), row(quantity="x")), skip_bad=True)
    assert RunResult(plan, PLACED).exit_status is PROBLEMS


def test_a_doubt_that_no_row_stands_for_is_still_a_doubt(week):
    week.in_doubt()
    plan = week.plan(sheet_of(row(LINK + "/2")))
    assert RunResult(plan, {}, blocked="has no row any more").exit_status is IN_DOUBT


def test_a_placed_order_that_no_row_stands_for_is_a_question(week):
    week.accepted()
    plan = week.plan(sheet_of(row(LINK + "/2")))
    assert RunResult(plan, {}, blocked="has no row any more").exit_status is PROBLEMS


def test_states_are_counted(one):
    outcome = RunResult(one, {2: entry_of(), 3: entry_of(), 4: entry_of(state=State.IN_DOUBT)})
    assert (outcome.count(State.PLACED), outcome.count(State.IN_DOUBT), outcome.count(State.NOT_SENT)) == (2, 1, 0)


def test_rows_that_were_to_be_sent_and_were_not_are_counted(week):
    plan = week.plan(sheet_of(row(), row(LINK + "/2"), row(LINK + "/3")))
    assert RunResult(plan, {2: entry_of(), 3: entry_of(state=State.NOT_SENT)}).unsent == 2
