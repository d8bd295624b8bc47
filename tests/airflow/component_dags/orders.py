"""DAGs of the tests with real components: what is ordered, and through which connection, the run's conf says."""

import json
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import dag, task

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator

RETRIED = {"retries": 2, "retry_delay": timedelta(seconds=1)}
ORDER = {"smmplus_conn_id": "{{ dag_run.conf['conn_id'] }}", "service": "1", "quantity": 100, **RETRIED}


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False)
def followed():
    SmmPlusAddOrderOperator(
        task_id="order",
        link="{{ dag_run.conf['link'] }}",
        wait_for_completion=True,
        deferrable=True,
        poll_interval=0.5,
        timeout=600,
        **ORDER,
    )


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False)
def waited_for():
    SmmPlusAddOrderOperator(
        task_id="order",
        link="{{ dag_run.conf['link'] }}",
        wait_for_completion=True,
        deferrable=False,
        cancel_on_kill=True,
        poll_interval=0.5,
        **ORDER,
    )


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False)
def mapped():
    @task
    def names(dag_run=None):
        return json.loads(Path(dag_run.conf["names"]).read_text(encoding="utf-8"))

    @task
    def keyed(names, dag_run=None):
        return [{"link": f"{dag_run.conf['link']}/by-key/{name}", "order_key": name} for name in names]

    @task
    def placed(names, dag_run=None):
        return [f"{dag_run.conf['link']}/by-place/{name}" for name in names]

    given = names()
    SmmPlusAddOrderOperator.partial(task_id="by_place", **ORDER).expand(link=placed(given))
    SmmPlusAddOrderOperator.partial(task_id="by_key", **ORDER).expand_kwargs(keyed(given))


followed()
waited_for()
mapped()
