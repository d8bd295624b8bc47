"""What the tests of the provider share: an Airflow home of their own, one simulated panel, and tasks that really run.

Airflow is configured before anything of it is imported: this file comes first.
"""

import os
import tempfile

_HOME = tempfile.TemporaryDirectory(prefix="smmplus-airflow-")
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "INFO"

import json  # noqa: E402
import uuid  # noqa: E402

import pytest  # noqa: E402

from smmplus import Client, OrderRequest  # noqa: E402
from smmplus.api import retry  # noqa: E402
from smmplus.api.panel import Panel  # noqa: E402
from smmplus.journal.journal import Journal  # noqa: E402
from tests.airflow.tasks import Airflow  # noqa: E402
from tests.panel import SandboxProcess  # noqa: E402


@pytest.fixture(scope="session")
def panel_process():
    with SandboxProcess("--balance", "1000000", "--speed", "0") as process:
        yield process


@pytest.fixture
def sandbox(panel_process):
    """Give the simulated panel without faults, and with money; its clock stands still until a test moves it on."""
    panel_process.faults()
    panel_process.balance("1000000")
    yield panel_process
    panel_process.faults()


@pytest.fixture
def connect(sandbox, monkeypatch):
    """Write a connection into the environment; what is said replaces what leads to the simulated panel."""

    def write(conn_id="smmplus_default", extra=None, **fields):
        known = {"conn_type": "smmplus", "host": sandbox.address, "login": "main", "password": sandbox.key}
        written = known | fields | {"extra": {"rate": 0, "read_timeout": 5} | (extra or {})}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(written))

    return write


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Give an AIRFLOW_HOME of the test's own: its journal is there."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    return tmp_path


@pytest.fixture
def journal_url(home):
    return f"sqlite:///{home / 'smmplus' / 'journal.sqlite3'}"


@pytest.fixture
def journal(journal_url):
    """Open the journal that the tasks use."""
    with Journal(journal_url) as opened:
        yield opened


@pytest.fixture
def airflow(home, connect):
    """Give what runs tasks, with a connection to the simulated panel."""
    connect()
    return Airflow()


@pytest.fixture
def link():
    """Give a link that no other test orders for: it finds a test's own orders in the ledger."""
    return f"https://example.com/{uuid.uuid4().hex}"


@pytest.fixture
def impatient(monkeypatch):
    """Have each call sent once: the pauses of the retry policy are seconds, and it has tests of its own."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    monkeypatch.setattr(retry, "PATIENCE", 0.0)


@pytest.fixture
def client(sandbox):
    """Speak to the panel past the provider, as the panel's own page does."""
    with Client(Panel(sandbox.key, sandbox.address), rate=0) as client:
        yield client


@pytest.fixture
def place(client, link):
    """Give a function that places an order past the provider, and gives its id."""
    return lambda service=1, quantity=100: client.add_order(
        OrderRequest.of(service, {"link": link, "quantity": quantity})
    )


@pytest.fixture
def done(sandbox):
    """Give a function that lets time pass until every order and refill is over."""
    return lambda: sandbox.advance(2000)


@pytest.fixture
def ordered(sandbox, link):
    """Give a function that finds the test's own orders in the panel's ledger."""
    return lambda: [order for order in sandbox.orders() if order["link"] == link]
