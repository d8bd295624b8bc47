"""Answers in all shapes that panels were seen to use: what a run makes of them is held against the ledger."""

import json
from typing import Any

import pytest

from tests.end_to_end.command import Finished, Workplace, orders, read_rows

pytestmark = pytest.mark.e2e

UNCREATED = "Order could not be created"


def answer(document: object, **more: object) -> dict[str, object]:
    """Write a fault that answers with a document, or with a text as it is."""
    body = document if isinstance(document, str) else json.dumps(document)
    return {"fault": "answer", "body": body, **more}


def follow(workplace: Workplace, fault: dict[str, object], wait: str = "0.1") -> Finished:
    """Run two rows into a fault of `status`, as a person sees it."""
    sheet = workplace.sheet("followed.csv", orders(2))
    workplace.panel.faults({**fault, "action": "status"})
    done = workplace.command("run", sheet, "--yes", "--rate", "0", "--poll", "0.1", "--wait", wait)
    workplace.panel.faults()
    return done


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"error": "Order #23501 created"}, 200),
        ({"error": {"code": "E12", "words": "Your order may have been placed"}}, 200),
        ({"error": {"message": "Incorrect link", "order": 23501}}, 200),
        ('Notice: {"order": 23501} in api.php {"error": "Incorrect link"}', 200),
        ({"error": "Your order was placed"}, 429),
        ({"status": "success", "id": 23501}, 429),
    ],
    ids=json.dumps,
)
def test_an_order_in_whatever_words_is_in_doubt_and_never_sent_again(
    workplace: Workplace, document: object, status: int
):
    sheet = workplace.sheet("words.csv", orders(2))
    workplace.panel.faults(answer(document, action="add", status=status, after_accept=True, calls=[1]))
    assert workplace.run(sheet, "--in-flight", "1").status == 4
    workplace.panel.faults()
    assert workplace.run(sheet, "--retry-refused").status == 4
    assert (workplace.states(), workplace.ledger.count()) == ({"in_doubt": 1, "placed": 1}, 2)


@pytest.mark.parametrize("was_placed", [True, False])
def test_what_may_be_an_order_is_in_doubt_and_never_sent_again(workplace: Workplace, was_placed: bool):
    sheet = workplace.sheet("doubts.csv", orders(2))
    rules = [
        answer({"error": {"message": UNCREATED}}, calls=[1]),
        answer({"errors": {"order": [f"<b>{UNCREATED.upper()}!</b>"]}}),
    ]
    workplace.panel.faults(*({**rule, "action": "add", "after_accept": was_placed} for rule in rules))
    assert workplace.run(sheet, "--in-flight", "1").status == 4
    workplace.panel.faults()
    again = workplace.run(sheet, "--retry-refused")
    assert (again.status, again.json["sent"], workplace.ledger.calls("add")) == (4, 0, 2)
    assert (workplace.states(), workplace.ledger.count()) == ({"in_doubt": 2}, 2 * was_placed)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"error": {"message": "Not enough funds on balance"}}, 200),
        ({"error": {"code": "not_enough_funds"}}, 200),
        ({"errors": ["Low balance"]}, 200),
        ({"message": "Unauthenticated."}, 401),
        ({}, 402),
        ("", 403),
        ("<html><title>Attention Required! | Cloudflare</title></html>", 403),
    ],
    ids=json.dumps,
)
def test_what_concerns_the_account_stops_the_run_and_leaves_no_doubt(
    workplace: Workplace, document: object, status: int
):
    sheet = workplace.sheet("account.csv", orders(4))
    workplace.panel.faults(answer(document, action="add", status=status, calls=[2]))
    done = workplace.run(sheet, "--in-flight", "1")
    workplace.panel.faults()
    assert (done.status, workplace.states(), workplace.ledger.calls("add")) == (5, {"placed": 1, "not_sent": 3}, 2)
    assert ("web firewall (Cloudflare)" in done.json["stopped"]) == ("Cloudflare" in str(document))
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize(("status", "words"), [(401, "API key"), (403, "API key"), (404, "SMMPLUS_API_URL")])
@pytest.mark.parametrize("body", ["", "<html>No.</html>"])
def test_a_status_alone_ends_a_command_at_once(workplace: Workplace, status: int, words: str, body: str):
    workplace.panel.faults(answer(body, action="balance", status=status))
    done = workplace.command("balance")
    assert (done.status, words in done.err, workplace.ledger.calls("balance")) == (2 if status == 404 else 5, True, 1)


def test_an_address_that_is_gone_stops_a_run_and_costs_nothing(workplace: Workplace):
    sheet = workplace.sheet("gone.csv", orders(3))
    workplace.panel.faults(answer("<h1>Not Found</h1>", action="add", status=404, calls=[2]))
    done = workplace.run(sheet, "--in-flight", "1")
    workplace.panel.faults()
    assert (done.status, workplace.states(), workplace.ledger.count()) == (7, {"placed": 1, "not_sent": 2}, 1)
    assert "SMMPLUS_API_URL" in done.json["stopped"]


@pytest.mark.parametrize("cut", [slice(24), slice(-24, None), slice(10, 18), slice(None, None, -1)])
def test_an_order_id_that_holds_a_part_of_the_key_is_not_believed_and_not_shown(workplace: Workplace, cut: slice):
    sheet, part = workplace.sheet("key.csv", orders(1)), workplace.panel.key[cut]
    workplace.panel.faults(answer({"order": part}, action="add"))
    done = workplace.run(sheet)
    assert (done.status, workplace.states()) == (4, {"in_doubt": 1})
    assert part not in done.said + json.dumps(workplace.entries()) + sheet.read_text("utf-8")


@pytest.mark.parametrize("order", ["a7f3", "order-5", "0b9d7a3e-8a1c-4c58-9d2f-000000000005"])
def test_an_order_id_that_is_none_is_in_doubt(workplace: Workplace, order: str):
    sheet = workplace.sheet("odd.csv", orders(1))
    workplace.panel.faults(answer({"order": order}, action="add"))
    assert (workplace.run(sheet).status, workplace.states()) == (4, {"in_doubt": 1})
    assert order[:4] in read_rows(sheet)[0]["error"]


PRICE = {"service": 2, "name": "Likes", "type": "Default", "category": "x", "rate": "0.90", "min": "10", "max": "5000"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [{**PRICE, "rate": "1,234"}, {**PRICE, "service": 3, "rate": "0,5"}, {**PRICE, "service": 4}],
            "rate '1,234' cannot be read",
        ),
        ([{**PRICE, "min": "few"}], "min 'few' cannot be read"),
        ([{name: value for name, value in PRICE.items() if name != "max"}], "max is missing"),
        ([PRICE, {**PRICE, "rate": "0.10"}], "the price list has it twice, at 0.9 and at 0.1"),
    ],
)
def test_a_service_that_cannot_be_ordered_is_listed_and_its_rows_say_why(
    workplace: Workplace, rows: list[Any], words: str
):
    sheet = workplace.sheet("prices.csv", orders(1))
    workplace.panel.faults(answer(rows, action="services"))
    assert words in workplace.command("services").said
    done = workplace.run(sheet)
    workplace.panel.faults()
    assert (done.status, workplace.ledger.calls("add")) == (3, 0)
    assert words in json.dumps(done.json["problems"], ensure_ascii=False)


@pytest.mark.parametrize(
    ("rate", "cost"), [("0,900", "0.09"), ("0.900", "0.09"), ("$0.9", "0.09"), ("1.234,50", "123.45")]
)
def test_a_price_is_what_the_panel_wrote(workplace: Workplace, rate: str, cost: str):
    sheet = workplace.sheet("prices.csv", orders(1))
    workplace.panel.faults(answer([{**PRICE, "rate": rate, "max": "unlimited"}], action="services"))
    assert workplace.command("check", sheet, "--json").json["total"] == cost


@pytest.mark.parametrize("document", [{}, [], {"0": {"status": "Completed"}}, {"status": "success"}], ids=repr)
def test_a_round_in_which_no_order_is_found_is_said_once_with_its_text(workplace: Workplace, document: object):
    done = follow(workplace, answer(document), wait="0.5")
    assert (done.status, workplace.states()) == (7, {"placed": 2})
    assert (json.dumps(document) in done.said, done.said.count("no status for")) == (True, 1)
    assert workplace.ledger.calls("status") > 1


def test_a_word_that_is_not_known_is_said_with_its_text(workplace: Workplace):
    done = follow(workplace, answer({number: {"status": "Вручную", "charge": "0.1"} for number in next_ids(workplace)}))
    assert (done.status, "unknown order status 'Вручную'" in done.said) == (7, True)
    assert {row["order_status"] for row in read_rows(workplace.folder / "followed.csv")} == {"Вручную"}


def test_an_envelope_s_word_ends_no_order_and_an_unreadable_charge_is_shown_as_it_came(workplace: Workplace):
    item = {"status": "success", "order_status": "Pending", "charge": "1,234.5.6", "start_count": "", "remains": "100"}
    done = follow(workplace, answer({"status": "success", "orders": dict.fromkeys(next_ids(workplace), item)}))
    assert (done.status, done.said.count("charge '1,234.5.6' cannot be read")) == (0, 1)
    for row in read_rows(workplace.folder / "followed.csv"):
        assert (row["order_status"], row["charge"], row["remains"]) == ("Pending", "", "100")
        assert "charge '1,234.5.6'" in row["error"]


def next_ids(workplace: Workplace) -> list[str]:
    """Give the ids of the next two orders."""
    return [str(23501 + workplace.ledger.seen + number) for number in range(2)]
