"""The page in Airflow: who may what, and every sheet placed once, by the ledger of the simulated panel."""

import json
import os
import re
import signal
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import openpyxl
import pytest

from airflow_demo.components import Airflow, Home, free_port
from airflow_demo.rest import Api
from bulk.web.app import create_app
from tests.airflow.rest import DagRun, wait_until
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
DAG = "smmplus_sheet"

USERS = {"admin": "admin", "vera": "viewer", "uli": "user", "ulla": "user", "otto": ""}
"""Name -> role. Otto may log in, and nothing else."""


class Visitor:
    """A person who uses the page without a browser."""

    def __init__(self, http, home, name):
        self.http = http
        if name is not None:
            user = replace(home, user=name, password=name)
            self.http.cookies.set("_token", Api(user)._logged_in())

    @property
    def token(self):
        return re.search(r'"x-smmplus-token":"(\w+)"', self.http.get("/upload").text)[1]

    def post(self, path, data=None, *, token=None, **more):
        return self.http.post(path, data=data, headers={"x-smmplus-token": token or self.token}, **more)

    def upload(self, path, campaign):
        """Upload a sheet, and give its address."""
        about = {"account": "smmplus_default", "campaign": campaign}
        answer = self.post("/upload", about, files={"file": (path.name, path.read_bytes())})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].removeprefix("/smmplus")

    def approve(self, sheet):
        """Approve a sheet as it is shown."""
        shown = self.http.get(sheet).text
        fingerprint = re.search(r'name="fingerprint" value="(\w+)"', shown)
        total = re.search(r"<strong>([\d.]+) USD</strong>", shown)
        assert fingerprint, shown
        assert total, shown
        answer = self.post(f"{sheet}/approve", {"fingerprint": fingerprint[1], "total": total[1]})
        assert answer.status_code == 303, answer.text

    def is_under_way(self, sheet):
        shown = self.http.get(sheet)
        assert shown.status_code == 200, shown.text
        return "sse-connect" in shown.text

    def results(self, sheet):
        """Give the sheet with its results."""
        return self.http.get(f"{sheet}/file").content.decode("utf-8-sig").splitlines()


@dataclass
class Stage:
    """A running Airflow with the page, and a panel."""

    airflow: Airflow
    panel: SandboxProcess
    connections: ExitStack

    @property
    def home(self) -> Home:
        return self.airflow.home

    def visitor(self, name):
        return Visitor(self.connections.enter_context(client(self.home)), self.home, name)

    def runs(self, sheet):
        """Give the DAG runs of a sheet."""
        api, upload = Api(self.home), sheet.rpartition("/")[2]
        found = api.get(f"/dags/{DAG}/dagRuns?limit=100")["dag_runs"]
        return [DagRun(api, DAG, run["dag_run_id"]) for run in found if run["dag_run_id"].startswith(upload)]

    def ordered(self, name):
        """Give the links with a name in them that were really ordered, one for each order."""
        return [order["link"] for order in self.panel.orders() if f"/{name}/" in order["link"]]

    def wait(self, visitor, sheet):
        """Wait until the orders of a sheet are placed."""
        wait_until(lambda: not visitor.is_under_way(sheet), lambda: [run.words() for run in self.runs(sheet)])


def sheet_of(folder, name, rows):
    path = folder / f"{name}.csv"
    lines = [f"1,https://example.com/{name}/{row},100" for row in range(rows)]
    path.write_text("\n".join(["service,link,quantity", *lines, ""]), "utf-8")
    return path


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "dags").mkdir()
    line = re.search(r"^from airflow_provider_smmplus\.dags\.\w+ import dag.*$", DOCUMENTED, re.MULTILINE)
    (folder / "dags" / "page.py").write_text(f"{line[0]}\n", "utf-8")
    with SandboxProcess("--balance", "100000", "--speed", "0") as panel, pytest.MonkeyPatch.context() as patch:
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            patch.delenv(name, raising=False)
        home = Home(folder / "airflow", folder / "dags", free_port(), settings(panel))
        home.prepare()
        (home.folder / "passwords.json").write_text(json.dumps({name: name for name in USERS}), "utf-8")
        with Airflow(home) as airflow:
            wait_until(lambda: Api(home).dag_ids() == {DAG}, "the DAG is known")
            with ExitStack() as connections:
                yield Stage(airflow, panel, connections)


def client(home):
    return httpx.Client(base_url=f"{home.address}/smmplus", trust_env=False, timeout=120)


DOCUMENTED = (ROOT / "docs" / "airflow.md").read_text("utf-8")


def settings(panel):
    connection = {"conn_type": "smmplus", "host": panel.address, "login": "main", "password": panel.key}
    return {
        "AIRFLOW_CONN_SMMPLUS_DEFAULT": json.dumps(connection | {"extra": {"rate": 5}}),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    }


def routes():
    """Give every route of the page: method and path."""
    for route in create_app(None).routes:
        path = route.path.replace("{id}", "0" * 16)
        if path == "/static":
            yield "GET", "/static/page.css"
        for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD"}):
            yield method, path


@pytest.mark.parametrize(("method", "path"), [*routes()])
def test_no_route_is_open_to_strangers_or_to_who_may_not_read_the_dag(stage, method, path):
    for name, status in ((None, 401), ("otto", 403)):
        answer = stage.visitor(name).http.request(method, path, headers={"x-smmplus-token": "0" * 64})
        assert (answer.status_code, "smmplus_default" in answer.text) == (status, False)


def test_who_may_only_read_the_dag_may_look_and_not_change(stage, tmp_path):
    sheet = stage.visitor("uli").upload(sheet_of(tmp_path, "looked-at", 1), "looked at")
    vera = stage.visitor("vera")
    assert vera.http.get("/").status_code == vera.http.get(sheet).status_code == 200
    changes = {path.replace("0" * 16, sheet.rpartition("/")[2]) for method, path in routes() if method == "POST"}
    assert {path: vera.post(path).status_code for path in changes} == dict.fromkeys(changes, 403)
    assert len(changes) > 8
    assert stage.runs(sheet) == []


def test_a_change_needs_the_token_of_its_own_session(stage):
    uli, ulla = stage.visitor("uli"), stage.visitor("ulla")
    assert uli.http.post("/language", data={"language": "en"}).status_code == 403
    assert uli.post("/language", {"language": "en"}, token=ulla.token).status_code == 403
    assert uli.post("/language", {"language": "en"}).status_code == 303
    again = stage.visitor("uli")
    assert again.http.cookies["_token"] != uli.http.cookies["_token"]
    assert again.token != uli.token


def test_two_persons_who_approve_at_the_same_time_place_a_sheet_once(stage, tmp_path):
    persons = [stage.visitor("uli"), stage.visitor("ulla")]
    sheet = persons[0].upload(sheet_of(tmp_path, "at-once", 6), "at once")
    threads = [threading.Thread(target=person.approve, args=[sheet]) for person in persons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.wait(persons[0], sheet)
    assert len(stage.runs(sheet)) == 1
    assert set(Counter(stage.ordered("at-once")).values()) == {1}
    assert len(stage.ordered("at-once")) == 6


def test_stopped_what_was_sent_is_waited_for_and_the_rest_is_placed_later(stage, tmp_path):
    uli = stage.visitor("uli")
    sheet = uli.upload(sheet_of(tmp_path, "stopped", 60), "stopped")
    uli.approve(sheet)
    wait_until(lambda: len(stage.ordered("stopped")) >= 3, "placing has begun")
    assert uli.post(f"{sheet}/stop").status_code == 303
    stage.wait(uli, sheet)
    sent = len(stage.ordered("stopped"))
    assert 3 <= sent < 60
    assert sum(",Placed," in line for line in uli.results(sheet)) == sent
    assert "uli stopped it" in uli.http.get(sheet).text

    uli.post(f"{sheet}/continue")
    stage.wait(uli, sheet)
    assert len(stage.ordered("stopped")) == len(set(stage.ordered("stopped"))) == 60


def test_a_server_killed_in_the_middle_loses_nothing(stage, tmp_path):
    uli = stage.visitor("uli")
    sheet = uli.upload(sheet_of(tmp_path, "server", 60), "server")
    uli.approve(sheet)
    wait_until(lambda: len(stage.ordered("server")) >= 3, "placing has begun")
    server = stage.airflow.processes["api-server"]
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    stage.airflow.start("api-server")
    stage.airflow.wait_until_ready()
    stage.wait(uli, sheet)
    assert len(stage.ordered("server")) == len(set(stage.ordered("server"))) == 60
    assert sum(",Placed," in line for line in uli.results(sheet)) == 60


def test_a_worker_killed_in_the_middle_orders_nothing_twice_and_its_doubt_is_shown(stage, tmp_path):
    stage.panel.faults({"fault": "hang_after_accept", "action": "add", "link_contains": "/worker/5"})
    uli = stage.visitor("uli")
    sheet = uli.upload(sheet_of(tmp_path, "worker", 10), "worker")
    uli.approve(sheet)
    hung = "https://example.com/worker/5"
    wait_until(lambda: hung in stage.ordered("worker"), "the panel has accepted the order that it does not answer")
    (run,) = stage.runs(sheet)
    os.kill(run.task("place")["pid"], signal.SIGKILL)
    stage.panel.faults()
    stage.wait(uli, sheet)
    assert len(stage.ordered("worker")) == len(set(stage.ordered("worker"))) == 10
    assert hung in uli.http.get("/doubts").text
    assert sum(",Placed," in line for line in uli.results(sheet)) == 9


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser, stage):
    """Give a tab of the Airflow UI, logged in, with the page."""
    context = browser.new_context(locale="en-US", timezone_id="Asia/Jakarta")
    context.set_default_timeout(60_000)
    tab = context.new_page()
    tab.goto(stage.home.address)
    tab.fill("input[name=username]", "uli")
    tab.fill("input[name=password]", "uli")
    tab.click("button[type=submit]")
    tab.get_by_text("SMM campaigns").click()
    yield tab
    context.close()


def test_in_a_browser_from_a_sheet_to_its_order_ids(stage, tab, tmp_path):
    page = tab.frame_locator("iframe")
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_label("A CSV or XLSX file").set_input_files(ROOT / "sample_sheets" / "campaign.xlsx")
    page.get_by_role("textbox", name="Campaign", exact=True).fill("in a browser")
    page.get_by_role("button", name="Check the sheet").click()
    total = page.locator("tfoot strong").inner_text().split()[0]
    page.locator("#total").fill(total)
    before = len(stage.panel.orders())
    page.locator("form", has=page.locator("#total")).get_by_role("button").click()
    page.get_by_role("button", name="Stop").wait_for()
    # Nobody loads the page again: it follows the run by itself.
    with tab.expect_download(timeout=180_000) as download:
        page.get_by_role("link", name="Download the sheet with its results").click(timeout=170_000)
    download.value.save_as(tmp_path / "campaign.xlsx")
    placed = [order["order"] for order in stage.panel.orders()[before:]]
    rows = openpyxl.load_workbook(tmp_path / "campaign.xlsx").active.iter_rows(values_only=True)
    cells = [str(cell) for row in rows for cell in row]
    assert [number for number in placed if cells.count(number) != 1] == []
    assert len(placed) == 8
