"""Jobs of the page, beside its visitors and other programs."""

import json
import subprocess

import pytest

from tests.bulk.web.site import csv_of
from tests.end_to_end.command import SMMPLUS

pytestmark = pytest.mark.slow


def test_whoever_looks_while_orders_are_sent_takes_none_of_them_for_lost(site, ani, panel):
    """Each visit opens the journal in the process that sends, and closes it again."""
    panel.faults({"fault": "latency", "action": "add", "seconds": 4})
    page = ani.upload("week.csv", csv_of(*(f"1,https://example.com/{number},1000" for number in range(4))))
    (upload,) = site.uploads.all()
    before = panel.ledger()["count"]
    ani.approve(page)
    looks = []
    while site.home.activity(upload):
        looks.append(ani.get("/doubts").status_code)
        told = subprocess.run([SMMPLUS, "doubts", "--json"], capture_output=True, check=True, text=True)
        assert json.loads(told.stdout)["doubts"] == []
    assert set(looks) == {200}
    assert "4/4" in ani.wait(upload).text
    assert panel.ledger()["count"] - before == 4
