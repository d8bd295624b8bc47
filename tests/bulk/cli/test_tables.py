"""What commands say to people."""

import io
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from bulk.cli import tables
from bulk.model.sheet import Problem
from bulk.running.result import RunResult
from bulk.writing import Written
from smmplus.journal import budgets
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from smmplus.texts import counted
from tests.bulk.plans import LINK, entry_of, request, row, service, sheet_of


def said(shown, *things, width=140):
    """Show something on paper, and give the words."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    shown(console, *things)
    return console.file.getvalue()


def words(*things, **about):
    return " ".join(said(*things, **about).split())


def test_rows_are_counted_in_words():
    told = [counted(number, "row") for number in (0, 1, 2, 1_234_567)]
    assert told == ["0 rows", "1 row", "2 rows", "1234567 rows"]


# Plans.


def test_a_plan_tells_its_costs_and_the_balance(week):
    text = words(tables.show_plan, week.plan(sheet_of(row(), row(LINK + "/2"), name="Orders")))
    assert "week.csv (sheet 'Orders'): 2 rows, campaign 'week'" in text
    assert "2 Likes 2 200 1.50 0.30" in text
    assert "to send: 2 rows for 0.30 USD balance: 1000.00 USD" in text
    assert "budget" not in text


def test_a_plan_tells_what_is_placed_already(week):
    week.accepted("501"), week.in_doubt(request(LINK + "/2"))
    text = words(tables.show_plan, week.plan(sheet_of(row(), row(LINK + "/2"), ignored=["note", "[x]"])))
    assert "Already in the journal: 1 Placed, 1 In doubt" in text
    assert "Ignored columns: note, [x]" in text
    assert "Nothing to send" in text


def test_rows_that_are_orders_of_another_campaign_are_told_how_to_be_ordered_anew(week):
    week.accepted("501")
    sheet = sheet_of({**row(), "order_id": "501"})
    assert "another campaign" not in words(tables.show_plan, week.plan(sheet))
    plan = week.plan(sheet)
    elsewhere = replace(plan, campaign=replace(plan.campaign, name="autumn"))
    assert "orders of another campaign ('week'). To place them again, clear their order_id" in words(
        tables.show_plan, elsewhere
    )


def test_a_plan_tells_what_stands_against_it(week):
    cells = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0"}
    subscription = service("7", kind="Subscriptions")
    text = words(tables.show_plan, week.plan(sheet_of(row(), cells), service(), subscription, balance="0.1"))
    assert "1 of them have no maximum cost and are not included" in text
    assert "The balance is short by 0.05 USD" in text


def test_a_sum_with_upper_bounds_in_it_is_the_most_that_it_can_be(week):
    cells = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0", "posts": "5"}
    services = service(), service("7", kind="Subscriptions")
    assert "to send: 1 row for 0.15 USD" in words(tables.show_plan, week.plan(sheet_of(row()), *services))
    text = words(tables.show_plan, week.plan(sheet_of(row(), cells), *services))
    assert "to send: 2 rows for at most 1.65 USD" in text


def test_a_plan_tells_what_headers_stand_for_and_which_rows_are_left_out(week):
    sheet = replace(sheet_of(row(), row(LINK + "/2", skip="x")), headers=(("Alamat", "link"), ("Pcs", "quantity")))
    text = words(tables.show_plan, week.plan(sheet))
    assert "Mapped headers: 'Alamat' is link, 'Pcs' is quantity" in text
    assert "1 row is left out by the column 'skip'" in text
    kept = replace(sheet, headers_from=Path("somewhere/week.map.json"))
    assert "'Pcs' is quantity (saved in week.map.json)" in words(tables.show_plan, week.plan(kept))


def test_a_plan_tells_its_budget(week):
    week.accepted()
    text = words(tables.show_plan, week.plan(sheet_of(row(LINK + "/2")), max_spend=Decimal(2)))
    assert "campaign budget: 0.15 of 2.00 USD already spent" in text


def test_a_plan_tells_the_budget_that_the_journal_keeps(week):
    budgets.set_budget(week.journal, week.campaign, Decimal("0.1"))
    text = words(tables.show_plan, week.plan(sheet_of(row())))
    assert "campaign budget: 0.00 of 0.10 USD already spent Over budget by 0.05 USD" in text


def test_a_plan_of_the_first_rows_tells_of_how_many(week):
    text = words(tables.show_plan, week.plan(sheet_of(row(), row(LINK + "/2")), first=1))
    assert "to send: the first 1 row of 2 for 0.15 USD" in text


def test_the_first_rows_are_told_with_the_way_to_the_rest(week):
    plan = week.plan(sheet_of(row(), row(LINK + "/2")), first=1)
    way = "Placed the first 1 of 2 rows to send; for the rest: smmplus run week.csv"
    assert way in words(tables.show_outcome, RunResult(plan, {2: week.accepted()}, sent=1))
    assert way not in words(tables.show_outcome, RunResult(plan, {}, stop=Stop.FUNDS))
    assert way not in words(tables.show_outcome, RunResult(plan, {}, blocked="no"))


def test_what_a_panel_says_is_no_markup(week):
    entry = week.accepted("501")
    odd = service("[/2]", name="[/b] likes [red]")
    plan = week.plan(sheet_of(row(), row(service="[/2]")), service(), odd)
    plan.matching.entries[2] = entry_of(number=entry.id, order_status="[/odd] word")
    object.__setattr__(plan.prices.balance, "currency", "[/USD]")
    text = words(tables.show_plan, plan)
    assert "Already in the journal: 1 [/odd] word" in text
    assert "[/2] [/b] likes [red]" in text
    assert "balance: 1000.00 [/USD]" in text


def test_a_plan_tells_what_to_think_of_twice_beside_what_is_sent(week):
    text = words(tables.show_plan, week.plan(sheet_of(row(), row("http://example.com/post"))))
    assert text.index("to send: 2 rows") < text.index("Warnings (1 row), which do not stop a run:")
    assert (
        f"line 3, link (http://example.com/post): differs only in form from line 2, link, for the same service: {LINK}"
        in text
    )
    assert "continue if both are intended; otherwise delete one" in text


def test_no_more_to_think_of_twice_than_is_read(week):
    rows = [row(LINK + "/" * number) for number in range(tables.MOST_SECOND_THOUGHTS + 4)]
    text = words(tables.show_plan, week.plan(sheet_of(*rows)))
    assert text.count("only in form") == tables.MOST_SECOND_THOUGHTS
    assert "… and 3 more (--json shows all)" in text


def test_a_plan_without_second_thoughts_is_silent_of_them(week):
    assert "Warnings" not in words(tables.show_plan, week.plan(sheet_of(row())))


def test_problems_are_told_with_place_value_and_remedy():
    text = words(tables.show_problems, (Problem("C2", "quantity", "[/x]", "is [no] number", "write 1000", 2),))
    assert text.startswith("1 problem: ")
    assert text.endswith("C2 ([/x]): is [no] number write 1000")


def test_many_problems_are_cut_and_counted():
    many = tuple(Problem(f"C{n}", "", "", "is wrong", "mend it", n) for n in range(2, 62))
    text = words(tables.show_problems, many)
    assert text.startswith("60 problems:")
    assert "C51: is wrong" in text
    assert "C52" not in text
    assert text.endswith("… and 10 more (--json shows all)")


# Outcomes.


@pytest.fixture
def plan(week):
    return week.plan(sheet_of(row()))


def test_a_good_end(plan):
    text = words(tables.show_outcome, RunResult(plan, {2: entry_of(), 3: entry_of(order_status="Completed")}, sent=2))
    assert text.startswith("1 Placed, 1 Completed not reported yet: 2 orders, ")
    assert text.endswith("To update the sheet, in 5 minutes or later: smmplus status week.csv")


def test_the_command_for_later_has_no_option_that_it_would_refuse(plan):
    asked = replace(plan, options=replace(plan.options, wait=5.0, poll=1.0, rate=2.0))
    text = words(tables.show_outcome, RunResult(asked, {2: entry_of()}, sent=1))
    assert text.endswith("smmplus status week.csv --rate 2")


def test_nothing_new(week):
    week.accepted()
    plan = week.plan(sheet_of(row()))
    text = words(tables.show_outcome, RunResult(plan, plan.matching.entries))
    assert text.startswith("No new orders were placed. 1 Placed")


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.NOT_SENT, "Not sent"),
        (State.SENDING, "Sending"),
        (State.REJECTED, "Rejected"),
        (State.IN_DOUBT, "In doubt"),
    ],
)
def test_states_have_words(plan, state, text):
    assert f"1 {text}" in words(tables.show_outcome, RunResult(plan, {2: entry_of(state=state)}))


def test_order_ids_that_are_in_no_journal_are_shouted(plan):
    text = words(
        tables.show_outcome, RunResult(plan, {}, unrecorded={2: "777"}, alarms=("two orders for one row: 1 and 2",))
    )
    assert "row 2 is order 777, which could not be recorded in the journal: write the number down" in text
    assert "smmplus resolve KEY --order-id 777" in text
    assert "ALARM: two orders for one row: 1 and 2" in text


def test_an_order_id_that_waits_in_a_rescue_file_is_nobodys_work(plan):
    text = words(tables.show_outcome, RunResult(plan, {}, unrecorded={2: "777"}, rescued={2: Path("the/file")}))
    words_of_it = "row 2 is order 777, which could not be recorded in the journal: it is saved in the/file."
    assert f"{words_of_it} The next run records it" in text
    assert "smmplus resolve" not in text


def test_a_long_path_is_told_in_one_piece(plan):
    path = Path("/folder", "of-many-letters" * 20)
    assert str(path) in words(tables.show_outcome, RunResult(plan, {}, unrecorded={2: "777"}, rescued={2: path}))


def test_what_stands_in_the_way_is_all_that_is_said(plan):
    assert words(tables.show_outcome, RunResult(plan, {2: entry_of()}, blocked="mend [them]")) == "mend [them]"


def test_why_it_stopped_and_how_to_go_on(plan):
    entries = {2: entry_of(state=State.NOT_SENT)}
    text = words(tables.show_outcome, RunResult(plan, entries, stop=Stop.ACCOUNT, reason="Not enough [funds]"))
    assert "Stopped: the panel refuses the account (Not enough [funds])" in text
    way = "Fix the API key, or ask the panel about the account. Run the same command to continue. Placed orders are not"
    assert f"{way} repeated: smmplus run week.csv" in text


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (
            {"unfollowed": "interrupted"},
            "Tracking stopped (interrupted). The orders continue. Run the same command to continue.",
        ),
        (
            {"unwritten": "disk full"},
            "Results are in the journal but could not be written into the sheet: disk full Run the same command",
        ),
        (
            {"written": Written(Path("week.results.csv"), "", in_place=False, reason="Excel has it open")},
            "The results are in week.results.csv: Excel has it open",
        ),
    ],
)
def test_what_is_left_to_know(plan, about, text):
    assert text in words(tables.show_outcome, RunResult(plan, {2: entry_of()}, sent=1, **about))


def test_what_was_not_delivered_as_ordered_is_named(plan):
    entries = {
        2: entry_of(order_id="501", order_status="Partial", final=True, remains="400"),
        3: entry_of(order_id="502", order_status="Completed", final=True, remains="-20"),
        4: entry_of(order_id="503", order_status="Completed", final=True, remains="0"),
        5: entry_of(order_id="504", order_status="In progress", remains="9"),
    }
    text = words(tables.show_outcome, RunResult(plan, entries))
    assert "Not delivered in full: 501 (400) Delivered more than ordered: 502 (20)" in text
    assert "503" not in text


def test_an_unknown_status_is_named_once_with_the_option_that_makes_it_final(plan):
    entries = {row: entry_of(order_id=f"50{row}", order_status="Handled by hand") for row in (2, 3)}
    text = words(tables.show_outcome, RunResult(plan, entries))
    assert text.count("Unknown status 'Handled by hand' (2 orders): counted as unfinished.") == 1
    assert "smmplus status week.csv --final 'Handled by hand'" in text


def test_doubts_lead_to_their_command(plan):
    text = words(tables.show_outcome, RunResult(plan, {2: entry_of(state=State.IN_DOUBT)}, sent=1))
    assert "in doubt, and not sent again (1): row 2 https://example.com/post" in text
    assert "smmplus resolve --campaign week --not-placed" in text


# Sheets and consoles.


def test_a_sheet_is_shown_with_what_it_holds():
    sheet = sheet_of(row(order_id="501", error=""), row(LINK + "/2", order_id=""))
    text = words(tables.show_sheet, sheet)
    assert "error" not in text
    assert "2 example.com/post 100 501 3 example.com/post/2 100" in text


@pytest.mark.parametrize("stderr", [True, False])
def test_a_console_writes_where_it_is_told_to(capsys, stderr):
    tables.console(stderr=stderr).print("hello")
    out, err = capsys.readouterr()
    assert (out, err) == (("", "hello\n") if stderr else ("hello\n", ""))


def test_a_quiet_console_says_nothing(capsys):
    tables.console(quiet=True).print("hello")
    assert capsys.readouterr().out == ""


def test_off_a_terminal_lines_are_not_cut_to_a_terminals_width(capsys):
    assert not sys.stdout.isatty()
    assert tables.console().width == 140
