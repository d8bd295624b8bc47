"""A sheet that is ordered again in every run: check, approval by a person, place, track, write back, summary.

The sheet itself is not changed: the results of each run go into a file next to it.
"""

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
CAMPAIGN = "daily {{ run_id }}"
# [START howto_approval_text_smmplus]
APPROVAL = """{% set checked = ti.xcom_pull('check') %}
They cost {{ checked['total'] }} {{ checked['currency'] }}; the balance is {{ checked['balance'] }}.
{% for service in checked['by_service'] %}
- {{ service['rows'] }} rows of service {{ service['service'] }}, {{ service['name'] }}: {{ service['cost'] }}
{%- endfor %}

{{ checked['problems'] }} problems, whose rows are left out; {{ checked['warned'] }} warnings.

~~~
{% for line in checked['rejected'] + checked['warnings'] -%}
{{ line }}
{% endfor -%}
~~~
"""
# [END howto_approval_text_smmplus]
FINISHED = Asset("smmplus_daily_sheet")


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_daily_sheet():
    sheet = {
        "path": str(SHEETS / "campaign.xlsx"),
        "results": str(SHEETS / "campaign {{ run_id }}.xlsx"),
        "campaign": CAMPAIGN,
    }

    # [START howto_operator_smmplus_check_sheet]
    check = SmmPlusCheckSheetOperator(task_id="check", **sheet)
    # [END howto_operator_smmplus_check_sheet]
    # [START howto_approval_smmplus]
    approve = ApprovalOperator(
        task_id="approve", subject="Order {{ ti.xcom_pull('check')['to_send'] }} rows?", body=APPROVAL
    )
    # [END howto_approval_smmplus]
    # [START howto_operator_smmplus_place_sheet]
    place = SmmPlusPlaceSheetOperator(
        task_id="place", expect_fingerprint="{{ ti.xcom_pull('check')['fingerprint'] }}", retries=3, **sheet
    )
    # [END howto_operator_smmplus_place_sheet]
    # [START howto_operator_smmplus_track_sheet]
    track = SmmPlusTrackSheetOperator(
        task_id="track", campaign=CAMPAIGN, poll_interval=5, timeout=24 * 60 * 60, deferrable=True
    )
    # [END howto_operator_smmplus_track_sheet]
    # [START howto_operator_smmplus_write_back]
    write_back = SmmPlusWriteBackOperator(task_id="write_back", outlets=[FINISHED], **sheet)
    # [END howto_operator_smmplus_write_back]

    @task
    def summary(finished, written):
        words = ", ".join(f"{count} {word}" for word, count in finished["statuses"].items())
        print(f"{finished['campaign']}: {words}. See {written['written']}")

    check >> approve >> place >> track >> write_back
    summary(track.output, write_back.output)


smmplus_daily_sheet()
