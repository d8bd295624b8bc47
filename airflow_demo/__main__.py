"""`python -m airflow_demo`: Airflow, the simulated panel and the example DAGs, until Ctrl-C."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from airflow_demo.components import Airflow, Home, free_port

ROOT = Path(__file__).parents[1]
KEY = "demo-key-0123456789abcdef"
"""The simulated panel's; no real key belongs into an environment that is printed."""


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(prog="airflow_demo", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("airflow-demo"), help="a folder of its own")
    parser.add_argument("--port", type=int, default=0, help="of Airflow's pages; a free one by default")
    given = parser.parse_args()
    folder = given.folder.absolute()
    lay_out(folder)
    with subprocess.Popen(  # noqa: S603 (our own arguments)
        [sys.executable, "-m", "smmplus.sandbox", "--port", "0", "--key", f"demo={KEY}", "--speed", "600", "--json",
         "--state", str(folder / "panel.sqlite3")],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as panel:  # fmt: skip
        try:
            return demonstrate(folder, given.port or free_port(), address_of(panel))
        finally:
            panel.terminate()


def lay_out(folder: Path) -> None:
    """Put the example DAGs and the sample sheets into the folder; what was placed there before stays in its journal."""
    for name in ("dags", "sheets"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(ROOT / "example_dags", folder / "dags", ignore=shutil.ignore_patterns("*.md", "__pycache__"))
    shutil.copytree(ROOT / "sample_sheets", folder / "sheets")


def address_of(panel: "subprocess.Popen[str]") -> str:
    """Read where the panel is from the line that it prints first."""
    line = panel.stdout.readline() if panel.stdout else ""
    return str(json.loads(line)["address"])


def demonstrate(folder: Path, port: int, panel: str) -> int:
    """Start Airflow, say where it is, and wait for Ctrl-C."""
    connection = {"conn_type": "smmplus", "host": panel, "password": KEY, "extra": {"rate": 0}}
    more = {
        "AIRFLOW_CONN_SMMPLUS_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "SMMPLUS_SHEETS": str(folder / "sheets"),
    }
    home = Home(folder / "airflow", folder / "dags", port, more)
    print("Airflow is being set up; that takes half a minute …", flush=True)
    home.prepare()
    with Airflow(home):
        print(f"Airflow:  {home.address}   user {home.user}, password {home.password}")
        print(f"Panel:    {panel.removesuffix('/api/v2')}/ledger shows what was really ordered")
        print(f"Folder:   {folder}")
        print("Trigger a DAG there, approve what asks for it, and look at its log. Ctrl-C ends everything.", flush=True)
        try:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        except KeyboardInterrupt:
            pass
        print("ending …", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
