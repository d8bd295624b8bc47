"""The operators for refills, run by Airflow's task runner against the simulated panel."""

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.operators.refills import SmmPlusRefillOperator, SmmPlusRefillStatusOperator
from smmplus.journal.refills_and_cancels import RequestKind, RequestState
from smmplus.placing.refills_and_cancels import Asking, known

pytestmark = pytest.mark.e2e

REFILL = SmmPlusRefillOperator


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def delivered(place, done):
    """Give a function that places orders whose refill may be asked for, and gives their ids."""

    def make(count=1, service=1):
        numbers = [place(service) for _ in range(count)]
        done()
        return numbers

    return make


def test_refills_are_asked_for_once(airflow, delivered, sandbox):
    numbers = delivered(2)
    before = sandbox.calls("refill")
    results = [airflow.run(REFILL, order_ids=numbers).result for _ in range(3)]
    assert list(results[0]["refills"]) == numbers
    assert results[0]["refused"] == {}
    assert results == results[:1] * 3
    assert sandbox.calls("refill") == before + 1


def test_a_list_that_is_expanded_anew_asks_for_none_again(airflow, delivered, done, sandbox, journal):
    one, two, three = delivered(3)
    # As earlier versions kept it: by the place in the list.
    who = Asking("main", RequestKind.REFILL, "campaign|manual__2026-02-03|task|0")
    assert known(journal, sandbox.address, who, [three])[three].state is RequestState.NOT_SENT

    def mapped(numbers, index):
        expanded = lambda task_id: REFILL.partial(task_id=task_id).expand(order_ids=numbers)  # noqa: E731
        return airflow.run(expanded, map_index=index).result["refills"]

    first = mapped([one, two], 0) | mapped([one, two], 1)
    done()
    before = sandbox.calls("refill")
    again = [mapped([three, one, two, one], index) for index in range(4)]
    assert [again[1], again[2], again[3]] == [{one: first[one]}, {two: first[two]}, {one: first[one]}]
    assert sandbox.calls("refill") == before + 1


def test_another_run_asks_anew(airflow, delivered, done):
    numbers = delivered()
    first = airflow.run(REFILL, order_ids=numbers).result
    done()
    assert airflow.run(REFILL, order_ids=numbers, run_id="later").result["refills"] != first["refills"]


def test_a_key_of_ones_own_asks_once_in_all_runs(airflow, delivered, done):
    numbers = delivered()
    first = airflow.run(REFILL, order_ids=numbers, key="spring").result
    done()
    assert airflow.run(REFILL, order_ids=numbers, key="spring", run_id="later").result == first


def test_what_is_refused_is_told_and_asked_for_again(airflow, place, done):
    number = place(1)
    ran = airflow.run(REFILL, order_ids=number)
    assert ran.state == "success"
    assert ran.result == {"refills": {}, "refused": {number: "The order is not completed"}}
    done()
    assert list(airflow.run(REFILL, order_ids=number).result["refills"]) == [number]


def test_of_some_only_what_was_not_taken_is_asked_for_again(airflow, delivered, place, done, sandbox):
    (taken,), refused = delivered(), place(1)
    first = airflow.run(REFILL, order_ids=[taken, refused]).result
    done()
    second = airflow.run(REFILL, order_ids=[taken, refused]).result
    assert second["refills"][taken] == first["refills"][taken]
    assert set(second["refills"]) == {taken, refused}


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "html"])
def test_a_refill_whose_answer_is_lost_is_not_asked_for_again(airflow, delivered, sandbox, fault):
    (number,) = delivered()
    sandbox.faults({"fault": fault, "action": "refill"})
    assert "it is unknown whether the panel accepted the refill of " + number in str(
        airflow.run(REFILL, order_ids=number).error
    )
    sandbox.faults()
    before = sandbox.calls("refill")
    ran = airflow.run(REFILL, order_ids=number)
    assert isinstance(ran.error, AirflowFailException)
    assert sandbox.calls("refill") == before


def test_a_panel_out_of_reach_is_tried_again_and_asked_once(airflow, connect, delivered):
    (number,) = delivered()
    connect(extra={"read_timeout": 1}, host="http://127.0.0.1:9/api/v2")
    ran = airflow.run(REFILL, order_ids=number)
    assert ran.state == "up_for_retry"
    assert isinstance(ran.error, AirflowException)


def test_waiting_ends_when_the_refills_are_over(airflow, delivered, done):
    numbers = delivered(2)
    ran = airflow.run(REFILL, order_ids=numbers, wait_for_completion=True, deferrable=True)
    assert ran.state == "deferred"
    assert ran.trigger[0] == "airflow_provider_smmplus.triggers.smmplus.SmmPlusRefillsTrigger"
    done()
    resumed = airflow.resume(ran, REFILL, order_ids=numbers)
    assert resumed.result["statuses"] == {"Completed": 2}
    assert sorted(resumed.result["refills"].values()) == sorted(ran.trigger[1]["refill_ids"])


def test_waiting_in_the_worker_gives_the_same(airflow, delivered, done):
    numbers = delivered()
    airflow.run(REFILL, order_ids=numbers)
    done()
    ran = airflow.run(REFILL, order_ids=numbers, wait_for_completion=True)
    assert (ran.state, ran.result["statuses"]) == ("success", {"Completed": 1})


def test_a_rejected_refill_fails_the_task_that_waits(airflow, delivered, done):
    numbers = delivered(service=26)
    airflow.run(REFILL, order_ids=numbers)
    done()
    ran = airflow.run(REFILL, order_ids=numbers, wait_for_completion=True)
    assert isinstance(ran.error, AirflowFailException)
    assert "ended as Rejected" in str(ran.error)


def test_where_all_is_refused_there_is_nothing_to_wait_for(airflow, place):
    ran = airflow.run(REFILL, order_ids=place(2), wait_for_completion=True, deferrable=True)
    assert (ran.state, ran.result["refills"]) == ("success", {})


def test_statuses_of_refills(airflow, delivered, client, done):
    (number,) = delivered()
    refill = client.refill(number)
    done()
    ran = airflow.run(SmmPlusRefillStatusOperator, refill_ids=f"{refill},999999")
    assert ran.state == "success"
    assert ran.result["statuses"] == {refill: "Completed"}
    assert list(ran.result["unknown"]) == ["999999"]
    assert ran.result["counts"] == {"Completed": 1}


@pytest.mark.parametrize("given", ["", [], "None", None])
def test_ids_that_did_not_come_fail_without_retries(airflow, given):
    ran = airflow.run(REFILL, order_ids=given)
    assert isinstance(ran.error, AirflowFailException)
    assert "order_ids" in str(ran.error)
