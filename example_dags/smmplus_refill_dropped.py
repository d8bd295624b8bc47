"""A refill of a completed order whose followers have dropped."""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator
from airflow_provider_smmplus.operators.refills import SmmPlusRefillOperator, SmmPlusRefillStatusOperator
from airflow_provider_smmplus.sensors.smmplus import SmmPlusOrderSensor, SmmPlusRefillSensor


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_refill_dropped():
    order_id = "{{ ti.xcom_pull('order')['order_id'] }}"
    refill_ids = "{{ ti.xcom_pull('refill')['refills'].values() | join(',') }}"

    order = SmmPlusAddOrderOperator(
        task_id="order", service="1", link="https://instagram.com/refill/{{ run_id }}", quantity=100
    )
    # [START howto_sensor_smmplus_order]
    completed = SmmPlusOrderSensor(
        task_id="completed", order_ids=order_id, statuses=["Completed"], poke_interval=5, deferrable=True
    )
    # [END howto_sensor_smmplus_order]
    # [START howto_operator_smmplus_refill]
    refill = SmmPlusRefillOperator(task_id="refill", order_ids=order_id, fail_on_refused=True)
    # [END howto_operator_smmplus_refill]
    # [START howto_sensor_smmplus_refill]
    refilled = SmmPlusRefillSensor(task_id="refilled", refill_ids=refill_ids, poke_interval=5, deferrable=True)
    # [END howto_sensor_smmplus_refill]
    # [START howto_operator_smmplus_refill_status]
    status = SmmPlusRefillStatusOperator(task_id="status", refill_ids=refill_ids)
    # [END howto_operator_smmplus_refill_status]

    order >> completed >> refill >> refilled >> status


smmplus_refill_dropped()
