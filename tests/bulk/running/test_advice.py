"""Which rows are not ordered and why, and what comes next."""

from decimal import Decimal

import pytest

from bulk.dataframes import how_to_repeat
from bulk.running.advice import FIRST, MOST_CHARACTERS, describe_rows, next_steps
from bulk.running.result import RunResult
from smmplus.api.error_texts import Meaning
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, Ledger, entry_of, row, sheet_of


@pytest.fixture
def plan(journal):
    return Ledger.of(journal).plan(sheet_of(*(row(f"{LINK}/{number}") for number in range(12))))


def refused(error="Moon", meaning=Meaning.UNKNOWN.name):
    return entry_of(state=State.REJECTED, error=error, meaning=meaning)


def test_rows_are_named_with_link_and_words_and_many_lead_to_the_sheet(plan):
    told = list(describe_rows(RunResult(plan, {number: refused() for number in range(2, 14)}), "see the sheet"))
    assert told[:2] == ["rejected by the panel (12):", f"  row 2 {LINK}: Moon"]
    assert (len(told), told[-1]) == (12, "  … and 2 more: see the sheet")


def test_ten_rows_are_all_named(plan):
    told = list(describe_rows(RunResult(plan, {number: refused() for number in range(2, 12)}), "see the sheet"))
    assert told[-1] == f"  row 11 {LINK}: Moon"


def test_each_kind_has_its_head(plan):
    entries = {2: entry_of(state=State.IN_DOUBT, error="no answer"), 3: entry_of(state=State.NOT_SENT)}
    told = list(describe_rows(RunResult(plan, entries, held={3: "an active order has this link"}), ""))
    assert told == [
        "in doubt, and not sent again (1):",
        f"  row 2 {LINK}: no answer",
        "held back, and not sent (1):",
        f"  row 3 {LINK}: an active order has this link",
    ]


def test_what_a_panel_says_at_length_is_cut(plan):
    (_, told) = describe_rows(RunResult(plan, {2: refused("x" * 1000)}), "")
    assert told.endswith("x…")
    assert len(told) < MOST_CHARACTERS + 100


def test_orders_say_nothing(plan):
    outcome = RunResult(plan, {number: entry_of(order_id="1") for number in range(2, 14)})
    assert [*describe_rows(outcome, ""), *next_steps(outcome, how_to_repeat)] == []


def test_only_a_text_that_is_not_known_needs_a_word(plan):
    about = RunResult(plan, dict.fromkeys(range(2, 14), refused(meaning="")))
    (step,) = next_steps(about, how_to_repeat)
    assert "The next run sends them" in step
    assert "retry_refused" not in step
    (step,) = next_steps(RunResult(plan, dict.fromkeys(range(2, 14), refused())), how_to_repeat)
    assert step.endswith("call it again with retry_refused=True")
    assert "to go on" not in step


def test_every_stop_says_what_comes_first():
    assert set(FIRST) == set(Stop)


@pytest.mark.parametrize("stop", [stop for stop in Stop if stop is not Stop.BUDGET])
def test_every_stop_leads_on(plan, stop):
    (step,) = next_steps(RunResult(plan, {}, stop=stop, reason="why"), how_to_repeat)
    assert step == FIRST[stop] + "Call it again to continue. Placed orders are not repeated"


def test_doubts_lead_to_commands_with_their_account(plan):
    doubt = entry_of(state=State.IN_DOUBT, account="Shop 2", campaign="week 7")
    steps = "\n".join(next_steps(RunResult(plan, {2: doubt}), how_to_repeat, "`"))
    assert "`smmplus doubts`" in steps
    assert f"`smmplus resolve '{doubt.name}' --order-id NUMBER --account 'Shop 2'`" in steps
    assert "`smmplus resolve --campaign 'week 7' --not-placed --account 'Shop 2'`" in steps


def test_a_budget_leads_to_what_the_rows_need(journal):
    week = Ledger.of(journal)
    rows = sheet_of(row(), row(LINK + "/2"))
    plan = week.plan(rows, max_spend=Decimal("0.15"))
    (step,) = next_steps(RunResult(plan, {}, stop=Stop.BUDGET), how_to_repeat)
    assert step.endswith("call it again with max_spend='0.3'")
