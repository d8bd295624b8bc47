"""`smmplus refill` and `cancel`."""

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from tests.bulk.plans import LINK

pytestmark = pytest.mark.slow


@pytest.fixture
def service_with(smmplus):
    """Give the way to a service that can be refilled, or canceled."""

    def found(what):
        services = smmplus("services", "--json").json["services"]
        return next(each["id"] for each in services if each[what] and each["type"] == "Default" and each["min"] <= 1000)

    return found


@pytest.fixture
def placed(smmplus, service_with):
    """Give the way to place orders of a service that can be refilled or canceled."""

    def place(what, count=1):
        service = service_with(what)
        return [
            smmplus("order", service, f"{LINK}/{what}/{number}", "1000", "--yes", "--json").json["order"]["order_id"]
            for number in range(count)
        ]

    return place


def finished(smmplus, sandbox, orders):
    """Let the panel finish orders, and the journal know it."""
    sandbox.advance(1_000_000)
    told = smmplus("status", *(word for order in orders for word in ("--order-id", order)), "--json").json
    assert {each["order_status"] for each in told["orders"]} == {"Completed"}


def test_a_refill_is_requested_once_while_it_is_open(smmplus, sandbox, placed):
    orders = placed("refill", 2)
    early = smmplus("refill", "--campaign", "single orders", "--yes", "--json").json
    assert [each["order_id"] for each in early["left_out"]] == orders
    finished(smmplus, sandbox, orders)
    before = sandbox.calls("refill")
    first = smmplus("refill", "--campaign", "single orders", "--yes", "--json")
    assert [(each["order_id"], each["state"]) for each in first.json["requested"]] == [
        (order, "accepted") for order in orders
    ]
    second = smmplus("refill", "--campaign", "single orders", "--yes", "--json")
    assert (second.json["requested"], len(second.json["left_out"])) == ([], 2)
    assert (first.status, second.status, sandbox.calls("refill") - before) == (0, 0, 1)


def test_what_the_panel_answered_is_told(smmplus, sandbox, placed):
    (order,) = placed("refill")
    finished(smmplus, sandbox, [order])
    done = smmplus("refill", "--order-id", order, answer="y\n")
    assert "Request refills of 1 order from account default at" in done.words
    assert "The panel accepted refills of 1 order." in done.words


def test_a_request_whose_answer_was_lost_is_not_repeated_without_a_person(smmplus, sandbox, placed):
    (order,) = placed("refill")
    finished(smmplus, sandbox, [order])
    sandbox.faults({"fault": "drop_after_accept", "action": "refill", "calls": [1]})
    first = smmplus("refill", "--order-id", order, "--yes")
    before = sandbox.calls("refill")
    second = smmplus("refill", "--order-id", order, "--yes")
    assert (first.status, second.status, sandbox.calls("refill") - before) == (4, 0, 0)
    assert "--again" in second.words
    again = smmplus("refill", "--order-id", order, "--yes", "--again", "--json").json
    assert len(again["requested"]) == 1


def test_a_cancel_is_requested_once_and_a_no_sends_nothing(smmplus, sandbox, placed):
    (order,) = placed("cancel")
    before = sandbox.calls("cancel")
    declined = smmplus("cancel", "--order-id", order, answer="n\n")
    assert ("Cancelled. Nothing was sent." in declined.words, declined.status) == (True, 7)
    assert sandbox.calls("cancel") == before
    done = smmplus("cancel", "--order-id", order, "--yes", "--json").json
    assert [(each["order_id"], each["state"]) for each in done["requested"]] == [(order, "accepted")]
    again = smmplus("cancel", "--order-id", order, "--yes", "--json").json
    assert (again["requested"], sandbox.calls("cancel") - before) == ([], 1)


def test_only_orders_without_a_change_for_long_are_stuck(smmplus, placed):
    placed("cancel")
    assert smmplus("cancel", "--campaign", "single orders", "--stuck-for", "3d", "--yes").out.strip() == (
        "No orders to cancel."
    )
    done = smmplus("cancel", "--campaign", "single orders", "--stuck-for", "0s", "--yes", "--json").json
    assert len(done["requested"]) == 1


def test_an_order_that_moved_meanwhile_is_not_stuck(smmplus, sandbox, tmp_path, placed):
    moving, waiting = placed("cancel", 2)
    past = "2026-01-02T03:04:05.678+00:00"
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database, database:
        database.execute("UPDATE entries SET sent_at = ?, settled_at = ?", (past, past))
    running = {"charge": "0.1", "start_count": "1", "status": "In progress", "remains": "9", "currency": "USD"}
    told = {moving: running, waiting: running | {"status": "Pending"}}
    sandbox.faults({"fault": "answer", "action": "status", "body": json.dumps(told)})
    stuck = smmplus("cancel", "--campaign", "single orders", "--stuck-for", "3d", "--yes", "--json").json
    assert [each["order_id"] for each in stuck["requested"]] == [waiting]


def test_nothing_is_canceled_while_statuses_cannot_be_read(smmplus, sandbox, placed):
    (order,) = placed("cancel")
    sandbox.faults({"fault": "refuse", "action": "status", "text": "Something else"})
    before = sandbox.calls("cancel")
    done = smmplus("cancel", "--order-id", order, "--yes")
    assert (done.status, sandbox.calls("cancel") - before) == (7, 0)


def test_the_orders_of_a_sheet(smmplus, path):
    smmplus("run", path, "--yes", "--rate", "0")
    told = smmplus("cancel", path, "--yes", "--json").json
    assert len(told["requested"]) + len(told["left_out"]) == 2


def cells(path):
    """Read a sheet with pandas, as text."""
    if path.suffix == ".xlsx":
        return pd.read_excel(path, dtype=str, keep_default_na=False, engine="calamine")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_sheet_has_its_refills_and_status_renews_them(smmplus, sandbox, service_with, tmp_path, ending):
    path = tmp_path / f"week.{ending}"
    rows = {"service": [service_with("refill")] * 2, "link": [LINK, f"{LINK}/2"], "quantity": ["1000"] * 2}
    sheet = pd.DataFrame(rows)
    sheet.to_excel(path, index=False) if ending == "xlsx" else sheet.to_csv(path, index=False)
    smmplus("run", path, "--yes", "--rate", "0")
    assert "refill_id" not in cells(path).columns
    sandbox.advance(1_000_000)
    smmplus("status", path, "--rate", "0")
    orders = list(cells(path)["order_id"])
    asked = smmplus("refill", "--order-id", orders[0], "--yes", "--json").json["requested"]
    told = smmplus("status", path, "--rate", "0", "--json").json["orders"]
    assert [each.get("refill_id") for each in told] == [asked[0]["answer"], None]
    assert list(cells(path)["refill_id"]) == [asked[0]["answer"], ""]
    assert cells(path)["refill_status"][0]
    assert smmplus("refill", path, "--yes").status == 0
    both = cells(path)
    assert (both["refill_id"][0], both["refill_id"][1]) != ("", "")
    assert both["refill_status"][1] == "Accepted"
    sandbox.advance(1_000_000)
    smmplus("status", path, "--rate", "0")
    assert set(cells(path)["refill_status"]) <= {"Completed", "Rejected"}


def test_chosen_rows_of_a_sheet(smmplus, path):
    smmplus("run", path, "--yes", "--rate", "0")
    told = smmplus("cancel", path, "--row", "3", "--yes", "--json").json
    (chosen,) = [*told["requested"], *told["left_out"]]
    assert chosen["order_id"] == str(cells(path)["order_id"][1])
    assert smmplus("cancel", path, "--row", "9", "--yes").status == 2
    assert smmplus("cancel", "--campaign", "week", "--row", "2", "--yes").status == 2


def test_orders_of_one_worksheet_of_several(smmplus, service_with, tmp_path):
    book, service = tmp_path / "two.xlsx", service_with("cancel")
    with pd.ExcelWriter(book) as writer:
        for name in ("A", "B"):
            row = {"service": [service], "link": [f"{LINK}/{name}"], "quantity": [1000]}
            pd.DataFrame(row).to_excel(writer, sheet_name=name, index=False)
    for name in ("A", "B"):
        assert smmplus("run", book, "--sheet", name, "--campaign", name, "--yes", "--rate", "0").status == 0
    assert smmplus("cancel", book, "--yes").status == 3
    told = smmplus("cancel", book, "--sheet", "B", "--yes", "--json").json
    (chosen,) = [*told["requested"], *told["left_out"]]
    assert chosen["order_id"] == str(pd.read_excel(book, sheet_name="B", dtype=str, engine="openpyxl")["order_id"][0])
    assert smmplus("cancel", "--campaign", "A", "--sheet", "B", "--yes").status == 2


def test_orders_with_open_refills_count_as_open(smmplus, sandbox, placed):
    orders = placed("refill", 2)
    finished(smmplus, sandbox, orders)
    assert smmplus("status", "--all", "--json").json["orders"] == []
    smmplus("refill", "--order-id", orders[1], "--yes")
    sandbox.advance(1_000_000)
    (told,) = smmplus("status", "--all", "--json").json["orders"]
    assert (told["order_id"], told["refill_status"]) in {(orders[1], word) for word in ("Completed", "Rejected")}
    assert smmplus("status", "--all", "--json").json["orders"] == []
    assert told["refill_status"] in smmplus("status", "--order-id", orders[1]).out


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (("refill",), 2),
        (("refill", "--campaign", "a", "--order-id", "1"), 2),
        (("refill", "--order-id", "1"), 3),
        (("refill", "--campaign", "none"), 3),
        (("cancel", "--order-id", "1", "--stuck-for", "final"), 2),
        (("cancel", "--order-id", "1", "--json"), 2),
    ],
)
def test_what_cannot_be_is_refused(smmplus, wrong, status):
    assert smmplus(*wrong).status == status
