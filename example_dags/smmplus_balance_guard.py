"""An order that waits until the balance is high enough and the service is cheap enough."""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.account import SmmPlusBalanceOperator, SmmPlusServicesOperator
from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator
from airflow_provider_smmplus.sensors.smmplus import SmmPlusBalanceSensor, SmmPlusServiceSensor


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_balance_guard():
    # [START howto_sensor_smmplus_balance]
    funds = SmmPlusBalanceSensor(task_id="funds", at_least="10.00", poke_interval=60, mode="reschedule")
    # [END howto_sensor_smmplus_balance]
    # [START howto_sensor_smmplus_service]
    cheap = SmmPlusServiceSensor(task_id="cheap", service="1", max_rate="2.00", poke_interval=60, deferrable=True)
    # [END howto_sensor_smmplus_service]
    # [START howto_operator_smmplus_services]
    services = SmmPlusServicesOperator(task_id="services", category="Instagram")
    # [END howto_operator_smmplus_services]
    order = SmmPlusAddOrderOperator(
        task_id="order", service="1", link="https://instagram.com/guarded/{{ run_id }}", quantity=100
    )
    # [START howto_operator_smmplus_balance]
    balance = SmmPlusBalanceOperator(task_id="balance")
    # [END howto_operator_smmplus_balance]

    [funds, cheap] >> services >> order >> balance


smmplus_balance_guard()
