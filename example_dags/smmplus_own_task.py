"""Orders placed with the hook in a Python task. The same key is the same order in every try."""

import pendulum
from airflow.sdk import dag, task

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_own_task():
    # [START howto_hook_smmplus]
    @task
    def order_for(link, run_id=None):
        hook = SmmPlusHook("smmplus_default")
        # Tried again, or cleared, the same key is the same order: nothing is paid twice.
        order = hook.place_order(key=f"{run_id} {link}", campaign="own task", service="1", link=link, quantity=100)
        return order.order_id

    # [END howto_hook_smmplus]
    order_for.expand(link=["https://instagram.com/own/a", "https://instagram.com/own/b"])


smmplus_own_task()
