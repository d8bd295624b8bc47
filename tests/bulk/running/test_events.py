"""Who looks on in silence."""

from datetime import UTC, datetime

import pytest

from bulk.running.events import GuardedListener, RunListener
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Placed


@pytest.mark.parametrize("agreed", [True, False])
def test_it_agrees_only_if_told_to(agreed):
    assert RunListener(agreed=agreed).confirm(None) is agreed


def test_it_hears_everything_and_says_nothing(capfd):
    listener = RunListener(agreed=True)
    listener.planned(None)
    listener.placing(1)
    listener.placed(2, Placed(1, State.PLACED))
    listener.waiting("slow", datetime.now(UTC))
    listener.following(1, 1)
    listener.wrote(None)
    listener.note("something")
    assert capfd.readouterr() == ("", "")


class Broken(RunListener):
    """A listener whose output fails from the second word on."""

    def __init__(self, failure):
        super().__init__(agreed=True)
        self.heard = []
        self._failure = failure

    def _hear(self, *words):
        self.heard.append(words)
        if len(self.heard) > 1:
            raise self._failure

    placing = placed = waiting = following = wrote = note = _hear


@pytest.mark.parametrize("failure", [BrokenPipeError(), OSError(28, "no space left"), ValueError("closed file")])
def test_an_output_that_is_gone_is_spoken_to_no_more_and_stops_nothing(failure):
    broken = Broken(failure)
    listener = GuardedListener(broken)
    listener.placing(2)
    listener.placed(2, Placed(1, State.PLACED))
    listener.following(2, 1)
    listener.wrote(None)
    listener.note("something")
    assert broken.heard == [(2,), (2, Placed(1, State.PLACED))]


def test_an_error_of_the_program_is_not_hidden():
    listener = GuardedListener(Broken(ZeroDivisionError()))
    listener.note("one")
    with pytest.raises(ZeroDivisionError):
        listener.note("two")
