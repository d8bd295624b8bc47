"""Random steps of a person, a panel and a machine that breaks, under the invariants of money.

The usual tests take a small, steady selection. `make properties` takes thousands of steps, other ones each time, and
says how many they were; a failure prints the smallest way to it.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from smmplus.api import retry
from tests.properties.breaking import without_waiting
from tests.properties.machine import Campaigns, PostgresCampaigns

pytestmark = pytest.mark.e2e

EXAMPLES = int(os.environ.get("SMMPLUS_PROPERTIES", "0"))
"""How many random examples; 0 for the steady selection."""

_ALWAYS = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
LONG = settings(_ALWAYS, max_examples=EXAMPLES or 1, stateful_step_count=50, database=None)


def _steady(examples):
    """Take the same steps each time; a failure is told as it is, for making it smaller would take minutes."""
    phases = [Phase.explicit, Phase.generate]
    return settings(_ALWAYS, max_examples=examples, stateful_step_count=30, derandomize=True, phases=phases)


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch):
    monkeypatch.setattr(retry, "_backoff", retry._backoff)
    without_waiting()
    Campaigns.steps.clear()
    Campaigns.seen.clear()
    yield
    Campaigns.end()


@pytest.mark.parametrize(("machine", "examples"), [(Campaigns, 8), (PostgresCampaigns, 2)])
def test_no_order_twice_and_none_lost_whatever_happens(machine, examples, capsys):
    run_state_machine_as_test(machine, settings=LONG if EXAMPLES else _steady(examples))
    steps, seen = Campaigns.steps, Campaigns.seen
    if EXAMPLES:
        with capsys.disabled():
            lines = (f"{counted[name]:7} {name}" for counted in (steps, seen) for name in sorted(counted))
            print(f"\n{machine.__name__}: {steps.total()} steps", *lines, sep="\n")  # noqa: T201 - to be looked at
    assert steps.total() > 10 * examples
    assert seen["orders placed"] > examples
