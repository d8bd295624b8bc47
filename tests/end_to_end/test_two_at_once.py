"""Two processes at the same moment place each row once; the second waits, or says who is in its way."""

import signal
from pathlib import Path

import pytest

from tests.databases import on_both
from tests.end_to_end.command import Workplace, orders, read_rows, wait_until

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("name", ["both.xlsx", "both.csv"])
@on_both
def test_two_started_at_once_place_each_row_once(workplace: Workplace, name: str):
    rows = orders(25)
    sheet = workplace.sheet(name, rows)
    with workplace.start_run(sheet) as one, workplace.start_run(sheet) as other:
        done = one.finish(), other.finish()
    assert all(run.status in {0, 6} for run in done)
    assert sum(run.json.get("sent", 0) for run in done) == 25
    workplace.assert_each_row_once(sheet, rows)


def test_two_copies_of_a_sheet_in_two_folders_place_each_row_once(workplace: Workplace):
    rows = orders(25)
    sheets = [workplace.sheet(f"{folder}/same.csv", rows) for folder in ("here", "there")]
    with workplace.start_run(sheets[0]) as one, workplace.start_run(sheets[1]) as other:
        done = one.finish(), other.finish()
    # The second finds a finished batch and asks, or an unfinished one and goes on, or does not get in.
    assert all(run.status in {0, 3, 6} for run in done)
    assert workplace.ledger.count() == 25


def test_a_suspended_run_keeps_its_campaign_and_who_waits_in_vain_is_told_who_holds_it(workplace: Workplace):
    rows = orders(40)
    sheet = workplace.sheet("asleep.xlsx", rows)
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 0.05})
    with workplace.start_run(sheet, "--in-flight", "4") as first:
        wait_until(lambda: workplace.ledger.count() >= 10, "ten orders in the ledger")
        first.signal(signal.SIGSTOP)
        second = workplace.run(sheet)
        first.signal(signal.SIGCONT)
        assert first.finish().status == 0
    assert second.status == 6
    assert f"process {first.pid}" in second.json["error"]
    workplace.assert_each_row_once(sheet, rows)


def test_who_waits_for_a_run_that_ends_goes_on_after_it(workplace: Workplace):
    rows = orders(6)
    sheet = workplace.sheet("waiting.csv", rows)
    workplace.panel.faults({"fault": "hang_before_accept", "action": "add", "calls": [1], "seconds": 600})
    with workplace.start_run(sheet, "--in-flight", "1") as first:
        wait_until(lambda: workplace.ledger.calls("add") == 1, "the first order at the panel")
        with workplace.start_run(sheet) as second:
            wait_until(lambda: second_waits(workplace), "the second run is there")
            workplace.panel.faults()
            first.kill()
            done = second.finish()
    assert done.status == 4
    assert done.json["states"] == {"placed": 5, "in_doubt": 1}
    assert len([row for row in read_rows(sheet) if row["order_id"]]) == 5


def second_waits(workplace: Workplace) -> bool:
    # A run is in the journal before it asks for the campaign.
    return len(workplace.query("SELECT id FROM runs")) == 2


def test_a_status_waits_for_the_run_of_its_sheet(workplace: Workplace):
    sheet = workplace.sheet("status.csv", orders(3))
    workplace.panel.faults({"fault": "latency", "action": "add", "seconds": 1})
    with workplace.start_run(sheet) as first:
        wait_until(lambda: workplace.ledger.count() > 0, "the first order")
        asked = workplace.command("status", sheet, "--json")
        assert first.finish().status == 0
    assert asked.status in {0, 6}
    workplace.assert_each_row_once(sheet)


def test_two_sheets_of_different_campaigns_run_at_once(workplace: Workplace):
    sheets: list[Path] = [workplace.sheet(f"{name}.csv", orders(20, name=name)) for name in ("red", "blue")]
    with workplace.start_run(sheets[0]) as one, workplace.start_run(sheets[1]) as other:
        assert (one.finish().status, other.finish().status) == (0, 0)
    assert workplace.ledger.count() == 40
    assert {row["order_status"] for sheet in sheets for row in read_rows(sheet)} == {"Placed"}


@on_both
def test_a_doubt_is_not_settled_while_its_order_may_be_under_way(workplace: Workplace):
    sheet = workplace.sheet("under-way.csv", orders(1))
    workplace.panel.faults({"fault": "hang_after_accept", "action": "add"})
    with workplace.start_run(sheet) as running:
        wait_until(lambda: workplace.ledger.count() == 1, "the order")
        (entry,) = workplace.entries()
        name = f"{entry['campaign']}/{entry['key']}"
        alive = workplace.command("resolve", name, "--not-placed")
        assert alive.status == 3
        assert "live process" in alive.said
        running.kill()
    soon = workplace.command("resolve", name, "--not-placed")
    assert soon.status == 3
    assert "the panel may still place it" in soon.said
    assert workplace.states() == {"in_doubt": 1}
