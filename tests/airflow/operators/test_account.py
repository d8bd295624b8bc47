"""The operators that only ask."""

import json

from airflow_provider_smmplus.operators.account import SmmPlusBalanceOperator, SmmPlusServicesOperator


def test_the_balance_is_plain_json(airflow, sandbox):
    sandbox.balance("100.84")
    ran = airflow.run(SmmPlusBalanceOperator)
    assert ran.error is None
    assert ran.result == {"balance": "100.84", "currency": "USD"}


def test_services_are_plain_json_and_can_be_chosen(airflow):
    everything = airflow.run(SmmPlusServicesOperator).result
    assert len(everything) == 27
    assert json.loads(json.dumps(everything)) == everything
    (one,) = airflow.run(SmmPlusServicesOperator, service_ids="{{ 1 }}").result
    assert (one["id"], one["rate"], one["type"], one["refill"]) == ("1", "0.9", "Default", True)
    assert [each["id"] for each in airflow.run(SmmPlusServicesOperator, service_ids="[1, 22]").result] == ["1", "22"]
    assert [each["id"] for each in airflow.run(SmmPlusServicesOperator, category="tiktok").result] == ["4", "6"]
    assert [each["id"] for each in airflow.run(SmmPlusServicesOperator, service_type="package").result] == ["6"]
    assert airflow.run(SmmPlusServicesOperator, category="nothing").result == []


def test_an_account_that_is_refused_is_told_without_its_key(airflow, connect):
    connect(password="not-the-key-0123456789")
    for operator in (SmmPlusBalanceOperator, SmmPlusServicesOperator):
        ran = airflow.run(operator)
        assert ran.state == "up_for_retry"
        assert "not-the-key" not in str(ran.error)
