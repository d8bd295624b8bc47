"""A sheet in one task, from the check to the results."""

import os
from pathlib import Path

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.sheets import SmmPlusSheetOperator

SHEETS = Path(os.environ.get("SMMPLUS_SHEETS", Path(__file__).parents[1] / "sample_sheets"))


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_whole_sheet():
    # [START howto_operator_smmplus_sheet]
    SmmPlusSheetOperator(
        task_id="sheet",
        path=str(SHEETS / "kampanye.csv"),
        results=str(SHEETS / "kampanye {{ run_id }}.csv"),
        campaign="kampanye {{ run_id }}",
        max_spend="500.00",
        poll_interval=5,
        deferrable=True,
        retries=3,
    )
    # [END howto_operator_smmplus_sheet]


smmplus_whole_sheet()
