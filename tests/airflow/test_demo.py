"""`make airflow-demo` shows every example DAG, and Ctrl-C ends every process that it started."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_demo.components import Home
from airflow_demo.rest import Api

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.e2e


def descendants(process):
    return psutil.Process(process.pid).children(recursive=True)


def test_the_demonstration_shows_the_examples_and_ends_with_everything_that_it_started(tmp_path):
    command = [sys.executable, "-m", "airflow_demo", str(tmp_path / "demo")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as demo:
        try:
            said = "".join(iter_until(demo.stdout, "Ctrl-C"))
            address = re.search(r"http://127\.0\.0\.1:(\d+) +user admin, password admin", said)
            assert address, said
            api = Api(Home(tmp_path, tmp_path, int(address[1])))
            assert api.dag_ids() == {path.stem for path in (ROOT / "example_dags").glob("*.py")}
            assert api.get("/importErrors")["import_errors"] == []
            tested = api.post("/connections/test", {"connection_id": "smmplus_default", "conn_type": "smmplus"})
            assert tested == {"status": True, "message": "connected: the balance is 1000 USD"}
            started = descendants(demo)
            assert len(started) > 5
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=120)
    assert demo.returncode == 0
    assert [process for process in started if process.is_running()] == []


def iter_until(lines, word):
    for line in lines:
        yield line
        if word in line:
            return
