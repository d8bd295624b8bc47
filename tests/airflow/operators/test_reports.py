"""The report of orders that tasks placed: its file, its figures, and what the events of its assets have."""

import json
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from airflow.sdk import Asset, ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.io import attach

from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator
from airflow_provider_smmplus.operators.reports import SmmPlusReportOperator
from airflow_provider_smmplus.utils.xcom import MOST_LISTED

pytestmark = pytest.mark.e2e

REPORT = SmmPlusReportOperator
ASSET = Asset("weekly report")


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def order(airflow, link):
    """Give a function that runs a task that places an order of 100 followers for 0.09 USD."""

    def place(name, campaign="week"):
        arguments = {"service": 1, "link": f"{link}/{name}", "quantity": 100, "order_key": name}
        return airflow.run(SmmPlusAddOrderOperator, campaign=campaign, **arguments)

    return place


def values(found):
    """Yield every value of a result."""
    for value in found.values() if isinstance(found, dict) else found:
        yield from values(value) if isinstance(value, dict | list) else [value]


def test_a_page_and_its_figures(airflow, order, tmp_path, link, sandbox):
    order("a")
    order("b", campaign="other")
    path, calls = tmp_path / "report.html", sandbox.ledger()["calls"]
    result = airflow.run(REPORT, path=str(path), campaign="week").result
    page = path.read_text("utf-8")
    assert (f"{link}/a" in page, f"{link}/b" in page) == (True, False)
    assert (result["written"], result["orders"], result["standings"]) == (str(path), 1, {"waiting": 1})
    assert [(each["currency"], each["ordered"], each["unreported"]) for each in result["money"]] == [
        ("USD", "0.09", "0.09")
    ]
    assert not any(isinstance(value, float) for value in values(result))
    assert json.loads(json.dumps(result)) == result
    assert sandbox.ledger()["calls"] == calls


def test_the_events_of_its_assets_have_what_was_spent_and_is_in_doubt(airflow, order, sandbox, tmp_path):
    order("a")
    sandbox.faults({"fault": "drop_after_accept", "action": "add"})
    order("b")
    ran = airflow.run(REPORT, path=str(tmp_path / "report.html"), outlets=[ASSET])
    (event,) = ran.message.outlet_events
    assert event["extra"] == {
        "path": str(tmp_path / "report.html"),
        "orders": 2,
        "spent": {"USD": "0.18"},
        "in_doubt": {"USD": "0.09"},
    }
    assert ran.result["attention"][0]["kind"] == "in_doubt"


def test_a_retry_replaces_the_report(airflow, order, tmp_path):
    path = tmp_path / "report.xlsx"
    for name in ("a", "b"):
        order(name)
        assert airflow.run(REPORT, path=str(path)).state == "success"
    book = openpyxl.load_workbook(path)
    assert book.worksheets[-1].max_row == 3


def test_an_object_store_takes_it(airflow, order):
    import fsspec  # noqa: PLC0415 (Airflow's)

    attach("memory", fs=fsspec.filesystem("memory")).fs.store.clear()
    order("a")
    path = "memory://bucket/report {{ run_id }}.html"
    written = airflow.run(REPORT, path=path).result["written"]
    assert written == "memory://bucket/report manual__2026-02-03.html"
    assert "<html" in ObjectStoragePath(written).read_text()


@pytest.mark.parametrize(("days", "orders"), [(0, 1), (1, 0)])
def test_a_period(airflow, order, tmp_path, days, orders):
    order("a")
    day = datetime.now(UTC).astimezone().date() - timedelta(days=days)
    arguments = {"since": day - timedelta(days=6), "until": day.isoformat()}
    assert airflow.run(REPORT, path=str(tmp_path / "report.html"), **arguments).result["orders"] == orders


def test_orders_of_another_account_are_not_in_it(airflow, connect, order, tmp_path):
    order("a")
    connect(login="shop", password="another-key-0123456789abcdef")
    assert airflow.run(REPORT, path=str(tmp_path / "report.html")).result["orders"] == 0


def test_many_campaigns_are_a_small_result(airflow, order, tmp_path):
    for number in range(MOST_LISTED + 1):
        order("a", campaign=f"campaign {number}")
    result = airflow.run(REPORT, path=str(tmp_path / "report.html")).result
    assert (result["orders"], len(result["by_campaign"])) == (MOST_LISTED + 1, MOST_LISTED)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "{{ none }}"}, "path is 'None'"),
        ({"path": "orders.csv"}, "must end in .html or .xlsx"),
        ({"path": "nowhere/report.html"}, "nowhere"),
        ({"path": "nostore://bucket/report.html"}, "cannot be opened"),
        ({"campaign": "weak"}, "the journal has no campaign 'weak'"),
        ({"campaign": "{{ '' }}"}, "campaign is ''"),
        ({"since": "{{ '' }}"}, "since is ''"),
        ({"until": "yesterday"}, "until is 'yesterday': pass a day"),
    ],
)
def test_wrong_arguments_fail_for_good(airflow, order, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    order("a")
    ran = airflow.run(REPORT, **{"path": "report.html"} | arguments)
    assert isinstance(ran.error, AirflowFailException)
    assert words in str(ran.error)
    assert not list(tmp_path.glob("*.html"))
