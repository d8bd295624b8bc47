"""`smmplus budget`."""

import pytest

pytestmark = pytest.mark.e2e

RUN = ("--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")


def test_without_campaigns_it_says_so(smmplus):
    assert smmplus("budget").out == "No campaigns yet.\n"


def test_it_shows_what_is_spent_in_doubt_and_left(smmplus, path, lost):
    smmplus("run", path, *RUN, "--max-spend", "1.5")
    done = smmplus("budget")
    assert done.status == 0
    assert done.out.split()[-7:] == ["week", "default", "1.50", "0.07", "0.035", "1.43", "USD"]
    assert smmplus("budget", "--json").json["budgets"][0] | {"url": ""} == {
        "account": "default",
        "url": "",
        "campaign": "week",
        "budget": "1.5",
        "spent": "0.07",
        "in_doubt": "0.035",
        "remaining": "1.43",
        "currency": "USD",
    }


def test_a_budget_that_is_set_holds_for_runs_that_are_not_told(smmplus, path):
    assert "No order of campaign 'week' is placed yet" in smmplus("budget", "week", "--set", "0.05").words
    done = smmplus("run", path, *RUN, "--json")
    assert (done.status, done.json["sent"], done.json["max_spend"]) == (5, 1, "0.05")
    assert smmplus("check", path, "--json").json["max_spend"] == "0.05"
    assert "campaign budget: 0.035 of 0.05 USD already spent" in smmplus("check", path).words
    raised = smmplus("budget", "week", "--set", "0.07", "--json").json["budgets"][0]
    assert (raised["budget"], raised["remaining"]) == ("0.07", "0.035")
    assert smmplus("run", path, *RUN, "--json").json["sent"] == 1


def test_a_budget_that_is_lifted_holds_no_more(smmplus, path):
    smmplus("budget", "week", "--set", "0")
    assert smmplus("run", path, *RUN).status == 5
    lifted = smmplus("budget", "week", "--remove", "--json").json["budgets"][0]
    assert (lifted["budget"], lifted["remaining"]) == (None, None)
    assert smmplus("run", path, *RUN).status == 0


def test_a_budget_below_what_is_spent_leaves_nothing(smmplus, path):
    smmplus("run", path, *RUN)
    assert smmplus("budget", "week", "--set", "0.01", "--json").json["budgets"][0]["remaining"] == "0"


def test_check_keeps_no_budget(smmplus, path):
    assert smmplus("check", path, "--max-spend", "0.05").status == 5
    assert smmplus("budget", "week", "--json").json["budgets"][0]["budget"] is None


def test_an_account_has_campaigns_of_its_own_and_needs_no_key(smmplus):
    smmplus("budget", "week", "--set", "5")
    smmplus("budget", "week", "--set", "7", "--account", "Shop")
    listed = smmplus("budget", "--json").json["budgets"]
    assert [(each["account"], each["budget"]) for each in listed] == [("default", "5"), ("shop", "7")]
    assert [each["budget"] for each in smmplus("budget", "week", "--account", "shop", "--json").json["budgets"]] == [
        "7"
    ]


@pytest.mark.parametrize("arguments", [("weak",), ("weak", "--remove")])
def test_a_campaign_that_is_not_known_is_not_made_by_looking(smmplus, arguments):
    done = smmplus("budget", *arguments)
    assert (done.status, "no campaign 'weak' of account 'default'" in done.err) == (3, True)
    assert smmplus("budget", "--json").json == {"budgets": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("week", "--set", "5", "--remove"),
        ("--set", "5"),
        ("--remove",),
        ("week", "--set", "1,000"),
        ("week", "--set", "-1"),
    ],
)
def test_what_cannot_be_meant_is_usage(smmplus, arguments):
    assert smmplus("budget", *arguments).status == 2
