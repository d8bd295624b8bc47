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
    assert (done.status, done.out) == (0, f"Resolved: {doubt} is order {order_id}. Run its sheet again to update it.\n")
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
        ((why,),) = database.execute("SELECT why FROM notes").fetchall()
    assert why.startswith("looked at the panel; its charge could not be compared")


def test_a_person_says_that_it_was_not_placed(smmplus, old, path):
    done = smmplus("resolve", old, "--not-placed")
    assert (done.status, done.out) == (0, f"Resolved: {old} will be sent by the next run.\n")
    assert smmplus("run", path, *RUN, "--json").json["sent"] == 1


def test_not_while_the_panel_may_be_at_it(smmplus, doubt):
    done = smmplus("resolve", doubt, "--not-placed", "--json")
    assert (done.status, done.json["exit_status"]) == (3, 3)
    assert "the panel may still place it" in done.json["error"]


@pytest.mark.parametrize("said", [(), ("--order-id", "5", "--not-placed")])
def test_one_of_the_two_must_be_said(smmplus, said):
    done = smmplus("resolve", "week/x-1", *said)
    assert (done.status, done.words) == (2, "Error: pass exactly one of --order-id and --not-placed")


def test_a_key_that_nobody_knows(smmplus):
    done = smmplus("resolve", "week/x-1", "--not-placed")
    assert (done.status, "there is no order 'week/x-1' in the journal" in done.words) == (3, True)
