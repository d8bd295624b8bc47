"""What a DAG file with every operator and sensor adds to the import of Airflow: `python -m benchmarks.airflow_parse`.

Each figure is the median of fresh processes that import Airflow first and read the DAG file then, so that both are
measured in the same run. The goal is at most 100 ms; pandas, aiohttp and SQLAlchemy must not come with it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROCESSES = 11
HEAVY = ("pandas", "numpy", "aiohttp", "requests", "sqlalchemy", "openpyxl", "python_calamine")

DAG_FILE = """
from airflow.sdk import DAG

from airflow_provider_smmplus.operators.account import *
from airflow_provider_smmplus.operators.orders import *
from airflow_provider_smmplus.operators.refills import *
from airflow_provider_smmplus.operators.sheets import *
from airflow_provider_smmplus.sensors.smmplus import *

sheet = {"path": "week.csv", "campaign": "week {{ ds }}"}
with DAG("everything", schedule=None):
    SmmPlusServicesOperator(task_id="services")
    SmmPlusBalanceOperator(task_id="balance")
    SmmPlusAddOrderOperator(task_id="order", service=1, link="https://example.com/a", quantity=100)
    SmmPlusOrderStatusOperator(task_id="status", order_ids="501")
    SmmPlusCancelOperator(task_id="cancel", order_ids="501")
    SmmPlusRefillOperator(task_id="refill", order_ids="501")
    SmmPlusRefillStatusOperator(task_id="refill_status", refill_ids="501")
    SmmPlusCheckSheetOperator(task_id="check", **sheet)
    split = SmmPlusSplitSheetOperator(task_id="split", **sheet)
    SmmPlusPlaceSheetOperator.partial(task_id="place", **sheet).expand(keys=split.output)
    SmmPlusTrackSheetOperator(task_id="track", campaign="week")
    SmmPlusWriteBackOperator(task_id="write_back", **sheet)
    SmmPlusSheetOperator(task_id="sheet", **sheet)
    SmmPlusOrderSensor(task_id="orders", order_ids="501")
    SmmPlusRefillSensor(task_id="refills", refill_ids="501")
    SmmPlusBalanceSensor(task_id="funds", at_least="10.00")
    SmmPlusServiceSensor(task_id="offer", service=1)
"""

MEASURE = """
import json, sys, time
clocks = lambda: (time.perf_counter(), time.process_time())
began = clocks()
import airflow
from airflow.sdk import DAG, BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, conf
middle, before = clocks(), set(sys.modules)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {"__name__": "everything"})
ended = clocks()
figures = [[later - earlier for earlier, later in zip(*pair)] for pair in ((began, middle), (middle, ended))]
print(json.dumps([figures, sorted(set(sys.modules) - before)]))
"""


def _measure(path: Path) -> tuple[list[list[float]], list[str]]:
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIRFLOW_HOME"] = folder
        path = Path(folder) / "everything.py"
        path.write_text(DAG_FILE, encoding="utf-8")
        _measure(path)  # once, for the byte code
        runs = [_measure(path) for _ in range(PROCESSES)]
    heavy = sorted({name for run in runs for name in run[1] if name.split(".")[0] in HEAVY})
    assert not heavy, heavy
    airflow, ours = (
        [1000 * statistics.median(run[0][part][clock] for run in runs) for clock in (0, 1)] for part in (0, 1)
    )
    print(
        f"a DAG file with every operator and sensor: {ours[0]:.0f} ms ({ours[1]:.0f} ms of processor) beside "
        f"{airflow[0]:.0f} ms for Airflow itself; none of {', '.join(HEAVY)} comes with it"
    )


if __name__ == "__main__":
    main()
