"""Ctrl-C, once, twice and three times."""

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from bulk.running.interrupts import _SIGNALS, ONE_PRESS, STOP_REQUEST, Interrupts, StopRequest

NEVER = 3600
"""Seconds that no test waits: being woken is what is tested."""


async def test_nobody_asked_yet():
    with Interrupts() as stopping:
        assert not stopping.asked


@pytest.mark.parametrize("number", _SIGNALS)
async def test_the_first_signal_is_a_request_that_wakes_and_calls(number):
    heard = []
    with Interrupts() as stopping:
        stopping.on_stop(lambda: heard.append(stopping.asked))
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        await stopping.sleep(NEVER)
        assert stopping.asked
        assert heard == [True]


async def test_who_sleeps_after_that_does_not_wait():
    with Interrupts() as stopping:
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)
        await stopping.sleep(NEVER)


async def test_sleep_ends_by_itself():
    with Interrupts() as stopping:
        await stopping.sleep(0)
        assert not stopping.asked


class Pressing:
    """A clock by which each signal comes so many seconds after the one before."""

    def __init__(self, pause):
        self._now, self._pause = 0.0, pause

    def __call__(self):
        self._now += self._pause
        return self._now


async def hear(*numbers, pause):
    """Raise signals, and give what was heard of them."""
    heard = []
    with Interrupts(clock=Pressing(pause)) as stopping:
        stopping.on_stop(lambda: heard.append("stop"))
        stopping.on_impatience(lambda: heard.append("how long"))
        for number in numbers:
            signal.raise_signal(number)
        await asyncio.sleep(0)
    return heard


@pytest.mark.parametrize("second", _SIGNALS)
async def test_the_second_signal_asks_how_long_it_takes(second):
    assert await hear(signal.SIGINT, second, pause=ONE_PRESS) == ["stop", "how long"]


async def test_what_comes_at_once_after_a_signal_is_the_same_wish():
    assert await hear(*[signal.SIGINT] * 9, pause=ONE_PRESS / 10) == ["stop"]


async def test_the_second_signal_harms_nobody_where_nobody_answers():
    with Interrupts(clock=Pressing(ONE_PRESS)) as stopping:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_third_signal_ends_the_program_as_usual_once_a_step_of_a_task_is_done(number):
    assert ended_by(number, times=3) == (["1", "2", "3", "handed on"], -number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_fourth_ends_it_in_the_middle_of_one(number):
    assert ended_by(number, times=4) == (["1", "2", "3"], -number)


def ended_by(number, times):
    """Raise a signal so many times in one step of a task; give what the program did until it ended, and how it did."""
    command = [sys.executable, "-c", PRESSED, str(int(number)), str(times)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        said = process.communicate()[0].splitlines()
    return said, process.returncode


PRESSED = """
import asyncio, itertools, signal, sys
from bulk.running.interrupts import Interrupts
async def main(number, times):
    with Interrupts(clock=itertools.count().__next__):
        for press in range(1, times + 1):
            signal.raise_signal(number)
            print(press, flush=True)
        print("handed on", flush=True)
        await asyncio.sleep(3600)
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


async def test_afterwards_signals_mean_what_they_meant_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_nobody_presses_ctrl_c():
    async def sleep():
        with Interrupts() as stopping:
            await stopping.sleep(0)
            return stopping.asked

    done = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(sleep())))
    thread.start()
    thread.join()
    assert done == [False]


# From another thread.


@pytest.fixture
def wish():
    wish = StopRequest()
    token = STOP_REQUEST.set(wish)
    yield wish
    STOP_REQUEST.reset(token)


async def test_a_wish_from_another_thread_wakes_and_calls(wish):
    heard = []
    with Interrupts() as stopping:
        stopping.on_stop(lambda: heard.append("asked"))
        asking = threading.Thread(target=wish.ask)
        asking.start()
        await stopping.sleep(NEVER)
        asking.join()
        assert heard == ["asked"]


async def test_a_wish_that_was_told_before_is_heard(wish):
    wish.ask()
    heard = []
    with Interrupts() as stopping:
        await stopping.sleep(NEVER)
        stopping.on_stop(lambda: heard.append("asked"))
    assert heard == ["asked"]


async def test_a_wish_after_the_end_calls_nobody(wish):
    with Interrupts() as stopping:
        pass
    wish.ask()
    await asyncio.sleep(0)
    assert not stopping.asked
