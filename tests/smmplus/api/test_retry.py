import inspect
import logging

import pytest

from smmplus import errors
from smmplus.api.retry import ATTEMPTS, LONGEST_RETRY_AFTER, async_retrying, may_repeat, retrying
from smmplus.errors import (
    AccountError,
    AddressError,
    BusyError,
    CallError,
    DuplicateOrderError,
    FollowUpError,
    InvalidOrderError,
    JournalError,
    LostAnswerError,
    MalformedCallError,
    NeverSentError,
    RedirectError,
    UnclearAnswerError,
    UnknownFollowUpError,
    UnknownRefusalError,
    UnreadableAnswerError,
)

# Error -> whether a read may be repeated, whether an `add`, `refill` or `cancel` may.
MAY_REPEAT = {
    NeverSentError: (True, True),
    BusyError: (True, True),
    LostAnswerError: (True, False),
    UnclearAnswerError: (True, False),
    RedirectError: (False, False),
    UnreadableAnswerError: (False, False),
    AddressError: (False, False),
    InvalidOrderError: (False, False),
    AccountError: (False, False),
    DuplicateOrderError: (False, False),
    FollowUpError: (False, False),
    MalformedCallError: (False, False),
    UnknownRefusalError: (False, False),
    UnknownFollowUpError: (False, False),
}


@pytest.mark.parametrize(("kind", "read", "effect"), [(kind, *may) for kind, may in MAY_REPEAT.items()])
def test_what_may_be_repeated(kind, read, effect):
    assert (may_repeat(kind("x"), effect=False), may_repeat(kind("x"), effect=True)) == (read, effect)


def test_the_table_names_every_error_of_a_call():
    kinds = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CallError)}
    assert kinds - {CallError, errors.RefusedError} == set(MAY_REPEAT)


@pytest.mark.parametrize("error", [ValueError("x"), JournalError("x"), KeyboardInterrupt(), CallError("x")])
@pytest.mark.parametrize("effect", [True, False])
def test_no_other_error_is_repeated(error, effect):
    assert may_repeat(error, effect=effect) is False


@pytest.mark.parametrize(("asked", "may"), [(None, True), (0.0, True), (LONGEST_RETRY_AFTER, True), (121.0, False)])
def test_a_panel_that_asks_for_a_long_pause_is_not_waited_for(asked, may):
    assert may_repeat(BusyError("slow", retry_after=asked), effect=True) is may


class Failing:
    """A call that fails with each error in turn, and then gives 5."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return 5

    async def again(self):
        return self()


def test_a_read_is_repeated_until_it_succeeds():
    call = Failing(LostAnswerError("x"), UnclearAnswerError("x"))
    assert (retrying(effect=False, sleep=lambda _: None)(call), call.asked) == (5, 3)


@pytest.mark.parametrize("error", [LostAnswerError("x", may_have_taken_effect=True), UnclearAnswerError("x")])
def test_a_call_with_an_effect_is_sent_once_where_it_may_have_arrived(error):
    call = Failing(error)
    with pytest.raises(type(error)):
        retrying(effect=True, sleep=lambda _: None)(call)
    assert call.asked == 1


def test_patience_ends_with_the_error_itself():
    call = Failing(*(NeverSentError(str(number)) for number in range(10)))
    with pytest.raises(NeverSentError, match=str(ATTEMPTS - 1)):
        retrying(effect=True, sleep=lambda _: None)(call)
    assert call.asked == ATTEMPTS


@pytest.mark.parametrize("error", [NeverSentError, LostAnswerError, BusyError])
def test_a_caller_that_is_waited_for_by_a_person_gives_up_sooner(error):
    waits = []
    with pytest.raises(error):
        retrying(effect=False, sleep=waits.append, patience=5.0)(Failing(*(error("no answer") for _ in range(10))))
    assert 1 <= len(waits) <= 3
    assert sum(waits) <= 5


def test_not_now_is_waited_out_for_three_minutes():
    waits, call = [], Failing(*(BusyError("slow") for _ in range(100)))
    with pytest.raises(BusyError):
        retrying(effect=True, sleep=waits.append)(call)
    assert sum(waits) == pytest.approx(180.0)
    assert call.asked == len(waits) + 1 < 14


@pytest.mark.parametrize(("asked", "waits"), [(100.0, [100.0]), (90.0, [90.0, 90.0]), (60.0, [60.0] * 3)])
def test_pauses_that_the_panel_asks_for_are_never_shortened_and_end_with_patience(asked, waits):
    slept = []
    with pytest.raises(BusyError):
        retrying(effect=True, sleep=slept.append)(Failing(*(BusyError("slow", retry_after=asked) for _ in range(9))))
    assert slept == waits


def test_waits_double_from_one_second_with_jitter():
    waits = []
    with pytest.raises(NeverSentError):
        retrying(effect=True, sleep=waits.append)(Failing(*(NeverSentError("x") for _ in range(6))))
    assert [least <= wait <= least + 1 for least, wait in zip((1, 2, 4, 8, 16), waits, strict=True)] == [True] * 5


def test_no_two_that_were_refused_together_ask_again_together():
    waits = []
    for _ in range(5):
        retrying(effect=True, sleep=waits.append)(Failing(NeverSentError("x")))
    assert len(set(waits)) == 5


def test_a_not_now_without_a_time_is_waited_for_like_any_other():
    waits = []
    retrying(effect=True, sleep=waits.append)(Failing(BusyError("slow", retry_after=None)))
    assert 1 <= waits[0] <= 2


def test_a_person_is_told_why_nothing_happens_from_the_second_pause_on(caplog):
    caplog.set_level(logging.INFO, "smmplus.api.retry")
    pauses = (BusyError("slow", retry_after=7.0), BusyError("slower", retry_after=8.0))
    retrying(effect=True, sleep=lambda _: None)(Failing(*pauses))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "slow; asking again in 7 s"),
        ("WARNING", "slower; asking again in 8 s"),
    ]


def test_retry_after_is_waited_for():
    waits = []
    retrying(effect=True, sleep=waits.append)(Failing(BusyError("slow", retry_after=77.0)))
    assert waits == [77.0]


async def test_what_a_caller_tells_is_no_warning(caplog):
    caplog.set_level(logging.INFO, "smmplus.api.retry")

    async def sleep(_):
        """Wait for nothing."""

    pauses = (BusyError("a"), BusyError("b"), NeverSentError("c"))
    await async_retrying(effect=True, sleep=sleep, told=(BusyError,))(Failing(*pauses).again)
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING"]


async def test_the_asynchronous_policy_waits_by_its_own_sleep():
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    call = Failing(BusyError("slow", retry_after=77.0), NeverSentError("x"))
    assert await async_retrying(effect=True, sleep=sleep)(call.again) == 5
    assert (waits[0], len(waits), call.asked) == (77.0, 2, 3)
