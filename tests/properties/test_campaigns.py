"""Random steps of a person, a panel and a machine that breaks, under the invariants of money.

The usual tests take a small, steady selection. `make properties` takes thousands of steps, other ones each time, and
says how many they were; a failure prints the smallest way to it.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from smmplus import retry
from tests.properties.breaking import without_waiting
from tests.properties.machine import Campaigns

pytestmark = pytest.mark.e2e

EXAMPLES = int(os.environ.get("SMMPLUS_PROPERTIES_EXAMPLES", "0"))
"""How many random examples; 0 for the steady selection."""

_ALWAYS = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
STEADY = settings(
    _ALWAYS, max_examples=10, stateful_step_count=30, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
LONG = settings(_ALWAYS, max_examples=EXAMPLES or 1, stateful_step_count=50, database=None)


@pytest.fixture(autouse=True)
def _sandbox(monkeypatch):
    monkeypatch.setattr(retry, "_backoff", retry._backoff)
    without_waiting()
    Campaigns.steps.clear()
    yield
    Campaigns.end()


def test_no_order_twice_and_none_lost_whatever_happens(capsys):
    run_state_machine_as_test(Campaigns, settings=LONG if EXAMPLES else STEADY)
    steps = Campaigns.steps
    with capsys.disabled():
        if EXAMPLES:
            print(f"\n{steps.total()} steps:", *(f"{steps[name]:6} {name}" for name in sorted(steps)), sep="\n")  # noqa: T201
    assert steps.total() > 150
