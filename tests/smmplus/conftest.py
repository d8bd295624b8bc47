"""What the tests of the core share: a journal on disk, and one simulated panel a worker."""

import socket
import uuid
from contextlib import ExitStack, nullcontext

import pytest
from hypothesis import HealthCheck, settings

from smmplus.api.panel import Panel, tls_context
from smmplus.journal.journal import Journal
from tests.panel import SandboxProcess
from tests.postgres import lent_url
from tests.smmplus.batches import Batch

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("core", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")


def pytest_generate_tests(metafunc):
    """Run the tests of a module on the databases that it names, but for those that name them themselves."""
    said = any("database" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "database" in metafunc.fixturenames and hasattr(metafunc.module, "RUNS_ON") and not said:
        metafunc.parametrize("database", metafunc.module.RUNS_ON, indirect=True)


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
def full_server():
    """Give the address of a server that takes no further connection, and refuses none."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, ExitStack() as waiting:
        address = listening.getsockname()
        for _ in range(4):
            connection = waiting.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}/"


@pytest.fixture
def database(request):
    """Name the kind of journal; `on_both` makes it PostgreSQL too."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def journal_url(database, tmp_path):
    """Give the URL of a journal that is not there yet."""
    with lent_url() if database == "postgresql" else nullcontext(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as url:
        yield url


@pytest.fixture
def journal(journal_url):
    with Journal(journal_url) as opened:
        yield opened


@pytest.fixture
def batch(journal):
    return Batch(journal)
