"""`python -m airflow_demo`: Airflow, the simulated panel and the example DAGs, until Ctrl-C."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from airflow_demo.components import Airflow, Home, free_port
from airflow_demo.rest import Api

ROOT = Path(__file__).parents[1]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DAGS_SECONDS = 60.0


def main() -> int:
    """Run the demonstration; ends with 0 when it was told to, with 1 where Airflow did not come up."""
    parser = argparse.ArgumentParser(prog="airflow_demo", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("airflow-demo"), help="a folder of its own")
    parser.add_argument("--port", type=int, default=0, help="of Airflow's pages; a free one by default")
    given = parser.parse_args()
    for number in ENDING:
        signal.signal(number, end)
    try:
        run(given.folder.absolute(), given.port or free_port())
    except KeyboardInterrupt:
        return 0
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def end(_number: int, _frame: FrameType | None) -> None:
    """End what was started, and be disturbed no more at that."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # of a terminal that is gone
        print("ending …", flush=True)
    raise KeyboardInterrupt


def run(folder: Path, port: int) -> None:
    """Start the panel and Airflow, say where they are, and wait for a signal."""
    lay_out(folder)
    panel = subprocess.Popen(  # noqa: S603 (our own arguments)
        [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--speed", "60", "--json",
         "--state", folder / "panel.jsonl"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        told = said_by(panel)
        home = Home(folder / "airflow", folder / "dags", port, settings(folder))
        print("Airflow is being set up; that takes about half a minute …", flush=True)
        home.prepare()
        with Airflow(home):
            connect(Api(home), told)
            wait_for_dags(Api(home), {path.stem for path in (folder / "dags").glob("*.py")})
            print(words(home, told["ledger"], folder), flush=True)
            while True:
                time.sleep(3600)
    finally:
        panel.terminate()
        panel.communicate()


def lay_out(folder: Path) -> None:
    """Put the example DAGs and the sample sheets into the folder; what else is there stays."""
    ignored = shutil.ignore_patterns("*.md", "__pycache__")
    for name, source in (("dags", "example_dags"), ("sheets", "sample_sheets")):
        shutil.copytree(ROOT / source, folder / name, ignore=ignored, dirs_exist_ok=True)


def said_by(panel: "subprocess.Popen[str]") -> dict[str, str]:
    """Read where the panel is, and an account's key, from the line that it prints first."""
    line = panel.stdout.readline() if panel.stdout else ""
    if not line:
        raise RuntimeError("the simulated panel did not start: see above")
    said = json.loads(line)
    (key,) = said["keys"].values()
    return {"address": said["address"], "ledger": said["ledger"], "key": key}


def settings(folder: Path) -> dict[str, str]:
    """Give what Airflow's environment says besides."""
    return {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "SMMPLUS_SHEETS": str(folder / "sheets")}


def connect(api: Api, told: dict[str, str]) -> None:
    """Write the connection where people look at it."""
    # The form shows the extra fields that are there.
    extra = {"rate": 0, "connect_timeout": 10, "read_timeout": 60, "journal_conn_id": ""}
    api.put_connection(
        "smmplus_default",
        conn_type="smmplus",
        description="The simulated panel",
        host=told["address"],
        port=0,  # to the page that tests a connection, none is another than 0
        password=told["key"],
        extra=json.dumps(extra),
    )


def wait_for_dags(api: Api, dag_ids: set[str]) -> None:
    """Wait until the DAGs can be seen; one with an error never is, and its error is."""
    ends = time.monotonic() + DAGS_SECONDS
    while not dag_ids <= api.dag_ids() and time.monotonic() < ends:
        time.sleep(0.5)


def words(home: Home, ledger: str, folder: Path) -> str:
    """Say where everything is."""
    return f"""
Airflow:  {home.address}   user {home.user}, password {home.password}
Panel:    {ledger} shows what was really ordered; a second there is a minute
Sheets:   {folder / "sheets"}

Trigger a DAG, answer what it asks (Required Actions), and look at its logs. Ctrl-C ends everything."""


if __name__ == "__main__":
    sys.exit(main())
