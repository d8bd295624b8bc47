"""Settling many orders in doubt at once: a whole campaign, or the answers in a sheet."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest

from tests.bulk.plans import LINK

pytestmark = [pytest.mark.e2e, pytest.mark.covers]

RUN = ("--yes", "--rate", "0", "--wait", "0", "--in-flight", "1")


@pytest.fixture
def doubts(smmplus, tmp_path, sandbox):
    """Leave the second and third of five orders in doubt, which were placed, and the first, which was not."""
    path = tmp_path / "week.csv"
    rows = "".join(f"2,{LINK}/{number},{100 + 100 * number}\n" for number in range(5))
    path.write_text("service,link,quantity\n" + rows, "utf-8")
    sandbox.faults(
        {"fault": "drop_before_accept", "action": "add", "calls": [1]},
        {"fault": "drop_after_accept", "action": "add", "calls": [2, 4]},
    )
    assert smmplus("run", path, *RUN).status == 4
    sandbox.faults()
    found = smmplus("doubts", "--json").json["doubts"]
    assert len(found) == 3
    return found


@pytest.fixture
def old(doubts, tmp_path):
    """Let them have been sent long ago: the panel can no longer be at them."""
    change(tmp_path, "UPDATE entries SET sent_at = '2020-01-01T00:00:00.000+00:00'")
    return doubts


def change(folder, statement):
    with closing(sqlite3.connect(folder / "journal.sqlite3")) as database:
        rows = database.execute(statement).fetchall()
        database.commit()
        return rows


def open_ones(smmplus):
    return [found["key"] for found in smmplus("doubts", "--json").json["doubts"]]


def placed(sandbox, link):
    return next(str(order["order"]) for order in reversed(sandbox.orders()) if order["link"] == link)


def export(smmplus, tmp_path):
    assert smmplus("doubts", "--export", "doubts.csv").status == 0
    return list(csv.DictReader(io.StringIO((tmp_path / "doubts.csv").read_text("utf-8-sig"))))


def write(tmp_path, rows, *, delimiter=",", encoding="utf-8-sig", above=""):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / "doubts.csv").write_text(above + out.getvalue(), encoding)


def answered(smmplus, tmp_path, sandbox):
    """Answer every doubt rightly."""
    rows = export(smmplus, tmp_path)
    for row in rows:
        row["answer"] = "not placed" if row["link"] == f"{LINK}/0" else placed(sandbox, row["link"])
    return rows


# A campaign.


def test_a_campaign_is_settled_as_a_whole_after_a_question_that_shows_what(smmplus, old, sandbox, tmp_path):
    done = smmplus("resolve", "--campaign", "week", "--not-placed", "--why", "asked support", answer="y\n")
    assert done.status == 0
    assert all(found["link"] in done.out for found in old)
    assert "3 not placed, to be sent by the next run" in done.words
    assert "To take one back: smmplus resolve KEY --undo" in done.words
    assert open_ones(smmplus) == []
    notes = change(tmp_path, "SELECT what, why FROM notes WHERE what <> 'doubt'")
    assert notes == [("was not placed", "asked support")] * 3


def test_no_is_no(smmplus, old):
    done = smmplus("resolve", "--campaign", "week", "--not-placed", answer="n\n")
    assert (done.status, len(open_ones(smmplus))) == (2, 3)


def test_a_program_is_told_what_was_settled(smmplus, old):
    told = smmplus("resolve", "--campaign", "week", "--not-placed", "--yes", "--json").json
    assert [(each["key"], each["state"], each["account"]) for each in told["resolved"]] == [
        (found["key"], "not_sent", "default") for found in old
    ]


def test_where_one_may_still_be_under_way_none_is_settled(smmplus, old, tmp_path):
    change(tmp_path, "UPDATE entries SET sent_at = '2999-01-01T00:00:00.000+00:00' WHERE id = 1")
    done = smmplus("resolve", "--campaign", "week", "--not-placed", "--yes")
    assert (done.status, len(open_ones(smmplus))) == (3, 3)
    assert f"nothing was recorded: {old[0]['key']} was sent less than two minutes ago" in done.err
    assert old[1]["key"] not in done.err


def test_a_campaign_without_a_doubt(smmplus, old):
    assert smmplus("resolve", "--campaign", "week", "--not-placed", "--yes").status == 0
    done = smmplus("resolve", "--campaign", "week", "--not-placed", "--yes")
    assert (done.status, done.words) == (0, "No orders to resolve.")
    unknown = smmplus("resolve", "--campaign", "nobody's", "--not-placed", "--yes")
    assert (unknown.status, "There is no campaign" in unknown.words) == (3, True)


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("week/x-1", "--campaign", "week", "--not-placed"),
        ("--campaign", "week"),
        ("--campaign", "week", "--order-id", "5"),
        ("--from", "doubts.csv", "--not-placed"),
        ("--from", "doubts.csv", "--campaign", "week"),
    ],
)
def test_what_contradicts_itself_settles_nothing(smmplus, old, said):
    assert smmplus("resolve", *said, "--yes").status == 2
    assert len(open_ones(smmplus)) == 3


# A sheet.


def test_a_sheet_of_doubts_is_answered_and_settles_them(smmplus, old, sandbox, tmp_path):
    write(tmp_path, answered(smmplus, tmp_path, sandbox))
    done = smmplus("resolve", "--from", "doubts.csv", answer="y\n")
    assert done.status == 0
    assert "2 placed, 1 not placed, to be sent by the next run" in done.words
    assert open_ones(smmplus) == []
    assert smmplus("run", tmp_path / "week.csv", *RUN, "--json").json["sent"] == 1
    ledger = [order["link"] for order in sandbox.orders()[-5:]]
    assert sorted(ledger) == [f"{LINK}/{number}" for number in range(5)]


def test_the_export_says_how_to_go_on_and_is_not_written_over(smmplus, doubts, tmp_path):
    done = smmplus("doubts", "--export", "doubts.csv")
    assert "smmplus resolve --from doubts.csv" in done.words
    assert smmplus("doubts", "--export", "doubts.csv").status == 3
    assert smmplus("doubts", "--export", "doubts.csv", "--force").status == 0
    rows = export_rows(tmp_path)
    assert [row["key"] for row in rows] == [found["key"] for found in doubts]
    assert [(row["answer"], row["account"], row["source"]) for row in rows] == [("", "default", "week.csv")] * 3
    assert rows[0]["expected_charge"] == doubts[0]["expected_charge"]


def export_rows(tmp_path):
    return list(csv.DictReader(io.StringIO((tmp_path / "doubts.csv").read_text("utf-8-sig"))))


@pytest.mark.parametrize(
    "spreadsheet",
    [
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"delimiter": ";", "encoding": "utf-8"},
        {"encoding": "utf-16"},
        {"delimiter": ";", "above": "sep=;\n", "encoding": "utf-8"},
    ],
)
def test_a_sheet_that_a_spreadsheet_program_saved_is_read(smmplus, old, sandbox, tmp_path, spreadsheet):
    write(tmp_path, answered(smmplus, tmp_path, sandbox), **spreadsheet)
    assert smmplus("resolve", "--from", "doubts.csv", "--yes").status == 0
    assert open_ones(smmplus) == []


@pytest.mark.parametrize("written", ["{}", " {} ", "{}.0", "{},00", "'{}", "\u00a0{}"])
def test_an_order_id_is_read_as_a_spreadsheet_writes_it(smmplus, old, sandbox, tmp_path, written):
    rows = answered(smmplus, tmp_path, sandbox)
    for row in rows:
        row["answer"] = "" if row["answer"] == "not placed" else written.format(row["answer"])
    write(tmp_path, rows)
    told = smmplus("resolve", "--from", "doubts.csv", "--yes", "--json").json
    assert [each["order_id"] for each in told["resolved"]] == [placed(sandbox, f"{LINK}/{number}") for number in (1, 3)]
    assert open_ones(smmplus) == [old[0]["key"]]


@pytest.mark.parametrize("written", ["Not placed", "NOT  PLACED", "not_placed"])
def test_not_placed_is_read_in_any_case(smmplus, old, sandbox, tmp_path, written):
    rows = export(smmplus, tmp_path)
    rows[0]["answer"] = written
    write(tmp_path, rows)
    assert smmplus("resolve", "--from", "doubts.csv", "--yes").status == 0
    assert len(open_ones(smmplus)) == 2


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("1.23E+15", "spreadsheets round"),
        ("1,23E+15", "spreadsheets round"),
        ("1234567890123456", "spreadsheets round"),
        ("23501.5", "is not an answer"),
        ("23.501", "is not an answer"),
        ("yes", "is not an answer"),
        ("placed", "is not an answer"),
        ("-23501", "is not an answer"),
        ("=23501", "is not an answer"),
        ("\uff12\uff13", "is not an answer"),
        ("999999", "the panel knows no order 999999"),
    ],
)
def test_one_answer_that_cannot_be_taken_settles_nothing_and_is_named(smmplus, old, sandbox, tmp_path, written, why):
    rows = answered(smmplus, tmp_path, sandbox)
    rows[1]["answer"] = written
    write(tmp_path, rows)
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, len(open_ones(smmplus))) == (3, 3)
    assert "line 3: " in done.words
    assert why in done.words


def test_an_order_that_does_not_fit_is_taken_only_by_who_insists(smmplus, old, sandbox, tmp_path):
    rows = answered(smmplus, tmp_path, sandbox)
    rows[1]["answer"], rows[2]["answer"] = rows[2]["answer"], rows[1]["answer"]
    write(tmp_path, rows)
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, len(open_ones(smmplus))) == (3, 3)
    assert "was to be charged" in done.words
    assert smmplus("resolve", "--from", "doubts.csv", "--yes", "--force").status == 0


def test_one_order_for_two_rows_settles_nothing(smmplus, old, sandbox, tmp_path):
    rows = answered(smmplus, tmp_path, sandbox)
    rows[2]["answer"] = rows[1]["answer"]
    write(tmp_path, rows)
    done = smmplus("resolve", "--from", "doubts.csv", "--yes", "--force")
    assert (done.status, "lines 3, 4: all of them are about order" in done.words) == (3, True)
    assert len(open_ones(smmplus)) == 3


def test_one_row_twice_settles_nothing(smmplus, old, sandbox, tmp_path):
    rows = answered(smmplus, tmp_path, sandbox)
    write(tmp_path, [*rows, rows[0]])
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, f"lines 2, 5: all of them are about {old[0]['key']}" in done.words) == (3, True)


@pytest.mark.parametrize("column", ["key", "link", "answer"])
def test_a_column_that_was_sorted_by_itself_settles_nothing_wrong(smmplus, old, sandbox, tmp_path, column):
    rows = answered(smmplus, tmp_path, sandbox)
    for row, cell in zip(rows, [row[column] for row in rows[1:] + rows[:1]], strict=True):
        row[column] = cell
    write(tmp_path, rows)
    assert smmplus("resolve", "--from", "doubts.csv", "--yes").status == 3
    assert len(open_ones(smmplus)) == 3


def test_rows_may_be_sorted_left_out_or_empty(smmplus, old, sandbox, tmp_path):
    rows = answered(smmplus, tmp_path, sandbox)
    write(tmp_path, [rows[2], dict.fromkeys(rows[0], ""), rows[0]])
    assert smmplus("resolve", "--from", "doubts.csv", "--yes").status == 0
    assert open_ones(smmplus) == [old[1]["key"]]


def test_a_sheet_of_another_journal_settles_nothing(smmplus, old, sandbox, tmp_path):
    rows = answered(smmplus, tmp_path, sandbox)
    for row in rows:
        row["doubt"] = "3eaf58fa-1d87-4d26-9338-f646155d9812/" + row["doubt"].partition("/")[2]
    write(tmp_path, rows)
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, len(open_ones(smmplus))) == (3, 3)
    assert "the file is of another journal" in done.words


def test_a_doubt_that_was_sent_anew_since_the_export_is_another_doubt(smmplus, old, sandbox, tmp_path):
    write(tmp_path, answered(smmplus, tmp_path, sandbox))
    change(tmp_path, "UPDATE entries SET attempt = attempt + 1 WHERE id = 1")
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, len(open_ones(smmplus))) == (3, 3)
    assert "line 2: " in done.words


@pytest.mark.parametrize(
    "text", ["", "service,link,quantity\n1,x,100\n", "doubt,key\n", "doubt,key,link,answer,answer\n"]
)
def test_a_file_that_is_not_an_export_settles_nothing(smmplus, old, tmp_path, text):
    (tmp_path / "doubts.csv").write_text(text, "utf-8")
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    assert (done.status, "smmplus doubts --export" in done.words) == (3, True)


def test_without_an_answer_there_is_nothing_to_settle(smmplus, doubts, tmp_path):
    export(smmplus, tmp_path)
    done = smmplus("resolve", "--from", "doubts.csv")
    assert (done.status, done.words) == (0, "No orders to resolve.")


def test_where_the_panel_cannot_be_reached_nothing_is_settled(smmplus, old, sandbox, tmp_path, monkeypatch):
    write(tmp_path, answered(smmplus, tmp_path, sandbox))
    monkeypatch.setattr("smmplus.api.client.retrying", lambda **_: lambda call, *arguments: call(*arguments))
    sandbox.faults({"fault": "http_502", "action": "status"})
    done = smmplus("resolve", "--from", "doubts.csv", "--yes")
    sandbox.faults()
    assert (done.status, len(open_ones(smmplus))) == (7, 3)
    assert "nothing was recorded" in done.words


def test_a_campaign_whose_name_a_spreadsheet_takes_for_a_formula_comes_back(smmplus, sandbox, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"service,link,quantity\n2,{LINK}/formula,100\n", "utf-8")
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
    assert smmplus("run", path, *RUN, "--campaign", "=1+1").status == 4
    sandbox.faults()
    rows = export(smmplus, tmp_path)
    assert rows[0]["key"].startswith("'=1+1/")
    rows[0]["answer"] = placed(sandbox, f"{LINK}/formula")
    write(tmp_path, rows)
    assert smmplus("resolve", "--from", "doubts.csv", "--yes").status == 0
    assert open_ones(smmplus) == []


# One of several.


def test_an_order_that_another_doubt_may_be_is_taken_and_that_is_shown(smmplus, sandbox, tmp_path):
    path = tmp_path / "week.csv"
    path.write_text("service,link,quantity\n" + "".join(f"2,{LINK}/same-{n},100\n" for n in range(2)), "utf-8")
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [1, 2]})
    assert smmplus("run", path, *RUN).status == 4
    sandbox.faults()
    first, second = open_ones(smmplus)
    done = smmplus("resolve", first, "--order-id", placed(sandbox, f"{LINK}/same-0"))
    assert done.status == 0
    assert f"also fits {second}" in done.words
