"""With Airflow's real components, and the simulated panel's ledger as the judge: no order twice, whatever happens.

Every case runs with the journal in a file and in PostgreSQL, side by side.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from airflow_demo.components import Airflow, Home, free_port
from airflow_demo.rest import Api
from tests.airflow.rest import DagRun, wait_until
from tests.panel import SandboxProcess
from tests.postgres import fresh_url

pytestmark = pytest.mark.e2e

SMMPLUS = Path(sys.executable).with_name("smmplus")
DELIVERED = 1300.0
"""Seconds of the panel's clock after which an order is completed."""


def processes_of(folder):
    """Find every process that works in a home, whoever started it."""
    return [process for process in psutil.process_iter() if home_of(process) == str(folder)]


def home_of(process):
    try:
        return process.environ().get("AIRFLOW_HOME")
    except psutil.Error:
        return None


@dataclass
class Stage:
    """A running Airflow, a panel whose clock the tests move, and two journals."""

    home: Home
    panel: SandboxProcess
    journals: dict[str, str]
    """Connection id -> the URL of its journal."""

    def runs(self, dag_id, name, **conf):
        """Start a run for each journal, each with a link of its own."""
        api = Api(self.home)
        found = []
        for conn_id in self.journals:
            link = f"https://example.com/{name}/{conn_id}"
            run = DagRun(api, dag_id, f"{name}-{conn_id}", {"conn_id": conn_id, "link": link} | conf)
            run.start()
            found.append(run)
        return found

    def ordered(self, run):
        """Give the links that were really ordered for a run, one for each order."""
        return sorted(order["link"] for order in self.panel.orders() if order["link"].startswith(run.conf["link"]))

    def wait(self, runs, condition):
        """Wait until it is so for every run, and look all the while that nothing is ordered twice."""

        def is_so(run):
            ordered = self.ordered(run)
            assert len(ordered) == len(set(ordered)), run.words()
            return condition(run)

        for run in runs:
            wait_until(partial(is_so, run), run.words)

    def deliver(self):
        self.panel.advance(DELIVERED)

    def smmplus(self, run, *arguments):
        """Run `smmplus` as a person does who holds the run's journal."""
        settings = {
            "SMMPLUS_API_KEY": self.panel.key,
            "SMMPLUS_API_KEY_SHOP": self.panel.key,
            "SMMPLUS_API_URL": self.panel.address,
            "SMMPLUS_JOURNAL": self.journals[run.conf["conn_id"]],
        }
        done = subprocess.run(
            [SMMPLUS, *arguments], env=os.environ | settings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done
        return done.stdout


@pytest.fixture(scope="module")
def panel():
    """Give a panel whose clock stands still: when an order ends is decided by the tests."""
    with SandboxProcess("--speed", "0", "--balance", "100000") as process:
        yield process


@pytest.fixture(scope="module")
def stage(panel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("components")
    dags = shutil.copytree(Path(__file__).with_name("component_dags"), folder / "dags")
    postgres = fresh_url()
    home = Home(folder / "airflow", dags, free_port(), connections(panel, postgres) | QUICK)
    with pytest.MonkeyPatch.context() as patch:
        # Measuring every process of Airflow would double what they need to start.
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            patch.delenv(name, raising=False)
        home.prepare()
        with Airflow(home):
            wait_until(lambda: Api(home).dag_ids() == {"followed", "waited_for", "mapped"}, "the DAGs are known")
            file = f"sqlite:///{home.folder / 'smmplus' / 'journal.sqlite3'}"
            yield Stage(home, panel, {"in_file": file, "in_postgres": postgres})
    assert processes_of(home.folder) == []


QUICK = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
}


def connections(panel, postgres):
    known = {"conn_type": "smmplus", "host": panel.address, "password": panel.key}
    return {
        "AIRFLOW_CONN_IN_FILE": json.dumps(known | {"extra": {"rate": 0}}),
        "AIRFLOW_CONN_IN_POSTGRES": json.dumps(
            known | {"login": "shop", "extra": {"rate": 0, "journal_conn_id": "journal"}}
        ),
        "AIRFLOW_CONN_JOURNAL": postgres,
    }


def is_deferred(attempt):
    return lambda run: run.task()["state"] == "deferred" and run.task()["try_number"] == attempt


def test_a_deferred_order_finishes_and_cleared_after_success_it_is_not_ordered_again(stage):
    runs = stage.runs("followed", "finishes")
    stage.wait(runs, is_deferred(1))
    stage.deliver()
    stage.wait(runs, DagRun.ended)
    assert [run.task()["state"] for run in runs] == ["success", "success"]

    for run in runs:
        run.clear("order")
    stage.wait(runs, lambda run: run.task()["state"] == "success" and run.task()["try_number"] >= 2)
    assert [stage.ordered(run) for run in runs] == [[run.conf["link"]] for run in runs]


def test_cleared_while_deferred_the_next_try_waits_for_the_same_order(stage):
    runs = stage.runs("followed", "cleared")
    stage.wait(runs, is_deferred(1))
    for run in runs:
        run.clear("order")
    stage.wait(runs, is_deferred(2))
    stage.deliver()
    stage.wait(runs, DagRun.ended)
    assert [run.task()["state"] for run in runs] == ["success", "success"]
    assert [stage.ordered(run) for run in runs] == [[run.conf["link"]] for run in runs]


def test_killed_while_the_panel_has_accepted_the_retry_fails_in_doubt_until_a_person_settles_it(stage):
    stage.panel.faults({"fault": "hang_after_accept", "action": "add", "link_contains": "/killed/"})
    runs = stage.runs("followed", "killed")
    for run in runs:
        wait_until(lambda run=run: len(stage.ordered(run)) == 1, "the panel has accepted the order")
        os.kill(run.task()["pid"], signal.SIGKILL)
    stage.panel.faults()
    stage.wait(runs, DagRun.ended)

    for run in runs:
        assert (run.task()["state"], run.task()["try_number"], run.task()["max_tries"]) == ("failed", 2, 2)
        assert len(stage.ordered(run)) == 1
        settle(stage, run)
        run.clear("order")
    stage.wait(runs, is_deferred(3))
    stage.deliver()
    stage.wait(runs, DagRun.ended)
    assert [run.task()["state"] for run in runs] == ["success", "success"]
    assert [stage.ordered(run) for run in runs] == [[run.conf["link"]] for run in runs]


def settle(stage, run):
    """Do what the log of the failed task says, with the number that the panel's page shows."""
    log = run.log(attempt=2)
    assert "is in doubt" in log
    command = re.search(r"`(smmplus resolve [^`]* --order-id NUMBER[^`]*)`", log)
    assert command, log
    number = next(order["order"] for order in stage.panel.orders() if order["link"] == run.conf["link"])
    assert run.conf["link"] in stage.smmplus(run, "doubts", "--json")
    stage.smmplus(run, *shlex.split(command[1].replace("NUMBER", number))[1:])


def test_marked_as_failed_while_it_waits_in_the_worker_the_order_is_cancelled_once(stage):
    runs = stage.runs("waited_for", "ended")
    stage.wait(runs, lambda run: len(stage.ordered(run)) == 1 and "1 open" in run.log(attempt=1))
    before = stage.panel.calls("cancel")
    for run in runs:
        run.mark("order", "failed")
    wait_until(lambda: stage.panel.calls("cancel") == before + len(runs), "the panel is asked to cancel")
    stage.deliver()
    stage.wait(runs, DagRun.ended)
    ended = {order["link"]: order["status"] for order in stage.panel.orders()}
    assert [ended[run.conf["link"]] for run in runs] == ["Canceled", "Canceled"]
    assert [run.task()["state"] for run in runs] == ["failed", "failed"]
    assert stage.panel.calls("cancel") == before + len(runs)


def test_a_mapped_task_that_is_expanded_anew_orders_nothing_again(stage, tmp_path):
    names = tmp_path / "names.json"
    names.write_text('["a", "b"]')
    runs = stage.runs("mapped", "expanded", names=str(names))
    stage.wait(runs, DagRun.ended)
    assert [run.state for run in runs] == ["success", "success"]

    # The list is made anew, in another order, and longer.
    names.write_text('["x", "b", "a", "c"]')
    for run in runs:
        run.clear("names", "placed", "keyed", "by_place", "by_key")
    stage.wait(runs, DagRun.ended)
    for run in runs:
        states = {(task["task_id"], task["map_index"]): task["state"] for task in run.tasks()}
        assert [states["by_key", index] for index in range(4)] == ["success"] * 4
        assert [states["by_place", index] for index in range(4)] == ["success"] * 4
        link = run.conf["link"]
        assert stage.ordered(run) == [f"{link}/by-{way}/{name}" for way in ("key", "place") for name in "abcx"]


def test_where_a_component_does_not_start_nothing_is_left_running(stage, tmp_path):
    home = Home(tmp_path / "airflow", tmp_path, free_port())
    home.folder.mkdir()
    with (
        pytest.raises(RuntimeError, match="airflow no-such-component has ended"),
        Airflow(home, ["triggerer", "no-such-component"]),
    ):
        pass
    assert processes_of(home.folder) == []
