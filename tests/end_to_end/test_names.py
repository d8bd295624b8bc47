"""Names and addresses that look alike, a key under another name, and a campaign whose account has another currency."""

import pexpect
import pytest

from smmplus import Client, OrderRequest
from smmplus.api.panel import Panel
from tests.databases import on_both
from tests.end_to_end.command import PATIENCE, SHOP_KEY, SMMPLUS, Ledger, Workplace, orders
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e

ALIKE = ("week 1", " Week 1", "Week  1", "Week\u00a01", "Week 1\n", "\uff37eek 1", "We\u200bek 1")


@on_both
def test_a_campaign_in_another_spelling_is_the_same_campaign_and_budget(workplace: Workplace):
    first = workplace.sheet("a.csv", orders(3))
    assert workplace.run(first, "--campaign", "Week 1", "--max-spend", "0.12").status == 0
    for number, name in enumerate(ALIKE):
        copy = workplace.sheet(f"copy {number}.csv", orders(3))
        done = workplace.run(copy, "--campaign", name)
        assert (done.status, done.json["sent"], done.json["campaign"]) == (3, 0, "Week 1")
        assert "--adopt" in done.json["blocked"]
    more = workplace.sheet("more.csv", orders(1, name="more"))
    assert workplace.run(more, "--campaign", ALIKE[0]).status == 5
    budgets = workplace.command("budget", " WEEK 1 ", "--json").json["budgets"]
    assert [(each["campaign"], each["budget"], each["currency"]) for each in budgets] == [("Week 1", "0.12", "USD")]
    assert workplace.ledger.count() == 3


def test_a_file_that_is_named_in_another_spelling_asks_before_it_orders_again(workplace: Workplace):
    assert workplace.run(workplace.sheet("Week 1.csv", orders(3))).status == 0
    done = workplace.run(workplace.sheet("copies/week  1.csv", orders(3)))
    assert (done.status, done.json["sent"], done.json["campaign"]) == (3, 0, "Week 1")
    assert workplace.ledger.count() == 3


def test_what_another_campaign_ordered_is_said_wherever_it_is_ordered_anew(workplace: Workplace):
    assert workplace.run(workplace.sheet("a.csv", orders(3)), "--campaign", "Week 1").status == 0
    workplace.query("UPDATE entries SET sent_at = strftime('%Y-%m-%dT%H:%M:%S', 'now', '-125 minutes') || '.000+00:00'")
    again = workplace.sheet("b.csv", [*orders(3), *orders(1, name="new")])
    words = "3 of 4 rows equal orders of campaign 'Week 1', placed 2 hours ago: they would be placed again"
    checked = workplace.command("check", again, "--campaign", "Week 2")
    assert checked.status == 0
    assert words in checked.said
    told = workplace.command("check", again, "--campaign", "Week 2", "--json").json
    assert told["repeats"] == words
    assert [(each["row"], each["key"].partition("/")[0]) for each in told["ordered_anew"]] == [
        (2, "Week 1"), (3, "Week 1"), (4, "Week 1"),
    ]  # fmt: skip
    asking = pexpect.spawn(
        str(SMMPLUS),
        ["run", str(again), "--campaign", "Week 2", "--rate", "0", "--wait", "0"],
        env=workplace.environment(),
        cwd=str(workplace.folder),
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(50, 300),
    )
    asking.expect(r"Place 4 orders for .*\(3 of 4 rows equal orders of campaign 'Week 1'.*\[y/N\]")
    asking.sendline("n")
    asking.expect(pexpect.EOF)
    assert workplace.ledger.count() == 3
    done = workplace.command("run", again, "--campaign", "Week 2", "--yes", "--rate", "0", "--wait", "0")
    assert done.status == 0
    assert words in done.said
    assert workplace.ledger.count() == 7


def test_an_address_in_another_spelling_is_the_same_account(workplace: Workplace):
    sheet = workplace.sheet("week.csv", orders(2))
    assert workplace.run(sheet).status == 0
    address = workplace.panel.address
    others = [
        address.replace("127.0.0.1", "localhost"), address.replace("v2", "%762"), address.replace("http", "HTTP"),
        address.replace("/api", "/x/../api"), address.replace("127.0.0.1", "LocalHost") + "/",
    ]  # fmt: skip
    for number, other in enumerate(others):
        copy = workplace.sheet(f"{number}/week.csv", orders(2))
        done = workplace.command("check", copy, "--json", SMMPLUS_API_URL=other)
        assert done.status == 3, (other, done)
        assert "2 rows equal orders placed before" in done.json.get("blocked", ""), (other, done)
    assert workplace.ledger.count() == 2


@on_both
@pytest.mark.parametrize(("answer", "placed"), [("--separate", 4), ("--same-as default", 2)])
def test_a_key_under_another_name_stops_until_a_person_says_what_it_is(workplace: Workplace, answer: str, placed: int):
    workplace.settings["SMMPLUS_API_KEY_SHOP"] = workplace.panel.key
    assert workplace.run(workplace.sheet("week.csv", orders(2))).status == 0
    copy = workplace.sheet("copies/week.csv", orders(2))
    for command in (("check", copy), ("run", copy, "--yes", "--rate", "0", "--wait", "0"), ("status", copy),
                    ("reconcile",)):  # fmt: skip
        done = workplace.command(*command, "--account", "shop")
        assert done.status == 3, done
        assert "this API key belongs to account 'default'" in done.said
        assert f"`smmplus account shop {answer}`" in done.said
        assert workplace.panel.key not in done.said
    said = workplace.command("account", "shop", *answer.split(), "--json")
    assert said.status == 0
    assert workplace.run(copy, "--account", "shop").status == (0 if placed == 4 else 3)
    assert workplace.ledger.count() == placed
    assert {each["account"] for each in workplace.command("account", "--json").json["accounts"]} == {"default", "shop"}
    assert "default" in workplace.command("account").said


def test_a_command_that_is_repeated_after_two_names_became_one_account_places_nothing_twice(workplace: Workplace):
    workplace.settings["SMMPLUS_API_KEY_SHOP"] = SHOP_KEY
    options = ("--campaign", "Week 1")
    assert workplace.run(workplace.sheet("ours.csv", orders(2)), *options).status == 0
    theirs = workplace.sheet("theirs.csv", orders(3, name="theirs"))
    assert workplace.run(theirs, *options, "--account", "shop").status == 0
    assert workplace.command("account", "shop", "--same-as", "default").status == 0
    copy = workplace.sheet("copies/theirs.csv", orders(3, name="theirs"))
    again = workplace.run(copy, *options, "--account", "shop")
    assert (again.status, again.json["sent"]) == (3, 0)
    assert "--adopt" in again.json["blocked"]
    assert workplace.run(theirs, *options, "--account", "shop").status == 0
    assert workplace.ledger.count() == 5


def test_another_currency_than_the_campaigns_stops_in_words_before_anything_is_sent(workplace: Workplace):
    rows = orders(2)
    with SandboxProcess("--speed", "0", "--currency", "IDR", "--balance", "1000000") as panel:
        port, workplace.panel = panel.address.split(":")[2].partition("/")[0], panel
        assert workplace.run(workplace.sheet("week.csv", rows), "--max-spend", "0.1").status == 0
        assert workplace.command("budget", "--json").json["budgets"][0]["currency"] == "IDR"
    with SandboxProcess("--speed", "0", "--currency", "USD", "--balance", "1000", "--port", port) as panel:
        with Client(Panel(panel.key, panel.address), rate=0) as client:
            for order in rows:  # the panel's numbers go on
                client.add_order(OrderRequest.of(order.pop("service"), order))
        workplace.panel, workplace.ledger = panel, Ledger.from_here(panel)
        more = workplace.sheet("more.csv", orders(1, name="more"))
        for command in ("check", "run"):
            options = ("--yes", "--rate", "0", "--wait", "0") if command == "run" else ()
            done = workplace.command(command, more, "--campaign", "week", "--max-spend", "500", *options)
            assert done.status == 3, done
            assert "campaign 'week' is in IDR (0.07 of 0.1 spent), and the account's balance is in USD now" in done.said
        assert workplace.ledger.count() == 0
        assert workplace.command("budget", "week", "--json").json["budgets"][0]["budget"] == "0.1"
        assert workplace.run(more, "--campaign", "week in USD", "--max-spend", "0.05").status == 0
        currencies = {
            each["campaign"]: each["currency"] for each in workplace.command("budget", "--json").json["budgets"]
        }
        assert currencies == {"week": "IDR", "week in USD": "USD"}
