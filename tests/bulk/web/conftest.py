"""The page in this process, against a simulated panel in another."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bulk.web.uploads import Uploads
from tests.bulk.web.site import Site, Visitor
from tests.panel import SandboxProcess


@pytest.fixture(scope="session")
def shared_panel() -> Iterator[SandboxProcess]:
    # Its clock stands still: what becomes of orders is decided by the tests, not by how fast the machine is.
    with SandboxProcess("--speed", "0") as panel:
        yield panel


@pytest.fixture
def panel(shared_panel: SandboxProcess) -> Iterator[SandboxProcess]:
    shared_panel.faults()
    shared_panel.balance("1000")
    yield shared_panel
    shared_panel.faults()


@pytest.fixture
def account(panel: SandboxProcess, tmp_path, monkeypatch) -> None:
    """Let this process be that of a user with an account and a journal."""
    for name, value in (
        ("SMMPLUS_API_KEY", panel.key),
        ("SMMPLUS_API_URL", panel.address),
        ("SMMPLUS_JOURNAL", f"sqlite:///{tmp_path / 'journal.sqlite3'}"),
    ):
        monkeypatch.setenv(name, value)


@pytest.fixture
def new_site(account, tmp_path) -> Iterator[Callable[..., Site]]:
    """Give the way to start the page; it is ended after the test."""
    with ExitStack() as ends:
        yield lambda *names, **more: ends.enter_context(Site(Uploads(tmp_path / "uploads"), *names, **more))


@pytest.fixture
def site(new_site) -> Site:
    return new_site()


@pytest.fixture
def ani(site: Site) -> Visitor:
    """Give a person who came by the link."""
    return site.visitor()
