"""The sensors in their three ways of waiting, run by Airflow's task runner against the simulated panel."""

import json
import time

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_smmplus.operators import _deferral
from airflow_provider_smmplus.sensors.smmplus import (
    SmmPlusBalanceSensor,
    SmmPlusOrderSensor,
    SmmPlusRefillSensor,
    SmmPlusServiceSensor,
)

QUICK = {"poke_interval": 0.01, "timeout": 0.05}


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.mark.parametrize("way", [{}, {"mode": "reschedule"}, {"deferrable": True}])
def test_what_is_there_already_ends_the_wait_at_the_first_look(airflow, place, done, way):
    number = place()
    done()
    ran = airflow.run(SmmPlusOrderSensor, order_ids=number, **way)
    if ran.state == "deferred":
        ran = airflow.resume(ran, SmmPlusOrderSensor, order_ids=number, **way)
    assert ran.state == "success"


def test_poking_looks_until_it_is_out_of_time(airflow, place):
    ran = airflow.run(SmmPlusOrderSensor, order_ids=place(), **QUICK)
    assert isinstance(ran.error, AirflowSensorTimeout)
    assert ran.state == "failed"


def test_rescheduled_it_leaves_its_slot_between_two_looks(airflow, place):
    ran = airflow.run(SmmPlusOrderSensor, order_ids=place(), mode="reschedule", poke_interval=60)
    assert ran.state == "up_for_reschedule"


def test_deferred_it_hands_all_it_knows_to_the_trigger(airflow):
    before = time.time()
    ran = airflow.run(
        SmmPlusOrderSensor,
        order_ids="{{ '501,502' }}",
        statuses="Completed, In progress",
        deferrable=True,
        poke_interval=30,
        timeout=3600,
    )
    name, arguments = ran.trigger
    assert name == "airflow_provider_smmplus.triggers.smmplus.SmmPlusOrdersTrigger"
    assert before + 3600 <= arguments.pop("deadline") <= time.time() + 3600
    assert arguments == {
        "smmplus_conn_id": "smmplus_default",
        "order_ids": ["501", "502"],
        "statuses": ["Completed", "In progress"],
        "cancel_on_kill": False,
        "poll_interval": 30,
    }
    assert ran.message.trigger_timeout.total_seconds() == 3900


@pytest.mark.parametrize("given", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("way", [{}, {"mode": "reschedule"}, {"deferrable": True}])
@pytest.mark.parametrize("service", [1, 22])
def test_who_may_fail_softly_is_skipped(airflow, place, done, given, way, service):
    """Out of time, or with an order that ended otherwise; `never_fail` leaves a time-out of poking alone."""
    number = place(service)
    if service == 22:
        done()
    arguments = {"order_ids": number, "statuses": ["Completed"], given: True, **way, **QUICK}
    if "mode" in way:
        arguments["timeout"] = 0
    ran = airflow.run(SmmPlusOrderSensor, **arguments)
    if ran.state == "deferred":
        ran = airflow.resume(ran, SmmPlusOrderSensor, **arguments)
    is_airflows_own_time_out = given == "never_fail" and service == 1 and "deferrable" not in way
    assert ran.state == ("failed" if is_airflows_own_time_out else "skipped")


@pytest.mark.parametrize("way", [{}, {"mode": "reschedule"}, {"deferrable": True}])
def test_what_can_never_come_fails_without_retries(airflow, place, done, way):
    number = place(22)
    done()
    arguments = {"order_ids": number, "statuses": ["Completed"], **way}
    ran = airflow.run(SmmPlusOrderSensor, **arguments)
    if ran.state == "deferred":
        ran = airflow.resume(ran, SmmPlusOrderSensor, **arguments)
    assert isinstance(ran.error, AirflowFailException)
    assert str(ran.error) == f"order {number}: ended as Partial"


def test_out_of_time_a_deferred_sensor_ends_as_a_poking_one_does(airflow, place):
    arguments = {"order_ids": place(), "deferrable": True, **QUICK}
    ran = airflow.resume(airflow.run(SmmPlusOrderSensor, **arguments), SmmPlusOrderSensor, **arguments)
    assert (ran.state, type(ran.error)) == ("failed", AirflowSensorTimeout)


def test_a_panel_that_does_not_answer_is_asked_again(airflow, place, done, sandbox):
    number = place()
    done()
    sandbox.faults({"fault": "html", "action": "status", "calls": [1, 2]})
    assert airflow.run(SmmPlusOrderSensor, order_ids=number, poke_interval=0.01).state == "success"
    assert sandbox.faults_applied() == [2]


def test_an_account_that_is_refused_fails_the_sensor(airflow, connect):
    connect(password="not-the-key-0123456789")
    ran = airflow.run(SmmPlusBalanceSensor, at_least="1")
    assert ran.state == "up_for_retry"
    assert "not-the-key" not in str(ran.error)


def test_an_address_that_is_wrong_fails_the_sensor(airflow, place, sandbox):
    number = place()
    sandbox.faults({"fault": "answer", "action": "status", "status": 404})
    ran = airflow.run(SmmPlusOrderSensor, order_ids=number, **QUICK)
    assert (type(ran.error), "no API is at this address" in str(ran.error)) == (AirflowFailException, True)


def test_a_status_that_is_not_known_is_a_warning_once(airflow, place, sandbox, capfd):
    number = place()
    body = json.dumps({number: {"status": "Вручную", "charge": "0.1"}})
    sandbox.faults({"fault": "answer", "action": "status", "body": body})
    airflow.run(SmmPlusOrderSensor, order_ids=number, poke_interval=0.01, timeout=1)
    told = [line for line in "".join(capfd.readouterr()).splitlines() if "unknown order status 'Вручную'" in line]
    assert (sum("[warning" in line for line in told), len(told) > 1) == (1, True)


def test_rescheduled_an_unknown_order_fails_at_once(airflow, monkeypatch):
    """Each look is another process's: it would be waited for until the time is over."""
    monkeypatch.setattr(_deferral, "UNSURE_PAUSE", 0.0)
    ran = airflow.run(SmmPlusOrderSensor, order_ids="99999999", mode="reschedule", poke_interval=60)
    assert isinstance(ran.error, AirflowFailException), ran
    assert str(ran.error) == "order 99999999: the panel does not know"


def test_a_service_whose_template_came_to_nothing_is_not_waited_for(airflow):
    ran = airflow.run(SmmPlusServiceSensor, service="{{ none }}", mode="reschedule")
    assert isinstance(ran.error, AirflowFailException), ran


def test_refills(airflow, place, client, done):
    number = place(1)
    done()
    refill = client.refill(number)
    assert airflow.run(SmmPlusRefillSensor, refill_ids=refill, **QUICK).state == "failed"
    done()
    assert airflow.run(SmmPlusRefillSensor, refill_ids=refill).state == "success"


@pytest.mark.parametrize("way", [{}, {"deferrable": True}])
def test_a_balance(airflow, sandbox, way):
    sandbox.balance("99.99")
    low = {"at_least": "100", **way, **QUICK}
    ran = airflow.run(SmmPlusBalanceSensor, **low)
    if way:
        assert ran.trigger[1]["at_least"] == "100"
        ran = airflow.resume(ran, SmmPlusBalanceSensor, **low)
    assert ran.state == "failed"
    sandbox.balance("100.00")
    ran = airflow.run(SmmPlusBalanceSensor, **low)
    if way:
        ran = airflow.resume(ran, SmmPlusBalanceSensor, **low)
    assert ran.state == "success"


@pytest.mark.parametrize("way", [{}, {"deferrable": True}])
@pytest.mark.parametrize("given", ["", "{{ '' }}", "lots", 12.5])
def test_a_guard_whose_amount_did_not_come_lets_nothing_pass(airflow, given, way):
    ran = airflow.run(SmmPlusBalanceSensor, at_least=given, **way)
    assert isinstance(ran.error, AirflowFailException)
    assert "at_least is" in str(ran.error)


def test_a_service(airflow):
    assert airflow.run(SmmPlusServiceSensor, service=1).state == "success"
    assert airflow.run(SmmPlusServiceSensor, service="1", max_rate="{{ '0.90' }}").state == "success"
    assert airflow.run(SmmPlusServiceSensor, service="1", max_rate="0.89", **QUICK).state == "failed"
    assert airflow.run(SmmPlusServiceSensor, service="77777", **QUICK).state == "failed"


def test_it_goes_on_with_what_its_trigger_says(airflow, sandbox):
    ran = airflow.run(SmmPlusServiceSensor, service=1, max_rate="0.90", deferrable=True)
    assert ran.trigger[1]["max_rate"] == "0.90"
    assert airflow.resume(ran, SmmPlusServiceSensor, service=1).state == "success"
