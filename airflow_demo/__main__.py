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

DAGS_SECONDS = 180.0


def main() -> int:
    """Run the demo. Return 0 after a signal, 1 if Airflow did not start."""
    parser = argparse.ArgumentParser(prog="airflow_demo", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("airflow-demo"), help="folder of the demo")
    parser.add_argument("--port", type=int, default=0, help="port of Airflow's pages; by default a free one")
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
    """End the demo. Further signals are ignored."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # the terminal is gone
        print("ending …", flush=True)
    raise KeyboardInterrupt


def run(folder: Path, port: int) -> None:
    """Start the panel and Airflow, print where they are, and wait for a signal."""
    lay_out(folder)
    panel = subprocess.Popen(  # noqa: S603 (our own arguments)
        [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--speed", "60", "--json",
         "--state", folder / "panel.jsonl"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        panel_info = read_panel(panel)
        home = Home(folder / "airflow", folder / "dags", port, settings(folder))
        print("Setting up Airflow. This takes about half a minute …", flush=True)
        home.prepare()
        with Airflow(home):
            connect(Api(home), panel_info)
            wait_for_dags(Api(home), {path.stem for path in (folder / "dags").glob("*.py")})
            print(words(home, panel_info["ledger"], folder), flush=True)
            while True:
                time.sleep(3600)
    finally:
        panel.terminate()
        panel.communicate()


def lay_out(folder: Path) -> None:
    """Copy the example DAGs and the sample sheets into the folder. Other files there stay."""
    ignored = shutil.ignore_patterns("*.md", "__pycache__")
    for name, source in (("dags", "example_dags"), ("sheets", "sample_sheets")):
        shutil.copytree(ROOT / source, folder / name, ignore=ignored, dirs_exist_ok=True)


def read_panel(panel: "subprocess.Popen[str]") -> dict[str, str]:
    """Return the panel's addresses and an account's key, from the first line of its output."""
    line = panel.stdout.readline() if panel.stdout else ""
    if not line:
        raise RuntimeError("the simulated panel did not start: see above")
    started = json.loads(line)
    (key,) = started["keys"].values()
    return {"address": started["address"], "ledger": started["ledger"], "key": key}


def settings(folder: Path) -> dict[str, str]:
    """Return further environment variables for Airflow."""
    return {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "SMMPLUS_SHEETS": str(folder / "sheets")}


def connect(api: Api, panel_info: dict[str, str]) -> None:
    """Create the connection, so that it is visible in Airflow's pages."""
    # The form shows only the extra fields that exist.
    extra = {"rate": 0, "connect_timeout": 10, "read_timeout": 60, "journal_conn_id": ""}
    api.put_connection(
        "smmplus_default",
        conn_type="smmplus",
        description="The simulated panel",
        host=panel_info["address"],
        port=0,  # the page that tests a connection takes a missing port for a changed one
        password=panel_info["key"],
        extra=json.dumps(extra),
    )


def wait_for_dags(api: Api, dag_ids: set[str]) -> None:
    """Wait until the DAGs are visible. One with an error never is; Airflow shows its error."""
    ends = time.monotonic() + DAGS_SECONDS
    while not dag_ids <= api.dag_ids() and time.monotonic() < ends:
        time.sleep(0.5)


def words(home: Home, ledger: str, folder: Path) -> str:
    """Return the text that shows where everything is."""
    return f"""
Airflow:  {home.address}   user {home.user}, password {home.password}
Panel:    {ledger} shows all orders; a second is a minute there
Sheets:   {folder / "sheets"}

Trigger a DAG, answer its questions (Required Actions), and look at its logs. Press Ctrl-C to end everything."""


if __name__ == "__main__":
    sys.exit(main())
