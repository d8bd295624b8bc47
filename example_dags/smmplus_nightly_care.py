"""Every night: refills of a campaign's delivered orders, and a request to cancel the orders that are stuck.

The campaign of orders that a DAG places is by default its ID.
"""

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.orders import SmmPlusCancelOperator
from airflow_provider_smmplus.operators.refills import SmmPlusRefillOperator


@dag(
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    params={"campaign": "smmplus_single_order", "stuck_for": "3d"},
    tags=["smmplus"],
)
def smmplus_nightly_care():
    # [START howto_operator_smmplus_refill_by_rule]
    SmmPlusRefillOperator(task_id="refill", campaign="{{ params.campaign }}", retries=3)
    # [END howto_operator_smmplus_refill_by_rule]
    # [START howto_operator_smmplus_cancel_stuck]
    SmmPlusCancelOperator(
        task_id="cancel_stuck", campaign="{{ params.campaign }}", stuck_for="{{ params.stuck_for }}", retries=3
    )
    # [END howto_operator_smmplus_cancel_stuck]


smmplus_nightly_care()
