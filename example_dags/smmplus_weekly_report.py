"""Every Monday: the report of the orders of the seven days before, as an asset that other DAGs can wait for."""

import os
from pathlib import Path

import pendulum
from airflow.sdk import Asset, dag

from airflow_provider_smmplus.operators.reports import SmmPlusReportOperator

SHEETS = Path(os.environ.get("SMMPLUS_SHEETS", Path(__file__).parents[1] / "sample_sheets"))
REPORT = Asset("smmplus_weekly_report")


@dag(schedule="0 6 * * 1", start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_weekly_report():
    # [START howto_operator_smmplus_report]
    SmmPlusReportOperator(
        task_id="report",
        path=str(SHEETS / "report {{ dag_run.run_after | ds }}.html"),
        since="{{ macros.ds_add(dag_run.run_after | ds, -7) }}",
        until="{{ macros.ds_add(dag_run.run_after | ds, -1) }}",
        outlets=[REPORT],
    )
    # [END howto_operator_smmplus_report]


smmplus_weekly_report()
