"""What the end of a run means for its task."""

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.utils.failures import WORTH_A_RETRY, must_be_placed, must_be_well
from bulk.running.result import RunResult
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from tests.bulk.plans import entry_of

FOR_GOOD = [stop for stop in Stop if stop not in WORTH_A_RETRY]


def outcome(entries=(), **about):
    return RunResult(None, dict(enumerate(entries)), **about)


def kind_of(raised):
    return type(raised.value)


def test_a_run_that_came_to_its_end_raises_nothing():
    must_be_well(outcome([entry_of()]))
    must_be_placed([entry_of(), entry_of(state=State.REJECTED)], None, "")


def test_what_a_person_must_answer_is_not_tried_again():
    with pytest.raises(AirflowFailException, match=r"^2 rows with problems$"):
        must_be_well(outcome(blocked="2 rows with problems"))


def test_every_stop_is_either_worth_a_retry_or_not():
    assert {*WORTH_A_RETRY, *FOR_GOOD} == set(Stop)
    assert Stop.PRICE in FOR_GOOD
    assert Stop.FUNDS in WORTH_A_RETRY


@pytest.mark.parametrize("stop", [stop for stop in Stop if stop in WORTH_A_RETRY])
def test_what_may_pass_is_tried_again(stop):
    with pytest.raises(
        AirflowException, match=rf"^stopped: {stop.value} \(why\)\. .*lear the task if no retry"
    ) as raised:
        must_be_placed([], stop, "why")
    assert kind_of(raised) is AirflowException


@pytest.mark.parametrize("stop", FOR_GOOD)
def test_what_does_not_pass_is_not_tried_again(stop):
    with pytest.raises(AirflowFailException, match=rf"^stopped: {stop.value} \(why\)\. .*lear the task if no retry"):
        must_be_placed([], stop, "why")


@pytest.mark.parametrize("stop", [None, Stop.UNREACHABLE])
def test_a_doubt_is_never_tried_again_whatever_else_happened(stop):
    with pytest.raises(AirflowFailException) as raised:
        must_be_placed([entry_of(state=State.IN_DOUBT, error="no answer")], stop, "")
    words = str(raised.value)
    for part in (
        "1 in doubt, and not sent again",
        "service 2",
        "https://example.com/post",
        "0.15",
        "2026-02-03",
        "no answer",
    ):
        assert part in words
    assert "--order-id" in words
    assert "--not-placed" in words


def test_of_many_doubts_some_are_named():
    with pytest.raises(AirflowFailException, match=r"^7 in doubt.* and 2 more\. "):
        must_be_placed([entry_of(number=number, state=State.IN_DOUBT) for number in range(7)], None, "")


def test_results_that_could_not_be_written_are_tried_again():
    with pytest.raises(
        AirflowException, match="the results are in the journal, but could not be written into the sheet: locked"
    ) as raised:
        must_be_well(outcome(unwritten="locked"))
    assert kind_of(raised) is AirflowException
