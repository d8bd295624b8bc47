"""A mistaken `resolve`, and how it is put right: each row ends as one order, whatever a person said in between."""

from pathlib import Path

import pytest

from tests.databases import on_both
from tests.end_to_end.command import Workplace, orders, read_rows

pytestmark = pytest.mark.e2e

ROWS = 4


@pytest.fixture
def sheet(workplace: Workplace, request: pytest.FixtureRequest) -> Path:
    return workplace.sheet(getattr(request, "param", "campaign.xlsx"), orders(ROWS))


def lose(workplace: Workplace, sheet: Path, *calls: int, placed: bool = True) -> list[str]:
    """Run a sheet one order at a time, of which some answers are lost; give the keys of these."""
    fault = "drop_after_accept" if placed else "drop_before_accept"
    workplace.panel.faults({"fault": fault, "action": "add", "calls": list(calls)})
    assert workplace.run(sheet, "--in-flight", "1").status == 4
    workplace.panel.faults()
    workplace.age_sendings()
    return [doubt["key"] for doubt in workplace.command("doubts", "--json").json["doubts"]]


def order_of(workplace: Workplace, row: int) -> str:
    return workplace.ledger.order_id(f"https://instagram.com/p/post-{row:05d}")


def resolve(workplace: Workplace, *options: str) -> None:
    done = workplace.command("resolve", *options)
    assert done.status == 0, done.said


def cells(sheet: Path, row: int) -> tuple[str, str]:
    """Give what a row shows: its order, and the state of it if it has none."""
    found = read_rows(sheet)[row - 1]
    return found["order_id"], "" if found["order_id"] else found["order_status"]


@on_both
def test_what_was_wrongly_not_placed_is_not_sent_again(workplace: Workplace, sheet: Path):
    (key,) = lose(workplace, sheet, 2)
    resolve(workplace, key, "--not-placed")
    resolve(workplace, key, "--undo")
    assert workplace.run(sheet).status == 4
    assert (workplace.ledger.count(), cells(sheet, 2)) == (ROWS, ("", "In doubt"))
    resolve(workplace, key, "--order-id", order_of(workplace, 2))
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, orders(ROWS))


@on_both
def test_a_wrong_order_is_exchanged_for_the_right_one(workplace: Workplace, sheet: Path):
    """The sheet has the wrong ID already, and its run is finished."""
    first, second = lose(workplace, sheet, 2, 3)
    resolve(workplace, first, "--order-id", order_of(workplace, 3))
    resolve(workplace, second, "--not-placed")
    resolve(workplace, second, "--undo")
    assert workplace.run(sheet).status == 4
    assert (cells(sheet, 2), cells(sheet, 3)) == ((order_of(workplace, 3), ""), ("", "In doubt"))
    resolve(workplace, first, "--undo")
    assert workplace.command("status", sheet).status == 4
    assert (cells(sheet, 2), cells(sheet, 3)) == (("", "In doubt"), ("", "In doubt"))
    resolve(workplace, first, "--order-id", order_of(workplace, 2))
    resolve(workplace, second, "--order-id", order_of(workplace, 3))
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(sheet, orders(ROWS))


@pytest.mark.parametrize("sheet", ["campaign.xlsx", "campaign.csv"], indirect=True)
def test_a_wrong_id_that_the_sheet_still_shows_is_replaced(workplace: Workplace, sheet: Path):
    """Nothing is run between taking back and the right answers: one row has the other's ID."""
    first, second = lose(workplace, sheet, 2, 3)
    resolve(workplace, first, "--order-id", order_of(workplace, 3))
    workplace.run(sheet)
    resolve(workplace, first, "--undo")
    resolve(workplace, first, "--order-id", order_of(workplace, 2))
    resolve(workplace, second, "--order-id", order_of(workplace, 3))
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"]) == (0, 0)
    workplace.assert_each_row_once(sheet, orders(ROWS))


def test_an_order_that_was_never_placed_is_sent_once_after_a_wrong_id(workplace: Workplace, sheet: Path):
    """The wrong ID is one that was ordered by hand; the run of the sheet was finished with it."""
    (key,) = lose(workplace, sheet, 2, placed=False)
    other = workplace.sheet("other.csv", orders(1, name="other"))
    assert workplace.run_without(1, other).status == 4
    by_hand = workplace.ledger.order_id("https://instagram.com/p/other-00001")
    resolve(workplace, key, "--order-id", by_hand)
    assert workplace.run(sheet).status == 0
    assert cells(sheet, 2) == (by_hand, "")
    workplace.age_sendings()
    resolve(workplace, key, "--undo")
    resolve(workplace, key, "--not-placed")
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"], cells(sheet, 2)) == (0, 1, (order_of(workplace, 2), ""))
    assert workplace.command("resolve", key, "--undo").status == 3
    (doubt,) = workplace.command("doubts", "--json").json["doubts"]
    resolve(workplace, doubt["key"], "--order-id", by_hand)
    assert workplace.run(other).status == 0
    assert workplace.ledger.count() == ROWS + 1
    assert workplace.command("journal", "check").status == 0


def test_what_evidence_found_is_taken_back(workplace: Workplace, sheet: Path):
    (key,) = lose(workplace, sheet, 2)
    workplace.query("UPDATE entries SET sent_at = replace(sent_at, '2020', substr(settled_at, 1, 4))")
    done = workplace.command("reconcile", "--probe", "--rate", "0")
    assert (done.status, f"smmplus resolve {key} --undo" in done.said) == (0, True)
    before = workplace.command("resolve", key, "--undo", "--json").json["resolved"]
    assert [(each["key"], each["state"]) for each in before] == [(key, "in_doubt")]
    assert workplace.run(sheet).status == 4
    assert workplace.command("reconcile", "--probe", "--rate", "0").status == 0
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet, orders(ROWS))
