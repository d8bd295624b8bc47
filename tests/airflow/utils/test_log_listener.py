"""What a run of a sheet says in a task's log."""

import itertools
import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from airflow_provider_smmplus.utils import log_listener
from airflow_provider_smmplus.utils.log_listener import MOST_PROBLEMS, LogWatcher, log_part, log_plan, log_rows
from bulk.model.sheet import Problem
from bulk.running.partitions import PlacedPart
from bulk.running.result import RunResult
from bulk.writing import Written
from smmplus.api.error_texts import Meaning
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Progress
from tests.bulk.plans import LINK, Ledger, entry_of, row, sheet_of

LOG = logging.getLogger("a task")


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


@pytest.fixture
def week(journal):
    return Ledger.of(journal)


def problem(number):
    return Problem(f"C{number}", "quantity", "many", "is no number", "write one", number)


def test_a_plan_is_told_with_its_cost(week, said):
    log_plan(LOG, week.plan(sheet_of(row(), row("https://example.com/other"))))
    assert said()[-2:] == [
        "INFO service 2 (Likes): 2 rows, 0.3 USD",
        "INFO campaign 'week': 2 rows, 0 already in the journal, 2 to send for 0.3 USD; the balance is 1000",
    ]


def test_every_problem_is_told_with_its_cell_its_value_and_what_to_do(week, said):
    log_plan(LOG, week.plan(sheet_of(row(), problems=[problem(3), problem(4)])))
    assert said()[:2] == [
        "ERROR C3: 'many' is no number (write one)",
        "ERROR C4: 'many' is no number (write one)",
    ]


def test_of_thousands_of_problems_the_first_are_told(week, said):
    log_plan(LOG, week.plan(sheet_of(row(), problems=[problem(number) for number in range(3, MOST_PROBLEMS + 10)])))
    errors = [line for line in said() if line.startswith("ERROR")]
    assert len(errors) == MOST_PROBLEMS + 1
    assert errors[-1] == "ERROR and 7 more problems"


def test_what_to_think_of_twice_is_a_warning(week, said):
    log_plan(LOG, week.plan(sheet_of(row(), row("http://www.example.com/post/"))))
    assert said()[0] == (
        "WARNING line 3, link: 'http://www.example.com/post/': differs only in form from line 2, link, for the same "
        "service: https://example.com/post (continue if both are intended; otherwise delete one)"
    )


def test_of_thousands_of_second_thoughts_the_first_are_told(week, said):
    rows = [row(f"https://example.com/post{'/' * number}") for number in range(MOST_PROBLEMS + 10)]
    log_plan(LOG, week.plan(sheet_of(*rows)))
    warnings = [line for line in said() if "only in form" in line]
    assert len(warnings) == MOST_PROBLEMS
    assert "WARNING and 9 more warnings" in said()


def test_progress_is_told_now_and_then_and_at_the_end(said, monkeypatch):
    clock = itertools.count(0.0, 4.0)
    listener = LogWatcher(LOG)
    listener.placing(5)
    placed = SimpleNamespace(entry=1, state=State.PLACED, order_id="501", error="")
    with monkeypatch.context() as patch:
        patch.setattr(log_listener, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        for _ in range(5):
            listener.placed(2, placed)
    assert said() == ["INFO placing 5 orders", "INFO placed 1 of 5", "INFO placed 4 of 5", "INFO placed 5 of 5"]


def test_a_watcher_agrees_for_who_runs_a_dag_has_decided(week):
    listener = LogWatcher(LOG)
    assert listener.agreed
    assert listener.confirm(week.plan(sheet_of(row())))


def test_notes_and_results_are_told(said, tmp_path):
    listener = LogWatcher(LOG)
    listener.note("the balance is low")
    listener.waiting("slow", datetime(2026, 11, 28, 21, 5, 10, tzinfo=UTC))
    listener.following(5, 2)
    listener.wrote(Written(tmp_path / "week.csv", in_place=True, reason="", digest=""))
    assert said() == [
        "WARNING the balance is low",
        "WARNING The panel says not now (slow). Its orders wait and are sent again, until 21:05:10 UTC at the latest",
        "INFO tracking: 2 of 5 orders finished",
        f"INFO written to {tmp_path / 'week.csv'}",
    ]


REFUSED = entry_of(state=State.REJECTED, error="Moon", meaning=Meaning.UNKNOWN.name)


def test_refused_rows_are_named_with_the_way_to_send_them(week, said):
    log_rows(LOG, RunResult(week.plan(sheet_of(row())), {2: REFUSED}))
    assert said()[:2] == ["WARNING rejected by the panel (1):", f"WARNING   row 2 {LINK}: Moon"]
    assert said()[2].endswith("clear the task with retry_refused=True")


def test_a_part_names_its_orders(said):
    held = entry_of(number=7, state=State.NOT_SENT)
    log_part(LOG, PlacedPart((REFUSED, held, entry_of()), Progress(held_back={7: "an active order"})))
    assert said()[:4] == [
        "WARNING rejected by the panel (1):",
        f"WARNING   service 2 {LINK}: Moon",
        "WARNING held back, and not sent (1):",
        f"WARNING   service 2 {LINK}: an active order",
    ]
