"""`smmplus check`, `run` and `status`."""

import pytest

from smmplus.errors import NeverSentError
from tests.bulk.jobs import LINK

pytestmark = pytest.mark.e2e

RUN = ("--yes", "--rate", "0", "--wait", "0")


def test_check_shows_the_costs(smmplus, path):
    done = smmplus("check", path)
    assert done.status == 0
    assert "to send: 2 rows for 0.07 USD balance: 1000.00 USD" in done.words


def test_check_tells_a_program(smmplus, path):
    done = smmplus("check", path, "--json")
    assert (done.status, done.err) == (0, "")
    assert (done.json["to_send"], done.json["blocked"], done.json["exit_status"]) == (2, "", 0)


def test_check_tells_what_stands_in_the_way(smmplus, path):
    path.write_text(path.read_text("utf-8") + f"2,{LINK}/3,[x]\n", "utf-8")
    done = smmplus("check", path)
    assert done.status == 3
    assert "1 row with problems, nothing was sent: mend them, or leave them out with --skip-bad" in done.words
    told = smmplus("check", path, "--json").json
    assert (told["exit_status"], told["blocked"][:5], len(told["problems"])) == (3, "1 row", 1)


def test_what_to_think_of_twice_is_told_and_stops_nothing(smmplus, path):
    assert smmplus("run", path, *RUN).status == 0
    path.write_text(path.read_text("utf-8") + f"2,{LINK}/?igsh=x,{'250' + ',' * 8}\n", "utf-8")
    done = smmplus("check", path)
    assert done.status == 0
    assert f"as {LINK}, which differs only in form, with quantity" in done.words
    told = smmplus("check", path, "--json").json
    assert (told["exit_status"], [warning["row"] for warning in told["warnings"]]) == (0, [4])
    asked = smmplus("run", path, "--rate", "0", answer="n\n").out
    assert asked.index("differs only in form") < asked.index("Send 1 orders")
    assert smmplus("run", path, *RUN).status == 0


def test_check_and_its_object_agree_on_a_doubt(smmplus, path, lost):
    assert smmplus("run", path, *RUN).status == 4
    done = smmplus("check", path, "--json")
    assert (done.status, done.json["exit_status"]) == (4, 4)


def test_run_shows_the_plan_the_progress_and_the_end(smmplus, path):
    done = smmplus("run", path, *RUN)
    assert done.status == 0
    assert "to send: 2 rows" in done.out
    assert "2 Placed" in done.out
    assert "placing: 2 of 2" in done.err
    assert f"written to {path}" in done.err


def test_run_tells_a_program_and_says_nothing_else(smmplus, path):
    done = smmplus("run", path, *RUN, "--json")
    assert (done.status, done.err, done.json["sent"], done.json["in_place"]) == (0, "", 2, True)


def test_run_asks(smmplus, path, sandbox):
    before = sandbox.ledger()["count"]
    assert smmplus("run", path, "--rate", "0", answer="n\n").status == 7
    assert smmplus("run", path, "--rate", "0", answer="").status == 7
    assert sandbox.ledger()["count"] == before
    done = smmplus("run", path, "--rate", "0", "--wait", "0", answer="y\n")
    assert "Send 2 orders for 0.07 USD?" in done.out
    assert (done.status, sandbox.ledger()["count"]) == (0, before + 2)


def test_a_program_cannot_be_asked(smmplus, path):
    done = smmplus("run", path, "--json")
    assert (done.status, done.json) == (2, {"error": "--json cannot ask: say --yes as well", "exit_status": 2})


def test_a_budget_is_an_amount(smmplus, path):
    assert smmplus("run", path, *RUN, "--max-spend", "much").status == 2


def test_a_budget_that_one_run_was_given_holds_for_the_next(smmplus, path, sandbox):
    before = sandbox.ledger()["count"]
    assert smmplus("run", path, *RUN, "--max-spend", "0.05").status == 5
    again = smmplus("run", path, *RUN, "--json")
    assert (again.status, again.json["sent"], again.json["max_spend"]) == (5, 0, "0.05")
    assert "it costs more than is left of the budget" in again.json["stopped"]
    assert sandbox.ledger()["count"] == before + 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--expect-rows", "3"), "the sheet holds 2 rows, and 3 were expected: nothing was sent"),
        (("--expect-total", "0.080"), "the sheet costs 0.07, and 0.080 was expected: nothing was sent"),
    ],
    ids=["rows", "total"],
)
def test_control_totals_that_do_not_fit_send_nothing(smmplus, path, sandbox, wrong, words):
    before = sandbox.ledger()["count"]
    for command in (("check", path), ("run", path, *RUN)):
        done = smmplus(*command, *wrong)
        assert (done.status, words in done.words) == (3, True)
    assert sandbox.ledger()["count"] == before


def test_control_totals_that_fit_let_it_go_also_the_second_time(smmplus, path):
    right = ("--expect-rows", "2", "--expect-total", "0.07")
    assert smmplus("check", path, *right).status == 0
    assert [smmplus("run", path, *RUN, *right, "--json").json["sent"] for _ in range(2)] == [2, 0]
    assert smmplus("run", path, *RUN, "--expect-total", "seven").status == 2


def test_the_first_rows_are_asked_for_and_told(smmplus, path):
    assert smmplus("check", path, "--first", "1", "--json").json["later"] == 1
    first = smmplus("run", path, "--first", "1", "--rate", "0", "--wait", "0", answer="y\n")
    assert first.status == 0
    assert "Send the first 1 of 2 orders for 0.035 USD?" in first.words
    assert "these were the first 1 of 2 rows to send; run it again without --first for the rest" in first.words
    second = smmplus("run", path, *RUN, "--first", "1", "--json").json
    assert (second["sent"], second["to_send"], second["later"], second["states"]) == (1, 1, 0, {"accepted": 2})


def test_status_writes_where_the_orders_stand(smmplus, path):
    smmplus("run", path, *RUN)
    done = smmplus("status", path, "--rate", "0")
    assert done.status == 0
    assert "2 Pending" in done.out
    assert "following: 0 of 2 final" in done.err
    assert smmplus("status", path, "--rate", "0", "--json").json["states"] == {"accepted": 2}


def test_status_shows_wrong_ids(smmplus, path):
    path.write_text(f"service,link,quantity,order_id\n2,{LINK},100,999\n", "utf-8")
    done = smmplus("status", path, "--rate", "0")
    assert done.status == 3
    assert "the journal knows no such order" in done.words


def test_a_spelling_of_an_account_is_not_another_account(smmplus, path, monkeypatch, sandbox):
    monkeypatch.setenv("SMMPLUS_API_KEY_SHOP", sandbox.key)
    text = path.read_text("utf-8")
    assert smmplus("run", path, *RUN, "--account", "shop").status == 0
    path.write_text(text, "utf-8")
    done = smmplus("run", path, *RUN, "--account", "Shop", "--json")
    assert (done.status, done.json["sent"], len(done.json["questions"])) == (3, 0, 2)


def test_a_sheet_that_is_not_there_is_a_wrong_command(smmplus):
    assert smmplus("run", "gone.csv").status == 2


def test_a_file_that_is_no_sheet_is_one_sentence(smmplus, tmp_path):
    (tmp_path / "book.xls").write_bytes(b"no")
    done = smmplus("check", "book.xls")
    assert (done.status, done.err.count("\n"), "book.xls" in done.err) == (3, 1, True)


def test_a_panel_out_of_reach_is_unfinished(smmplus, path, monkeypatch):
    monkeypatch.setattr("bulk.runner.ask_prices", out_of_reach)
    done = smmplus("run", path, *RUN, "--json")
    assert (done.status, done.json["error"]) == (7, "no connection")


def out_of_reach(*_):
    raise NeverSentError("no connection")
