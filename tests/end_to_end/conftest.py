"""One sandbox for all tests of a process; each test counts from where it begins, and has a journal of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command import SHOP_KEY, Ledger, Workplace
from tests.panel import SandboxProcess
from tests.postgres import fresh_url


@pytest.fixture(scope="session")
def shared_panel() -> Iterator[SandboxProcess]:
    # Its clock stands still: what becomes of orders is decided by the tests, not by how fast the machine is.
    with SandboxProcess("--speed", "0", "--key", f"shop={SHOP_KEY}") as panel:
        yield panel


@pytest.fixture
def panel(shared_panel: SandboxProcess) -> Iterator[SandboxProcess]:
    shared_panel.faults()
    shared_panel.balance("1000")
    yield shared_panel
    shared_panel.faults()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Name the kind of journal; `on_both` makes it PostgreSQL too."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def workplace(panel: SandboxProcess, tmp_path: Path, database: str) -> Workplace:
    postgres = fresh_url() if database == "postgresql" else ""
    return Workplace(tmp_path, panel, Ledger.from_here(panel), postgres=postgres)
