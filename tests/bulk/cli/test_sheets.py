"""`smmplus check`, `run` and `status`."""

import shlex
from typing import get_args

import openpyxl
import pytest

from bulk.model.options import Group
from bulk.problem_copy import ProblemCopy
from smmplus.errors import NeverSentError
from tests.bulk import workbooks as wb
from tests.bulk.plans import LINK

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
    assert "1 row has problems. Fix it, or pass --skip-bad to place the other 2" in done.words
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
    assert asked.index("differs only in form") < asked.index("Place 1 order")
    assert smmplus("run", path, *RUN).status == 0


def test_check_marks_the_problems_in_a_copy_that_runs_once_they_are_mended(smmplus, path, sandbox):
    before, text = sandbox.ledger()["count"], path.read_text("utf-8") + f"2,{LINK}/3,1.000\n"
    path.write_text(text, "utf-8")
    done = smmplus("check", path, "--mark")
    copy = path.with_name("week.problems.xlsx")
    assert (done.status, f"Wrote {copy} with the problems marked" in done.words) == (3, True)
    book = openpyxl.load_workbook(copy)
    assert "quantity" in book["Orders"]["C4"].comment.text or "whole" in book["Orders"]["C4"].comment.text
    assert smmplus("run", copy, *RUN).status == 3
    book["Orders"]["C4"] = "1000"
    book.save(copy)
    mended = smmplus("run", copy, *RUN, "--json").json
    assert (mended["sent"], mended["campaign"], sandbox.ledger()["count"]) == (3, "week", before + 3)
    assert path.read_text("utf-8") == text


def test_a_copy_is_the_same_campaign_so_that_nothing_is_ordered_by_both_files(smmplus, path, sandbox):
    """The good rows are placed from the sheet, the bad one from the copy, and then somebody mends the sheet as well."""
    text = path.read_text("utf-8")
    path.write_text(f"{text}2,{LINK}/3,1.000\n", "utf-8")
    assert smmplus("run", path, *RUN, "--skip-bad", "--json").json["sent"] == 2
    smmplus("check", path, "--mark")
    copy = path.with_name("week.problems.xlsx")
    book = openpyxl.load_workbook(copy)
    book["Orders"]["C4"] = 1000
    book.save(copy)
    assert smmplus("run", copy, *RUN, "--json").json["sent"] == 1
    before = sandbox.ledger()["count"]
    path.write_text(path.read_text("utf-8").replace("1.000", "1000"), "utf-8")
    again = smmplus("run", path, *RUN, "--json")
    assert (again.status, again.json["sent"], sandbox.ledger()["count"]) == (3, 0, before)


def test_check_tells_a_program_where_the_marks_are(smmplus, path):
    assert smmplus("check", path, "--json", "--mark").json["marked"] is None
    assert "No problems to mark" in smmplus("check", path, "--mark").words
    path.write_text(path.read_text("utf-8") + "2,x,100\n", "utf-8")
    told = smmplus("check", path, "--json", "--mark").json
    assert told["marked"] == str(path.with_name("week.problems.xlsx"))
    assert (told["marked_lost"], told["marked_without_comment"]) == ("", 0)
    assert "marked" not in smmplus("check", path, "--json").json


def test_check_tells_what_a_copy_lacks(smmplus, path, monkeypatch):
    path.write_text(path.read_text("utf-8") + "2,x,100\n2,y,100\n", "utf-8")
    monkeypatch.setattr("bulk.problem_copy.MOST_NOTES", 1)
    words = smmplus("check", path, "--mark").words
    assert "1 colored cell without a comment: see the list above" in words
    monkeypatch.setattr("bulk.cli.sheets.write_problem_copy", lambda *_: ProblemCopy(path, 0, "it lacks [images]"))
    assert "it lacks [images]" in smmplus("check", path, "--mark").words


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
    assert f"Wrote {path}" in done.err


def test_run_tells_a_program_and_says_nothing_else(smmplus, path):
    done = smmplus("run", path, *RUN, "--json")
    assert (done.status, done.err, done.json["sent"], done.json["in_place"]) == (0, "", 2, True)


def test_run_asks(smmplus, path, sandbox):
    before = sandbox.ledger()["count"]
    assert smmplus("run", path, "--rate", "0", answer="n\n").status == 7
    assert smmplus("run", path, "--rate", "0", answer="").status == 7
    assert sandbox.ledger()["count"] == before
    done = smmplus("run", path, "--rate", "0", "--wait", "0", answer="y\n")
    assert "Place 2 orders for 0.07 USD from account default at localhost" in done.out
    assert (done.status, sandbox.ledger()["count"]) == (0, before + 2)


def test_a_program_cannot_be_asked(smmplus, path):
    done = smmplus("run", path, "--json")
    assert (done.status, done.json) == (
        2,
        {"error": "--json needs --yes, because it cannot ask", "hint": "", "exit_status": 2},
    )


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
        (("--expect-rows", "3"), "Expected 3 rows with orders, found 2"),
        (("--expect-total", "0.080"), "Expected a total cost of 0.080, found 0.07"),
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


def test_a_check_gives_a_fingerprint_and_the_command_that_is_held_to_it(smmplus, path, sandbox):
    before, fingerprint = sandbox.ledger()["count"], smmplus("check", path, "--json").json["fingerprint"]
    shown = smmplus("check", path).out.splitlines()
    assert f"fingerprint: {fingerprint}. To place exactly this, or nothing:" in shown
    pasted = shlex.split(next(line for line in shown if line.startswith("  smmplus run")))[1:]
    text = path.read_text("utf-8")
    path.write_text(text.replace(f"{LINK}/2", f"{LINK}/other"), "utf-8")
    for command in ((*pasted, "--yes"), (*pasted, "--yes", "--json"), ("check", *pasted[1:])):
        done = smmplus(*command)
        assert done.status == 3
        assert f"row 3: link was '{LINK}/2', and is '{LINK}/other'" in done.words
    assert smmplus(*pasted, "--yes", "--json").json["differences"] == [
        f"row 3: link was '{LINK}/2', and is '{LINK}/other'"
    ]
    assert sandbox.ledger()["count"] == before
    path.write_text(text, "utf-8")
    assert [smmplus(*pasted, *RUN, "--json").json["sent"] for _ in range(2)] == [2, 0]


@pytest.mark.parametrize("nothing", ["", "None", "1234"])
def test_an_empty_variable_is_no_approval(smmplus, path, sandbox, nothing):
    before = sandbox.ledger()["count"]
    done = smmplus("run", path, *RUN, "--expect-fingerprint", nothing)
    assert (done.status, "the fingerprint of a check" in done.words) == (2, True)
    assert sandbox.ledger()["count"] == before


def test_the_first_rows_are_asked_for_and_told(smmplus, path):
    assert smmplus("check", path, "--first", "1", "--json").json["later"] == 1
    first = smmplus("run", path, "--first", "1", "--rate", "0", "--wait", "0", answer="y\n")
    assert first.status == 0
    assert "Place the first 1 of 2 orders for 0.035 USD from account default at localhost" in first.words
    assert f"Placed the first 1 of 2 rows to send; for the rest: smmplus run {path}" in first.words
    second = smmplus("run", path, *RUN, "--first", "1", "--json").json
    assert (second["sent"], second["to_send"], second["later"], second["states"]) == (1, 1, 0, {"placed": 2})


def test_status_writes_where_the_orders_stand(smmplus, path):
    smmplus("run", path, *RUN)
    done = smmplus("status", path, "--rate", "0")
    assert done.status == 0
    assert "2 Pending" in done.out
    assert "tracking: 0 of 2 finished" in done.err
    assert smmplus("status", path, "--rate", "0", "--json").json["states"] == {"placed": 2}


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
    monkeypatch.setattr("bulk.running.run.ask_prices", out_of_reach)
    done = smmplus("run", path, *RUN, "--json")
    assert (done.status, done.json["error"]) == (7, "no connection")


def out_of_reach(*_):
    raise NeverSentError("no connection")


@pytest.fixture
def theirs(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"kode;alamat;pcs;lewati\n2;{LINK}/a;1.000;\n2;{LINK}/b;100;ya\n", "utf-8")
    return path


MAPPED = ("--map", "Kode=service", "--map", "Alamat=link", "--map", "Pcs=quantity")


def test_a_sheet_of_a_person_s_own_headers_and_numbers_is_ordered(smmplus, theirs, sandbox):
    before = sandbox.ledger()["count"]
    checked = smmplus("check", theirs, *MAPPED, "--locale", "id")
    assert checked.status == 0, checked.words
    assert "Mapped headers: 'Kode' is service, 'Alamat' is link, 'Pcs' is quantity" in checked.words
    assert "1 row is left out by the column 'lewati'" in checked.words
    done = smmplus("run", theirs, *RUN, *MAPPED, "--locale", "id", "--json")
    assert (done.status, done.json["sent"], done.json["left_out"]) == (0, 1, [3])
    (order,) = sandbox.orders()[before:]
    assert (order["link"], order["quantity"]) == (f"{LINK}/a", 1000)
    assert smmplus("status", theirs, *MAPPED, "--locale", "id", "--json", "--rate", "0").json["states"] == {"placed": 1}
    assert theirs.read_text("utf-8").splitlines()[0].startswith("kode;alamat;pcs;lewati;id_pesanan;status_pesanan;")


def test_what_headers_stand_for_is_remembered_and_told(smmplus, theirs):
    first = smmplus("check", theirs, *MAPPED, "--remember-map", "--locale", "id")
    told = "'Pcs' is quantity (saved in week.map.json)"
    assert (first.status, told in first.words) == (0, True)
    again = smmplus("check", theirs, "--locale", "id", "--json")
    assert (again.status, again.json["headers"]["Alamat"]) == (0, "link")
    (theirs.parent / "week.map.json").write_text("{}", "utf-8")
    broken = smmplus("check", theirs, "--locale", "id")
    assert (broken.status, "week.map.json: was not written by smmplus" in broken.words) == (3, True)


def test_without_a_locale_its_thousands_are_refused_with_the_way_out(smmplus, theirs):
    done = smmplus("check", theirs, *MAPPED, "--json")
    (problem,) = done.json["problems"]
    assert (done.status, problem["where"], "--locale id" in problem["remedy"]) == (3, "line 2, pcs", True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--locale", "xx"), "'xx' is not a known locale"),
        (("--map", "Alamat"), "write it as --map 'Their header=link'"),
        (("--map", "A=link", "--map", "B=link"), "'A' is mapped to link, and 'B' to link"),
        (("--remember-map",), "--remember-map needs --map"),
    ],
)
def test_what_cannot_be_meant_is_a_wrong_command(smmplus, theirs, wrong, words):
    done = smmplus("check", theirs, *wrong)
    assert done.status == 2
    assert words in " ".join(done.words.replace("\u2502", " ").split())


def test_hidden_rows_wait_for_a_word(smmplus, tmp_path, sandbox):
    rows = wb.header() + "".join(
        wb.order(at, "2", f"{LINK}/{at}", attributes=' hidden="1"' if at == 3 else "") for at in (2, 3, 4)
    )
    path = wb.book(tmp_path / "week.xlsx", rows)
    told = smmplus("check", path, "--json").json
    assert [(problem["where"], problem["row"]) for problem in told["problems"]] == [("row 3", 3)]
    assert "--include-hidden or --visible-only" in told["problems"][0]["remedy"]
    assert smmplus("check", path, "--visible-only", "--json").json["to_send"] == 2
    assert smmplus("check", path, "--include-hidden", "--json").json["to_send"] == 3
    assert smmplus("check", path, "--include-hidden", "--visible-only").status == 2
    assert smmplus("run", path, *RUN, "--visible-only", "--json").json["sent"] == 2
    assert smmplus("status", path, "--visible-only").status in {0, 4}
    assert smmplus("run", path, *RUN, "--include-hidden", "--json").json["sent"] == 1


def test_the_help_of_a_run_lists_its_options_in_panels(smmplus):
    help_text = smmplus("run", "--help").out
    places = [help_text.index(f"\n{group}:\n") for group in get_args(Group)]
    assert places == sorted(places)
    assert all(option in help_text for option in ("--skip-bad", "--max-spend AMOUNT", "--first N", "--wait DURATION"))


def test_what_a_check_leaves_out_can_be_approved(smmplus, path):
    path.write_text(path.read_text("utf-8") + f"2,{LINK}/3,[x]\n", "utf-8")
    assert "--skip-bad" in smmplus("check", path).words.partition("smmplus check")[2]
    told = smmplus("check", path, "--skip-bad", "--json")
    assert (told.status, told.json["blocked"], len(told.json["problems"])) == (0, "", 1)


def test_several_sheets_are_checked_in_turn(smmplus, path, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("service,link,quantity\n2,nowhere,100\n")
    done = smmplus("check", path, bad, path)
    assert (done.status, done.words.count("to send: 2 rows"), "'nowhere' is not a link" in done.words) == (3, 2, True)


def test_of_several_sheets_a_refused_key_is_that_of_the_account(smmplus, path, monkeypatch):
    monkeypatch.setenv("SMMPLUS_API_KEY_SHOP", "wrong-key-0123456789")
    done = smmplus("check", path, path, "--account", "shop")
    assert (done.status, done.err.count("comes from SMMPLUS_API_KEY_SHOP")) == (5, 2)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("week.csv", ("--sheet", "A"), "--sheet has no effect on week.csv, which is a text file"),
        ("week.csv", ("--visible-only",), "--visible-only has no effect on week.csv"),
        ("week.csv", ("--include-hidden",), "--include-hidden has no effect on week.csv"),
        ("week.txt", ("--no-colours",), "--no-colours has no effect on week.txt"),
        ("week.xlsx", ("--encoding", "cp1252"), "--encoding has no effect on week.xlsx, which is a workbook"),
        ("week.csv", ("--poll", "5"), "--poll has no effect without --wait"),
    ],
)
def test_an_option_without_effect_is_refused(smmplus, tmp_path, name, options, words):
    file = tmp_path / name
    file.write_text("service,link,quantity\n")
    done = smmplus("run", file, *options)
    assert (done.status, words in done.words) == (2, True), done.words


def test_last_month_s_rows_are_ordered_again_by_the_command_that_is_shown(smmplus, path, sandbox):
    rows, before = path.read_text("utf-8"), sandbox.ledger()["count"]
    assert smmplus("run", path, *RUN).status == 0
    month = path.with_name("december.csv")
    month.write_text(rows, "utf-8")
    shown = smmplus("check", month).out.splitlines()
    (line,) = (line for line in shown if "--campaign december" in line and line.startswith("  "))
    assert line == f"  smmplus run {month} --campaign december"
    done = smmplus(*shlex.split(line)[1:], *RUN)
    assert (done.status, sandbox.ledger()["count"] - before) == (0, 4)


def test_a_copy_with_ids_is_ordered_again_by_the_command_that_is_shown_once_they_are_cleared(smmplus, path, sandbox):
    rows, before = path.read_text("utf-8"), sandbox.ledger()["count"]
    assert smmplus("run", path, *RUN).status == 0
    month = path.with_name("december.csv")
    month.write_bytes(path.read_bytes())
    shown = smmplus("run", month, *RUN).out.splitlines()
    (at,) = (at for at, line in enumerate(shown) if "clear their order_id and run:" in line)
    assert shown[at + 1] == f"  smmplus run {month} --rate 0 --campaign december"
    month.write_text(rows, "utf-8")
    done = smmplus(*shlex.split(shown[at + 1])[1:], *RUN)
    assert (done.status, sandbox.ledger()["count"] - before) == (0, 4)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_from_standard_input_is_checked(smmplus, path, tmp_path, kind):
    content = path.read_bytes()
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for line in content.decode().splitlines():
            book.active.append(line.split(","))
        book.save(tmp_path / "week.xlsx")
        content = (tmp_path / "week.xlsx").read_bytes()
    before = sorted(tmp_path.iterdir())
    told = smmplus("check", "-", "--json", answer=content).json
    assert (told["file"], told["to_send"], told["total"]) == ("-", 2, "0.07")
    said = smmplus("check", "-", answer=content).words
    assert ": 2 rows, campaign 'standard-input'" in said
    assert "smmplus run FILE --campaign standard-input --expect-fingerprint" in said
    assert [each for each in sorted(tmp_path.iterdir()) if "journal" not in each.name] == [
        each for each in before if "journal" not in each.name
    ]


def test_what_writes_needs_a_file(smmplus, path):
    for command in (("run", "-", "--yes"), ("status", "-"), ("check", "-", "--mark")):
        assert smmplus(*command, answer=path.read_bytes()).status == 2
