"""`smmplus doubts` and `resolve`."""

import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.e2e

RUN = ("--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")


@pytest.fixture
def doubt(smmplus, path, lost):
    """Leave one order in doubt, and give its key."""
    assert smmplus("run", path, *RUN).status == 4
    (found,) = smmplus("doubts", "--json").json["doubts"]
    return found["key"]


@pytest.fixture
def old(doubt, tmp_path):
    """Let it have been sent long ago: the panel can no longer be at it."""
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        database.execute("UPDATE entries SET sent_at = '2020-01-01T00:00:00.000+00:00'")
        database.commit()
    return doubt


def test_no_doubts(smmplus):
    assert smmplus("doubts").out == "No orders are in doubt.\n"
    assert smmplus("doubts", "--json").json == {"doubts": []}


def test_doubts_are_shown_with_their_command(smmplus, doubt):
    done = smmplus("doubts")
    assert done.status == 0
    assert f"smmplus resolve {doubt} --order-id NUMBER" in done.out
    (found,) = smmplus("doubts", "--json").json["doubts"]
    assert (found["account"], found["state"], found["source"]) == ("default", "in_doubt", "week.csv")


def test_a_person_says_which_order_it_is(smmplus, doubt, sandbox, path):
    order_id = str(sandbox.orders()[-2]["order"])
    done = smmplus("resolve", doubt, "--order-id", order_id, "--why", "seen on the page")
    words = f"Resolved: {doubt} is order {order_id}. Run its sheet again to update it.\n"
    assert (done.status, done.out) == (0, f"{words}To take it back: smmplus resolve {doubt} --undo\n")
    assert smmplus("run", path, *RUN, "--json").json["sent"] == 0


def test_a_program_may_say_it_for_a_person(smmplus, doubt, sandbox):
    order_id = str(sandbox.orders()[-2]["order"])
    (told,) = smmplus("resolve", doubt, "--order-id", order_id, "--json").json["resolved"]
    assert (told["key"], told["state"], told["order_id"]) == (doubt, "placed", order_id)


def test_an_order_that_the_panel_does_not_know_settles_nothing(smmplus, doubt):
    done = smmplus("resolve", doubt, "--order-id", "999999")
    assert done.status == 3
    assert "the panel knows no order 999999 of this account" in done.words
    assert len(smmplus("doubts", "--json").json["doubts"]) == 1


def test_an_order_of_another_row_settles_nothing(smmplus, doubt, sandbox):
    done = smmplus("resolve", doubt, "--order-id", str(sandbox.orders()[-1]["order"]))
    assert done.status == 3
    assert "already" in done.words


def test_an_order_of_the_same_key_by_another_name_settles_nothing(smmplus, doubt, sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("SMMPLUS_API_KEY_TWO", sandbox.key)
    other = tmp_path / "two.csv"
    other.write_text("service,link,quantity\n2,https://instagram.com/p/two,100\n", "utf-8")
    sandbox.faults()
    assert smmplus("run", other, *RUN, "--account", "two").status == 3
    assert smmplus("account", "two", "--separate").status == 0
    assert smmplus("run", other, *RUN, "--account", "two").status == 0
    done = smmplus("resolve", doubt, "--order-id", str(sandbox.orders()[-1]["order"]))
    assert done.status == 3
    assert "already belongs to two/" in done.words
    assert "of account 'two'" in done.words
    assert len(smmplus("doubts", "--json").json["doubts"]) == 1


def test_doubts_are_shown_with_what_the_balance_says(smmplus, doubt):
    (found,) = smmplus("doubts", "--json").json["doubts"]
    assert found["evidence"]["verdict"] == "debited"
    assert (found["evidence"]["before"]["balance"], found["evidence"]["unexplained"]) == ("1000", "0.035")
    assert "0.035 unexplained" in smmplus("doubts").words


def test_an_order_that_is_another_rows_is_refused_by_name_without_a_call(smmplus, doubt, sandbox):
    known = str(sandbox.orders()[-1]["order"])
    calls = sandbox.calls("status")
    done = smmplus("resolve", doubt, "--order-id", known)
    assert (done.status, sandbox.calls("status")) == (3, calls)
    assert f"order {known} already belongs to week/" in done.words


def test_where_the_panel_cannot_be_reached_nothing_is_settled(smmplus, doubt, sandbox, monkeypatch):
    order_id = str(sandbox.orders()[-2]["order"])
    monkeypatch.setattr("smmplus.api.client.retrying", lambda **_: lambda call, *arguments: call(*arguments))
    sandbox.faults({"fault": "http_502", "action": "status"})
    done = smmplus("resolve", doubt, "--order-id", order_id, "--force")
    assert done.status == 7
    assert f"nothing was recorded: the panel could not be asked about order {order_id}" in done.words
    sandbox.faults()
    assert len(smmplus("doubts", "--json").json["doubts"]) == 1


def test_an_unknown_expected_charge_is_told_and_noted(smmplus, doubt, sandbox, tmp_path):
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        database.execute("UPDATE entries SET cost = NULL WHERE state = 'in_doubt'")
        database.commit()
    done = smmplus("resolve", doubt, "--order-id", str(sandbox.orders()[-2]["order"]))
    assert (done.status, "its charge could not be compared" in done.err) == (0, True)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        ((why,),) = database.execute("SELECT why FROM notes WHERE what <> 'doubt'").fetchall()
    assert why.startswith("looked at the panel; its charge could not be compared")


def test_a_person_says_that_it_was_not_placed(smmplus, old, path):
    done = smmplus("resolve", old, "--not-placed")
    words = f"Resolved: {old} will be sent by the next run.\nTo take it back: smmplus resolve {old} --undo\n"
    assert (done.status, done.out) == (0, words)
    assert smmplus("run", path, *RUN, "--json").json["sent"] == 1


def test_not_while_the_panel_may_be_at_it(smmplus, doubt):
    done = smmplus("resolve", doubt, "--not-placed", "--json")
    assert (done.status, done.json["exit_status"]) == (3, 3)
    assert "the panel may still place it" in done.json["error"]


@pytest.mark.parametrize("said", [(), ("--order-id", "5", "--not-placed")])
def test_one_of_the_two_must_be_said(smmplus, said):
    done = smmplus("resolve", "week/x-1", *said)
    assert (done.status, done.words) == (2, "Error: pass exactly one of --order-id, --not-placed and --undo")


def test_a_key_that_nobody_knows(smmplus):
    done = smmplus("resolve", "week/x-1", "--not-placed")
    assert (done.status, "there is no order 'week/x-1' in the journal" in done.words) == (3, True)


# Taking it back.


def test_what_was_wrongly_said_not_to_be_placed_is_in_doubt_again_and_not_sent(smmplus, old, path, tmp_path):
    smmplus("resolve", old, "--not-placed")
    done = smmplus("resolve", old, "--undo", "--why", "it was on the next page")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        f"Taken back: {old} is in doubt again, and no run sends it.\n"
        f"To resolve it: smmplus resolve {old} --order-id NUMBER\n"
    )
    ran = smmplus("run", path, *RUN, "--json")
    assert (ran.status, ran.json["sent"]) == (4, 0)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as database:
        (last,) = database.execute("SELECT what, why FROM notes ORDER BY id DESC LIMIT 1").fetchall()
    assert last == ("taken back: was not placed", "it was on the next page")


def test_a_wrong_order_is_taken_back_without_a_call(smmplus, doubt, sandbox, monkeypatch):
    """An account whose key is not at hand can be put right, too."""
    order_id = str(sandbox.orders()[-2]["order"])
    smmplus("resolve", doubt, "--order-id", order_id)
    monkeypatch.delenv("SMMPLUS_API_KEY")
    done = smmplus("resolve", doubt, "--undo")
    assert (done.status, done.err) == (0, "")
    assert f"Order {order_id} is not its order anymore. Run its sheet again to update it." in done.out
    assert [found["key"] for found in smmplus("doubts", "--json").json["doubts"]] == [doubt]


def test_a_program_is_told_what_was_taken_back(smmplus, old):
    smmplus("resolve", old, "--not-placed")
    (told,) = smmplus("resolve", old, "--undo", "--json").json["resolved"]
    assert (told["key"], told["state"], told["account"]) == (old, "in_doubt", "default")


def test_a_budget_that_the_doubt_exceeds_is_shown(smmplus, old):
    smmplus("resolve", old, "--not-placed")
    smmplus("budget", "week", "--set", "0.05")
    done = smmplus("resolve", old, "--undo")
    assert done.status == 0
    assert "campaign 'week' has spent 0.07 USD of 0.05 USD. To raise its budget: smmplus budget week" in done.err


def test_what_was_sent_since_is_not_taken_back(smmplus, old, path, sandbox):
    smmplus("resolve", old, "--not-placed")
    sandbox.faults()
    assert smmplus("run", path, *RUN).status == 0
    done = smmplus("resolve", old, "--undo")
    assert (done.status, done.out) == (3, "")
    assert done.err == f"Error: {old} was sent again since it was resolved: that cannot be taken back\n"


def test_what_is_resolved_already_names_the_command_that_takes_it_back(smmplus, doubt, sandbox):
    order_id = str(sandbox.orders()[-2]["order"])
    smmplus("resolve", doubt, "--order-id", order_id)
    done = smmplus("resolve", doubt, "--not-placed")
    assert done.status == 3
    assert f"is not in doubt: it is placed as order {order_id}" in done.err
    assert done.err.endswith(f"To take back how it was resolved: smmplus resolve {doubt} --undo\n")


def test_what_the_panel_answered_names_no_such_command(smmplus, doubt, path):
    placed = next(each["key"] for each in smmplus("run", path, *RUN, "--json").json["orders"] if each["order_id"])
    done = smmplus("resolve", placed, "--not-placed")
    assert (done.status, "--undo" in done.err) == (3, False)
    done = smmplus("resolve", placed, "--undo")
    assert (done.status, "nobody has resolved it" in done.err) == (3, True)


@pytest.mark.parametrize(
    "said", [("week/x-1", "--order-id", "5"), ("week/x-1", "--not-placed"), ("--campaign", "week"), ("--from", "x.csv")]
)
def test_taking_back_is_of_one_order_and_nothing_else(smmplus, said):
    done = smmplus("resolve", *said, "--undo")
    assert (done.status, done.out) == (2, "")
