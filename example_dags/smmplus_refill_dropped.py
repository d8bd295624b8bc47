"""An order that is refilled once it is completed, for followers that dropped since."""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator, SmmPlusOrderStatusOperator
from airflow_provider_smmplus.operators.refills import SmmPlusRefillOperator, SmmPlusRefillStatusOperator
from airflow_provider_smmplus.sensors.smmplus import SmmPlusOrderSensor, SmmPlusRefillSensor


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_refill_dropped():
    order_id = "{{ ti.xcom_pull('order')['order_id'] }}"
    order = SmmPlusAddOrderOperator(
        task_id="order", service="1", link="https://instagram.com/refill/{{ run_id }}", quantity=100
    )
    # [START howto_sensor_smmplus_order]
    completed = SmmPlusOrderSensor(
        task_id="completed", order_ids=order_id, statuses=["Completed"], poke_interval=5, deferrable=True
    )
    # [END howto_sensor_smmplus_order]
    # [START howto_operator_smmplus_refill]
    refill = SmmPlusRefillOperator(task_id="refill", order_ids=order_id)
    # [END howto_operator_smmplus_refill]
    # [START howto_sensor_smmplus_refill]
    refilled = SmmPlusRefillSensor(
        task_id="refilled",
        refill_ids="{{ ti.xcom_pull('refill')['refills'].values() | join(',') }}",
        poke_interval=5,
        deferrable=True,
    )
    # [END howto_sensor_smmplus_refill]
    refill_status = SmmPlusRefillStatusOperator(
        task_id="refill_status", refill_ids="{{ ti.xcom_pull('refill')['refills'].values() | join(',') }}"
    )
    status = SmmPlusOrderStatusOperator(task_id="status", order_ids=order_id)

    order >> completed >> refill >> refilled >> refill_status >> status


smmplus_refill_dropped()
