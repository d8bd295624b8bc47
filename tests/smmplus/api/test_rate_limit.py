import pytest
from hypothesis import given
from hypothesis import strategies as st

from smmplus.api.rate_limit import LEAST_SHARE, RECOVERY_SECONDS, RateLimit


def test_calls_follow_each_other_at_the_rate():
    pace = RateLimit(2.0)
    assert [pace.reserve(100.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_a_pause_is_not_saved_up_for_a_burst():
    pace = RateLimit(1.0)
    pace.reserve(0.0)
    assert [pace.reserve(50.0), pace.reserve(50.0)] == [0.0, 1.0]


def test_no_rate_is_no_limit():
    pace = RateLimit(0.0)
    assert [pace.reserve(1.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_429_halves_the_rate():
    pace = RateLimit(8.0)
    pace.slow_down(0.0)
    assert pace.current == 4.0


def test_the_halved_rate_is_kept_between_calls():
    pace = RateLimit(1.0)
    pace.slow_down(0.0)
    assert [pace.reserve(1.0), pace.reserve(1.0)] == [0.0, 2.0]


def test_however_often_a_share_of_the_rate_remains():
    pace = RateLimit(16.0)
    for _ in range(20):
        pace.slow_down(0.0)
    assert pace.current == 16.0 * LEAST_SHARE


def test_nothing_leaves_before_retry_after_is_over():
    pace = RateLimit(1.0)
    pace.slow_down(10.0, 30.0)
    assert pace.reserve(15.0) == 25.0


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("asked", [86400.0, float("inf")])
def test_a_day_s_retry_after_does_not_hold_the_others_for_a_day(rate, asked):
    """The run is given up after such an answer: those who wait for their turn must live to see it."""
    pace = RateLimit(rate)
    pace.slow_down(0.0, asked)
    assert pace.reserve(0.0) <= 120.0


def test_a_minute_without_a_429_gives_back_a_tenth():
    pace = RateLimit(10.0)
    pace.slow_down(0.0)
    pace.reserve(RECOVERY_SECONDS)
    assert pace.current == pytest.approx(6.0)


def test_less_than_a_minute_gives_nothing_back():
    pace = RateLimit(10.0)
    pace.slow_down(0.0)
    pace.reserve(RECOVERY_SECONDS - 1)
    assert pace.current == 5.0


def test_an_hour_gives_back_all_and_no_more():
    pace = RateLimit(10.0)
    pace.slow_down(0.0)
    pace.reserve(3600.0)
    assert pace.current == 10.0


@given(
    st.floats(0.1, 50),
    st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.none() | st.floats(0, 500)), max_size=30),
)
def test_moments_are_never_in_the_past_and_keep_the_rate_s_distance(rate, steps):
    pace, now, last = RateLimit(rate), 0.0, None
    for passed, slow, asked in steps:
        now += passed
        if slow:
            pace.slow_down(now, asked)
        at = now + pace.reserve(now)
        assert at >= now
        assert last is None or at - last >= 1 / rate - 1e-6
        last = at
