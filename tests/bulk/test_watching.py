"""Who looks on in silence."""

import pytest

from bulk.watching import Watcher
from smmplus.journal import State
from smmplus.placing import Placed


@pytest.mark.parametrize("agreed", [True, False])
def test_it_agrees_only_if_told_to(agreed):
    assert Watcher(agreed=agreed).confirm(None) is agreed


def test_it_hears_everything_and_says_nothing(capfd):
    watcher = Watcher(agreed=True)
    watcher.planned(None)
    watcher.placing(1)
    watcher.placed(Placed(1, State.ACCEPTED))
    watcher.following(1, 1)
    watcher.wrote(None)
    watcher.note("something")
    assert capfd.readouterr() == ("", "")
