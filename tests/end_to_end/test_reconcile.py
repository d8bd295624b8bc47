"""Orders whose answer was lost: what the balance and the panel's ids say of them, and what a person must say."""

import re
import shlex
from pathlib import Path

import pytest

from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.orders.models import OrderRequest
from tests.databases import on_both
from tests.end_to_end.command import SHOP_KEY, Finished, Workplace, orders, read_rows

pytestmark = pytest.mark.e2e

ROWS = 4
PROBE = ("reconcile", "--probe", "--rate", "0")


@pytest.fixture
def sheet(workplace: Workplace) -> Path:
    return workplace.sheet("campaign.xlsx", orders(ROWS))


def lose(workplace: Workplace, sheet: Path, *, calls: tuple[int, ...] = (2,), placed: bool = True) -> None:
    """Run a sheet one order at a time, of which some answers are lost."""
    fault = "drop_after_accept" if placed else "drop_before_accept"
    workplace.panel.faults({"fault": fault, "action": "add", "calls": list(calls)})
    assert workplace.run(sheet, "--in-flight", "1").status == 4
    workplace.panel.faults()


def order_by_hand(
    workplace: Workplace, *, key: str = "", quantity: int = 100, service: str = "2", link: str = "by-hand"
) -> str:
    """Order on the panel without any journal, as a person does on its site."""
    with Client(Panel(key or workplace.panel.key, workplace.panel.address), rate=0) as client:
        request = OrderRequest.of(service, {"link": f"https://instagram.com/p/{link}", "quantity": quantity})
        return client.add_order(request)


def let_years_pass(workplace: Workplace) -> None:
    """Set all times of the journal back, so that no panel can still be at an order."""
    for statement in (
        (
            "UPDATE entries SET sent_at = replace(sent_at, substr(sent_at, 1, 4), '2020'), "
            "settled_at = replace(settled_at, substr(settled_at, 1, 4), '2020')"
        ),
        "UPDATE order_ids SET recorded_at = replace(recorded_at, substr(recorded_at, 1, 4), '2020')",
        (
            "UPDATE balances SET at = replace(at, substr(at, 1, 4), '2020'), "
            "asked_at = replace(asked_at, substr(asked_at, 1, 4), '2020')"
        ),
    ):
        workplace.query(statement)


def probe(workplace: Workplace, *options: str) -> Finished:
    return workplace.command(*PROBE, "--json", *options)


def lost_order(workplace: Workplace, number: int = 2) -> str:
    return workplace.ledger.order_id(f"https://instagram.com/p/post-{number:05d}")


@on_both
def test_a_lost_order_is_found_by_balance_and_id_and_written_into_the_sheet(workplace: Workplace, sheet: Path):
    lose(workplace, sheet)
    (doubt,) = workplace.command("doubts", "--json").json["doubts"]
    assert (doubt["evidence"]["unexplained"], doubt["evidence"]["verdict"]) == ("0.035", "debited")
    looked = workplace.command("reconcile")
    assert (looked.status, workplace.states()["in_doubt"]) == (4, 1)
    assert "the order was probably placed" in looked.said
    told = probe(workplace)
    (found,) = told.json["doubts"]
    assert (told.status, found["recorded_as"]) == (0, lost_order(workplace))
    assert workplace.states() == {"placed": ROWS}
    (note,) = workplace.query("SELECT * FROM notes WHERE what <> 'doubt'")
    assert (note["who"], note["what"], note["why"]) == ("reconcile", f"is order {lost_order(workplace)}", found["why"])
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_a_lost_order_that_was_not_placed_is_shown_as_such_and_sent_when_a_person_says_so(
    workplace: Workplace, sheet: Path
):
    lose(workplace, sheet, placed=False)
    let_years_pass(workplace)
    told = probe(workplace)
    (found,) = told.json["doubts"]
    assert (told.status, found["recorded_as"], found["evidence"]["verdict"]) == (4, None, "not_debited")
    assert found["why"].startswith("no order id was looked up, so this is no sign that it was not placed")
    assert workplace.states()["in_doubt"] == 1
    assert workplace.command("resolve", found["key"], "--not-placed").status == 0
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_two_lost_orders_are_shown_with_the_commands_that_settle_them(workplace: Workplace, sheet: Path):
    lose(workplace, sheet, calls=(2, 3))
    told = workplace.command(*PROBE)
    assert (told.status, workplace.states()["in_doubt"]) == (4, 2)
    assert "2 orders of this account are in doubt" in told.said
    commands = re.findall(r"^ *smmplus (resolve \S+ --order-id \d+)$", told.out, re.MULTILINE)
    assert len(commands) == 4
    wanted = {str(lost_order(workplace, number)) for number in (2, 3)}
    assert {shlex.split(command)[-1] for command in commands} == wanted
    for doubt in workplace.command("doubts", "--json").json["doubts"]:
        order_id = workplace.ledger.order_id(doubt["link"])
        assert f"resolve {doubt['key']} --order-id {order_id}" in commands
        assert workplace.command("resolve", doubt["key"], "--order-id", order_id).status == 0
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_a_foreign_order_with_the_same_charge_leaves_it_to_a_person(workplace: Workplace, sheet: Path):
    """After the last row any later id may be the lost one."""
    lose(workplace, sheet, calls=(ROWS,))
    by_hand = order_by_hand(workplace)
    told = probe(workplace)
    (found,) = told.json["doubts"]
    assert (told.status, found["recorded_as"]) == (4, None)
    assert sorted(found["candidates"]) == sorted([lost_order(workplace, ROWS), by_hand])
    assert workplace.states()["in_doubt"] == 1


def test_a_foreign_order_with_the_same_charge_is_not_taken_for_one_that_was_not_placed(
    workplace: Workplace, sheet: Path
):
    """The balance had not fallen when the run ended: what fell later may be anyone's."""
    lose(workplace, sheet, calls=(ROWS,), placed=False)
    let_years_pass(workplace)
    by_hand = order_by_hand(workplace)
    (found,) = probe(workplace).json["doubts"]
    assert (found["recorded_as"], found["candidates"]) == (None, [by_hand])
    assert found["evidence"]["verdict"] == "inconclusive"
    assert workplace.states()["in_doubt"] == 1


def test_an_order_with_another_charge_is_taken_only_by_a_person_who_insists(workplace: Workplace, sheet: Path):
    lose(workplace, sheet, calls=(ROWS,), placed=False)
    by_hand = order_by_hand(workplace, quantity=200)
    told = probe(workplace).json
    (found,) = told["doubts"]
    assert (found["recorded_as"], found["candidates"], told["unknown_orders"]) == (None, [], [by_hand])
    refused = workplace.command("resolve", found["key"], "--order-id", by_hand)
    assert refused.status == 3
    assert "was charged 0.07 USD" in refused.said
    assert "was to be charged 0.035 USD" in refused.said
    assert workplace.states()["in_doubt"] == 1
    anyway = workplace.command("resolve", found["key"], "--order-id", by_hand, "--force", "--why", "asked support")
    assert anyway.status == 0
    (note,) = workplace.query("SELECT why FROM notes WHERE what LIKE 'is order%'")
    assert note["why"].startswith("asked support; accepted with --force: order ")


def test_orders_of_other_customers_in_between_are_nobodys_here(workplace: Workplace, sheet: Path):
    """Ids are shared by all accounts of a panel; another's answer with an error."""
    lose(workplace, sheet)
    for number in range(3):
        order_by_hand(workplace, key=SHOP_KEY, link=f"shop-{number}")
    assert workplace.run(sheet).status == 4
    (found,) = probe(workplace).json["doubts"]
    assert found["recorded_as"] == lost_order(workplace)


def test_orders_placed_elsewhere_are_told_before_the_question(workplace: Workplace, sheet: Path):
    assert workplace.run(sheet).status == 0
    order_by_hand(workplace, quantity=1000)
    more = workplace.sheet("more.xlsx", orders(1, name="more"))
    done = workplace.command("run", more, "--rate", "0", "--wait", "0", answer="n\n")
    warning = "the balance fell by 0.35 USD more than this journal knows"
    assert warning in done.said
    assert done.said.index(warning) < done.said.index("Place 1 order")
    checked = workplace.command("check", more, "--json").json
    assert checked["journal"]["fall"]["unexplained"] == "0.35"
    assert warning in workplace.command("status", sheet).said
    assert warning in workplace.command("balance").said
    assert workplace.run(more).json["journal"]["fall"]["unexplained"] == "0.35"


def test_a_second_journal_of_the_same_account_is_noticed_by_the_first(workplace: Workplace, sheet: Path):
    assert workplace.run(sheet).status == 0
    elsewhere = f"sqlite:///{workplace.folder / 'elsewhere.sqlite3'}"
    other = workplace.sheet("other.csv", orders(2, name="other"))
    done = workplace.command("run", other, "--yes", "--rate", "0", "--wait", "0", SMMPLUS_JOURNAL=elsewhere)
    assert done.status == 0
    assert f"First run for account 'default'. Order history: {workplace.folder / 'elsewhere.sqlite3'}." in done.said
    checked = workplace.command("check", sheet)
    assert "the balance fell by 0.07 USD more than this journal knows" in checked.said
    assert "is new to" not in checked.said


def test_a_sheet_with_ids_that_the_journal_does_not_know_looks_like_the_wrong_journal(
    workplace: Workplace, sheet: Path
):
    assert workplace.run(sheet).status == 0
    placed = workplace.ledger.count()
    elsewhere = workplace.folder / "elsewhere.sqlite3"
    done = workplace.command("run", sheet, "--yes", "--rate", "0", SMMPLUS_JOURNAL=f"sqlite:///{elsewhere}")
    assert (done.status, workplace.ledger.count()) == (3, placed)
    assert f"the sheet carries {ROWS} order ids, and {elsewhere} (uuid " in done.said


def test_without_a_fault_nothing_is_told(workplace: Workplace, sheet: Path):
    assert workplace.run(sheet).json["journal"]["fall"] is None
    assert workplace.command("check", sheet, "--json").json["journal"]["warnings"] == []
    assert [row["order_id"] != "" for row in read_rows(sheet)] == [True] * ROWS
