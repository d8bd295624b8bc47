"""The operators that only ask."""

from airflow_provider_smmplus.operators.account import SmmPlusBalanceOperator


def test_the_balance_is_plain_json(airflow, sandbox):
    sandbox.balance("100.84")
    ran = airflow.run(SmmPlusBalanceOperator)
    assert ran.error is None
    assert ran.result == {"balance": "100.84", "currency": "USD"}
