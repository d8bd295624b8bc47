"""A large sheet that several workers place in parallel, in parts. One task writes the results."""

import os
from pathlib import Path

import pendulum
from airflow.sdk import dag

from airflow_provider_smmplus.operators.sheets import (
    SmmPlusPlaceSheetOperator,
    SmmPlusSplitSheetOperator,
    SmmPlusTrackSheetOperator,
    SmmPlusWriteBackOperator,
)

SHEETS = Path(os.environ.get("SMMPLUS_SHEETS", Path(__file__).parents[1] / "sample_sheets"))


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, tags=["smmplus"])
def smmplus_mapped_parts():
    sheet = {
        "path": str(SHEETS / "campaign.csv"),
        "results": str(SHEETS / "campaign {{ run_id }}.csv"),
        "campaign": "parts {{ run_id }}",
    }

    # [START howto_operator_smmplus_split_sheet]
    split = SmmPlusSplitSheetOperator(task_id="split", part_size=2, **sheet)
    place = SmmPlusPlaceSheetOperator.partial(task_id="place", max_active_tis_per_dagrun=4, **sheet).expand(
        keys=split.output
    )
    # [END howto_operator_smmplus_split_sheet]
    track = SmmPlusTrackSheetOperator(task_id="track", campaign=sheet["campaign"], poll_interval=5, deferrable=True)
    write_back = SmmPlusWriteBackOperator(task_id="write_back", **sheet)

    place >> track >> write_back


smmplus_mapped_parts()
