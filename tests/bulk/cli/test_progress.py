"""How a run looks while it goes on."""

import io
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer
from rich.console import Console

from bulk.cli import progress as watchers
from bulk.cli.progress import Bars, Lines, listener_for
from bulk.writing import Written
from smmplus.journal.maintenance.restore import Backup
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Placed
from tests.bulk.plans import LINK, row, sheet_of

UNTIL = datetime(2026, 11, 28, 21, 5, 10, tzinfo=timezone(timedelta(hours=7), "WIB"))
WHERE = "from account default at smm.plus"


def console(*, terminal=False):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)


def text_of(console):
    return console.file.getvalue()


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def out():
    return console()


@pytest.fixture
def progress():
    return console()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(out, progress, clock):
    with Lines(out, progress, agreed=True, clock=clock) as listener:
        yield listener


def placed(state=State.PLACED):
    return Placed(1, state)


def test_on_a_terminal_there_are_bars_and_lines_elsewhere(out):
    assert isinstance(listener_for(out, console(terminal=True), agreed=True), Bars)
    assert isinstance(listener_for(out, console(), agreed=True), Lines)


def test_the_plan_goes_to_the_results_and_not_to_the_progress(lines, out, progress, week):
    lines.planned(week.plan(sheet_of(row())))
    assert "to send: 1 row for 0.15 USD" in text_of(out)
    assert text_of(progress) == ""


def test_who_agreed_is_not_asked(lines, week, monkeypatch):
    monkeypatch.setattr(typer, "prompt", pytest.fail)
    assert lines.confirm(week.plan(sheet_of(row())))


@pytest.fixture
def asked(monkeypatch):
    """Give the questions that a person is asked; the answer is what `asked.answer` is."""

    class Asked(list):
        answer = ""

    questions = Asked()
    monkeypatch.setattr(typer, "prompt", lambda question, **_: questions.append(question) or questions.answer)
    return questions


@pytest.mark.parametrize(
    ("answer", "language", "yes"),
    [
        *((answer, "en", True) for answer in ("y", " YES ")),
        *((answer, "en", False) for answer in ("", "n", "ya", "yep", "yes no")),
        *((answer, "id", True) for answer in ("y", "Ya", "yes")),
        *((answer, "id", False) for answer in ("", "t", "tidak", "yak")),
    ],
)
def test_only_a_clear_yes_in_the_person_s_language_is_one(asked, monkeypatch, answer, language, yes):
    monkeypatch.setenv("SMMPLUS_LANGUAGE", language)
    asked.answer = answer
    assert watchers.asked("Place 1 order?") is yes
    assert asked == [f"Place 1 order? [{'y/T' if language == 'id' else 'y/N'}]"]


@pytest.mark.parametrize("answer", ["y", "n"])
def test_anyone_else_is_asked_with_the_number_and_the_cost(out, progress, week, asked, answer):
    asked.answer = answer
    listener = Lines(out, progress, agreed=False)
    assert listener.confirm(week.plan(sheet_of(row()))) is (answer == "y")
    assert asked == [f"Place 1 order for 0.15 USD {WHERE}? About 1 second at 1 call a second. [y/N]"]


def test_whoever_wants_the_first_rows_alone_is_asked_for_those(out, progress, week, asked):
    Lines(out, progress, agreed=False).confirm(week.plan(sheet_of(row(), row(LINK + "/2")), first=1))
    assert asked == [f"Place the first 1 of 2 orders for 0.15 USD {WHERE}? About 1 second at 1 call a second. [y/N]"]


def test_what_a_restored_journal_does_not_know_is_told_before_the_question_and_in_it(out, progress, week, asked):
    plan = week.plan(sheet_of(row()))
    restored = replace(plan, campaign=replace(plan.campaign, backup=Backup("2026-01-01T12:00", "2026-01-02T12:00")))
    Lines(out, progress, agreed=False).confirm(restored)
    assert asked[0].startswith(f"Place 1 order for 0.15 USD {WHERE}, none of them placed since the backup?")
    said = " ".join(text_of(out).split())
    assert said.startswith("This journal was restored on 2 Jan 2026, 12:00 UTC from a backup of 1 Jan 2026, 12:00 UTC")
    assert "Look at the panel's order page" in said


def test_nobody_there_to_ask_is_a_no(out, progress, week, monkeypatch):
    def prompt(_question, **_):
        raise typer.Abort

    monkeypatch.setattr(typer, "prompt", prompt)
    assert not Lines(out, progress, agreed=False).confirm(week.plan(sheet_of(row())))


def test_lines_come_now_and_then_and_at_the_end(lines, progress, clock):
    lines.placing(4)
    lines.placed(2, placed())
    clock.now += 4.9
    lines.placed(2, placed())
    clock.now += 0.1
    lines.placed(2, placed())
    lines.placed(2, placed())
    assert text_of(progress).splitlines() == [
        "placing: 1 of 4",
        "placing: 3 of 4, 0.6 a second, about 2 seconds left",
        "placing: 4 of 4",
    ]


def test_refusals_and_doubts_are_counted(lines, progress):
    lines.placing(3)
    for state in (State.REJECTED, State.IN_DOUBT, State.IN_DOUBT):
        lines.placed(2, placed(state))
    assert text_of(progress).splitlines()[-1] == "placing, 1 rejected, 2 in doubt: 3 of 3"


def test_following_is_told(lines, progress, clock):
    lines.following(3, 0)
    lines.following(3, 1)
    clock.now += 5
    lines.following(3, 2)
    lines.following(3, 3)
    told = ["tracking: 0 of 3 finished", "tracking: 2 of 3 finished", "tracking: 3 of 3 finished"]
    assert text_of(progress).splitlines() == told


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_notes_and_written_files_are_told_as_they_are(kind, out, progress):
    with kind(out, progress, agreed=True) as listener:
        listener.note("the panel says [/b]")
        listener.wrote(Written(Path("a [b].csv"), "", in_place=True, reason=""))
    assert text_of(progress).rstrip().splitlines() == ["the panel says [/b]", "Wrote a [b].csv"]


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_a_panel_that_says_not_now_is_told_with_the_latest_time(kind, out, progress):
    with kind(out, progress, agreed=True) as listener:
        listener.waiting("slow [/b]", UNTIL)
    assert text_of(progress).rstrip() == (
        "The panel says not now (slow [/b]). Its orders wait and are sent again, until 21:05:10 WIB at the latest"
    )


def test_bars_show_how_far_it_is(out):
    progress = console(terminal=True)
    with listener_for(out, progress, agreed=True) as bars:
        bars.placing(2)
        bars.placed(2, placed(State.IN_DOUBT))
        bars.placed(2, placed())
        bars.following(2, 0)
        bars.following(2, 1)
    text = text_of(progress)
    assert "placing, 1 in doubt" in text
    assert "2/2" in text
    assert "tracking" in text
    assert "1/2" in text


def test_bars_may_begin_with_following(out):
    progress = console(terminal=True)
    with listener_for(out, progress, agreed=True) as bars:
        bars.placed(2, placed())
        bars.following(5, 4)
    assert "4/5" in text_of(progress)


def test_bars_end_with_an_error(out):
    bars = listener_for(out, console(terminal=True), agreed=True)
    bars.placing(1)
    bars.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert not bars._bars.live.is_started
