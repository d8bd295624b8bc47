"""Every example DAG runs as it stands against the simulated panel: its ledger says what was really ordered."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.asset import AssetEvent
from airflow.models.hitl import HITLDetail
from airflow.sdk import TaskInstanceState
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import configure_mappers

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from tests.end_to_end.command import read_rows
from tests.panel import SandboxProcess

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"), key=lambda path: path.name)


@pytest.fixture(scope="session")
def metadata():
    """Make Airflow's own database, in the tests' AIRFLOW_HOME, and put the DAGs where `dag.test()` looks for them."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
    folder = Path(os.environ["AIRFLOW_HOME"]) / "dags"
    shutil.copytree(ROOT / "example_dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def quick_panel():
    """Give a panel on which an order takes 60 ms, and can be refilled for two minutes."""
    with SandboxProcess("--speed", "20000", "--balance", "100000") as process:
        yield process


class Runs:
    """Runs examples to their ends; knows what the panel took, and where the sheets are."""

    def __init__(self, dags, panel, sheets):
        self.sheets = sheets
        self._dags = dags
        self._panel = panel
        self._before = len(panel.orders())

    def run(self, name, **how):
        return dag_of(self._dags / f"{name}.py").test(**how)

    def ordered(self):
        return self._panel.orders()[self._before :]

    def calls(self, action):
        return self._panel.calls(action)


@pytest.fixture
def runs(metadata, quick_panel, connect, home, tmp_path, monkeypatch):
    connect(host=quick_panel.address, password=quick_panel.key)
    sheets = shutil.copytree(ROOT / "sample_sheets", tmp_path / "sheets")
    monkeypatch.setenv("SMMPLUS_SHEETS", str(sheets))
    return Runs(metadata, quick_panel, sheets)


def dag_of(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return getattr(module, path.stem)()


def states(run):
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


class Person(threading.Thread):
    """Answers, as the page of required actions does, whatever a DAG asks."""

    def __init__(self, option):
        super().__init__(daemon=True)
        self.asked = []
        self._option = option
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(0.2):
            # A busy database is asked again: `dag.test()` would wait for ever for an answer that did not come.
            with suppress(OperationalError), create_session() as session:
                for detail in session.scalars(select(HITLDetail).where(HITLDetail.responded_at.is_(None))):
                    # Before the task is parked, SQLite has no lock that keeps the answer from getting lost.
                    if detail.task_instance.state == TaskInstanceState.AWAITING_INPUT:
                        self._answer(detail, session)

    def _answer(self, detail, session):
        asking = detail.task_instance
        if (words := (detail.subject, detail.body)) not in self.asked:
            self.asked.append(words)
        self._update(
            asking.dag_id,
            asking.run_id,
            asking.task_id,
            self._payload(chosen_options=[self._option], params_input={}),
            SimpleAuthManagerUser(username="marketer", role="admin"),
            session,
        )

    def __enter__(self):
        # They import all of Airflow's API server: not for every test process. Here, and not while `dag.test()` imports,
        # too: its modules import each other, and two threads at it at once fail.
        from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload  # noqa: PLC0415
        from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail  # noqa: PLC0415

        configure_mappers()
        self._payload, self._update = UpdateHITLDetailPayload, update_hitl_detail
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_parses_without_a_connection_and_marks_what_the_documentation_shows(path, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_SMMPLUS_DEFAULT", raising=False)
    assert dag_of(path).dag_id == path.stem
    text = path.read_text(encoding="utf-8")
    starts = re.findall(r"# \[START (howto_\w+)\]", text)
    assert starts
    assert starts == re.findall(r"# \[END (howto_\w+)\]", text)


@pytest.mark.e2e
def test_a_single_order_is_placed_and_followed_to_its_end(runs):
    run = runs.run("smmplus_single_order")
    (order,) = runs.ordered()
    assert states(run) == {"order": "success"}
    assert order["link"] == f"https://instagram.com/example/{run.run_id}"
    assert order["status"] == "Completed"


@pytest.mark.e2e
def test_a_whole_sheet_is_placed_followed_and_written_into_its_results(runs):
    run = runs.run("smmplus_whole_sheet")
    assert states(run) == {"sheet": "success"}
    assert_each_row_once(runs, runs.sheets / "kampanye.csv", runs.sheets / f"kampanye {run.run_id}.csv")


@pytest.mark.e2e
def test_the_daily_sheet_is_ordered_when_a_person_has_approved_it(runs):
    with Person("Approve") as person:
        run = runs.run("smmplus_daily_sheet")
    assert set(states(run).values()) == {"success"}
    (asked,) = person.asked
    assert asked[0] == "Order 8 rows?"
    assert re.search(r"They cost [\d.]+ USD; the balance is [\d.]+\.", asked[1])
    assert re.search(r"\n- 2 rows of service \d+, .+: [\d.]+\n", asked[1])
    assert "0 problems, whose rows are left out; " in asked[1]
    assert "~~~\nFirst run for account" in asked[1]
    assert_each_row_once(runs, runs.sheets / "campaign.xlsx", runs.sheets / f"campaign {run.run_id}.xlsx")


@pytest.mark.e2e
def test_the_daily_sheet_is_not_ordered_when_a_person_has_rejected_it(runs):
    with Person("Reject"):
        run = runs.run("smmplus_daily_sheet")
    assert states(run)["place"] == "skipped"
    assert runs.ordered() == []


@pytest.mark.e2e
def test_mapped_parts_place_a_sheet_side_by_side(runs):
    run = runs.run("smmplus_mapped_parts")
    assert Counter(instance.task_id for instance in run.get_task_instances())["place"] == 3
    assert set(states(run).values()) == {"success"}
    assert_each_row_once(runs, runs.sheets / "campaign.csv", runs.sheets / f"campaign {run.run_id}.csv")


@pytest.mark.e2e
def test_a_completed_order_is_refilled(runs):
    before = runs.calls("refill")
    run = runs.run("smmplus_refill_dropped")
    assert set(states(run).values()) == {"success"}
    assert len(runs.ordered()) == 1
    assert runs.calls("refill") == before + 1


@pytest.mark.e2e
def test_every_night_what_was_delivered_is_refilled_and_what_is_stuck_is_cancelled(runs):
    assert states(runs.run("smmplus_single_order")) == {"order": "success"}
    hook, link = SmmPlusHook(), "https://instagram.com/stuck"
    stuck = hook.place_order(key="stuck", campaign="smmplus_single_order", service="25", link=link, quantity=100)
    refills, cancels = runs.calls("refill"), runs.calls("cancel")
    for age, canceled in [("3d", 0), ("0s", 1), ("0s", 1)]:
        run = runs.run("smmplus_nightly_care", run_conf={"stuck_for": age})
        assert states(run) == {"refill": "success", "cancel_stuck": "success"}
        assert (runs.calls("refill") - refills, runs.calls("cancel") - cancels) == (1, canceled)
    (order,) = [order for order in runs.ordered() if order["order"] == stuck.order_id]
    assert order["status"] == "Canceled"


@pytest.mark.e2e
def test_the_weekly_report_is_an_asset_with_what_was_spent(runs):
    assert states(runs.run("smmplus_single_order")) == {"order": "success"}
    on = datetime.now(UTC) + timedelta(days=2)
    assert states(runs.run("smmplus_weekly_report", run_after=on)) == {"report": "success"}
    path = runs.sheets / f"report {on.date()}.html"
    assert "https://instagram.com/example/" in path.read_text("utf-8")
    with create_session() as session:
        (event,) = session.scalars(select(AssetEvent).where(AssetEvent.source_dag_id == "smmplus_weekly_report"))
        assert event.extra == {"path": str(path), "orders": 1, "spent": {"USD": "0.09"}, "in_doubt": {"USD": "0"}}


@pytest.mark.e2e
def test_an_order_is_guarded_by_balance_and_rate(runs):
    run = runs.run("smmplus_balance_guard")
    assert set(states(run).values()) == {"success"}
    assert len(runs.ordered()) == 1


@pytest.mark.e2e
def test_an_order_that_is_late_is_cancelled(runs):
    run = runs.run("smmplus_cancel_late")
    assert states(run) == {
        "order": "success",
        "in_time": "failed",
        "cancel": "success",
        "cancelled": "success",
        "status": "success",
    }
    assert [order["status"] for order in runs.ordered()] == ["Canceled"]


@pytest.mark.e2e
def test_a_task_of_ones_own_orders_by_the_hook(runs):
    run = runs.run("smmplus_own_task")
    assert [str(instance.state) for instance in run.get_task_instances()] == ["success", "success"]
    assert sorted(order["link"] for order in runs.ordered()) == [
        "https://instagram.com/own/a",
        "https://instagram.com/own/b",
    ]


def assert_each_row_once(runs, sheet, results):
    """Hold the sheet, which nobody changed, and its results against the ledger."""
    ordered = {order["order"]: order for order in runs.ordered()}
    assert sheet.read_bytes() == (ROOT / "sample_sheets" / sheet.name).read_bytes()
    in_book = results.suffix == ".xlsx"
    rows = rows_of_book(results) if in_book else read_rows(results)
    order_id, link, status = ("Order ID", "Link", "Order status") if in_book else ("order_id", "link", "order_status")
    assert sorted(row[order_id] for row in rows) == sorted(ordered)
    assert all(ordered[row[order_id]]["link"] == row[link] for row in rows)
    assert all(ordered[row[order_id]]["status"] == row[status] for row in rows)


def rows_of_book(path):
    """Read the orders of the sample workbook, which has lines above and below them."""
    lines = [
        ["" if cell is None else str(cell) for cell in line] for line in openpyxl.load_workbook(path).active.values
    ]
    header = next(number for number, line in enumerate(lines) if line[0] == "Service ID")
    return [dict(zip(lines[header], line, strict=True)) for line in lines[header + 1 :] if line[0]]
