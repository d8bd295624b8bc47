"""An order that is cancelled if it is not delivered in time. Its last status shows the refund."""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.orders import (
    SmmPlusAddOrderOperator,
    SmmPlusCancelOperator,
    SmmPlusOrderStatusOperator,
)
from airflow_provider_smmplus.sensors.smmplus import SmmPlusOrderSensor


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_cancel_late():
    order_id = "{{ ti.xcom_pull('order')['order_id'] }}"

    # The simulated panel never finishes an order of this service.
    order = SmmPlusAddOrderOperator(
        task_id="order", service="25", link="https://instagram.com/late/{{ run_id }}", quantity=100
    )
    # A real order needs hours.
    in_time = SmmPlusOrderSensor(task_id="in_time", order_ids=order_id, poke_interval=1, timeout=5, deferrable=True)
    # [START howto_operator_smmplus_cancel]
    cancel = SmmPlusCancelOperator(task_id="cancel", order_ids=order_id, trigger_rule="all_failed")
    # [END howto_operator_smmplus_cancel]
    cancelled = SmmPlusOrderSensor(
        task_id="cancelled", order_ids=order_id, statuses=["Canceled"], poke_interval=5, deferrable=True
    )
    # [START howto_operator_smmplus_order_status]
    status = SmmPlusOrderStatusOperator(task_id="status", order_ids=order_id)
    # [END howto_operator_smmplus_order_status]

    order >> in_time >> cancel >> cancelled >> status


smmplus_cancel_late()
