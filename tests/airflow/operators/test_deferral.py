"""Waiting, and what is made of its end."""

from datetime import timedelta

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout

from airflow_provider_smmplus.operators._deferral import airflow_timeout, checked, deadline_after, must_survive
from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
from airflow_provider_smmplus.utils.trigger_events import TriggerResult, TriggerStatus


def orders(**more):
    common = {"smmplus_conn_id": "panel", "poll_interval": 60.0, "deadline": None}
    return SmmPlusOrdersTrigger(**{"order_ids": ["0"], **common, **more})


def test_a_deadline_is_a_moment():
    assert deadline_after(60, now=lambda: 1000.0) == 1060.0
    assert deadline_after(0, now=lambda: 1000.0) == 1000.0
    assert deadline_after(None) is None


def test_airflows_own_time_out_stands_behind_ours():
    assert airflow_timeout(60) == timedelta(seconds=360)
    assert airflow_timeout(None) is None


def test_a_wait_that_ended_well_is_given():
    event = TriggerResult(TriggerStatus.DONE, counts={"Completed": 2})
    assert checked(event.payload()) == event


def test_out_of_time_may_be_tried_again():
    with pytest.raises(AirflowException, match=r"^late$") as raised:
        checked(TriggerResult(TriggerStatus.TIMEOUT, "late").payload())
    assert type(raised.value) is AirflowException
    with pytest.raises(AirflowSensorTimeout):
        checked(TriggerResult(TriggerStatus.TIMEOUT, "late").payload(), out_of_time=AirflowSensorTimeout)


def test_what_can_never_be_is_not_tried_again():
    with pytest.raises(AirflowFailException, match=r"^never$"):
        checked(TriggerResult(TriggerStatus.FAILED, "never").payload())


@pytest.mark.parametrize("payload", [None, {}, "done", {"status": "finished"}])
def test_what_is_no_event_fails_the_task(payload):
    with pytest.raises(AirflowException, match="the trigger sent"):
        checked(payload)


def test_plain_arguments_survive():
    must_survive(orders(deadline=1790000000.5, statuses=["Completed"]))


@pytest.mark.parametrize("interval", [object(), lambda: 1])
def test_what_airflow_cannot_send_is_found_before_money_is_spent(interval):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        must_survive(orders(poll_interval=interval))


def test_what_does_not_come_back_as_it_was_is_found_before_money_is_spent():
    class Forgetful(SmmPlusOrdersTrigger):
        def arguments(self):
            return {**super().arguments(), "order_ids": [*self.order_ids, "1"]}

    with pytest.raises(ValueError, match="the arguments of Forgetful do not survive serialization"):
        must_survive(Forgetful(order_ids=["0"], smmplus_conn_id="panel", poll_interval=1.0, deadline=None))
