"""A price that rises while orders are placed stops the run: a budget is kept at the prices that were shown."""

import pytest

from bulk.model.errors import ExitStatus
from bulk.model.options import Options
from bulk.running import run
from bulk.running.events import RunListener
from smmplus.api.panel import Panel
from smmplus.journal.journal import Journal
from smmplus.placing.placer import Stop
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e


def test_a_price_that_rises_meanwhile_stops_the_run(tmp_path):
    sheet = tmp_path / "orders.csv"
    sheet.write_text("service,link,quantity\n" + "".join(f"2,https://example.com/{n},100\n" for n in range(500)))
    with SandboxProcess() as panel, Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}") as journal:

        class Raising(RunListener):
            def placing(self, orders):  # noqa: ARG002 (as the base has it)
                panel.service("2", rate="35.00")

        # Slow enough for a look at the prices long before the last order.
        panel.faults({"fault": "latency", "action": "add", "seconds": 0.2})
        options = Options(sheet, rate=0, in_flight=2, wait=0, prices_every=0.2)
        outcome = run.run(options, Panel(panel.key, panel.address), journal, Raising(agreed=True))
        placed = len(panel.orders())
    assert (outcome.stop, outcome.exit_status) == (Stop.PRICE, ExitStatus.UNFINISHED)
    assert "service 2 went from 0.35 to 35" in outcome.reason
    assert placed < 500
