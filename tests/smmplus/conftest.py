"""What the tests of the core share: a journal on disk, and one simulated panel a worker."""

import uuid

import pytest

from smmplus.journal import Journal, Planned, key_of
from smmplus.models import OrderRequest
from smmplus.panel import Panel, tls_context
from tests.panel import SandboxProcess
from tests.smmplus.desk import Desk

ENVIRONMENT = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """No proxy and no certificates of the machine that the tests happen to run on."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def fresh_tls():
    """Have the TLS context made anew: it is made once a process, and some tests change its settings."""
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


@pytest.fixture(scope="session")
def panel_process():
    with SandboxProcess("--balance", "1000000") as process:
        yield process


@pytest.fixture
def sandbox(panel_process):
    """Give the simulated panel without faults, and with money; what earlier tests ordered is still in its ledger."""
    panel_process.faults()
    panel_process.balance("1000000")
    yield panel_process
    panel_process.faults()


@pytest.fixture
def panel(sandbox):
    return Panel(sandbox.key, sandbox.address, read_timeout=20.0)


@pytest.fixture
def link():
    """Give a link that no other test orders for: it finds a test's own orders in the ledger."""
    return f"https://example.com/{uuid.uuid4().hex}"


@pytest.fixture
def journal(tmp_path):
    with Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def desk(journal):
    return Desk(journal)


@pytest.fixture
def planned():
    """Make orders of one unit price each, to be planned."""

    def make(count=1, cost="0.90", link="https://example.com/a", service=1, **fields):
        request = OrderRequest.of(service, {"link": link, "quantity": 1000, **fields})
        return [Planned(key_of(request, nth), request, cost) for nth in range(1, count + 1)]

    return make
