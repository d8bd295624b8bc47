"""Ctrl-C, once, twice and three times."""

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from bulk.stopping import _SIGNALS, ONE_PRESS, Stopping

NEVER = 3600
"""Seconds that no test waits: being woken is what is tested."""


async def test_nobody_asked_yet():
    with Stopping() as stopping:
        assert not stopping.asked


@pytest.mark.parametrize("number", _SIGNALS)
async def test_the_first_signal_is_a_request_that_wakes_and_calls(number):
    heard = []
    with Stopping() as stopping:
        stopping.on_stop(lambda: heard.append(stopping.asked))
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        await stopping.sleep(NEVER)
        assert stopping.asked
        assert heard == [True]


async def test_who_sleeps_after_that_does_not_wait():
    with Stopping() as stopping:
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)
        await stopping.sleep(NEVER)


async def test_sleep_ends_by_itself():
    with Stopping() as stopping:
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
    with Stopping(clock=Pressing(pause)) as stopping:
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
    with Stopping(clock=Pressing(ONE_PRESS)) as stopping:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)


async def test_the_third_signal_ends_the_program_as_usual():
    with Stopping(clock=Pressing(ONE_PRESS)) as stopping:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        await stopping.sleep(NEVER)


def test_a_third_sigterm_ends_the_process():
    with subprocess.Popen([sys.executable, "-c", THREE_TERMS], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0].split() == ["one", "two"]
    assert process.returncode == -signal.SIGTERM


THREE_TERMS = """
import asyncio, itertools, signal
from bulk.stopping import Stopping
async def main():
    with Stopping(clock=itertools.count().__next__):
        for word in ("one", "two", "three"):
            signal.raise_signal(signal.SIGTERM)
            print(word, flush=True)
asyncio.run(main())
"""


async def test_afterwards_signals_mean_what_they_meant_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stopping():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_in_another_thread_nobody_presses_ctrl_c():
    async def sleep():
        with Stopping() as stopping:
            await stopping.sleep(0)
            return stopping.asked

    done = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(sleep())))
    thread.start()
    thread.join()
    assert done == [False]
