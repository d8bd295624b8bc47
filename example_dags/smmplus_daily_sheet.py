"""A sheet a day: checked, approved by a person, placed, followed, written back, and summed up."""

import os
from pathlib import Path

import pendulum
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, dag, task

from airflow_provider_smmplus.operators.sheets import (
    SmmPlusCheckSheetOperator,
    SmmPlusPlaceSheetOperator,
    SmmPlusTrackSheetOperator,
    SmmPlusWriteBackOperator,
)

SHEETS = Path(os.environ.get("SMMPLUS_SHEETS", Path(__file__).parents[1] / "sample_sheets"))
FINISHED = Asset("smmplus_daily_sheet", uri="x-smmplus://sheets/daily")


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_daily_sheet():
    about = {"path": str(SHEETS / "campaign.xlsx"), "campaign": "daily {{ run_id }}"}

    # [START howto_operator_smmplus_check_sheet]
    check = SmmPlusCheckSheetOperator(task_id="check", **about)
    # [END howto_operator_smmplus_check_sheet]
    approve = ApprovalOperator(
        task_id="approve",
        subject="Order {{ ti.xcom_pull('check')['to_send'] }} rows?",
        body="It costs {{ ti.xcom_pull('check')['total'] }} {{ ti.xcom_pull('check')['currency'] }}.",
    )
    # [START howto_operator_smmplus_place_sheet]
    place = SmmPlusPlaceSheetOperator(
        task_id="place", expect_total="{{ ti.xcom_pull('check')['total'] }}", pool="default_pool", **about
    )
    # [END howto_operator_smmplus_place_sheet]
    # [START howto_operator_smmplus_track_sheet]
    track = SmmPlusTrackSheetOperator(
        task_id="track", campaign=about["campaign"], poll_interval=5, timeout=24 * 60 * 60, deferrable=True
    )
    # [END howto_operator_smmplus_track_sheet]
    # [START howto_operator_smmplus_write_back]
    write_back = SmmPlusWriteBackOperator(task_id="write_back", outlets=[FINISHED], **about)
    # [END howto_operator_smmplus_write_back]

    @task
    def summary(finished, written):
        words = ", ".join(f"{count} {word}" for word, count in finished["statuses"].items())
        print(f"{finished['campaign']}: {words}. See {written['written']}")

    check >> approve >> place >> track >> write_back
    summary(track.output, write_back.output)


smmplus_daily_sheet()
