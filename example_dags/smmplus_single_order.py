"""One order, tracked in the triggerer until it is final."""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_single_order():
    # [START howto_operator_smmplus_add_order]
    SmmPlusAddOrderOperator(
        task_id="order",
        service="1",
        link="https://instagram.com/example/{{ run_id }}",
        quantity=100,
        max_spend="500.00",
        wait_for_completion=True,
        poll_interval=5,
        timeout=6 * 60 * 60,
        deferrable=True,
        retries=2,
    )
    # [END howto_operator_smmplus_add_order]


smmplus_single_order()
