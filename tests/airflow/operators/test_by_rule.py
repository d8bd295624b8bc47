"""Refills and cancels of a campaign's orders, chosen by rule; the simulated panel says what it was really asked."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from sqlalchemy import update

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator, SmmPlusCancelOperator
from airflow_provider_smmplus.operators.refills import SmmPlusRefillOperator
from smmplus.journal.schema import follow_ups

pytestmark = pytest.mark.e2e

REFILL, CANCEL = SmmPlusRefillOperator, SmmPlusCancelOperator
STALLS, REFILLS, REFUSES, NEITHER = 25, 1, 26, 2
"""Services of the simulated panel."""


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def order(airflow, link):
    """Give a function that places an order in the campaign "week", and gives its ID."""

    def place(service, name, campaign="week"):
        arguments = {"service": service, "link": f"{link}/{name}", "quantity": 100, "order_key": name}
        return airflow.run(SmmPlusAddOrderOperator, campaign=campaign, **arguments).result["order_id"]

    return place


@pytest.fixture
def asked(sandbox):
    """Give a function that counts the calls of an action since the test began."""
    before = {action: sandbox.calls(action) for action in ("refill", "cancel")}
    return lambda action: sandbox.calls(action) - before[action]


def for_good(ran):
    assert isinstance(ran.error, AirflowFailException), ran
    return str(ran.error)


def test_what_was_delivered_is_refilled_and_the_others_have_a_reason(airflow, order, done, asked):
    dropped, without = order(REFILLS, "a"), order(NEITHER, "b")
    done()  # nobody has asked for the statuses since
    open_one, foreign = order(REFILLS, "c"), order(REFILLS, "d", campaign="other")
    result = airflow.run(REFILL, campaign="week").result
    assert list(result["refills"]) == [dropped]
    assert (result["refused"], result["left_out_total"], foreign in str(result)) == ({}, 2, False)
    assert result["left_out"][without] == "service 2 has no refill"
    assert "not delivered" in result["left_out"][open_one]
    assert asked("refill") == 1


def test_a_retry_finds_what_was_requested_and_another_run_leaves_it_out(airflow, order, done, asked):
    numbers = [order(REFILLS, "a"), order(REFILLS, "b")]
    done()
    results = [airflow.run(REFILL, campaign="week").result for _ in range(3)]
    assert list(results[0]["refills"]) == numbers
    assert results == results[:1] * 3
    later = airflow.run(REFILL, campaign="week", run_id="later").result
    assert (later["refills"], later["left_out_total"], asked("refill")) == ({}, 2, 1)


def test_a_retry_chooses_again_and_requests_only_what_is_new(airflow, order, done, asked):
    first = order(REFILLS, "a")
    done()
    before = airflow.run(REFILL, campaign="week").result["refills"]
    second = order(REFILLS, "b")
    done()
    after = airflow.run(REFILL, campaign="week").result["refills"]
    assert (list(after), after[first], asked("refill")) == ([first, second], before[first], 2)


def test_a_clear_of_an_old_run_requests_nothing_again(airflow, order, done, asked, journal):
    number = order(REFILLS, "a")
    done()
    first = airflow.run(REFILL, campaign="week").result
    done()
    two_days_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="milliseconds")
    with journal.transaction() as connection:
        connection.execute(update(follow_ups).values(sent_at=two_days_ago))
    assert airflow.run(REFILL, campaign="week").result == first
    assert asked("refill") == 1
    tonight = airflow.run(REFILL, campaign="week", run_id="tonight").result
    assert tonight["refills"][number] != first["refills"][number]


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502"])
def test_a_request_whose_answer_is_lost_is_not_repeated_by_any_run(airflow, order, done, sandbox, asked, fault):
    number = order(REFILLS, "a")
    done()
    sandbox.faults({"fault": fault, "action": "refill"})
    words = for_good(airflow.run(REFILL, campaign="week"))
    sandbox.faults()
    assert f"the refill of {number}" in words
    assert "pass order_ids and another key" in words
    assert for_good(airflow.run(REFILL, campaign="week")) == words
    later = airflow.run(REFILL, campaign="week", run_id="later").result
    assert "in doubt: look at the panel's order page. To request it again, pass" in later["left_out"][number]
    assert (later["refills"], asked("refill")) == ({}, 1)
    assert airflow.run(REFILL, order_ids=number, key="looked").state == "success"
    assert asked("refill") == 2


def test_what_was_refused_stays_in_the_result_when_the_rules_change(airflow, order, done, sandbox, asked):
    number = order(REFILLS, "a")
    sandbox.advance(40 * 86_400)
    refused = airflow.run(REFILL, campaign="week").result
    assert (list(refused["refused"]), refused["left_out_total"]) == ([number], 0)
    sandbox.service(str(REFILLS), refill=False)
    try:
        assert airflow.run(REFILL, campaign="week").result == refused
        assert asked("refill") == 1
    finally:
        sandbox.service(str(REFILLS), refill=True)


def test_what_is_left_out_is_in_the_result_after_a_wait(airflow, order, done):
    number, without = order(REFILLS, "a"), order(NEITHER, "b")
    done()
    ran = airflow.run(REFILL, campaign="week", wait_for_completion=True, deferrable=True)
    assert ran.state == "deferred"
    done()
    result = airflow.resume(ran, REFILL, campaign="week").result
    assert (list(result["refills"]), list(result["left_out"]), result["statuses"]) == (
        [number],
        [without],
        {"Completed": 1},
    )


@pytest.mark.parametrize("age", ["3d", timedelta(days=3)])
def test_an_order_that_changed_lately_is_not_stuck(airflow, order, asked, age):
    order(STALLS, "a")
    result = airflow.run(CANCEL, campaign="week", stuck_for=age).result
    assert result == {"asked": {}, "refused": {}, "left_out": {}, "left_out_total": 0}
    assert asked("cancel") == 0


def test_stuck_orders_are_canceled_once(airflow, order, asked, done):
    stuck, finished = order(STALLS, "a"), order(NEITHER, "b")
    done()
    without = order(NEITHER, "c")
    results = [airflow.run(CANCEL, campaign="week", stuck_for="{{ '0s' }}").result for _ in range(2)]
    assert (list(results[0]["asked"]), list(results[0]["left_out"])) == ([stuck], [without])
    assert finished not in str(results)
    assert results[1] == results[0]
    assert airflow.run(CANCEL, campaign="week", stuck_for="0s", run_id="later").result["asked"] == {}
    assert asked("cancel") == 1


def test_statuses_that_cannot_be_read_request_nothing(airflow, order, sandbox, asked):
    """An order that nobody asked about looks stuck."""
    order(STALLS, "a")
    sandbox.faults({"fault": "http_502", "action": "status"})
    ran = airflow.run(CANCEL, campaign="week", stuck_for="0s")
    assert (ran.state, asked("cancel")) == ("up_for_retry", 0)
    assert isinstance(ran.error, AirflowException)


@pytest.mark.parametrize(
    ("cls", "arguments", "words"),
    [
        (REFILL, {}, "pass either order_ids or campaign"),
        (REFILL, {"order_ids": "1", "campaign": "week"}, "pass either order_ids or campaign"),
        (REFILL, {"campaign": "{{ '' }}"}, "campaign is ''"),
        (CANCEL, {"campaign": "weak"}, "the journal has no campaign 'weak'"),
        (CANCEL, {"order_ids": "1", "stuck_for": "3d"}, "stuck_for needs campaign"),
        (CANCEL, {"campaign": "week", "stuck_for": "{{ '' }}"}, "stuck_for is ''"),
        (CANCEL, {"campaign": "week", "stuck_for": "3"}, "stuck_for is '3'"),
        (CANCEL, {"campaign": "week", "stuck_for": "final"}, "stuck_for is 'final'"),
    ],
)
def test_wrong_arguments_request_nothing(airflow, order, asked, cls, arguments, words):
    order(STALLS, "a")
    assert words in for_good(airflow.run(cls, **arguments))
    assert (asked("refill"), asked("cancel")) == (0, 0)
