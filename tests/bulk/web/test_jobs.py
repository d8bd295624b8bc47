"""Jobs of the page, beside its visitors and other programs."""

import json
import subprocess

import pytest

from bulk.running.result import RunResult
from bulk.web.local_home import ended
from smmplus.placing.placer import Stop
from tests.bulk.plans import row, sheet_of
from tests.bulk.web.site import csv_of
from tests.end_to_end.command import SMMPLUS, wait_until

pytestmark = pytest.mark.slow


def test_an_order_id_that_the_journal_cannot_take_is_on_the_page_and_in_the_log(week, caplog):
    outcome = ended(RunResult(week.plan(sheet_of(row())), {}, stop=Stop.JOURNAL, unrecorded={2: "501"}))
    (words,) = (each for each in outcome.messages if "order 501" in each)
    assert "write the number down" in words
    assert words[1:] in caplog.text


def test_a_job_whose_end_cannot_be_kept_does_not_stay_under_way(site, ani, tmp_path, caplog):
    page = ani.upload("week.csv", csv_of("1,https://example.com/a,1000"))
    (upload,) = site.uploads.all()
    outcome = tmp_path / "uploads" / upload.id / "outcome.json"
    outcome.mkdir()  # no file can be put there, whoever runs the tests
    ani.approve(page)
    wait_until(lambda: site.home.activity(upload) is None, "the end of the job")
    assert "outcome.json" in caplog.text


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
