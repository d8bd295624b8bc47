"""From what the journal knows of an order to the cells of its row."""

from decimal import Decimal

import pytest

from bulk.model.sheet import ORDER_RESULTS, Problem
from bulk.running.result import differs_from_sheet, digest_of_cells, entry_cells, problem_cells
from smmplus.journal.state_machine import State
from tests.bulk.plans import entry_of, row, sheet_of


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.NOT_SENT, "Not sent"),
        (State.SENDING, "Sending"),
        (State.PLACED, "Placed"),
        (State.REJECTED, "Rejected"),
        (State.IN_DOUBT, "In doubt"),
    ],
)
def test_every_state_has_its_word(state, word):
    assert entry_cells(entry_of(state=state))["order_status"] == word


def test_the_panels_own_word_comes_first():
    assert entry_cells(entry_of(order_status="In progress"))["order_status"] == "In progress"


def test_every_result_field_has_its_cell():
    assert tuple(entry_cells(entry_of())) == ORDER_RESULTS


def test_what_is_known_stands_in_the_cells():
    entry = entry_of(
        order_id="0501",
        order_status="Partial",
        charge=Decimal("0.2700"),
        start_count="3572",
        remains="-12",
        currency="USD",
        polled_at="2026-02-03T04:05:06.789+00:00",
    )
    assert entry_cells(entry) == {
        "order_id": "0501",
        "order_status": "Partial",
        "charge": "0.27",
        "start_count": "3572",
        "remains": "-12",
        "currency": "USD",
        "error": "",
        "updated_at": "2026-02-03T04:05:06Z",
    }


def test_what_is_not_known_is_an_empty_cell():
    cells = entry_cells(entry_of(state=State.NOT_SENT))
    assert {name: text for name, text in cells.items() if text} == {"order_status": "Not sent"}


def test_a_charge_of_nothing_is_a_charge():
    assert entry_cells(entry_of(charge=Decimal("0.00")))["charge"] == "0"


def test_a_refusal_is_told_word_for_word():
    assert entry_cells(entry_of(state=State.REJECTED, error="Bad link!"))["error"] == "Bad link!"


def test_before_the_first_status_the_time_of_settling_counts():
    assert entry_cells(entry_of(settled_at="2026-02-03T04:05:06.789+00:00"))["updated_at"] == "2026-02-03T04:05:06Z"


def test_problems_become_the_words_of_their_rows():
    problems = [
        Problem("C2", "quantity", "x", "is wrong", "write digits", 2),
        Problem("B2", "link", "y", "is no link", "paste it", 2),
        Problem("column D", "runs", "", "is hidden", "unhide it"),
    ]
    assert problem_cells(problems) == {2: {"error": "C2: is wrong (write digits); B2: is no link (paste it)"}}


@pytest.mark.parametrize(
    ("cells", "new"),
    [
        ({}, False),
        ({2: {"order_id": "501"}}, False),
        ({2: {"order_id": "501", "charge": ""}}, False),
        ({2: {"order_id": "502"}}, True),
        ({2: {"order_id": ""}}, True),
        ({2: {"charge": "1"}}, True),
        ({3: {"order_id": ""}}, False),
        ({3: {"order_id": "502"}}, True),
    ],
)
def test_only_what_does_not_stand_there_is_new(cells, new):
    assert differs_from_sheet(sheet_of(row(order_id="501"), row()), cells) is new


def test_what_no_column_holds_is_new_unless_it_is_empty():
    sheet = sheet_of(row())
    assert (differs_from_sheet(sheet, {2: {"error": ""}}), differs_from_sheet(sheet, {2: {"error": "no"}})) == (
        False,
        True,
    )


@pytest.mark.parametrize(
    "other", [{}, {2: {"order_id": "502"}}, {3: {"order_id": "501"}}, {2: {"charge": "501"}}, {2: {"order_id": ""}}]
)
def test_cells_that_differ_have_another_digest(other):
    assert (
        digest_of_cells({2: {"order_id": "501"}}) == digest_of_cells({2: {"order_id": "501"}}) != digest_of_cells(other)
    )
