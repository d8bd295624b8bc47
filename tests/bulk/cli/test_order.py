"""`smmplus order`, and `status` without a sheet."""

import json

import pytest

from tests.bulk.plans import LINK

pytestmark = pytest.mark.slow

ORDER = ("order", "2", LINK, "100")


def ordered(sandbox):
    return [(order["service"], order["link"], order["quantity"]) for order in sandbox.orders()]


def test_an_order_is_placed_once_however_often_the_command_is_called(smmplus, sandbox):
    before = len(sandbox.orders())
    first = smmplus(*ORDER, "--yes", "--json").json
    again = smmplus(*ORDER, "--yes", "--json").json
    assert (first["placed_now"], again["placed_now"]) == (True, False)
    assert first["order"]["order_id"] == again["order"]["order_id"]
    assert ordered(sandbox)[before:] == [("2", LINK, 100)]
    words = smmplus(*ORDER).words
    assert f"It was placed before, as order {first['order']['order_id']}" in words
    assert "--again" in words


def test_a_person_may_want_it_again(smmplus, sandbox):
    before = len(sandbox.orders())
    ids = {smmplus(*ORDER, "--yes", "--again", "--json").json["order"]["order_id"] for _ in range(2)}
    assert (len(ids), len(sandbox.orders()) - before) == (2, 2)


@pytest.mark.parametrize(("answer", "placed"), [("n\n", 0), ("", 0), ("y\n", 1)])
def test_a_person_is_asked_with_the_cost_and_the_balance(smmplus, sandbox, answer, placed):
    before = len(sandbox.orders())
    done = smmplus(*ORDER, answer=answer)
    assert "Place 1 order of service 2 for 0.035 USD from account default at" in done.words
    assert ("Nothing was sent." in done.words, len(sandbox.orders()) - before) == (not placed, placed)
    assert done.status == (0 if placed else 7)


@pytest.mark.parametrize(
    ("wrong", "words", "status"),
    [
        (("order", "2", LINK, "5", "--yes"), "5 is less than the service's minimum", 3),
        (("order", "999", LINK, "5", "--yes"), "service 999 does not exist", 3),
        ((*ORDER, "--yes", "--field", "colour=red"), "The names are: link, quantity", 2),
        ((*ORDER, "--yes", "--field", "comments=@missing.txt"), "missing.txt cannot be read", 2),
        ((*ORDER, "--json"), "--json needs --yes", 2),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_sent(smmplus, sandbox, wrong, words, status):
    before = sandbox.calls("add")
    done = smmplus(*wrong)
    assert (done.status, words in done.words, sandbox.calls("add") - before) == (status, True, 0)


def test_a_field_may_come_from_a_file(smmplus, sandbox, tmp_path):
    (tmp_path / "comments.txt").write_text("Nice\nGreat\n", "utf-8")
    services = smmplus("services", "Custom Comments", "--json").json["services"]
    service = next(each["id"] for each in services if each["type"] == "Custom Comments" and each["min"] <= 2)
    done = smmplus("order", service, LINK, "--field", "comments=@comments.txt", "--yes", "--json")
    assert done.json["order"]["comments"] == "Nice\nGreat"


def test_an_order_whose_answer_was_lost_is_in_doubt_and_not_sent_again(smmplus, sandbox, lost):
    before = len(sandbox.orders())
    first, second = smmplus(*ORDER, "--yes"), smmplus(*ORDER, "--yes")
    assert (first.status, second.status, len(sandbox.orders()) - before) == (4, 4, 1)
    assert "smmplus resolve" in second.words


def test_statuses_of_orders_campaigns_and_everything_open(smmplus, path):
    smmplus("run", path, "--yes", "--rate", "0")
    order = smmplus(*ORDER, "--yes", "--json").json["order"]["order_id"]
    assert [each["order_id"] for each in smmplus("status", "--order-id", order, "--json").json["orders"]] == [order]
    assert len(smmplus("status", "--campaign", "week", "--json").json["orders"]) == 2
    everything = smmplus("status", "--all", "--json").json["orders"]
    assert {each["order_status"] for each in everything} <= {"Pending", "In progress", "Processing", "Completed"}
    assert len(everything) == 3
    assert order in smmplus("status", "--all").words


@pytest.mark.parametrize(
    ("wrong", "status"),
    [((), 2), (("--all", "--campaign", "week"), 2), (("--order-id", "1"), 3), (("--campaign", "none"), 3)],
)
def test_what_has_no_status_is_told(smmplus, wrong, status):
    assert smmplus("status", *wrong).status == status


def test_a_sheet_and_orders_are_not_asked_for_together(smmplus, path):
    assert smmplus("status", path, "--all").status == 2


def test_a_status_of_the_panel_s_own_counts_as_finished_once_a_person_says_so(smmplus, sandbox):
    order = smmplus(*ORDER, "--yes", "--json").json["order"]["order_id"]
    own = {"charge": "0.035", "start_count": "1", "status": "Handled by hand", "remains": "0", "currency": "USD"}
    sandbox.faults({"fault": "answer", "action": "status", "body": json.dumps({order: own})})
    find = ("status", "--order-id", order)
    assert "1 of 1 order not finished." in smmplus(*find).words
    assert "0 of 1 order not finished." in smmplus(*find, "--final", "handled BY hand").words
    assert smmplus("status", "--all", "--json").json["orders"] == []
    taken_back = smmplus("account", "default", "--not-final", "Handled by hand")
    assert (taken_back.status, smmplus("account", "default", "--not-final", "Handled by hand").status) == (0, 3)
    assert [each["order_id"] for each in smmplus("status", "--all", "--json").json["orders"]] == [order]


@pytest.mark.parametrize(
    "wrong",
    [("--all", "--final", "Pending"), ("--all", "--final", " "), ("--all", "--wait", "5m"), ("--all", "--rate", "2")],
)
def test_options_without_effect_and_known_statuses_are_refused(smmplus, wrong):
    assert smmplus("status", "--all", *wrong).status == 2
